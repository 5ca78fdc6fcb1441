"""Whatever waits for somebody is in ``alertd status``, with who must do what."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd import sending
from alertd.alerts import silence_store
from alertd.alerts.handling import Asked, Office
from alertd.alerts.handlings import handle
from alertd.alerts.muting import HELD
from alertd.alerts.silences import Silenced
from alertd.cases.records import LONDON, in_words
from alertd.db.partner_tables import Notification
from alertd.db.tables import Alert, Delivery
from alertd.engine import sweep as sweeping
from alertd.people.restrictions import Restriction
from alertd.status import Status, status
from tests.support.council import Council, Inline, council_at

TODAY = date(2026, 11, 27)


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    found.looked_after("C1")
    yield found
    found.house.engine.dispose()


def waits(council: Council) -> list[str]:
    """What waits, each said whole: what, for whom, and what to do."""
    found = status(council.house)
    assert all(one.what and one.who and one.do for one in found.waits)
    json.dumps(found.as_json())
    return [one.what for one in found.waits]


def staff(council: Council, person: str, **what: Any) -> None:
    directory = council.house.staff.directory
    people = {**directory.people, person: replace(directory.people[person], **what)}
    council.house.staff.directory = replace(directory, people=people)


def test_which_daemon_leads_and_since_when_is_said(council: Council) -> None:
    council.day(TODAY)
    house = council.house
    assert status(house).leader == "no daemon has run on this database yet"
    house.leading.turn(house.engine, house.clock())
    who = f"{socket.gethostname()}, process {os.getpid()}"
    assert status(house).leader == f"{who} leads since {in_words(house.clock())}"
    house.leading.close()
    assert status(house).leader == f"none leads now; the last to take the lead was {who}, {in_words(house.clock())}"


def test_where_nothing_waits_nothing_is_said(council: Council) -> None:
    council.day(TODAY)
    found = status(council.house)
    assert found.waits == []
    assert found.alerts == {"due": 1}
    assert found.deliveries["delivered"] == 2
    assert found.feeds == ["feed feed: 1 children, read Fri 27 Nov 2026 06:30, new Fri 27 Nov 2026 06:30"]


def test_a_feed_that_was_never_read_or_refused_since_is_said(council: Council) -> None:
    assert waits(council) == ["feed feed was never read"]
    council.day(TODAY)
    council.remove("person", "1 = 1")
    council.evaluate(TODAY + timedelta(days=3))
    (said,) = waits(council)
    assert said.startswith("feed feed was refused at its last reading: ")
    council.put("person", pers_person_id="C1", pers_dob=datetime(2015, 3, 2))
    council.evaluate(TODAY + timedelta(days=3))
    assert not any("refused" in one for one in waits(council))


def test_a_message_that_cannot_be_made_is_said_while_it_is_held(council: Council) -> None:
    council.evaluate(TODAY)
    council.now = datetime.combine(TODAY, time(8, 5), LONDON)
    staff(council, "W1", address="ade at council")
    (said,) = waits(council)
    assert said.startswith("A message to W1 is held: ")
    staff(council, "W1", address="ade@council.example")
    assert waits(council) == []


def test_a_restricted_child_of_whom_nobody_may_hear_is_said_without_the_child(council: Council) -> None:
    council.evaluate(TODAY)
    directory = council.house.staff.directory
    nobody = Restriction("C1", only=("gone",), reason="r")
    council.house.staff.directory = replace(directory, restrictions={"C1": nobody})
    said = [one for one in status(council.house).waits if "restricted" in one.what]
    assert [(one.who, one.do.partition(";")[0]) for one in said] == [
        ("duty", "Name in restrictions.csv who may hear of the child")
    ]
    assert not any("C1" in one for one in waits(council))
    council.send()
    ((to, subject, body),) = [mail for mail in council.mail.sent if "restricted" in mail[1]]
    assert (to, subject) == ("duty", "Alerts of restricted children wait for somebody to be named")
    assert "C1" not in body and "alert 1" in body


def test_that_only_duty_was_left_is_counted_and_said(council: Council) -> None:
    council.change("involvements", "1 = 1", invo_professional_id="W9", invo_professional_team="T9")
    council.evaluate(TODAY)
    found = status(council.house)
    assert found.nobody_to_tell == 2
    assert any(one.what.startswith("Nobody to tell of ") for one in found.waits)


def test_what_did_not_arrive_and_what_is_late_are_said(council: Council) -> None:
    council.mail.refuses = "ade"
    council.day(TODAY)
    assert [one.partition(": ")[2] for one in waits(council) if "to W1 was refused" in one] == ["no such mailbox"]
    with Session(council.house.engine) as session, session.begin():
        session.scalars(select(Delivery).where(Delivery.person == "M1")).one().state = "due"
    council.now += timedelta(hours=2)
    assert any("to M1 waits after 1 attempts" in one for one in waits(council))
    council.now += timedelta(days=8)
    assert not any("refused" in one for one in waits(council)), "a week later it is history"


def test_floods_disputes_and_silences_are_said_with_what_ends_them(council: Council) -> None:
    council.day(TODAY)
    with Session(council.house.engine) as session, session.begin():
        here = Office(council.house.staff.directory, council.house.calendar, council.now)
        alert = session.scalars(select(Alert)).one()
        (said,) = handle(session, [alert.id], Asked("dispute", "W1", "it was held"), here, council.house.rulebook)
        assert not said.refused
        asked = Silenced(("cla.review.first",), ("T1",), council.now, council.now + timedelta(days=2), "M1", "move")
        silence_store.add(session, asked, here.directory, council.house.rulebook, council.now)
    found = {one.what.partition(" ")[0]: one for one in status(council.house).waits}
    assert found["Alert"].do == "alertd alerts resolve 1 --upheld or --rejected"
    assert found["Silence"].who == "M1"
    with Session(council.house.engine) as session, session.begin():
        session.scalars(select(Alert)).one().muted = HELD
    assert any(one.do.startswith("alertd rules confirm cla.review.first") for one in status(council.house).waits)


def test_a_notification_that_is_held_or_waits_for_approval_is_said(council: Council) -> None:
    council.day(TODAY)
    with Session(council.house.engine) as session, session.begin():
        for n, state in enumerate(("held", "awaiting_approval")):
            session.add(
                Notification(
                    alert_id=1, kind="gp", agency=f"A{n}", reference=f"R{n}", receipt="routine", state=state,
                    why="the agreement has run out", created_at=council.now,
                )
            )  # fmt: skip
    said = waits(council)
    assert "Notification R0 to A0 is held: the agreement has run out" in said
    assert any(one.startswith("Notification R1 to A1 waits for approval") for one in said)


def test_staff_files_that_cannot_be_read_are_said(council: Council) -> None:
    council.day(TODAY)
    council.house.staff._people.fault = "people.csv:3: column email: is not an e-mail address"
    (said,) = waits(council)
    assert "people.csv:3" in said


def test_too_many_urgent_ones_for_one_person_are_said(council: Council) -> None:
    council.evaluate(TODAY)
    council.now = datetime.combine(TODAY, time(7), LONDON)
    house = replace(council.house, composer=replace(council.house.composer, most_urgent=0))
    found: Status = status(house)
    assert all("urgent" not in one.what for one in found.waits), "a review is not urgent"
    sending.compose_once(house)
