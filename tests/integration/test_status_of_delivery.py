"""``alertd status`` of what is sent: channels, answers, whom nobody reached, the watchdog, a restored database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from alertd import watchdog
from alertd.cli.status import _show
from alertd.db.tables import Delivery, Notice
from alertd.engine import sweep as sweeping
from alertd.outbox import epoch
from alertd.outbox.afterwards import take_receipt
from alertd.outbox.channel import Receipt
from alertd.settings import Outbox
from alertd.settings.delivery import Watchdog
from alertd.status import Status, status
from tests.support.council import Council, Inline, council_at

pytest_plugins = ["tests.support.databases"]
TODAY = date(2026, 11, 27)
SOON = timedelta(hours=2)


@pytest.fixture
def council(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = council_at(tmp_path, database_url)
    found.looked_after("C1")
    yield found
    found.house.engine.dispose()


def stands(council: Council) -> Status:
    found = status(council.house)
    assert json.loads(json.dumps(found.as_json()))["channels"].keys() == {one.channel for one in found.channels}
    return found


def said(council: Council) -> list[str]:
    return [one.what for one in stands(council).waits]


def set_(council: Council, **sections: object) -> None:
    settings = council.house.settings.model_copy(update=sections)
    council.house = replace(council.house, settings=settings)


def test_each_channel_says_what_it_did_last_and_what_waits(council: Council) -> None:
    assert [str(one) for one in stands(council).channels] == ["email: nothing delivered yet"]
    assert stands(council).at_work == {"evaluated": None, "composed": None, "tried": None}
    council.day(TODAY)
    found = stands(council)
    assert [str(one) for one in found.channels] == ["email: last delivered Fri 27 Nov 2026 08:05"]
    assert set(found.at_work.values()) >= {council.now} and found.waits == []
    with Session(council.house.engine) as session, session.begin():
        one = session.scalars(select(Delivery).where(Delivery.person == "W1")).one()
        one.state, one.channel, one.reason = "due", "pigeon", "no pigeon came"
    pigeon = stands(council).channels[-1]
    assert (pigeon.channel, pigeon.due, pigeon.why) == ("pigeon", 1, "no pigeon came")
    assert "1 due, the oldest made Fri 27 Nov 2026 08:05" in str(pigeon)


def test_a_person_reads_it_on_a_page(council: Council, capsys: pytest.CaptureFixture[str]) -> None:
    council.day(TODAY)
    capsys.readouterr()
    _show(stands(council))
    page = capsys.readouterr().out.splitlines()
    assert "channel email: last delivered Fri 27 Nov 2026 08:05" in page
    assert any(line.startswith("last evaluated Fri 27 Nov 2026 06:30, composed Fri 27 Nov 2026 08:05") for line in page)
    assert any(line.startswith("watchdog: none is set") for line in page)
    assert any(line.startswith("restored: no [outbox] epoch is set") for line in page)


def test_answers_of_the_other_side_are_counted(council: Council) -> None:
    council.day(TODAY)
    with Session(council.house.engine) as session, session.begin():
        for n, id_ in enumerate(session.scalars(select(Delivery.id)).all()):
            take_receipt(session, Receipt(id_, "away", f"k{n}", "out of office"), council.now)
    assert stands(council).answers == {"away": 2}
    council.now += timedelta(days=8)
    assert stands(council).answers == {}


def test_an_urgent_alert_that_reached_nobody_waits_for_duty(council: Council) -> None:
    council.mail.refuses = "ade"
    council.day(TODAY)
    with Session(council.house.engine) as session, session.begin():
        session.execute(update(Notice).values(urgent=True))
        session.execute(update(Delivery).where(Delivery.person != "W1").values(state="refused"))
    council.now += SOON
    assert any(one.startswith("alert 1 (") and "nobody was reached" in one for one in said(council))


def test_a_restored_database_is_said_before_anything_else_is_missed(council: Council, tmp_path: Path) -> None:
    assert stands(council).epoch.startswith("no [outbox] epoch is set")
    file = tmp_path / "epoch"
    set_(council, outbox=Outbox(epoch=file))
    council.day(TODAY)
    assert (stands(council).epoch, said(council)) == ("the database knows of all that was sent", [])
    found = epoch.read(file)
    assert found is not None
    epoch.write(file, replace(found, number=found.number + 5))
    [one] = said(council)
    assert one.startswith("Nothing is sent, because this database is older than what was sent")
    file.write_text("{")
    [one] = said(council)
    assert "would not be noticed" in one and "damaged" in one


def test_a_silent_watchdog_is_said(council: Council) -> None:
    assert stands(council).watchdog.startswith("none is set")
    set_(council, watchdog=Watchdog(address="eye@council.example"))
    assert "The watchdog was never delivered" in said(council)
    council.day(TODAY)
    assert all(step.well for step in watchdog.at_once(council.house))
    found = stands(council)
    assert (found.watchdog, found.waits) == ("last delivered Fri 27 Nov 2026 08:05", [])
    council.now += timedelta(hours=27)
    assert any("more than 26 hours ago" in one for one in said(council))


def test_what_ought_not_to_be_is_said(council: Council) -> None:
    council.evaluate(TODAY)
    with Session(council.house.engine) as session, session.begin():
        session.execute(delete(Notice))
    council.now += SOON
    assert "1 open alerts are owed to nobody" in said(council)
