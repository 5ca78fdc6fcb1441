"""Copies of a PostgreSQL database by its own programs, made while daemons write to it, and put in its place."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ProgrammingError

from alertd.db.engine import open_engine
from alertd.errors import InputError
from alertd.keeping.contents import Audit, Contents, audit_of, contents_of

ASIDE: Final = "alertd_before_restore_"
"""How the schema is called into which what was there is moved: no backup holds it."""

_MAY_NOT: Final = "42501"
"""PostgreSQL's code for insufficient_privilege."""

_AS_LONG_AS_IT_TAKES: Final = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")


def copy(engine: Engine, to: Path) -> Contents:
    """Dump the database into a file; what it held at that moment. Both see the same snapshot."""
    once = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with once.connect() as connection, connection.begin():
        _take_time(connection)
        snapshot = connection.scalar(select(func.pg_export_snapshot()))
        found = contents_of(connection)
        _run(
            "pg_dump", engine.url, "--format=custom", f"--snapshot={snapshot}", f"--exclude-schema={ASIDE}*",
            f"--file={to}",
        )  # fmt: skip
    return found


def look_over(engine: Engine, file: Path, name: str) -> tuple[Contents, Audit] | None:
    """Restore a dump into a new database called ``name`` on the same server, and go through all of it.

    Where making one is not allowed, only that the dump can be listed is known, and the answer is None.
    """
    _run("pg_restore", None, "--list", str(file))
    with _outside_transactions(engine) as connection:
        try:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) == _MAY_NOT:
                return None
            raise
        scratch = engine.url.set(database=name)
        try:
            restore(scratch, file)
            return _looked_at(scratch)
        finally:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _looked_at(address: URL) -> tuple[Contents, Audit]:
    engine = open_engine(address.render_as_string(hide_password=False))
    try:
        with engine.connect() as connection, connection.begin():
            _take_time(connection)
            return contents_of(connection), audit_of(connection)
    finally:
        engine.dispose()


def restore(address: URL, file: Path) -> None:
    """Fill an empty database from a dump: all of it, or nothing. It belongs to whoever does it."""
    whole = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges")
    _run("pg_restore", address, *whole, str(file))


def others(engine: Engine) -> int:
    """How many others are connected to the database: a daemon keeps its connections."""
    here = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    with engine.connect() as connection:
        return connection.scalar(text(f"SELECT count(*) FROM pg_stat_activity WHERE {here}")) or 0  # noqa: S608


@contextmanager
def moved_aside(engine: Engine, stamp: str) -> Iterator[str]:
    """Put all tables into a schema of another name, and an empty one in their place; back again where what follows
    fails. The name of the schema they are in."""
    aside = f"{ASIDE}{stamp}"
    with engine.begin() as connection:
        own = connection.scalar(select(func.quote_ident(func.current_schema())))
        connection.execute(text(f"ALTER SCHEMA {own} RENAME TO {aside}"))
        connection.execute(text(f"CREATE SCHEMA {own}"))
    try:
        yield aside
    except BaseException:
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {own} CASCADE"))
            connection.execute(text(f"ALTER SCHEMA {aside} RENAME TO {own}"))
        raise


@contextmanager
def _outside_transactions(engine: Engine) -> Iterator[Connection]:
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection


def _take_time(connection: Connection) -> None:
    for name in _AS_LONG_AS_IT_TAKES:
        connection.execute(text(f"SET LOCAL {name} = 0"))


def _run(program: str, address: URL | None, *args: str) -> None:
    """Run one of PostgreSQL's programs. Its password goes by the environment: others can read a command line."""
    found = shutil.which(program)
    if found is None:
        fix = "Install PostgreSQL's client programs of the server's version, as Debian's postgresql-client"
        raise InputError(f"the program {program} is not there", fix=fix)
    env, where = dict(os.environ), []
    if address is not None:
        if address.password:
            env["PGPASSWORD"] = str(address.password)
        plain = address.set(drivername="postgresql", password=None)
        where = [f"--dbname={plain.render_as_string(hide_password=False)}"]
    done = subprocess.run([found, *where, *args], env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if "error:" in line), f"exit code {done.returncode}")
        raise InputError(f"{program} failed: {said.partition('error: ')[2] or said}")
