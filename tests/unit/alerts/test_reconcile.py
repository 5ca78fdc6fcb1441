"""Every reason for which people are told something, or no longer told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import get_args

import pytest
from alert_samples import DUE, FINDING, NOW, by_identity, finding, told

from alertd.alerts.lifecycle import CLOSING, LATE_AFTER, OpenAlert, Reason, Transition
from alertd.alerts.reconcile import Reconciled, reconcile
from alertd.cases.holding import Holding
from alertd.engine.findings import CannotTell, Finding

OVERDUE = finding("overdue", level=1)
SPOKEN_FOR = replace(OVERDUE, level=2, spoken_for_by="cp.visit")
LONG_AGO = NOW - timedelta(days=20)
MET_LATE = finding("met_late", met=date(2026, 11, 30), warned=0)
MET = finding("met", met=date(2026, 11, 20), warned=0)
OUTSIDE = CannotTell("window", "cla_review", "L1", "outside")


def run(
    now_true: Finding | None,
    before: OpenAlert | None = None,
    *,
    present: bool = True,
    worker: str | None = None,
    timing: str = "",
) -> Reconciled:
    return reconcile(
        [now_true] if now_true else [],
        by_identity([before] if before else []),
        NOW,
        present=lambda _child, _record: present,
        holdings={"C1": Holding(worker)} if worker else {},
        timing=lambda _: timing,
    )


def change(
    now_true: Finding | None, before: OpenAlert | None = None, *, present: bool = True, worker: str | None = None
) -> Transition:
    found = run(now_true, before, present=present, worker=worker)
    assert not found.refreshed
    (only,) = found.transitions
    return only


CASES: list[tuple[Reason, Finding | None, OpenAlert | None, tuple[str | None, str, int, int]]] = [
    ("new", FINDING, None, (None, "upcoming", 0, 0)),
    ("new", finding("overdue", level=2), None, (None, "overdue", 0, 2)),
    ("new", finding("unknown"), None, (None, "unknown", 0, 0)),
    ("reopened", FINDING, told(MET, is_open=False), (None, "upcoming", 0, 0)),
    ("stage", finding("due", level=1), told(FINDING), ("upcoming", "due", 0, 1)),
    ("stage", OVERDUE, told(finding("due", level=1)), ("due", "overdue", 1, 1)),
    ("stage", finding("unknown"), told(OVERDUE), ("overdue", "unknown", 1, 1)),
    ("stage", OVERDUE, told(finding("unknown"), level=1), ("unknown", "overdue", 1, 1)),
    ("cause", finding("unknown", cannot_tell=OUTSIDE), told(finding("unknown")), ("unknown", "unknown", 0, 0)),
    ("escalated", finding("overdue", level=2), told(OVERDUE), ("overdue", "overdue", 1, 2)),
    ("escalated", finding("upcoming", level=1), told(FINDING), ("upcoming", "upcoming", 0, 1)),
    ("reminder", finding("upcoming", warned=2), told(FINDING), ("upcoming", "upcoming", 0, 0)),
    ("date_moved", finding("upcoming", due=date(2026, 11, 26)), told(FINDING), ("upcoming", "upcoming", 0, 0)),
    ("met", MET, told(FINDING), ("upcoming", "closed", 0, 0)),
    ("met", MET, told(finding("unknown")), ("unknown", "closed", 0, 0)),
    ("met_recorded_late", MET, told(OVERDUE), ("overdue", "closed", 1, 1)),
    ("met_late", MET_LATE, told(OVERDUE), ("overdue", "closed", 1, 1)),
    ("withdrawn", finding("ended"), told(OVERDUE), ("overdue", "closed", 1, 1)),
    ("withdrawn", finding("running", warned=0), told(FINDING), ("upcoming", "closed", 0, 0)),
    ("withdrawn", finding("unknown", closed=True), told(finding("unknown")), ("unknown", "closed", 0, 0)),
    ("withdrawn", finding("unknown", met=DUE), told(finding("unknown")), ("unknown", "closed", 0, 0)),
    ("withdrawn", None, told(FINDING), ("upcoming", "closed", 0, 0)),
    ("new", SPOKEN_FOR, None, (None, "overdue", 0, 0)),
    ("muted", SPOKEN_FOR, told(OVERDUE), ("overdue", "overdue", 1, 1)),
    ("unmuted", OVERDUE, told(SPOKEN_FOR, level=0, muted="cin.visit"), ("overdue", "overdue", 0, 1)),
    ("stage", SPOKEN_FOR, told(FINDING, muted="cp.visit"), ("upcoming", "overdue", 0, 0)),
    ("met", MET, told(FINDING, muted="cp.visit"), ("upcoming", "closed", 0, 0)),
]


@pytest.mark.parametrize(("reason", "now_true", "before", "expected"), CASES)
def test_each_change_is_named_and_says_from_where_to_where(
    reason: Reason, now_true: Finding | None, before: OpenAlert | None, expected: tuple[str | None, str, int, int]
) -> None:
    found = change(now_true, before)
    assert found.reason == reason
    assert (found.from_stage, found.to_stage, found.from_level, found.to_level) == expected
    assert found.closes == (reason in CLOSING)
    assert found.alert_id == (before.id if before else None)


def test_f66_the_alert_of_a_number_that_was_merged_closes_and_points_to_the_new_one() -> None:
    (found,) = reconcile(
        [], by_identity([told(OVERDUE)]), NOW, present=lambda *_: False, moved={"C1": "C9"}.get
    ).transitions
    assert found.reason == "source_removed"
    assert found.finding.explained == "this number was merged into ref C9, which has its own alerts"


def test_an_alert_whose_record_has_gone_from_the_feed_is_closed_as_such() -> None:
    found = change(None, told(OVERDUE), present=False)
    assert (found.reason, found.finding) == ("source_removed", OVERDUE)


def test_a_child_handed_over_is_told_to_the_new_worker() -> None:
    assert change(FINDING, told(FINDING, worker="W1"), worker="W2").reason == "handed_over"
    assert change(OVERDUE, told(FINDING, worker="W1"), worker="W2").reason == "stage"  # told to the new one anyway
    assert run(FINDING, told(FINDING, worker="W1"), worker="W1") == Reconciled((), ())
    assert run(FINDING, told(FINDING, worker="W1")) == Reconciled((), ())  # not in the feed's allocations at all


def test_a_ladder_step_reached_on_the_day_of_hand_over_is_told_as_well() -> None:
    found = change(finding("overdue", level=2), told(OVERDUE, worker="W1"), worker="W2")
    assert (found.reason, found.from_level, found.to_level) == ("handed_over", 1, 2)


@pytest.mark.parametrize("now_true", [None, FINDING, MET, finding("running"), finding("ended")])
def test_what_asks_nobody_for_action_and_was_not_told_says_nothing(now_true: Finding | None) -> None:
    before = None if now_true is None or not now_true.asks_for_action else told(now_true)
    assert run(now_true, before) == Reconciled((), ())
    if now_true is None or not now_true.asks_for_action:
        assert run(now_true, told(FINDING, is_open=False)) == Reconciled((), ())


def test_a_detail_that_changes_brings_the_alert_up_to_date_without_telling_anybody() -> None:
    moved_on = replace(FINDING, changes=NOW + timedelta(days=2))
    assert run(moved_on, told(FINDING)) == Reconciled((), ((7, moved_on),))


def test_a_step_missed_while_alertd_was_down_is_told_once_and_marked_late() -> None:
    missed = finding("overdue", level=3, since=LONG_AGO)
    found = change(missed, told(FINDING))
    assert (found.late, found.from_level, found.to_level) == (True, 0, 3)
    assert run(missed, told(missed)) == Reconciled((), ())


@pytest.mark.parametrize(("age", "late"), [(LATE_AFTER, False), (LATE_AFTER + timedelta(seconds=1), True)])
def test_a_change_is_late_from_a_day_and_a_half(age: timedelta, late: bool) -> None:
    assert change(finding("due", since=NOW - age), told(FINDING)).late is late


def test_nothing_is_late_that_alertd_could_not_have_said_before() -> None:
    assert not change(finding("unknown"), told(FINDING)).late  # nobody knows since when
    assert not change(finding("upcoming", due=date(2026, 11, 26), since=LONG_AGO), told(FINDING)).late
    assert not change(finding("upcoming", since=LONG_AGO), told(FINDING, worker="W1"), worker="W2").late
    assert not change(replace(MET, since=LONG_AGO), told(FINDING)).late


def test_levels_told_before_closing_are_not_told_again_on_reopening() -> None:
    found = change(finding("overdue", level=3), told(MET, level=2, is_open=False))
    assert (found.reason, found.from_level, found.to_level) == ("reopened", 2, 3)


def test_levels_told_before_it_could_not_be_told_are_not_told_again() -> None:
    found = change(finding("overdue", level=2), told(finding("unknown"), level=2))
    assert (found.reason, found.from_level, found.to_level) == ("stage", 2, 2)


def test_a_later_date_does_not_unsay_the_levels_told() -> None:
    found = change(finding("upcoming", due=date(2026, 12, 20), level=0), told(finding("overdue", level=2)))
    assert (found.reason, found.to_level) == ("stage", 2)


def test_children_whose_alerts_are_not_given_are_left_alone() -> None:
    other = told(finding("overdue", child="C2"))
    found = reconcile([FINDING], by_identity([told(FINDING)]), NOW, present=lambda *_: True)
    assert found == Reconciled((), ())
    assert reconcile([FINDING], by_identity([told(FINDING), other]), NOW, present=lambda *_: True).transitions


def test_a_muted_alert_is_told_to_nobody_however_it_moves() -> None:
    assert change(SPOKEN_FOR).muted == "cp.visit"
    assert change(SPOKEN_FOR, told(FINDING, muted="cp.visit")).muted == "cp.visit"
    later = replace(SPOKEN_FOR, level=4, due=date(2026, 11, 26))
    assert run(later, told(SPOKEN_FOR, level=0, muted="cp.visit")) == Reconciled((), ((7, later),))


def test_a_rule_that_now_gives_more_time_tells_the_new_date_and_its_steps_are_still_to_come() -> None:
    before, later = finding("overdue", level=2), finding("overdue", due=date(2026, 12, 20), level=1)
    found = run(later, told(before, timing="old"), timing="new").transitions[0]
    assert (found.reason, found.from_level, found.to_level) == ("rule_changed", 1, 1)
    gone = run(finding("upcoming", level=0), told(before, timing="old"), timing="new").transitions[0]
    assert (gone.reason, gone.to_level) == ("stage", 0)


def test_a_rule_that_now_gives_less_time_tells_the_steps_that_have_come() -> None:
    sooner = finding("overdue", due=date(2026, 11, 2), level=3)
    found = run(sooner, told(OVERDUE, timing="old"), timing="new").transitions[0]
    assert (found.reason, found.from_level, found.to_level) == ("escalated", 1, 3)


@pytest.mark.parametrize(
    "before",
    [
        told(finding("overdue", level=2), timing="old"),  # muted and changed at once: an update of the pack
        told(finding("overdue", level=2), timing="old", muted="cp.visit"),
        told(MET, level=2, timing="old", is_open=False),
    ],
)
def test_steps_are_planned_anew_as_well_where_the_rule_changes_while_nobody_is_told(before: OpenAlert) -> None:
    later = finding("overdue", due=date(2026, 12, 20), level=1, spoken_for_by="cp.visit")
    found = run(later, before, timing="new").transitions[0]
    assert (found.from_level, found.to_level, found.muted) == (1, 1, "cp.visit")


def test_a_new_version_that_moves_nothing_is_taken_over_in_silence() -> None:
    assert run(OVERDUE, told(OVERDUE, timing="old"), timing="new") == Reconciled((), ((7, OVERDUE),))


def test_every_reason_has_a_case() -> None:
    named = {reason for reason, *_ in CASES} | {"source_removed", "handed_over", "rule_changed"}
    assert named == set(get_args(Reason))
