"""Who may see which child and which team, and by what right."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.access.may import (
    AboutChild,
    Verdict,
    may_break_glass,
    may_see_child,
    may_see_system,
    may_see_team,
    teams_seen,
)
from alertd.access.viewer import Viewer, subjects_at, viewer_of
from alertd.alerts.handling import Office
from alertd.calendars.calendar import calendar_for
from alertd.cases.holding import Holding
from alertd.cases.records import LONDON
from alertd.people.agencies import Agencies, Agency, Contact
from alertd.people.directory import Directory, Person, Team
from alertd.people.restrictions import Restriction

TODAY = date(2026, 11, 26)
NOW = datetime(2026, 11, 26, 10, tzinfo=LONDON)
TEAMS = {
    "SV": Team("SV", "Service"),
    "T1": Team("T1", "North", "SV"),
    "T2": Team("T2", "South", "SV"),
}
PEOPLE = (
    Person("W1", "Ade", "ade@council.example", "worker", "T1", deputy="W2"),
    Person("W2", "Bo", "bo@council.example", "worker", "T1"),
    Person("W3", "Hal", "hal@council.example", "worker", "T2"),
    Person("M1", "Cy", "cy@council.example", "team_manager", "T1", deputy="W3"),
    Person("M2", "Ida", "ida@council.example", "team_manager", "T2"),
    Person("H1", "Ed", "ed@council.example", "head_of_service", "SV"),
    Person("I1", "Flo", "flo@council.example", "iro", "SV"),
    Person("D1", "Gus", "gus@council.example", "data_owner", "SV"),
    Person("A1", "Jo", "jo@council.example", "administrator", "SV"),
)
DESK = Agency("health", "health", "Health", contacts=(Contact("desk", "The desk", "desk@health.example"),))
WHOSE = AboutChild("C1", Holding("W1", "T1"))


def office(*changed: Person, **directory: object) -> Office:
    people = {p.id: p for p in (*PEOPLE, *changed)}
    made = Directory(
        people, TEAMS, "duty@council.example", agencies=Agencies({"health": DESK}), **directory  # type: ignore[arg-type]
    )  # fmt: skip
    return Office(made, calendar_for("england-and-wales"), NOW)


def looks(who: str, at: Office | None = None, about: AboutChild = WHOSE) -> Verdict:
    at = at or office()
    viewer = viewer_of(who, at.directory, TODAY)
    assert viewer is not None
    return may_see_child(viewer, about, at)


@pytest.mark.parametrize(
    ("who", "right"),
    [
        ("W1", "allocated worker"),
        ("M1", "team manager above the child"),
        ("H1", "head of service above the child"),
        ("I1", "IRO, who looks at the whole service"),
    ],
)
def test_whoever_answers_for_a_child_sees_it(who: str, right: str) -> None:
    assert looks(who) == Verdict(True, right)


@pytest.mark.parametrize("who", ["W2", "W3", "M2", "D1", "A1", "agency:health:desk"])
def test_nobody_else_does(who: str) -> None:
    assert not looks(who).allowed


def test_a_deputy_sees_what_is_theirs_while_the_other_is_away() -> None:
    away = office(replace(PEOPLE[0], away_from=TODAY))
    assert looks("W2", away) == Verdict(True, "deputy of W1, the allocated worker, who is away")
    assert looks("W3", office(replace(PEOPLE[3], away_from=TODAY))).why == "deputy of M1, team manager above the child"
    assert not looks("W2").allowed, "and not before"


def test_who_was_handed_an_alert_or_told_of_one_sees_the_child() -> None:
    assert looks("W3", about=replace(WHOSE, handed_to=frozenset({"W3"}))).allowed
    assert looks("D1", about=replace(WHOSE, told=frozenset({"D1"}))).allowed
    assert not looks("W3", about=replace(WHOSE, told=frozenset({"D1", "team:T2"}))).allowed


def test_a_restriction_stands_before_every_right_and_before_an_emergency() -> None:
    at = office(restrictions={"C1": Restriction("C1", only=("W1",))})
    assert looks("W1", at).allowed
    for who in ("M1", "H1", "I1"):
        verdict = looks(who, at, replace(WHOSE, emergency="a fire"))
        assert not verdict.allowed and "information governance" in verdict.why
        viewer = viewer_of(who, at.directory, TODAY)
        assert viewer and not may_break_glass(viewer, "C1", at).allowed


def test_who_must_not_hear_of_a_child_never_sees_it_under_any_of_their_ids() -> None:
    twin = Person("X9", "Ade", "ade@council.example", "iro", "SV", not_told_of=frozenset({"C1"}))
    assert not looks("W1", office(twin)).allowed


def test_an_emergency_lets_staff_in_with_its_reason_and_nobody_else() -> None:
    assert looks("W3", about=replace(WHOSE, emergency="found alone")) == Verdict(True, "emergency access: found alone")
    at = office()
    for who, allowed in (("W3", True), ("M2", True), ("A1", False), ("agency:health:desk", False)):
        viewer = viewer_of(who, at.directory, TODAY)
        assert viewer and may_break_glass(viewer, "C1", at).allowed == allowed


def test_teams_are_seen_from_above_and_by_those_who_look_at_all() -> None:
    at = office()
    seen = {p.id: teams_seen(v, at) for p in PEOPLE if (v := viewer_of(p.id, at.directory, TODAY))}
    assert seen["M1"] == {"T1"} and seen["H1"] == {"SV", "T1", "T2"} and seen["I1"] == {"SV", "T1", "T2"}
    assert not seen["W1"] and not seen["A1"] and not seen["D1"]
    manager = viewer_of("M1", at.directory, TODAY)
    assert manager and not may_see_team(manager, "T2", at).allowed and not may_see_team(manager, "T9", at).allowed


def test_the_system_is_for_those_who_look_after_it_and_heads() -> None:
    at = office()
    allowed = {p.id for p in PEOPLE if may_see_system(viewer_of(p.id, at.directory, TODAY) or Viewer("", "")).allowed}
    assert allowed == {"H1", "I1", "D1", "A1"}


def test_leavers_are_nobody_and_those_away_are_somebody() -> None:
    at = office(replace(PEOPLE[0], leaves=TODAY), replace(PEOPLE[1], away_from=TODAY))
    assert viewer_of("W1", at.directory, TODAY) is None
    assert viewer_of("W2", at.directory, TODAY) is not None
    assert viewer_of("nobody", at.directory, TODAY) is None
    assert viewer_of("agency:health:gone", at.directory, TODAY) is None
    assert viewer_of("agency:nowhere:desk", at.directory, TODAY) is None


def test_an_address_is_one_person_or_a_contact_told_by_email() -> None:
    directory = office().directory
    assert subjects_at(" ADE@council.example ", directory, TODAY) == ("W1",)
    assert subjects_at("desk@health.example", directory, TODAY) == ("agency:health:desk",)
    assert subjects_at("", directory, TODAY) == subjects_at("x@y.example", directory, TODAY) == ()


@given(
    st.sampled_from([p.id for p in PEOPLE]),
    st.sampled_from([None, *(p.id for p in PEOPLE), "gone"]),
    st.sampled_from([None, "T1", "T2", "SV", "T9"]),
    st.sets(st.sampled_from([p.id for p in PEOPLE])),
)
def test_a_right_is_always_said_and_a_barred_person_never_has_one(
    who: str, worker: str | None, team: str | None, barred: set[str]
) -> None:
    at = office(restrictions={"C1": Restriction("C1", never=frozenset(barred))} if barred else {})
    verdict = looks(who, at, AboutChild("C1", Holding(worker, team), told=frozenset({"I1"})))
    assert verdict.why
    assert not (verdict.allowed and who in barred)
