"""The database stops, drops its connections, hangs or is locked, while the daemon works; on PostgreSQL.

The daemon says so, goes on by itself, and nothing is sent again but what nobody could know to have arrived.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest

from alertd.db.engine import open_engine
from tests.faults import checker
from tests.faults.conftest import ON_POSTGRESQL, MakePlace, World
from tests.faults.harness import Place
from tests.support.databases import new_database
from tests.support.own_postgres import Cluster

pytestmark = [pytest.mark.usefixtures("long_run"), ON_POSTGRESQL]

MINUTES = 60.0
"""A minute of the daemon's clock in a second."""

POINTS = ("evaluate.before_commit:1", "compose.before_commit:1")
AT_OUTCOME = "send.before_record:1"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as found:
        yield found


@pytest.fixture
def place(make_place: MakePlace, cluster: Cluster) -> Place:
    return make_place(url=new_database(cluster.url))


def _drop_connections(cluster: Cluster, place: Place, most: str = "all") -> None:
    cluster.execute(
        f"select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend'"
        f" and pid <> pg_backend_pid() and datname = '{place.url.rpartition('/')[2].partition('?')[0]}' limit {most}"
    )


def _crash(cluster: Cluster, place: Place) -> None:
    cluster.stop()
    time.sleep(1)
    cluster.start()


@pytest.mark.parametrize("at", POINTS)
def test_f33_stopped_in_the_middle_of_a_transaction_all_of_it_is_undone_and_done_again(
    place: Place, world: World, cluster: Cluster, at: str
) -> None:
    process = place.paused(at=at, speed=MINUTES)
    _crash(cluster, place)
    began = time.monotonic()
    place.goes_on(process)
    place.runs_until_sent(process, len(world.promised), began, MINUTES)
    assert "database_unreachable" in place.log()
    assert set(place.check(world.promised).copies.values()) == {1}


@pytest.mark.parametrize("fault", [_crash, _drop_connections])
def test_f33_f34_gone_when_an_outcome_is_to_be_stored_only_what_was_under_way_goes_again(
    place: Place, world: World, cluster: Cluster, fault: Callable[[Cluster, Place], None]
) -> None:
    process = place.paused(at=AT_OUTCOME, speed=MINUTES)
    under_way = place.count("delivery where state = 'sending'")
    assert under_way
    fault(cluster, place)
    began = time.monotonic()
    place.goes_on(process)
    place.runs_until_sent(process, len(world.promised), began, MINUTES)
    verdict = place.check(world.promised)
    assert sum(copies - 1 for copies in verdict.copies.values()) <= under_way
    assert max(verdict.copies.values()) <= 2


@pytest.mark.parametrize("at", POINTS)
@pytest.mark.parametrize("most", ["1", "all"])
def test_f34_connections_that_are_dropped_are_made_again(
    place: Place, world: World, cluster: Cluster, at: str, most: str
) -> None:
    process = place.paused(at=at, speed=MINUTES)
    _drop_connections(cluster, place, most)
    began = time.monotonic()
    place.goes_on(process)
    place.runs_until_sent(process, len(world.promised), began, MINUTES)
    assert set(place.check(world.promised).copies.values()) == {1}


def test_f35_a_database_that_hangs_is_said_and_all_goes_on_when_it_does(
    place: Place, world: World, cluster: Cluster
) -> None:
    """Its own time limits hang with it, so it is the daemon that must notice."""
    process = place.paused(at="compose.before_commit:1", speed=MINUTES)
    cluster.hold_still()
    place.goes_on(process)
    try:
        place.wait_until(lambda: "database_silent" in place.log(), process)
        assert not checker.history(place.history)
    finally:
        cluster.go_on()
    began = time.monotonic()
    place.runs_until_sent(process, len(world.promised), began, MINUTES)
    assert "database_answers" in place.log()
    assert set(place.check(world.promised).copies.values()) == {1}


@pytest.mark.parametrize("table", ["delivery", "alert"])
def test_f41_a_table_that_somebody_locks_is_waited_for_only_so_long_and_tried_again(
    place: Place, world: World, table: str
) -> None:
    process = place.paused(at="evaluate.before_commit:1", speed=MINUTES)
    with psycopg.connect(place.url.replace("+psycopg", "")) as report:
        # The transaction that stands still is undone first: it has locks of its own.
        report.execute("select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'")
        report.execute(f"lock table {table} in access exclusive mode")  # type: ignore[arg-type]
        place.goes_on(process)
        place.wait_until(lambda: "LockNotAvailable" in place.log(), process)
        assert not checker.history(place.history)
    began = time.monotonic()
    place.runs_until_sent(process, len(world.promised), began, MINUTES)
    assert set(place.check(world.promised).copies.values()) == {1}


def test_f38_what_is_answered_as_committed_is_there_after_a_crash_though_the_server_is_set_up_not_to_wait(
    make_place: MakePlace, world: World, cluster: Cluster
) -> None:
    """``synchronous_commit = off`` answers before a commit is on disk: alertd's own do not let it."""
    cluster.execute("alter system set synchronous_commit = off")
    cluster.execute("select pg_reload_conf()")
    try:
        place = make_place(url=new_database(cluster.url))
        for at in ("evaluate.after_commit:1", "send.after_record:3"):
            process = place.paused(at=at)
            said = place.points().count("send.after_record")
            cluster.stop()  # with what it had not written yet in its memory
            process.kill()
            place.ended(process, time.monotonic())
            cluster.start()
            assert checker.promises(place.url) == world.promised
            assert place.count("delivery where state = 'delivered'") >= said
        engine = open_engine(place.url)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("show synchronous_commit").scalar() == "on"
        engine.dispose()
        place.run_until_sent()
        place.check(world.promised)
    finally:
        with suppress(psycopg.OperationalError):
            cluster.execute("alter system reset synchronous_commit")
            cluster.execute("select pg_reload_conf()")
