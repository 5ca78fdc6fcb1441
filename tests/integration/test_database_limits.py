"""On PostgreSQL nothing waits for ever: each wait ends in an error that is said, whatever the server is set to."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from alertd.db import engine as opening
from alertd.db.engine import open_engine, upgrade
from alertd.errors import InputError
from tests.support.databases import new_database

pytest_plugins = ["tests.support.databases"]

pytestmark = [pytest.mark.slow]


def _set(url: str, **settings: str) -> None:
    """Let a database have defaults of its own, as whoever looks after a server may choose them."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name, value in settings.items():
            connection.execute(f"alter database {make_url(url).database} set {name} = '{value}'")  # type: ignore[arg-type]


def test_our_connections_have_their_limits_whatever_the_server_is_set_to(postgres_server: str) -> None:
    url = new_database(postgres_server)
    _set(url, statement_timeout="0", lock_timeout="0", default_transaction_isolation="serializable")
    engine = open_engine(url)
    with engine.connect() as connection:
        named = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "synchronous_commit")
        found = {name: connection.scalar(text(f"show {name}")) for name in named}
        assert connection.scalar(text("show transaction_isolation")) == "read committed"
    engine.dispose()
    assert found == {
        "statement_timeout": "1min",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "1min",
        "synchronous_commit": "on",
    }


@pytest.mark.fault("F41", database="postgresql")
def test_f41_a_schema_that_somebody_holds_is_waited_for_only_so_long_and_said_in_one_line(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_database(postgres_server)
    with psycopg.connect(url) as report:
        report.execute("create table alembic_version (version_num varchar(32) not null)")
        monkeypatch.setattr(opening, "BUSY_SECONDS", 1)
        engine = open_engine(url)
        with pytest.raises(InputError, match="lock timeout") as refused:
            upgrade(engine)
        report.rollback()
    assert "\n" not in str(refused.value)
    upgrade(engine)
    engine.dispose()


def test_one_that_starts_while_another_brings_the_schema_up_waits_longer_than_for_a_lock(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_database(postgres_server)
    engine = open_engine(url)
    monkeypatch.setattr(opening, "BUSY_SECONDS", 1)
    with psycopg.connect(url) as other, ThreadPoolExecutor(1) as starts:
        other.execute("select pg_advisory_xact_lock(%s)", [opening._MIGRATION_LOCK])
        second = starts.submit(upgrade, engine)
        _until_somebody_waits(url)
        other.execute("select pg_sleep(1.5)")
        assert not second.done()
        other.rollback()
        second.result()
    engine.dispose()


def _until_somebody_waits(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as look:
        waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        while not look.execute(waits).fetchone()[0]:  # type: ignore[index]
            time.sleep(0.02)


def test_a_transaction_that_is_forgotten_is_ended_by_the_server(postgres_server: str) -> None:
    engine = open_engine(new_database(postgres_server))
    with engine.connect() as forgotten:
        forgotten.execute(text("set idle_in_transaction_session_timeout = '100ms'"))
        forgotten.commit()
        forgotten.execute(text("select 1"))
        time.sleep(0.5)
        with pytest.raises(DBAPIError, match="idle-in-transaction timeout") as ended:
            forgotten.execute(text("select 1"))
        assert ended.value.connection_invalidated, "by this the daemon knows that it is the database's doing"
    engine.dispose()
