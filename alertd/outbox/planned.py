"""What a plan of messages is made of: what is asked for, each message, and what cannot be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from alertd.outbox.deliver import EMAIL, About
from alertd.outbox.waiting import Told
from alertd.people.directory import Resolved
from alertd.routing.mails import Rendered


class AskedLine(Protocol):
    """One alert that somebody subscribed to; ``role`` and ``why`` are for the row that says it was told."""

    @property
    def alert_id(self) -> int: ...
    @property
    def role(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def urgent(self) -> bool: ...


class Asked(Protocol):
    """What one person's subscriptions tell now, at once or with today's digest."""

    @property
    def person(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def at_once(self) -> Sequence[AskedLine]: ...
    @property
    def digest(self) -> Sequence[AskedLine]: ...


@dataclass(frozen=True, slots=True)
class Planned:
    """One message to be made: for whom and by which channel, its words, the notices it settles and the alerts it
    tells of. The person's address is of that channel."""

    person: Resolved
    mail: Rendered
    notices: tuple[int, ...]
    about: tuple[About, ...]
    urgent: bool
    digest_for: str | None = None
    channel: str = EMAIL


@dataclass(slots=True)
class Plan:
    """All messages to be made now, and what cannot be told.

    ``held`` could not be made, each with who must do what. ``withheld`` are alerts of restricted children, by who
    may hear only that they wait. ``nobody`` counts what fell to the duty address, by
    why; ``over`` those who had more urgent messages in one day than anybody reads. ``more``: there are further
    digests to be made after these.
    """

    messages: list[Planned] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    withheld: dict[str, list[Told]] = field(default_factory=dict)
    nobody: Counter[str] = field(default_factory=Counter)
    over: dict[str, int] = field(default_factory=dict)
    more: bool = False
