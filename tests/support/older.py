"""alertd as it was: its schema, made by going back, and its program, from the history that git keeps."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from alembic import command
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, MetaData, create_engine, inspect, select

from alertd.db.engine import _altering, _migrations

ROOT: Final = Path(__file__).parents[2]

BASELINE: Final = "0005"
"""The schema that the older program knows. Whoever releases a version moves this on to the one before."""

_LAST: Final = "alertd/db/migrations/versions/v0005_pages.py"
"""The last change to this made it what it is: that commit is the older program."""


def migrate(engine: Engine, revision: str) -> None:
    """Bring the schema to a revision, on or back."""
    with _altering(engine) as connection, connection.begin():
        config = _migrations()
        config.attributes["connection"] = connection
        back = (MigrationContext.configure(connection).get_current_revision() or "") > revision
        (command.downgrade if back else command.upgrade)(config, revision)


def go_back(url: str, revision: str = BASELINE) -> None:
    """Let a database be as the older program left it: what came later is gone, and its rows with it."""
    engine = create_engine(url)
    try:
        migrate(engine, revision)
    finally:
        engine.dispose()


def rows(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """All that is in the database, table by table, but for its version."""
    found = MetaData()
    found.reflect(connection)
    return {
        table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
        for table in found.sorted_tables
        if table.name != "alembic_version"
    }


def columns(connection: Connection) -> dict[tuple[str, str], dict[str, Any]]:
    """Every column, by its table and name."""
    look = inspect(connection)
    return {
        (table, str(column["name"])): dict(column)
        for table in look.get_table_names()
        for column in look.get_columns(table)
    }


def older_program(folder: Path) -> Path:
    """The tree of the program of :data:`BASELINE`, in ``folder``. Skips the test where git does not have it."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("there is no history here to make the older program from")
    last = [git, "log", "-1", "--format=%H", "--", _LAST]
    commit = subprocess.run(last, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    has_all = subprocess.run([git, "rev-parse", "--is-shallow-repository"], cwd=ROOT, capture_output=True, text=True)
    if not commit or has_all.stdout.strip() != "false":
        pytest.skip("the history here does not go back to the older program")
    packed = subprocess.run([git, "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed, check=True)
    return folder


def environment(tree: Path) -> dict[str, str]:
    """What lets Python take the program of a tree, and not the one that is installed."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(tree), str(tree / "notifiers")))}
