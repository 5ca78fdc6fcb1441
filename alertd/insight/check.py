"""What a check of a child's records is, what it looks at, and what it says.

A *query* is what a data team sends back to whoever keeps the record: this cannot be, or does not
agree, or is not there. It is never an alarm. Nothing a cell holds is repeated but for days, and of
those never the day of birth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final, Literal, TypeGuard

from alertd.calendars.calendar import Calendar
from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record, local_day

Severity = Literal["impossible", "conflicting", "missing", "unreadable"]
SEVERITIES: Final[dict[Severity, str]] = {
    "impossible": "Cannot be as recorded",
    "conflicting": "Records that do not agree",  # as gap.data_conflict says it
    "missing": "Not recorded",
    "unreadable": "Cannot be read",
}
"""The severities in the order of a report, with their titles."""

Blocks = Literal["told", "touched", "counted", "none"]
"""How the rules that a query blocks are found: those that evaluating says it leaves in doubt;
those judged by the record, which evaluating takes at its word; those that count such records; none."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What a check has to know of the feed: the kinds it ``holds``, the fields it ``lacks``
    (``kind.field``), and ``drawn``, the last day it can know anything of."""

    holds: frozenset[str]
    lacks: frozenset[str]
    drawn: date


@dataclass(frozen=True, slots=True)
class Query:
    """One thing to be put right: the record and its field, where it stands, and why it is asked.

    ``kind`` is that of the record. ``record`` (``kind:key``) is blank where a record is not there at
    all. ``other`` is where the record stands that says otherwise.
    """

    check: str
    child: str
    kind: str
    record: str
    field: str
    where: str
    why: str
    other: str = ""


@dataclass(frozen=True)
class Look:
    """One child's records, and the day ``now`` on which they are looked at. ``today`` is the last day
    the feed can know of: never after that on which it was drawn up, or the days for which it speaks of
    this child."""

    case: CaseFile
    feed: Feed
    today: date
    now: date
    calendar: Calendar
    by_kind: Mapping[str, list[Record]] = field(default_factory=dict)

    @classmethod
    def at(cls, case: CaseFile, feed: Feed, today: date, calendar: Calendar) -> Look:
        """A look at a child on a day."""
        known = min(today, feed.drawn, case.window.end or today)
        return cls(case, feed, known, today, calendar, case.by_kind())

    @cached_property
    def child(self) -> Record | None:
        """The child's own record."""
        return next(iter(self.by_kind.get("child", ())), None)

    @property
    def born(self) -> date | None:
        return self.child.day("born") if self.child else None

    @property
    def died(self) -> date | None:
        return self.child.day("died") if self.child else None

    def of(self, *kinds: str) -> Iterator[Record]:
        """The records of these kinds."""
        for kind in kinds:
            yield from self.by_kind.get(kind, ())

    def open(self, *kinds: str) -> Iterator[Record]:
        """Those that have begun, or are not known to begin later, and whose end is blank or ahead.
        One whose end is in doubt is left out: that is a query of its own."""
        for record in self.of(*kinds):
            ends = KINDS[record.kind].ends or ""
            start, end = begins(record), record.day(ends)
            if not record.doubt(ends) and (start is None or start <= self.today) and (end is None or end > self.today):
                yield record


def begins(record: Record) -> date | None:
    """The day on which a record begins or happened, where that is known."""
    return record.day(KINDS[record.kind].begins)


def is_day(value: object) -> TypeGuard[date]:
    """Whether a value is a day or a moment."""
    return isinstance(value, date)


def days_of(record: Record) -> Iterator[tuple[str, date]]:
    """Each date of a record, as its London day, with the field it is in."""
    for name, value in record.values.items():
        if is_day(value):
            yield name, local_day(value)


@dataclass(frozen=True, slots=True)
class Hit:
    """What a check found: the record, its field, why, and where the record is that says otherwise.
    ``kind`` is given where it is not the record's own: the record shows that another is not there."""

    record: Record
    field: str
    why: str
    other: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, its title for people, what it says of the record, and how it looks."""

    name: str
    title: str
    severity: Severity
    blocks: Blocks
    look: Callable[[Look], Iterator[Hit]]

    def queries(self, look: Look) -> Iterator[Query]:
        """What the check asks about a child."""
        for hit in self.look(look):
            record = hit.record
            missing = hit.kind and hit.kind != record.kind
            yield Query(
                self.name,
                look.case.child,
                hit.kind or record.kind,
                "" if missing else record.ref,
                hit.field,
                record.where,
                hit.why,
                hit.other,
            )


def check(title: str, severity: Severity, blocks: Blocks) -> Callable[[Callable[[Look], Iterator[Hit]]], Check]:
    """Make a function a check of that name."""

    def made(look: Callable[[Look], Iterator[Hit]]) -> Check:
        return Check(look.__name__, title, severity, blocks, look)

    return made
