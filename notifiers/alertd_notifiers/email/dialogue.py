"""The lines of one SMTP connection once it is open: what is written, and the replies in their order.

aiosmtplib, which opens the connection, hears one reply at a time and loses those that come together; a server that
takes several commands at once (PIPELINING, RFC 2920) answers so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, NamedTuple

from aiosmtplib import SMTPReadTimeoutError, SMTPResponseException, SMTPServerDisconnected

LONGEST: Final = 64 * 1024
"""Bytes of replies that are kept unread. A reply line has 512 (RFC 5321, 4.5.3.1.5); what sends more is no server."""


class Reply(NamedTuple):
    """One reply: its code and its text."""

    code: int
    text: str


class Dialogue(asyncio.Protocol):
    """Takes over an open connection. ``unread`` says that the server spoke without being asked, or has gone."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._buffer = bytearray()
        self._lines: list[bytes] = []
        self._begun = 0  # bytes of the reply that has not ended
        self._replies: deque[Reply] = deque()
        self._fault: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        transport.set_protocol(self)

    @property
    def unread(self) -> bool:
        """Whether there is anything that nobody asked for."""
        return bool(self._buffer or self._lines or self._replies or self._fault) or self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send bytes. Raises SMTPServerDisconnected where the connection is gone."""
        if self._fault or self._transport.is_closing():
            raise self._fault or SMTPServerDisconnected("Connection lost")
        self._transport.write(data)

    async def reply(self, timeout: float) -> Reply:
        """The next reply, within so many seconds.

        Raises SMTPReadTimeoutError, SMTPServerDisconnected, or SMTPResponseException for what is no reply.
        """
        if not self._replies and self._fault is None:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout):
                    await self._waiter
            except TimeoutError:
                raise SMTPReadTimeoutError("Timed out waiting for server response") from None
            finally:
                self._waiter = None
        if self._replies:
            return self._replies.popleft()
        assert self._fault
        raise self._fault

    def data_received(self, data: bytes) -> None:
        """Take lines as they come; after a fault, none."""
        if self._fault:
            return
        self._buffer += data
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = rest
        for line in lines:
            self._line(bytes(line))
        if len(self._buffer) + self._begun > LONGEST or len(self._replies) > LONGEST // 512:
            self._fail(SMTPResponseException(-1, "Response too long"))
        if self._replies:
            self._wake()

    def _line(self, line: bytes) -> None:
        if self._fault:
            return
        code = line[:3]
        if not code.isdigit() or len(code) != 3 or line[3:4] not in (b"", b" ", b"-", b"\r"):
            self._fail(SMTPResponseException(-1, "Malformed SMTP response line"))
            return
        self._lines.append(line[4:].strip())
        self._begun += len(line)
        if line[3:4] != b"-":
            text = b"\n".join(self._lines).decode("utf-8", "replace")
            self._lines.clear()
            self._begun = 0
            self._replies.append(Reply(int(code), text))

    def connection_lost(self, exc: Exception | None) -> None:
        """The server went away."""
        fault = SMTPServerDisconnected("Connection lost")
        fault.__cause__ = exc
        self._fail(fault)

    def eof_received(self) -> bool:
        """The server will say no more."""
        self._fail(SMTPServerDisconnected("Unexpected EOF received"))
        return False

    def _fail(self, fault: Exception) -> None:
        self._fault = self._fault or fault
        self._buffer.clear()
        self._lines.clear()
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
