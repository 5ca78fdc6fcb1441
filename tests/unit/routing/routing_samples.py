"""Made-up people, rules and findings that the routing tests share. Today is Thursday 26 November 2026."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from alertd.alerts.lifecycle import Reason, Transition
from alertd.calendars.calendar import calendar_for
from alertd.cases.holding import Holding
from alertd.engine.findings import CannotTell, Cause, Finding
from alertd.people.directory import Directory, Person, Team
from alertd.routing.mails import DigestItem
from alertd.routing.next_step import next_step
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.profiles import Ladder, WarningProfile

TODAY = date(2026, 11, 26)
SENT = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
CALENDAR = calendar_for("england-and-wales")

VISIT = Rule.model_validate(
    {
        "id": "cp.visit",
        "title": "Child protection visit",
        "why": "A child on a plan must be seen, and seen often enough.",
        "law": {"cite": "local policy 4.2, 2025; no national limit", "confidence": "P"},
        "for": "cp_plan",
        "clock": {"every": "10 working days", "from": "start"},
        "until": {"record": "cp_visit", "where": {"child_seen": True}},
        "clears": "a visit with the child seen is recorded",
        "warn": "D5",
        "escalate": "L2",
    }
)
REVIEW = Rule.model_validate(
    {
        "id": "cla.review.first",
        "title": "First looked-after review",
        "why": "Someone independent must test the plan before it sets.",
        "law": {"cite": "SI 2010/959 reg 33(1)", "confidence": "V†"},
        "for": "care_period",
        "clock": {"from": "start", "within": "20 working days"},
        "until": {"record": "cla_review"},
        "clears": "the review is recorded as held",
        "warn": "D5",
        "escalate": "L1",
    }
)
HEALTH = Rule.model_validate(
    {
        "id": "cla.health.initial",
        "title": "Initial health assessment",
        "why": "Health needs are found early.",
        "law": {"cite": "SI 2010/959 reg 7", "confidence": "V†"},
        "for": "care_period",
        "clock": {"from": "start", "within": "20 working days"},
        "until": {"record": "health_assessment", "where": {"type": "initial"}},
        "clears": "an initial health assessment is recorded",
        "warn": "D5",
        "escalate": "L1",
    }
)
PATHWAY = Rule.model_validate(
    {
        "id": "leaver.pathway.first",
        "title": "First pathway plan",
        "why": "Leaving care is prepared, not sprung.",
        "law": {"cite": "SI 2010/959 reg 43", "confidence": "V†"},
        "for": "care_period",
        "clock": {"from": {"birthday": 16}, "within": "3 months"},
        "until": {"record": "pathway_plan"},
        "clears": "a pathway plan is recorded",
        "warn": "D5",
        "escalate": "L1",
    }
)
LADDERS = {
    "L1": Ladder.model_validate(
        {
            "title": "Routine statutory work",
            "steps": [
                {"tell": ["worker", "team_manager"]},
                {"tell": ["service_manager"], "after": "3 working days"},
                {"tell": ["head_of_service"], "after": "10 working days"},
            ],
        }
    ),
    "L2": Ladder.model_validate(
        {
            "title": "Child protection",
            "urgent": True,
            "steps": [
                {"tell": ["worker", "team_manager"]},
                {"tell": ["service_manager"], "after": "1 working day"},
                {"tell": ["service_manager", "head_of_service"], "after": "5 working days"},
            ],
        }
    ),
}
BOOK = Rulebook(
    rules=(VISIT, REVIEW, HEALTH, PATHWAY),
    warnings={"D5": WarningProfile.model_validate({"title": "Two days before", "at": [{"before": "2 working days"}]})},
    ladders=LADDERS,
)
DIRECTORY = Directory(
    {
        p.id: p
        for p in (
            Person("P1", "Ade Worker", "ade@council.example", "worker", "T1"),
            Person("P2", "Bo Worker", "bo@council.example", "worker", "T1", deputy="P1"),
            Person("M1", "Cy Manager", "cy@council.example", "team_manager", "T1"),
        )
    },
    {"S1": Team("S1", "Safeguarding"), "T1": Team("T1", "North team", "S1", "north@council.example")},
    "duty@council.example",
)

OVERDUE_VISIT = Finding(
    "cp.visit", "48213", "cp_plan:7", "V31", "overdue",
    start=date(2026, 11, 10), due=date(2026, 11, 24), binding="local", local=date(2026, 11, 24), level=2,
    limit="10 working days", where="plans.csv:12", counted_from="visits.csv:31",
)  # fmt: skip
REVIEW_TOMORROW = Finding(
    "cla.review.first", "51007", "care_period:3", "start", "upcoming",
    start=date(2026, 10, 30), due=date(2026, 11, 27), binding="statutory", statutory=date(2026, 11, 27),
    limit="20 working days", where="episodes.csv:113", counted_from="episodes.csv:113",
)  # fmt: skip
NO_START = Finding(
    "cla.health.initial", "50311", "care_period:9", "start", "unknown", where="episodes.csv:40",
    cannot_tell=CannotTell("missing", "start", "episodes.csv:40", "no start is recorded"),
)  # fmt: skip


def rule_of(finding: Finding) -> Rule:
    """The rule a sample finding is about."""
    found = BOOK.rule(finding.rule)
    assert found is not None
    return found


def item(
    alert_id: int,
    finding: Finding,
    *,
    role: str = "worker",
    how: str = "the allocated worker",
    holding: Holding = Holding("P1", "T1"),
    is_new: bool = False,
) -> DigestItem:
    """One line of somebody's digest."""
    rule = rule_of(finding)
    step = next_step(finding, rule, BOOK, CALENDAR, TODAY)
    return DigestItem(alert_id, finding, rule, holding, role, how, is_new, step)


def unmeasured(cause: Cause, where: str = "", text: str = "this feed holds no cp_visit") -> Finding:
    """A finding nobody who works with the child can mend."""
    return Finding("cp.visit", "*", "feed", "cp_visit", "unknown", cannot_tell=CannotTell(cause, "x", where, text))


def change(finding: Finding, reason: Reason, *, levels: tuple[int, int] = (0, 0)) -> Transition:
    """A transition to the finding's stage for that reason."""
    return Transition(finding, None, finding.stage, levels[0], levels[1], reason)


def worker_items() -> list[DigestItem]:
    """What a worker with one of everything has open."""
    today_review = replace(REVIEW_TOMORROW, child="51290", stage="due", due=TODAY, statutory=TODAY)
    booked = replace(
        REVIEW_TOMORROW, child="49950", due=date(2026, 12, 1), plan=date(2026, 12, 1), binding="plan",
        statutory=date(2026, 12, 8), limit="",
    )  # fmt: skip
    return [
        item(1, NO_START),
        item(2, REVIEW_TOMORROW, is_new=True),
        item(3, OVERDUE_VISIT, is_new=True),
        item(4, today_review),
        item(5, booked),
    ]
