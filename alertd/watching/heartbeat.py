"""Heartbeats: an address elsewhere is asked for, and whoever keeps it expects that. No news is the alarm.

In a thread of their own and with short limits, so that a monitor that is away or slow costs no work. An address may be
a secret: it stands in no log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Full, Queue
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpcore

from alertd.watching.metrics import Metrics

TRIES: Final = 3
"""How often one is tried: a blip of the network must raise no alarm."""

_BETWEEN: Final = 2.0
_WAITING: Final = 50
"""How many may wait to be sent: those of hours. With a monitor that is so slow the rest is left out, and counted."""

_AT_THE_END: Final = 15.0
"""Seconds that the last ones may take when the daemon ends."""

_FAULTS: Final = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Check:
    """What one monitor expects: where, and whether it also hears of the start and of failure, at ``/start`` and
    ``/fail`` below it as healthchecks has them."""

    url: str
    signals: bool = False

    def at(self, signal: str) -> str:
        """The address for a signal: ``start``, ``fail``, or blank for success."""
        parts = urlsplit(self.url)
        path = f"{parts.path.rstrip('/')}/{signal}" if signal else parts.path or "/"
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


class Heartbeats:
    """Those of one daemon, by the name of the check: ``evaluation`` and ``work``. One that is not set is not sent."""

    def __init__(
        self,
        checks: dict[str, Check] | None = None,
        *,
        timeout: float = 10,
        log: Any = None,
        metrics: Metrics | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._checks = checks or {}
        self._timeout, self._log, self._metrics, self._sleep = timeout, log, metrics or Metrics(), sleep
        self._queue: Queue[tuple[str, str] | None] = Queue(_WAITING)
        self._thread: Thread | None = None
        self._fails: dict[str, str] = {}

    def says(self, check: str) -> bool:
        """Whether a check is set."""
        return check in self._checks

    def send(self, check: str, signal: str = "") -> None:
        """Send one soon. Never waits, and never fails."""
        found = self._checks.get(check)
        if found is None or (signal and not found.signals):
            return
        if self._thread is None:
            self._thread = Thread(target=self._work, name="heartbeats", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait((check, found.at(signal)))
        except Full:
            self._metrics.heartbeat(check, "left_out")

    def close(self) -> None:
        """Let those that wait go, for a short while."""
        if self._thread is None:
            return
        try:
            self._queue.put_nowait(None)
        except Full:
            return
        self._thread.join(_AT_THE_END)

    def _work(self) -> None:
        while (one := self._queue.get()) is not None:
            check, url = one
            why = self._tried(url)
            self._metrics.heartbeat(check, "failed" if why else "taken")
            self._say(check, why)

    def _tried(self, url: str) -> str:
        why = ""
        for nth in range(TRIES):
            if nth:
                self._sleep(_BETWEEN * nth)
            if not (why := asyncio.run(asked_for(url, self._timeout))):
                break
        return why

    def _say(self, check: str, why: str) -> None:
        """Each change once: a monitor that is away for a day is no news every five minutes."""
        before = self._fails.get(check, "")
        self._fails[check] = why
        if why and why != before:
            self._log.warning("heartbeat_failed", check=check, why=why)
        elif before and not why:
            self._log.info("heartbeat_taken", check=check)


async def asked_for(url: str, timeout: float) -> str:
    """Ask for an address; why that failed, or blank. Follows nothing, and reads nothing of what is answered."""
    try:
        async with asyncio.timeout(timeout), httpcore.AsyncConnectionPool(max_connections=1) as pool:
            headers = {"host": urlsplit(url).netloc, "user-agent": "alertd"}
            async with pool.stream("GET", url, headers=list(headers.items())) as answer:
                return "" if 200 <= answer.status < 300 else f"it answered {answer.status}"
    except _FAULTS as fault:
        return type(fault).__name__
