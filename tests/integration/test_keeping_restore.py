"""``alertd restore``: the whole road back, and that nothing is sent again before somebody has answered."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from alembic import command
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from alertd import sending
from alertd.db.agenda_tables import AgendaEntry
from alertd.db.engine import _migrations, open_engine
from alertd.engine import sweep as sweeping
from alertd.keeping import restore as restoring
from alertd.keeping.restore import held_by
from alertd.outbox import epoch
from alertd.outbox.channel import Outcome
from alertd.outbox.epoch import Epoch
from alertd.settings import load
from tests.support.cli import Here
from tests.support.council import Council, Inline, council_at
from tests.support.keeping import settings_at, with_postgres_programs
from tests.support.outbox import finish, next_claimed, put, states

pytest_plugins = ["tests.support.databases"]
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
NAME = "0b0f6a52-6f0c-4b0d-9f5e-1f2ad0c6f001"
OTHER = "0b0f6a52-6f0c-4b0d-9f5e-1f2ad0c6f002"


@pytest.fixture
def config(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with_postgres_programs(monkeypatch)
    return settings_at(tmp_path, database_url)


@pytest.fixture
def council(config: Path, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    """A daemon on this database with two messages composed, whose settings are those of the commands."""
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = council_at(tmp_path, database_url)
    outbox = load(config).outbox
    found.house = replace(found.house, settings=found.house.settings.model_copy(update={"outbox": outbox}))
    found.looked_after("C1")
    yield found
    found.house.engine.dispose()


def backed_up(here: Here, config: Path) -> Path:
    with time_machine.travel(NOW, tick=False):
        done = here("backup", "--config", config)
    assert done.code == 0, done
    return Path(done.out.partition(": ")[0])


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()


@pytest.mark.fault("F39")
def test_the_whole_road_back_sends_nothing_again_before_somebody_answers(
    here: Here, config: Path, council: Council, database_url: str
) -> None:
    council.evaluate(date(2026, 11, 27))
    council.now += timedelta(hours=2)
    sending.compose_once(council.house)
    waited = sorted(states(council.house.engine))
    file = backed_up(here, config)
    council.now += timedelta(minutes=1)
    asyncio.run(sending.dispatch(council.house))
    assert len(council.mail.sent) == len(waited) == 2, "both leave after the backup"

    refused = here("restore", file, "--config", config, "--replace")
    assert "Stop alertd run" in refused.one_line, "a daemon has it open"
    council.house.engine.dispose()
    assert "Give --replace" in here("restore", file, "--config", config).one_line

    done = here("restore", file, "--config", config, "--replace", "--as", "op")
    assert (done.code, done.err) == (0, ""), done
    assert "2 messages wait in it, and may have been sent since" in done.out
    assert all(id_ in done.out for id_ in waited), "what may have been sent is listed"
    with Session(council.house.engine) as session:
        assert session.scalars(select(AgendaEntry)).all() == [], "every child is looked at anew"

    asyncio.run(sending.dispatch(council.house))
    assert len(council.mail.sent) == 2, "held"
    council.house.engine.dispose()
    held = here("outbox", "accept-restore", "--config", config)
    assert held.code == 1 and "Nothing is sent, because" in held.out and "Messages that wait: 2" in held.out
    answered = here(
        "outbox", "accept-restore", "--config", config, "--drop-before", "2026-11-28T08:30", "--reason", "disk died"
    )
    assert answered.code == 0 and "2 messages are taken back" in answered.out
    asyncio.run(sending.dispatch(council.house))
    assert len(council.mail.sent) == 2 and set(states(council.house.engine).values()) == {"cancelled"}
    assert rows(database_url, 'select "by", what from audit_entry') == [("op", "restored database")]


@pytest.fixture
def sent_since(here: Here, config: Path, engine: Engine) -> Path:
    """A backup in which one message waits that was sent afterwards."""
    put(engine, "d1-waits")
    epoch.count_up(engine, config.parent / "elsewhere.epoch", NOW, lambda: NAME)
    file = backed_up(here, config)
    [one] = next_claimed(engine, NOW, 1, timedelta(minutes=4))
    finish(engine, one, Outcome("delivered", "taken"), NOW, random.Random(1))
    epoch.count_up(engine, config.parent / "elsewhere.epoch", NOW, lambda: NAME)
    engine.dispose()
    return file


def test_what_was_there_is_kept_and_can_be_read(here: Here, config: Path, sent_since: Path, database_url: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert here("restore", sent_since, "--config", config, "--replace").code == 0
    assert rows(database_url, "select state from delivery") == [("due",)]
    if database_url.startswith("sqlite"):
        old = config.parent / "alertd.db.before-restore-20261127t120000z"
        assert rows(f"sqlite:///{old}", "select state from delivery") == [("delivered",)]
    else:
        query = "select state from alertd_before_restore_20261127t120000z.delivery"
        assert rows(database_url, query) == [("delivered",)]
        assert here("backup", "--config", config).code == 0, "what is aside is in no backup"


@pytest.mark.parametrize("lost", [True, False])
def test_it_is_held_too_where_the_epoch_file_was_lost_or_nothing_was_sent_since(
    here: Here, config: Path, sent_since: Path, database_url: str, *, lost: bool
) -> None:
    file = config.parent / "elsewhere.epoch"
    if lost:
        file.unlink()
    else:
        file.write_text(json.dumps({"number": 1, "name": NAME, "at": NOW.isoformat()}))
    assert here("restore", sent_since, "--config", config, "--replace").code == 0
    engine = open_engine(database_url)
    assert "older than what was sent" in epoch.look(engine, file).held
    engine.dispose()


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        (None, None),
        (Epoch(3, NAME, NOW), None),
        (Epoch(3, NAME, NOW), Epoch(3, NAME, NOW)),
        (Epoch(3, NAME, NOW), Epoch(2, NAME, NOW)),
        (Epoch(3, NAME, NOW), Epoch(9, NAME, NOW)),
        (Epoch(3, NAME, NOW), Epoch(2, OTHER, NOW)),
        (None, Epoch(0, NAME, NOW)),
    ],
)
def test_whatever_the_epoch_file_said_nothing_is_sent(inside: Epoch | None, outside: Epoch | None) -> None:
    held = held_by(inside, outside, NOW, lambda: OTHER)
    assert epoch.why_held(inside, held)
    assert outside is None or held.number >= outside.number or held.name != outside.name


def test_a_changed_backup_or_one_without_a_manifest_is_refused(
    here: Here, config: Path, sent_since: Path, database_url: str
) -> None:
    manifest = sent_since.with_name(sent_since.name + ".json")
    said = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(said | {"rows": said["rows"] | {"delivery": 7}}))
    done = here("restore", sent_since, "--config", config, "--replace")
    assert "does not hold what its manifest says: table delivery has 1 rows" in done.one_line
    with sent_since.open("ab") as opened:
        opened.write(b"x")
    done = here("restore", sent_since, "--config", config, "--replace")
    assert "its SHA-256 is not that of its manifest" in done.one_line
    manifest.unlink()
    assert "no manifest beside" in here("restore", sent_since, "--config", config, "--replace").one_line
    assert rows(database_url, "select state from delivery") == [("delivered",)], "all is as it was"


def test_one_that_fails_half_way_leaves_all_as_it_was(
    here: Here, config: Path, sent_since: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = (config.parent / "elsewhere.epoch").read_text()

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restoring, "_brought_up", fails)
    with suppress(OSError):
        here("restore", sent_since, "--config", config, "--replace")
    assert rows(database_url, "select state from delivery") == [("delivered",)]
    assert (config.parent / "elsewhere.epoch").read_text() == told
    assert not [one for one in config.parent.iterdir() if "part" in one.name or "before" in one.name]


def test_into_an_empty_place_nothing_is_replaced(
    here: Here, config: Path, sent_since: Path, bare_database_url: str
) -> None:
    if bare_database_url.startswith("sqlite"):
        (config.parent / "alertd.db").unlink()
    settings_at(config.parent, bare_database_url)
    done = here("restore", sent_since, "--config", config)
    assert done.code == 0 and "What was there" not in done.out, done
    assert rows(bare_database_url, "select state from delivery") == [("due",)]


def test_without_an_epoch_file_or_as_another_user_it_is_refused(
    here: Here, config: Path, sent_since: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    assert "Run it as the user that alertd runs as" in here("restore", sent_since, "--config", config).one_line
    config.write_text(config.read_text().replace('[outbox]\nepoch = "elsewhere.epoch"\n', ""))
    assert "would send again what it sent since" in here("restore", sent_since, "--config", config).one_line


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_database_too_damaged_to_be_opened_is_replaced_and_kept(
    here: Here, config: Path, sent_since: Path, database_url: str
) -> None:
    file = config.parent / "alertd.db"
    file.write_bytes(b"not a database at all, and long enough to be looked at" * 100)
    assert here("restore", sent_since, "--config", config, "--replace").code == 0
    assert rows(database_url, "select state from delivery") == [("due",)]
    [aside] = config.parent.glob("alertd.db.before-restore-*")
    assert aside.read_bytes().startswith(b"not a database")


def test_an_older_backup_is_brought_up_to_this_version(
    here: Here, config: Path, engine: Engine, database_url: str
) -> None:
    with engine.connect() as connection, connection.begin():
        to_old = _migrations()
        to_old.attributes["connection"] = connection
        command.downgrade(to_old, "0004")
    file = backed_up(here, config)
    engine.dispose()
    assert here("restore", file, "--config", config, "--replace").code == 0
    assert rows(database_url, "select what from audit_entry") == [("restored database",)]
    with Session(engine) as session:
        assert session.connection().scalar(text("select version_num from alembic_version")) != "0004"
