"""Whom each thing that may change an answer has looked at, and that it does so once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from alertd.agenda import entries
from alertd.agenda.entries import Judged
from alertd.agenda.following import SETTLED, follow
from alertd.agenda.words import spoken
from alertd.alerts.silence_store import recent
from alertd.cases.records import Window
from alertd.db.agenda_tables import AgendaEntry
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import Alert, Handling, Silence
from alertd.intake.kept import Named
from alertd.intake.store import standing
from alertd.people.directory import Directory, Person, Team
from tests.support.databases import opened
from tests.unit.intake.feeds import NOW, child, record, snapshot, take

LATER = NOW + timedelta(hours=2)
PLANS = [record(n, "cp_plan", f"P{n}", start=date(2026, 9, 1)) for n in ("1", "2", "3")]
OPENS = date(2020, 11, 23)
PEOPLE = {
    "W1": Person("W1", "Ade", "ade@council.example", "worker", "T1"),
    "M1": Person("M1", "Cy", "cy@council.example", "team_manager", "T1"),
}
TEAMS = {"SV": Team("SV", "Service"), "T1": Team("T1", "North", "SV"), "T2": Team("T2", "South", "SV")}
STAFF = Directory(PEOPLE, TEAMS, "duty@council.example")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Three children whom a feed has, each looked at."""
    made = opened(f"sqlite:///{tmp_path / 'alertd.db'}")
    read(made)
    assert called(made) == {"1": "first", "2": "first", "3": "first"}
    yield made
    made.dispose()


def read(engine: Engine, *, day: int = 0, window: Window | None = None, only: str = "123") -> None:
    children = [child(n) for n in only]
    plans = [plan for plan in PLANS if plan.child in only]
    window = window or Window(OPENS + timedelta(day))
    take(engine, snapshot(*children, *plans, window=window), day=day, accept=True)


def called(engine: Engine, now: datetime = NOW, merged: dict[str, str] | None = None) -> dict[str, str]:
    """Who is called by now, and why; each is looked at, and rests on days that windows may leave in three days."""
    with Session(engine) as session, session.begin():
        found = standing(session, "feed")
        assert found is not None
        moved = follow(session, [(Named("feed"), found)], merged or {}, now)
        due = entries.due(session, now, ["d"], 100)
        judged = Judged(now + timedelta(days=90), "instant", "d", moved + 3)
        entries.settle(session, due, {one.child: judged for one in due}, now)
        return {one.child: one.why for one in due}


def test_whom_a_reading_says_something_new_of_is_called_once(engine: Engine) -> None:
    assert called(engine) == {}
    now = [child("1"), child("2", date(2015, 5, 5)), child("4"), PLANS[0], PLANS[1]]
    take(engine, snapshot(*now, window=Window(OPENS)), day=1, accept=True)
    assert called(engine, LATER) == {"2": "data", "3": "data", "4": "data"}
    assert called(engine, LATER) == {}


def test_windows_call_those_whose_answers_rest_on_days_that_they_left(engine: Engine) -> None:
    for day in (1, 2, 3):
        read(engine, day=day)
        assert called(engine, LATER) == {}
    read(engine, day=4)
    assert called(engine, LATER) == {"1": "window", "2": "window", "3": "window"}
    read(engine, day=5)
    assert called(engine, LATER) == {}


@pytest.mark.parametrize("window", [Window(), Window(OPENS - timedelta(days=1)), Window(OPENS, date(2026, 11, 1))])
def test_a_window_that_is_another_in_any_other_way_calls_everybody(engine: Engine, window: Window) -> None:
    read(engine, day=1, window=window)
    assert called(engine, LATER) == {"1": "window", "2": "window", "3": "window"}


def test_numbers_call_whom_they_were_and_whom_they_are(engine: Engine) -> None:
    assert called(engine, merged={"1": "2"}) == {"1": "merged", "2": "merged"}
    assert called(engine, merged={"1": "2"}) == {}
    assert called(engine, merged={"1": "3"}) == {"1": "merged", "2": "merged", "3": "merged"}
    assert called(engine, merged={}) == {"1": "merged", "3": "merged"}


