"""Two daemons on one PostgreSQL: one leads, both send; the leader dies, sleeps and wakes, and their clocks disagree."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.faults import checker, mail_server, run_daemon
from tests.faults.conftest import ON_POSTGRESQL, MakePlace, World
from tests.faults.cutting_proxy import CuttingProxy
from tests.faults.filling import fill_outbox
from tests.faults.harness import MORNING, PATIENCE, Place
from tests.faults.two import go_on, leader, passed, said, sorted_out, stop, told_to_stop, until
from tests.support.own_network import HERE, OwnNetwork

pytestmark = [pytest.mark.usefixtures("long_run"), ON_POSTGRESQL]

MINUTES = 60.0
"""A minute of the daemons' clock in a second."""


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    found = make_place()
    _schedule(found)
    found.share_clock()
    return found


def _schedule(place: Place, evaluate: str = '"06:30"') -> None:
    """Evaluate then, and look at nobody in between: what is written can then be told from what was there."""
    config = place.folder / "alertd.toml"
    said = f"evaluate = [{evaluate}]\ntick_seconds = 3600"
    config.write_text(re.sub(r"(?m)^evaluate = .*", said, config.read_text()))


def all_sent(place: Place, world: World) -> bool:
    return place.count("notice") == len(world.promised) and place.is_sent()


def test_f51_two_that_start_together_evaluate_once_a_tick_and_send_each_message_once(
    make_place: MakePlace, world: World
) -> None:
    """The schema is theirs to make too. After the first evaluation there are two ticks, at ten past and at twenty."""
    place = make_place()
    _schedule(place, '"08:10", "08:20"')
    place.share_clock()
    both = [place.start(speed=MINUTES) for _ in range(2)]
    leads, follows = sorted_out(place, *both)
    until(place, lambda: place.readings() == 3, *both)
    fill_outbox(place, 2000, random.Random(1))
    until(place, place.is_sent, *both)
    assert place.readings() == 3, "the feed is read once at each time"
    assert set(passed(place, "evaluate.after_commit")) == {leads.pid}, "by the leader"
    assert follows.pid not in passed(place, "compose.before_commit")
    assert set(passed(place, "outbox.after_claim")) == {leads.pid, follows.pid}, "both send"
    assert not place.count("delivery where attempts <> 1"), "each was claimed once"
    told_to_stop(place, *both)
    assert set(place.check(world.promised).copies.values()) == {1}


def test_f51_the_leader_is_killed_and_the_other_takes_over_at_once(place: Place, world: World) -> None:
    both = place.start(kill="feed.mid_read:3", speed=MINUTES), place.start(kill="feed.mid_read:9", speed=MINUTES)
    leads, follows = sorted_out(place, *both)
    until(place, lambda: not leads.is_alive(), follows)
    assert place.ended(leads, time.monotonic()) == -signal.SIGKILL
    until(place, lambda: leader(place) == (2, follows.pid), follows)
    began = time.monotonic()
    until(place, lambda: not follows.is_alive())  # it reads the feed, and is killed in the midst of it too
    assert time.monotonic() - began < 60
    third = place.start(speed=MINUTES)
    until(place, lambda: all_sent(place, world), third)
    assert leader(place) == (3, third.pid)
    told_to_stop(place, third)
    assert set(place.check(world.promised).copies.values()) == {1}


def test_f51_told_to_stop_the_leader_hands_over_and_nothing_is_told_again(place: Place, world: World) -> None:
    both = [place.start(speed=MINUTES) for _ in range(2)]
    leads, follows = sorted_out(place, *both)
    until(place, lambda: all_sent(place, world), *both)
    events = place.count("alert_event")
    told_to_stop(place, leads)
    until(place, lambda: passed(place, "evaluate.after_commit")[follows.pid] > 0, follows)
    until(place, lambda: passed(place, "compose.before_commit")[follows.pid] > 1, follows)
    assert place.count("alert_event") == events
    told_to_stop(place, follows)
    assert set(place.check(world.promised).copies.values()) == {1}


@pytest.mark.parametrize("at", ["feed.mid_read:3", "evaluate.before_commit:1", "compose.before_commit:1"])
def test_f52_a_leader_that_sleeps_and_wakes_writes_nothing_over_what_another_found(
    place: Place, world: World, at: str
) -> None:
    """Where it stood still in a transaction, the server has ended that."""
    sleeps = place.paused(at=at, speed=MINUTES)
    assert leader(place) == (1, sleeps.pid)
    other = place.start(speed=MINUTES)
    until(place, lambda: leader(place) == (2, other.pid), other)
    until(place, lambda: all_sent(place, world), other)
    before, followed = checker.read(place.url, "select * from alert_event order by id"), said(place, "follows")
    go_on([sleeps])
    until(place, lambda: "stood_down" in place.log() or "InTransactionSessionTimeout" in place.log(), sleeps, other)
    until(place, lambda: said(place, "follows") > followed, sleeps, other)
    assert checker.read(place.url, "select * from alert_event order by id") == before
    assert leader(place) == (2, other.pid)
    told_to_stop(place, sleeps, other)
    assert set(place.check(world.promised).copies.values()) == {1}


def test_f52_one_that_sleeps_in_the_midst_of_sending_stores_nothing_and_leads_no_more(
    place: Place, world: World
) -> None:
    fill = random.Random(2)
    sleeps = place.start(speed=MINUTES)
    until(place, lambda: place.readings() == 1, sleeps)
    fill_outbox(place, 3000, fill)
    until(place, lambda: passed(place, "send.after_record").total() > 100, sleeps)
    stop(sleeps)
    under_way = place.count("delivery where state = 'sending'")
    other = place.start(speed=MINUTES)
    until(place, lambda: leader(place) == (2, other.pid), other)
    until(place, place.is_sent, other)
    followed = said(place, "follows")
    go_on([sleeps])
    until(place, lambda: said(place, "follows") > followed, sleeps, other)
    told_to_stop(place, sleeps, other)
    verdict = place.check(world.promised)
    assert sum(copies - 1 for copies in verdict.copies.values()) <= under_way


