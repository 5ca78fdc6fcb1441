"""Changing a case: what stops a clock or ends a pattern is added, a value is put in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Doubt, Record, Value, local_day
from alertd.engine.findings import Finding
from alertd.rulebook.model import Condition, InARow, NoOpen, Rule, Until
from tests.reference.conditions import holds
from tests.reference.evaluator import book_of
from tests.reference.parts import KEYS, SCORES, TEXTS
from tests.reference.strategies import Example
from tests.support.evaluating import evaluate

ACCUSES = ("upcoming", "due", "overdue")


def rule_of(example: Example, finding: Finding) -> Rule:
    rule = book_of(*example).rule(finding.rule)
    assert rule
    return rule


def clocks(example: Example, *stages: str) -> Iterator[tuple[Finding, Rule, Record]]:
    """The findings of rules with a clock that an event stops (at those stages, or all), each with what it is about."""
    for finding in evaluate(*example):
        rule = rule_of(example, finding)
        if rule.stop and (not stages or finding.stage in stages):
            yield finding, rule, anchor_of(example, finding)


def anchor_of(example: Example, finding: Finding) -> Record:
    return next(r for r in example.case.records if r.ref == finding.record)


def again(example: Example, finding: Finding, case: CaseFile) -> Finding | None:
    """The same clock in a changed case."""
    found = evaluate(case, example.book, example.as_of)
    return next((f for f in found if f.identity == finding.identity), None)


def add_record(case: CaseFile, record: Record) -> CaseFile:
    return replace(case, records=(*case.records, record))


def put(case: CaseFile, old: Record, new: Record) -> CaseFile:
    return replace(case, records=tuple(new if r is old else r for r in case.records))


def doubted(record: Record, names: set[str]) -> Record:
    """The record with those fields in doubt."""
    values = {name: value for name, value in record.values.items() if name not in names}
    rest = tuple(d for d in record.doubts if d.field not in names)
    return replace(record, values=values, doubts=(*rest, *(Doubt(n, "odd") for n in sorted(names))))


def dates_of(rule: Rule) -> set[str]:
    """The fields of its record that say when the clock runs."""
    clock, begins = rule.clock, KINDS[rule.for_].begins
    from_ = clock.from_ if isinstance(clock.from_, tuple) else ()
    return {begins, *from_, *([clock.by] if isinstance(clock.by, str) else [])}


def stopping_days(finding: Finding, rule: Rule, anchor: Record, example: Example) -> range:
    """The days, as ordinals, on which something could stop this open clock: from its start to today."""
    first = finding.start if rule.clock.by is None or finding.start else finding.due
    assert first is not None
    later = rule.stop is not None and rule.stop.after_start
    opens = local_day(first).toordinal() + (later or finding.occurrence != "start")
    begin = anchor.day(KINDS[rule.for_].begins)
    return range(max(opens, begin.toordinal() + later if begin else 0), local_day(example.as_of).toordinal() + 1)


def fitting(kind: str, where: tuple[Condition, ...], anchor: Record, wanted: bool = True) -> dict[str, Value] | None:
    """Values that meet every condition (or that fail them); None where there are none."""
    values: dict[str, Value] = {}
    for name in dict.fromkeys(c.field for c in where):
        field = KINDS[kind].field(name)
        assert field
        of_type: dict[str, tuple[Value, ...]] = {"yes/no": (True, False), "number": SCORES}
        named = tuple(c.value for c in where if c.field == name and isinstance(c.value, str))
        options = of_type.get(field.type, (*TEXTS.get((kind, name), KEYS), *named))
        alike = [c for c in where if c.field == name]
        trials = (Record(kind, anchor.child, "~", "new", {name: option}) for option in options)
        fit = next((r for r in trials if all(holds(r, c, anchor) is True for c in alike) is wanted), None)
        if fit is None:
            return None
        values.update(fit.values)
    return values


def with_stopper(case: CaseFile, stop: Until, anchor: Record, kind: str, day: int) -> tuple[CaseFile, Record] | None:
    """The case with what stops the clock on that day, and that record; None where nothing can."""
    if stop.own:
        doubts = tuple(d for d in anchor.doubts if d.field != stop.own)
        stopped = replace(anchor, values={**anchor.values, stop.own: date.fromordinal(day)}, doubts=doubts)
        return put(case, anchor, stopped), stopped
    values = fitting(kind, stop.where, anchor)
    if values is None or not stop.on:
        return None
    record = Record(kind, anchor.child, "~", "new", {**values, stop.on: date.fromordinal(day)})
    return add_record(case, record), record


def without_pattern(example: Example, rule: Rule, anchor: Record, kind: str) -> CaseFile | None:
    """The case with what ends the pattern today: a state that is open, a record that breaks the run."""
    pattern, today = rule.pattern, local_day(example.as_of)
    if not isinstance(pattern, InARow | NoOpen) or not pattern.on:
        return None
    values = fitting(kind, pattern.where, anchor, wanted=isinstance(pattern, NoOpen))
    if values is None:
        return None
    field = KINDS[kind].field(pattern.on)
    on = example.as_of if field and field.type == "moment" else today
    return add_record(example.case, Record(kind, anchor.child, "~", "new", {**values, pattern.on: on}))
