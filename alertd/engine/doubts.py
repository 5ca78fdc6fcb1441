"""Cannot tell: which records perhaps start a clock, stop it or make up a pattern.

Decided here, before and beside the engine, which matches what is there; a blank or doubtful value
simply does not match, and that silence must not pass for an answer. Few records are incomplete, so
they are looked at one by one, in three values: true, false, and None for *cannot tell*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from alertd.cases.records import Record, Value
from alertd.engine.facts import ByKind, Instant, Pattern
from alertd.rulebook.model import Condition


def holds(condition: Condition, record: Record, anchor: Record) -> bool | None:
    """Whether one condition holds for a record; None when its field, or the anchor's it joins on, is blank."""
    value = record.values.get(condition.field)
    wanted: Value | tuple[Value, ...] | None = condition.value
    if condition.refers_to:
        wanted = anchor.key if condition.refers_to == "id" else anchor.values.get(condition.refers_to)
    if value is None or wanted is None:
        return None
    match condition.op:
        case "is":
            return value == wanted
        case "not":
            return value != wanted
        case "in":
            assert isinstance(wanted, tuple)
            return value in wanted
        case "at_least":
            assert isinstance(value, int) and isinstance(wanted, int)
            return value >= wanted
        case "at_most":
            assert isinstance(value, int) and isinstance(wanted, int)
            return value <= wanted


def all_hold(conditions: Iterable[Condition], record: Record, anchor: Record) -> bool | None:
    """False when any condition is false, else None when any cannot be told, else True."""
    verdicts = [holds(c, record, anchor) for c in conditions]
    return False if False in verdicts else None if None in verdicts else True


def doubtful_anchors(pattern: Pattern, records: Sequence[Record], instant: Instant) -> Iterator[Record]:
    """Records of the anchor's kind that have begun and of which it cannot be told whether they match."""
    for record in records if pattern.where else ():
        blank = any(c.field not in record.values for c in pattern.where)
        if blank and instant.begun(record) and all_hold(pattern.where, record, record) is None:
            yield record


def doubtful_related(pattern: Pattern, anchor: Record, by_kind: ByKind, instant: Instant) -> list[Record]:
    """Records that perhaps stop the anchor's clocks, or perhaps make up its pattern: a condition
    cannot be told, or the date is in doubt. In the order of their days and keys, so that the same
    one is named whatever the feed's order."""
    unjoined = any(a.refers_to not in anchor.values for a in pattern.asked if a.refers_to and a.refers_to != "id")
    found: list[Record] = []
    for record in pattern.records(by_kind, anchor):
        undated = record.doubt(pattern.on) is not None
        blank = any(a.field not in record.values for a in pattern.asked)
        if not (undated or unjoined or blank):
            continue
        if not (undated or instant.reaches(pattern, instant.span(anchor, pattern.early), record)):
            continue
        verdict = all_hold(pattern.related_where, record, anchor)
        if verdict is None or (verdict and undated):
            found.append(record)
    return sorted(found, key=lambda r: (r.day(pattern.on) or date.min, r.key, r.kind))