def test_a_clock_set_back_calls_those_looked_at_since(engine: Engine) -> None:
    assert called(engine, NOW + timedelta(days=1)) == {}
    with Session(engine) as session, session.begin():
        session.execute(update(AgendaEntry).where(AgendaEntry.child == "2").values(judged_at=NOW + timedelta(hours=9)))
    assert called(engine, NOW + timedelta(hours=5)) == {"2": "clock"}
    assert called(engine, NOW + timedelta(hours=6)) == {}


def an_alert(session: Session, number: str, **more: object) -> Alert:
    values = {"muted": "", "worker": "W1", "team": "T1", **more}
    row = Alert(
        rule="r", child=number, record="cp_plan:P", occurrence="start", state="open", stage="due", finding={},
        opened_at=NOW, changed_at=NOW, **values,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def test_a_move_of_a_notification_calls_its_child_however_late_it_is_seen(engine: Engine) -> None:
    """Two that write at once may be seen in another order than that of their numbers."""
    with Session(engine) as session, session.begin():
        for number in ("1", "2"):
            told = Notification(
                alert_id=an_alert(session, number).id, kind="gp", agency="a", reference=f"R{number}", receipt="",
                state="sent", created_at=NOW, sent_at=NOW,
            )  # fmt: skip
            session.add(told)
            session.flush()
            if number == "2":
                session.add(NotificationEvent(id=7, notification_id=told.id, at=NOW, by="alertd", to_state="sent"))
                late = told.id - 1
    assert called(engine) == {"2": "notice"}
    with Session(engine) as session, session.begin():
        session.add(NotificationEvent(id=6, notification_id=late, at=NOW, by="alertd", to_state="sent"))
    assert called(engine, LATER) == {"1": "notice"}
    assert called(engine, LATER + SETTLED) == {}


def concerned(engine: Engine, staff: Directory = STAFF, now: datetime = NOW) -> set[str]:
    with Session(engine) as session, session.begin():
        words, found = spoken(session, staff, now)
        entries.set_mark(session, "words", words.as_json())
        return set(found)


def test_what_is_said_of_an_alert_concerns_its_child_when_it_is_said_and_when_it_ends(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        alert_id = an_alert(session, "1", worker="W9").id
        an_alert(session, "2")
    assert concerned(engine) == set()
    with Session(engine) as session, session.begin():
        session.add(Handling(alert_id=alert_id, kind="accept", by="M1", at=NOW, reason="r", until=LATER))
    assert concerned(engine) == {"1"}
    assert concerned(engine) == set()
    elsewhere = replace(STAFF, people={**PEOPLE, "M1": replace(PEOPLE["M1"], team="T2")})
    assert concerned(engine, elsewhere) == {"1"}, "its author manages the child no more"
    with Session(engine) as session, session.begin():
        row = session.scalars(select(Handling)).one()
        row.ended_at, row.ended_why = LATER, "undone: no"
    assert concerned(engine, elsewhere) == {"1"}


def test_a_silence_concerns_those_it_covers_as_it_begins_and_those_it_muted_as_it_ends(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        an_alert(session, "1")
        an_alert(session, "2", team=None)
        an_alert(session, "3", team="T2", worker="W9")
        session.add(Silence(rules=[], teams=["T1"], starts=NOW, until=LATER, by="M1", at=NOW, reason="r"))
    assert concerned(engine, now=NOW - timedelta(minutes=1)) == set()
    assert concerned(engine) == {"1", "2"}, "by the child's team, or else by its worker's"
    with Session(engine) as session, session.begin():
        (one,) = [a for a in session.scalars(select(Alert)) if a.child == "2"]
        (one.muted,) = [silence.why for silence in recent(session, NOW)]
    assert concerned(engine, now=LATER) == {"2"}


def test_who_is_due_comes_before_whoever_was_judged_by_other_rules(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        session.execute(update(AgendaEntry).where(AgendaEntry.child == "3").values(due_at=NOW))
        first = entries.due(session, NOW, ["another", "other"], 2)
        assert [(one.child, one.why) for one in first] == [("3", "instant"), ("1", "rules")]
        assert entries.waiting(session, NOW, ["another", "other"]) == 3
        assert entries.waiting(session, NOW, ["a", "d", "z"]) == 1


def test_whom_something_came_in_between_is_not_settled(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        entries.call(session, ["1", "2"], "asked", NOW)
        them = entries.due(session, NOW, ["d"], 10)
        entries.call(session, ["2"], "data", NOW)
        assert [one.child for one in entries.unmoved(session, them)] == ["1"]
