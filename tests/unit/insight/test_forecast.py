"""What falls due in the coming weeks, for whom: worked out by hand."""

from __future__ import annotations

from datetime import date, datetime

from alertd.cases.records import Record
from alertd.insight.forecast import Ahead, Coming, ahead_of, by_week, weeks_from
from alertd.rulebook.model import Rulebook
from tests.support.evaluating import ready
from tests.unit.engine.engine_samples import ODD, book, case, end_of, record, rule

REVIEW = rule(
    "a.review", "care_period", clock={"from": "start", "within": "20 calendar days"}, until={"record": "cla_review"}
)
CARE = record("care_period", "P1", start="2026-06-01")
"""A review due Sunday 21 June."""
HELD = record("allocation", "A1", start="2026-01-01", worker="W1", team="T1", role="CW")


def ahead(rules: Rulebook, *records: Record, as_of: str, weeks: int = 4) -> Ahead:
    instant = end_of(as_of)
    return ahead_of(ready(rules), case(*records), instant, weeks_from(date.fromisoformat(as_of), weeks))


def days(found: Ahead) -> list[tuple[str, str]]:
    """(week, due) of each."""
    return [(f"{c.week:%-d %b}", f"{c.due:%-d %b}") for c in found.coming]


def test_the_weeks_begin_on_mondays_and_this_one_is_the_first() -> None:
    mondays = [date(2026, 6, 1), date(2026, 6, 8)]
    assert weeks_from(date(2026, 6, 1), 2) == weeks_from(date(2026, 6, 7), 2) == mondays


def test_a_clock_is_counted_in_the_week_it_falls_due_for_whoever_has_the_child_now() -> None:
    leaving = record("allocation", "A1", start="2026-01-01", end="2026-06-10", worker="W1", team="T1", role="CW")
    coming = record("allocation", "A2", start="2026-06-10", worker="W2", team="T2", role="CW")
    found = ahead(book(REVIEW), CARE, leaving, coming, as_of="2026-06-05")
    key = ("a.review", "C1", "care_period:P1", "start")
    assert found == Ahead((Coming(date(2026, 6, 15), date(2026, 6, 21), *key, "T1", "W1"),), 0)
    assert found.coming[0].as_json() == {
        "week": "2026-06-15", "due": "2026-06-21", "rule": "a.review", "child": "C1",
        "record": "care_period:P1", "occurrence": "start", "team": "T1", "worker": "W1",
    }  # fmt: skip
    assert ahead(book(REVIEW), CARE, as_of="2026-06-05").coming[0].team == ""


def test_the_last_sunday_is_in_and_the_day_after_it_is_not() -> None:
    assert days(ahead(book(REVIEW), CARE, as_of="2026-06-05", weeks=3)) == [("15 Jun", "21 Jun")]
    assert days(ahead(book(REVIEW), CARE, as_of="2026-06-05", weeks=2)) == []
    monday = record("care_period", "P1", start="2026-06-02")
    assert days(ahead(book(REVIEW), monday, as_of="2026-06-05", weeks=3)) == []


def test_what_is_due_today_counts_and_what_is_overdue_met_or_over_by_then_does_not() -> None:
    assert days(ahead(book(REVIEW), CARE, as_of="2026-06-21")) == [("15 Jun", "21 Jun")]
    assert days(ahead(book(REVIEW), CARE, as_of="2026-06-22")) == []
    assert days(ahead(book(REVIEW), CARE, record("cla_review", "R1", happened="2026-06-05"), as_of="2026-06-06")) == []
    leaves = record("care_period", "P1", start="2026-06-01", end="2026-06-15")
    assert days(ahead(book(REVIEW), leaves, as_of="2026-06-05")) == []


def test_a_clock_that_is_overdue_from_its_first_day_counts_in_the_week_of_that_day() -> None:
    by = rule("a.ready", "care_period", clock={"by": "start", "before": "10 calendar days"}, until={"record": "sdq"})
    planned = record("care_period", "P1", start="2026-06-09")
    assert days(ahead(book(by), planned, as_of="2026-06-05")) == [("8 Jun", "30 May")]


def test_a_clock_booked_twice_counts_once_by_the_first_date() -> None:
    clock = {"from": "start", "within": "20 calendar days", "plan": "due_on"}
    booked = rule("a.review", "care_period", clock=clock, until={"record": "cla_review"})
    dates = [record("cla_review", f"R{day}", due_on=f"2026-06-{day}") for day in (10, 15)]
    assert days(ahead(book(booked), CARE, *dates, as_of="2026-06-05")) == [("8 Jun", "10 Jun")]


def test_what_another_alert_speaks_for_is_left_to_that_other() -> None:
    clock = {"from": "start", "within": "10 calendar days"}
    worse = rule("a.worse", "care_period", clock=clock, until={"record": "sdq"}, speaks_for=["a.review"])
    found = ahead(book(REVIEW, worse), CARE, as_of="2026-06-05")
    assert [c.rule for c in found.coming] == ["a.worse"]


def test_a_clock_without_a_date_is_counted_as_such() -> None:
    odd = record("care_period", "P1", start=ODD)
    assert ahead(book(REVIEW), odd, as_of="2026-06-05") == Ahead((), 1)


def test_the_feed_is_taken_to_go_on_where_it_ends_today_and_not_where_it_ended_before() -> None:
    plan, asked = book(REVIEW), (end_of("2026-06-05"), weeks_from(date(2026, 6, 5), 4))
    ends_today = case(CARE, since="2025-04-01", until="2026-06-05")
    assert days(ahead_of(ready(plan), ends_today, *asked)) == [("15 Jun", "21 Jun")]
    ended = case(CARE, since="2025-04-01", until="2026-06-04")
    assert days(ahead_of(ready(plan), ended, *asked)) == []


def test_hours_fall_due_on_their_day_once() -> None:
    hours = rule("a.hours", "missing", clock={"from": "start", "within": "72 hours"}, until={"record": "sdq"})
    began = datetime.fromisoformat("2026-06-05T10:00+01:00")
    found = ahead(book(hours), record("missing", "M1", start=began), as_of="2026-06-05")
    assert days(found) == [("8 Jun", "8 Jun")]


def test_the_weeks_are_added_up_by_team_and_worker() -> None:
    def item(week: int, team: str, worker: str) -> Coming:
        return Coming(date(2026, 6, week), date(2026, 6, week), "r", "c", "k:1", "start", team, worker)

    items = [item(8, "T2", "W3"), item(1, "T1", "W1"), item(8, "T1", "W1"), item(8, "T1", "W1"), item(1, "", "")]
    found = by_week(items, lambda c: (c.team, c.worker))
    assert list(found) == [("", ""), ("T1", "W1"), ("T2", "W3")]
    assert found["T1", "W1"] == {date(2026, 6, 1): 1, date(2026, 6, 8): 2}
