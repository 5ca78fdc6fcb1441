"""What holds for every directory, whoever is missing, barred or not to be reached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.cases.holding import Holding
from alertd.people.directory import LINE, ROLES, Directory, Person, Team
from alertd.people.restrictions import Restriction

TODAY = date(2026, 11, 26)
YESTERDAY, TOMORROW = TODAY - timedelta(1), TODAY + timedelta(1)
DUTY = "duty@council.example"
KEYS = [f"P{n}" for n in range(1, 7)]
CHILD = "C1"
DAYS = st.none() | st.sampled_from([YESTERDAY, TODAY, TOMORROW])
SOME = st.sampled_from(["worker", *LINE, "iro", "duty", "information_governance", "supervisor"])
ADDRESSES = st.sampled_from(["", *(f"{key.lower()}@council.example" for key in KEYS)])


def _person(key: str) -> st.SearchStrategy[Person]:
    return st.builds(
        Person,
        st.just(key),
        st.just(f"Name {key}"),
        # Two rows may be of one person, who then has one address.
        st.one_of(st.just(f"{key.lower()}@council.example"), ADDRESSES),
        SOME,
        st.sampled_from(["T1", "T2", "S1", None]),
        st.sampled_from([k for k in KEYS if k != key]) | st.none(),
        DAYS,
        DAYS,
        DAYS,
        st.lists(SOME, max_size=2).map(tuple),
        st.sampled_from(["en", "cy"]),
        st.sampled_from([frozenset(), frozenset({CHILD})]),
    )


PEOPLE = st.tuples(*(_person(key) for key in KEYS)).map(lambda people: {p.id: p for p in people})
TEAMS = st.tuples(st.booleans(), st.booleans(), st.booleans()).map(
    lambda inboxes: {
        key: Team(key, key, parent, f"{key.lower()}@council.example" if inbox else None)
        for (key, parent), inbox in zip({"S1": None, "T1": "S1", "T2": "S1"}.items(), inboxes, strict=True)
    }
)
RESTRICTIONS = st.none() | st.builds(
    Restriction,
    st.just(CHILD),
    st.lists(st.sampled_from([*KEYS, "P9"]), max_size=3, unique=True).map(tuple),
    st.frozensets(st.sampled_from([*KEYS, "P9"]), max_size=2),
    st.just("Family of staff"),
    DAYS,
)
HELD = st.builds(
    Holding, st.none() | st.sampled_from([*KEYS, "P9"]), st.none() | st.sampled_from(["T1", "T2", "S1", "T9"])
)
OVERSIGHT = {*LINE, "iro", "supervisor"}


def same(people: Mapping[str, Person], one: str) -> set[str]:
    """Every id of whoever has this one."""
    address = people[one].address
    return {one} | {p.id for p in people.values() if address and p.address == address}


@given(
    people=PEOPLE,
    teams=TEAMS,
    role=st.sampled_from(sorted(ROLES)),
    held=HELD,
    kept=RESTRICTIONS,
    of_child=st.booleans(),
)
@pytest.mark.fault("F65")
def test_never_nobody_a_leaver_somebody_away_or_somebody_barred(
    people: dict[str, Person],
    teams: dict[str, Team],
    role: str,
    held: Holding,
    kept: Restriction | None,
    of_child: bool,
) -> None:
    restrictions = {kept.child: kept} if kept else {}
    directory = Directory(people, teams, DUTY, restrictions)
    child = CHILD if of_child else None
    found = directory.resolve(role, held, TODAY, child=child)

    assert found.address and found.how and found.name, "never nobody, and never without a reason"
    told = people.get(found.person_id)
    if told is None:
        inbox = teams.get(found.person_id.removeprefix("team:"))
        assert (found.person_id, found.address) == ("duty", DUTY) or (inbox and inbox.inbox == found.address)
    else:
        assert told.absence(TODAY) is None
        assert found.address == told.address
        if role in OVERSIGHT and held.worker in people:
            assert told.id not in same(people, held.worker), "nobody hears of their own delay as a manager"
    in_force = kept if kept and of_child and (kept.until is None or kept.until >= TODAY) else None
    if told and of_child:
        ids = same(people, told.id)
        assert not any(CHILD in people[id_].not_told_of for id_ in ids), "nobody hears of their own family"
        assert not (in_force and ids & in_force.never)
        if in_force and in_force.only and not found.without_details:
            assert ids & set(in_force.only)
    if in_force and in_force.only and found.person_id.startswith("team:"):
        raise AssertionError("who reads an inbox is not known")
    if child:
        details = directory.may_hear(found.person_id, child, TODAY) == ""
        assert details or found.without_details, "whoever is told details may have them"

    turned = Directory(dict(reversed(people.items())), dict(reversed(teams.items())), DUTY, restrictions)
    assert turned.resolve(role, held, TODAY, child=child) == found
    assert directory.resolve(role, held, TODAY, child=child) == found


@given(people=PEOPLE, teams=TEAMS, role=st.sampled_from(sorted(ROLES)), held=HELD)
def test_a_child_without_restriction_is_told_of_as_if_no_child_were_named(
    people: dict[str, Person], teams: dict[str, Team], role: str, held: Holding
) -> None:
    directory = Directory(people, teams, DUTY)
    assert directory.resolve(role, held, TODAY, child="C2") == directory.resolve(role, held, TODAY)
