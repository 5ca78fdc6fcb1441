"""Patterns, and the facts they are matched on: what the engine is asked, in neutral form.

A *pattern* is the timeless half of a rule: which records start its clock (anchors) and which stop
it (stoppers). Rules that share both share the pattern, so the looked-after review rules are matched
once. The other half, when it is due, is arithmetic and stays out of the engine.

Every value is typed at the record boundary. A blank or doubtful value is left out, so nothing that
compares it can match; what that leaves untold is decided apart, in ``doubts``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record, Value, local_day
from alertd.rulebook.model import Condition, Rule

Fact = dict[str, bool | int | str]

NO_END = 9_999_999
"""An ordinal later than any day, for anchors that are open or do not bound their clocks."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which records start a clock and which may stop it. ``on`` is the stopper's date field;
    ``early`` is how many days before the anchor began it may have happened."""

    anchor: str
    where: tuple[Condition, ...]
    stopper: str | None
    stopper_where: tuple[Condition, ...]
    on: str
    early: int

    @classmethod
    def of(cls, rule: Rule) -> Pattern:
        """The pattern of a rule."""
        until = rule.until
        return cls(rule.for_, rule.where, until.record, until.where, until.on or "", until.early_days)


@dataclass(slots=True)
class Match:
    """What is known of one anchor under one pattern: whether it certainly matches, and the refs of
    the records that certainly stop its clocks."""

    certain: bool = True
    stoppers: set[str] = field(default_factory=set)


def fact_value(value: Value) -> bool | int | str:
    """A value as the engine may compare it: days as ordinals, moments as epoch seconds."""
    if isinstance(value, datetime):
        return int(value.timestamp())
    return value.toordinal() if isinstance(value, date) else value


def ends_on(record: Record, died: date | None, today: date) -> date | None:
    """The day on which the clocks of this record ended, if that day has come.

    The child's death ends every clock; otherwise only kinds that bound their clocks do.
    """
    kind = KINDS[record.kind]
    end = record.day(kind.ends) if kind.bounds and kind.ends else None
    known = [d for d in (end, died) if d is not None and d <= today]
    return min(known, default=None)


@dataclass(frozen=True, slots=True)
class Instant:
    """When, and what is then known of the child: nothing dated after ``as_of`` has happened yet."""

    as_of: datetime
    died: date | None

    @property
    def today(self) -> date:
        """The day of ``as_of`` in Europe/London."""
        return local_day(self.as_of)

    def begun(self, record: Record) -> bool:
        """Whether the record's beginning has come, or is not known."""
        begin = record.values.get(KINDS[record.kind].begins)
        return begin is None or not is_after(begin, self.as_of)

    def span(self, anchor: Record, early: int) -> tuple[int, int]:
        """The ordinals of the first and last day on which an event may stop the anchor's clocks."""
        begin = anchor.day(KINDS[anchor.kind].begins)
        end = ends_on(anchor, self.died, self.today)
        return (begin.toordinal() - early if begin else 0, end.toordinal() if end else NO_END)

    def happened_on(self, record: Record, name: str) -> int | None:
        """The ordinal of a date that has come; None for one that is blank, in doubt or ahead."""
        value = record.values.get(name)
        if isinstance(value, date) and not is_after(value, self.as_of):
            return local_day(value).toordinal()
        return None


def facts_of(
    case: CaseFile, kinds: Mapping[str, frozenset[str]], early: frozenset[int], instant: Instant
) -> list[Fact]:
    """The facts about one child's records of the ``kinds`` given, each with the fields looked at.
    ``early`` are the numbers of days before a beginning that some pattern allows."""
    return [_fact(record, kinds[record.kind], early, instant) for record in case.records if record.kind in kinds]


def _fact(record: Record, looked_at: frozenset[str], early: frozenset[int], instant: Instant) -> Fact:
    fact: Fact = {
        "sid": record.child,
        "id": record.ref,
        "kind": record.kind,
        "key": record.key,
        "begun": instant.begun(record),
        "to": instant.span(record, 0)[1],
    }
    for days in early:
        fact[f"from{days}"] = instant.span(record, days)[0]
    for name in looked_at:
        value = record.values.get(name)
        if value is not None:
            fact[f"v_{name}"] = fact_value(value)
        day = instant.happened_on(record, name)
        if day is not None:
            fact[f"day_{name}"] = day
    return fact


def is_after(value: Value, as_of: datetime) -> bool:
    """Whether a day or moment has not come yet: a day counts as come from its first second."""
    if isinstance(value, datetime):
        return value > as_of
    return isinstance(value, date) and value > local_day(as_of)


def fields_looked_at(patterns: Iterable[Pattern]) -> dict[str, frozenset[str]]:
    """For each record kind the patterns name, the fields their conditions and dates look at."""
    found: dict[str, set[str]] = {}
    for pattern in patterns:
        anchor = found.setdefault(pattern.anchor, set())
        anchor |= {c.field for c in pattern.where}
        anchor |= {c.refers_to for c in pattern.stopper_where if c.refers_to and c.refers_to != "id"}
        if pattern.stopper:
            found.setdefault(pattern.stopper, set()).update({pattern.on}, (c.field for c in pattern.stopper_where))
    return {kind: frozenset(names) for kind, names in found.items()}
