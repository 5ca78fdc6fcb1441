"""What must be true of any case and any rules, whatever they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Doubt, Record, Value, Window, local_day
from alertd.engine.findings import Finding
from alertd.rulebook.model import Birthday, FromEvent, Rule
from tests.reference.conditions import holds
from tests.reference.strategies import KEYS, SCORES, TEXTS, Example, examples
from tests.support.evaluating import evaluate

ACCUSES = ("upcoming", "due", "overdue")
SOME = settings(max_examples=600, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
Check = Callable[[Example, st.DataObject], int]


def enough(check: Check, wanted: int = 30) -> None:
    """Run ``check`` over examples; it says how many clocks it looked at, and these must not be too few."""
    seen = 0

    @SOME
    @given(examples(), st.data())
    def run(example: Example, data: st.DataObject) -> None:
        nonlocal seen
        seen += check(example, data)

    run()
    assert seen >= wanted, f"only {seen} clocks were looked at"


def rule_and_record(example: Example, finding: Finding) -> tuple[Rule, Record]:
    rule = example.book.rule(finding.rule)
    assert rule
    return rule, next(r for r in example.case.records if r.ref == finding.record)


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
    return Record(
        record.kind, record.child, record.key, record.where, values, (*rest, *(Doubt(n, "odd") for n in sorted(names)))
    )


def stopping_days(finding: Finding, example: Example) -> range:
    """The days, as ordinals, on which something could stop this open clock: from its start to today."""
    assert finding.start is not None
    first = local_day(finding.start).toordinal() + (finding.occurrence != "start")
    return range(first, local_day(example.as_of).toordinal() + 1)


def field_type(kind: str, name: str) -> str:
    field = KINDS[kind].field(name)
    assert field
    return field.type


def stopping_record(rule: Rule, anchor: Record, day: int) -> Record | None:
    """A record that meets every condition of ``until``; None where the rule has none or nothing can meet them."""
    until = rule.until
    if not until.record or not until.on:
        return None
    values: dict[str, Value] = {until.on: date.fromordinal(day)}
    for condition in until.where:
        name = condition.field
        of_type: dict[str, tuple[Value, ...]] = {"yes/no": (True, False), "number": SCORES}
        options = of_type.get(field_type(until.record, name), TEXTS.get((until.record, name), KEYS))
        alike = [c for c in until.where if c.field == name]
        trials = (Record(until.record, anchor.child, "new", "new", {name: v}) for v in options)
        fit = next((r for r in trials if all(holds(r, c, anchor) is True for c in alike)), None)
        if fit is None:
            return None
        values.update(fit.values)
    return Record(until.record, anchor.child, "new", "new", values)


def accusing(example: Example) -> Iterator[tuple[Finding, Rule, Record]]:
    """The clocks that claim something was not done."""
    for finding in evaluate(*example):
        if finding.stage in ACCUSES:
            yield finding, *rule_and_record(example, finding)


def test_recording_what_stops_a_clock_stops_it() -> None:
    """Adding the record that stops an open clock never leaves it asking for action."""

    def check(example: Example, data: st.DataObject) -> int:
        seen = 0
        for finding in evaluate(*example):
            rule, anchor = rule_and_record(example, finding)
            if finding.due is None or finding.met is not None or finding.stage == "ended":
                continue
            days = stopping_days(finding, example)
            begin = anchor.day(KINDS[rule.for_].begins)
            days = range(max(days.start, begin.toordinal() if begin else 0), days.stop)
            if not days:
                continue
            record = stopping_record(
                rule, anchor, data.draw(st.sampled_from((days[0], days[-1], days[len(days) // 2])))
            )
            if record is None:
                continue
            after = again(example, finding, add_record(example.case, record))
            assert after is not None
            assert after.met is not None
            assert not after.asks_for_action
            assert after.stage in ("met", "met_late", "unknown")
            seen += 1
        return seen

    enough(check)


@SOME
@given(examples(), st.randoms())
def test_the_order_of_records_does_not_matter(example: Example, random) -> None:  # type: ignore[no-untyped-def]
    records = list(example.case.records)
    random.shuffle(records)
    shuffled = replace(example.case, records=tuple(records))
    assert evaluate(shuffled, example.book, example.as_of) == evaluate(*example)


@SOME
@given(examples(), examples("C2"))
def test_one_child_never_changes_another(one: Example, other: Example) -> None:
    """The second child's records have the same keys and are judged by the same rules, in the same process."""
    before = evaluate(*one)
    between = evaluate(other.case, one.book, one.as_of)
    assert evaluate(*one) == before
    assert {f.child for f in before} <= {"C1"} and {f.child for f in between} <= {"C2"}


@SOME
@given(examples(), st.integers(-400, 400))
def test_no_instant_leaves_a_trace_for_the_next(example: Example, days: int) -> None:
    """Evaluating at one instant and then at another equals evaluating at the other alone."""
    alone = evaluate(*example)
    evaluate(example.case, example.book, example.as_of + timedelta(days))
    assert evaluate(*example) == alone


@SOME
@given(examples())
def test_no_clock_has_two_findings(example: Example) -> None:
    identities = [f.identity for f in evaluate(*example)]
    assert len(set(identities)) == len(identities)


@pytest.mark.parametrize("doubt", ["origin", "where", "stopper", "day of the stopper"])
def test_doubt_never_accuses(doubt: str) -> None:
    """A clock that says upcoming, due or overdue no longer does once a value it rests on is in doubt."""

    def doubtful_case(example: Example, finding: Finding, rule: Rule, anchor: Record) -> CaseFile | None:
        source = rule.clock.from_
        if doubt == "origin":
            if isinstance(source, Birthday):
                child = next(example.case.of("child"))
                return put(example.case, child, doubted(child, {"born"}))
            if isinstance(source, FromEvent):
                return None
            return put(example.case, anchor, doubted(anchor, set(source)))
        if doubt == "where":
            names = {c.field for c in rule.where}
            return put(example.case, anchor, doubted(anchor, names)) if names else None
        days = stopping_days(finding, example)
        record = stopping_record(rule, anchor, days[-1]) if days else None
        if record is None or (doubt == "stopper" and not rule.until.where):
            return None
        wrong = {rule.until.on or ""} if doubt == "day of the stopper" else {rule.until.where[0].field}
        return add_record(example.case, doubted(record, wrong))

    def check(example: Example, data: st.DataObject) -> int:
        seen = 0
        for finding, rule, anchor in accusing(example):
            case = doubtful_case(example, finding, rule, anchor)
            if case is None:
                continue
            after = again(example, finding, case)
            assert after is None or after.stage not in ACCUSES
            seen += 1
        return seen

    enough(check, wanted=10)


def test_silence_outside_the_window_never_accuses() -> None:
    """A clock that says upcoming, due or overdue no longer does once the feed cannot speak for all its days."""

    def check(example: Example, data: st.DataObject) -> int:
        today = local_day(example.as_of)
        seen = 0
        for finding, _, _ in accusing(example):
            days = stopping_days(finding, example)
            starts_late = Window(date.fromordinal(days.start + 1), None)
            ends_early = Window(None, today - timedelta(1))
            for window in (starts_late, ends_early):
                after = again(example, finding, replace(example.case, window=window))
                assert after is None or after.stage not in ACCUSES
                seen += 1
        return seen

    enough(check)
