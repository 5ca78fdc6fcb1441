"""One connection to the relay, driven step by step so that a failure's stage is known."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPSenderRefused,
)

from alertd.outbox.channel import Message
from alertd.outbox.mail_message import return_path
from alertd_notifiers.email.config import EmailConfig
from alertd_notifiers.email.dialogue import Dialogue, Reply
from alertd_notifiers.email.reach import connected
from alertd_notifiers.email.verdict import Stage, plain
from alertd_notifiers.secured import in_words

_QUIT_SECONDS = 5.0
_SAID = {
    Stage.SENDER: "the sender is accepted",
    Stage.RECIPIENT: "the recipient is accepted",
    Stage.MESSAGE: "the message may come",
}


class _Client(SMTP):
    """Lets go at once: the library's own close waits for the other side's part in it, which may never come."""

    def close(self) -> None:
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
        super().close()


class Connection:
    """A connection, and in ``stage`` how far the present attempt has come."""

    def __init__(
        self,
        config: EmailConfig,
        context: ssl.SSLContext,
        password: str | None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``say`` is told of each step that is done."""
        self.stage = Stage.CONNECT
        self._config = config
        self._password = password
        self._say = say
        self._transport: asyncio.Transport | None = None
        self._dialogue: Dialogue | None = None
        self._begun = False  # a message was announced that did not go
        self._smtp = _Client(
            hostname=config.host,  # only for its certificate: open() makes the connection
            timeout=config.timeout_seconds,
            use_tls=config.tls == "implicit",
            start_tls=False,  # open() does it, so that its failure has its own stage
            tls_context=context,
            local_hostname=config.sender.rpartition("@")[2],  # the library's own default waits for DNS
        )

    @property
    def usable(self) -> bool:
        """Open and in step, as far as this side knows."""
        return self._dialogue is not None and not self._dialogue.unread

    async def open(self) -> None:
        """Connect, encrypt, log in."""
        config = self._config
        made = await connected(config.host, config.port, config.timeout_seconds, self._say)
        try:
            await self._smtp.connect(sock=made)
        except BaseException:
            made.close()
            raise
        self._keep_transport()
        await self._smtp.ehlo()
        self._say(f"{config.host} answers")
        if self._config.tls == "starttls":
            self.stage = Stage.TLS
            if not self._smtp.supports_extension("starttls"):
                raise SMTPException("TLS is required and the server does not offer it")
            await self._smtp.starttls()
            self._keep_transport()
            self.stage = Stage.CONNECT
            await self._smtp.ehlo()
        if self._config.username is not None and self._password is not None:
            self.stage = Stage.LOGIN
            # login() tries each method with the same password: a wrong one would count as several failures.
            login = self._smtp.auth_plain if "plain" in self._smtp.server_auth_methods else self._smtp.login
            await login(self._config.username, self._password)
            self._say(f"logged in as {self._config.username}")

    def _keep_transport(self) -> None:
        if isinstance(self._smtp.transport, asyncio.Transport):
            self._transport = self._smtp.transport
            if made := self._transport.get_extra_info("ssl_object"):
                self._say(in_words(made))

    async def announce(self, message: Message) -> None:
        """Everything up to the server's word that it is ready for the message, in one go where it takes that."""
        self.stage = Stage.SENDER
        sender, recipient = self._envelope(message)
        if self._dialogue is None:
            assert self._transport is not None
            self._dialogue = Dialogue(self._transport)
        commands = [(Stage.SENDER, sender), (Stage.RECIPIENT, recipient), (Stage.MESSAGE, b"DATA\r\n")]
        reset = b"RSET\r\n" if self._begun else b""
        self._begun = True
        if self._smtp.supports_extension("pipelining"):
            self._dialogue.write(reset + b"".join(command for _, command in commands))
            await self._skip(reset)
            await self._together(message, [stage for stage, _ in commands])
            return
        if reset:
            self._dialogue.write(reset)
            await self._skip(reset)
        for self.stage, command in commands:
            self._dialogue.write(command)
            reply = await self._reply()
            if not _accepted(self.stage, reply):
                self._refuse(self.stage, reply, message)
            self._say(_SAID[self.stage])

    async def _skip(self, reset: bytes) -> None:
        if reset:
            await self._reply()

    async def _together(self, message: Message, stages: list[Stage]) -> None:
        """The replies to all of them, so that the connection stays in step; the first that is a refusal counts."""
        refused: tuple[Stage, Reply] | None = None
        for stage in stages:
            self.stage = refused[0] if refused else stage
            reply = await self._reply()
            if refused is None and _accepted(stage, reply):
                self._say(_SAID[stage])
            elif refused is None:
                refused = stage, reply
            elif refused and stage is Stage.MESSAGE and reply.code == 354:
                self.abort()  # it waits for a message to nobody
        if refused:
            self.stage = refused[0]
            self._refuse(*refused, message)

    def _envelope(self, message: Message) -> tuple[bytes, bytes]:
        """The two commands that name the sender and the recipient, with what the server can do."""
        able = self._smtp.supports_extension
        sender = return_path(self._config.bounces, message.id) if self._config.bounces else self._config.sender
        mail, rcpt = f"MAIL FROM:<{sender}>", f"RCPT TO:<{message.recipient}>"
        if able("size"):
            mail += f" SIZE={len(_lines(message.content))}"
        if not message.content.isascii():
            if not able("8bitmime"):
                raise SMTPNotSupported("the server takes only messages in plain ASCII")
            mail += " BODY=8BITMIME"
        if self._config.needs_tls_all_the_way(message.recipient):
            if not able("requiretls"):
                raise SMTPNotSupported("the domain needs TLS all the way, and the relay does not offer REQUIRETLS")
            mail += " REQUIRETLS"
        if able("dsn"):
            mail += f" RET=HDRS ENVID={_xtext(message.id)}"
            rcpt += f" NOTIFY=FAILURE,DELAY ORCPT=rfc822;{_xtext(message.recipient)}"
        return f"{mail}\r\n".encode("ascii"), f"{rcpt}\r\n".encode("ascii")

    def _refuse(self, stage: Stage, reply: Reply, message: Message) -> NoReturn:
        if stage is Stage.SENDER:
            raise SMTPSenderRefused(reply.code, reply.text, self._config.sender)
        if stage is Stage.RECIPIENT:
            raise SMTPRecipientRefused(reply.code, reply.text, message.recipient)
        raise SMTPDataError(reply.code, reply.text)

    async def hand_over(self, message: Message) -> None:
        """The message itself, and the answer to it."""
        assert self._dialogue is not None
        self._dialogue.write(re.sub(rb"(?m)^\.", b"..", _lines(message.content)) + b".\r\n")
        self.stage = Stage.ANSWER
        reply = await self._dialogue.reply(self._config.answer_seconds)
        self._begun = False
        if not 200 <= reply.code <= 299:
            raise SMTPDataError(reply.code, reply.text)
        self._say(f"the message was taken: {reply.code} {plain(reply.text)}".rstrip())

    async def _reply(self) -> Reply:
        assert self._dialogue is not None
        return await self._dialogue.reply(self._config.timeout_seconds)

    async def leave(self) -> None:
        """Say goodbye, briefly, and close."""
        with suppress(SMTPException, OSError):
            async with asyncio.timeout(_QUIT_SECONDS):
                if self._dialogue is not None:
                    self._dialogue.write(b"QUIT\r\n")
                    await self._dialogue.reply(_QUIT_SECONDS)
                else:
                    await self._smtp.quit()
        self.abort()

    def abort(self) -> None:
        """Close at once, without waiting for the other side to close its half of TLS."""
        if self._transport is not None:
            self._transport.abort()
        self._smtp.close()


def _accepted(stage: Stage, reply: Reply) -> bool:
    return reply.code == 354 if stage is Stage.MESSAGE else 200 <= reply.code <= 299


def _xtext(text: str) -> str:
    """As RFC 3461, 4 writes what an envelope quotes."""
    return re.sub(r"[^!-*,-<>-~]", lambda found: f"+{ord(found[0]):02X}", text)


def _lines(content: bytes) -> bytes:
    """The message with CRLF at the end of every line, whatever ended it before."""
    ends = content.count(b"\r\n")
    if ends != content.count(b"\n") or ends != content.count(b"\r"):
        content = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"
