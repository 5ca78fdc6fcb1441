"""Whatever the staff, absences and restrictions are: no mail names a child to somebody without a role towards it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertd.cases.holding import Holding
from alertd.people.directory import Directory, Person, Team
from alertd.people.restrictions import Restriction
from tests.support.databases import opened
from tests.support.office import Office, at, review, visit

TODAY = date(2026, 11, 26)
TEAMS = {
    "TOP": Team("TOP", "Top", None, "top@council.example"),
    "S1": Team("S1", "First service", "TOP"),
    "S2": Team("S2", "Second service", "TOP", "s2@council.example"),
    "A": Team("A", "A", "S1", "a@council.example"),
    "B": Team("B", "B", "S1"),
    "C": Team("C", "C", "S2", "c@council.example"),
}
IDS = [f"P{n}" for n in range(8)]
ROLES = ("worker", "worker", "team_manager", "team_manager", "service_manager", "director", "data_owner")
day = st.sampled_from([None] * 5 + [TODAY + timedelta(days=n) for n in (-3, 0, 3)])


@st.composite
def staffs(draw: st.DrawFn) -> dict[str, Person]:
    found = {}
    for id_ in IDS:
        address = "" if draw(st.integers(0, 9)) == 0 else f"{id_.lower()}@council.example"
        found[id_] = Person(
            id_,
            id_,
            address,
            draw(st.sampled_from(ROLES)),
            draw(st.sampled_from(sorted(TEAMS))),
            deputy=draw(st.one_of(st.none(), st.sampled_from(IDS))),
            away_from=draw(day),
            leaves=draw(day),
        )
    return found


holdings = st.builds(
    Holding, st.one_of(st.none(), st.sampled_from([*IDS, "gone"])), st.one_of(st.none(), st.sampled_from(sorted(TEAMS)))
)
alerts = st.tuples(holdings, st.sampled_from(("overdue", "due", "upcoming", "unknown")), st.sampled_from((0, 1, 1, 2)))
restrictions = st.builds(
    lambda only, never: (tuple(only), frozenset(never)),
    st.lists(st.sampled_from(IDS), max_size=2, unique=True),
    st.lists(st.sampled_from(IDS), max_size=2),
)


def above(team: str | None) -> list[str]:
    found = []
    while team:
        found.append(team)
        team = TEAMS[team].parent
    return found


def may_be_told(person: str, held: Holding, staff: Mapping[str, Person], stage: str) -> bool:
    """By a walk of its own: the worker, the line above the child, whoever stands in, an inbox above, or duty."""
    worker = staff.get(held.worker or "")
    line = above(held.team or (worker.team if worker else None))
    if person == "duty":
        return True
    if person.startswith("team:"):
        return person.removeprefix("team:") in line or any(p.role == "data_owner" for p in staff.values())
    allowed = {held.worker} if worker else set()
    for one in staff.values():
        manages = one.role in ("team_manager", "service_manager") and one.team in line
        if manages or one.role == "director" or (one.role == "data_owner" and stage == "unknown"):
            allowed.add(one.id)
    while more := {p.deputy for p in staff.values() if p.id in allowed and p.deputy} - allowed:
        allowed |= more
    return person in allowed


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    staffs(),
    st.lists(alerts, min_size=1, max_size=6),
    st.dictionaries(st.integers(0, 5).map(lambda n: f"C{n}"), restrictions, max_size=3),
)
def test_no_alert_about_a_child_reaches_somebody_without_a_role_towards_it(
    staff: dict[str, Person],
    children: list[tuple[Holding, str, int]],
    restricted: dict[str, tuple[tuple[str, ...], frozenset[str]]],
) -> None:
    with TemporaryDirectory() as folder:
        engine = opened(f"sqlite:///{Path(folder) / 'alertd.db'}")
        office = Office(engine)
        kept = {child: Restriction(child, only, never) for child, (only, never) in restricted.items()}
        directory = Directory(staff, TEAMS, "duty@council.example", kept)
        office.composer = replace(office.composer, directory=directory)
        world, held, stages = [], {}, {}
        for n, (holding, stage, level) in enumerate(children):
            child, make = f"C{n}", visit if n % 2 else review
            held[child], stages[child] = holding, stage
            world.append(make(stage, child, level=0 if stage == "unknown" else level))
        office.held = held
        office.look(at(26, 6), *world)
        office.compose(at(26))
        for delivery, message in office.messages():
            person = delivery.person
            assert delivery.address
            if person in staff:
                assert staff[person].absence(TODAY) is None
            body = message.get_body(("plain",))
            assert body is not None
            for child in set(re.findall(r"\bC\d\b", str(message["Subject"]) + body.get_content())):
                named = child in kept and person in kept[child].only
                assert named or may_be_told(person, held[child], staff, stages[child]), (person, child)
                assert not (child in kept and person in kept[child].never)
                assert not (child in kept and kept[child].only and person not in kept[child].only)
        engine.dispose()
