"""The holes of a directory: each kind is found where it is, and a whole directory has none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from alertd.cases.holding import Holding
from alertd.people.agencies import Agencies, Agency, Agreement, Contact
from alertd.people.check import Hole, Look, Open, holes
from alertd.people.directory import Directory, Person, Route, Team
from alertd.people.restrictions import Restriction

TODAY = date(2026, 11, 26)
YESTERDAY = TODAY - timedelta(1)
AGENCY = Agency(
    "gp-a",
    "gp",
    "Practice",
    agreement=Agreement("DSA-1", frozenset()),
    secure="TLS",
    contacts=(Contact("desk", "Desk", "desk@nhs.example"),),
    where="agencies.yaml:2",
)
WHOLE = Directory(
    {
        p.id: p
        for p in (
            Person("W1", "Ade", "ade@council.example", "worker", "T1", deputy="W2"),
            Person("W2", "Bo", "bo@council.example", "worker", "T1", deputy="W1"),
            Person("M1", "Cy", "cy@council.example", "team_manager", "T1"),
            Person("S1", "Di", "di@council.example", "service_manager", "SV"),
            Person("H1", "Ed", "ed@council.example", "head_of_service", "SV"),
            Person("D1", "Flo", "flo@council.example", "director", "SV"),
        )
    },
    {"SV": Team("SV", "Service"), "T1": Team("T1", "North", "SV", "north@council.example")},
    "duty@council.example",
    {"C1": Restriction("C1", ("H1",), reason="Inquiry", where="restrictions.csv:2")},
    Agencies({"gp-a": AGENCY}),
)
LOOK = Look(
    WHOLE,
    {"worker": "cla.review.first", "team_manager": "cla.review.first", "duty": "missing.first", "agency": "notify.n1"},
    TODAY,
    Open({"W1": 2}, {"T1": 2}),
    own_teams=("SV", "T1"),
)


def with_(*, teams: dict[str, Team] | None = None, agency: Agency = AGENCY, **changes: Person | None) -> Look:
    """The whole directory with somebody changed, or (None) gone from it."""
    people = {key: p for key, p in {**WHOLE.people, **changes}.items() if p is not None}
    directory = replace(
        WHOLE, people=people, teams={**WHOLE.teams, **(teams or {})}, agencies=Agencies({"gp-a": agency})
    )
    return replace(LOOK, directory=directory)


def person(key: str, **changes: object) -> Person:
    return replace(WHOLE.people[key], **changes)  # type: ignore[arg-type]


def restricted(**changes: object) -> Look:
    kept = replace(WHOLE.restrictions["C1"], **changes)  # type: ignore[arg-type]
    return replace(LOOK, directory=replace(WHOLE, restrictions={"C1": kept}))


def test_a_whole_directory_has_none() -> None:
    assert holes(LOOK) == []


@pytest.mark.parametrize(
    ("look", "kind", "where", "what"),
    [
        (with_(M1=None), "team_without_manager", "teams: T1", "goes to team:T1"),
        (with_(M1=person("M1", leaves=TODAY)), "team_without_manager", "teams: T1", "no manager"),
        (with_(W1=person("W1", address="")), "worker_without_address", "people: W1", "2 open children"),
        (with_(W1=person("W1", leaves=TODAY)), "worker_left", "people: W1", "has left"),
        (with_(W1=None), "worker_not_there", "people: W1", "not in the directory"),
        (with_(W2=person("W2", leaves=TODAY)), "deputy_left", "people: W1", "the deputy W2"),
        (with_(M1=None), "role_nobody_holds", "people: team_manager", "cla.review.first tells it"),
        (
            with_(W1=person("W1", away_from=YESTERDAY, away_to=YESTERDAY - timedelta(30))),
            "absence_over",
            "people: W1",
            "ended on 2026-10-26",
        ),
        (
            with_(W1=person("W1", away_from=YESTERDAY), W2=person("W2", away_from=YESTERDAY)),
            "deputies_away",
            "people: W1",
            "W1 and W2",
        ),
        (with_(S1=person("S1", address="")), "way_up_unreachable", "people: S1", "service manager"),
        (with_(W2=person("W2", address="NORTH@council.example")), "address_shared", "people: W2", "inbox of T1"),
        (with_(W2=person("W2", address="duty@council.example")), "address_shared", "people: W2", "duty address"),
        (
            with_(D1=None, H1=None, S1=None),
            "way_up_ends",
            "teams: T1",
            "nobody is reached as service manager",
        ),
        (replace(LOOK, feed_teams=("T1", "T9")), "team_not_there", "teams: T9", "teams.csv does not"),
        (replace(LOOK, open=Open({}, {"T8": 1})), "team_not_there", "teams: T8", "teams.csv does not"),
        (with_(agency=replace(AGENCY, agreement=None)), "agreement_missing", "agencies.yaml:2", "told nothing"),
        (
            with_(agency=replace(AGENCY, agreement=Agreement("A", frozenset(), YESTERDAY))),
            "agreement_over",
            "agencies.yaml:2",
            "ran out on 2026-11-25",
        ),
        (
            with_(agency=replace(AGENCY, agreement=Agreement("A", frozenset(), TODAY + timedelta(30)))),
            "agreement_ends",
            "agencies.yaml:2",
            "runs out on 2026-12-26",
        ),
        (with_(agency=replace(AGENCY, secure="")), "not_secure", "agencies.yaml:2", "encrypted"),
        (with_(agency=replace(AGENCY, contacts=())), "contact_missing", "agencies.yaml:2", "no contact"),
        (restricted(until=YESTERDAY), "restriction_over", "restrictions.csv:2", "ran out on 2026-11-25"),
        (restricted(only=("W9",)), "refused", "restrictions.csv:2: column only", "no person 'W9'"),
        (restricted(only=("W9",)), "restriction_unreachable", "restrictions.csv:2", "can be told today"),
    ],
)
def test_each_hole_is_found_where_it_is(look: Look, kind: str, where: str, what: str) -> None:
    found = [hole for hole in holes(look) if hole.kind == kind]
    assert [hole.where for hole in found] == [where], holes(look)
    assert what in found[0].what
    assert found[0].fix


@pytest.mark.parametrize(
    "look",
    [
        with_(agency=replace(AGENCY, agreement=Agreement("A", frozenset(), TODAY + timedelta(31)))),
        with_(W1=person("W1", away_from=YESTERDAY, away_to=TODAY + timedelta(3))),
        with_(W1=person("W1", away_from=TODAY - timedelta(40), away_to=TODAY - timedelta(30))),
        with_(M1=person("M1", away_from=YESTERDAY, deputy="W2")),
        with_(SV2=Person("SV2", "Gus", "gus@council.example", "worker", "SV", leaves=TODAY)),
        with_(W3=Person("W3", "Hal", "", "worker", "T1")),
        with_(teams={"T2": Team("T2", "Closed", "SV")}),
        restricted(until=TODAY),
    ],
    ids=[
        "a month off",
        "away now",
        "back lately",
        "manager away",
        "a leaver",
        "no children",
        "an empty team",
        "its last day",
    ],
)
def test_what_is_no_hole(look: Look) -> None:
    own = replace(look, own_teams=tuple(look.directory.teams))
    assert holes(own) == []


def test_a_manager_of_the_service_above_is_the_teams_manager() -> None:
    above = with_(M1=replace(WHOLE.people["M1"], team="SV"))
    assert [hole for hole in holes(above) if hole.kind == "team_without_manager"] == []


def test_holes_come_in_one_order_whatever_that_of_the_rows() -> None:
    look = with_(M1=None, W1=person("W1", address=""), W2=person("W2", leaves=TODAY))
    turned = replace(look.directory, people=dict(reversed(look.directory.people.items())))
    found = holes(look)
    assert found == holes(replace(look, directory=turned)) == sorted(found)
    assert all(isinstance(hole, Hole) for hole in found)


def test_open_children_are_counted_by_worker_and_by_team() -> None:
    held = [Holding("W1", "T1"), Holding("W1", None), Holding(None, "T1"), Holding()]
    assert Open.of(held) == Open({"W1": 2}, {"T1": 2})


def test_a_fallback_or_contact_that_its_channel_cannot_carry_is_a_hole() -> None:
    route = Route("govuk_notify", "07700 900123")
    agency = replace(AGENCY, contacts=(Contact("m", "System", "X1", channel="mesh"),), secure="")
    look = with_(
        W1=person("W1", fallback=route),
        W2=person("W2", fallback=route, leaves=TODAY),
        teams={"T1": replace(WHOLE.teams["T1"], fallback=route)},
        agency=agency,
    )
    look = replace(look, directory=replace(look.directory, duty_fallback=route))
    assert not [h for h in holes(look) if "unusable" in h.kind], "all that is named can be used"
    found = holes(replace(look, why_not=lambda one: f"there is no channel {one.channel!r}"))
    assert [(h.kind, h.where) for h in found if "unusable" in h.kind] == [
        ("contact_unusable", "agencies.yaml:2"),
        ("fallback_unusable", "[people] duty_fallback"),
        ("fallback_unusable", "people: W1"),
        ("fallback_unusable", "teams: T1"),
    ]
    assert not [h for h in found if h.kind == "not_secure"], "nobody there is written to by e-mail"
