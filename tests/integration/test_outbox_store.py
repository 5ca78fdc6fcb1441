"""The store on SQLite and PostgreSQL: one claim each, whoever asks (fault rows F05, F44, F45, F51, F52)."""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from alertd.db.engine import open_engine
from alertd.outbox import store
from alertd.outbox.channel import Outcome
from tests.support.outbox import NOW, add, finish, moves, next_claimed, put, rows, states

pytest_plugins = ["tests.support.databases"]

LEASE = timedelta(minutes=20)
DELIVERED = Outcome("delivered", "taken")
LATER = Outcome("later", "busy")


def claim(engine: Engine, limit: int = 10) -> list[store.Claimed]:
    return next_claimed(engine, NOW, limit, LEASE)


def _drain(url: str) -> list[str]:
    """What one worker claimed and delivered until nothing was due."""
    engine = open_engine(url)
    done = []
    while claimed := claim(engine, 3):
        for one in claimed:
            assert finish(engine, one, DELIVERED, NOW, random.Random(1))
            done.append(one.id)
    engine.dispose()
    return done


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_f51_two_workers_at_once_claim_each_delivery_once(engine: Engine, database_url: str, kind: str) -> None:
    ids = {put(engine, f"d{n}") for n in range(60)}
    pool = (
        ThreadPoolExecutor(4)
        if kind == "threads"
        else ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
    )
    with pool:
        done = Counter(id_ for part in pool.map(_drain, [database_url] * 4) for id_ in part)
    assert done == Counter(ids)
    assert set(states(engine).values()) == {"delivered"}
    assert moves(engine, "d7") == [("due", "worker"), ("sending", "claimed"), ("delivered", "taken")]


def test_a_claim_takes_only_what_is_due_on_its_channel_urgent_first(engine: Engine) -> None:
    put(engine, "put off")
    [one] = claim(engine)
    assert finish(engine, one, LATER, NOW, random.Random(1))
    put(engine, "plain")
    put(engine, "other", channel="webhook")
    put(engine, "urgent", urgent=True)
    [first] = claim(engine, 1)
    assert first.id == "urgent"
    assert (first.attempts, first.unknown_attempts, first.lease_until) == (1, 0, NOW + LEASE)
    assert [one.id for one in claim(engine)] == ["plain"]
    assert claim(engine) == []


def test_a_claim_goes_to_its_deliveries_and_not_through_all_that_are_due(engine: Engine) -> None:
    """With a backlog of a whole council, each claim would otherwise take longer than its messages."""
    if engine.dialect.name != "sqlite":
        pytest.skip("which way SQLite takes; PostgreSQL counts its rows first")
    ran: list[tuple[str, object]] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _s, statement, given, *_: ran.append((statement, given)))
    ids = [put(engine, f"d{n}") for n in range(10)]
    ran.clear()
    outcomes = [(one, DELIVERED) for one in store.claim(engine, NOW, ids, LEASE)]
    assert store.finish(engine, outcomes, NOW, random.Random(1)) == set(ids)
    seen, plans = ran.copy(), []
    with engine.connect() as connection:
        for statement, given in seen:
            if "delivery_event" not in statement and statement.startswith(("WITH", "SELECT", "UPDATE")):
                one_of = given[0] if isinstance(given, list) else given
                plans += connection.exec_driver_sql(f"explain query plan {statement}", one_of).all()
    used = [row[3] for row in plans if "delivery" in row[3]]
    assert used and all("INDEX sqlite_autoindex_delivery_1 (id=?)" in one for one in used), used


def test_a_delivery_that_is_asked_for_twice_is_claimed_once(engine: Engine) -> None:
    put(engine, "d1")
    assert [one.id for one in store.claim(engine, NOW, ["d1", "nobody's", "d1"], LEASE)] == ["d1"]
    assert store.claim(engine, NOW, ["d1"], LEASE) == []
    assert store.claim(engine, NOW, [], LEASE) == []


def test_new_mail_and_retries_take_turns(engine: Engine) -> None:
    put(engine, "retry", now=NOW - timedelta(days=1))
    [one] = next_claimed(engine, NOW - timedelta(days=1), 1, LEASE, channel="email")
    assert finish(engine, one, LATER, NOW - timedelta(days=1), random.Random(1))
    put(engine, "new")
    assert [one.id for one in claim(engine, 1)] == ["new"]
    put(engine, "newer")
    assert [one.id for one in claim(engine, 2)] == ["newer", "retry"]


