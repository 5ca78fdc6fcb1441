"""What could keep somebody from hearing, or have them hear what is not so: each was a fault once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from alertd import daemon, sending
from alertd.alerts import silence_store
from alertd.alerts.handling import Asked
from alertd.alerts.handling import Office as Here
from alertd.alerts.handlings import handle
from alertd.alerts.silences import Silenced
from alertd.cases.holding import Holding
from alertd.db.tables import Alert, Delivery
from alertd.engine import sweep as sweeping
from alertd.outbox import compose
from alertd.outbox.compose import Composed
from alertd.outbox.recheck import why_not_now
from alertd.people.directory import Person
from alertd.people.restrictions import Restriction
from tests.support.council import Council, Inline, council_at
from tests.support.databases import opened
from tests.support.office import BOOK, CALENDAR, Office, at, review, visit

pytest_plugins = ["tests.support.databases"]
FRIDAY = date(2026, 11, 27)
MET: dict[str, Any] = {"met": date(2026, 11, 25)}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    engine = opened(f"sqlite:///{tmp_path / 'alertd.db'}")
    yield Office(engine)
    engine.dispose()


@pytest.fixture
def council(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = council_at(tmp_path, database_url)
    found.looked_after("C1")
    yield found
    found.house.engine.dispose()


def say(office: Office, now: datetime, kind: Any, by: str, **more: Any) -> None:
    """Somebody says something of all open alerts."""
    with Session(office.engine) as session, session.begin():
        ids = session.scalars(select(Alert.id).where(Alert.state == "open")).all()
        here = Here(office.composer.directory, CALENDAR, now)
        said = handle(session, ids, Asked(kind, by, "because", **more), here, BOOK)
        assert [one.refused for one in said] == [""] * len(ids)


def restrict(office: Office, child: str, *only: str) -> None:
    directory = replace(office.composer.directory, restrictions={child: Restriction(child, only)})
    office.composer = replace(office.composer, directory=directory)


def last_look(office: Office, today: date) -> dict[str, str]:
    """Why each message that waits must not go, by person; blank where it may."""
    with Session(office.engine) as session:
        due = session.scalars(select(Delivery).where(Delivery.state == "due")).all()
        return {d.person: why_not_now(session, office.composer.directory, [d.id], today).get(d.id, "") for d in due}


def sent(office: Office) -> None:
    """All that waits arrives."""
    with Session(office.engine) as session, session.begin():
        session.execute(update(Delivery).values(state="delivered"))


def text_to(office: Office, person: str) -> str:
    """The latest message to somebody."""
    return office.text(max(n for n, (who, _) in enumerate(office.told()) if who == person))


def test_the_all_clear_of_a_child_restricted_since_is_not_told_and_holds_up_no_digest(council: Council) -> None:
    """It would be taken back at the last look and made again, at every waking, and the digest would never come."""
    council.looked_after("C2")
    council.day(FRIDAY)
    council.reviewed(FRIDAY)
    kept = {"C1": Restriction("C1", only=("W1",))}
    council.house.staff.directory = replace(council.house.staff.directory, restrictions=kept)
    monday = date(2026, 11, 30)
    assert "cy" in council.day(monday)
    assert all("C1" not in text for to, _, text in council.mail.sent if to == "cy" and "30 Nov" in text)
    with Session(council.house.engine) as session:
        assert session.scalar(select(func.count()).where(Delivery.state == "cancelled")) == 0


def test_a_step_is_told_although_its_reader_snoozed_what_came_before(office: Office) -> None:
    office.look(at(24, 6), review("due", level=1))
    office.compose(at(24))
    say(office, at(24, 10), "snooze", "S1", until=date(2026, 12, 4))
    office.look(at(25, 6), review("overdue", level=2))
    office.compose(at(25))
    assert "ref C1" in text_to(office, "S1"), "the step is owed whatever they asked not to hear"
    assert [settled for role, settled, _ in office.notices() if role == "service_manager"] != [None]
    office.look(at(26, 6), review("overdue", level=2))
    assert office.compose(at(26)) == Composed(), "and after it they are left in peace"


def test_whoever_is_told_as_two_roles_hears_only_while_both_are_theirs(office: Office) -> None:
    """The deputy is the manager too; the worker is back before the message leaves, and must hear it themselves."""
    office.change("W1", away_from=date(2026, 11, 20), deputy="M1")
    office.look(at(26, 6), visit("due", level=1))
    office.compose(at(26, 6, 1))
    assert [person for person, _ in office.told()] == ["M1"]
    assert last_look(office, date(2026, 11, 26)) == {"M1": ""}
    office.change("W1", away_from=None)
    assert "worker is now W1" in last_look(office, date(2026, 11, 26))["M1"]


def test_what_closed_in_an_evaluation_that_ended_after_the_digest_is_told_with_the_next(office: Office) -> None:
    """The evaluation began at 07:55, the digest was made at 08:00, and the evaluation committed at 08:01."""
    office.look(at(25, 6), review("overdue", "C1", level=1), review("upcoming", "C2"))
    office.compose(at(25))
    office.look(at(26, 6), review("overdue", "C1", level=1), review("overdue", "C2", level=1))
    office.compose(at(26))
    office.look(at(26, 7, 55), review("met_late", "C1", **MET), review("overdue", "C2", level=1))
    office.compose(at(27))
    assert "ref C1 · Review: done, after the date" in text_to(office, "M1")
    assert office.compose(at(30, 8)).digests <= 2
    assert "done, after the date" not in text_to(office, "M1"), "once"


def test_nobody_hears_that_an_alert_is_over_while_the_alert_is_still_on_its_way(office: Office) -> None:
    """Its answer was lost, so it is sent again though the alert has closed: the all clear comes after it."""
    office.look(at(25, 6), visit("overdue", level=1))
    office.compose(at(25, 6, 1))
    with Session(office.engine) as session, session.begin():
        session.execute(update(Delivery).values(attempts=1, unknown_attempts=1))
    office.look(at(26, 6), visit("met_late", **MET))
    assert office.compose(at(26)) == Composed()
    sent(office)
    assert office.compose(at(26, 9)).digests == 1
    assert "done, after the date" in text_to(office, "M1")


def test_an_all_clear_does_not_leave_when_the_alert_is_open_again(office: Office) -> None:
    office.look(at(25, 6), review("overdue", level=1))
    office.compose(at(25))
    sent(office)
    office.look(at(26, 6), review("met_late", **MET))
    office.compose(at(26))
    assert last_look(office, date(2026, 11, 26)) == {"M1": ""}
    office.look(at(26, 9), review("overdue", level=1))
    assert last_look(office, date(2026, 11, 26)) == {"M1": "an alert it says is over is open again"}


def test_the_load_of_a_team_counts_no_child_of_whom_its_reader_must_not_hear(office: Office) -> None:
    office.held = {"C1": Holding("W1", "T1"), "C2": Holding("W2", "T1")}
    office.look(at(26, 6), review("overdue", "C1", level=1), review("overdue", "C2", level=1))
    restrict(office, "C2", "W2")
    office.compose(at(26))
    assert "Ade" in text_to(office, "M1")
    assert "Bo" not in text_to(office, "M1")


def test_a_digest_made_while_the_clock_was_ahead_keeps_no_later_one_back(office: Office) -> None:
    office.look(at(26, 6), review("upcoming"))
    office.compose(at(1, 8, month=12))
    office.look(at(26, 7), review("upcoming"), review("upcoming", "C2"))
    assert office.compose(at(26)).digests == 1, "the clock was set right"


def test_urgent_mail_made_while_the_clock_was_ahead_keeps_nothing_urgent_back(office: Office) -> None:
    office.composer = replace(office.composer, most_urgent=1)
    for n in (1, 2):
        office.look(at(26, 20, n), *(visit("due", f"C{m}") for m in range(n)))
        office.compose(at(26, 20, n))
    office.look(at(26, 9), *(visit("due", f"C{m}") for m in range(3)))
    assert office.compose(at(26, 9)).urgent == 1


def test_a_wrong_address_of_whoever_runs_it_stops_no_other_mail_and_duty_hears(office: Office) -> None:
    office.change("D1", address="ed at council")
    office.held["C2"] = Holding("W9", None)
    office.look(at(26, 6), review("upcoming", "C1"), review("upcoming", "C2"))
    office.compose(at(26))
    assert [person for person, _ in office.told()] == ["W1", "duty", "duty"]
    assert "found nobody to tell" in str(office.told())
    assert office.compose(at(26, 9)) == Composed(), "once a day"


def test_a_whole_councils_digests_are_made_some_at_a_time_and_all_of_them(
    council: Council, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one transaction they would take longer than PostgreSQL lets one idle, and none would ever be made."""
    monkeypatch.setattr(compose, "DIGESTS_AT_ONCE", 2)
    directory = council.house.staff.directory
    for n in range(2, 7):
        council.looked_after(f"C{n}", worker=f"X{n}")
    people = {f"X{n}": Person(f"X{n}", f"Nia {n}", f"x{n}@council.example", "worker", "T1") for n in range(2, 7)}
    people["X2"] = replace(people["X2"], address="x2 at council")
    people["X3"] = replace(people["X3"], address="x3 at council")
    council.house.staff.directory = replace(directory, people={**directory.people, **people})
    council.evaluate(date(2026, 11, 26))
    council.now = at(26)
    transactions: list[str] = []
    monkeypatch.setattr(sending, "alone", lambda _: transactions.append("one"))
    done = sending.compose_once(council.house)
    assert (done.digests, len(done.held), done.more) == (4, 2, False)
    assert len(transactions) == 2
    with Session(council.house.engine) as session:
        rows = session.scalars(select(Delivery.person).where(func.length(Delivery.digest_for) == len("2026-11-26")))
        assert sorted(rows) == ["W1", "X4", "X5", "X6"]


