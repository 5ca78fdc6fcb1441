"""A small simulated year: nothing is wrong in it, it is the same twice, and what it makes up does happen in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from alertd.calendars.calendar import calendar_for
from alertd.cases.records import LONDON, CaseFile, Window, make_record
from alertd.simulation.feed import CANARY, FeedYear, Known, as_it_went
from alertd.simulation.figures import CHECKS, percentile
from alertd.simulation.staff import Office, staff_year
from alertd.simulation.year import Asked, simulate
from alertd.synth.authority import begin

SMALL = Asked(children=30, days=21, seed=1, workers=1)


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return simulate(SMALL)


def test_nothing_is_wrong_in_a_small_year(found: dict[str, Any]) -> None:
    assert {name: found[name] for name in CHECKS} == dict.fromkeys(CHECKS, 0), found["what_is_wrong"]
    assert found["children_not_evaluated"] == found["held_messages"] == found["undelivered"] == 0


def test_the_report_has_what_it_is_asked_for(found: dict[str, Any]) -> None:
    wanted = ["alerts", "messages", "people", "per_worker_day_median", "per_worker_day_p95", "acted_before_due_share"]
    assert set(wanted) <= found.keys()
    assert all(found[name] is not None for name in wanted)
    assert found["alerts"] > 20
    assert found["messages"] > 20
    assert found["steps_checked"] > 20


def test_people_leave_claim_and_record_late(found: dict[str, Any]) -> None:
    assert found["staff"]["leavers"] >= 2
    assert found["staff"]["left_at_17_59"] == 1
    assert found["staff"]["changed_teams"] >= 1
    assert found["said"]["claim"] > 0
    assert found["cleared"]["met_recorded_late"] > 0


def test_the_same_seed_makes_the_same_year(found: dict[str, Any]) -> None:
    again = simulate(SMALL)
    assert {**again, "seconds": {}} == {**found, "seconds": {}}


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert [percentile(range(1, 21), share) for share in (50, 95, 100)] == [10, 19, 20]
    assert percentile([], 50) == 0


# The staff over the year.

CALENDAR = calendar_for("england-and-wales")
FIRST, LAST = date(2025, 11, 21), date(2026, 11, 20)
STAFF = begin("350", 400, 1, LAST)[2]
YEAR = staff_year(STAFF, CALENDAR, FIRST, LAST, seed=1)


def test_some_leave_a_minute_before_messages_go() -> None:
    evenings = [c for c in YEAR.changes if (c.at.hour, c.at.minute) == (17, 59)]
    assert evenings
    assert {c.at.date() for c in evenings} == YEAR.late_days
    office = Office(YEAR)
    change = evenings[0]
    office.move_to(change.at.replace(minute=58))
    before = office.people[change.person].here(change.at.date())
    assert office.move_to(change.at)
    assert (before, office.people[change.person].here(change.at.date())) == (True, False)


def test_a_team_is_without_a_manager_for_two_weeks() -> None:
    goes = next(c for c in YEAR.changes if "leaves" in c.values and "deputy" in c.values)
    comes = next(c for c in YEAR.changes if c.values.get("role") == "team_manager")
    assert (comes.at.date() - goes.at.date()).days == 14
    assert comes.values["team"] == next(p.team for p in STAFF.people if p.id == goes.person)


# What the feed had said by when.


def feed(**changes: Any) -> FeedYear:
    base = FeedYear(1, FIRST, LAST, CALENDAR, {}, frozenset(), {}, {"T1": ("W1", "W2")}, frozenset())
    return replace(base, **changes)


def allocated(worker: str = "W1") -> CaseFile:
    values = {"worker": worker, "team": "T1", "role": "CW", "start": date(2025, 1, 6)}
    return CaseFile("C1", (make_record("allocation", "C1", "I1", "I1", values),), Window())


def held_on(case: CaseFile, day: date) -> set[object]:
    known = Known(case)(case, datetime(day.year, day.month, day.day, 7, tzinfo=LONDON))
    return {r.get("worker") for r in known.records if r.day("end") is None}


def test_a_leavers_case_passes_to_a_colleague_and_the_feed_shows_it_later() -> None:
    day = date(2026, 3, 2)
    case = as_it_went(allocated(), feed(leaves={"W1": day}, drawn=frozenset({"W1"})))
    assert held_on(case, day) == {"W1"}
    assert held_on(case, date(2026, 3, 20)) == {"W2"}


def test_a_visit_is_never_seen_on_its_own_day_and_is_in_the_end() -> None:
    for key in range(30):
        day = date(2026, 3, 2)
        visit = make_record("cp_visit", "C1", f"V{key}", "V", {"happened": day, "child_seen": True})
        case = as_it_went(CaseFile("C1", (visit,), Window()), feed())
        seen = [bool(Known(case)(case, datetime(2026, 3, n, 7, tzinfo=LONDON)).records) for n in range(1, 31)]
        assert not any(seen[:2])
        assert seen[-1]
        assert sorted(seen) == seen  # once entered, it stays


def test_a_planted_word_is_in_every_record() -> None:
    case = as_it_went(allocated(), feed())
    assert all(any(CANARY in str(v) for v in r.values.values()) for r in case.records)
