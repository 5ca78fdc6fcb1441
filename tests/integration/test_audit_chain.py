"""The audit: what is changed, dropped, slipped in or cut off in it is seen."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session

from alertd.audit.chain import BEGINNING, Verified, record, verify
from alertd.db.access_tables import AuditEntry
from alertd.db.engine import open_engine, upgrade

pytest_plugins = ["tests.support.databases"]
NOW = datetime(2026, 11, 26, 10, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = open_engine(database_url)
    upgrade(made)
    yield made
    made.dispose()


def kept(engine: Engine, n: int = 5) -> None:
    for i in range(n):
        with Session(engine) as session, session.begin():
            at = NOW + timedelta(seconds=i)
            record(session, at, by="W1", what="saw child", child=f"C{i}", why="worker", detail={"n": i, "é": "ü"})


def looked(engine: Engine, digest: str = "") -> Verified:
    with Session(engine) as session:
        return verify(session, digest)


def test_a_chain_as_it_was_written_is_whole(engine: Engine) -> None:
    assert looked(engine) == Verified(0, BEGINNING)
    kept(engine)
    found = looked(engine)
    assert (found.entries, found.broken) == (5, "")
    kept(engine, 2)
    assert looked(engine, found.last).broken == "", "what was kept earlier is in it"


@pytest.mark.parametrize("column", ["at", "by", "what", "child", "why", "detail", "before", "digest"])
def test_any_change_is_seen(engine: Engine, column: str) -> None:
    kept(engine)
    other = {"at": NOW + timedelta(microseconds=1), "detail": {"n": 3}, "child": None, "what": "x"}
    value = other.get(column, "x" * 64)
    with Session(engine) as session, session.begin():
        session.execute(update(AuditEntry).where(AuditEntry.id == 3).values({column: value}))
    found = looked(engine)
    assert found.entries == 2 and "entry 3" in found.broken


@pytest.mark.parametrize("gone", [1, 3])
def test_a_dropped_entry_is_seen(engine: Engine, gone: int) -> None:
    kept(engine)
    with Session(engine) as session, session.begin():
        session.execute(delete(AuditEntry).where(AuditEntry.id == gone))
    assert f"entry {gone + 1} does not follow" in looked(engine).broken


def test_an_end_that_was_cut_off_is_seen_by_the_digest_kept_elsewhere(engine: Engine) -> None:
    kept(engine)
    last = looked(engine).last
    with Session(engine) as session, session.begin():
        session.execute(delete(AuditEntry).where(AuditEntry.id == 5))
    assert looked(engine).broken == ""
    assert "cut off" in looked(engine, last).broken


def test_many_who_write_at_once_make_one_chain(engine: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(kept, engine, 5) for _ in range(4)]:
            done.result()
    assert looked(engine).entries == 20 and looked(engine).broken == ""


def test_an_entry_of_a_transaction_that_failed_is_not_there(engine: Engine) -> None:
    kept(engine, 1)
    with Session(engine) as session:
        record(session, NOW, by="W1", what="saw child")
        session.rollback()
    assert looked(engine).entries == 1
