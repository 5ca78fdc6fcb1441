"""A database that was restored from a backup is noticed, and sends nothing again until a person says so."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

from alertd import sending
from alertd.db.tables import Delivery, DeliveryEvent, OutboxEpoch
from alertd.engine import sweep as sweeping
from alertd.errors import InputError
from alertd.outbox import epoch
from alertd.outbox.channel import Message, Outcome
from alertd.outbox.epoch import Epoch, why_held
from alertd.settings import Outbox
from tests.support.cli import Done, Here
from tests.support.council import Council, Inline, council_at
from tests.support.databases import opened
from tests.support.outbox import NOW, moves, put, states

pytest_plugins = ["tests.support.databases"]
TODAY = date(2026, 11, 27)
NAME, OTHER = str(uuid4()), str(uuid4())


def new_name() -> str:
    return str(uuid4())


def at(number: int, name: str = NAME) -> Epoch:
    return Epoch(number, name, NOW)


@pytest.mark.parametrize(
    ("inside", "outside", "why"),
    [
        (None, None, ""),
        (at(3), None, ""),
        (at(3), at(3), ""),
        (at(4), at(3), ""),
        (at(2), at(3), "older than what was sent"),
        (at(4, OTHER), at(3), "another than the one"),
        (None, at(3), "never sent anything"),
    ],
)
def test_only_a_file_that_is_further_or_of_another_database_holds(
    inside: Epoch | None, outside: Epoch | None, why: str
) -> None:
    assert why in why_held(inside, outside) and bool(why) == bool(why_held(inside, outside))


def test_the_number_is_counted_in_the_database_and_then_in_the_file(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "epoch"
    for _ in range(3):
        assert epoch.count_up(engine, file, NOW, new_name) == ""
    found = epoch.look(engine, file)
    assert found.inside == found.outside == Epoch(3, found.inside.name, NOW)  # type: ignore[union-attr]
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".epoch")] == []


def test_two_daemons_that_start_together_count_one_outbox(engine: Engine, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: epoch.count_up(engine, tmp_path / "epoch", NOW, new_name), range(16)))
    assert said == [""] * 16
    with Session(engine) as session:
        assert session.get_one(OutboxEpoch, 1).number == 16
    assert epoch.look(engine, tmp_path / "epoch").held == ""


def test_a_file_that_cannot_be_read_or_written_says_so_and_is_left_as_it_is(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "epoch"
    for broken in ('{"number": 3}', "", '{"number": "x"}', "[]"):
        file.write_text(broken)
        assert "the epoch file is damaged" in epoch.count_up(engine, file, NOW, new_name)
        assert file.read_text() == broken
        found = epoch.look(engine, file)
        assert "damaged" in found.unread and found.held == "", "silence would be worse than a copy"
    assert "cannot be written" in epoch.count_up(engine, tmp_path / "gone" / "epoch", NOW, new_name)


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    outbox = Outbox(epoch=tmp_path / "elsewhere")
    found.house = replace(found.house, settings=found.house.settings.model_copy(update={"outbox": outbox}))
    found.looked_after("C1")
    yield found
    found.house.engine.dispose()


def backup(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "alertd.db") as live, sqlite3.connect(tmp_path / "backup.db") as copy:
        live.backup(copy)


def restore(council: Council, tmp_path: Path) -> None:
    council.house.engine.dispose()
    for left in tmp_path.glob("alertd.db*"):
        left.unlink()
    shutil.copy(tmp_path / "backup.db", tmp_path / "alertd.db")


@pytest.mark.fault("F39")
def test_what_was_sent_since_the_backup_is_not_sent_again_by_a_restored_database(
    council: Council, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    council.evaluate(TODAY)
    council.now += timedelta(hours=2)
    sending.compose_once(council.house)
    backup(tmp_path)
    asyncio.run(sending.dispatch(council.house))
    assert len(council.mail.sent) == 2
    restore(council, tmp_path)
    asyncio.run(sending.dispatch(council.house))
    assert len(council.mail.sent) == 2, "held"
    assert "outbox_held" in capsys.readouterr().out
    file = tmp_path / "elsewhere"
    with Session(council.house.engine) as session, session.begin():
        assert epoch.waiting_before(session, epoch.read(file).at + timedelta(seconds=1)) == (2, 0)  # type: ignore[union-attr]
        done = epoch.accept(
            session, file, council.now, new_name, by="op", why="disk died", drop_before=council.now + timedelta(1)
        )
    assert (done.kept, done.dropped) == (0, 2)
    epoch.settle(council.house.engine, file)
    asyncio.run(sending.dispatch(council.house))
    assert len(council.mail.sent) == 2 and set(states(council.house.engine).values()) == {"cancelled"}
    council.now += timedelta(minutes=1)
    put(council.house.engine, "duty", now=council.now)
    with Session(council.house.engine) as session, session.begin():
        session.get_one(Delivery, "duty").person = "duty"
        session.get_one(Delivery, "duty").address = "duty@council.example"
    asyncio.run(sending.dispatch(council.house))
    assert states(council.house.engine)["duty"] == "delivered", "what is new goes again"


@pytest.mark.fault("F39")
def test_a_restored_database_that_is_to_send_all_sends_it_once_more(council: Council, tmp_path: Path) -> None:
    council.evaluate(TODAY)
    council.now += timedelta(hours=2)
    sending.compose_once(council.house)
    backup(tmp_path)
    asyncio.run(sending.dispatch(council.house))
    restore(council, tmp_path)
    with Session(council.house.engine) as session, session.begin():
        epoch.accept(session, tmp_path / "elsewhere", council.now, new_name, by="op", why="safer", drop_before=None)
    epoch.settle(council.house.engine, tmp_path / "elsewhere")
    asyncio.run(sending.dispatch(council.house))
    assert len(council.mail.sent) == 4
    asyncio.run(sending.dispatch(council.house))
    assert len(council.mail.sent) == 4


@pytest.mark.fault("F39")
def test_a_backup_taken_while_messages_were_being_sent_is_noticed_too(council: Council, tmp_path: Path) -> None:
    council.evaluate(TODAY)
    council.now += timedelta(hours=2)
    sending.compose_once(council.house)
    send, taken = council.mail.send, []

    async def send_and_copy(message: Message) -> Outcome:
        if not taken:
            taken.append(True)
            backup(tmp_path)
        return await send(message)

    council.mail.send = send_and_copy  # type: ignore[method-assign]
    asyncio.run(sending.dispatch(council.house))
    assert len(council.mail.sent) == 2 and taken
    restore(council, tmp_path)
    council.now += timedelta(hours=1)  # what was being sent in the backup would be free again
    asyncio.run(sending.dispatch(council.house))
    assert len(council.mail.sent) == 2
    assert "older than what was sent" in epoch.look(council.house.engine, tmp_path / "elsewhere").held


def test_a_backup_since_which_nothing_was_sent_holds_nothing(council: Council, tmp_path: Path) -> None:
    council.day(TODAY)
    backup(tmp_path)
    for _ in range(3):
        council.now += timedelta(minutes=1)
        asyncio.run(sending.dispatch(council.house))
    restore(council, tmp_path)
    assert epoch.look(council.house.engine, tmp_path / "elsewhere").held == ""


def test_a_file_that_cannot_be_kept_stops_no_message(
    council: Council, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere").write_text("damaged")
    council.day(TODAY)
    assert len(council.mail.sent) == 2
    assert "epoch_not_kept" in capsys.readouterr().out


def test_what_is_dropped_is_what_was_made_before_and_says_by_whom(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "epoch"
    put(engine, "d1-old", now=NOW)
    put(engine, "d2-new", now=NOW + timedelta(hours=2))
    epoch.count_up(engine, file, NOW, new_name)
    told = json.loads(file.read_text())
    file.write_text(json.dumps(told | {"number": 9}))
    with Session(engine) as session, session.begin():
        done = epoch.accept(session, file, NOW, new_name, by="op", why="restored", drop_before=NOW + timedelta(hours=1))
    assert (done.kept, done.dropped) == (1, 1)
    assert states(engine) == {"d1-old": "cancelled", "d2-new": "due"}
    assert moves(engine, "d1-old")[-1] == ("cancelled", "op: database restored, sent before: restored")
    epoch.settle(engine, file)
    assert epoch.read(file).number == 10  # type: ignore[union-attr]
    with Session(engine) as session, pytest.raises(InputError, match="nothing is held"):
        epoch.accept(session, file, NOW, new_name, by="op", why="x", drop_before=None)


def test_a_new_database_beside_an_old_file_is_held_until_it_is_accepted(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "epoch"
    epoch.count_up(engine, file, NOW, new_name)
    with Session(engine) as session, session.begin():
        session.execute(delete(OutboxEpoch))
    assert "never sent anything" in epoch.look(engine, file).held
    with Session(engine) as session, session.begin():
        epoch.accept(session, file, NOW, new_name, by="op", why="new", drop_before=None)
    epoch.settle(engine, file)
    assert epoch.look(engine, file).held == ""
    assert epoch.count_up(engine, file, datetime.now(UTC), new_name) == ""
    with Session(engine) as session:
        assert session.query(DeliveryEvent).count() == 0


SETTINGS = """
[feed]
kind = "ssda903"
url = "return"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[database]
url = "sqlite:///alertd.db"
[email]
host = "127.0.0.1"
sender = "alertd@council.example"
"""


def test_a_person_sees_what_waits_and_lets_it_go(here: Here, tmp_path: Path) -> None:
    config, file = tmp_path / "alertd.toml", tmp_path / "elsewhere"

    def accept(*args: str) -> Done:
        return here("outbox", "accept-restore", "--config", config, *args)

    engine = opened(f"sqlite:///{tmp_path / 'alertd.db'}")
    put(engine, "d1-old", now=NOW)
    config.write_text(SETTINGS)
    assert "a restored database cannot be noticed" in accept().one_line
    config.write_text(SETTINGS + '[outbox]\nepoch = "elsewhere"\n')
    assert (accept().code, accept().out) == (0, "Nothing is held: the database is as far as the epoch file\n")
    epoch.count_up(engine, file, NOW, new_name)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"number": 9, "at": "2026-11-23T10:00:00+00:00"}))
    shown = accept()
    assert shown.code == 1 and "1 made before that, which may have been sent; 0 made since" in shown.out
    assert "it has come to 1, and the epoch file to 9" in shown.out
    assert "a reason is needed" in accept("--send-all").one_line
    both = accept("--send-all", "--drop-before", "2026-11-23T10:00", "--reason", "x")
    assert "were both given" in both.one_line and states(engine) == {"d1-old": "due"}
    done = accept("--drop-before", "2026-11-23T10:00", "--reason", "the disk died", "--as", "D1")
    assert (done.code, done.out.partition(";")[0]) == (0, "1 messages are taken back, 0 go")
    assert moves(engine, "d1-old")[-1][1] == "D1: database restored, sent before: the disk died"
    assert accept().code == 0
    engine.dispose()
