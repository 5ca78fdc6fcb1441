"""What every channel promises: one attempt, four outcomes, and no retries of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Result = Literal["delivered", "later", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message ready to leave: complete bytes, one sender, one recipient.

    ``id`` is the delivery's; ``content`` is an RFC 5322 message for e-mail channels.
    """

    id: str
    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt.

    ``delivered``: the next server took responsibility. ``later``: nothing was taken; trying again
    may help. ``refused``: nothing was taken and trying again will not help. ``unknown``: all of
    it was handed over and the answer was lost. ``reason`` is a sentence for the person who must
    act, without personal data. ``whole_channel`` says that the fault is not this message's (a
    wrong password, no TLS): others would meet it too.
    """

    result: Result
    reason: str
    whole_channel: bool = False


class Notifier(Protocol):
    """A channel. ``send`` never raises for what the other side does, and never retries."""

    name: str

    async def send(self, message: Message) -> Outcome:
        """Try once."""
        ...

    async def check(self) -> Outcome:
        """Go as far as sending would, and send nothing; ``delivered`` when a message could have gone."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
