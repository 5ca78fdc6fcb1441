"""The disk is full, or fails: nothing more is sent than can be stored, and nothing is taken for stored that is not."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.faults import checker, run_daemon
from tests.faults.conftest import ON_POSTGRESQL, ON_SQLITE, MakePlace, World
from tests.faults.filling import fill_outbox
from tests.faults.harness import LEASE, PATIENCE, Place, copy_database
from tests.support.databases import new_database
from tests.support.own_postgres import Cluster
from tests.support.small_disk import SmallDisk

pytestmark = pytest.mark.usefixtures("long_run")

MINUTES = 60.0
"""A minute of the daemon's clock in a second."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with SmallDisk(tmp_path / "disk", 16) as found:
        yield found


@ON_SQLITE
def test_f36_with_no_room_for_an_evaluation_nothing_of_it_is_there_and_all_of_it_when_there_is(
    make_place: MakePlace, world: World, disk: SmallDisk
) -> None:
    place = make_place(url=f"sqlite:///{disk.folder / 'alertd.db'}")
    process = place.paused(at="feed.mid_read:1", speed=MINUTES)
    disk.fill()
    place.goes_on(process)
    place.wait_until(lambda: "SQLITE_FULL" in place.log(), process)
    assert not checker.history(place.history)
    assert place.count("alert") in (0, place.count("alert where id in (select alert_id from notice)"))
    disk.free()
    began = time.monotonic()
    place.runs_until_sent(process, len(world.promised), began, MINUTES)
    assert set(place.check(world.promised).copies.values()) == {1}


@ON_SQLITE
def test_f36_with_no_room_for_an_outcome_nothing_more_is_sent_until_there_is(
    make_place: MakePlace, world: World, disk: SmallDisk
) -> None:
    """However often it is tried: a copy more of what was under way, and of nothing else."""
    copy_database(Path(world.composed.removeprefix("sqlite:///")), disk.folder / "alertd.db")
    place = make_place(url=f"sqlite:///{disk.folder / 'alertd.db'}")
    _sends_nothing_it_cannot_store(place, world, disk, "SQLITE_FULL")


def _sends_nothing_it_cannot_store(place: Place, world: World, disk: SmallDisk, said: str) -> None:
    process = place.paused(at="send.before_record:1", speed=MINUTES)
    under_way = place.count("delivery where state = 'sending'")
    disk.fill()
    place.goes_on(process)
    place.wait_until(lambda: place.log().count(said) > 5, process)
    assert len(checker.history(place.history)) <= under_way
    disk.free()
    began = time.monotonic()
    place.runs_until_sent(process, place.count("notice"), began, MINUTES)
    verdict = place.check(world.promised)
    assert sum(copies - 1 for copies in verdict.copies.values()) <= under_way
    assert max(verdict.copies.values()) <= 2


@ON_SQLITE
def test_f36_with_no_room_for_the_log_all_goes_out_and_later_the_log_says_that_it_lacks_lines(
    make_place: MakePlace, world: World, disk: SmallDisk
) -> None:
    place = make_place(composed=True, log=disk.folder / "alertd.log")
    disk.fill()
    began = time.monotonic()
    process = place.start(speed=MINUTES)
    place.wait_until(place.is_sent, process)
    place.wait_until(lambda: place.readings() == 2, process)
    assert not place.log()
    disk.free()
    place.runs_until_sent(process, len(world.promised), began, MINUTES)
    assert '"event": "log_not_written"' in place.log()
    assert set(place.check(world.promised).copies.values()) == {1}


