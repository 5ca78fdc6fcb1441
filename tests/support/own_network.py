"""A network of a test's own, with a cable that can be pulled: what runs there reaches this machine by it alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from types import TracebackType
from typing import Self

import pytest

HERE, THERE = "10.213.77.1", "10.213.77.2"
"""The addresses of this machine and of the network, at the two ends of the cable."""


class OwnNetwork:
    """Skips the test where networks may not be made."""

    def __init__(self) -> None:
        self.name = f"alertd-{os.getpid()}"
        self._end = f"al{os.getpid()}"

    def __enter__(self) -> Self:
        if shutil.which("ip") is None or os.geteuid() != 0:
            pytest.skip("only root may make a network, with ip of iproute2")
        made = self._ip("netns", "add", self.name)
        if made.returncode:
            pytest.skip(f"no network can be made here: {made.stderr.strip()}")
        for told in (
            ("-n", self.name, "link", "set", "lo", "up"),
            ("link", "add", self._end, "type", "veth", "peer", "name", "cable", "netns", self.name),
            ("addr", "add", f"{HERE}/24", "dev", self._end),
            ("-n", self.name, "addr", "add", f"{THERE}/24", "dev", "cable"),
            ("link", "set", self._end, "up"),
            ("-n", self.name, "link", "set", "cable", "up"),
        ):
            done = self._ip(*told)
            if done.returncode:
                self._gone()
                pytest.skip(f"no network can be made here: {done.stderr.strip()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gone()

    def inside(self, *command: str) -> list[str]:
        """The command that runs another one in the network."""
        return ["ip", "netns", "exec", self.name, *command]

    def pull(self) -> None:
        """Pull the cable: nobody hears that the other end is gone."""
        assert self._ip("link", "set", self._end, "down").returncode == 0

    def plug_in(self) -> None:
        """Put it back."""
        assert self._ip("link", "set", self._end, "up").returncode == 0

    def _gone(self) -> None:
        self._ip("link", "del", self._end)
        self._ip("netns", "del", self.name)

    def _ip(self, *told: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["ip", *told], capture_output=True, text=True)
