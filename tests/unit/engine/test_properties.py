"""What must be true of any case and any rules, whatever they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertd.alerts.lifecycle import OpenAlert
from alertd.alerts.reconcile import Identity, Reconciled, reconcile
from alertd.calendars.calendar import Calendar, Nation, Term, calendar_for
from alertd.cases.records import CaseFile, Record, Window, local_day
from alertd.engine.findings import Finding
from alertd.rulebook.model import Birthday, FromEvent, Gestation, Rule
from tests.reference.changing import (
    ACCUSES,
    again,
    anchor_of,
    clocks,
    dates_of,
    doubted,
    put,
    rule_of,
    stopping_days,
    with_stopper,
    without_pattern,
)
from tests.reference.strategies import Example, examples, siblings
from tests.support.evaluating import evaluate, ready

SOME = settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
Check = Callable[[Example, st.DataObject], int]


def enough(check: Check, wanted: int = 30) -> None:
    """Run ``check`` over examples; it says how much it looked at, and that must not be too little."""
    seen = 0

    @SOME
    @given(examples(), st.data())
    def run(example: Example, data: st.DataObject) -> None:
        nonlocal seen
        seen += check(example, data)

    run()
    assert seen >= wanted, f"only {seen} findings were looked at"


# --- recording and what is recorded -------------------------------------------------------------------------------


def test_recording_what_stops_a_clock_stops_it() -> None:
    """Adding the record that stops an open clock never worsens its stage: nobody is asked for action any more."""
    kinds: Counter[str] = Counter()

    def check(example: Example, data: st.DataObject) -> int:
        seen = 0
        for finding, rule, anchor in clocks(example):
            if finding.due is None or finding.met is not None or finding.stage == "ended":
                continue
            days = stopping_days(finding, rule, anchor, example)
            if not days or not rule.stop or rule.stop.own in dates_of(rule):
                continue
            day = data.draw(st.sampled_from((days[0], days[-1], days[len(days) // 2])))
            kind = data.draw(st.sampled_from(rule.stop.kinds or (anchor.kind,)))
            changed = with_stopper(example.case, rule.stop, anchor, kind, day)
            if changed is None:
                continue
            after = again(example, finding, changed[0])
            assert after is not None
            assert after.met is not None
            assert not after.asks_for_action
            assert after.stage in ("met", "met_late", "unknown")
            kinds["by" if rule.clock.by else rule.kind] += 1
            seen += 1
        return seen

    enough(check)
    assert min(kinds[kind] for kind in ("timescale", "gap", "notification", "by")) >= 10, kinds


def test_recording_what_ends_a_pattern_ends_it() -> None:
    """A state that opens, or a latest record unlike the others: the pattern no longer holds, nor perhaps."""

    def check(example: Example, data: st.DataObject) -> int:
        seen = 0
        for finding in evaluate(*example):
            rule = rule_of(example, finding)
            if finding.stage == "unknown" and finding.start is None and rule.in_a_row:
                continue  # a record without a day may be the latest still
            if not (rule.no_open or rule.in_a_row):
                continue
            anchor, pattern = anchor_of(example, finding), rule.no_open or rule.in_a_row
            assert pattern
            if any(anchor.get(c.field) is None for c in rule.where):
                continue  # whether the rule is about it at all is not known
            case = without_pattern(example, rule, anchor, data.draw(st.sampled_from(pattern.kinds)))
            if case is not None:
                assert again(example, finding, case) is None
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
@given(siblings())
def test_one_child_never_changes_another(family: list[Example]) -> None:
    """Children whose records have the same keys, judged one after another by one evaluator, as a worker does."""
    found = [evaluate(*one) for one in family]
    assert [evaluate(*one) for one in reversed(family)] == found[::-1]
    for one, findings in zip(family, found, strict=True):
        places = {r.where for r in one.case.records} | {""}
        assert {f.child for f in findings} <= {one.case.child}
        assert {place for f in findings for place in (f.where, *f.evidence)} <= places


@SOME
@given(examples())
def test_no_clock_has_two_findings(example: Example) -> None:
    identities = [f.identity for f in evaluate(*example)]
    assert len(set(identities)) == len(identities)


# --- time ---------------------------------------------------------------------------------------------------------


@SOME
@given(examples(), st.integers(-400, 400))
def test_no_instant_leaves_a_trace_for_the_next(example: Example, days: int) -> None:
    """Evaluating at one instant and then at another equals evaluating at the other alone."""
    alone = evaluate(*example)
    evaluate(example.case, example.book, example.as_of + timedelta(days))
    assert evaluate(*example) == alone


Alerts = dict[Identity, OpenAlert]


def reconciled(example: Example, alerts: Alerts, at: datetime) -> Alerts:
    """The alerts after one run at an instant, kept as the store keeps them."""
    refs = {(example.case.child, r.ref) for r in example.case.records}
    findings = evaluate(example.case, example.book, at)
    found: Reconciled = reconcile(findings, alerts, at, present=lambda child, ref: (child, ref) in refs)
    refreshed = dict(found.refreshed)
    kept = {i: replace(a, finding=refreshed.get(a.id, a.finding)) for i, a in alerts.items()}
    for number, told in enumerate(found.transitions, len(alerts)):
        identity = told.finding.identity
        key = alerts[identity].id if identity in alerts else number
        kept[identity] = OpenAlert(key, told.finding, told.to_level, not told.closes, muted=told.muted)
    return kept


@SOME
@given(examples(), st.lists(st.integers(1, 200), min_size=1, max_size=3))
def test_a_run_more_or_less_ends_with_the_same_open_alerts(example: Example, days_before: list[int]) -> None:
    """Running at t1 and then at t2 leaves the alerts open that running at t2 alone opens."""
    alerts: Alerts = {}
    for days in sorted(days_before, reverse=True):
        alerts = reconciled(example, alerts, example.as_of - timedelta(days))
    alerts = reconciled(example, alerts, example.as_of)
    alone = reconciled(example, {}, example.as_of)
    assert {i: a.finding for i, a in alerts.items() if a.is_open} == {i: a.finding for i, a in alone.items()}


# --- bank holidays ------------------------------------------------------------------------------------------------

YEARS = range(2005, 2030)


@cache
def bank_holidays(nation: str) -> dict[date, str]:
    calendar, first = calendar_for(nation), date(YEARS[0], 1, 1)
    days = (first + timedelta(n) for n in range(366 * len(YEARS)))
    return {d: str(calendar.why_not_working(d)) for d in days if d.weekday() < 5 and not calendar.is_working(d)}


def with_holidays(example: Example, *more: date) -> tuple[Finding, ...]:
    """What is found with more bank holidays than there are."""
    one = ready(example.book).of_team(example.case, example.as_of)
    book = one.rulebook
    calendar = _calendar(book.nation, book.terms, more)
    return replace(one, calendar=calendar, teams={}).evaluate(example.case, example.as_of)


@cache
def _calendar(nation: Nation, terms: tuple[Term, ...], more: tuple[date, ...]) -> Calendar:
    days = bank_holidays(nation) | dict.fromkeys(more, "one more")
    return Calendar(nation, days, YEARS[0], YEARS[-1], terms)


def test_one_more_bank_holiday_never_brings_a_due_date_forward() -> None:
    """Of a clock with the same start. What is counted back, so many days before a meeting, is due no later instead."""

    def check(example: Example, data: st.DataObject) -> int:
        before = {(f.identity, f.start): f for f in with_holidays(example) if f.due is not None}
        if not before:
            return 0
        finding = data.draw(st.sampled_from(list(before.values())))
        assert finding.due is not None
        last = local_day(finding.due)
        first = local_day(finding.start or finding.due) - timedelta(5)
        day = data.draw(st.sampled_from((last, first + (last - first) // 2, last - timedelta(1), first)))
        moved = 0
        for after in with_holidays(example, day):
            once = before.get((after.identity, after.start))
            if once is None or once.due is None or after.due is None:
                continue
            span = rule_of(example, after).clock.before
            back = span is not None and span.unit in ("working day", "school day")
            was, is_ = local_day(once.due), local_day(after.due)
            assert is_ <= was if back else is_ >= was, (once, after, day)
            moved += is_ != was
        return moved

    enough(check)


# --- doubt and silence --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("doubt", ["origin", "where", "stopper", "day of the stopper"])
def test_doubt_never_accuses(doubt: str) -> None:
    """A clock that says upcoming, due or overdue no longer does once a value it rests on is in doubt."""

    def doubtful_case(example: Example, finding: Finding, rule: Rule, anchor: Record) -> CaseFile | None:
        source = rule.clock.from_ or rule.clock.by
        if doubt == "origin":
            if isinstance(source, FromEvent):
                return None
            if isinstance(source, Birthday | Gestation):
                child = next(example.case.of("child"))
                return put(
                    example.case, child, doubted(child, {"born" if isinstance(source, Birthday) else "expected"})
                )
            names = {source} if isinstance(source, str) else set(source or ())
            return put(example.case, anchor, doubted(anchor, names))
        if doubt == "where":
            names = {c.field for c in rule.where}
            return put(example.case, anchor, doubted(anchor, names)) if names else None
        days = stopping_days(finding, rule, anchor, example)
        stop = rule.stop
        if not stop or not days or (doubt == "stopper" and not stop.where):
            return None
        changed = with_stopper(example.case, stop, anchor, stop.record or anchor.kind, days[-1])
        if changed is None:
            return None
        case, stopper = changed
        wrong = stop.where[0].field if doubt == "stopper" else stop.own or stop.on or ""
        return put(case, stopper, doubted(stopper, {wrong}))

    def check(example: Example, data: st.DataObject) -> int:
        seen = 0
        for finding, rule, anchor in clocks(example, *ACCUSES):
            case = doubtful_case(example, finding, rule, anchor)
            if case is None:
                continue
            after = again(example, finding, case)
            assert after is None or after.stage not in ACCUSES
            seen += 1
        return seen

    enough(check)


def test_silence_outside_the_window_never_accuses() -> None:
    """A clock that says upcoming, due or overdue no longer does once the feed cannot speak for all its days."""

    def check(example: Example, data: st.DataObject) -> int:
        today = local_day(example.as_of)
        seen = 0
        for finding, rule, anchor in clocks(example, *ACCUSES):
            assert finding.due is not None
            days = stopping_days(finding, rule, anchor, example)
            first = min(days.start, local_day(finding.due).toordinal()) if rule.clock.by is not None else days.start
            begins_late = Window(date.fromordinal(first + 1), None)
            # A blank field of the record itself was blank all along, however far back the feed reaches.
            own = rule.stop is not None and rule.stop.own is not None
            for window in (Window(None, today - timedelta(1)), *(() if own else (begins_late,))):
                after = again(example, finding, replace(example.case, window=window, windows={}))
                assert after is None or after.stage not in ACCUSES
                seen += 1
        return seen

    enough(check)