@ON_POSTGRESQL
def test_f36_a_server_whose_disk_is_full_stores_no_outcome_and_nothing_more_is_sent(
    make_place: MakePlace, world: World
) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="alertd-disk-") as name,
        SmallDisk(_open_to_all(name) / "disk", 192) as disk,
        Cluster(disk.folder) as cluster,
    ):
        place = make_place(url=new_database(cluster.url))
        assert place.ended(place.start("evaluate"), time.monotonic()) == 0, place.log()
        fill_outbox(place, 3000, random.Random(1))
        process = place.paused(at="send.before_record:1", speed=MINUTES)
        disk.fill()
        _use_up(cluster)
        place.goes_on(process)
        place.wait_until(lambda: place.log().count("DiskFull") > 5, process)
        heard = len(checker.history(place.history))
        claimed = place.count("delivery where state in ('sending', 'delivered')")
        assert heard <= claimed < 1500, f"{heard} were sent, and {claimed} are written down as taken"
        disk.free()
        began = time.monotonic()
        place.runs_until_sent(process, place.count("notice"), began, MINUTES)
        assert max(place.check(world.promised).copies.values()) <= 2


def _open_to_all(name: str) -> Path:
    """PostgreSQL is another user, who must get there."""
    Path(name).chmod(0o755)
    return Path(name)


def _use_up(cluster: Cluster) -> None:
    """Write until the server has no room for more, not in its own files either."""
    try:
        cluster.execute("create table if not exists filler (x text)")
        for _ in range(200):
            cluster.execute("insert into filler select repeat(md5(n::text), 30) from generate_series(1, 2000) n")
    except psycopg.Error:
        return
    raise AssertionError("the disk has room for everything")


@ON_SQLITE
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
def test_f37_a_write_that_fails_ends_the_process_and_the_next_one_reads_what_is_there(
    make_place: MakePlace, world: World, call: str
) -> None:
    """Never tried again in the same process, where it might seem to succeed. The first, the fourth, the sixteenth …"""
    nth = 1
    while True:
        place = make_place(composed=True)
        code = _with_failing(place, call, nth)
        if code == 0:
            break
        assert code == 2, place.log()
        assert "the disk under the database failed (SQLITE_IOERR" in place.log()
        assert "Traceback" not in place.log()
        place.run_until_sent()
        assert max(place.check(world.promised).copies.values()) <= 2
        place.stop()
        nth *= 4
    assert nth > 1, "nothing failed: does strace inject?"


def _with_failing(place: Place, call: str, nth: int) -> int:
    """Run the daemon until all is sent, with the n-th such call on its database failing once; how it ended."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    database = place.url.removeprefix("sqlite:///")
    command = [strace, "-f", "-qq", "-o", "/dev/null", "-P", f"{database}-wal", "-P", database]
    command += ["-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when={nth}"]
    command += [sys.executable, run_daemon.__file__, *place.arguments("daemon")]
    with (place.folder / "alertd.log").open("ab") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log)
    until = time.monotonic() + PATIENCE
    while daemon.poll() is None and time.monotonic() < until:
        time.sleep(0.1)
        if "evaluate.after_commit" in place.points() and place.is_sent():
            os.kill(int((place.folder / "daemon.pid").read_text()), signal.SIGTERM)
            break
    code = daemon.wait(PATIENCE)
    place.at += LEASE
    return code


@ON_POSTGRESQL
def test_f37_a_server_whose_disk_fails_stops_and_all_goes_on_from_what_it_has(
    make_place: MakePlace, world: World
) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    with Cluster() as cluster:
        place = make_place(url=new_database(cluster.url))
        command = [strace, "-f", "-qq", "-o", str(cluster.folder / "trace"), "-p", str(cluster.pid)]
        command += ["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=3"]
        tracer = subprocess.Popen(command)
        try:
            time.sleep(0.5)  # only processes that begin from now on are hurt
            process = place.start(speed=MINUTES)
            place.wait_until(lambda: "database_unreachable" in place.log(), process)
        finally:
            tracer.terminate()
            tracer.wait(PATIENCE)
        assert re.search(r"PANIC.*could not (fsync|fdatasync)", (cluster.folder / "log").read_text())
        cluster.wait_until_it_answers()
        began = time.monotonic()
        place.runs_until_sent(process, len(world.promised), began, MINUTES)
        # Which process syncs for the third time is chance: it may be that which stores what the mail server answered.
        verdict = place.check(world.promised)
        assert sum(copies - 1 for copies in verdict.copies.values()) <= verdict.recovered
        assert max(verdict.copies.values()) <= 2
