"""Random histories of the outbox: sends, losses, deaths between any two steps, bounces, stand-ins, people and clocks.

Invariants I1, I2 and I9: nothing is lost, copies are at most 1 + unknown attempts and all the same bytes, every move
is a legal one and recorded, and of whatever did not arrive a person is told.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, time, timedelta
from itertools import count, cycle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from alertd.db.base import Base
from alertd.db.engine import open_engine
from alertd.db.tables import Delivery, DeliveryEvent
from alertd.errors import InputError
from alertd.outbox import operate, store
from alertd.outbox.afterwards import take_receipt
from alertd.outbox.channel import Letter, Message, Notifier, Outcome, Receipt
from alertd.outbox.deliver import EMAIL, Composer, deliver
from alertd.outbox.dispatch import dispatch_once
from alertd.outbox.failover import URGENT_WAITS, fail_over
from alertd.outbox.mail_message import PlainMail
from alertd.outbox.operate import Act
from alertd.outbox.undelivered import tell_of_undelivered
from alertd.people.directory import Directory, Resolved
from alertd.people.person import Route
from alertd.routing.mails import Rendered
from tests.faults.checker import MOVES
from tests.support.dying import Process, mortal
from tests.support.office import BOOK, CALENDAR, PEOPLE, TEAMS
from tests.support.outbox import finish

LEASE = timedelta(minutes=20)
ENDS = {"delivered", "refused", "parked", "cancelled"}
MAIL = Rendered("Subject", "Preview", "Text.\n", "<!doctype html><html><body>Text.</body></html>\n")
OPERATOR = "op"
MOVED_BY_HAND = {
    *((state, "due") for state in ("parked", "refused")),
    *((state, "parked") for state in ("due", "standing_by")),
    *((state, "cancelled") for state in ("due", "parked", "refused", "standing_by")),
}
"""The moves that a person may make, with a name and a reason. All others are the machine's."""

BY_HAND: dict[str, Callable[[Session, str, Act], object]] = {
    "retry though it may be a copy": lambda session, id_, act: operate.retry(session, id_, act, may_be_a_copy=True),
    "retry": operate.retry,
    "park": operate.park,
    "cancel": operate.cancel,
    "withdraw": lambda session, id_, act: store.cancel(session, id_, act.at, "withdrawn"),
}
RECEIPTS = ("failed", "away", "arrived")

MOST = 9
"""Messages in one history: more would only make it longer."""

FURTHEST = timedelta(days=8)
"""How far the clock goes ahead in all: what failed longer ago than two weeks is nobody's news any more."""

ACTS = {
    "delivered": Outcome("delivered", "taken"),
    "refused": Outcome("refused", "no such mailbox"),
    "later": Outcome("later", "greylisted"),
    "busy": Outcome("later", "too many", "destination", timedelta(minutes=20)),
    "down": Outcome("later", "wrong password", "channel"),
    "lost": Outcome("unknown", "no answer"),
    "arrived and lost": Outcome("unknown", "no answer"),
}
FAILS = ("raises", "arrived and raises", "dies", "arrived and dies")
ARRIVES = {"delivered", "arrived and lost", "arrived and raises", "arrived and dies"}
SCRIPT = st.lists(st.sampled_from([*ACTS, *FAILS]), min_size=1, max_size=4)
SCRIPTS = st.tuples(SCRIPT, SCRIPT)
Scripts = tuple[list[str], list[str]]
"""What comes of one message after another, of mails and of texts."""
WHICH = st.integers(0, MOST)
DIES = st.none() | st.integers(0, 40)
DEATHS = st.tuples(DIES, DIES)
Deaths = tuple[int | None, int | None]
"""After how many steps the process dies: of the pass, and of what comes after it."""


def _quick(url: str) -> Engine:
    """Here processes die and computers do not: nothing waits for the disk."""
    engine = open_engine(url)
    event.listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = off"))
    engine.dispose()
    return engine


