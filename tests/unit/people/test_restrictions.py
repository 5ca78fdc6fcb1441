"""Children of whom not everybody hears, roles that one person holds together, and chains of deputies."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from alertd.cases.holding import Holding
from alertd.errors import InputError
from alertd.people.directory import Directory, Person, Team
from alertd.people.load_restrictions import load_restrictions, strangers
from alertd.people.restrictions import Restriction

TODAY = date(2026, 11, 26)
YESTERDAY = TODAY - timedelta(1)
HELD = Holding("W1", "T1")
PEOPLE = {
    p.id: p
    for p in (
        Person("W1", "Ade", "ade@council.example", "worker", "T1"),
        Person("W2", "Bo", "bo@council.example", "worker", "T1"),
        Person("M1", "Cy", "cy@council.example", "team_manager", "T1"),
        Person("S1", "Di", "di@council.example", "service_manager", "SV"),
        Person("H1", "Ed", "ed@council.example", "head_of_service", "SV"),
        Person("I1", "Flo", "flo@council.example", "iro", "SV"),
        Person("G1", "Gus", "gus@council.example", "information_governance", "SV"),
    )
}
TEAMS = {"SV": Team("SV", "Service"), "T1": Team("T1", "North", "SV", "north@council.example")}


def directory(*kept: Restriction, **changes: Person) -> Directory:
    return Directory({**PEOPLE, **changes}, TEAMS, "duty@council.example", {k.child: k for k in kept})


def only(*ids: str, until: date | None = None) -> Restriction:
    return Restriction("C1", ids, until=until)


def never(*ids: str) -> Restriction:
    return Restriction("C1", never=frozenset(ids))


@pytest.mark.parametrize(
    ("kept", "role", "told", "rung"),
    [
        (only("W1", "H1"), "worker", "W1", "person"),
        (only("H1"), "worker", "H1", "up"),
        (only("H1", "M1"), "worker", "M1", "up"),
        (only("H1", "M1"), "team_manager", "M1", "person"),
        (only("I1"), "iro", "I1", "person"),
        (only("W2"), "worker", "W2", "up"),
        (only("P9"), "worker", "G1", "up"),
        (never("W1"), "worker", "M1", "up"),  # the inbox is read by whoever is in the team, W1 too
        (never("M1"), "team_manager", "S1", "up"),
        (never("I1"), "iro", "G1", "up"),
        (only("H1", until=YESTERDAY), "worker", "W1", "person"),
        (only("H1", until=TODAY), "worker", "H1", "up"),
    ],
)
def test_whoever_may_not_hear_is_passed_over(kept: Restriction, role: str, told: str, rung: str) -> None:
    found = directory(kept).resolve(role, HELD, TODAY, child="C1")
    assert (found.person_id, found.rung) == (told, rung), found.how


def test_who_is_told_only_because_nobody_else_is_there_gets_no_details() -> None:
    found = directory(only("P9")).resolve("worker", HELD, TODAY, child="C1")
    assert found.without_details
    assert "information governance, without details" in found.how
    gone = {"G1": replace(PEOPLE["G1"], leaves=TODAY)}
    found = directory(only("P9"), **gone).resolve("worker", HELD, TODAY, child="C1")
    assert (found.person_id, found.without_details) == ("duty", True)


def test_information_governance_that_must_never_hear_is_not_told_even_without_details() -> None:
    kept = Restriction("C1", ("P9",), frozenset({"G1"}))
    assert directory(kept).resolve("worker", HELD, TODAY, child="C1").person_id == "duty"


def test_other_children_are_told_of_as_ever() -> None:
    found = directory(only("H1")).resolve("worker", HELD, TODAY, child="C2")
    assert (found.person_id, found.how) == ("W1", "the allocated worker")


def test_family_is_known_under_every_id_of_the_same_person() -> None:
    """One person in two roles has two rows and one address: both are barred when one is."""
    again = Person("M9", "Cy", "CY@council.example", "supervisor", "T1")
    found = directory(never("M9"), M9=again).resolve("team_manager", HELD, TODAY, child="C1")
    assert found.person_id == "S1"
    mine = {"M1": replace(PEOPLE["M1"], not_told_of=frozenset({"C1"}))}
    assert directory(**mine).resolve("team_manager", HELD, TODAY, child="C1").person_id == "S1"
    assert directory(**mine).resolve("team_manager", HELD, TODAY, child="C2").person_id == "M1"


@pytest.mark.parametrize(
    ("kept", "person", "may"),
    [
        (only("W1"), "W1", True),
        (only("W1"), "M1", False),
        (only("W1"), "team:T1", False),
        (only("W1"), "duty", False),
        (only("W1"), "P9", False),
        (never("W1"), "W1", False),
        (never("W1"), "M1", True),
        (never("W1"), "team:T1", False),
        (never("M1"), "team:SV", True),
        (never("W1"), "duty", False),
        (only("W1"), "agency:police", True),
    ],
)
def test_access_is_asked_again_when_sending(kept: Restriction, person: str, may: bool) -> None:
    assert (directory(kept).may_hear(person, "C1", TODAY) == "") is may
    assert directory(kept).may_hear(person, "C2", TODAY) == ""


def test_without_a_day_a_restriction_that_ended_still_counts() -> None:
    ended = directory(only("H1", until=YESTERDAY))
    assert ended.may_hear("W1", "C1", TODAY) == ""
    assert ended.may_hear("W1", "C1")


def test_a_deputys_deputy_stands_in_and_circles_end() -> None:
    away = {
        "W1": replace(PEOPLE["W1"], away_from=TODAY, deputy="W2"),
        "W2": replace(PEOPLE["W2"], leaves=TODAY, deputy="I1"),
    }
    found = directory(**away).resolve("worker", HELD, TODAY)
    assert (found.person_id, found.rung) == ("I1", "deputy")
    assert found.how == (
        "the allocated worker: deputy of W1, who is away until further notice; deputy of W2, who has left"
    )
    circle = {**away, "W2": replace(away["W2"], deputy="W1")}
    assert directory(**circle).resolve("worker", HELD, TODAY).person_id == "team:T1"
    beside = {**away, "I1": replace(PEOPLE["I1"], leaves=TODAY, deputy="W2")}  # a circle that W1 is no part of
    assert directory(**beside).resolve("worker", HELD, TODAY).person_id == "team:T1"


def test_somebody_without_an_address_is_passed_over_and_it_is_said() -> None:
    found = directory(W1=replace(PEOPLE["W1"], address="")).resolve("worker", HELD, TODAY)
    assert (found.person_id, found.how) == ("team:T1", "inbox of T1: worker W1 has no address")


def test_a_role_held_besides_counts_and_the_main_holder_comes_first() -> None:
    besides = {"A1": Person("A1", "Jo", "jo@council.example", "duty", "SV", also=("iro", "placements"))}
    both = directory(**besides)
    assert both.resolve("placements", HELD, TODAY).person_id == "A1"
    assert both.resolve("iro", HELD, TODAY).person_id == "I1"


def test_a_manager_who_is_the_worker_does_not_escalate_to_themselves_under_another_id() -> None:
    again = Person("W5", "Cy", "cy@council.example", "worker", "T1")
    found = directory(W5=again).resolve("team_manager", Holding("W5", "T1"), TODAY)
    assert found.person_id == "team:T1"
    assert directory(W5=again).resolve("service_manager", Holding("W5", "T1"), TODAY).person_id == "S1"


def test_a_changed_team_an_absence_and_a_leaver_are_heeded_on_the_day() -> None:
    moved = {"M2": Person("M2", "Hal", "hal@council.example", "team_manager", "SV")}
    assert directory(**moved).resolve("team_manager", Holding("W1", "SV"), TODAY).person_id == "M2"
    away = {"W1": replace(PEOPLE["W1"], away_from=TODAY, deputy="W2")}
    assert directory(**away).resolve("worker", HELD, YESTERDAY).person_id == "W1"
    assert directory(**away).resolve("worker", HELD, TODAY).person_id == "W2"
    left = {"W1": replace(PEOPLE["W1"], leaves=TODAY)}
    assert directory(**left).resolve("worker", HELD, YESTERDAY).person_id == "W1"
    assert directory(**left).resolve("worker", HELD, TODAY).person_id == "team:T1"


def test_the_director_is_found_though_no_team_is_recorded() -> None:
    top = {"D1": Person("D1", "Kit", "kit@council.example", "director")}
    assert directory(**top).resolve("director", Holding(), TODAY).person_id == "D1"
    assert directory(**top).resolve("team_manager", Holding(), TODAY).person_id == "duty"


def test_the_language_is_that_of_who_is_told() -> None:
    found = directory(W1=replace(PEOPLE["W1"], language="cy")).resolve("worker", HELD, TODAY)
    assert found.language == "cy"


HEADER = "child,only,never,reason,until\n"


def read(tmp_path: Path, text: str) -> dict[str, Restriction]:
    path = tmp_path / "restrictions.csv"
    path.write_text(HEADER + text, "utf-8")
    return load_restrictions(path)


def test_restrictions_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, "C1,H1 M1,,Inquiry,2026-12-31\nC2,,W1,Family,\n")
    assert found["C1"].only == ("H1", "M1")
    assert found["C1"].until == date(2026, 12, 31)
    assert found["C2"].never == {"W1"}


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("C1,,,Why,\n", ":2: column only", "both blank"),
        ("C1,W1,W1,Why,\n", ":2: column never", "in only and in never"),
        ("C1,W1,,,\n", ":2: column reason", "blank"),
        (",W1,,Why,\n", ":2: column child", "blank"),
        ("C1,W1,,Why,\nC1,W2,,Why,\n", ":3: column child", "already on line 2"),
        ("C1,W1,,Why,soon\n", ":2: column until", "not a date"),
    ],
)
def test_a_restriction_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, where: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert where in str(caught.value) and what in str(caught.value)


def test_ids_that_are_nobodys_are_told_with_their_place(tmp_path: Path) -> None:
    found = read(tmp_path, "C1,H1,,Why,\nC2,,W7,Why,\n")
    (one,) = strangers(found, PEOPLE)
    assert "restrictions.csv:3: column never: there is no person 'W7'" in str(one)
