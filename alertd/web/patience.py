"""How long a connection may take to say what it wants: half-open ones must not keep out those who ask for something.

uvicorn bounds how long a connection may rest between two requests, and neither how long its first may take to begin nor
how long one may take to arrive.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE: Final = 15.0
"""Seconds in which a whole request must have come: the longest form, over the slowest of lines."""

MOST: Final = 4000
"""Connections at one time; more are closed at once. The process may open some more files than that."""


class Impatient(H11Protocol):
    """HTTP/1.1 that ends connections whose request does not come."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock begins with the connection."""
        super().connection_made(transport)
        if len(self.connections) > MOST:
            transport.abort()
            return
        self._late = self.loop.call_later(PATIENCE, transport.abort)

    def data_received(self, data: bytes) -> None:
        """It stops when the request is there, and begins anew with the next."""
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            if self._late is None:
                self._late = self.loop.call_later(PATIENCE, self.transport.abort)
        else:
            self._calm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self._calm()
        super().connection_lost(exc)

    def _calm(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def open_more_files() -> None:
    """Let this process open as many files as it may: each connection is one, and the usual limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + 200 if hard == resource.RLIM_INFINITY else min(hard, MOST + 200)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
