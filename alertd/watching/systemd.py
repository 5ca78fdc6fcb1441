"""What systemd is told of the daemon: sd_notify(3), which is one datagram to a socket of its own."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

_PATIENCE: Final = 1.0
"""Seconds that systemd may take to read: then this is lost, and what comes next says the same."""


@dataclass(frozen=True, slots=True)
class Systemd:
    """Where it listens, and within how many seconds it wants to hear that all is well; None where it does not ask."""

    address: str
    within: float | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str], pid: int) -> Self | None:
        """As the environment of a process says; None where systemd did not start it, or asks nothing of it."""
        address = environment.get("NOTIFY_SOCKET", "")
        if not address:
            return None
        asked, of_whom = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", str(pid))
        ours = asked.isdigit() and int(asked) > 0 and of_whom == str(pid)
        return cls(address, int(asked) / 1e6 if ours else None)

    def reloading(self) -> tuple[str, str]:
        """What is said before files are read again; READY=1 after it ends that."""
        return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"

    def say(self, *words: str) -> None:
        """Tell it. Raises OSError where nobody listens."""
        name = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(_PATIENCE)
            out.connect(name)
            out.sendall("\n".join(words).encode())
