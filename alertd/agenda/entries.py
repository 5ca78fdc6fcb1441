"""The entries of the agenda in the database, and the marks of how far each thing was followed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, delete, false, func, insert, or_, select, update
from sqlalchemy.orm import Session

from alertd.db.agenda_tables import AgendaEntry, AgendaMark
from alertd.engine.look import Ahead

Why = Literal["first", "data", "merged", "window", "notice", "clock", "instant", "failed", "rules"]
"""Why a child is looked at: it never was; a feed said something new of it, or its number was merged; the feeds' windows
moved on; an agency was told or answered; our own clock was set back; its instant has come; it could not
be judged the last time; it was judged by other rules, another calendar or another program."""

_ONE_STATEMENT: Final = 500


@dataclass(frozen=True, slots=True)
class Called:
    """A child to be looked at, why, and the turn of its entry when that was seen."""

    child: str
    why: str
    turn: int


def call(session: Session, children: Iterable[str], why: Why, now: datetime) -> int:
    """Have these children looked at next; how many they are."""
    wanted = sorted(set(children))
    for some in _parts(wanted):
        there = set(session.scalars(select(AgendaEntry.child).where(AgendaEntry.child.in_(some))))
        if there:
            _call(session, AgendaEntry.child.in_(some), why, now)
        if fresh := [child for child in some if child not in there]:
            values = [{"child": child, "due_at": now, "why": why} for child in fresh]
            session.execute(insert(AgendaEntry), values)
    return len(wanted)


def call_everybody(session: Session, why: Why, now: datetime) -> None:
    """Have every child looked at again who ever was."""
    _call(session, AgendaEntry.child.is_not(None), why, now)


def call_moved(session: Session, moved: int, now: datetime) -> None:
    """Have those looked at whose answers rest on days that the feeds' windows no longer cover, or do by now."""
    _call(session, AgendaEntry.slack < moved, "window", now)


def call_judged_after(session: Session, now: datetime) -> None:
    """Have those looked at whom a clock that went ahead had looked at later than it is now."""
    _call(session, AgendaEntry.judged_at > now, "clock", now)


def _call(session: Session, which: ColumnElement[bool], why: Why, now: datetime) -> None:
    called = update(AgendaEntry).where(which)
    session.execute(called.values(due_at=now, why=why, slack=None, turn=AgendaEntry.turn + 1))


def due(
    session: Session, now: datetime, digests: Collection[str], most: int, but: Collection[str] = frozenset()
) -> list[Called]:
    """Who is to be looked at now, at most so many and none of ``but``: those who are due, the longest first, then those
    judged by none of these digests."""
    columns = (AgendaEntry.child, AgendaEntry.why, AgendaEntry.turn)
    ripe = select(*columns).where(AgendaEntry.due_at <= now).order_by(AgendaEntry.due_at, AgendaEntry.child)
    enough = most + len(but)
    found = {row[0]: Called(*row) for row in session.execute(ripe.limit(enough)) if row[0] not in but}
    if len(found) < most:
        stale = select(*columns).where(_judged_by_none_of(digests)).limit(enough)
        for row in session.execute(stale):
            if row[0] not in but:
                found.setdefault(row[0], Called(row[0], "rules", row[2]))
    return list(found.values())[:most]


def waiting(session: Session, now: datetime, digests: Collection[str]) -> int:
    """How many are to be looked at now."""
    which = or_(AgendaEntry.due_at <= now, _judged_by_none_of(digests))
    return session.scalar(select(func.count()).select_from(AgendaEntry).where(which)) or 0


def _judged_by_none_of(digests: Collection[str]) -> ColumnElement[bool]:
    """As spans between the digests, because an index finds spans, and not what is unlike something."""
    if not digests:
        return false()
    column, ordered = AgendaEntry.judged_by, sorted(digests)
    between = [(column > low) & (column < high) for low, high in pairwise(ordered)]
    return or_(column < ordered[0], *between, column > ordered[-1])


def unmoved(session: Session, called: Sequence[Called]) -> list[Called]:
    """Those of whom nothing came in between since they were called: of the others what was found is older than what
    is known by now, and they are looked at again."""
    turns: dict[str, int] = {}
    for some in _parts([one.child for one in called]):
        rows = session.execute(select(AgendaEntry.child, AgendaEntry.turn).where(AgendaEntry.child.in_(some)))
        turns |= {row[0]: row[1] for row in rows}
    return [one for one in called if turns.get(one.child) == one.turn]


@dataclass(frozen=True, slots=True)
class Judged:
    """What is kept of a child that was looked at: what is ahead of it, or why it could not be judged."""

    due_at: datetime | None
    why: Why
    judged_by: str
    slack: int | None = None
    is_open: bool = False
    failed: str | None = None


def of(ahead: Ahead, moved: int, judged_by: str) -> Judged:
    """The entry of a child for whom this is ahead, when the windows have moved so far in all."""
    slack = None if ahead.slack is None else moved + ahead.slack
    return Judged(ahead.at, "instant", judged_by, slack, ahead.is_open)


def settle(session: Session, called: Iterable[Called], found: Mapping[str, Judged], now: datetime) -> None:
    """Write what is kept of each child that was looked at; those of whom nothing is are forgotten."""
    rows, gone = [], []
    for one in called:
        judged = found.get(one.child)
        if judged is None:
            gone.append(one.child)
        else:
            rows.append(
                {
                    "child": one.child,
                    "due_at": judged.due_at,
                    "why": judged.why,
                    "judged_at": now,
                    "judged_by": judged.judged_by,
                    "slack": judged.slack,
                    "is_open": judged.is_open,
                    "failed": judged.failed and judged.failed[:200],
                    "turn": one.turn + 1,
                }
            )
    if rows:
        session.execute(update(AgendaEntry), rows)
    for some in _parts(gone):
        session.execute(delete(AgendaEntry).where(AgendaEntry.child.in_(some)))


def failed(session: Session) -> dict[str, str]:
    """The children who could not be read or evaluated when they were last looked at, with why."""
    rows = session.execute(select(AgendaEntry.child, AgendaEntry.failed).where(AgendaEntry.failed.is_not(None)))
    return {child: why for child, why in rows if why is not None}


def open_children(session: Session) -> int:
    """How many of the children are somebody's case."""
    return session.scalar(select(func.count()).select_from(AgendaEntry).where(AgendaEntry.is_open)) or 0


def mark(session: Session, name: str) -> dict[str, Any] | None:
    """How far something was followed; None where it never was."""
    found = session.get(AgendaMark, name)
    return found.value if found else None


def set_mark(session: Session, name: str, value: dict[str, Any] | None) -> None:
    """Note how far something was followed, with what that called in the same transaction; None forgets it."""
    found = session.get(AgendaMark, name)
    if found is None and value is not None:
        session.add(AgendaMark(name=name, value=value))
    elif found is not None and value is None:
        session.delete(found)
    elif found is not None and found.value != value:
        found.value = value  # type: ignore[assignment]


def forget(session: Session) -> None:
    """Have every child looked at as if for the first time, as where the database is another than the agenda was made
    for."""
    session.execute(delete(AgendaEntry))
    session.execute(delete(AgendaMark))


def _parts(wanted: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(wanted), _ONE_STATEMENT):
        yield wanted[at : at + _ONE_STATEMENT]
