"""Patterns, and the facts they are matched on: what the engine is asked, in neutral form.

A *pattern* is the timeless half of a rule: which records start its clock (anchors) and which stop
it (stoppers). Rules that share both share the pattern, so the looked-after review rules are matched
once. The other half, when it is due, is arithmetic and stays out of the engine.

Every value is typed at the record boundary. A blank or doubtful field a condition looks at becomes
a flag beside the facts (``?field``, and ``told_field`` for its opposite), and a date in doubt
``!field``; so "cannot tell" is decided by what is there, never by a comparison that fails in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from alertd.cases.records import KINDS, CaseFile, Record, Value, local_day
from alertd.rulebook.model import Condition, Rule

Fact = dict[str, bool | int | str]

NO_END = 9_999_999
"""An ordinal later than any day, for anchors that are open or do not bound their clocks."""


NEVER = -1
"""An ordinal earlier than any beginning, for dates that are blank or have not come."""

BLANK = ""
"""Stands for a blank value, because the engine fails on a comparison with a field that is not there.
It equals nothing a feed can hold, and every rule that compares asks ``?field`` as well."""


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
    """What the engine said of one anchor under one pattern: ``certain`` unless a condition could
    not be told; the ids of stoppers that certainly, and of those that possibly, stop its clocks."""

    certain: bool
    stoppers: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)


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


def facts_of(
    case: CaseFile,
    kinds: Mapping[str, frozenset[str]],
    early: frozenset[int],
    died: date | None,
    as_of: datetime,
) -> list[Fact]:
    """The facts about one child's records of the ``kinds`` given, each with the fields looked at.
    ``early`` are the numbers of days before a beginning that some pattern allows.

    Nothing dated after ``as_of`` is asserted: it has not happened yet.
    """
    today = local_day(as_of)
    return [
        _fact(record, kinds[record.kind], early, died, today, as_of) for record in case.records if record.kind in kinds
    ]


def _fact(
    record: Record, looked_at: frozenset[str], early: frozenset[int], died: date | None, today: date, as_of: datetime
) -> Fact:
    kind = KINDS[record.kind]
    begin = record.day(kind.begins)
    end = ends_on(record, died, today)
    fact: Fact = {
        "sid": record.child,
        "id": record.ref,
        "kind": record.kind,
        "key": record.key,
        "here": True,
        "begun": begin is None or not is_after(record.values[kind.begins], as_of),
        **{f"from{days}": begin.toordinal() - days if begin else 0 for days in early},
        "to": end.toordinal() if end else NO_END,
    }
    for name in looked_at:
        value = record.values.get(name)
        happened = isinstance(value, date) and not is_after(value, as_of)
        fact[f"v_{name}"] = BLANK if value is None else fact_value(value)
        fact[f"?{name}"] = value is None
        fact[f"told_{name}"] = value is not None
        fact[f"!{name}"] = value is None and record.doubt(name) is not None
        fact[f"day_{name}"] = local_day(value).toordinal() if happened and isinstance(value, date) else NEVER
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
