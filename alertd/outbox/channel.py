"""What every channel promises: one attempt, four outcomes, and no retries of its own.

A channel is a class of its own, found by an entry point of the group ``alertd.notifiers``: a function that
takes the channel's settings (a mapping) and returns a :class:`Notifier`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from alertd.errors import InputError

Result = Literal["delivered", "later", "refused", "unknown"]
Scope = Literal["message", "destination", "channel"]
ReceiptKind = Literal["arrived", "failed", "away", "acknowledged"]


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be said to one recipient, finished, in every form that a channel may need.

    ``id`` is the delivery's, a UUID, the same at every attempt; ``address`` is of the channel that writes it, and
    ``sender`` the e-mail address alertd writes from. ``preview`` is the one line a phone shows. ``about`` are numbers
    of alerts and ``reference`` a notification's own, for channels that send no more than that something waits.
    """

    id: str
    sender: str
    to_name: str
    address: str
    date: datetime
    subject: str
    preview: str
    text: str
    html: str
    language: str = "en"
    urgent: bool = False
    about: tuple[int, ...] = ()
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to leave: complete bytes for one recipient, as the channel's :meth:`Notifier.write` made them.

    ``id`` is the delivery's. ``again`` says that an earlier attempt's answer was lost: it may be there already.
    """

    id: str
    recipient: str
    content: bytes
    again: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt.

    ``delivered``: the next server took responsibility. ``later``: nothing was taken; trying again
    may help. ``refused``: nothing was taken and trying again will not help. ``unknown``: all of
    it was handed over and the answer was lost. ``reason`` is a sentence for the person who must
    act, without personal data. ``scope`` says what else would meet the same fault: nothing (``message``), all that
    goes to the same destination, or the whole channel (a wrong password, no TLS). ``retry_after`` is how long the
    other side asked to be left alone, and ``reference`` its own id of what it took, by which receipts are asked for.
    """

    result: Result
    reason: str
    scope: Scope = "message"
    retry_after: timedelta | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side said later of one delivery.

    ``arrived``: it is with the recipient. ``failed``: it will not arrive, though it was taken. ``away``: a machine
    answered that the recipient is not there. ``acknowledged``: the recipient's own system has it. ``key`` tells this
    receipt from all others, so that one read twice counts once. ``reason`` without personal data.
    """

    delivery: str
    kind: ReceiptKind
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Awaited:
    """A delivery whose receipt a channel may ask for: the other side's ``reference`` of it, and when it took it."""

    delivery: str
    reference: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a channel takes: messages on the way at one time, in all and to one destination, and, where the other
    side has a limit, a minute in all."""

    at_once: int = 20
    at_once_to_one: int = 15
    per_minute: int | None = None


class NotBelievedError(InputError):
    """What was posted to alertd does not show that it is from the other side of the channel."""


class Notifier(ABC):
    """A channel. ``send`` never raises for what the other side does, and never retries.

    A channel is used by one event loop at a time; :meth:`write` and :meth:`destination` from any thread.
    """

    name: str
    pace: Pace = Pace()
    hears: Callable[[str], None] | None = None
    """Who watches an attempt, where a person tries the channel out: told of each step when it is done."""

    def say(self, step: str) -> None:
        """A step that is done, in words: how far it came and with whom, and nothing of the message."""
        if self.hears is not None:
            self.hears(step)

    @abstractmethod
    def write(self, letter: Letter) -> bytes:
        """The bytes that are sent, made once and kept for all attempts. No network, no clock.

        Raises ``InputError`` for an address that is none here, and for what cannot be a message.
        """

    @abstractmethod
    async def send(self, message: Message) -> Outcome:
        """Try once."""

    @abstractmethod
    async def check(self) -> Outcome:
        """Go as far as sending would, and send nothing; ``delivered`` when a message could have gone."""

    def destination(self, address: str) -> str:
        """What fails together with this address: the domain, the endpoint; blank where that is the whole channel."""
        return address.rpartition("@")[2].lower() if "@" in address else ""

    async def receipts(self, awaited: Sequence[Awaited]) -> list[Receipt]:
        """What the other side says by now of messages that it took, where it has to be asked. Never raises for what
        the other side does: then there is nothing new."""
        del awaited
        return []

    def called_back(self, headers: Mapping[str, str], body: bytes) -> list[Receipt]:
        """What the other side posted to alertd by itself, where it does so. No network, no clock; from any thread.

        Raises ``NotBelievedError`` for what does not show that it is theirs, and ``InputError`` for what cannot be
        read.
        """
        del headers, body
        raise NotBelievedError("this channel is not called back")

    async def close(self) -> None:  # noqa: B027 - a channel that keeps no connection has nothing to do
        """Let go of connections; a later :meth:`send` opens new ones."""
