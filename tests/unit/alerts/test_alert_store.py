"""Alerts in the database, on SQLite and PostgreSQL: a change, its event and its notices, or none of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from alert_samples import DUE, FINDING, NOW, finding
from sqlalchemy import Engine, func, null, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from alertd.alerts import store
from alertd.alerts.lifecycle import Transition
from alertd.alerts.reconcile import reconcile
from alertd.cases.holding import Holding
from alertd.db.base import Base
from alertd.db.tables import Alert, AlertEvent, Notice
from alertd.engine.findings import Finding

pytest_plugins = ["tests.support.databases"]

W1, W2 = {"C1": Holding("W1", "T1")}, {"C1": Holding("W2", "T2")}


@dataclass(frozen=True, slots=True)
class Role:
    role: str
    urgent: bool = False
    reason: str = "because"


def worker(_: Transition) -> Sequence[Role]:
    return [Role("worker")]


def look(
    engine: Engine, *world: Finding, holdings: Mapping[str, Holding] = W1, route: Any = worker, present: bool = True
) -> int:
    with Session(engine) as session, session.begin():
        known = store.last_told(session)
        done = reconcile(world, known, NOW, present=lambda *_: present, holdings=holdings)
        return store.apply(session, done, NOW, route, holdings)


def rows(engine: Engine, table: type[Base]) -> list[Any]:
    with Session(engine) as session:
        return list(session.scalars(select(table).order_by(table.__table__.c.id)))


def counts(engine: Engine) -> tuple[int, int, int]:
    with Session(engine) as session:
        found = [session.scalar(select(func.count()).select_from(t)) or 0 for t in (Alert, AlertEvent, Notice)]
    return found[0], found[1], found[2]


def test_a_change_is_written_with_its_event_and_its_notices(engine: Engine) -> None:
    assert look(engine, finding("overdue", level=2), route=lambda _: [Role("worker"), Role("team_manager", True)]) == 2
    (alert,) = rows(engine, Alert)
    assert (alert.state, alert.stage, alert.level, alert.worker, alert.team) == ("open", "overdue", 2, "W1", "T1")
    assert (alert.opened_at, alert.changed_at, alert.closed_as) == (NOW, NOW, None)
    assert Finding.from_json(alert.finding) == finding("overdue", level=2)
    event, second = rows(engine, AlertEvent)
    assert (event.alert_id, event.at, event.from_stage, event.to_stage) == (alert.id, NOW, None, "overdue")
    assert (event.level, event.reason, event.late) == (1, "new", False)
    assert (second.from_stage, second.to_stage, second.level, second.reason) == ("overdue", "overdue", 2, "escalated")
    notices = rows(engine, Notice)
    assert [(n.event_id, n.alert_id, n.role, n.reason, n.urgent) for n in notices] == [
        (event.id, alert.id, "worker", "because", False),
        (event.id, alert.id, "team_manager", "because", True),
    ]
    assert all(n.composed_into is None and n.dropped is None for n in notices)


def test_each_step_is_a_row_and_its_notices_hang_on_it_and_nobody_is_told_twice_of_one_change(engine: Engine) -> None:
    ladder = [["worker", "team_manager"], ["service_manager"], ["team_manager", "head_of_service"]]

    def route(t: Transition) -> Sequence[Role]:
        return [Role(role) for step in ladder[t.from_level : t.to_level] for role in step]

    assert look(engine, finding("due", level=1), route=route) == 2
    assert look(engine, finding("overdue", level=3), route=route) == 3
    events = {e.id: (e.reason, e.level) for e in rows(engine, AlertEvent)}
    assert [(events[n.event_id], n.role) for n in rows(engine, Notice)] == [
        (("new", 1), "worker"),
        (("new", 1), "team_manager"),
        (("stage", 2), "service_manager"),
        (("escalated", 3), "team_manager"),
        (("escalated", 3), "head_of_service"),
    ]
    look(engine, finding("overdue", level=5), route=lambda _: [Role("director")])
    assert [(e.reason, e.level) for e in rows(engine, AlertEvent)][-2:] == [("escalated", 4), ("escalated", 5)]
    assert [n.role for n in rows(engine, Notice)].count("director") == 1


def test_what_was_told_is_read_back(engine: Engine) -> None:
    look(engine, FINDING, finding("overdue", occurrence="R1"))
    look(engine, FINDING)
    with Session(engine) as session:
        found = store.last_told(session)
        assert store.last_told(session, skip=["C1"]) == {}
    assert [(a.finding.stage, a.is_open, a.worker) for a in found.values()] == [
        ("upcoming", True, "W1"),
        ("overdue", False, "W1"),
    ]
    assert set(found) == {FINDING.identity, finding("overdue", occurrence="R1").identity}


@pytest.mark.parametrize("fault", ["routing fails", "a notice is refused", "the commit does not come"])
def test_alert_event_and_notices_are_written_together_or_not_at_all(engine: Engine, fault: str) -> None:
    look(engine, FINDING)
    before = counts(engine), Finding.from_json(rows(engine, Alert)[0].finding)

    def fail(transition: Transition) -> Sequence[Role]:
        if fault == "routing fails":
            raise ZeroDivisionError
        return [Role("worker"), Role("worker")] if fault == "a notice is refused" else [Role("worker")]

    def look_and_fail() -> None:
        with Session(engine) as session, session.begin():
            world = [finding("overdue", level=1), finding("due", child="C2")]
            done = reconcile(world, store.last_told(session), NOW, present=lambda *_: True)
            store.apply(session, done, NOW, fail, W2)
            session.flush()
            raise ZeroDivisionError

    with pytest.raises((ZeroDivisionError, IntegrityError)):
        look_and_fail()
    assert (counts(engine), Finding.from_json(rows(engine, Alert)[0].finding)) == before
    assert rows(engine, Alert)[0].worker == "W1"


def test_closing_and_reopening_keep_one_row_and_the_level_told(engine: Engine) -> None:
    look(engine, finding("overdue", level=2))
    look(engine, finding("met", met=DUE), route=lambda _: ())
    (alert,) = rows(engine, Alert)
    assert (alert.state, alert.closed_as, alert.stage, alert.level) == ("closed", "met_recorded_late", "overdue", 2)
    look(engine, finding("overdue", level=1))
    (alert,) = rows(engine, Alert)
    assert (alert.state, alert.closed_as, alert.stage, alert.level) == ("open", None, "overdue", 2)
    assert [(e.reason, e.from_stage, e.to_stage) for e in rows(engine, AlertEvent)] == [
        ("new", None, "overdue"),
        ("escalated", "overdue", "overdue"),
        ("met_recorded_late", "overdue", "closed"),
        ("reopened", None, "overdue"),
    ]


def test_what_was_never_told_because_the_alert_closed_first_is_owed_again_when_it_reopens(engine: Engine) -> None:
    look(engine, finding("overdue", level=2), route=lambda _: [Role("service_manager")])
    look(engine, finding("met", met=DUE), route=lambda _: ())
    with Session(engine) as session, session.begin():
        session.scalars(select(Notice)).one().dropped = "the alert closed first"
    look(engine, finding("overdue", level=2), route=lambda _: ())
    assert [n.dropped for n in rows(engine, Notice)] == [None]


def test_every_open_alert_of_a_child_moves_with_the_child(engine: Engine) -> None:
    look(engine, FINDING, finding("due", occurrence="R1"), finding("due", child="C2"))
    look(engine, FINDING, finding("due", child="C2"))  # R1 closes
    look(engine, FINDING, finding("due", child="C2"), holdings=W2)
    assert [(a.child, a.state, a.worker, a.team) for a in rows(engine, Alert)] == [
        ("C1", "open", "W2", "T2"),
        ("C1", "closed", "W1", "T1"),
        ("C2", "open", None, None),
    ]
    assert [e.reason for e in rows(engine, AlertEvent)][-1] == "handed_over"


def test_a_change_of_team_alone_moves_the_alert_and_tells_nobody(engine: Engine) -> None:
    look(engine, FINDING)
    assert look(engine, FINDING, holdings={"C1": Holding("W1", "T9")}) == 0
    assert rows(engine, Alert)[0].team == "T9"


def test_a_detail_that_changed_is_kept_without_an_event(engine: Engine) -> None:
    look(engine, FINDING)
    moved_on = replace(FINDING, changes=NOW + timedelta(days=1))
    assert look(engine, moved_on) == 0
    assert counts(engine) == (1, 1, 1)
    assert Finding.from_json(rows(engine, Alert)[0].finding) == moved_on


def test_a_record_gone_from_the_feed_closes_its_alert_as_that(engine: Engine) -> None:
    look(engine, FINDING)
    look(engine, present=False)
    assert rows(engine, Alert)[0].closed_as == "source_removed"


def test_a_reading_may_change_more_alerts_than_a_statement_takes_parameters(engine: Engine) -> None:
    world = [replace(FINDING, occurrence=f"R{n}") for n in range(300)]
    look(engine, *world)
    if engine.dialect.name == "sqlite":
        pooled = engine.raw_connection()
        pooled.driver_connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 100)  # type: ignore[union-attr]
        pooled.close()
    moved = [replace(f, changes=NOW) for f in world]
    assert look(engine, *moved) == 0
    assert all(Finding.from_json(a.finding).changes == NOW for a in rows(engine, Alert))


ALERT: dict[str, Any] = {
    "rule": "r", "child": "C", "record": "k:1", "occurrence": "start", "state": "open", "stage": "due", "level": 0,
    "closed_as": None, "finding": {}, "opened_at": NOW, "changed_at": NOW,
}  # fmt: skip
IMPOSSIBLE = {
    "a state nobody knows": {"state": "asleep"},
    "a stage that asks for nothing": {"stage": "met"},
    "closed without a reason": {"state": "closed"},
    "open with a reason for closing": {"closed_as": "met"},
    "closed for a reason nobody knows": {"state": "closed", "closed_as": "tired"},
    "no finding": {"finding": null()},
}


def refused(session: Session) -> bool:
    try:
        session.flush()
    except IntegrityError:
        return True
    return False


def test_the_database_refuses_an_impossible_alert(engine: Engine) -> None:
    for what, change in IMPOSSIBLE.items():
        with Session(engine) as session:
            session.add(Alert(**ALERT))
            session.flush()
            session.add(Alert(**{**ALERT, "occurrence": "R1", **change}))
            assert refused(session), what


def test_the_database_refuses_a_second_alert_of_one_clock(engine: Engine) -> None:
    with Session(engine) as session:
        session.add_all([Alert(**ALERT), Alert(**{**ALERT, "state": "closed", "closed_as": "met"})])
        with pytest.raises(IntegrityError):
            session.flush()


def test_the_database_refuses_an_impossible_notice(engine: Engine) -> None:
    look(engine, FINDING)
    (notice,) = rows(engine, Notice)
    told = {"event_id": notice.event_id, "alert_id": notice.alert_id, "role": "worker"}
    settled = {"role": "iro", "composed_into": "no such delivery"}
    for what, change in {
        "told twice": {},
        "of no event": {"event_id": 99},
        "kept by no delivery": settled,
        "settled twice": {**settled, "dropped": "closed"},
    }.items():
        with Session(engine) as session:
            session.add(Notice(**{**told, **change}))
            assert refused(session), what


def test_a_date_that_moved_is_an_event_of_its_own(engine: Engine) -> None:
    look(engine, FINDING)
    look(engine, replace(FINDING, due=date(2026, 12, 4)))
    assert [e.reason for e in rows(engine, AlertEvent)] == ["new", "date_moved"]