class Scripted(Notifier):
    """A channel that does with each message what comes next in its script."""

    def __init__(self, outbox: Outbox, name: str, script: Collection[str]) -> None:
        self.name, self._outbox, self._script = name, outbox, cycle(script)

    def write(self, letter: Letter) -> bytes:
        return f"{letter.id}: {letter.preview}".encode()

    async def check(self) -> Outcome:
        return ACTS["delivered"]

    async def send(self, message: Message) -> Outcome:
        self._outbox.process.step()
        act = next(self._script)
        self._outbox.leaves(self.name, message, arrives=act in ARRIVES)
        if act in ACTS:
            return ACTS[act]
        if act.endswith("raises"):
            raise RuntimeError("a mistake in the channel")
        return self._outbox.process.die()


class Outbox(RuleBasedStateMachine):
    process: Process

    @initialize(first=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=5))
    def begin(self, first: list[tuple[bool, bool]]) -> None:
        self.folder = tempfile.TemporaryDirectory()
        url = f"sqlite:///{Path(self.folder.name) / 'alertd.db'}"
        self.engine, self.look = _quick(url), _quick(url)
        Base.metadata.create_all(self.look)
        self.process = mortal(self.engine)
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)
        self.ahead = timedelta()
        self.rng = random.Random(1)
        self.added: dict[str, bytes] = {}
        self.copies: Counter[str] = Counter()
        self.tries: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.held: list[store.Claimed] = []
        ids = count(1)
        self.composer = Composer(
            Directory({p.id: p for p in PEOPLE}, TEAMS, "duty@council.example"),
            BOOK, CALENDAR, "alertd@council.example", time(8), lambda: f"d{next(ids)}",
            {EMAIL: PlainMail(), "text": Scripted(self, "text", ["delivered"])},
        )  # fmt: skip
        for urgent, fallback in first:
            self.add(urgent, fallback)

    # What is seen of it, by somebody whom no death touches.

    def rows(self) -> dict[str, Delivery]:
        with Session(self.look) as session:
            return {row.id: row for row in session.scalars(select(Delivery))}

    def leaves(self, channel: str, message: Message, *, arrives: bool) -> None:
        """Somebody is about to send it."""
        self.tries[message.id] += 1
        self.copies[message.id] += arrives
        row = self.rows()[message.id]
        if row.attempts < self.tries[message.id]:
            self.wrong.append(f"{message.id} is sent before the attempt is counted")
        if (row.channel, row.address) != (channel, message.recipient) or message.content != self.added[message.id]:
            self.wrong.append(f"{message.id} goes elsewhere, or with other words")
        if message.again != (row.unknown_attempts > 0):
            self.wrong.append(f"{message.id} does not say rightly whether it may be there already")

    @contextmanager
    def working(self, dies: int | None = None, *, composes: bool = False) -> Iterator[Session]:
        """A transaction of a process that may die in it; what is made in it is known from then on."""
        with self.process.living(dies), Session(self.engine) as session, session.begin():
            yield session
        if composes:
            self.added = {id_: row.message for id_, row in self.rows().items()} | self.added

    # The daemon.

    @rule(urgent=st.booleans(), fallback=st.booleans(), dies=DIES)
    def add(self, urgent: bool, fallback: bool, dies: int | None = None) -> None:
        if len(self.added) >= MOST:
            return
        other = Route("text", "07700900001") if fallback else None
        to = Resolved("W1", "Ade", f"ade@{'north' if urgent else 'south'}.example", "worker", fallback=other)
        with self.working(dies, composes=True) as session:
            deliver(session, self.composer, to, MAIL, self.now, urgent=urgent)

    @rule(scripts=SCRIPTS, deaths=DEATHS, withdrawn=WHICH)
    def at_once(self, scripts: Scripts, deaths: Deaths, withdrawn: int) -> None:
        """All that it does in one turn; one message may not go as it is."""
        self.a_pass(scripts, deaths[0], f"d{withdrawn - 4}")
        self.looks_after(deaths[1])

    @rule(minutes=st.sampled_from([45, 150]), scripts=SCRIPTS, deaths=DEATHS)
    def soon(self, minutes: int, scripts: Scripts, deaths: Deaths) -> None:
        """When most of what was put off is due again."""
        self.clock(minutes)
        self.a_pass(scripts, deaths[0])
        self.looks_after(deaths[1])

    @rule(scripts=SCRIPTS, deaths=DEATHS)
    def next_day(self, scripts: Scripts, deaths: Deaths) -> None:
        """When all that was put off is due again, and somebody may be told again."""
        self.clock(24 * 60)
        self.a_pass(scripts, deaths[0])
        self.looks_after(deaths[1])

    def a_pass(self, scripts: Scripts, dies: int | None = None, withdrawn: str = "") -> None:
        """It finds what was left behind, and sends what is due."""
        channels = {name: Scripted(self, name, script) for name, script in zip((EMAIL, "text"), scripts, strict=True)}
        not_now = {withdrawn: "it is another's now"}
        with self.process.living(dies):
            asyncio.run(dispatch_once(self.engine, channels, lambda: self.now, self.rng, why_not=lambda _: not_now))

    def looks_after(self, dies: int | None = None) -> None:
        """What stands in for what failed goes, and somebody is told of it."""
        before = self.rows()
        with self.working(dies) as session:
            fail_over(session, self.now)
        after = self.rows()
        for id_, row in after.items():
            first = after.get(row.stands_in_for or "")
            failed = first is not None and first.state in ("refused", "parked")
            late = first is not None and first.urgent and self.now - first.created_at >= URGENT_WAITS
            assert before[id_].state == row.state or row.state == "cancelled" or failed or late
            assert row.state != "standing_by" or dies is not None or not failed, "it does not go, and the first failed"
        with self.working(dies, composes=True) as session:
            tell_of_undelivered(session, self.composer, self.now)

    @rule(minutes=st.sampled_from([6, 5 * 24 * 60, -1, -60, -400]))
    def clock(self, minutes: int) -> None:
        jump = timedelta(minutes=minutes)
        if self.ahead + jump <= FURTHEST:
            self.now, self.ahead = self.now + jump, self.ahead + max(jump, timedelta())

    # Another daemon, which may be stopped for long between claiming, sending and storing.

    @rule(does=st.sampled_from(["claims", *ACTS, "dies", "arrived and dies"]), n=st.integers(0, 2))
    def another_daemon(self, does: str, n: int) -> None:
        """It claims some, or does something with one that it has: also long after its claim's end, when it still may
        send, but what it reports is not believed."""
        if does == "claims" or n >= len(self.held):
            due = [one.id for one in store.due(self.engine, self.now, EMAIL)]
            saw = sorted(self.added)[n : n + 2]  # when it looked: they need not be due any more
            self.held += store.claim(self.engine, self.now, list(dict.fromkeys([*due[: n + 1], *saw])), LEASE)
            return
        claimed = self.held.pop(n)
        row = self.rows()[claimed.id]
        assert claimed.message == self.added[claimed.id]
        self.tries[claimed.id] += 1
        self.copies[claimed.id] += does in ARRIVES
        if does in ACTS:
            ours = finish(self.engine, claimed, ACTS[does], self.now, self.rng)
            assert ours == (row.token == claimed.token), "who has the claim is believed, and nobody else"
            assert not finish(self.engine, claimed, ACTS[does], self.now, self.rng), "an outcome is stored once"

    # Whoever has it, and whoever runs it.

    @rule(acts=st.lists(st.tuples(WHICH, st.sampled_from([*RECEIPTS, *BY_HAND]), DIES), min_size=1, max_size=4))
    def people(self, acts: list[tuple[int, str, int | None]]) -> None:
        for key, (which, does, dies) in enumerate(acts):
            self.somebody(which, does, key, dies)

    def somebody(self, which: int, does: str, key: int, dies: int | None) -> None:
        known = sorted(id_ for id_ in self.added if self.copies[id_] or does not in RECEIPTS)
        if not known:
            return
        id_, before = known[which % len(known)], self.rows()
        with self.working(dies) as session, suppress(InputError):
            if does in RECEIPTS:
                take_receipt(session, Receipt(id_, does, f"{does} {key}", "the mailbox is full"), self.now)  # type: ignore[arg-type]
            else:
                BY_HAND[does](session, id_, Act(OPERATOR, does, self.now))
        row, after = before[id_], self.rows()
        moved = {one for one in after if after[one].state != before[one].state}
        assert moved <= {id_, *(one for one in after if after[one].stands_in_for == id_)}
        assert id_ not in moved or does not in RECEIPTS or (does, row.state) == ("failed", "delivered")
        assert id_ not in moved or does != "retry" or not row.unknown_attempts, "it may be there already"
        assert id_ not in moved or does in RECEIPTS or row.state not in ("sending", "delivered", "cancelled")

    @invariant()
    def whole(self) -> None:
        if not hasattr(self, "engine"):
            return
        with Session(self.look) as session:
            events = session.scalars(select(DeliveryEvent).order_by(DeliveryEvent.id)).all()
            tally = store.counts(session)
        rows = self.rows()
        assert not self.wrong, self.wrong
        assert rows.keys() == self.added.keys(), "nothing is lost, nothing made up"
        assert sum(tally.values()) == len(rows)
        lives: dict[str, list[DeliveryEvent]] = defaultdict(list)
        for one in events:
            lives[one.delivery_id].append(one)
        for id_, row in rows.items():
            self._one(row, lives[id_])

    def _one(self, row: Delivery, events: list[DeliveryEvent]) -> None:
        last, unknown, came_back = None, 0, 0
        for one in events:
            move = (one.from_state, one.to_state)
            assert one.from_state == last, "every move is recorded"
            assert one.reason
            assert move in MOVES or (move in MOVED_BY_HAND and one.reason.startswith(OPERATOR)), move
            unknown += one.to_state == "unknown"
            came_back += move == ("delivered", "refused")
            assert move != ("unknown", "due") or unknown <= store.UNKNOWN_RETRIES, "asked for too often"
            given_up = move in {("sending", "due"), ("unknown", "due")} and one.at - row.created_at
            assert not given_up or given_up < store.GIVE_UP_AGE
            last = one.to_state
        assert row.state == last
        assert row.state != "unknown", "a state that is passed through, in one transaction"
        assert row.attempts == sum(one.to_state == "sending" for one in events)
        assert row.unknown_attempts == unknown
        assert self.tries[row.id] <= row.attempts
        assert self.copies[row.id] <= 1 + unknown + came_back
        assert self.copies[row.id] or row.state != "delivered"
        assert row.reason or row.state not in ("refused", "parked", "cancelled")
        assert row.message == self.added[row.id]

    def teardown(self) -> None:
        if not hasattr(self, "engine"):
            return
        for _ in range(10):  # the clock may have gone back, and what stands by waits for five days
            self.now += timedelta(days=1)
            self.a_pass((["delivered"], ["delivered"]))
            self.looks_after()
            if set(self.rows_by_state()) <= ENDS and not self.untold():
                break
        self.whole()
        assert set(self.rows_by_state()) <= ENDS, "every delivery comes to an end"
        assert not self.untold(), "of whatever did not arrive a person is told"
        self.engine.dispose()
        self.look.dispose()
        self.folder.cleanup()

    def rows_by_state(self) -> Counter[str]:
        return Counter(row.state for row in self.rows().values())

    def untold(self) -> list[str]:
        """What failed, and was not told by a message to the data owner or duty since; or that message is not there."""
        told, rows = [], self.rows()
        with Session(self.look) as session:
            events = session.scalars(select(DeliveryEvent).order_by(DeliveryEvent.id)).all()
        noted = {one.delivery_id: one for one in events if one.reason.startswith("told: ")}
        moved = {one.delivery_id: one for one in events if one.from_state != one.to_state}
        for id_, row in rows.items():
            if row.state in ("refused", "parked"):
                note = noted.get(id_)
                to = {"told: data owner": "D1", "told: duty": "duty"}[note.reason] if note else ""
                there = any(r.person == to and note and r.created_at == note.at for r in rows.values())
                told += [id_] if note is None or note.id < moved[id_].id or not there else []
        return told


Outbox.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
TestHistories = pytest.mark.slow(Outbox.TestCase)
