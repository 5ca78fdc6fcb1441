"""The database is held by others, read for hours, put back as it was yesterday, or may not be written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from alertd.db.engine import WAL_BYTES, open_engine, reading, upgrade
from alertd.errors import InputError
from tests.faults import checker
from tests.faults.conftest import ON_SQLITE, MakePlace, World
from tests.faults.harness import PATIENCE, Place
from tests.support.small_disk import SmallDisk

MINUTES = 60.0
"""A minute of the daemon's clock in a second."""

NOBODY = 65534


def _file(place: Place) -> Path:
    return Path(place.url.removeprefix("sqlite:///"))


@pytest.mark.usefixtures("long_run")
@ON_SQLITE
def test_f41_a_database_that_somebody_writes_to_for_long_is_waited_for_only_so_long_and_tried_again(
    make_place: MakePlace, world: World
) -> None:
    place = make_place()
    process = place.paused(at="evaluate.after_commit:1", speed=MINUTES)
    with closing(sqlite3.connect(_file(place), isolation_level=None, timeout=PATIENCE)) as report:
        report.execute("begin immediate")
        place.goes_on(process)
        place.wait_until(lambda: "SQLITE_BUSY" in place.log(), process)
        assert not checker.history(place.history)
        report.execute("rollback")
    began = time.monotonic()
    place.runs_until_sent(process, len(world.promised), began, MINUTES)
    assert set(place.check(world.promised).copies.values()) == {1}


@pytest.mark.usefixtures("long_run")
@ON_SQLITE
def test_f42_one_that_reads_all_the_time_and_a_backup_after_another_hold_up_nothing(
    make_place: MakePlace, world: World
) -> None:
    place = make_place()
    process = place.paused(at="feed.mid_read:1", speed=MINUTES)
    stop = threading.Event()
    backups: list[int] = []

    def back_up() -> None:
        while not stop.is_set():
            with (
                closing(sqlite3.connect(_file(place))) as live,
                closing(sqlite3.connect(place.folder / "backup.db")) as copy,
            ):
                live.backup(copy)
                backups.append(1)

    with closing(sqlite3.connect(_file(place), isolation_level=None)) as report:
        report.execute("begin")
        report.execute("select count(*) from delivery").fetchall()
        thread = threading.Thread(target=back_up)
        thread.start()
        try:
            began = time.monotonic()
            place.goes_on(process)
            place.runs_until_sent(process, len(world.promised), began, MINUTES)
        finally:
            stop.set()
            thread.join(PATIENCE)
    assert len(backups) > 1
    assert "SQLITE_BUSY" not in place.log()
    assert set(place.check(world.promised).copies.values()) == {1}


@pytest.mark.fault("F42", database="sqlite")
def test_f42_the_log_of_writes_that_grew_while_somebody_read_is_short_again_afterwards(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'alertd.db'}")
    log = tmp_path / "alertd.db-wal"
    with engine.begin() as connection:
        connection.execute(text("create table filler (x blob)"))
    with reading(engine).connect() as reader:
        reader.execute(text("select count(*) from filler")).all()
        for _ in range(6):
            with engine.begin() as connection:
                connection.execute(text("insert into filler values (zeroblob(4000000))"))
        assert log.stat().st_size > WAL_BYTES
    for _ in range(3):
        with engine.begin() as connection:
            connection.execute(text("insert into filler values (1)"))
    assert log.stat().st_size <= WAL_BYTES
    engine.dispose()


