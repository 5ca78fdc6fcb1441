"""The e-mail channel: one message, one recipient, one attempt, on a connection kept for the next."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aiosmtplib import SMTPException, SMTPResponseException, SMTPServerDisconnected

from alertd.outbox.channel import Letter, Message, Notifier, Outcome, Pace
from alertd.outbox.mail_message import to_bytes
from alertd_notifiers.email.config import ADDRESS, EmailConfig, Smime
from alertd_notifiers.email.connection import Connection
from alertd_notifiers.email.verdict import Stage, judge

if TYPE_CHECKING:
    from alertd_notifiers.email.smime import Sealer

_CLOSING = 421
"""RFC 5321, 3.8: the server closes the connection, as it may one that was idle."""

BEFORE_THE_MESSAGE = 5
"""All steps up to the message together may take this many times ``timeout_seconds``."""

SOON = timedelta(days=30)
"""How long before a certificate ends :meth:`EmailNotifier.check` says so: enough to have a new one issued."""


def _now() -> datetime:
    return datetime.now(UTC)


def _sealer(smime: Smime) -> Sealer | None:
    """None where nothing is to be signed or encrypted: the library that does it is 8 MB in every daemon."""
    if smime == Smime():
        return None
    from alertd_notifiers.email.smime import Sealer

    return Sealer(smime)


class EmailNotifier(Notifier):
    """Sends by one relay. Connections are kept between messages until :meth:`close`."""

    name = "email"

    def __init__(self, config: EmailConfig, clock: Callable[[], datetime] = _now) -> None:
        """Reads the password and the certificates now, so that a fault in them shows at the start."""
        self._config = config
        self._clock = clock
        self.pace = Pace(config.at_once, config.at_once_to_one, config.per_minute)
        self._password = config.secret()
        self._sealer = _sealer(config.smime)
        self._context = config.context()
        self._idle: list[Connection] = []

    def write(self, letter: Letter) -> bytes:
        """The mail, signed and encrypted as the settings want it."""
        mail = to_bytes(letter)
        return self._sealer.sealed(letter, mail) if self._sealer else mail

    async def send(self, message: Message) -> Outcome:
        """Try once: at most five times ``timeout_seconds``, then ``answer_seconds``."""
        for whose, address in (("sender", self._config.sender), ("recipient", message.recipient)):
            if not re.fullmatch(ADDRESS, address):
                return Outcome("refused", f"not sent: the {whose}'s address is not a plain ASCII name@domain")
        if (kept := self._kept()) and (outcome := await self._attempt(kept, message)):
            return outcome
        outcome = await self._attempt(self._connection(), message, new=True)
        assert outcome is not None
        return outcome

    async def _attempt(self, connection: Connection, message: Message, *, new: bool = False) -> Outcome | None:
        """Send on a connection. None where it was kept from before and turns out to be gone: nothing was taken."""
        try:
            async with asyncio.timeout(BEFORE_THE_MESSAGE * self._config.timeout_seconds):
                if new:
                    await connection.open()
                await connection.announce(message)
            await connection.hand_over(message)
        except (SMTPException, OSError) as fault:
            code = fault.code if isinstance(fault, SMTPResponseException) else 0
            self._release(connection, keep=code > 0 and connection.stage >= Stage.SENDER)
            gone = isinstance(fault, SMTPServerDisconnected) or code == _CLOSING
            if gone and not new and connection.stage is Stage.SENDER:
                return None
            return judge(connection.stage, fault)
        except BaseException:
            connection.abort()
            raise
        self._release(connection, keep=True)
        return Outcome("delivered", "the mail server took responsibility for it")

    async def check(self) -> Outcome:
        """Connect, encrypt, log in and take leave, on a connection of its own; sends nothing.

        A certificate for S/MIME that has ended is a fault, though mail to others goes.
        """
        now = self._clock()
        if doubts := self._doubts(now):
            return Outcome("refused", f"S/MIME: {'; '.join(doubts)}")
        connection = self._connection()
        try:
            async with asyncio.timeout(BEFORE_THE_MESSAGE * self._config.timeout_seconds):
                await connection.open()
        except (SMTPException, OSError) as fault:
            connection.abort()
            return judge(connection.stage, fault)
        except BaseException:
            connection.abort()
            raise
        await connection.leave()
        soon = "".join(f"; S/MIME: {doubt}" for doubt in self._doubts(now + SOON))
        return Outcome("delivered", f"{self._config.host} answers, with the security and the account asked for{soon}")

    def _doubts(self, at: datetime) -> list[str]:
        return self._sealer.in_doubt(at) if self._sealer else []

    async def close(self) -> None:
        """Take leave of the relay and let go of idle connections; later messages open new ones."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.leave() for connection in idle))

    def _connection(self) -> Connection:
        return Connection(self._config, self._context, self._password, self.say)

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.abort()
        return None

    def _release(self, connection: Connection, *, keep: bool) -> None:
        if keep and connection.usable:
            self._idle.append(connection)
        else:
            connection.abort()
