"""Copies of a SQLite database, made while a daemon writes to it, and put in its place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine

from alertd.db.engine import reading
from alertd.errors import InputError
from alertd.keeping.contents import Audit, Contents, audit_of, contents_of

PAGES: Final = 1000
"""Pages copied in one step: 4 MB."""

Progress = Callable[[int, int], None]


def copy(engine: Engine, to: Path, progress: Progress) -> Contents:
    """Copy the database into a file; what it held at that moment.

    All is read in one transaction: what is written meanwhile neither gets into the copy nor begins it anew, and nobody
    who writes waits.
    """
    with reading(engine).connect() as connection, connection.begin():
        found = contents_of(connection)
        raw: Any = connection.connection.dbapi_connection
        with closing(sqlite3.connect(to, isolation_level=None)) as target:
            raw.backup(target, pages=PAGES, progress=lambda _, left, total: progress(total - left, total))
            target.execute("PRAGMA journal_mode=DELETE")  # one file, and nothing beside it
    return found


def look_over(file: Path) -> tuple[Contents, Audit]:
    """Open a copy as any database, and go through all of it. Raises InputError for one that is damaged."""
    engine = create_engine(f"sqlite:///{file}", hide_parameters=True)
    try:
        with engine.connect() as connection:
            for pragma in ("integrity_check", "foreign_key_check"):
                found = connection.exec_driver_sql(f"PRAGMA {pragma}").first()
                if found is not None and found[0] != "ok":
                    raise InputError(f"the copy is damaged: {pragma} says {found[0]}", where=str(file))
            return contents_of(connection), audit_of(connection)
    finally:
        engine.dispose()


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Hold a database that nobody else has open, with all that was written to it in the file itself.

    Raises InputError where anybody has: SQLite gives up its log of writes only to who is alone with the file, and
    whoever runs keeps it open.
    """
    with closing(sqlite3.connect(file, isolation_level=None, timeout=2)) as connection:
        try:
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise InputError(f"the database cannot be used: {error}", where=str(file)) from None
            raise _held(file) from None
        except sqlite3.DatabaseError:  # damaged beyond opening: then nobody can use it either
            yield
            return
        if mode != "delete":
            raise _held(file)
        yield


def _held(file: Path) -> InputError:
    return InputError("another program has the database open", where=str(file), fix="Stop alertd run and alertd web")


def keep_aside(file: Path, stamp: str) -> Path:
    """Give the database that is there a second name, which nothing has yet: another may then take its place."""
    aside = file.with_name(f"{file.name}.before-restore-{stamp}")
    os.link(file, aside)  # refused where the name is taken, as a rename is not
    for end in ("-wal", "-shm"):  # left only where it was too damaged to be opened: they are of no other file
        if (beside := file.with_name(file.name + end)).exists():
            beside.replace(aside.with_name(aside.name + end))
    return aside
