"""What a new version does to a database in use: nothing that the version before could not live with, and back again.

The versions of two releases run side by side while one daemon after the other is brought up (docs/two-daemons.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Integer, String, inspect

from alertd.db.engine import _migrations, open_engine
from alertd.engine import sweep as sweeping
from tests.support.council import Council, Inline, council_at
from tests.support.older import BASELINE, columns, migrate, rows

pytest_plugins = ["tests.support.databases"]

SCRIPTS = ScriptDirectory.from_config(_migrations())
NEWER = [script.revision for script in reversed(list(SCRIPTS.iterate_revisions("head", BASELINE)))]

RECORDED = {"agenda", "agenda_mark", "leader"}
"""Tables whose rows are found anew by the version that has them, so that going back may forget them."""


def demands(connection: Connection) -> dict[str, set[str]]:
    """What each table refuses: its unique columns, checks and references."""
    look = inspect(connection)
    return {
        table: {
            *(f"unique {sorted(one['column_names'])}" for one in look.get_unique_constraints(table)),
            *(f"unique {sorted(map(str, one['column_names']))}" for one in look.get_indexes(table) if one["unique"]),
            *(f"check {one['sqltext']}" for one in look.get_check_constraints(table)),
            *(f"refers {one['constrained_columns']}" for one in look.get_foreign_keys(table)),
        }
        for table in look.get_table_names()
    }


Known = tuple[dict[tuple[str, str], dict[str, Any]], dict[str, set[str]]]


def known(connection: Connection) -> Known:
    return columns(connection), demands(connection)


def not_added_only(before: Known, after: Known) -> list[str]:
    """What a program that knows the first schema cannot live with in the second."""
    (had, demanded), (has, demands_now) = before, after
    wrong = [f"{table}.{name} is gone" for table, name in had.keys() - has.keys()]
    for (table, name), column in has.items():
        old = had.get((table, name))
        if old is None:
            if table in demanded and not column["nullable"] and column["default"] is None:
                wrong.append(f"{table}.{name} must be given, and the older program does not")
        elif (str(old["type"]), old["nullable"]) != (str(column["type"]), column["nullable"]):
            wrong.append(f"{table}.{name} has become another")
    for table in demanded.keys() & demands_now.keys():
        wrong += [f"{table} demands more: {one}" for one in sorted(demands_now[table] - demanded[table])]
    return wrong


@pytest.mark.fault("F54")
@pytest.mark.parametrize("revision", NEWER)
def test_f54_each_change_since_the_version_before_only_adds(bare_database_url: str, revision: str) -> None:
    engine = open_engine(bare_database_url)
    index = NEWER.index(revision)
    migrate(engine, NEWER[index - 1] if index else BASELINE)
    with engine.connect() as connection:
        before = known(connection)
    migrate(engine, revision)
    with engine.connect() as connection:
        after = known(connection)
    engine.dispose()
    assert not_added_only(before, after) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda to: to.drop_column("delivery", "person"), "delivery.person is gone"),
        (lambda to: to.alter_column("delivery", "reference", nullable=True), "delivery.reference has become another"),
        (lambda to: to.alter_column("alert", "team", type_=Integer(), postgresql_using="1"), "has become another"),
        (lambda to: to.add_column("notice", Column("x", String(), nullable=False)), "notice.x must be given"),
        (lambda to: to.create_index("x", "notice", ["role"], unique=True), "notice demands more: unique ['role']"),
        (lambda to: to.create_check_constraint("x", "notice", "role <> ''"), "notice demands more: check"),
        (lambda to: to.create_foreign_key("x", "sign_in", "leader", ["id"], ["id"]), "sign_in demands more: refers"),
    ],
)
@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_change_that_takes_away_or_demands_more_is_noticed(database_url: str, change: Any, says: str) -> None:
    engine = open_engine(database_url)
    with engine.connect() as connection, connection.begin() as transaction:
        before = known(connection)
        change(Operations(MigrationContext.configure(connection)))
        assert says in " ".join(not_added_only(before, known(connection)))
        transaction.rollback()
    engine.dispose()


@pytest.fixture
def council(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    """A council that has lived for some days, so that there is something in its tables."""
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = council_at(tmp_path, database_url)
    found.looked_after("C1")
    found.looked_after("C2", worker="W2")
    found.mail.refuses = "bo"
    found.days(date(2026, 11, 25), date(2026, 11, 27))
    found.day(date(2026, 11, 27))  # tells whoever looks after it what came of the first
    yield found
    found.house.engine.dispose()


@pytest.mark.fault("F40")
def test_f40_back_to_the_version_before_and_on_again_nothing_is_lost_and_nothing_is_told_again(
    council: Council,
) -> None:
    engine = council.house.engine
    with engine.connect() as connection:
        before = rows(connection)
    assert {"alert", "alert_event", "notice", "delivery", "case_version"} <= {name for name in before if before[name]}
    migrate(engine, BASELINE)
    with engine.connect() as connection:
        older = rows(connection)
    assert older == {name: found for name, found in before.items() if name not in RECORDED}
    migrate(engine, "head")
    with engine.connect() as connection:
        assert rows(connection) == {**before, **{name: [] for name in RECORDED}}
    events, sent = council.events(), len(council.mail.sent)
    council.day(date(2026, 11, 27))
    assert council.events() == events
    assert len(council.mail.sent) == sent
