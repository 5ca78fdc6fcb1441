"""What must not hold up others: poison, a last look that fails or refuses many, a slept claim, a domain that hangs."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from alertd.db.tables import Delivery
from alertd.outbox import dispatch, store
from alertd.outbox.channel import Letter, Message, Notifier, Outcome, Pace
from alertd.outbox.dispatch import Paces, Summary, dispatch_once
from alertd.outbox.ledger import LEASE
from alertd.outbox.pacing import FAULTS
from tests.support.outbox import NOW, add, moves, put, rows, states

pytest_plugins = ["tests.support.databases"]

DELIVERED = Outcome("delivered", "taken")


class Fake(Notifier):
    """A channel that does as a function says, and remembers what it was given."""

    name = "email"

    def __init__(self, answer: Callable[[Message], Awaitable[Outcome]] | Outcome, pace: Pace | None = None) -> None:
        self._answer, self.pace = answer, pace or Pace(8, 8)
        self.sent: list[Message] = []

    def write(self, letter: Letter) -> bytes:
        raise NotImplementedError

    async def check(self) -> Outcome:
        return DELIVERED

    async def send(self, message: Message) -> Outcome:
        self.sent.append(message)
        return self._answer if isinstance(self._answer, Outcome) else await self._answer(message)

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.sent]


def run(engine: Engine, channel: Notifier, now: datetime = NOW, **options: object) -> Summary:
    return asyncio.run(dispatch_once(engine, {"email": channel}, lambda: now, random.Random(1), **options))  # type: ignore[arg-type]


def put_many(engine: Engine, number: int, domain: str = "council.example", prefix: str = "d") -> None:
    with Session(engine) as session, session.begin():
        for n in range(number):
            id_ = f"{prefix}{n}"
            add(
                session, delivery_id=id_, person=id_, address=f"{id_}@{domain}", resolved_by="worker",
                channel="email", message=b"x", now=NOW,
            )  # fmt: skip


@pytest.mark.fault("F60")
def test_a_message_that_breaks_its_channel_each_time_is_parked_and_holds_up_nobody(engine: Engine) -> None:
    async def answer(message: Message) -> Outcome:
        if message.id == "poison":
            raise RuntimeError("Jane Doe, born 2015")
        return DELIVERED

    put(engine, "poison", urgent=True)
    channel, now = Fake(answer), NOW
    for n in range(store.UNKNOWN_RETRIES + 1):
        put(engine, f"d{n}", now=now)
        run(engine, channel, now)
        assert states(engine)[f"d{n}"] == "delivered"
        now += timedelta(hours=3)
    row = rows(engine)["poison"]
    assert (row.state, row.attempts) == ("parked", store.UNKNOWN_RETRIES + 1)
    assert row.reason.startswith("the channel failed in a way it should not: RuntimeError")
    run(engine, channel, now)
    assert channel.ids.count("poison") == store.UNKNOWN_RETRIES + 1
    assert not any("Jane" in reason for _, reason in moves(engine, "poison"))


@pytest.mark.fault("F60")
def test_a_last_look_that_fails_sends_nothing_of_that_delivery_and_all_others(engine: Engine) -> None:
    def why_not(ids: Sequence[str]) -> Mapping[str, str]:
        if "d3" in ids:
            raise ValueError("Jane Doe")
        return {}

    put_many(engine, 12)
    channel = Fake(DELIVERED)
    summary = run(engine, channel, why_not=why_not)
    assert "d3" not in channel.ids and summary.results == {"delivered": 11, "later": 1}
    assert moves(engine, "d3")[-1] == ("due", "not sent: the last look before sending failed: ValueError")
    assert rows(engine)["d3"].unknown_attempts == 0, "nothing left, so no copy is possible"


def test_when_all_that_was_claimed_is_taken_back_the_pass_goes_on_to_the_rest(engine: Engine) -> None:
    put_many(engine, 40)
    put(engine, "other")
    channel = Fake(DELIVERED)
    summary = run(engine, channel, why_not=lambda ids: {id_: "it has closed" for id_ in ids if id_ != "other"})
    assert channel.ids == ["other"]
    assert (summary.taken_back.total(), summary.results["delivered"]) == (40, 1)


@pytest.mark.fault("F52")
def test_a_process_that_was_stopped_for_longer_than_its_claim_sends_nothing_of_it(engine: Engine) -> None:
    def slept(_: Sequence[str]) -> Mapping[str, str]:
        time.sleep(0.05)
        return {}

    put_many(engine, 3)
    channel = Fake(DELIVERED)
    summary = run(engine, channel, why_not=slept, lease=timedelta(seconds=0.05))
    assert channel.ids == [] and summary.results == {"later": 3}
    found = rows(engine)["d0"]
    assert (found.state, found.unknown_attempts, found.attempts) == ("due", 0, 1)
    assert "stopped for longer" in found.reason


@pytest.mark.fault("F52")
def test_what_another_took_over_meanwhile_is_left_to_it(engine: Engine) -> None:
    def slept(ids: Sequence[str]) -> Mapping[str, str]:
        time.sleep(0.05)
        assert store.recover(engine, NOW + LEASE, random.Random(1)) == len(ids)
        return {}

    put_many(engine, 2)
    channel = Fake(DELIVERED)
    summary = run(engine, channel, why_not=slept, lease=timedelta(seconds=0.05))
    assert channel.ids == [] and summary.stale == 2
    assert [state for state, _ in moves(engine, "d1")] == ["due", "sending", "unknown", "due"]


def test_the_other_sides_number_is_kept_and_stays_when_a_later_answer_has_none(engine: Engine) -> None:
    put(engine, "d1")
    run(engine, Fake(Outcome("unknown", "no answer", reference="8f2c")))
    run(engine, Fake(Outcome("delivered", "taken")), NOW + timedelta(hours=1))
    assert (rows(engine)["d1"].state, rows(engine)["d1"].reference) == ("delivered", "8f2c")


@pytest.mark.fault("F30")
def test_a_message_waits_as_long_as_the_other_side_asks_within_bounds(engine: Engine) -> None:
    for id_, asked in (("minutes", timedelta(minutes=40)), ("days", timedelta(days=9))):
        put(engine, id_)
        run(engine, Fake(Outcome("later", "429", retry_after=asked)))
        waits = rows(engine)[id_].next_attempt_at - NOW
        assert waits == min(asked, store.LONGEST_ASKED)


def test_i5_many_messages_to_a_domain_that_hangs_hold_up_none_to_another(engine: Engine) -> None:
    """The hanging ones are first in the queue, and more than there are slots."""
    hang = asyncio.Event()

    async def answer(message: Message) -> Outcome:
        if message.recipient.endswith("@hangs.example"):
            await hang.wait()
            return Outcome("later", "no answer", "destination")
        if len([id_ for id_ in channel.ids if id_.startswith("d")]) == 100:
            hang.set()
        return DELIVERED

    put_many(engine, 60, "hangs.example", prefix="a")
    put_many(engine, 100)
    channel = Fake(answer, Pace(8, 4))
    run(engine, channel)
    found = rows(engine)
    assert {row.state for id_, row in found.items() if id_.startswith("d")} == {"delivered"}
    tried = [id_ for id_, row in found.items() if id_.startswith("a") and row.attempts]
    assert 0 < len(tried) <= 4 + FAULTS


def test_i5_what_comes_behind_a_long_backlog_of_a_domain_that_hangs_is_found_at_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "DUE_AT_ONCE", 10)
    monkeypatch.setattr(dispatch, "_POLL_SECONDS", 60)
    hang = asyncio.Event()

    async def answer(message: Message) -> Outcome:
        if message.id.startswith("a"):
            await hang.wait()
        if len([id_ for id_ in channel.ids if id_.startswith("d")]) == 5:
            hang.set()
        return DELIVERED

    put_many(engine, 50, "hangs.example", prefix="a")
    with engine.begin() as connection:
        connection.execute(update(Delivery).values(next_attempt_at=NOW - timedelta(minutes=1)))
    put_many(engine, 5)
    channel = Fake(answer, Pace(8, 4))

    async def within() -> None:
        await asyncio.wait_for(dispatch_once(engine, {"email": channel}, lambda: NOW, random.Random(1)), 20)

    asyncio.run(within())
    assert set(states(engine).values()) == {"delivered"}


def test_a_destination_that_faults_rests_in_the_next_pass_too_and_the_others_go(engine: Engine) -> None:
    async def answer(message: Message) -> Outcome:
        faulty = message.recipient.endswith("@down.example")
        return Outcome("later", "no answer", "destination") if faulty else DELIVERED

    put_many(engine, 30, "down.example", prefix="a")
    paces: Paces = {}
    channel = Fake(answer, Pace(8, 2))
    run(engine, channel, paces=paces)
    tried = len(channel.sent)
    assert FAULTS <= tried <= FAULTS + 1
    put(engine, "d1")
    run(engine, channel, NOW + timedelta(minutes=10), paces=paces)
    assert channel.ids[tried:] == ["d1"], "left alone for a minute, by a clock that nobody sets"
    restarted = Fake(DELIVERED)
    run(engine, restarted, NOW + timedelta(minutes=10))
    assert len(restarted.sent) == 30, "a restart tries everything again"


def test_urgent_ones_go_before_all_others_of_a_long_backlog(engine: Engine) -> None:
    put_many(engine, 300)
    put(engine, "urgent", urgent=True, now=NOW + timedelta(seconds=1))
    channel = Fake(DELIVERED)
    run(engine, channel, NOW + timedelta(seconds=2), limit=8)
    assert channel.ids[0] == "urgent"
