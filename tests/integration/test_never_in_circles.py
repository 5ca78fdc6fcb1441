"""Whatever happens to staff, restrictions, alerts and what is said of them: what is made may leave, and all is told.

A message that is made and would be taken back at its last look would be made again at the next waking, and again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from alertd.alerts.handling import Asked
from alertd.alerts.handling import Office as Here
from alertd.alerts.handlings import handle
from alertd.cases.holding import Holding
from alertd.db.tables import Alert, AlertEvent, Delivery, DeliveryAlert, DeliveryEvent, Handling, Notice
from alertd.engine.findings import Finding
from alertd.outbox.recheck import why_not_now
from alertd.outbox.store import Claimed, take_back
from alertd.people.directory import Person
from alertd.people.restrictions import Restriction
from tests.support.databases import opened
from tests.support.office import BOOK, CALENDAR, Office, at, review, visit

CHILDREN = [f"C{n}" for n in range(5)]
MORE = [
    Person("I1", "Ig", "ig@council.example", "information_governance", "SV"),
    Person("M2", "Mo", "mo@council.example", "team_manager", "T2", also=("worker",)),
    Person("W3", "Wy", "wy@council.example", "worker", "T2", deputy="M2"),
]
STAGES = ("upcoming", "due", "overdue", "overdue", "unknown", "met", "met_late")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("circles")
    found = opened(f"sqlite:///{folder / 'alertd.db'}")
    yield found
    found.dispose()


@dataclass
class World:
    """An office to which things happen."""

    office: Office
    rng: random.Random
    now: datetime = field(default_factory=lambda: at(24))

    def __post_init__(self) -> None:
        directory = self.office.composer.directory
        self.staff(replace(directory, people={**directory.people, **{p.id: p for p in MORE}}))

    def staff(self, directory: object) -> None:
        self.office.composer = replace(self.office.composer, directory=directory)  # type: ignore[arg-type]

    def happens(self) -> None:
        directory = self.office.composer.directory
        ids, rng, today = sorted(directory.people), self.rng, self.now.date()
        person, soon = rng.choice(ids), date(2026, 11, min(30, today.day + 1))
        match rng.randint(0, 8):
            case 0:
                self.office.change(person, away_from=rng.choice([None, today]), away_to=rng.choice([None, soon]))
            case 1:
                self.office.change(person, deputy=rng.choice([None, *ids]))
            case 2:
                self.office.change(person, leaves=rng.choice([None, None, today, soon]))
            case 3:
                self.office.change(person, address=rng.choice(["", f"{person.lower()}.new@council.example"]))
            case 4:
                worker, team = rng.choice([None, "W1", "W2", "W3", "M1"]), rng.choice([None, "T1", "T2"])
                self.office.held[rng.choice(CHILDREN)] = Holding(worker, team)
            case 5:
                self.staff(replace(directory, restrictions=dict(self.restricted(ids, soon) for _ in range(2))))
            case 6:
                self.office.change(person, not_told_of=frozenset(rng.sample(CHILDREN, rng.randint(0, 1))))
            case _:
                self.said(person, rng.choice(ids))

    def restricted(self, ids: list[str], soon: date) -> tuple[str, Restriction]:
        child, only = self.rng.choice(CHILDREN), tuple(self.rng.sample(ids, self.rng.randint(0, 2)))
        never = frozenset(self.rng.sample(ids, 1))
        return child, Restriction(child, only, never, until=self.rng.choice([None, soon]))

    def said(self, by: str, to: str) -> None:
        """Somebody says something of an alert or two, where they may."""
        kind = self.rng.choice(["claim", "accept", "snooze", "hand_over", "dispute"])
        asked = Asked(kind, by, "because", date(2026, 11, 30) if kind in ("accept", "snooze") else None, to)  # type: ignore[arg-type]
        with Session(self.office.engine) as session, session.begin():
            some = session.scalars(select(Alert.id).where(Alert.state == "open")).all()
            here = Here(self.office.composer.directory, CALENDAR, self.now)
            handle(session, self.rng.sample(list(some), min(len(some), 2)), asked, here, BOOK)

    def evaluated(self) -> None:
        found: list[Finding] = []
        for child in CHILDREN:
            for made in (review, visit):
                stage = self.rng.choice([*STAGES, None])
                met = self.now.date() if stage in ("met", "met_late") else None
                if stage:
                    level = self.rng.randint(0, 2) if stage in ("due", "overdue") else 0
                    found.append(made(stage, child, level=level, met=met))
        self.office.look(self.now, *found)

    def refused(self) -> list[tuple[Delivery, str]]:
        """What waits and must not leave as it is, with why; and not because there is a newer digest."""
        with Session(self.office.engine) as session:
            due = session.scalars(select(Delivery).where(Delivery.state == "due")).all()
            directory, today = self.office.composer.directory, self.now.date()
            found = [(one, why_not_now(session, directory, [one.id], today).get(one.id, "")) for one in due]
        return [(one, why) for one, why in found if why and "later day" not in why]

    def taken_back(self) -> None:
        """What the last look refuses ends, and what it told is owed again."""
        for one, why in self.refused():
            with Session(self.office.engine) as session, session.begin():
                session.execute(update(Delivery).where(Delivery.id == one.id).values(state="sending", token="t"))
            mine = Claimed(one.id, "t", self.now, one.channel, "", one.address, one.message, 1, 0, one.created_at)
            assert take_back(self.office.engine, mine, why, self.now)

    def all_is_well(self) -> None:
        """Everybody is here and may hear of every child, and nothing that was said stands."""
        directory = self.office.composer.directory
        fine = {
            id_: replace(
                p, away_from=None, leaves=None, address=f"{id_.lower()}@council.example", not_told_of=frozenset()
            )
            for id_, p in directory.people.items()
        }
        self.staff(replace(directory, people=fine, restrictions={}))
        with Session(self.office.engine) as session, session.begin():
            session.execute(
                update(Handling).where(Handling.ended_at.is_(None)).values(ended_at=self.now, ended_why="lapsed")
            )


@pytest.mark.parametrize("seed", range(8))
def test_what_is_made_may_leave_and_in_the_end_all_is_told(engine: Engine, seed: int) -> None:
    with Session(engine) as session, session.begin():
        for table in (DeliveryAlert, DeliveryEvent, Notice, Handling, AlertEvent, Alert, Delivery):
            session.execute(delete(table))
    world = World(Office(engine), random.Random(seed))
    for day, hour in ((day, hour) for day in (24, 25, 26, 27, 30) for hour in (6, 9)):
        world.now = at(day, hour)
        for _ in range(world.rng.randint(0, 4)):
            world.happens()
        if hour == 6 or world.rng.random() < 0.3:
            world.evaluated()
        world.taken_back()
        world.office.compose(world.now)
        assert [(one.person, why) for one, why in world.refused()] == []
        again = world.office.compose(world.now)
        assert (again.urgent, again.digests) == (0, 0), "nobody is told a second time"
        if world.rng.random() < 0.6:
            with Session(engine) as session, session.begin():
                session.execute(update(Delivery).where(Delivery.state == "due").values(state="delivered"))
    world.all_is_well()
    for day in (1, 2):
        world.now = at(day, month=12)
        world.office.compose(world.now)
    with Session(engine) as session:
        waiting = select(Notice.role, Alert.stage).join(Alert, Alert.id == Notice.alert_id)
        left = session.execute(waiting.where(Notice.composed_into.is_(None), Notice.dropped.is_(None))).all()
    assert [(role, stage) for role, stage in left if role != "data_owner"] == []
