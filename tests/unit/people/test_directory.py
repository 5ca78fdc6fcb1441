"""Who is told: the table of roles, absences and vacancies, and what must hold for every directory."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.cases.holding import Holding, holding
from alertd.cases.records import CaseFile, make_record
from alertd.people.directory import LINE, ROLES, Directory, Person, Resolved, Team

TODAY = date(2026, 11, 26)
YESTERDAY, TOMORROW = TODAY - timedelta(1), TODAY + timedelta(1)
DUTY = "duty@council.example"


def person(key: str, role: str = "worker", team: str | None = "T1", **more: object) -> Person:
    return Person(key, f"Name {key}", f"{key.lower()}@council.example", role, team, **more)  # type: ignore[arg-type]


def directory(*people: Person, inbox: str | None = None) -> Directory:
    """Team T1 below service S1 below C; T2 beside T1."""
    teams = [
        Team("C", "Council"),
        Team("S1", "Service", "C"),
        Team("T1", "North", "S1", inbox),
        Team("T2", "South", "S1"),
    ]
    return Directory({p.id: p for p in people}, {t.id: t for t in teams}, DUTY)


HELD = Holding("P1", "T1")
INBOX = "north@council.example"


@pytest.mark.parametrize(
    ("case", "people", "inbox", "role", "held", "told", "how"),
    [
        ("the worker is here", [person("P1")], INBOX, "worker", HELD, "P1", "the allocated worker"),
        (
            "leaves today: gone",
            [person("P1", leaves=TODAY, deputy="P2"), person("P2")],
            INBOX,
            "worker",
            HELD,
            "P2",
            "the allocated worker: deputy of P1, who has left",
        ),
        (
            "leaves tomorrow: still here",
            [person("P1", leaves=TOMORROW)],
            INBOX,
            "worker",
            HELD,
            "P1",
            "the allocated worker",
        ),
        (
            "last day away",
            [person("P1", away_from=YESTERDAY, away_to=TODAY, deputy="P2"), person("P2")],
            INBOX,
            "worker",
            HELD,
            "P2",
            "the allocated worker: deputy of P1, who is away until 26 Nov",
        ),
        (
            "back today",
            [person("P1", away_from=YESTERDAY, away_to=YESTERDAY)],
            INBOX,
            "worker",
            HELD,
            "P1",
            "the allocated worker",
        ),
        (
            "away without an end, no deputy",
            [person("P1", away_from=YESTERDAY)],
            INBOX,
            "worker",
            HELD,
            "team:T1",
            "inbox of T1: worker P1 is away until further notice",
        ),
        (
            "deputy away too",
            [person("P1", leaves=YESTERDAY, deputy="P2"), person("P2", away_from=TODAY)],
            INBOX,
            "worker",
            HELD,
            "team:T1",
            "inbox of T1: worker P1 has left",
        ),
        (
            "no inbox: the manager",
            [person("P1", leaves=YESTERDAY), person("M1", "team_manager")],
            None,
            "worker",
            HELD,
            "M1",
            "worker P1 has left; team manager of T1",
        ),
        (
            "worker not in the directory",
            [],
            INBOX,
            "worker",
            Holding("P9", "T1"),
            "team:T1",
            "inbox of T1: worker P9 is not in the staff directory",
        ),
        (
            "only a team",
            [person("P1")],
            INBOX,
            "worker",
            Holding(None, "T1"),
            "team:T1",
            "inbox of T1: no worker is allocated",
        ),
        (
            "nobody recorded",
            [person("P1"), person("D1", "director", None)],
            INBOX,
            "worker",
            Holding(),
            "duty",
            "duty address: no worker is allocated; no team is recorded for the child",
        ),
        (
            "no team recorded: the worker's own",
            [person("P1"), person("M1", "team_manager")],
            INBOX,
            "team_manager",
            Holding("P1"),
            "M1",
            "team manager of T1",
        ),
        (
            "manager of the team",
            [person("M1", "team_manager"), person("M2", "team_manager", "T2")],
            INBOX,
            "team_manager",
            HELD,
            "M1",
            "team manager of T1",
        ),
        (
            "two managers of one team: by id",
            [person("M2", "team_manager"), person("M1", "team_manager")],
            INBOX,
            "team_manager",
            HELD,
            "M1",
            None,
        ),
        (
            "not the manager of the team beside",
            [person("M2", "team_manager", "T2")],
            None,
            "team_manager",
            HELD,
            "duty",
            None,
        ),
        (
            "manager of the service above",
            [person("M3", "team_manager", "S1")],
            INBOX,
            "team_manager",
            HELD,
            "M3",
            "team manager of S1",
        ),
        ("vacancy: inbox", [], INBOX, "team_manager", HELD, "team:T1", "inbox of T1: nobody is team manager"),
        (
            "vacancy, no inbox: next step up",
            [person("S", "service_manager", "S1")],
            None,
            "team_manager",
            HELD,
            "S",
            "nobody is here as team manager; service manager of S1",
        ),
        (
            "service manager away: deputy",
            [person("S", "service_manager", "S1", away_from=TODAY, deputy="X"), person("X", "supervisor")],
            INBOX,
            "service_manager",
            HELD,
            "X",
            "service manager of S1: deputy of S, who is away until further notice",
        ),
        ("up to the director", [person("D", "director", None)], INBOX, "service_manager", HELD, "D", None),
        ("an escalation never falls to the team below", [], INBOX, "service_manager", HELD, "duty", None),
        (
            "an escalation never comes back to the worker",
            [person("P1", "team_manager")],
            INBOX,
            "team_manager",
            HELD,
            "team:T1",
            "inbox of T1: nobody is here as team manager of T1",
        ),
        (
            "nor through deputising",
            [person("P1"), person("M1", "team_manager", away_from=TODAY, deputy="P1")],
            INBOX,
            "team_manager",
            HELD,
            "team:T1",
            None,
        ),
        ("IRO nearest", [person("I1", "iro", "T2"), person("I2", "iro", "S1")], INBOX, "iro", HELD, "I2", "IRO"),
        ("IRO anywhere", [person("I1", "iro", "T2")], INBOX, "iro", HELD, "I1", "IRO"),
        (
            "nobody holds it",
            [person("P1")],
            INBOX,
            "case_lawyer",
            HELD,
            "duty",
            "duty address: nobody here holds the role case lawyer",
        ),
        ("somebody on duty", [person("N", "duty", None)], INBOX, "duty", HELD, "N", "duty"),
    ],
)
def test_resolution(
    case: str, people: list[Person], inbox: str | None, role: str, held: Holding, told: str, how: str | None
) -> None:
    found = directory(*people, inbox=inbox).resolve(role, held, TODAY)
    assert found.person_id == told, case
    if how is not None:
        assert found.how == how


def test_the_address_is_that_of_who_is_told() -> None:
    found = directory(person("P1", leaves=TODAY), inbox=INBOX).resolve("worker", HELD, TODAY)
    assert found == Resolved("team:T1", "North", INBOX, "inbox of T1: worker P1 has left", "inbox")


KEYS = ["P1", "P2", "P3", "P4", "P5"]
DAYS = st.none() | st.sampled_from([YESTERDAY, TODAY, TOMORROW])
PEOPLE = st.builds(
    lambda *people: {p.id: p for p in people},
    *(
        st.builds(
            Person,
            st.just(key),
            st.just(f"Name {key}"),
            st.just(f"{key.lower()}@council.example"),
            st.sampled_from(["worker", *LINE, "iro", "duty"]),
            st.sampled_from(["T1", "T2", "S1", None]),
            st.sampled_from([k for k in KEYS if k != key]) | st.none(),
            DAYS,
            DAYS,
            DAYS,
        )
        for key in KEYS
    ),
)
INBOXES = st.tuples(*(st.booleans() for _ in range(3)))


@given(
    people=PEOPLE,
    inboxes=INBOXES,
    role=st.sampled_from(sorted(ROLES)),
    held=st.builds(
        Holding, st.none() | st.sampled_from([*KEYS, "P9"]), st.none() | st.sampled_from(["T1", "T2", "T9"])
    ),
)
def test_never_nobody_never_a_leaver_always_the_same(
    people: dict[str, Person], inboxes: tuple[bool, ...], role: str, held: Holding
) -> None:
    """Whoever is missing, somebody who is here today is told, and why is said; row order is nothing."""
    teams = {
        key: Team(key, key, parent, f"{key.lower()}@council.example" if inbox else None)
        for (key, parent), inbox in zip({"S1": None, "T1": "S1", "T2": "S1"}.items(), inboxes, strict=True)
    }
    found = Directory(people, teams, DUTY).resolve(role, held, TODAY)
    assert found.address and found.how
    told = people.get(found.person_id)
    assert told is not None or found.person_id == "duty" or found.person_id.startswith("team:")
    if told is not None:
        assert told.absence(TODAY) is None
        assert role not in LINE or told.id != held.worker
    turned = Directory(dict(reversed(people.items())), dict(reversed(teams.items())), DUTY)
    assert turned.resolve(role, held, TODAY) == found


def allocation(key: str, **values: object) -> object:
    return make_record("allocation", "1", key, f"allocations.csv:{key}", values)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], Holding()),
        ([{"worker": "P1", "start": YESTERDAY}], Holding("P1", None)),
        ([{"worker": "P1", "start": YESTERDAY, "end": TODAY}], Holding()),
        ([{"worker": "P1", "start": YESTERDAY, "end": TOMORROW}], Holding("P1", None)),
        ([{"worker": "P1", "start": TOMORROW}], Holding()),
        ([{"worker": "P1", "start": TODAY}, {"worker": "P2", "start": YESTERDAY, "role": "CW"}], Holding("P2", None)),
        ([{"worker": "P1", "start": YESTERDAY}, {"worker": "P2", "team": "T1", "start": TODAY}], Holding("P2", "T1")),
        ([{"worker": "P1", "start": TODAY}, {"worker": "P2", "start": TODAY}], Holding("P1", None)),
        ([{"role": "CW", "start": TODAY}, {"team": "T1"}], Holding(None, "T1")),
    ],
    ids=["none", "open", "ended today", "ends tomorrow", "not begun", "lead worker", "latest", "tie by key", "blank"],
)
def test_who_has_the_child(rows: list[dict[str, object]], expected: Holding) -> None:
    records = tuple(allocation(str(n), **row) for n, row in enumerate(rows))
    assert holding(CaseFile("1", records), TODAY) == expected  # type: ignore[arg-type]
    assert holding(CaseFile("1", records[::-1]), TODAY) == expected  # type: ignore[arg-type]


def test_teams_under_a_service_include_it_and_all_below() -> None:
    assert directory().teams_under("S1") == {"S1", "T1", "T2"}
    assert directory().teams_under(None) == frozenset()


def test_a_directors_mailbox_in_a_team_that_has_nothing_to_do_with_the_child_is_not_used() -> None:
    teams = {"A": Team("A", "A", None, "a@council.example"), "B": Team("B", "B")}
    director = Person("D", "Di", "", "director", "A")
    found = Directory({"D": director}, teams, "duty@council.example").resolve("director", Holding(None, "B"), TODAY)
    assert found.person_id == "duty"
    within = Directory({"D": director}, teams, "duty@council.example").resolve("director", Holding(None, "A"), TODAY)
    assert within.person_id == "team:A"


def test_an_acting_manager_who_holds_the_case_passes_it_up_and_not_to_the_colleague_who_covers_their_cases() -> None:
    teams = {"S": Team("S", "Service"), "T": Team("T", "T", "S")}
    people = {
        "M": Person("M", "Mo", "mo@council.example", "team_manager", "T", deputy="W", away_from=TODAY),
        "W": Person("W", "Wu", "wu@council.example", "worker", "T", deputy="C"),
        "C": Person("C", "Cy", "cy@council.example", "worker", "T"),
        "S1": Person("S1", "Si", "si@council.example", "service_manager", "S"),
    }
    directory = Directory(people, teams, "duty@council.example")
    assert directory.resolve("team_manager", Holding("W", "T"), TODAY).person_id == "S1"
    assert directory.resolve("team_manager", Holding("C", "T"), TODAY).person_id == "W"
    people["W"] = Person("W", "Wu", "wu@council.example", "worker", "T", deputy="C", away_from=TODAY)
    away = Directory(people, teams, "duty@council.example")
    assert away.resolve("team_manager", Holding("X", "T"), TODAY).person_id == "C", "a deputy of a deputy who is away"


def test_whose_mailbox_answered_that_they_are_away_is_passed_over_for_a_week() -> None:
    found = directory(person("P1", deputy="P2"), person("P2")).with_answers({"P1": YESTERDAY, "gone": TODAY})
    told = found.resolve("worker", HELD, TODAY)
    assert (told.person_id, told.how) == (
        "P2",
        "the allocated worker: deputy of P1, who is away, as their mailbox answered on 25 Nov",
    )
    assert found.resolve("worker", HELD, YESTERDAY - timedelta(1)).person_id == "P1"
    assert found.resolve("worker", HELD, YESTERDAY + timedelta(6)).person_id == "P2"
    assert found.resolve("worker", HELD, YESTERDAY + timedelta(7)).person_id == "P1"


def test_an_answer_counts_for_every_row_of_the_same_person() -> None:
    twice = Person("P9", "Name P1", "P1@council.example", "iro", "T1")
    found = directory(person("P1", deputy="P2"), person("P2"), twice).with_answers({"P9": TODAY})
    assert found.resolve("worker", HELD, TODAY).person_id == "P2"


def test_the_staff_list_speaks_before_the_mailbox() -> None:
    away = person("P1", deputy="P2", away_from=YESTERDAY, away_to=TOMORROW)
    found = directory(away, person("P2")).with_answers({"P1": TODAY})
    assert found.people["P1"].absence(TODAY) == "is away until 27 Nov"
    assert directory(person("P1")).with_answers({}).people["P1"].answered_away is None
