"""Patterns, and the facts they are matched on: what the engine is asked, in neutral form.

A *pattern* is the timeless half of a rule: which records it is for (anchors), and which other
records stop their clocks or make up the pattern of a gap (related). Rules that share both share the
pattern, so the looked-after review rules are matched once. The other half, when it is due, is
arithmetic and stays out of the engine; so does what an index can answer: a related record is
asserted once for each anchor within whose reach it lies.

Every value is typed at the record boundary. A blank or doubtful value is left out, so nothing that
compares it can match; what that leaves untold is decided apart, in ``doubts``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NamedTuple, TypeGuard

from alertd.cases.kinds import KINDS
from alertd.cases.records import Record, Value, local_day
from alertd.rulebook.model import Condition, Count, InARow, NoOpen, Rule, Scalar

Fact = dict[str, bool | int | str]
ByKind = Mapping[str, Sequence[Record]]

NO_END = 9_999_999
"""An ordinal later than any day, for anchors that are open or do not bound their clocks."""


class Asked(NamedTuple):
    """What a fact has to say for a condition: under which name what is told of which field."""

    name: str
    field: str
    refers_to: str | None
    among: tuple[Scalar, ...] | None

    @classmethod
    def by(cls, condition: Condition) -> Asked:
        """The field's value; or, for a join or a list, whether it holds."""
        among = condition.value if isinstance(condition.value, tuple) else None
        plain = condition.refers_to is None and condition.op != "in"
        name = f"v_{condition.field}" if plain else f"{condition.op}_{condition.field}_{condition.value}"
        return cls(name, condition.field, condition.refers_to, among)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which records a rule is for, and which others it looks at beside each: those of ``kinds``
    that meet ``related_where``, placed in time by their field ``on``.

    ``reach``: ``span`` for those that happened in the anchor's span of days, which begins ``early``
    days before the anchor did; ``any`` for all, whenever they are dated or not.
    """

    anchor: str
    where: tuple[Condition, ...]
    kinds: tuple[str, ...]
    related_where: tuple[Condition, ...]
    on: str
    early: int
    reach: Literal["span", "any"]
    asked: tuple[Asked, ...] = field(init=False, repr=False, compare=False)
    """What the conditions on related records look at."""
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "asked", tuple(map(Asked.by, self.related_where)))
        told = (self.anchor, self.where, self.kinds, self.related_where, self.on, self.early, self.reach)
        object.__setattr__(self, "_hash", hash(told))

    def __hash__(self) -> int:
        return self._hash  # asked for some twenty times a child, and its conditions are slow to answer

    @classmethod
    def of(cls, rule: Rule) -> Pattern:
        """The pattern of a rule that looks at records, not at ``others``."""
        if rule.stop:
            stop = rule.stop
            return cls(rule.for_, rule.where, stop.kinds, stop.where, stop.on or "", stop.early_days, "span")
        sought = rule.pattern
        assert isinstance(sought, Count | InARow | NoOpen)
        in_span = isinstance(sought, InARow) or (isinstance(sought, Count) and sought.last is not None)
        on = sought.on or ""
        return cls(rule.for_, rule.where, sought.kinds, sought.where, on, 0, "span" if in_span else "any")

    def held(self, by_kind: ByKind) -> Iterator[Record]:
        """The child's records of the kinds looked at."""
        return (r for kind in self.kinds for r in by_kind.get(kind, ()))

    def records(self, by_kind: ByKind, anchor: Record) -> Iterator[Record]:
        """The same, but for the anchor itself."""
        return (r for r in self.held(by_kind) if r is not anchor)


@dataclass(slots=True)
class Match:
    """What is known of one anchor under one pattern: whether it certainly matches, and the refs of
    the related records that certainly do."""

    certain: bool = True
    related: set[str] = field(default_factory=set)


def fact_value(value: Value) -> bool | int | str:
    """A value as the engine may compare it: days as ordinals, moments as epoch seconds."""
    if isinstance(value, datetime):
        return int(value.timestamp())
    return value.toordinal() if isinstance(value, date) else value


