"""What rules would have said: children whose alerts and messages were worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from alertd.calendars.calendar import calendar_for
from alertd.calendars.clock import begin_of, end_of
from alertd.cases.records import CaseFile, Record, local_day
from alertd.engine.agenda import standings
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.engine.stages import MOMENT
from alertd.errors import InputError
from alertd.insight.backtest import Replayed, Told, follow, kinds_that_say, known_by, only, replay
from alertd.insight.figures import Month, by_month, loads_of
from alertd.rulebook.model import Rule, Rulebook
from tests.reference.strategies import Example, examples
from tests.support.evaluating import ready
from tests.unit.engine.engine_samples import book, case, record, rule

FIRST, LAST = date(2026, 6, 1), date(2026, 7, 31)
WITHIN_20 = {"from": "start", "within": "20 calendar days"}
REVIEW = rule("a.review", "care_period", clock=WITHIN_20, until={"record": "cla_review"})
CARE = record("care_period", "P1", start="2026-06-01")
"""A review due Sunday 21 June, so coming up from Thursday 18 June, two working days before."""
HELD = record("allocation", "A1", start="2026-01-01", worker="W1", team="T1", role="CW")


def june(day: int) -> date:
    return date(2026, 6, day)


def review(day: str) -> Record:
    return record("cla_review", "R1", happened=day)


def replayed(rules: Rulebook, *records: Record, first: date = FIRST, last: date = LAST) -> list[Replayed]:
    return replay(ready(rules), case(*records), first, last)


def one(rules: Rulebook, *records: Record, **span: date) -> Replayed:
    (found,) = replayed(rules, *records, **span)
    return found


def lines(alert: Replayed) -> list[tuple[int, str, str]]:
    """(day of June, role, who) of each line told."""
    return [(t.day.day, t.role, t.who) for t in alert.told if t.day.month == 6]


def month(rules: Rulebook, *alerts: Replayed, say: Iterable[str] = ()) -> Month:
    (found,) = by_month(alerts, rules, frozenset(say))
    return found


def test_an_alert_is_opened_told_and_met_late() -> None:
    rules = book(REVIEW)
    alert = one(rules, CARE, HELD, review("2026-07-01"))
    assert alert.identity == ("a.review", "C1", "care_period:P1", "start")
    assert (alert.opened, alert.closed, alert.closed_as, alert.days_late) == (
        june(18),
        date(2026, 7, 1),
        "met_late",
        10,
    )
    # Due on Sunday and overdue on Monday are one line of Monday's digest.
    assert lines(alert) == [(18, "worker", "W1"), (22, "worker", "W1"), (22, "team_manager", "T1")]
    assert month(rules, alert) == Month("a.review", "2026-06", 1, 0, 2, 3, 1.0, None, 10)


def test_what_is_met_in_time_is_told_no_further() -> None:
    alert = one(book(REVIEW), CARE, HELD, review("2026-06-19"))
    assert (alert.opened, alert.closed, alert.closed_as, alert.days_late) == (june(18), june(19), "met", None)
    assert lines(alert) == [(18, "worker", "W1")]


def test_what_waits_for_a_digest_and_is_over_before_it_is_never_told() -> None:
    saturday = rule("a.review", "care_period", clock={"from": "start", "within": "3 calendar days"},
                    until={"record": "cla_review"})  # fmt: skip
    alert = one(book(saturday), record("care_period", "P1", start="2026-06-10"), HELD, review("2026-06-14"))
    assert (alert.opened, alert.closed, alert.closed_as) == (june(11), june(14), "met_late")
    assert lines(alert) == [(11, "worker", "W1")], (
        "due on Saturday, overdue and done on Sunday: Monday has nothing to say"
    )


def test_a_child_handed_over_is_told_of_to_the_next_worker() -> None:
    rules = book(REVIEW)
    until = record("allocation", "A1", start="2026-01-01", end="2026-06-20", worker="W1", team="T1", role="CW")
    since = record("allocation", "A2", start="2026-06-20", worker="W2", team="T2", role="CW")
    alert = one(rules, CARE, until, since)
    # Saturday's handing over is told on Monday, with what else is new on it.
    assert lines(alert) == [(18, "worker", "W1"), (22, "worker", "W2"), (22, "team_manager", "T2")]
    assert (alert.closed, alert.closed_as) == (None, None)
    assert month(rules, alert) == Month("a.review", "2026-06", 1, 0, 3, 3, 0.0, None, None)


INCIDENT = rule("a.incident", "care_period", clock=WITHIN_20, until={"record": "serious_incident"})


def test_what_was_done_in_time_and_entered_late_was_overdue_until_then() -> None:
    rules = book(INCIDENT)
    entered = {"happened": "2026-06-19", "recorded": datetime.fromisoformat("2026-06-25T15:00+01:00")}
    alert = one(rules, CARE, HELD, record("serious_incident", "S1", **entered))
    assert (alert.opened, alert.closed, alert.closed_as, alert.days_late) == (
        june(18), june(25), "met_recorded_late", None,
    )  # fmt: skip
    assert month(rules, alert, say={"serious_incident"}) == Month("a.incident", "2026-06", 1, 0, 2, 3, 1.0, 1.0, None)
    at_once = one(rules, CARE, HELD, record("serious_incident", "S1", happened="2026-06-19"))
    assert (at_once.closed, at_once.closed_as) == (june(19), "met")


def test_a_share_that_no_record_can_tell_is_left_blank() -> None:
    entered = record("serious_incident", "S1", happened="2026-06-19", recorded="2026-06-25")
    say = kinds_that_say([case(CARE, entered)])
    assert say == {"serious_incident"}
    assert kinds_that_say([case(CARE, HELD)]) == frozenset()
    rules = book(INCIDENT, REVIEW)
    shares = {m.rule: m.recorded_late for m in by_month(replayed(rules, CARE, entered), rules, say)}
    assert shares == {"a.incident": 1.0, "a.review": None}, "nobody says when a review was entered"


def test_while_a_worse_alert_speaks_for_it_nobody_is_told_and_then_all_at_once() -> None:
    clock = {"from": "start", "within": "10 calendar days"}
    worse = rule("a.worse", "care_period", clock=clock, until={"record": "sdq"}, speaks_for=["a.review"])
    alerts = replayed(book(REVIEW, worse), CARE, HELD, record("sdq", "S1", happened="2026-06-30"))
    lesser = next(a for a in alerts if a.rule == "a.review")
    assert lesser.opened == june(18)
    assert lines(lesser) == [(30, "worker", "W1"), (30, "team_manager", "T1")]
    assert replayed(only(book(REVIEW, worse), {"a.review"}), CARE, HELD) == replayed(book(REVIEW, worse), CARE, HELD)


def test_what_stood_before_the_first_day_is_taken_as_told() -> None:
    rules = book(REVIEW)
    alert = one(rules, CARE, HELD, review("2026-07-01"), first=june(22))
    assert (alert.opened, alert.closed_as, alert.days_late) == (None, "met_late", 10)
    assert lines(alert) == [(22, "worker", "W1"), (22, "team_manager", "T1")], "overdue from that morning on"
    assert month(rules, alert) == Month("a.review", "before", 1, 0, 2, 2, 1.0, None, 10)
    later = one(rules, CARE, HELD, review("2026-07-01"), first=june(25))
    assert later.told == ()


def test_the_last_day_counts_and_the_day_after_does_not() -> None:
    rules = book(REVIEW)
    assert replayed(rules, CARE, HELD, last=june(17)) == []
    assert one(rules, CARE, HELD, last=june(18)).opened == june(18)
    assert lines(one(rules, CARE, HELD, last=june(20))) == [(18, "worker", "W1")]


def test_an_alert_that_comes_back_is_another_one() -> None:
    unit = rule("a.moves", "care_period", count={"record": "placement", "at_least": 1, "last": "10 calendar days"})
    twice = [record("placement", f"P{day}", start=f"2026-06-{day}") for day in ("02", "22")]
    first, second = replayed(book(unit), CARE, HELD, *twice)
    assert (first.opened, first.closed, first.closed_as) == (june(2), june(12), "withdrawn")
    assert (second.opened, second.closed) == (june(22), date(2026, 7, 2))
    (figures,) = by_month([first, second], book(unit), frozenset())
    assert (figures.alerts, figures.met) == (2, None), "a pattern is never met"


def test_what_cannot_be_told_is_counted_apart() -> None:
    rules = book(REVIEW)
    alert = one(rules, record("care_period", "P1"), HELD)
    assert alert.cannot_tell and not one(rules, CARE, HELD).cannot_tell
    (found,) = by_month([alert, one(rules, CARE, HELD, first=june(25))], rules, frozenset())
    assert (found.month, found.alerts, found.cannot_tell) == ("before", 2, 1)


def test_urgent_messages_go_at_once_and_each_counts() -> None:
    urgent: dict[str, Any] = {"title": "t", "urgent": True, "steps": [{"tell": ["worker"]}]}
    hours = rule("a.hours", "missing", clock={"from": "start", "within": "4 hours"}, until={"record": "cla_review"})
    began = datetime.fromisoformat("2026-06-06T10:00+01:00")
    alert = one(book(hours, ladders={"L": urgent}), record("missing", "M1", start=began), HELD)
    saturday = [t for t in alert.told if t.urgent_at]
    assert {(t.day, t.role) for t in saturday} == {(june(6), "worker")}
    assert len({t.urgent_at for t in saturday}) == len(saturday) == 2, "due at once, and overdue at 14:00"


def test_the_load_is_counted_per_worker_and_working_day() -> None:
    def alert(*told: tuple[int, str, str]) -> Replayed:
        return Replayed(("r", "c", "k:1", "start"), june(1), tuple(Told(june(d), role, who) for d, role, who in told))

    alerts = [
        alert((1, "worker", "W1"), (2, "worker", "W1"), (2, "team_manager", "T1")),
        alert((2, "worker", "W1"), (3, "worker", "W2"), (3, "worker", "")),
    ]
    loads = loads_of(alerts, calendar_for("england-and-wales"), june(1), june(7))
    assert [(x.worker, x.messages, x.per_day, x.worst, x.worst_day) for x in loads.each] == [
        ("W1", 3, 3 / 5, 2, june(2)),
        ("W2", 1, 1 / 5, 1, june(3)),
    ]
    assert (loads.working_days, loads.per_day, loads.worst, loads.unnamed) == (5, pytest.approx(2 / 5), 2, 1)
    assert loads_of([], calendar_for("england-and-wales"), june(6), june(7)).per_day == 0


def test_only_keeps_what_the_rules_named_look_at_and_who_speaks_for_them() -> None:
    other = rule("b.other", "care_period", clock=WITHIN_20, until={"record": "sdq"})
    worse = rule("c.worse", "care_period", clock=WITHIN_20, until={"record": "sdq"}, speaks_for=["a.*"])
    both = rule("d.both", "child", others={"rules": ["b.*"], "stages": ["overdue"], "at_least": 1})
    rules = book(REVIEW, other, worse, both)
    assert [r.id for r in only(rules, {"a.review"}).rules] == ["a.review", "c.worse"]
    assert [r.id for r in only(rules, {"d.both"}).rules] == ["b.other", "d.both"]


def test_a_rule_that_is_not_enabled_is_tried_only_when_asked() -> None:
    off = REVIEW.model_copy(update={"enabled": False, "disabled_because": "not read"})
    with pytest.raises(InputError, match="none of these rules is enabled"):
        only(book(off), {"a.review"})
    tried = only(book(off), {"a.review"}, disabled=True)
    assert [r.id for r in tried.enabled] == ["a.review"]
    assert one(tried, CARE, HELD).opened == june(18)


def test_the_rules_of_the_childs_team_hold_from_the_day_it_has_the_case() -> None:
    sooner: Rule = rule("a.review", "care_period", clock={"from": "start", "within": "10 calendar days"},
                        until={"record": "cla_review"})  # fmt: skip
    rules = book(REVIEW, teams={"T2": book(sooner)})
    until = record("allocation", "A1", start="2026-01-01", end="2026-06-16", worker="W1", team="T1")
    since = record("allocation", "A2", start="2026-06-16", worker="W2", team="T2")
    assert (one(rules, CARE, HELD).opened, one(rules, CARE, until, since).opened) == (june(18), june(16))


def test_the_ladder_of_the_childs_team_says_who_is_told() -> None:
    ladder = {"L": {"title": "t", "steps": [{"tell": ["iro"]}]}}
    rules = book(REVIEW, teams={"T1": book(REVIEW, ladders=ladder)})
    assert lines(one(rules, CARE, HELD)) == [(18, "worker", "W1"), (22, "worker", "W1"), (22, "iro", "")]


Stream = Iterable[tuple[datetime, tuple[Finding, ...]]]


def evenings(evaluator: Evaluator, of: CaseFile, first: date, days: int) -> Iterator[tuple[datetime, Any]]:
    """Evaluated once a day, as a daemon that looks every night would."""
    for n in range(-1, days):
        at = end_of(first + timedelta(days=n)) - MOMENT
        yield at, evaluator.evaluate(known_by(of, at), at)


def last_of_each_day(stream: Stream) -> Iterator[tuple[datetime, Any]]:
    for _, same_day in groupby(stream, key=lambda pair: local_day(pair[0])):
        yield list(same_day)[-1]


def nights_open(alerts: Iterable[Replayed], first: date, days: int) -> set[tuple[object, date]]:
    nights = [first + timedelta(days=n) for n in range(days)]
    return {
        (a.identity, night)
        for a in alerts
        for night in nights
        if (a.opened or first) <= night and (a.closed is None or night < a.closed)
    }


def told_by_day(alert: Replayed) -> Replayed:
    return replace(alert, told=tuple(dict.fromkeys(replace(t, urgent_at=None) for t in alert.told)))


def test_looking_every_night_opens_tells_and_closes_the_same_alerts() -> None:
    days, seen = 60, 0

    @settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(examples())
    def run(example: Example) -> None:
        nonlocal seen
        evaluator, first = ready(example.book), local_day(example.as_of) - timedelta(days=20)
        begin, last = begin_of(first), first + timedelta(days=days - 1)
        nightly = follow(evaluator, example.case, begin, evenings(evaluator, example.case, first, days))
        stream = standings(evaluator, example.case, begin - MOMENT, end_of(last) - MOMENT, known=known_by)
        each_day = follow(evaluator, example.case, begin, last_of_each_day(stream))
        assert list(map(told_by_day, each_day)) == list(map(told_by_day, nightly))
        each_instant = replay(evaluator, example.case, first, last)
        assert nights_open(each_instant, first, days) == nights_open(nightly, first, days)
        seen += sum(alert.opened is not None for alert in nightly)

    run()
    assert seen > 100, f"only {seen} alerts opened"
