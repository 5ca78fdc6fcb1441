"""alertd is killed at each step of its work, and started again: nothing lost, copies bounded."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.faults import checker
from tests.faults.conftest import MakePlace, World
from tests.faults.harness import LEASE, Place, members
from tests.faults.two import leader, passed, told_to_stop, until

UNKNOWN_AT_MOST = 3
"""Two repeats after a lost answer, and then a person is asked."""


def test_f01_killed_while_reading_the_feed(make_place: MakePlace, world: World) -> None:
    """Half a reading is never evaluated, and the next one is whole."""
    place = make_place()
    place.killed(kill="feed.mid_read:3")
    assert place.count("feed_run where outcome <> 'reading'") == place.count("alert") == place.count("delivery") == 0
    place.run_until_sent()
    verdict = place.check(world.promised)
    assert set(verdict.copies.values()) == {1} and len(verdict.copies) == world.deliveries


def test_f02_killed_before_the_commit_of_alerts_and_notices(make_place: MakePlace, world: World) -> None:
    """Alerts and their notices are there together or not at all; the reading they came from stands before them."""
    place = make_place()
    place.killed(kill="evaluate.before_commit:1")
    assert [place.count(t) for t in ("alert", "alert_event", "notice")] == [0, 0, 0]
    assert place.count("feed_run where outcome = 'accepted'") == 1
    place.run_until_sent()
    assert set(place.check(world.promised).copies.values()) == {1}


def test_f02_killed_before_the_commit_of_deliveries(make_place: MakePlace, world: World) -> None:
    """A notice is settled together with its delivery or not at all."""
    place = make_place()
    place.killed("evaluate", kill="compose.before_commit:1")
    assert place.count("delivery") == place.count("notice where composed_into is not null") == 0
    place.run_until_sent("send")
    assert set(place.check(world.promised).copies.values()) == {1}


def test_f03_killed_after_commit_before_any_send(make_place: MakePlace, world: World) -> None:
    place = make_place()
    place.killed(kill="evaluate.after_commit:1")
    assert checker.promises(place.url) == world.promised
    assert not checker.history(place.history)
    place.run_until_sent()
    verdict = place.check(world.promised)
    assert set(verdict.copies.values()) == {1} and len(verdict.copies) == world.deliveries


def test_f05_killed_after_the_claim_before_connecting(make_place: MakePlace, world: World) -> None:
    """The lease runs out, the row is taken again, and goes once."""
    place = make_place(composed=True)
    place.killed("send", kill="outbox.after_claim:1")
    assert place.count("delivery where state = 'sending'")
    assert not checker.history(place.history)
    place.run_until_sent("send")
    verdict = place.check(world.promised)
    assert set(verdict.copies.values()) == {1} and len(verdict.copies) == world.deliveries


def test_f05_a_claim_is_left_alone_while_its_lease_runs(make_place: MakePlace, world: World) -> None:
    """Started again at once, what another process may still be sending waits."""
    place = make_place(composed=True)
    at = place.at
    place.killed("send", kill="outbox.after_claim:1")
    place.at = at
    claimed = place.count("delivery where state = 'sending'")
    process = place.start("send")
    place.wait_until(lambda: place.count("delivery where state = 'delivered'") == world.deliveries - claimed, process)
    assert place.count("delivery where state = 'sending'") == claimed


def test_f06_killed_in_the_middle_of_the_message(make_place: MakePlace, world: World) -> None:
    """The server has nothing of it; it gets one copy later."""
    place = make_place("--kill", "body:1500", composed=True)
    place.killed("send")
    [cut] = checker.history(place.history, "cut")
    place.run_until_sent("send")
    assert place.check(world.promised).copies[cut["id"]] == 1


def test_f07_killed_while_waiting_for_the_answer(make_place: MakePlace, world: World) -> None:
    """The server has it and could not say so: one more copy at most, the same one."""
    place = make_place("--kill", "dot", composed=True)
    place.killed("send")
    [*taken] = checker.history(place.history)
    assert taken and not place.count("delivery where state = 'delivered'")
    place.run_until_sent("send")
    verdict = place.check(world.promised)
    assert verdict.copies[taken[0]["id"]] == 2
    assert verdict.recovered >= 1


@pytest.mark.parametrize("nth", [1, 5])
def test_f08_killed_between_the_answer_and_its_storing(make_place: MakePlace, world: World, nth: int) -> None:
    place = make_place(composed=True)
    place.killed("send", kill=f"send.before_record:{nth}")
    assert len(checker.history(place.history)) >= nth > place.count("delivery where state = 'delivered'")
    place.run_until_sent("send")
    verdict = place.check(world.promised)
    assert verdict.recovered >= 1 and max(verdict.copies.values()) == 2


def test_f09_killed_after_storing_the_first_outcome(make_place: MakePlace, world: World) -> None:
    """What was stored as delivered is not sent again, whatever became of the others."""
    place = make_place(composed=True)
    place.killed("send", kill="send.after_record:1")
    stored = [row["id"] for row in checker.read(place.url, "select id from delivery where state = 'delivered'")]
    assert stored
    place.run_until_sent("send")
    verdict = place.check(world.promised)
    assert [verdict.copies[id_] for id_ in stored] == [1] * len(stored)


def test_f09_killed_after_storing_the_last_outcome(make_place: MakePlace, world: World) -> None:
    place = make_place(composed=True)
    place.killed("send", kill=f"send.after_record:{world.deliveries}")
    place.run_until_sent("send")
    verdict = place.check(world.promised)
    assert set(verdict.copies.values()) == {1} and len(verdict.copies) == world.deliveries


KILL_POINTS = ("outbox.after_claim", "send.before_record", "send.after_record", "compose.before_commit")
DAEMON_POINTS = (*KILL_POINTS, "feed.mid_read", "evaluate.before_commit", "evaluate.after_commit")


def test_f10_killed_again_and_again_during_recovery(make_place: MakePlace, world: World, kill_seed: int) -> None:
    place = make_place(composed=True)
    print(f"repeat with --kill-seed {kill_seed}")  # shown when the test fails
    rng = random.Random(kill_seed)
    for _ in range(3):
        _killed_somewhere(place, rng, "send", points=KILL_POINTS[:3])
    place.run_until_sent("send")
    _bounded(place, world)


@pytest.mark.usefixtures("long_run")
def test_f10_killed_twenty_times_while_starting_from_nothing(
    make_place: MakePlace, world: World, kill_seed: int
) -> None:
    """Twenty kills of the whole daemon, at points and at moments drawn by a seed."""
    place = make_place()
    print(f"repeat with --kill-seed {kill_seed}")  # shown when the test fails
    rng = random.Random(kill_seed)
    for _ in range(20):
        _killed_somewhere(place, rng, "daemon", points=DAEMON_POINTS)
    place.run_until_sent()
    _bounded(place, world)
    assert place.kills == 20


def _killed_somewhere(place: Place, rng: random.Random, work: str, points: tuple[str, ...]) -> None:
    """Kill at a point, or where it happens to be when the point is not passed in time."""
    kill, patience = f"{rng.choice(points)}:{rng.randint(1, 4)}", rng.uniform(0.5, 8)
    began = time.monotonic()
    process = place.start(work, kill=kill)
    while process.is_alive() and time.monotonic() - began < patience:
        time.sleep(0.02)
    if process.is_alive():
        process.kill()
    if place.ended(process, began) == -signal.SIGKILL:
        place.kills += 1


def _bounded(place: Place, world: World) -> None:
    place.check(world.promised)
    worst = place.count(f"delivery where attempts > {1 + place.kills} or unknown_attempts > {UNKNOWN_AT_MOST}")
    assert worst == 0, f"{worst} deliveries were tried more often than {place.kills} kills explain"


def test_f52_woken_after_its_lease_it_stores_nothing(make_place: MakePlace, world: World) -> None:
    """Another process has taken over; the one that slept keeps its hands off, and leaves a second copy at most."""
    place = make_place("--slow", "1", composed=True)
    began = time.monotonic()
    process = place.start("send")
    place.wait_until(lambda: bool(checker.history(place.history, "whole")), process)
    assert process.pid
    os.kill(process.pid, signal.SIGSTOP)
    place.at += LEASE
    place.run_until_sent("send")
    assert place.check(world.promised).recovered
    before = place.count("delivery_event")
    os.kill(process.pid, signal.SIGCONT)
    assert place.ended(process, began) == 0, place.log()
    assert place.count("delivery_event") == before
    assert max(place.check(world.promised).copies.values()) == 2


def test_f55_told_to_stop_while_sends_are_open(make_place: MakePlace, world: World) -> None:
    """What is open is finished and stored, nothing is begun, and the rest goes at the next start, once."""
    place = make_place("--slow", "1", composed=True)
    began = time.monotonic()
    process = place.start()
    place.wait_until(lambda: bool(checker.history(place.history, "whole")), process)
    process.terminate()
    told = time.monotonic()
    assert place.ended(process, began) == 0
    took = time.monotonic() - told
    assert place.count("delivery where state = 'sending'") == 0
    assert 0 < place.count("delivery where state = 'delivered'") < world.deliveries
    assert place.count("delivery where attempts > 0 and state <> 'delivered'") == 0
    place.run_until_sent("send")
    assert set(place.check(world.promised).copies.values()) == {1}
    assert took < 20, f"took {took:.1f} s to end"


@pytest.mark.usefixtures("long_run")
def test_f51_a_second_daemon_on_the_database_follows_and_leads_when_the_first_is_killed(
    make_place: MakePlace, world: World
) -> None:
    place = make_place()
    place.share_clock()
    first = place.start()
    until(place, lambda: leader(place) == (1, first.pid), first)
    second = place.start()
    until(place, lambda: place.count("notice") == len(world.promised) and place.is_sent(), first, second)
    assert leader(place) == (1, first.pid)
    assert set(passed(place, "compose.before_commit")) == {first.pid}
    first.kill()
    place.ended(first, time.monotonic())
    until(place, lambda: leader(place) == (2, second.pid), second)
    until(place, lambda: passed(place, "compose.before_commit")[second.pid or 0] > 1, second)
    told_to_stop(place, second)
    assert set(place.check(world.promised).copies.values()) == {1}


def test_started_twice_on_unchanged_data_it_sends_nothing_new(make_place: MakePlace, world: World) -> None:
    place = make_place(composed=True)
    tables = ("alert", "alert_event", "notice", "delivery", "delivery_event")
    place.run_until_sent("send")
    before = [place.count(table) for table in tables]
    place.run_until_sent()
    assert [place.count(table) for table in tables] == before
    assert sum(place.check(world.promised).copies.values()) == world.deliveries


def test_killed_in_the_middle_of_evaluating_no_worker_stays_behind(make_place: MakePlace) -> None:
    """Where nothing ends the whole group, as systemd does, they would pile up at each kill."""
    place = make_place()
    process = place.start("evaluate")
    place.wait_until(lambda: len(members(process.pid)) > 1, process)
    assert process.pid
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGSTOP)  # so that the evaluation does not end meanwhile
    time.sleep(1)
    process.kill()
    process.join()
    patience = time.monotonic() + 2
    while time.monotonic() < patience and members(process.pid):
        time.sleep(0.1)
    assert not members(process.pid)