def test_f52_a_sender_that_lost_its_lease_cannot_store_its_outcome(engine: Engine) -> None:
    put(engine, "d1")
    [stale] = claim(engine)
    assert store.recover(engine, NOW + LEASE - timedelta(seconds=1), random.Random(1)) == 0
    assert store.recover(engine, NOW + LEASE, random.Random(1)) == 1
    later = NOW + timedelta(hours=1)
    [fresh] = next_claimed(engine, later, 1, LEASE, channel="email")
    assert not finish(engine, stale, Outcome("refused", "no"), later, random.Random(1))
    assert (fresh.attempts, fresh.unknown_attempts, fresh.message) == (2, 1, stale.message)
    assert finish(engine, fresh, DELIVERED, later, random.Random(1))
    assert [state for state, _ in moves(engine, "d1")] == ["due", "sending", "unknown", "due", "sending", "delivered"]


def test_a_delivery_whose_sender_dies_each_time_is_parked_with_the_reason(engine: Engine) -> None:
    put(engine, "d1")
    now = NOW
    for _ in range(3):
        assert next_claimed(engine, now, 1, LEASE, channel="email")
        now += LEASE
        assert store.recover(engine, now, random.Random(1)) == 1
        now += timedelta(hours=2)
    assert next_claimed(engine, now, 1, LEASE, channel="email") == []
    assert moves(engine, "d1")[-1][0] == "parked"
    assert "see whether it arrived" in rows(engine)["d1"].reason


def test_f45_what_was_set_before_the_clock_went_back_is_not_stuck(engine: Engine) -> None:
    tomorrow = NOW + timedelta(days=1)
    for id_ in ("retry", "abandoned"):
        put(engine, id_)
    for one in next_claimed(engine, tomorrow, 2, LEASE, channel="email"):
        if one.id == "retry":
            assert finish(engine, one, LATER, tomorrow, random.Random(1))
    assert [one.id for one in claim(engine)] == ["retry"]
    assert store.recover(engine, NOW, random.Random(1)) == 1
    put(engine, "written tomorrow", now=tomorrow)
    assert [one.id for one in claim(engine)] == ["written tomorrow"]


def test_a_paused_channel_waits_and_loses_no_attempt(engine: Engine) -> None:
    put(engine, "d1")
    put(engine, "other", channel="webhook")
    store.pause(engine, "email", NOW + timedelta(minutes=1), "no TLS")
    assert claim(engine) == []
    assert next_claimed(engine, NOW, 1, LEASE, channel="webhook")
    assert (rows(engine)["d1"].reason, rows(engine)["d1"].attempts) == ("no TLS", 0)
    assert len(next_claimed(engine, NOW + timedelta(minutes=1), 9, LEASE, channel="email")) == 1


def test_cancelling_takes_back_only_what_is_not_under_way_or_over(engine: Engine) -> None:
    put(engine, "sent")
    [one] = claim(engine)
    put(engine, "due")
    with Session(engine) as session, session.begin():
        assert store.cancel(session, "due", NOW, "the record was sealed")
        assert not store.cancel(session, "due", NOW, "again")
        assert not store.cancel(session, "sent", NOW, "too late")
        assert store.counts(session)["cancelled"] == 1
    assert finish(engine, one, DELIVERED, NOW, random.Random(1))
    assert states(engine) == {"sent": "delivered", "due": "cancelled"}
    assert moves(engine, "due")[-1] == ("cancelled", "the record was sealed")


def test_a_delivery_and_its_cause_are_committed_together_or_not_at_all(engine: Engine) -> None:
    digest = {"person": "P1", "address": "p1@council.example", "resolved_by": "worker", "channel": "email"}
    with Session(engine) as session:
        add(session, **digest, delivery_id="d1", message=b"x", digest_for="2026-11-23", now=NOW)  # type: ignore[arg-type]
        session.rollback()
        assert sum(store.counts(session).values()) == 0
        add(session, **digest, delivery_id="d1", message=b"x", digest_for="2026-11-23", now=NOW)  # type: ignore[arg-type]
        session.commit()
        with pytest.raises(IntegrityError):
            add(session, **digest, delivery_id="d2", message=b"x", digest_for="2026-11-23", now=NOW)  # type: ignore[arg-type]
