"""Opening the database, and bringing its schema to what this code needs.

SQLite (one host) and PostgreSQL (any number) are served. Both are set up so that a commit that
was answered is on disk, and so that nothing waits for ever on a lock.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, column, create_engine, event, func, inspect, literal, select, table
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from alertd.db.migrations import versions
from alertd.errors import InputError

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_SECONDS = 10
"""How long a statement waits for another writer before it fails."""

WAL_BYTES = 16 * 2**20
"""The most that SQLite's log of writes keeps of the disk once whoever read for long has ended."""

_POSTGRES_OPTIONS = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "statement_timeout": 60_000,  # milliseconds, as all of them
        "lock_timeout": BUSY_SECONDS * 1000,
        "idle_in_transaction_session_timeout": 60_000,
        "synchronous_commit": "on",  # a server may be set up to answer before a commit is on disk
        "default_transaction_isolation": r"read\ committed",  # what another committed is seen once we had the lock
    }.items()
)
_POSTGRES_NETWORK = {
    "connect_timeout": BUSY_SECONDS,  # seconds, as those of keepalives
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,  # milliseconds
}
"""So that a server that is cut off is noticed after half a minute: by itself TCP waits a quarter of an hour for an
answer that never comes, and two hours where it waits for nothing."""

_MIGRATION_LOCK = 0x616C6572
"""Any number will do, as long as every alertd takes the same one."""

_SQLITE_FAULTS = {
    "SQLITE_CANTOPEN": ("the database file cannot be opened", "Check that the folder exists and may be written to"),
    "SQLITE_NOTADB": ("the file is not a database", "Name another file, or move this one away"),
    "SQLITE_CORRUPT": ("the database file is damaged", "Restore it from a backup"),
    "SQLITE_READONLY": ("the database is read-only", "Let alertd's user write to the file and to its folder"),
    "SQLITE_BUSY": ("another program holds the database", "End that program, or try again"),
}


def open_engine(url: str) -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql://…``, tried once before it is returned.

    Every transaction on SQLite takes the write lock when it begins, except those of
    :func:`reading`. The error of a statement never shows its values: they may be personal data.
    Raises ``InputError`` for an address that cannot be used.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        raise InputError("the database address cannot be read", fix="Write it as sqlite:///path/to/alertd.db") from None
    match address.get_backend_name():
        case "sqlite":
            engine = _sqlite(address)
        case "postgresql":
            engine = create_engine(
                address.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={"options": _POSTGRES_OPTIONS, **_POSTGRES_NETWORK},
            )
        case other:
            raise InputError(f"a database of kind {other} is not served", fix="Use sqlite or postgresql")
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("CREATE TABLE write_probe (x)")  # never committed
    except DBAPIError as fault:
        engine.dispose()
        raise _explained(fault, address) from fault
    return engine


def reading(engine: Engine) -> Engine:
    """The same database for read-only transactions, which do not wait for writers on SQLite."""
    return engine.execution_options(postgresql_readonly=True)


def answers(engine: Engine) -> bool:
    """Whether the database answers. Its own time limits hang when it does: then this does not return."""
    try:
        with reading(engine).connect() as connection:
            return bool(connection.execute(select(literal(True))).scalar_one())
    except (DBAPIError, NoConnectionLeft):
        return False


def out_of_reach(error: DBAPIError) -> bool:
    """Whether it is the database's doing, as that it is away, held or ended our connection, and not what we asked."""
    return isinstance(error, OperationalError) or error.connection_invalidated


def upgrade(engine: Engine) -> None:
    """Create or bring up the schema to this code's, in one transaction; safe when two start at once.

    Raises ``InputError`` where the database does not let us.
    """
    try:
        _upgrade(engine)
    except DBAPIError as fault:
        raise _explained(fault, engine.url) from fault


def _upgrade(engine: Engine) -> None:
    with _altering(engine) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            _wait_for_turn(connection)
        _refuse_newer(connection)
        if revision(connection) == revisions()[-1]:
            return  # to look at every row that refers to another takes seconds, at each start
        _to_head(connection)
        if connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            assert broken is None, f"a row of {broken[0]} would lead nowhere"


