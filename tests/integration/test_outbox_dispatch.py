"""One pass over the outbox with channels that misbehave (fault rows F05, F08, F09, F20, F23, F24, F36, F55)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from alertd import faultpoints
from alertd.outbox import dispatch
from alertd.outbox.channel import Message, Outcome, Pace
from alertd.outbox.dispatch import Summary, dispatch_once
from tests.support.databases import opened
from tests.support.outbox import NOW, moves, put, rows, states

DELIVERED = Outcome("delivered", "taken")
DOWN = Outcome("later", "TLS is required and the server does not offer it", scope="channel")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = opened(f"sqlite:///{tmp_path / 'alertd.db'}")
    yield found
    found.dispose()


class Fake:
    """A channel that does as a function says, and remembers what it was given."""

    def __init__(self, name: str, answer: Callable[[Message], Awaitable[Outcome]]) -> None:
        self.name, self._answer = name, answer
        self.pace = Pace()
        self.sent: list[Message] = []
        self.closed = 0

    async def send(self, message: Message) -> Outcome:
        self.sent.append(message)
        return await self._answer(message)

    async def close(self) -> None:
        self.closed += 1


def always(outcome: Outcome, name: str = "email") -> Fake:
    async def answer(_: Message) -> Outcome:
        return outcome

    return Fake(name, answer)


def run(engine: Engine, *channels: Fake, now: datetime = NOW, **options: object) -> Summary:
    return asyncio.run(once(engine, *channels, now=now, **options))


async def once(
    engine: Engine, *channels: Fake, now: datetime = NOW, concurrency: int = 8, **options: object
) -> Summary:
    for channel in channels:
        channel.pace = Pace(concurrency, concurrency)
    return await dispatch_once(
        engine,
        {channel.name: channel for channel in channels},
        lambda: now,
        random.Random(1),
        **options,  # type: ignore[arg-type]
    )


def test_everything_due_goes_once_to_its_own_recipient(engine: Engine) -> None:
    for n in range(9):
        put(engine, f"d{n}")
    put(engine, "first", urgent=True)
    email = always(DELIVERED)
    summary = run(engine, email, concurrency=1)
    assert email.sent[0].id == "first"
    assert {m.recipient for m in email.sent} == {f"{m.id}@council.example" for m in email.sent}
    assert len(email.sent) == 10 == summary.results["delivered"]
    assert set(states(engine).values()) == {"delivered"}
    assert email.closed == 1
    assert run(engine, email).results.total() == 0


def test_a_pass_ends_at_its_limit(engine: Engine) -> None:
    for n in range(5):
        put(engine, f"d{n}")
    assert run(engine, always(DELIVERED), limit=3).results.total() == 3
    assert sorted(states(engine).values()) == ["delivered"] * 3 + ["due"] * 2


def test_f24_a_channel_that_raises_fails_one_delivery_and_tells_nothing_private(engine: Engine) -> None:
    async def answer(message: Message) -> Outcome:
        if message.id == "bad":
            raise RuntimeError("Jane Doe, born 2015")
        return DELIVERED

    for id_ in ("one", "bad", "two"):
        put(engine, id_)
    put(engine, "hook", channel="webhook")
    run(engine, Fake("email", answer), always(DELIVERED, "webhook"), concurrency=1)
    assert states(engine) == {"one": "delivered", "bad": "due", "two": "delivered", "hook": "delivered"}
    state, reason = moves(engine, "bad")[-1]
    assert (state, reason) == ("due", "the channel failed in a way it should not: RuntimeError")


def test_f23_a_fault_of_the_whole_channel_stops_it_and_leaves_its_mail_due_untried(engine: Engine) -> None:
    for n in range(9):
        put(engine, f"d{n}")
    put(engine, "hook", channel="webhook")
    email = always(DOWN)
    summary = run(engine, email, always(DELIVERED, "webhook"), concurrency=2)
    assert len(email.sent) <= 2, "only what was already under way"
    assert summary.paused == {"email": DOWN.reason}
    found = rows(engine)
    assert found.pop("hook").state == "delivered"
    assert {row.state for row in found.values()} == {"due"}
    assert {row.reason for row in found.values()} == {DOWN.reason}
    assert sum(row.attempts for row in found.values()) == len(email.sent)
    assert run(engine, email).results.total() == 0, "no storm: nothing of it is due yet"
    assert run(engine, always(DELIVERED), now=NOW + timedelta(minutes=5)).results["delivered"] == 9


def test_a_delivery_for_a_channel_nobody_configured_says_so_and_waits(engine: Engine) -> None:
    put(engine, "d1", channel="pigeon")
    put(engine, "d2")
    run(engine, always(DELIVERED))
    assert states(engine) == {"d1": "due", "d2": "delivered"}
    assert "no channel named pigeon" in rows(engine)["d1"].reason


@pytest.mark.parametrize("meanwhile", ["others waiting", "one added"])
def test_i5_a_hanging_recipient_delays_nobody(engine: Engine, meanwhile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_POLL_SECONDS", 0.02 if meanwhile == "one added" else 60)

    async def scenario() -> None:
        release = asyncio.Event()

        async def answer(message: Message) -> Outcome:
            if message.id == "hangs":
                await release.wait()
            if message.id == "last":
                release.set()
            return DELIVERED

        async def add() -> None:
            await asyncio.sleep(0.1)  # by now nothing but the hanging one is under way
            put(engine, "last")

        put(engine, "hangs", urgent=True)
        for n in range(5 if meanwhile == "others waiting" else 0):
            put(engine, f"d{n}")
        if meanwhile == "others waiting":
            put(engine, "last", now=NOW)
        adding = asyncio.create_task(add() if meanwhile == "one added" else asyncio.sleep(0))
        await asyncio.wait_for(once(engine, Fake("email", answer), concurrency=2), 5)
        await adding

    asyncio.run(scenario())
    assert set(states(engine).values()) == {"delivered"}


def test_f20_an_attempt_that_never_ends_is_cut_off_as_unknown(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(_: Message) -> Outcome:
        await asyncio.sleep(60)
        return DELIVERED

    put(engine, "d1")
    monkeypatch.setattr(dispatch, "LONGEST_ATTEMPT", timedelta(seconds=0.1))
    summary = run(engine, Fake("email", answer))
    assert summary.results == {"unknown": 1}
    assert [state for state, _ in moves(engine, "d1")] == ["due", "sending", "unknown", "due"]
    assert "cut off" in rows(engine)["d1"].reason


def test_f36_when_outcomes_cannot_be_stored_sending_stops_and_the_error_is_raised(engine: Engine) -> None:
    for n in range(20):
        put(engine, f"d{n}")
        put(engine, f"w{n}", channel="webhook")
    with engine.begin() as connection:
        connection.execute(
            text(
                "create trigger full before update on delivery when new.state = 'delivered' and new.channel = 'email'"
                " begin select raise(abort, 'database or disk is full'); end"
            )
        )

    async def slowly(_: Message) -> Outcome:
        await asyncio.sleep(0.1)
        return DELIVERED

    email, webhook = always(DELIVERED), Fake("webhook", slowly)
    with pytest.raises(DBAPIError, match="disk is full"):
        run(engine, email, webhook, concurrency=2)
    assert len(email.sent) <= 4 and len(webhook.sent) <= 4
    assert email.closed == webhook.closed == 1
    found = states(engine)
    assert {found[message.id] for message in webhook.sent} == {"delivered"}, "what was under way is still stored"
    assert {found[message.id] for message in email.sent} == {"sending"}


def test_f55_once_stopping_nothing_more_starts_and_what_is_under_way_is_stored(engine: Engine) -> None:
    async def scenario() -> Summary:
        stopping = asyncio.Event()

        async def answer(_: Message) -> Outcome:
            stopping.set()
            await asyncio.sleep(0.05)
            return DELIVERED

        return await once(engine, Fake("email", answer), stopping=stopping, concurrency=2)

    for n in range(6):
        put(engine, f"d{n}")
    summary = asyncio.run(scenario())
    assert summary.results == {"delivered": 2}
    assert sorted(states(engine).values()) == ["delivered"] * 2 + ["due"] * 4


def test_a_cancelled_pass_stops_its_sends_and_their_fate_counts_as_unknown(engine: Engine) -> None:
    async def answer(_: Message) -> Outcome:
        await asyncio.sleep(60)
        return DELIVERED

    email = Fake("email", answer)

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(once(engine, email), 0.5)

    put(engine, "d1")
    asyncio.run(scenario())
    assert states(engine) == {"d1": "sending"} and email.closed == 1
    summary = run(engine, email, now=NOW + dispatch.LEASE, limit=0)
    assert summary.recovered == 1
    assert rows(engine)["d1"].unknown_attempts == 1


class Killed(BaseException):
    """Stands for the process's death at a fault point."""


@pytest.mark.parametrize(
    ("point", "copies", "unknown"),
    [("outbox.after_claim", 1, 1), ("send.before_record", 2, 1), ("send.after_record", 1, 0)],
)
def test_f05_f08_f09_dying_at_a_point_costs_at_most_the_copy_it_must(
    engine: Engine, point: str, copies: int, unknown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        if name == point:
            raise Killed

    put(engine, "d1")
    email = always(DELIVERED)
    monkeypatch.setattr(faultpoints, "_hook", die)
    with pytest.raises(Killed):
        run(engine, email)
    monkeypatch.undo()
    assert run(engine, email).results.total() == 0, "not before the lease has ended"
    run(engine, email, now=NOW + dispatch.LEASE)
    run(engine, email, now=NOW + dispatch.LEASE + timedelta(minutes=5))
    assert states(engine) == {"d1": "delivered"}
    assert len(email.sent) == copies
    assert len({message.content for message in email.sent}) == 1
    assert rows(engine)["d1"].unknown_attempts == unknown
