"""What the mail promises about the ladder is what the engine will do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from routing_samples import BOOK, CALENDAR, LADDERS, NO_START, OVERDUE_VISIT, REVIEW_TOMORROW, TODAY, VISIT, rule_of

from alertd.cases.records import CaseFile, make_record
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.engine.stages import step_moment
from alertd.routing.next_step import next_step
from alertd.routing.wording import shipped
from alertd.rulebook.model import Rulebook
from alertd.rulebook.profiles import Ladder


def said(finding: Finding, book: Rulebook = BOOK) -> str:
    return next_step(finding, rule_of(finding), book, CALENDAR, TODAY)


def test_names_who_is_told_next_and_when() -> None:
    assert said(REVIEW_TOMORROW) == "If nothing changes: the team manager is told Fri 27 Nov."


def test_names_everybody_of_the_step() -> None:
    assert said(OVERDUE_VISIT).startswith("If nothing changes: the service manager and the head of service are told")


def named(finding: Finding, names: dict[str, str], code: str = "en") -> str:
    language = shipped().language(code)
    return next_step(finding, rule_of(finding), BOOK, CALENDAR, TODAY, lambda role: names.get(role, ""), language)


def test_names_the_person_where_it_is_known_who_that_is() -> None:
    assert named(REVIEW_TOMORROW, {"team_manager": "Ann Hughes"}) == (
        "If nothing changes: the team manager, Ann Hughes, is told Fri 27 Nov."
    )
    assert named(REVIEW_TOMORROW, {"team_manager": "Ann Hughes"}, "cy") == (
        "Os na fydd newid, rhoddir gwybod i'r canlynol Gwen 27 Tach: rheolwr tîm (Ann Hughes)."
    )


def test_names_each_of_two_and_whoever_is_both_once() -> None:
    both = {"service_manager": "Ann Hughes", "head_of_service": "Bo Lee"}
    assert named(OVERDUE_VISIT, both) == (
        "If nothing changes: the service manager, Ann Hughes, and the head of service, Bo Lee, are told Tue 1 Dec."
    )
    assert named(OVERDUE_VISIT, dict.fromkeys(both, "Ann Hughes")) == (
        "If nothing changes: the service manager, Ann Hughes, and the head of service are told Tue 1 Dec."
    )
    assert named(OVERDUE_VISIT, {"head_of_service": "Bo Lee"}) == (
        "If nothing changes: the service manager and the head of service, Bo Lee, are told Tue 1 Dec."
    )


def test_names_each_of_three() -> None:
    three = {"team_manager": "Ann Hughes", "service_manager": "Bo Lee", "head_of_service": "Cai Rees"}
    ladder = Ladder.model_validate({"title": "x", "steps": [{"tell": list(three)}]})
    book = BOOK.model_copy(update={"ladders": {**LADDERS, "L1": ladder}})
    step = next_step(REVIEW_TOMORROW, rule_of(REVIEW_TOMORROW), book, CALENDAR, TODAY, three.__getitem__)
    assert step == (
        "If nothing changes: the team manager, Ann Hughes, the service manager, Bo Lee, and the head of service, "
        "Cai Rees, are told Fri 27 Nov."
    )


def test_a_step_that_waits_for_a_digest_is_told_on_a_working_day() -> None:
    """Due on a Sunday: the digest that tells it goes on Monday."""
    sunday = replace(REVIEW_TOMORROW, due=date(2026, 11, 29))
    assert said(sunday) == "If nothing changes: the team manager is told Mon 30 Nov."


def test_an_urgent_step_is_told_on_the_very_day() -> None:
    sunday = replace(OVERDUE_VISIT, stage="upcoming", due=date(2026, 11, 29), level=0)
    assert said(sunday) == "If nothing changes: the team manager is told Sun 29 Nov."


def test_a_step_in_hours_names_the_hour() -> None:
    hours = Ladder.model_validate(
        {"title": "x", "urgent": True, "steps": [{"tell": ["service_manager"], "after": "4 hours"}]}
    )
    due = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
    book = BOOK.model_copy(update={"ladders": {**LADDERS, "L2": hours}})
    finding = replace(OVERDUE_VISIT, due=due, level=0)
    assert said(finding, book) == "If nothing changes: the service manager is told Thu 26 Nov 16:00."


def test_the_top_of_the_ladder_says_so() -> None:
    assert said(replace(OVERDUE_VISIT, level=3)) == "Everybody who is to hear of it has been told."


def test_what_cannot_be_told_says_what_that_means() -> None:
    assert said(NO_START) == "Until then nobody can be warned in time."


STEPS = [
    {"tell": ["a"], "before": "2 working days"},
    {"tell": ["a"], "before": "6 hours"},
    {"tell": ["a"]},
    {"tell": ["a"], "at_share": 0.5},
    {"tell": ["a"], "after": "4 hours"},
    {"tell": ["a"], "after": "3 working days"},
    {"tell": ["a"], "after": "1 week"},
]


@pytest.mark.parametrize("step", STEPS, ids=str)
@pytest.mark.parametrize("within", ["10 working days", "72 hours"])
def test_the_moment_told_is_the_moment_the_engine_counts(step: dict[str, object], within: str) -> None:
    """A second before, the engine has not reached the step; at the moment, it has."""
    ladder = Ladder.model_validate({"title": "x", "steps": [step]})
    clock = {"from": "start", "within": within}
    rule = VISIT.model_validate(VISIT.model_dump(by_alias=True) | {"clock": clock, "until": {"record": "cp_visit"}})
    at_start = {"D5": {"title": "x", "at": [{"at_start": True}]}}
    book = Rulebook.model_validate({"rules": (rule,), "warnings": at_start, "ladders": {"L2": ladder}})
    case = CaseFile("1", (make_record("cp_plan", "1", "7", "plans.csv:2", {"start": date(2026, 11, 10)}),))
    evaluator = Evaluator.of(book)
    late = evaluator.evaluate(case, datetime(2027, 1, 31, tzinfo=UTC))[0]
    assert late.start is not None and late.due is not None
    moment = step_moment(ladder.steps[0], late.start, late.due, CALENDAR)
    levels = [evaluator.evaluate(case, moment - timedelta(seconds=s))[0].level for s in (1, 0)]
    assert levels == [0, 1]