def test_f50_hosts_whose_clocks_are_five_minutes_apart_take_nothing_from_each_other(
    make_place: MakePlace, world: World
) -> None:
    """The database's clock decides, and goes with the first of them. The one that is ahead leads first and is killed
    with messages claimed; the other finds them in time."""
    place = make_place()
    _set_clock_of(place)
    place.share_clock()
    first = place.start(more=("--at", (MORNING + timedelta(minutes=5)).isoformat(), "--database-clock"))
    until(place, lambda: place.readings() == 1, first)
    second = place.start(more=("--database-clock",))
    fill_outbox(place, 3000, random.Random(3))
    until(place, lambda: len(passed(place, "send.after_record")) == 2, first, second)
    first.kill()
    place.ended(first, time.monotonic())
    under_way = place.count("delivery where state = 'sending'")
    until(place, lambda: leader(place) == (2, second.pid), second)
    until(place, lambda: not place.count("delivery where state = 'due'"), second)
    assert place.count("delivery where unknown_attempts > 0") <= under_way
    assert not place.count("delivery where attempts > 1 and unknown_attempts = 0")
    told_to_stop(place, second)
    place.at = MORNING + timedelta(minutes=30)
    place.began = None
    place.run_until_sent()
    verdict = place.check(world.promised)
    assert sum(copies - 1 for copies in verdict.copies.values()) <= under_way


def test_f53_one_that_is_cut_off_from_the_database_sends_no_more_and_the_other_takes_over(
    make_place: MakePlace, world: World, postgres_server: str
) -> None:
    """Its cable to the database is pulled while it leads and sends; its mail server it can still reach."""
    with OwnNetwork() as network:
        socket = Path(str(make_url(postgres_server).query["host"])) / ".s.PGSQL.5432"
        with CuttingProxy(socket, None, HERE) as proxy:
            place = make_place(composed=True)
            place.share_clock()
            fill_outbox(place, 3000, random.Random(4))
            mail, there = _mail_there(place, network)
            url = f"postgresql+psycopg://postgres@{HERE}:{proxy.port}/{make_url(place.url).database}"
            config = place.folder / "there.toml"
            config.write_text(there.replace(place.url, url))
            cut_off = _started_there(place, config, network)
            try:
                _cut_off_and_back(place, network, cut_off)
            finally:
                for process in (cut_off, mail):
                    process.kill()
                    process.wait()


def _mail_there(place: Place, network: OwnNetwork) -> tuple[subprocess.Popen[str], str]:
    """A mail server in the network that keeps the same history, and settings that name it."""
    command = network.inside(sys.executable, str(Path(mail_server.__file__)), str(place.history))
    mail = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert mail.stdout
    port = mail.stdout.readline().strip()
    mail.stdout.close()
    return mail, re.sub(r"(?m)^port = .*", f"port = {port}", (place.folder / "alertd.toml").read_text())


def _started_there(place: Place, config: Path, network: OwnNetwork) -> subprocess.Popen[bytes]:
    arguments = [str(config), *place.arguments(speed=MINUTES)[1:]]
    with (place.folder / "there.log").open("ab") as log:
        command = network.inside(sys.executable, run_daemon.__file__, *arguments)
        return subprocess.Popen(command, stdout=log, stderr=log)


def _cut_off_and_back(place: Place, network: OwnNetwork, cut_off: subprocess.Popen[bytes]) -> None:
    def log() -> str:
        assert cut_off.poll() is None, (place.folder / "there.log").read_text()[-5000:]
        return (place.folder / "there.log").read_text()

    until(place, lambda: log() and passed(place, "send.after_record").total() > 100)
    first = leader(place)[1]
    network.pull()
    time.sleep(3)  # what was handed over by then was claimed before
    under_way = place.count("delivery where state = 'sending'")
    begun = under_way + place.count("delivery where state = 'delivered'")
    time.sleep(5)
    assert len(checker.history(place.history, "whole")) <= begun, "nothing is sent that was not claimed"
    other = place.start(speed=MINUTES)
    until(place, lambda: leader(place) == (2, other.pid), other)
    until(place, place.is_sent, other)
    until(place, lambda: "database_unreachable" in log(), other)  # TCP by itself would wait for hours
    network.plug_in()
    until(place, lambda: log().count('"event": "follows"') == 1, other)
    assert leader(place) == (2, other.pid) and first != other.pid
    cut_off.terminate()
    assert cut_off.wait(PATIENCE) == 0, log()[-5000:]
    told_to_stop(place, other)
    verdict = place.check()
    assert sum(copies - 1 for copies in verdict.copies.values()) <= under_way


def _set_clock_of(place: Place) -> None:
    """Let the database show the daemons' day, from now on."""
    name = make_url(place.url).database
    with psycopg.connect(place.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("create schema fake")
        connection.execute(
            f"""create function fake.clock_timestamp() returns timestamptz language sql as $$
                select timestamptz '{MORNING.isoformat()}' + (pg_catalog.clock_timestamp() - timestamptz
                '{connection.execute("select pg_catalog.clock_timestamp()").fetchone()[0].isoformat()}') $$"""
        )
        connection.execute(f"alter database {name} set search_path = fake, pg_catalog, public")  # type: ignore[arg-type]
