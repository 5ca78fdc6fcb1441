"""One connection to the relay, driven step by step so that a failure's stage is known."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import suppress

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPNotSupported, SMTPServerDisconnected

from alertd.outbox.channel import Message
from alertd_notifiers.email.config import EmailConfig
from alertd_notifiers.email.verdict import Stage

_QUIT_SECONDS = 5.0


class Connection:
    """A connection, and in ``stage`` how far the present attempt has come."""

    def __init__(self, config: EmailConfig, context: ssl.SSLContext, password: str | None) -> None:
        self.stage = Stage.CONNECT
        self._config = config
        self._password = password
        self._transport: asyncio.BaseTransport | None = None
        self._smtp = SMTP(
            hostname=config.host,
            port=config.port,
            timeout=config.timeout_seconds,
            use_tls=config.tls == "implicit",
            start_tls=False,  # open() does it, so that its failure has its own stage
            tls_context=context,
            local_hostname=config.sender.rpartition("@")[2],  # the library's own default waits for DNS
        )

    @property
    def is_open(self) -> bool:
        """Connected, as far as this side knows."""
        return self._smtp.is_connected

    async def open(self) -> None:
        """Connect, encrypt, log in."""
        await self._smtp.connect()
        self._transport = self._smtp.transport
        await self._smtp.ehlo()
        if self._config.tls == "starttls":
            self.stage = Stage.TLS
            if not self._smtp.supports_extension("starttls"):
                raise SMTPException("TLS is required and the server does not offer it")
            await self._smtp.starttls()
            self._transport = self._smtp.transport
            self.stage = Stage.CONNECT
            await self._smtp.ehlo()
        if self._config.username is not None and self._password is not None:
            self.stage = Stage.LOGIN
            # login() tries each method with the same password: a wrong one would count as several failures.
            login = self._smtp.auth_plain if "plain" in self._smtp.server_auth_methods else self._smtp.login
            await login(self._config.username, self._password)

    async def still_usable(self) -> bool:
        """Whether the server still answers on this connection, ready for the next message."""
        self.stage = Stage.CONNECT
        try:
            await self._smtp.rset()
        except (SMTPException, OSError):
            self.abort()
            return False
        return True

    async def announce(self, message: Message) -> None:
        """Everything up to the server's word that it is ready for the message."""
        self.stage = Stage.SENDER
        options = []
        if self._smtp.supports_extension("size"):
            options.append(f"SIZE={len(_lines(message.content))}")
        if not message.content.isascii():
            if not self._smtp.supports_extension("8bitmime"):
                raise SMTPNotSupported("the server takes only messages in plain ASCII")
            options.append("BODY=8BITMIME")
        await self._smtp.mail(self._config.sender, options=options)
        self.stage = Stage.RECIPIENT
        await self._smtp.rcpt(message.recipient)
        self.stage = Stage.MESSAGE
        reply = await self._smtp.execute_command(b"DATA")
        if reply.code != 354:
            raise SMTPDataError(reply.code, reply.message)

    async def hand_over(self, message: Message) -> None:
        """The message itself, and the answer to it."""
        # Not SMTP.data(): that does not tell a loss before the message from one after it.
        protocol = self._smtp.protocol
        if protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        protocol.write(re.sub(rb"(?m)^\.", b"..", _lines(message.content)) + b".\r\n")
        self.stage = Stage.ANSWER
        reply = await protocol.read_response(timeout=self._config.answer_seconds)
        if not 200 <= reply.code <= 299:
            raise SMTPDataError(reply.code, reply.message)

    async def leave(self) -> None:
        """Say goodbye, briefly, and close."""
        with suppress(SMTPException, OSError):
            async with asyncio.timeout(_QUIT_SECONDS):
                await self._smtp.quit()
        self.abort()

    def abort(self) -> None:
        """Close at once, without waiting for the other side to close its half of TLS."""
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()
        self._smtp.close()


def _lines(content: bytes) -> bytes:
    """The message with CRLF at the end of every line, whatever ended it before."""
    content = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"
