"""A database of the authority's: reaching it, and reading it as of one instant without changing anything."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from alertd.errors import InputError

ONE_PASS: Final[Mapping[str, Mapping[str, Any]]] = {
    "sqlite": {},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    "oracle": {"isolation_level": "SERIALIZABLE"},
}
"""Databases that show all tables as of one instant, and how to ask for it. In any other the rows
are counted again after reading."""
QUOTED: Final = re.compile(r"""(["']).*\1""")
"""What a driver quotes while rows are read may be a cell: ``invalid input syntax for type date: "…"``."""


def address_of(url: str) -> URL:
    """A SQLAlchemy address, or the path of a SQLite file. Raises InputError for what is neither."""
    if "://" not in url:
        return URL.create("sqlite", database=url)
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        fix = "Write it as driver://user:password@host:port/database, or give the path of a SQLite file"
        raise InputError("the database address cannot be understood", fix=fix) from None


def shown_as(address: URL) -> str:
    """The address as it may be shown: no user, no password, no options."""
    if address.get_backend_name() == "sqlite":
        return re.sub(r"//.*@", "//", address.database or "")
    port = f":{address.port}" if address.port else ""
    return f"{address.get_backend_name()}://{address.host or ''}{port}/{address.database or ''}"


def why_of(error: BaseException, address: URL) -> str:
    """The driver's own first line, without the password."""
    if isinstance(error, UnicodeDecodeError):  # the line quotes text of the database that is none
        return "the database is damaged"
    lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    text = re.sub(r"(?i)(pwd|password)=[^;&\s]*", r"\1=***", lines[0])
    return text.replace(address.password, "***") if address.password else text


@contextmanager
def connected(address: URL, shown: str) -> Iterator[Connection]:
    """A connection that sees one instant and changes nothing, for as long as it is held.

    Raises InputError where there is no driver, no such file or no answer.
    """
    backend = address.get_backend_name()
    options: dict[str, Any] = {}
    if backend == "sqlite":
        path = Path((address.database or "").removeprefix("file:"))
        if not path.is_file():
            raise InputError("there is no such database file", where=shown, fix="Check the path")
        options["creator"] = partial(open_sqlite, path)
    try:
        engine = create_engine(address, poolclass=NullPool, **options)
        connection = engine.connect().execution_options(**ONE_PASS.get(backend, {}))
        if backend == "sqlite":
            connection.exec_driver_sql("BEGIN")  # the driver begins none for a SELECT
    except (ImportError, NoSuchModuleError):
        fix = f"Install the Python package for {address.drivername}"
        raise InputError(f"there is no driver for {address.drivername}", where=shown, fix=fix) from None
    except (SQLAlchemyError, OSError, TypeError, ValueError) as error:
        fix = "Check the address, the account and that the database is up"
        raise InputError(f"cannot connect: {why_of(error, address)}", where=shown, fix=fix) from None
    with connection:
        yield connection


def open_sqlite(path: Path) -> sqlite3.Connection:
    """A SQLite file opened to be read, leaving no files beside it."""
    how = "mode=ro"
    with path.open("rb") as file:
        write_ahead = file.read(20)[18:] == b"\x02\x02"  # https://www.sqlite.org/fileformat.html, 1.3
    if write_ahead and not Path(f"{path}-wal").exists():
        # A read-only connection would leave -wal and -shm files beside it.
        how = "mode=rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    return connection