def test_a_digest_that_waited_for_the_relay_until_the_next_day_does_not_arrive_after_that_days(office: Office) -> None:
    office.look(at(25, 6), review("upcoming", "C1"))
    office.compose(at(25))
    assert last_look(office, date(2026, 11, 26)) == {"W1": ""}, "nothing newer tells it"
    office.look(at(26, 6), review("upcoming", "C1"), review("upcoming", "C2"))
    office.compose(at(26))
    with Session(office.engine) as session:
        whys = {
            d.digest_for: why_not_now(session, office.composer.directory, [d.id], FRIDAY).get(d.id, "")
            for d, _ in office.messages()
        }
    assert whys == {"2026-11-25": "there is a digest of a later day", "2026-11-26": ""}
    assert "ref C1" in office.text(), "the later one has all that is open"


def test_a_worker_hears_that_an_alert_is_theirs_again_when_whoever_took_it_leaves(office: Office) -> None:
    office.look(at(24, 6), review("upcoming"))
    office.compose(at(24))
    say(office, at(24, 10), "hand_over", "W1", to="W2")
    office.look(at(25, 6), review("upcoming"))
    office.compose(at(25))
    assert [person for person, _ in office.told()] == ["W1", "W2"]
    office.change("W2", leaves=date(2026, 11, 26), deputy=None)
    office.look(at(26, 6), review("upcoming"))
    assert office.compose(at(26)).digests == 1
    assert "ref C1 · Review: handed over to you" in text_to(office, "W1")
    office.look(at(27, 6), review("upcoming"))
    assert office.compose(at(27)) == Composed(), "once"


