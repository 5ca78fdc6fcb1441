"""People and teams of the authority, and somebody as they are told: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final, Literal

AWAY_FOR: Final = timedelta(days=7)
"""How long an automatic answer that somebody is away holds: a mailbox that goes on being away answers again after
so long (RFC 5230, 4.1, by default)."""

Language = Literal["en", "cy"]
Rung = Literal["person", "deputy", "inbox", "up", "duty"]
"""How far down the order somebody was found. ``up`` is any step above the role that was asked for."""


@dataclass(frozen=True, slots=True)
class Route:
    """A channel and an address there."""

    channel: str
    address: str


@dataclass(frozen=True, slots=True)
class Person:
    """One row of ``people.csv``. Away from ``away_from`` to ``away_to``, both included (blank:
    until further notice); gone from the day in ``leaves`` on.

    ``role`` is the main role and ``also`` further ones. A blank ``address`` means that nobody can be told
    there: whoever is next is. ``not_told_of`` are children of whom this person never hears. ``fallback`` is
    where they are told when e-mail fails. On ``answered_away`` their mailbox answered that they are away, which
    holds for :data:`AWAY_FOR`.
    """

    id: str
    name: str
    address: str
    role: str
    team: str | None = None
    deputy: str | None = None
    away_from: date | None = None
    away_to: date | None = None
    leaves: date | None = None
    also: tuple[str, ...] = ()
    language: Language = "en"
    not_told_of: frozenset[str] = frozenset()
    fallback: Route | None = None
    answered_away: date | None = None

    @property
    def roles(self) -> tuple[str, ...]:
        """The main role and all others."""
        return (self.role, *self.also)

    def absence(self, today: date) -> str | None:
        """Why this person cannot be told today, in words; None for somebody who is here."""
        if self.leaves is not None and self.leaves <= today:
            return "has left"
        if self.listed_away(today):
            return f"is away until {_day(self.away_to)}" if self.away_to else "is away until further notice"
        answered = self.answered_away
        if answered is not None and answered <= today < answered + AWAY_FOR:
            return f"is away, as their mailbox answered on {_day(answered)}"
        return None

    def listed_away(self, today: date) -> bool:
        """Whether the staff list says that they are away."""
        return self.away_from is not None and self.away_from <= today <= (self.away_to or date.max)


@dataclass(frozen=True, slots=True)
class Team:
    """One row of ``teams.csv``: its inbox, and the team or service above it. ``hours`` are its working hours
    in London (None: at any hour) and ``closed`` days off beside weekends and bank holidays. ``fallback`` is
    where they are told when the inbox fails."""

    id: str
    name: str
    parent: str | None = None
    inbox: str | None = None
    hours: tuple[time, time] | None = None
    closed: frozenset[date] = frozenset()
    fallback: Route | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """Who is told, at which address, and why they. ``person_id`` is ``team:<id>`` for a team's
    inbox and ``duty`` for the duty address.

    ``without_details``: the child is restricted and nobody who may hear of it could be found. They are to be
    told that a restricted child's alert waits, and nothing of the child: somebody has to mend it.
    ``fallback`` stands in where the address fails.
    """

    person_id: str
    name: str
    address: str
    how: str
    rung: Rung = "person"
    language: Language = "en"
    without_details: bool = False
    fallback: Route | None = None


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
