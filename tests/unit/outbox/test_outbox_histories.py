"""Random histories of the outbox: sends, losses, deaths, stale senders and clock jumps.

Invariants I1, I2 and I9: nothing is lost, copies are at most 1 + unknown attempts and all the same
bytes, and every move is a legal one, recorded.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.db.engine import open_engine
from alertd.db.tables import Base, Delivery, DeliveryEvent
from alertd.outbox import store
from alertd.outbox.channel import Outcome
from tests.support.outbox import add, finish, next_claimed

LEASE = timedelta(minutes=20)
ENDS = {"delivered", "refused", "parked", "cancelled"}
LEGAL = {
    (None, "due"),
    ("due", "sending"),
    ("due", "cancelled"),
    ("parked", "cancelled"),
    ("sending", "unknown"),
    *(("sending", after) for after in ("due", "delivered", "refused", "parked")),
    *(("unknown", after) for after in ("due", "parked")),
}


class Outbox(RuleBasedStateMachine):
    claims = Bundle("claims")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.engine = open_engine(f"sqlite:///{self.folder.name}/alertd.db")
        Base.metadata.create_all(self.engine)
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)
        self.rng = random.Random(1)
        self.added: dict[str, bytes] = {}
        self.copies: Counter[str] = Counter()

    @rule(urgent=st.booleans())
    def add(self, urgent: bool) -> None:
        id_ = f"d{len(self.added)}"
        message = f"Message-ID: <{id_}@council.example>".encode()
        with Session(self.engine) as session, session.begin():
            add(
                session,
                delivery_id=id_,
                person="P1",
                address="worker@council.example",
                resolved_by="worker",
                channel="email",
                message=message,
                urgent=urgent,
                now=self.now,
            )
        self.added[id_] = message

    @rule(target=claims, limit=st.integers(1, 3))
    def claim(self, limit: int) -> object:
        claimed = next_claimed(self.engine, self.now, limit, LEASE)
        assert len(claimed) <= limit
        return multiple(*claimed)

    def _arrives(self, claimed: store.Claimed) -> None:
        assert claimed.message == self.added[claimed.id]
        self.copies[claimed.id] += 1

    def _finish(self, claimed: store.Claimed, outcome: Outcome) -> bool:
        return finish(self.engine, claimed, outcome, self.now, self.rng)

    @rule(claimed=consumes(claims))
    def send_ok(self, claimed: store.Claimed) -> None:
        """Also long after the lease: such a sender may send, but what it reports is not believed."""
        self._arrives(claimed)
        outcome = Outcome("delivered", "taken")
        if self._finish(claimed, outcome):
            assert not self._finish(claimed, outcome), "an outcome is stored once"

    @rule(claimed=consumes(claims), arrived=st.booleans())
    def send_lost(self, claimed: store.Claimed, arrived: bool) -> None:
        if arrived:
            self._arrives(claimed)
        self._finish(claimed, Outcome("unknown", "no answer"))

    @rule(claimed=consumes(claims), result=st.sampled_from(["later", "refused"]), whole=st.booleans())
    def send_failed(self, claimed: store.Claimed, result: str, whole: bool) -> None:
        self._finish(claimed, Outcome(result, "not taken", whole))  # type: ignore[arg-type]

    @rule(claimed=consumes(claims), arrived=st.booleans())
    def kill(self, claimed: store.Claimed, arrived: bool) -> None:
        if arrived:
            self._arrives(claimed)

    @rule()
    def recover(self) -> None:
        store.recover(self.engine, self.now, self.rng)

    @rule(minutes=st.sampled_from([1, 6, 25, 130, 24 * 60, 6 * 24 * 60, -1, -60, -400]))
    def clock(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(minutes=st.integers(0, 10))
    def pause(self, minutes: int) -> None:
        store.pause(self.engine, "email", self.now + timedelta(minutes=minutes), "the channel is down")

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if self.added:
            id_ = data.draw(st.sampled_from(sorted(self.added)))
            with Session(self.engine) as session, session.begin():
                store.cancel(session, id_, self.now, "withdrawn")

    @invariant()
    def whole(self) -> None:
        if not hasattr(self, "engine"):
            return
        with Session(self.engine) as session:
            rows = {row.id: row for row in session.scalars(select(Delivery))}
            events = session.scalars(select(DeliveryEvent).order_by(DeliveryEvent.id)).all()
            tally = store.counts(session)
        assert rows.keys() == self.added.keys(), "nothing is lost, nothing made up"
        assert sum(tally.values()) == len(rows)
        last: dict[str, str | None] = dict.fromkeys(rows)
        for event in events:
            assert event.from_state == last[event.delivery_id], "every move is recorded"
            assert (event.from_state, event.to_state) in LEGAL
            assert event.reason
            last[event.delivery_id] = event.to_state
        for id_, row in rows.items():
            assert row.state == last[id_]
            assert self.copies[id_] <= 1 + row.unknown_attempts
            assert self.copies[id_] or row.state != "delivered"
            assert row.message == self.added[id_]

    def teardown(self) -> None:
        if not hasattr(self, "engine"):
            return
        for _ in range(3):  # at most two clock-made delays, then every delivery comes to an end
            self.now += timedelta(hours=3)
            store.recover(self.engine, self.now, self.rng)
            self.now += timedelta(hours=3)
            while claimed := next_claimed(self.engine, self.now, 50, LEASE, channel="email"):
                for one in claimed:
                    self.send_ok_at_the_end(one)
        self.whole()
        with Session(self.engine) as session:
            assert set(session.scalars(select(Delivery.state))) <= ENDS
        self.engine.dispose()
        self.folder.cleanup()

    def send_ok_at_the_end(self, claimed: store.Claimed) -> None:
        self._arrives(claimed)
        assert self._finish(claimed, Outcome("delivered", "taken"))


Outbox.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestHistories = pytest.mark.slow(Outbox.TestCase)
