"""Who may let a notification go: whom the policy names for this child, and the line above."""

from __future__ import annotations

from datetime import date

import pytest

from alertd.cases.holding import Holding
from alertd.partners.permit import why_not
from alertd.people.directory import Directory, Person
from alertd.people.restrictions import Restriction
from tests.support.council import PEOPLE, TEAMS

TODAY = date(2026, 11, 27)
HELD = Holding("W1", "T1")
STAFF = {p.id: p for p in [*PEOPLE, Person("W3", "Ed", "e@council.example", "worker", "T1", leaves=date(2026, 11, 1))]}


def may(person: str, role: str = "worker", held: Holding = HELD, child: str = "C1") -> str:
    kept = {"C2": Restriction("C2", never=frozenset({"M1"}))}
    return why_not(Directory(STAFF, TEAMS, "duty@council.example", restrictions=kept), person, role, held, child, TODAY)


@pytest.mark.parametrize("person", ["W1", "M1", "S1", "H1"])
def test_the_worker_and_the_line_above_may(person: str) -> None:
    assert may(person) == ""


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ("W2", "neither that nor in the line above"),
        ("I1", "neither that nor in the line above"),
        ("D1", "neither that nor in the line above"),
        ("W3", "has left"),
        ("W9", "not in the staff directory"),
        ("duty", "not in the staff directory"),
    ],
)
def test_nobody_else_may(person: str, why: str) -> None:
    assert why in may(person)


def test_what_a_manager_approves_the_worker_does_not() -> None:
    assert "team manager for this child is M1" in may("W1", "team_manager")
    assert may("M1", "team_manager") == ""


def test_who_must_not_hear_of_a_child_says_nothing_of_it() -> None:
    assert "must not hear" in may("M1", child="C2")