def _wait_for_turn(connection: Connection) -> None:
    """Let one process at a time bring the schema up. That may take long, for an index of a large table, and whoever
    starts meanwhile waits. A table that somebody else holds is waited for as ever: behind us everybody would queue."""
    connection.execute(select(*(func.set_config(name, "0", True) for name in ("statement_timeout", "lock_timeout"))))
    connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    connection.execute(select(func.set_config("lock_timeout", f"{BUSY_SECONDS}s", True)))


@contextmanager
def _altering(engine: Engine) -> Iterator[Connection]:
    """A connection that may copy a table to alter it, as SQLite must, while others refer to it: what refers to what is
    looked at when all is done, because it cannot be looked at in between."""
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            yield connection
            return
        raw: Any = connection.connection.dbapi_connection
        raw.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            raw.execute("PRAGMA foreign_keys=ON")


def check_schema(engine: Engine) -> None:
    """Raise ``InputError`` for a database newer than this code; an older one is for :func:`upgrade`."""
    with reading(engine).connect() as connection:
        _refuse_newer(connection)


def open_to_look(url: str) -> Engine:
    """The engine of a database that a daemon has made, to read what it keeps; it is neither made nor upgraded.

    Raises ``InputError`` where there is none, or where it is of another version than this program's.
    """
    fix = "alertd run, or alertd sources sync, with this program makes it or brings it up"
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and not Path(str(address.database).removeprefix("file:")).exists():
        raise InputError("nothing has been kept here yet", where=str(address.database), fix=fix)
    engine = open_engine(url)
    check_schema(engine)
    with reading(engine).connect() as connection:
        if revision(connection) != revisions()[-1]:
            engine.dispose()
            raise InputError("nothing has been kept here yet by this version", where=_where(address), fix=fix)
    return engine


def _where(address: URL) -> str:
    return address.render_as_string(hide_password=True)


def _sqlite(address: URL) -> Engine:
    if address.database in (None, "", ":memory:"):
        raise InputError("a database in memory would lose what must be kept", fix="Name a file: sqlite:///alertd.db")
    folder = Path(str(address.database).removeprefix("file:")).parent
    if not os.path.isdir(folder):  # and not Path.is_dir, which raises where we may not look
        what = "the folder for the database does not exist, or alertd's user may not look into it"
        raise InputError(what, where=str(folder), fix="Create it, and let alertd's user write there")
    engine = create_engine(address, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where _begin says, not where the driver guesses
        _to_write_ahead(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", f"journal_size_limit={WAL_BYTES}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and asks for the lock later can be refused without waiting.
        read_only = connection.get_execution_options().get("postgresql_readonly")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _to_write_ahead(connection: Any) -> None:
    """Switch the file to its write-ahead log. SQLite does not wait for that by itself when another
    process is switching it too, as when two start at once on a new file."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as fault:
            if not fault.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() >= give_up:
                raise
            time.sleep(0.02)


def _explained(fault: DBAPIError, address: URL) -> InputError:
    where = _where(address)
    if isinstance(fault.orig, sqlite3.Error):
        name = getattr(fault.orig, "sqlite_errorname", "")
        for known, (what, fix) in _SQLITE_FAULTS.items():
            if name.startswith(known):
                return InputError(what, where=where, fix=fix)
    reason = " ".join(str(fault.orig).split())
    return InputError(f"the database cannot be used: {reason}", where=where)


def _to_head(connection: Connection) -> None:
    from alembic import command  # needed at one start in many, and with all it brings it would stay in every daemon

    config = _migrations()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _migrations() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "alertd.db:migrations")
    return config


def revisions() -> tuple[str, ...]:
    """What the schema went through up to this code's, in order: the numbers in the names of the migrations."""
    names = (file.name for file in files(versions).iterdir())
    return tuple(sorted(found[1] for name in names if (found := re.fullmatch(r"v(\d{4})_\w+\.py", name))))


def revision(connection: Connection) -> str | None:
    """The revision that a database is at; None where nothing was made yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()


def _refuse_newer(connection: Connection) -> None:
    current = revision(connection)
    if current is not None and current not in revisions():
        raise InputError(
            f"the database is newer than this alertd (it is at {current})",
            where=connection.engine.url.render_as_string(),
            fix="Run: pip install --upgrade alertd, or restore the backup taken before it was upgraded",
        )