@dataclass(frozen=True, slots=True)
class Instant:
    """When, and what is then known of the child: nothing dated after ``as_of`` has happened yet."""

    as_of: datetime
    died: date | None
    today: date = field(init=False, compare=False)
    """The day of ``as_of`` in Europe/London."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "today", local_day(self.as_of))

    def has_come(self, value: Value | None) -> TypeGuard[date | datetime]:
        """Whether this is a day or moment that has come; a day has from its first second."""
        if isinstance(value, datetime):
            return value <= self.as_of
        return isinstance(value, date) and value <= self.today

    def begun(self, record: Record) -> bool:
        """Whether the record's beginning has come, or is not known."""
        begin = record.values.get(KINDS[record.kind].begins)
        return begin is None or self.has_come(begin)

    def ended(self, record: Record) -> date | None:
        """The day on which the clocks of this record ended, if that day has come.

        The child's death ends every clock but those of kinds that outlive the child; otherwise only
        kinds that bound their clocks do.
        """
        kind = KINDS[record.kind]
        end = record.day(kind.ends) if kind.bounds and kind.ends else None
        known = [d for d in (end, None if kind.outlives else self.died) if d is not None and d <= self.today]
        return min(known, default=None)

    def span(self, anchor: Record, early: int) -> tuple[int, int]:
        """The ordinals of the first and last day on which an event may stop the anchor's clocks."""
        begin = anchor.day(KINDS[anchor.kind].begins)
        end = self.ended(anchor)
        return (begin.toordinal() - early if begin else 0, end.toordinal() if end else NO_END)

    def happened_on(self, record: Record, name: str) -> date | None:
        """The day of a date that has come; None for one that is blank, in doubt or ahead."""
        value = record.values.get(name)
        return local_day(value) if self.has_come(value) else None

    def reaches(self, pattern: Pattern, span: tuple[int, int], record: Record) -> bool:
        """Whether a record lies within the reach of an anchor of that span for certain."""
        if pattern.reach == "any":
            return True
        day = self.happened_on(record, pattern.on)
        return day is not None and span[0] <= day.toordinal() <= span[1]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the engine is told of one child for patterns that share an anchor kind.

    One fact for each anchor that has begun, of the kind ``anchor``; and for each pattern, by its place ``n``, one of
    the kind ``n`` for each pair of an anchor and a related record in its reach. ``about`` has, by the fact's ``id``,
    the refs of the anchor and of that record: they stay here, for the engine compares neither.
    """

    told: list[Fact]
    about: dict[str, tuple[str, str]]


def facts_of(
    patterns: Sequence[Pattern], asked: Sequence[Asked], anchors: Sequence[Record], by_kind: ByKind, instant: Instant
) -> Facts:
    """The facts about these anchors. ``asked`` is what the patterns' conditions on anchors look at."""
    begun = [r for r in anchors if instant.begun(r)]
    told: list[Fact] = []
    about: dict[str, tuple[str, str]] = {}
    spans: list[tuple[int, Record, int, int]] = []
    for n, anchor in enumerate(begun):
        name = f"{n}"
        about[name] = anchor.ref, ""
        told.append({"id": name, "kind": "anchor", **_told(asked, anchor, anchor)})
        spans.append((n, anchor, *instant.span(anchor, 0)))
    for number, pattern in enumerate(patterns):
        for m, (record, day) in enumerate(_placed(pattern, by_kind, instant) if spans else ()):
            for n, anchor, first, last in spans:
                if record is not anchor and (pattern.reach == "any" or first - pattern.early <= day <= last):
                    name = f"{number} {n} {m}"
                    about[name] = anchor.ref, record.ref
                    told.append({"id": name, "kind": str(number), **_told(pattern.asked, record, anchor)})
    return Facts(told, about)


def _placed(pattern: Pattern, by_kind: ByKind, instant: Instant) -> list[tuple[Record, int]]:
    """The records of the kinds looked at that lie within anybody's reach, each with the ordinal of its day, where that
    matters. Once for all anchors; and of most kinds most children have none."""
    if pattern.reach == "any":
        return [(record, 0) for record in pattern.held(by_kind)]
    days = ((record, instant.happened_on(record, pattern.on)) for record in pattern.held(by_kind))
    return [(record, day.toordinal()) for record, day in days if day is not None]


def _told(asked: Iterable[Asked], record: Record, anchor: Record) -> Fact:
    """What is asked, where it is filled: values to compare, and joins and lists answered."""
    told: Fact = {}
    for name, field_, refers_to, among in asked:
        value = record.values.get(field_)
        if value is None:
            continue
        if refers_to:
            told[name] = value == (anchor.key if refers_to == "id" else anchor.values.get(refers_to))
        else:
            told[name] = value in among if among is not None else fact_value(value)
    return told
