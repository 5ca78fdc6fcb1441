"""Clocks that jump and clocks that disagree, on both databases (fault rows F44, F45, F50)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.db.clock import SharedClock
from alertd.outbox import ledger as ledgers
from alertd.outbox import store
from alertd.outbox.channel import Letter, Message, Outcome
from alertd.outbox.dispatch import dispatch_once
from alertd.outbox.failover import fail_over
from alertd.outbox.ledger import LEASE
from tests.integration.test_outbox_holds import Fake
from tests.support.outbox import NOW, finish, moves, next_claimed, put, rows, states

pytest_plugins = ["tests.support.databases"]

MINUTE = timedelta(minutes=1)


@dataclass
class Host:
    """A machine whose clock is wrong by ``wrong``; ``passed`` is what its steady clock has counted, in seconds."""

    engine: Engine
    wrong: timedelta = timedelta()
    passed: float = 0.0
    base: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        self.shared = SharedClock(
            self.engine,
            lambda: self.base() + self.wrong + timedelta(seconds=self.passed),
            settles=LEASE,
            steady=lambda: self.passed,
        )

    async def dispatch(self, channel: Fake) -> int:
        """One pass; how many claims of others it took over."""
        done = await dispatch_once(self.engine, {"email": channel}, self.shared, random.Random(1), ask=self.shared.ask)
        return done.recovered


def hangs_until(let_go: asyncio.Event, begun: asyncio.Event) -> Fake:
    async def answer(_: Message) -> Outcome:
        begun.set()
        await let_go.wait()
        return Outcome("delivered", "taken")

    return Fake(answer)


async def beside(first: Host, second: Host, meanwhile: Callable[[], None] = lambda: None) -> tuple[int, int]:
    """The second host passes while the first sends: claims it took over, and copies sent in all."""
    let_go, begun = asyncio.Event(), asyncio.Event()
    one, other = hangs_until(let_go, begun), Fake(Outcome("delivered", "taken"))
    sending = asyncio.create_task(first.dispatch(one))
    await begun.wait()
    meanwhile()
    taken_over = await second.dispatch(other)
    let_go.set()
    await sending
    return taken_over, len(one.sent) + len(other.sent)


@pytest.mark.fault("F50")
@pytest.mark.parametrize("minutes", [-5, 5, 600])
def test_f50_hosts_that_disagree_take_nothing_from_each_other(engine: Engine, minutes: int) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite serves one host")
    put(engine, "d1")
    first, second = Host(engine), Host(engine, wrong=minutes * MINUTE)
    assert asyncio.run(beside(first, second)) == (0, 1)
    assert (states(engine)["d1"], rows(engine)["d1"].unknown_attempts) == ("delivered", 0)


@pytest.mark.fault("F50")
def test_f50_what_a_host_that_is_ahead_leaves_behind_is_found_in_time_by_one_that_is_not(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite serves one host")
    put(engine, "d1")
    ahead, right = Host(engine, wrong=10 * MINUTE), Host(engine)
    for host in (ahead, right):
        assert host.shared.ask()
    assert store.claim(engine, ahead.shared(), ["d1"], LEASE)
    assert store.recover(engine, right.shared() + LEASE - MINUTE, random.Random(1)) == 0
    assert store.recover(engine, right.shared() + LEASE + MINUTE, random.Random(1)) == 1


@pytest.mark.fault("F44")
@pytest.mark.fault("F45")
@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(hours=-1), NOW.replace(year=1970) - NOW])
def test_f44_f45_a_clock_that_jumps_while_two_send_takes_nothing_from_either(engine: Engine, jump: timedelta) -> None:
    """Both run on the one machine whose clock is set."""
    put(engine, "d1")
    first, second = Host(engine, base=lambda: NOW), Host(engine, base=lambda: NOW)
    assert second.shared.ask()

    def set_the_clock() -> None:
        first.wrong = second.wrong = jump

    assert asyncio.run(beside(first, second, set_the_clock)) == (0, 1)
    assert states(engine) == {"d1": "delivered"}


@pytest.mark.fault("F44")
@pytest.mark.fault("F45")
@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(hours=-1), NOW.replace(year=1970) - NOW])
def test_f44_f45_what_was_left_behind_before_the_jump_goes_within_five_minutes(engine: Engine, jump: timedelta) -> None:
    if engine.dialect.name == "postgresql":
        pytest.skip("there the database's clock would have to be set")
    for id_ in ("abandoned", "new"):
        put(engine, id_)
    host = Host(engine, base=lambda: NOW)
    assert host.shared.ask()
    assert store.claim(engine, host.shared(), ["abandoned"], LEASE)
    host.wrong = jump
    channel = Fake(Outcome("delivered", "taken"))
    assert asyncio.run(host.dispatch(channel)) == 0
    assert states(engine) == {"abandoned": "sending", "new": "delivered"}, "what is new does not wait"
    host.passed += LEASE.total_seconds()
    assert asyncio.run(host.dispatch(channel)) == 1
    assert [state for state, _ in moves(engine, "abandoned")][-2:] == ["unknown", "due"]


@pytest.mark.fault("F45")
def test_f45_a_retry_after_the_clock_went_back_keeps_its_wait(engine: Engine) -> None:
    """What never was tried goes at once; what is put off is not tried again and again."""
    put(engine, "d1", now=NOW + timedelta(days=1))
    channel = Fake(Outcome("later", "busy"))
    for _ in range(3):
        asyncio.run(dispatch_once(engine, {"email": channel}, lambda: NOW, random.Random(1)))
    assert len(channel.sent) == 1


@pytest.mark.fault("F45")
def test_f45_what_stands_in_does_not_wait_until_a_clock_that_went_back_has_caught_up(engine: Engine) -> None:
    """It was made long before it was let go, and was never tried."""
    put(engine, "d1")
    letter = Letter("d2", "alertd@council.example", "", "room", NOW, "", "", "", "")
    with Session(engine) as session, session.begin():
        store.put(session, letter, b"", person="d1", resolved_by="", channel="text", stands_in_for="d1")
    [claimed] = next_claimed(engine, NOW, 1, LEASE)
    finish(engine, claimed, Outcome("refused", "no such mailbox"), NOW, random.Random(1))
    with Session(engine) as session, session.begin():
        assert fail_over(session, NOW + timedelta(days=2))["go"] == 1
    assert [one.id for one in store.due(engine, NOW + timedelta(days=1), "text")] == ["d2"]


@pytest.mark.fault("F35")
def test_an_attempt_longer_than_its_lease_keeps_its_claim(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease is short so that what a dead process left is found soon; who lives renews it."""
    monkeypatch.setattr(ledgers, "RENEWED", timedelta(milliseconds=10))
    put(engine, "d1")
    now = NOW

    async def answer(_: Message) -> Outcome:
        nonlocal now
        now = NOW + 3 * LEASE
        for _ in range(500):
            if rows(engine)["d1"].lease_until != NOW + LEASE:
                break
            await asyncio.sleep(0.01)
        assert store.recover(engine, now, random.Random(1)) == 0, "another finds nothing to take over"
        return Outcome("delivered", "taken")

    done = asyncio.run(dispatch_once(engine, {"email": Fake(answer)}, lambda: now, random.Random(1)))
    assert (done.results, done.stale, done.recovered) == ({"delivered": 1}, 0, 0)


def test_the_shared_clock_goes_on_by_itself_and_says_when_it_jumped(engine: Engine) -> None:
    host = Host(engine, base=lambda: NOW)
    before = host.shared()
    host.passed += 90
    assert host.shared() - before == timedelta(seconds=90)
    host.wrong += timedelta(days=1)
    assert host.shared() - before == timedelta(seconds=90), "nobody asked"
    assert host.shared.ask(), "the first time there is nothing to compare with"
    if engine.dialect.name == "postgresql":
        assert abs(host.shared() - datetime.now(UTC)) < MINUTE, "the database's, whatever the host says"
        return
    host.wrong -= timedelta(days=1)
    assert not host.shared.ask()
    host.passed += LEASE.total_seconds() - 1
    assert not host.shared.ask()
    host.passed += 1
    assert host.shared.ask()
