"""Why this date: the working of one finding, and why there is no clock at all."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from alertd.calendars.calendar import calendar_for
from alertd.cases.records import CaseFile, Record, make_record
from alertd.engine.explain import describe, explain, why_no_clock
from alertd.engine.findings import CannotTell, Finding
from alertd.rulebook.model import Rule, Rulebook
from tests.support.evaluating import evaluate

NOW = datetime(2026, 12, 21, 9, tzinfo=UTC)
CALENDAR = calendar_for("england-and-wales")


def rule(**changes: Any) -> Rule:
    written: dict[str, Any] = {
        "id": "r.review",
        "title": "First review",
        "why": "Because.",
        "law": {"cite": "SI 2010/959 reg 33(1)", "confidence": "V"},
        "for": "care_period",
        "clock": {"from": "start", "within": "5 working days"},
        "until": {"record": "cla_review"},
        "clears": "A review is recorded.",
        "warn": "D",
        "escalate": "L",
        "place": "looked_after.yaml:11",
    }
    return Rule.model_validate({**written, **changes})


def book(rule_: Rule) -> Rulebook:
    return Rulebook.model_validate(
        {
            "rules": (rule_,),
            "warnings": {"D": {"title": "t", "at": [{"before": "2 working days"}]}},
            "ladders": {"L": {"title": "t", "steps": [{"tell": ["worker"]}]}},
        }
    )


def entered(day: date | None, *more: Record) -> CaseFile:
    return CaseFile("C1", (make_record("care_period", "C1", "L1", "ssd_cla_episodes L1", {"start": day}), *more))


def explained(rule_: Rule, case: CaseFile) -> tuple[list[str], Any]:
    (finding,) = evaluate(case, book(rule_), NOW)
    working = explain(finding, rule_, book(rule_), CALENDAR)
    return list(describe(working)), working


def test_the_working_counts_every_day_and_says_why_some_do_not_count() -> None:
    lines, working = explained(rule(), entered(date(2026, 12, 18)))
    assert [(d.day.day, d.number) for d in working.days if d.number is not None] == [
        (18, 0), (21, 1), (22, 2), (23, 3), (24, 4), (29, 5),
    ]  # fmt: skip
    assert [(d.day.day, d.skipped_because) for d in working.days if d.skipped_because] == [
        (19, "Saturday"), (20, "Sunday"), (25, "Christmas Day"), (26, "Saturday"), (27, "Sunday"),
        (28, "Boxing Day (substitute day)"),
    ]  # fmt: skip
    assert lines == [
        "First review (r.review): running",
        "  why            Because.",
        "  law            SI 2010/959 reg 33(1) (confidence V; looked_after.yaml:11)",
        "  record         care_period:L1, ssd_cla_episodes L1",
        "  starts         Fri 18 Dec 2026, day 0, from ssd_cla_episodes L1",
        "  limit          5 working days",
        "  statutory      Tue 29 Dec 2026  <- binds",
        "  local          none",
        "  plan           none",
        "  clears when    A review is recorded.",
        "  next change    Wed 23 Dec 2026 00:00",
    ]


def test_a_count_that_begins_with_the_day_itself_says_day_1() -> None:
    counted = {"from": "start", "within": "5 working days", "count_from": "same_day"}
    lines, working = explained(rule(clock=counted), entered(date(2026, 12, 18)))
    assert "  starts         Fri 18 Dec 2026, day 1, from ssd_cla_episodes L1" in lines
    assert working.days[0].number == 1


def test_a_met_clock_says_when_and_where_and_no_longer_what_would_clear_it() -> None:
    review = make_record("cla_review", "C1", "R1", "ssd_cla_reviews R1", {"happened": date(2026, 12, 20)})
    lines, _ = explained(rule(), entered(date(2026, 12, 18), review))
    assert "  met            Sun 20 Dec 2026, ssd_cla_reviews R1" in lines
    assert not [line for line in lines if "clears when" in line]


def test_a_booked_date_binds_and_is_named_as_the_limit() -> None:
    booked = make_record("cla_review", "C1", "R1", "w", {"due_on": date(2026, 12, 23)})
    clock = {"from": "start", "within": "5 working days", "plan": "due_on"}
    lines, _ = explained(rule(clock=clock), entered(date(2026, 12, 18), booked))
    assert "  limit          the date set in the plan" in lines
    assert "  plan           Wed 23 Dec 2026  <- binds" in lines
    assert "  statutory      Tue 29 Dec 2026" in lines


def test_what_cannot_be_told_names_the_field_and_where_to_look() -> None:
    lines, working = explained(rule(), entered(None))
    assert "  cannot tell    no start is recorded (ssd_cla_episodes L1, start)" in lines
    assert "  clears when    A review is recorded." in lines
    assert working.days == ()


def test_a_cause_without_a_place_shows_none() -> None:
    reason = CannotTell("engine", "", "", "this child could not be evaluated: X")
    finding = Finding("r.review", "C1", "engine", "start", "unknown", cannot_tell=reason)
    lines = list(describe(explain(finding, rule(), book(rule()), CALENDAR)))
    assert "  cannot tell    this child could not be evaluated: X" in lines


@pytest.mark.parametrize(
    ("rule_", "case", "words"),
    [
        (rule(), None, "the feed holds no such child"),
        (rule(), CaseFile("C1", ()), "the child has no care_period record"),
        (
            rule(clock={"from": {"record": "cla_review", "nth": "2"}, "within": "3 months"}),
            entered(date(2026, 12, 18)),
            "too few cla_review records within ssd_cla_episodes L1 for this clock to have started",
        ),
        (
            rule(**{"for": "placement", "where": {"type": "U1"}, "until": {"record": "cla_visit"}}),
            CaseFile("C1", (make_record("placement", "C1", "P1", "w", {"type": "K2"}),)),
            "no placement record meets the conditions (type is U1), or none has begun",
        ),
        (
            rule(),
            entered(date(2027, 1, 4)),
            "no care_period record has begun, or its age band or phase does not apply",
        ),
    ],
)
def test_why_there_is_no_clock(rule_: Rule, case: CaseFile | None, words: str) -> None:
    assert why_no_clock(rule_, case) == words
