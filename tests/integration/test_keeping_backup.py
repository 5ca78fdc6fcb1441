"""``alertd backup``: a true copy, made beside a daemon, restored before it counts; one that fails costs nothing."""

from __future__ import annotations

import json
import sqlite3
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import time_machine
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from alertd.audit.chain import record
from alertd.keeping import backup as backups
from alertd.keeping import postgres_copy, sqlite_copy
from tests.support.cli import Here
from tests.support.keeping import settings_at, with_postgres_programs
from tests.support.outbox import put

pytest_plugins = ["tests.support.databases"]
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def config(database_url: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with_postgres_programs(monkeypatch)
    for n in range(3):
        put(engine, f"d{n}-before")
    with Session(engine) as session, session.begin():
        record(session, NOW, by="W1", what="saw child", child="C1")
    return settings_at(tmp_path, database_url)


def backed_up(here: Here, config: Path, *more: str, at: datetime = NOW) -> Path:
    with time_machine.travel(at, tick=False):
        done = here("backup", "--config", config, *more)
    assert (done.code, done.err) == (0, ""), done
    return Path(done.out.partition(": ")[0])


def test_a_backup_holds_what_the_database_does_and_says_what_it_is(here: Here, config: Path, engine: Engine) -> None:
    file = backed_up(here, config)
    assert file.parent == config.parent / "backups"
    assert {stat.S_IMODE(one.stat().st_mode) for one in file.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    said = json.loads(file.with_name(file.name + ".json").read_text())
    assert (said["made"], said["rows"]["delivery"], said["rows"]["audit_entry"]) == (NOW.isoformat(), 3, 1)
    assert said["verified"] == backups.RESTORED and said["audit"]["entries"] == 1 and said["schema"]
    assert said["bytes"] == file.stat().st_size
    assert any(name.endswith("alertd.toml") for name in said["files"]) and len(said["files"]) > 5
    assert sorted(one.name for one in file.parent.iterdir()) == [file.name, f"{file.name}.json"]
    assert not any(b"hunter-two" in one.read_bytes() for one in file.parent.iterdir()), "secrets are never copied"
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            assert connection.scalar(text("select count(*) from pg_database where datname like 'alertd_verify%'")) == 0


def test_what_is_written_meanwhile_waits_for_nobody_and_is_not_in_the_copy(
    here: Here, config: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = sqlite_copy.contents_of

    def write_after(connection: object) -> object:
        found = counted(connection)  # type: ignore[arg-type]
        writer = threading.Thread(target=put, args=(engine, "d9-meanwhile"))
        writer.start()
        writer.join(60)
        assert not writer.is_alive(), "who writes must not wait for a backup"
        monkeypatch.setattr(module, "contents_of", counted)
        return found

    module = sqlite_copy if engine.dialect.name == "sqlite" else postgres_copy
    monkeypatch.setattr(module, "contents_of", write_after)
    file = backed_up(here, config)
    assert json.loads(file.with_name(file.name + ".json").read_text())["rows"]["delivery"] == 3
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from delivery")) == 4


def test_the_latest_are_kept_and_older_ones_go_once_a_new_one_stands(here: Here, config: Path) -> None:
    made = [backed_up(here, config, "--keep", "2", at=NOW + timedelta(hours=n)) for n in range(4)]
    assert backups.made_before(made[0].parent) == [made[3], made[2]]
    assert len(list(made[0].parent.iterdir())) == 4, "each with its manifest"


def test_a_copy_that_is_not_the_database_is_no_backup_and_removes_none(
    here: Here, config: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = backed_up(here, config)
    if engine.dialect.name == "sqlite":
        whole = sqlite_copy.copy

        def short(engine: Engine, to: Path, progress: sqlite_copy.Progress) -> object:
            found = whole(engine, to, progress)
            with sqlite3.connect(to) as copied:
                copied.execute("delete from delivery_event")
            copied.close()
            return found

        monkeypatch.setattr(sqlite_copy, "copy", short)
    else:
        run = postgres_copy._run
        monkeypatch.setattr(
            postgres_copy,
            "_run",
            lambda program, address, *args: run(
                program, address, *args, *(["--exclude-table-data=delivery_event"] if program == "pg_dump" else [])
            ),
        )
    done = here("backup", "--config", config, "--keep", "1")
    assert done.code == 1 and done.out == ""
    assert (
        "no backup was made, and none was removed" in done.err and "delivery_event has 0 rows in the copy" in done.err
    )
    assert done.err.count("\n") == 1
    assert backups.made_before(first.parent) == [first] and len(list(first.parent.iterdir())) == 2


def test_a_broken_audit_is_copied_told_and_removes_nothing(here: Here, config: Path, engine: Engine) -> None:
    first = backed_up(here, config)
    with engine.begin() as connection:
        connection.execute(text("update audit_entry set child = 'C2'"))
    done = here("backup", "--config", config, "--keep", "1")
    assert done.code == 1 and "the audit in the database is not whole" in done.err
    assert len(backups.made_before(first.parent)) == 2, "it is a true copy all the same"


def test_two_at_once_are_refused_and_what_one_that_died_left_is_cleared(here: Here, config: Path) -> None:
    folder = backed_up(here, config).parent
    (folder / ".alertd-part-dead").write_text("half")
    with backups._alone_in(folder):
        done = here("backup", "--config", config)
    assert done.code == 1 and "another backup is being made there" in done.err
    backed_up(here, config, at=NOW + timedelta(hours=1))
    assert not list(folder.glob(".alertd*"))


def test_a_folder_that_cannot_be_is_one_line(here: Here, config: Path) -> None:
    (config.parent / "backups").write_text("a file")
    done = here("backup", "--config", config)
    assert done.code == 1 and done.err.count("\n") == 1 and "the folder cannot be used" in done.err


@pytest.mark.parametrize("database_kind", [pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_who_may_not_make_a_database_has_the_dump_listed_and_is_told(
    here: Here, config: Path, database_url: str, postgres_server: str
) -> None:
    address = make_url(database_url)
    user = f"plain_{address.database}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"create role {user} login in role pg_read_all_data")  # type: ignore[arg-type]
        connection.execute(f"grant temporary on database {address.database} to {user}")  # type: ignore[arg-type]
    settings_at(config.parent, address.set(username=user).render_as_string(hide_password=False))
    file = backed_up(here, config)
    assert json.loads(file.with_name(file.name + ".json").read_text())["verified"] == backups.LISTED


@pytest.mark.parametrize("database_kind", [pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_without_postgresqls_programs_one_line_says_so(
    here: Here, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(config.parent))
    done = here("backup", "--config", config)
    assert done.code == 1 and "the program pg_dump is not there. Install PostgreSQL's client programs" in done.err


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_damaged_copy_is_no_backup(here: Here, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sqlite_copy.copy

    def damaging(engine: Engine, to: Path, progress: sqlite_copy.Progress) -> object:
        found = whole(engine, to, progress)
        held = bytearray(to.read_bytes())
        held[len(held) // 2 : len(held) // 2 + 8192] = b"\xff" * 8192
        to.write_bytes(held)
        return found

    monkeypatch.setattr(sqlite_copy, "copy", damaging)
    done = here("backup", "--config", config)
    assert done.code == 1 and done.err.count("\n") == 1
    assert "damaged" in done.err or "malformed" in done.err
    assert list((config.parent / "backups").iterdir()) == []