def test_what_a_silence_kept_back_is_told_when_it_is_ended_and_not_with_the_next_days_evaluation(
    council: Council, monkeypatch: pytest.MonkeyPatch
) -> None:
    wakes: list[Any] = []
    timer = SimpleNamespace(start=lambda: None, shutdown=lambda **_: None)

    def scheduler(_house: object, wake: object) -> SimpleNamespace:
        wakes.append(wake)
        return timer

    monkeypatch.setattr(daemon, "_scheduler", scheduler)
    monkeypatch.setattr(
        "alertd.engine.worker.signal", Mock()
    )  # this pool is inline, in a thread that may have no handlers
    house, council.now = council.house, at(26)
    directory = house.staff.directory
    with Session(house.engine) as session, session.begin():
        quiet = Silenced(("cla.review.first",), ("T1",), at(26, 7), at(30), "H1", "migration")
        silence_store.add(session, quiet, directory, house.rulebook, council.now)

    async def muted(*, now: bool) -> None:
        for _ in range(1000):
            with Session(house.engine) as session:
                if [bool(why) for why in session.scalars(select(Alert.muted))] == [now]:
                    return
            for wake in wakes:  # as the timer does each minute, once there is one
                wake.tick.set()
            await asyncio.sleep(0.01)
        raise AssertionError

    async def a_day() -> None:
        running = asyncio.create_task(daemon.run(house))
        await muted(now=True)
        council.now = at(26, 12)
        with Session(house.engine) as session, session.begin():
            silence_store.end(session, 1, "H1", directory, council.now)
        await muted(now=False)
        os.kill(os.getpid(), signal.SIGTERM)
        await running

    asyncio.run(a_day())