@pytest.mark.usefixtures("long_run")
def test_f39_a_database_of_before_is_noticed_and_sends_nothing_again(make_place: MakePlace, world: World) -> None:
    """A backup of when all was due is put back when all is sent."""
    place = make_place(composed=True)
    config = place.folder / "alertd.toml"
    config.write_text(f'{config.read_text()}\n[outbox]\nepoch = "{place.folder / "epoch"}"\n')
    process = place.paused("send", at="outbox.after_claim:1")
    process.kill()
    place.ended(process, time.monotonic())
    _back_up(place)
    place.run_until_sent("send")
    sent = len(checker.history(place.history))
    assert sent == world.deliveries
    _put_back(place)
    process = place.start(speed=MINUTES)
    place.wait_until(lambda: "outbox_held" in place.log(), process)
    place.wait_until(lambda: place.readings() == 2, process)
    began = time.monotonic()
    process.terminate()
    assert place.ended(process, began) == 0
    assert len(checker.history(place.history)) == sent


def _back_up(place: Place) -> None:
    if place.url.startswith("sqlite"):
        with closing(sqlite3.connect(_file(place))) as live, closing(sqlite3.connect(f"{_file(place)}.bak")) as copy:
            live.backup(copy)
    else:
        _copied(place, make_url(place.url).database or "", "kept")


def _put_back(place: Place) -> None:
    if place.url.startswith("sqlite"):
        for left in place.folder.glob("alertd.db*"):
            if left.suffix != ".bak":
                left.unlink()
        shutil.copy(f"{_file(place)}.bak", _file(place))
    else:
        _copied(place, "kept", make_url(place.url).database or "")


def _copied(place: Place, source: str, target: str) -> None:
    server = place.url.replace(f"/{make_url(place.url).database}?", "/postgres?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database if exists {target}")  # type: ignore[arg-type]
        connection.execute(f"create database {target} template {source}")  # type: ignore[arg-type]


def _refused(place: Place) -> str:
    """What the program says as it ends, on one line."""
    command = [sys.executable, "-m", "alertd", "run", "--config", str(place.folder / "alertd.toml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=place.folder)
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


@pytest.mark.usefixtures("long_run")
@ON_SQLITE
def test_f43_a_database_on_a_disk_that_may_not_be_written_is_refused_at_the_start(
    make_place: MakePlace, tmp_path: Path
) -> None:
    with SmallDisk(tmp_path / "disk", 16) as disk:
        place = make_place(url=f"sqlite:///{disk.folder / 'alertd.db'}")
        engine = open_engine(place.url)
        upgrade(engine)
        engine.dispose()
        subprocess.run(["mount", "-o", "remount,ro", str(disk.folder)], check=True)
        assert "may be written to" in _refused(place)


@contextmanager
def _as(user: int) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.fault("F43", database="sqlite")
@pytest.mark.parametrize(
    ("mode", "says"), [(0o755, "the database is read-only"), (0o700, "alertd's user may not look into it")]
)
def test_f43_a_database_that_belongs_to_somebody_else_is_refused(mode: int, says: str) -> None:
    with tempfile.TemporaryDirectory() as name:  # under /tmp, where everybody may look
        url = f"sqlite:///{name}/theirs/alertd.db"
        (Path(name) / "theirs").mkdir()
        engine = open_engine(url)
        upgrade(engine)
        engine.dispose()
        Path(name).chmod(mode)
        with _as(NOBODY), pytest.raises(InputError, match=says) as refused:
            open_engine(url)
    assert "alertd's user" in str(refused.value)


@pytest.mark.fault("F43", database="postgresql")
@pytest.mark.parametrize(
    ("setup", "says"),
    [
        ("revoke create on schema public from public; create role weak login", "permission denied"),
        ("create role weak login superuser; alter role weak set default_transaction_read_only = on", "read-only"),
    ],
)
def test_f43_a_server_that_does_not_let_us_write_is_refused_in_one_line(
    postgres_server: str, setup: str, says: str
) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("create database theirs")
        connection.execute(setup)  # type: ignore[arg-type]
        try:
            engine = open_engine(postgres_server.replace("//postgres:", "//weak:").replace("/postgres?", "/theirs?"))
            with pytest.raises(InputError, match=says) as refused:
                upgrade(engine)
            engine.dispose()
            assert "\n" not in str(refused.value)
        finally:
            connection.execute("drop database theirs")
            connection.execute("drop role weak")
