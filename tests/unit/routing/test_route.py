"""Which roles hear of which change, and whether at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from routing_samples import BOOK, NO_START, OVERDUE_VISIT, REVIEW_TOMORROW, change, rule_of, unmeasured

from alertd.alerts.lifecycle import CLOSING, Reason
from alertd.engine.findings import Cause, Finding
from alertd.routing.route import NoticeFor, route

DUE_VISIT = replace(OVERDUE_VISIT, stage="due")
OVERDUE_REVIEW = replace(REVIEW_TOMORROW, stage="overdue")


def told(finding: Finding, reason: Reason, levels: tuple[int, int] = (0, 0)) -> list[tuple[str, bool]]:
    found = route(change(finding, reason, levels=levels), rule_of(finding), BOOK)
    assert all(n.reason for n in found)
    return [(n.role, n.urgent) for n in found]


@pytest.mark.parametrize("reason", ["new", "reopened", "stage", "reminder", "date_moved"])
def test_the_worker_is_told_of_what_is_ahead_and_it_waits_for_the_digest(reason: Reason) -> None:
    assert told(REVIEW_TOMORROW, reason) == [("worker", False)]


@pytest.mark.parametrize("finding", [DUE_VISIT, OVERDUE_VISIT])
@pytest.mark.parametrize("reason", ["new", "reopened", "stage", "date_moved"])
def test_due_and_overdue_on_an_urgent_ladder_go_at_once(finding: Finding, reason: Reason) -> None:
    assert told(finding, reason) == [("worker", True)]


def test_a_ladder_that_is_not_urgent_waits_even_when_overdue() -> None:
    assert told(OVERDUE_REVIEW, "stage") == [("worker", False)]


def test_an_upcoming_date_waits_even_on_an_urgent_ladder() -> None:
    assert told(replace(OVERDUE_VISIT, stage="upcoming"), "new") == [("worker", False)]


def test_a_reminder_is_never_urgent() -> None:
    assert told(OVERDUE_VISIT, "reminder") == [("worker", False)]


def test_an_escalation_tells_the_roles_of_its_step_and_not_the_worker_again() -> None:
    assert told(OVERDUE_REVIEW, "escalated", (1, 2)) == [("service_manager", False)]
    assert told(OVERDUE_VISIT, "escalated", (1, 2)) == [("service_manager", True)]


def test_steps_missed_while_alertd_was_down_are_each_told_once_and_a_role_only_once() -> None:
    assert told(OVERDUE_VISIT, "escalated", (1, 3)) == [("service_manager", True), ("head_of_service", True)]
    assert told(OVERDUE_VISIT, "escalated", (0, 3)) == [
        ("worker", True),
        ("team_manager", True),
        ("service_manager", True),
        ("head_of_service", True),
    ]


def test_a_level_already_told_is_not_told_again() -> None:
    assert told(OVERDUE_VISIT, "stage", (2, 2)) == [("worker", True)]


def test_a_new_alert_that_is_already_late_tells_the_worker_and_every_step_reached() -> None:
    assert [role for role, _ in told(OVERDUE_REVIEW, "new", (0, 2))] == ["worker", "team_manager", "service_manager"]


def test_a_level_beyond_a_ladder_since_shortened_tells_nobody_more() -> None:
    assert told(OVERDUE_REVIEW, "escalated", (3, 5)) == []


@pytest.mark.parametrize(
    ("cause", "role"),
    [
        ("missing", "worker"),
        ("unreadable", "worker"),
        ("conflict", "worker"),
        ("window", "data_owner"),
        ("feed", "data_owner"),
        ("setting", "data_owner"),
        ("engine", "data_owner"),
    ],
)
def test_what_cannot_be_told_goes_to_who_can_mend_it(cause: Cause, role: str) -> None:
    assert told(unmeasured(cause), "new") == [(role, False)]


@pytest.mark.parametrize("reason", sorted(CLOSING))
def test_a_closing_tells_nobody(reason: Reason) -> None:
    assert told(OVERDUE_VISIT, reason, (0, 2)) == []


def test_what_asks_nobody_for_action_tells_nobody() -> None:
    assert told(replace(NO_START, met=date(2026, 11, 1)), "new") == []


def test_the_reason_names_the_step() -> None:
    found = route(change(OVERDUE_REVIEW, "escalated", levels=(1, 2)), rule_of(OVERDUE_REVIEW), BOOK)
    assert found == (NoticeFor("service_manager", False, "step 2 of L1"),)
