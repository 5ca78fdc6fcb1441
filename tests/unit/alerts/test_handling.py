"""Who may say what of an alert, until when it holds, and when it ends: every refusal says what to do instead."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, get_args

import pytest
from living_samples import NOW, TEAMS, asked, facts, office, said

from alertd.alerts.handling import (
    ACCEPT_AT_MOST,
    AlertFacts,
    Asked,
    Handled,
    Kind,
    Office,
    answers_for,
    carried_by,
    in_force,
    lapses,
    rank_over,
    refusal,
    why_ended,
    why_not_resolve,
    why_not_undo,
)
from alertd.alerts.holding_back import quiet_for
from alertd.calendars.clock import begin_of
from alertd.cases.holding import Holding
from alertd.db.tables import HANDLINGS
from alertd.people.directory import LINE, Team
from alertd.rulebook.profiles import Manager

AWAY = {"away_from": date(2026, 11, 20), "away_to": date(2026, 12, 5)}
MON, TUE, WED = date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2)
OVERDUE = facts("overdue", due=date(2026, 11, 20))


@pytest.mark.parametrize(
    ("ask", "alert", "here"),
    [
        (asked("claim"), facts(), office()),
        (asked("claim"), facts("unknown"), office()),
        (asked("claim"), OVERDUE, office()),
        (asked("claim", "M1"), facts(), office()),
        (asked("claim", "S1"), facts(), office()),
        (asked("claim", "D1"), facts(), office()),
        (asked("claim", "W2"), facts(), office(W1=AWAY)),
        (asked("claim", "W3"), facts(), office(M1=AWAY)),  # deputy of the manager
        (asked("claim", "W3"), facts(handled=(said("hand_over", "M1", to="W3"),)), office()),
        (asked("claim", "M1"), facts(handled=(said("claim", ended_why="lapsed"),)), office()),
        (asked("claim"), facts(handled=(said("claim", ended_why="undone: a slip"),)), office()),
        (asked("accept", until=date(2026, 11, 27)), facts(), office()),
        (asked("accept", "M1", until=date(2027, 1, 7)), OVERDUE, office()),
        (asked("accept", "W3", until=MON), OVERDUE, office(M1=AWAY)),
        (asked("snooze", until=MON), facts(), office()),
        (asked("snooze", "P1", until=MON), facts(told=frozenset({"P1"})), office()),
        (asked("hand_over", "M1", to="W2"), OVERDUE, office()),
        (asked("hand_over", to="W3"), facts(), office()),
        (asked("dispute", "P1"), facts(told=frozenset({"P1"})), office()),
        (asked("dispute", "S1"), facts(), office()),
    ],
)
def test_what_may_be_said(ask: Asked, alert: AlertFacts, here: Office) -> None:
    assert refusal(ask, alert, here) == ""


@pytest.mark.parametrize(
    ("ask", "alert", "here", "why"),
    [
        (asked("claim", reason=" "), facts(), office(), "A reason is required"),
        (asked("claim", "W9"), facts(), office(), "W9 is not in the staff directory"),
        (asked("claim", "X1"), facts(worker="X1"), office(), "X1 has left"),
        (asked("claim"), facts(), office(W1=AWAY), "W1 is away until 5 Dec: somebody who is here"),
        (asked("claim"), facts(is_open=False), office(), "The alert is closed"),
        (asked("claim"), facts(), office(barred="W1"), "must not hear of this child: ask information governance"),
        (asked("claim", "W2"), facts(), office(), "W1, their deputy or a manager above may claim it"),
        (asked("claim", "M2"), facts(), office(), "nor manages who does"),
        (asked("claim", "W2"), facts(worker=None), office(), "a manager above may claim it"),
        (asked("claim"), facts(handled=(said("claim", "W2"),)), office(), "W2 has claimed it already"),
        (asked("claim"), facts(handled=(said("claim", ended_why="lapsed"),)), office(), "a manager above may claim"),
        (
            asked("claim"),
            facts(handled=(said("claim", at=NOW - timedelta(days=1), ended_why="undone: not yet"),)),
            office(),
            "a manager above may claim",
        ),
        (asked("accept"), facts(), office(), "give --until"),
        (asked("accept", "W2", until=MON), facts(), office(), "their deputy or a manager above may accept it"),
        (asked("accept", until=MON), facts("unknown"), office(), "record what is missing"),
        (asked("accept", until=MON), OVERDUE, office(), "only the team manager or somebody above"),
        (asked("accept", "M1", until=MON), facts("overdue", worker="M1"), office(), "only the team manager"),
        (asked("accept", "M2", until=MON), OVERDUE, office(), "nor manages who does"),
        (asked("accept", until=MON), facts(), office(), "It is due on Fri 27 Nov 2026: accept it until then"),
        (asked("accept", "M1", until=date(2026, 11, 26)), facts(), office(), "is not ahead"),
        (asked("accept", "M1", until=date(2027, 1, 8)), facts(), office(), "Thu 7 Jan 2027 is the last day"),
        (asked("snooze"), facts(), office(), "give --until"),
        (asked("snooze", "P1", until=MON), facts(), office(), "was not told of it"),
        (asked("snooze", until=date(2026, 11, 26)), facts(), office(), "is not ahead"),
        (asked("snooze", until=date(2026, 12, 11)), facts(), office(), "Thu 10 Dec 2026 is the last day"),
        (asked("hand_over", "W2", to="W2"), facts(), office(), "or a manager above may hand it over"),
        (asked("hand_over"), facts(), office(), "give --to"),
        (asked("hand_over", to="W9"), facts(), office(), "give --to"),
        (asked("hand_over", to="X1"), facts(), office(), "X1 has left: hand it to somebody who is here"),
        (asked("hand_over", to="W2"), facts(), office(W2=AWAY), "W2 is away"),
        (asked("hand_over", to="N1"), facts(), office(), "N1 has no address"),
        (asked("hand_over", to="W2"), facts(), office(barred="W2"), "must not hear of this child"),
        (asked("hand_over", "M1", to="W1"), facts(), office(), "W1 answers for it already"),
        (asked("dispute", "P1"), facts(), office(), "those who were may dispute it"),
        (asked("dispute"), facts(handled=(said("dispute"),)), office(), "disputes it already"),
    ],
)
def test_what_may_not_be_said_and_why(ask: Asked, alert: AlertFacts, here: Office, why: str) -> None:
    assert why in refusal(ask, alert, here)


@pytest.mark.parametrize(
    ("by", "alert", "here", "why"),
    [
        ("W1", facts(), office(), ""),
        ("M1", facts(), office(), ""),
        ("W2", facts(), office(W1=AWAY), ""),
        ("W2", facts(handled=(said("hand_over", to="W2"),)), office(), ""),
        ("W2", facts(), office(), "its author W1, W1, their deputy or a manager above may"),
        ("M2", facts(), office(), "may not undo it"),
        ("W9", facts(), office(), "not in the staff directory"),
    ],
)
def test_what_was_said_is_undone_by_its_author_who_answers_or_a_manager(
    by: str, alert: AlertFacts, here: Office, why: str
) -> None:
    found = why_not_undo(said("claim"), by, "a slip", alert, here)
    assert why in found and bool(why) == bool(found)


def test_undoing_needs_a_reason_and_something_that_stands() -> None:
    assert "reason" in why_not_undo(said("claim"), "W1", "", facts(), office())
    assert "ended already: lapsed" in why_not_undo(said("claim", ended_why="lapsed"), "W1", "x", facts(), office())


@pytest.mark.parametrize(
    ("by", "owner", "why"),
    [
        ("P1", "Principal social worker of the authority", ""),
        ("P1", "P1", ""),
        ("P1", "Gus", ""),
        ("M1", "", ""),
        ("D1", "", ""),
        ("P1", "", "the owner of the rule or a manager above"),
        ("P1", "Head of quality", "the owner of the rule (Head of quality)"),
        ("W2", "", "may not decide it"),
        ("M2", "", "may not decide it"),
        ("W1", "", "raised it: somebody else"),
        ("W9", "", "not in the staff directory"),
    ],
)
def test_a_dispute_is_decided_by_the_rules_owner_or_a_manager_and_never_by_who_raised_it(
    by: str, owner: str, why: str
) -> None:
    found = why_not_resolve(said("dispute"), by, facts(owner=owner), office())
    assert why in found and bool(why) == bool(found)


def test_only_a_dispute_that_stands_is_decided() -> None:
    assert "no dispute but hand over" in why_not_resolve(said("hand_over"), "M1", facts(), office())
    assert "ended already: upheld" in why_not_resolve(said("dispute", ended_why="upheld"), "M1", facts(), office())
    assert "somebody else" in why_not_resolve(said("dispute", "M1"), "M1", facts(), office())


# Until when.


@pytest.mark.parametrize(
    ("ask", "until"),
    [
        (asked("claim"), TUE),  # Thursday and two working days is Monday; it lapses as Tuesday begins
        (asked("accept", until=date(2026, 11, 27)), MON),
        (asked("accept", until=date(2026, 11, 28)), MON),
        (asked("accept", until=date(2026, 12, 24)), date(2026, 12, 29)),  # Christmas and Boxing Day in between
        (asked("snooze", until=MON), MON),
    ],
)
def test_what_is_said_lapses_on_the_next_working_day_after_its_term(ask: Asked, until: date) -> None:
    assert lapses(ask, office()) == begin_of(until)


def test_nothing_lapses_while_the_team_of_its_author_is_closed() -> None:
    closed = {**TEAMS, "T1": Team("T1", "North", "SV", closed=frozenset({TUE}))}
    assert lapses(asked("claim"), office(teams=closed)) == begin_of(WED)


@pytest.mark.parametrize("kind", ["hand_over", "dispute"])
def test_what_has_no_term_does_not_lapse(kind: Kind) -> None:
    assert lapses(asked(kind, to="W2"), office()) is None


def test_the_day_on_which_it_lapses_is_the_day_on_which_it_no_longer_stands() -> None:
    claim = said("claim", until=begin_of(TUE))
    assert in_force([claim], begin_of(TUE) - timedelta.resolution) == (claim,)
    assert in_force([claim], begin_of(TUE)) == ()
    assert in_force([said("claim", ended_why="undone: x")], NOW) == ()
    assert why_ended(claim, office(begin_of(TUE))) == "lapsed"
    assert why_ended(claim, office()) == ""


@pytest.mark.parametrize(
    ("one", "changes", "why"),
    [
        (said("claim"), {"W1": {"leaves": date(2026, 11, 26)}}, "its author has left"),
        (said("claim", "W9"), {}, "its author has left"),
        (said("claim"), {"W1": {"leaves": date(2026, 11, 27)}}, ""),
        (said("claim"), {"W1": AWAY}, ""),
        (said("hand_over", to="W2"), {"W1": {"leaves": date(2026, 11, 1)}}, ""),
        (said("hand_over", to="W2"), {"W2": {"leaves": date(2026, 11, 1)}}, "the person it was handed to has left"),
        (said("dispute"), {"W1": {"leaves": date(2026, 11, 1)}}, ""),
    ],
)
def test_a_duty_ends_when_who_carries_it_leaves(one: Handled, changes: dict[str, Any], why: str) -> None:
    assert why_ended(one, office(**changes)) == why


def test_the_deputy_carries_it_while_its_author_is_away() -> None:
    assert carried_by(said("claim"), office()) == "W1"
    assert carried_by(said("claim"), office(W1=AWAY)) == "W2"
    assert carried_by(said("claim"), office(W1=AWAY, W2=AWAY)) == "W1"
    assert carried_by(said("claim", "W2"), office(W2=AWAY)) == "W2"  # has no deputy


def test_who_was_handed_it_last_answers_for_it() -> None:
    first, second = said("hand_over", to="W2", id=1), said("hand_over", to="W3", id=2)
    assert answers_for([]) is None
    assert answers_for([first, said("claim"), second]) == "W3"
    assert answers_for([first, said("hand_over", to="W3", id=2, ended_why="undone: x")]) == "W2"


# Where somebody stands above a child.


@pytest.mark.parametrize(
    ("person", "rank"),
    [("W1", 0), ("W2", 0), ("M1", 1), ("M2", 0), ("S1", 2), ("H1", 3), ("D1", 4), ("P1", 0), ("W9", 0)],
)
def test_a_manager_stands_above_the_children_of_the_teams_below(person: str, rank: int) -> None:
    assert rank_over(person, Holding("W1", "T1"), office().directory) == rank


def test_nobody_manages_a_child_they_hold_and_only_the_director_one_of_no_team() -> None:
    directory = office().directory
    assert rank_over("M1", Holding("M1", "T1"), directory) == 0
    assert [rank_over(p, Holding(None, None), directory) for p in ("M1", "S1", "H1", "D1")] == [0, 0, 0, 4]


# Who need not hear.

LATER = begin_of(TUE)


@pytest.mark.parametrize(
    ("person", "role", "standing", "why"),
    [
        ("W1", "worker", [], ""),
        ("W1", "worker", [said("snooze", until=LATER)], "snoozed, until Tue 1 Dec 2026 00:00"),
        ("M1", "team_manager", [said("snooze", until=LATER)], ""),
        ("W1", "worker", [said("claim", until=LATER)], ""),
        ("M1", "team_manager", [said("claim", until=LATER)], "W1 manages it, until Tue 1 Dec 2026 00:00"),
        ("W1", "worker", [said("accept", "M1")], "M1 manages it"),
        ("D9", "data_owner", [said("claim")], ""),
        ("M1", "team_manager", [said("dispute"), said("hand_over", to="W2")], ""),
    ],
)
def test_who_manages_an_alert_hears_of_it_and_others_go_quiet(
    person: str, role: str, standing: list[Handled], why: str
) -> None:
    assert quiet_for(person, role, standing) == why
    assert quiet_for(person, role, standing, owed_step=True) == ""


def test_the_deputy_who_carries_it_hears() -> None:
    assert quiet_for("W2", "worker", [said("claim")]) == "W1 manages it"
    assert quiet_for("W2", "worker", [said("claim")], carrier=lambda h: carried_by(h, office(W1=AWAY))) == ""


def test_the_words_are_those_of_the_tables_and_of_the_ladders() -> None:
    assert set(get_args(Kind)) == set(HANDLINGS)
    assert get_args(Manager) == LINE
    assert str(ACCEPT_AT_MOST) == "6 weeks"
