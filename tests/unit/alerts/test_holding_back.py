"""A step that somebody's word holds back is not told and not lost: all that passed is told when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from alert_samples import NOW, after, by_identity, finding, told
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from living_samples import CALENDAR, said

from alertd.alerts.handling import Handled
from alertd.alerts.holding_back import holds_steps, reach
from alertd.alerts.lifecycle import OpenAlert, Transition
from alertd.alerts.planned import next_planned
from alertd.alerts.reconcile import Identity, reconcile
from alertd.people.directory import LINE
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.profiles import Ladder

SHIPPED = load_rulebook([]).ladders

RANK = {"W1": 0, "M1": 1, "S1": 2, "H1": 3, "D1": 4}


def rank(one: Handled) -> int:
    return RANK[one.by]


def ladder(claim: str, accept: str, *steps: str) -> Ladder:
    """A ladder whose steps tell these roles, parted by spaces."""
    held = {"claim": claim, "accept": accept, "because": "x"}
    return Ladder.model_validate({"title": "t", "steps": [{"tell": s.split()} for s in steps], "held_by": held})


UP = ("worker team_manager", "service_manager", "head_of_service", "director")


@pytest.mark.parametrize(
    ("book", "standing", "reached"),
    [
        (ladder("every step", "own level", *UP), [], 4),
        (ladder("every step", "own level", *UP), [said("claim")], 0),
        (ladder("no step", "own level", *UP), [said("claim")], 4),
        (ladder("service_manager", "own level", *UP[:2]), [said("claim")], 0),
        (ladder("service_manager", "own level", *UP), [said("claim")], 4),  # the steps above take it along
        (ladder("no step", "own level", *UP[:2]), [said("accept", "S1")], 0),
        (ladder("no step", "own level", *UP[:2]), [said("accept", "M1")], 2),
        (ladder("no step", "own level", *UP[:1]), [said("accept", "M1")], 0),
        (ladder("no step", "own level", *UP[:1]), [said("accept", "W1")], 1),
        (ladder("no step", "team_manager", *UP[:2]), [said("accept", "D1")], 2),
        (ladder("no step", "no step", *UP), [said("accept", "D1")], 4),
        (ladder("no step", "own level", *UP[:2], "iro"), [said("accept", "D1")], 3),  # outside the line
        (ladder("every step", "own level", "iro", "partner_lead"), [said("claim")], 0),
        (ladder("every step", "own level", *UP), [said("snooze"), said("dispute"), said("hand_over", to="W2")], 4),
        (ladder("every step", "own level", *UP).model_copy(update={"held_by": None}), [said("claim")], 4),
    ],
)
def test_how_far_a_word_holds(book: Ladder, standing: list[Handled], reached: int) -> None:
    assert reach(len(book.steps), book, standing, rank) == reached


def test_a_step_says_who_holds_it_and_until_when() -> None:
    book = ladder("every step", "own level", *UP)
    claim = said("claim", until=NOW)
    assert (
        holds_steps(book.steps[0], book, [claim], rank)
        == "done, not yet recorded, says W1, until Wed 25 Nov 2026 06:30"
    )
    assert holds_steps(book.steps[0], book, [said("accept", "M1")], rank) == "accepted, says M1"
    assert holds_steps(book.steps[1], book, [said("accept", "M1")], rank) == ""


def test_the_next_step_is_the_first_not_told_and_says_what_holds_it() -> None:
    book = Ladder.model_validate(
        {
            "title": "t",
            "steps": [{"tell": ["worker"]}, {"after": "3 working days", "tell": ["service_manager"]}],
            "held_by": {"claim": "every step", "accept": "own level", "because": "x"},
        }
    )
    standing = [said("claim", until=NOW), said("dispute", until=NOW + timedelta(days=9))]
    planned = next_planned(finding("overdue", level=1), 1, book, CALENDAR, standing, rank)
    assert planned
    assert (planned.number, planned.tells, planned.at.date().isoformat()) == (2, ("service_manager",), "2026-12-02")
    assert (planned.held, planned.until) == ("done, not yet recorded, says W1, until Wed 25 Nov 2026 06:30", NOW)
    free = next_planned(finding("overdue", level=1), 1, book, CALENDAR)
    assert free
    assert (free.held, free.until) == ("", None)
    assert next_planned(finding("overdue", level=2), 2, book, CALENDAR) is None
    assert next_planned(finding("unknown"), 0, book, CALENDAR) is None


# Reconciling while something is held.


def look(now_true: Any, before: OpenAlert, reached: int) -> list[Transition]:
    done = reconcile(
        [now_true], by_identity([before]), NOW, present=lambda *_: True, reached=lambda _id, f: min(f.level, reached)
    )
    return list(done.transitions)


def test_a_held_step_is_not_told_with_another_change_either() -> None:
    (found,) = look(finding("overdue", level=3), told(finding("due", level=1)), reached=1)
    assert (found.reason, found.from_level, found.to_level) == ("stage", 1, 1)
    assert look(finding("overdue", level=3), told(finding("overdue", level=3), level=1), reached=1) == []


def test_what_was_told_before_it_was_held_stays_told() -> None:
    assert look(finding("overdue", level=2), told(finding("overdue", level=2)), reached=0) == []


def test_all_steps_that_passed_are_told_when_the_hold_ends_and_they_are_not_called_late() -> None:
    long_ago = NOW - timedelta(days=9)
    seen = told(finding("overdue", level=3, since=long_ago), level=1)
    (found,) = look(seen.finding, seen, reached=3)
    assert (found.reason, found.from_level, found.to_level, found.late) == ("escalated", 1, 3, False)
    assert [(t.reason, t.from_level, t.to_level) for t in found.each_step()] == [
        ("escalated", 1, 2),
        ("escalated", 2, 3),
    ]
    missed = told(finding("overdue", level=1), level=1)  # nobody held it: alertd was not there
    (found,) = look(finding("overdue", level=3, since=long_ago), missed, reached=3)
    assert found.late


def test_a_muted_alert_that_is_held_is_told_only_what_does_not_wait_when_it_speaks_again() -> None:
    (found,) = look(
        finding("overdue", level=3), told(finding("overdue", level=3), level=0, muted="silence 1"), reached=2
    )
    assert (found.reason, found.to_level) == ("unmuted", 2)


ROLES = st.lists(st.sampled_from(["worker", *LINE, "iro"]), min_size=1, max_size=3, unique=True)
UPTO = ["every step", "no step", *LINE]


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    steps = draw(st.lists(ROLES, min_size=1, max_size=5))
    accept = draw(st.sampled_from(["own level", *UPTO[1:]]))
    return ladder(draw(st.sampled_from(UPTO)), accept, *(" ".join(step) for step in steps))


WORDS = st.lists(
    st.builds(said, st.sampled_from(["claim", "accept", "snooze", "dispute"]), st.sampled_from(sorted(RANK))),
    max_size=3,
)


def waits(book: Ladder, number: int, standing: list[Handled]) -> bool:
    """Whether a step waits, said again from the words of the policy."""
    roles = set(book.steps[number - 1].tell)
    assert book.held_by
    for one in standing:
        if one.kind == "claim" and book.held_by.claim == "every step":
            return True
        allowed: set[str] = set()
        if one.kind == "claim" and book.held_by.claim in LINE:
            allowed = {"worker", *LINE[: LINE.index(book.held_by.claim) + 1]}
        if one.kind == "accept" and book.held_by.accept != "no step":
            top = RANK[one.by]
            if book.held_by.accept in LINE:
                top = min(top, LINE.index(book.held_by.accept) + 1)
            allowed = {"worker", *LINE[:top]}
        if roles <= allowed:
            return True
    return False


@settings(max_examples=300)
@given(ladders(), WORDS, st.integers(0, 5))
def test_a_step_is_told_only_if_it_or_one_after_it_does_not_wait(
    book: Ladder, standing: list[Handled], level: int
) -> None:
    level = min(level, len(book.steps))
    reached = reach(level, book, standing, rank)
    free = [n for n in range(1, level + 1) if not waits(book, n, standing)]
    assert reached == max(free, default=0)


class Held(RuleBasedStateMachine):
    """Days pass, steps come, people say things of an alert and take them back, other alerts speak for it; and
    whatever happened, nobody is told of a step while it waits, and nobody is left out at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.book = SHIPPED["L1"]
        self.standing: list[Handled] = []
        self.true = finding("due", level=0)
        self.alerts: Mapping[Identity, OpenAlert] = by_identity([told(self.true)])
        self.told: list[int] = []

    @rule(name=st.sampled_from(["L1", "L2", "L3", "L5", "L7", "G2", "G5"]))
    def another_ladder(self, name: str) -> None:
        if not self.told and not self.true.level:
            self.book = SHIPPED[name]

    @rule(steps=st.integers(1, 3), stage=st.sampled_from(["due", "overdue"]))
    def time_passes(self, steps: int, stage: str) -> None:
        self.true = replace(self.true, stage=stage, level=min(self.true.level + steps, len(self.book.steps)))  # type: ignore[arg-type]

    @rule(kind=st.sampled_from(["claim", "accept", "snooze"]), by=st.sampled_from(sorted(RANK)))
    def say(self, kind: Any, by: str) -> None:
        self.standing.append(said(kind, by))

    @rule()
    def all_lapses(self) -> None:
        self.standing.clear()

    @rule(by=st.sampled_from(["", "cp.visit"]))
    def spoken_for(self, by: str) -> None:
        self.true = replace(self.true, spoken_for_by=by)

    @rule()
    def look(self) -> None:
        done = reconcile(
            [self.true],
            self.alerts,
            NOW,
            present=lambda *_: True,
            reached=lambda _id, f: reach(f.level, self.book, self.standing, rank),
        )
        new = [n for t in done.transitions for n in range(t.from_level + 1, t.to_level + 1)]
        free = [n for n in range(1, self.true.level + 1) if not waits(self.book, n, self.standing)]
        if self.true.spoken_for_by:
            assert new == []
        else:
            assert all(n <= max(free, default=0) for n in new)  # never told while it waits
            assert set(free) <= {*self.told, *new}  # and never kept from anybody
        self.told += new
        self.alerts = after(self.alerts, done)

    def teardown(self) -> None:
        self.standing.clear()
        self.true = replace(self.true, spoken_for_by="")
        self.look()
        assert self.told == list(range(1, self.true.level + 1))  # each once, in order, none lost


TestHeld = Held.TestCase
TestHeld.settings = settings(max_examples=100, stateful_step_count=25)
