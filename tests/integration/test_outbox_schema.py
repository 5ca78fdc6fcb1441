"""Opening a database and bringing up its schema, on both kinds (fault rows F40, F43)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, inspect, text
from sqlalchemy.exc import DBAPIError

# What they declare belongs to the metadata.
from alertd.db import access_tables, agenda_tables, leading, partner_tables, tables  # noqa: F401
from alertd.db.base import Base
from alertd.db.engine import _migrations, check_schema, open_engine, reading, revisions, upgrade
from alertd.errors import InputError

pytest_plugins = ["tests.support.databases"]


def _in_words(one: Mapping[str, object]) -> dict[str, object]:
    """With what an index is limited to as it is written: what stands for it is never the same twice."""
    return {
        key: {name: str(option) for name, option in value.items()} if isinstance(value, dict) else value
        for key, value in one.items()
    }


def _schema(engine: Engine) -> dict[str, object]:
    """What the database itself says of every table; checks too, which Alembic does not compare."""
    look = inspect(engine)
    return {
        name: {
            "columns": [(c["name"], str(c["type"]), c["nullable"]) for c in look.get_columns(name)],
            "primary key": look.get_pk_constraint(name)["constrained_columns"],
            **{
                what: sorted(repr(sorted(_in_words(one).items(), key=str)) for one in listed(name))
                for what, listed in {
                    "unique": look.get_unique_constraints,
                    "checks": look.get_check_constraints,
                    "foreign keys": look.get_foreign_keys,
                    "indexes": look.get_indexes,
                }.items()
            },
        }
        for name in sorted(Base.metadata.tables)
    }


def test_the_migrated_schema_is_the_one_the_code_declares(engine: Engine) -> None:
    check_schema(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    migrated = _schema(engine)
    with engine.begin() as connection:
        everything = MetaData()
        everything.reflect(connection)
        everything.drop_all(connection)
        Base.metadata.create_all(connection)
    assert migrated == _schema(engine)


def test_the_names_of_the_migrations_say_what_they_are_and_in_which_order() -> None:
    scripts = ScriptDirectory.from_config(_migrations()).walk_revisions()
    assert revisions() == tuple(reversed([script.revision for script in scripts]))


def test_two_that_start_at_once_create_the_schema_once(bare_database_url: str) -> None:
    def start(_: int) -> None:
        engine = open_engine(bare_database_url)
        upgrade(engine)
        check_schema(engine)
        engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start, range(4)))  # raises what they raised


def test_f40_an_older_schema_is_brought_up_and_a_newer_one_refused_with_the_command(bare_database_url: str) -> None:
    engine = open_engine(bare_database_url)
    check_schema(engine)
    upgrade(engine)
    upgrade(engine)
    check_schema(engine)
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    for attempt in (check_schema, upgrade):
        with pytest.raises(InputError, match=r"newer than this alertd \(it is at 9999\)\. Run: pip install"):
            attempt(engine)
    engine.dispose()


def test_a_failed_transaction_leaves_nothing_and_constraints_hold(engine: Engine) -> None:
    statement = text(
        "insert into delivery_event (delivery_id, at, to_state, attempt, reason)"
        " values ('none', '2026-11-23 00:00:00', 'due', 0, '')"
    )

    def two_writes() -> None:
        with engine.begin() as connection:
            connection.execute(text("insert into alembic_version values ('half')"))
            connection.execute(statement)

    with pytest.raises(DBAPIError):
        two_writes()
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from alembic_version")) == 1


def test_sqlite_commits_reach_the_disk_and_a_reader_does_not_hold_up_a_writer(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with engine.connect() as connection:
        pragmas = {p: connection.scalar(text(f"pragma {p}")) for p in ("journal_mode", "synchronous", "foreign_keys")}
        assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        assert connection.scalar(text("pragma busy_timeout")) == 10_000
    upgrade(engine)
    with reading(engine).connect() as reader:
        assert reader.scalar(text("select count(*) from delivery")) == 0
        with engine.begin() as writer:
            writer.execute(text("update alembic_version set version_num = version_num"))
    engine.dispose()


def test_f42_two_that_read_before_they_write_both_succeed(engine: Engine) -> None:
    def read_then_write(_: int) -> None:
        with engine.begin() as connection:
            number = connection.scalar(text("select count(*) from alembic_version"))
            time.sleep(0.05)
            connection.execute(text("update alembic_version set version_num = :n"), {"n": str(number)})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(read_then_write, range(3)))  # raises what they raised


def _missing(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'no' / 'alertd.db'}"


def _read_only(tmp_path: Path) -> str:
    upgraded = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    upgrade(upgraded)
    upgraded.dispose()
    return f"sqlite:///file:{tmp_path / 'x.db'}?mode=ro&uri=true"


def _not_one(tmp_path: Path) -> str:
    (tmp_path / "x.db").write_text("date,child\n" * 200)
    return f"sqlite:///{tmp_path / 'x.db'}"


def _folder(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_missing, "folder for the database does not exist"),
        (_read_only, "database is read-only"),
        (_not_one, "file is not a database"),
        (_folder, "database file cannot be opened"),
        (lambda _: "sqlite://", "in memory"),
        (lambda _: "alertd.db", "address cannot be read"),
        (lambda _: "mysql://x/y", "kind mysql is not served"),
        (lambda _: "postgresql://alertd:hunter2@127.0.0.1:1/alertd", "cannot be used: .*refused"),
    ],
)
def test_f43_a_database_that_cannot_be_used_is_refused_in_one_line(make: object, words: str, tmp_path: Path) -> None:
    assert callable(make)
    with pytest.raises(InputError, match=words) as refused:
        open_engine(make(tmp_path))
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)
