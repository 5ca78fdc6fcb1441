"""Of several daemons one leads, and what was found in an earlier term than the latest is not written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from alertd.db import leading
from alertd.db.engine import open_engine, out_of_reach
from alertd.db.leading import Leading, StoodDownError, alone, latest, somebody_leads, under
from alertd.errors import InputError

pytest_plugins = ["tests.support.databases"]

Two = tuple[Leading, Leading]

NOW = datetime(2026, 11, 24, 8, 5, tzinfo=UTC)


@pytest.fixture
def other(database_url: str) -> Iterator[Engine]:
    """The database as another daemon has it."""
    found = open_engine(database_url)
    yield found
    found.dispose()


@pytest.fixture
def two() -> Iterator[Two]:
    """What two daemons know of the lead."""
    found = Leading(), Leading()
    yield found
    for one in found:
        one.close()


def decides(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        alone(session)


@pytest.mark.fault("F51")
def test_f51_one_leads_until_it_ends_and_then_the_other(engine: Engine, other: Engine, two: Two) -> None:
    first, second = two
    assert not somebody_leads(engine)
    for _ in range(3):
        first.turn(engine, NOW)
        second.turn(other, NOW)
    assert first.term and first.term.number == 1
    assert second.term is None
    assert somebody_leads(other)
    first.close()
    assert not somebody_leads(other)
    second.turn(other, NOW + timedelta(minutes=1))
    first.turn(engine, NOW)
    assert first.term is None and second.term
    assert (second.term.number, second.term.since) == (2, NOW + timedelta(minutes=1))
    with Session(engine) as session:
        assert latest(session) == second.term


@pytest.mark.fault("F52")
def test_f52_what_was_begun_in_an_earlier_term_is_not_written_though_it_leads_again(
    engine: Engine, other: Engine, two: Two
) -> None:
    first, second = two
    first.turn(engine, NOW)
    before = first.term
    assert before
    with under(before):
        decides(engine)
        first.close()
        second.turn(other, NOW)
        with pytest.raises(StoodDownError):
            decides(engine)
        second.close()
        first.turn(engine, NOW)
        with pytest.raises(StoodDownError):
            decides(engine)
    after = first.term
    assert after
    with under(after):
        decides(engine)
    decides(engine)  # commands and pages lead nothing


def test_a_term_that_a_restored_database_counts_again_is_another(engine: Engine, two: Two) -> None:
    asleep, after = two
    asleep.turn(engine, NOW)
    before = asleep.term
    assert before
    asleep.close()
    with engine.begin() as connection:  # as it was before anybody led
        connection.exec_driver_sql("delete from leader")
    after.turn(engine, NOW)
    assert after.term and after.term.number == before.number
    with under(before), pytest.raises(StoodDownError):
        decides(engine)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.fault("F52")
def test_f52_a_leader_that_is_silent_for_too_long_is_ended_by_the_server(
    engine: Engine, other: Engine, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "SILENT", timedelta(seconds=0.5))
    first, second = two
    first.turn(engine, NOW)
    before = first.term
    assert before
    until = time.monotonic() + 30
    while second.term is None and time.monotonic() < until:  # nothing is heard of the first
        second.turn(other, NOW)
        time.sleep(0.05)
    assert second.term and second.term.number == 2
    with under(before), pytest.raises(StoodDownError):
        decides(engine)
    with pytest.raises(DBAPIError) as ended:
        first.turn(engine, NOW)
    assert out_of_reach(ended.value)
    assert first.term is None


@pytest.mark.fault("F51")
def test_f51_where_a_pool_of_connections_gives_the_lock_to_two_the_later_one_leads(
    engine: Engine, other: Engine, two: Two
) -> None:
    class Granted:
        def take(self) -> bool:
            return True

        stands = take

        def release(self) -> None: ...

    first, second = two
    first._hold = second._hold = Granted()
    first.turn(engine, NOW)
    second.turn(other, NOW)
    first.turn(engine, NOW)
    assert first.term is None and second.term
    second.turn(other, NOW)
    assert second.term is not None


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_lock_that_cannot_be_made_is_said(engine: Engine) -> None:
    leading._beside(engine).mkdir()
    with pytest.raises(InputError, match="cannot be opened"):
        Leading().turn(engine, NOW)
