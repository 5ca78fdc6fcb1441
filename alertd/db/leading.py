"""Which of the daemons on one database leads: it alone reads feeds, evaluates, composes and follows what was sent.

The database is the arbiter. On PostgreSQL the leader holds an advisory lock by a connection of its own, and says there
every few seconds that it lives. The lock ends with the connection, and the server ends a connection that has been
silent for :data:`SILENT`: so it makes no difference whether a leader died, was stopped or is cut off. SQLite serves one
host, where a lock on a file beside the database does the same for a daemon that ends.

A leader that was stopped does not know, when it goes on, that another leads by now. So each taking of the lead begins a
new *term*, and whoever decides what to tell sees in the same transaction that its term is still the latest.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

from sqlalchemy import Connection, Engine, Integer, String, func, insert, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from alertd.db.base import Base
from alertd.db.engine import reading
from alertd.errors import InputError

EVERY: Final = timedelta(seconds=5)
"""How often a leader says that it lives, and another daemon tries whether it may lead."""

SILENT: Final = timedelta(seconds=30)
"""How long the server hears nothing of a leader before it ends its connection, and with it the lead."""

LEADING: Final = 0x616C656C
"""The advisory lock of the one that leads; any number of our own will do."""

DECIDING: Final = 0x616C6563
"""The advisory lock of those who write alerts and notices."""

_ROW: Final = 1


class Leader(Base):
    """Who took the lead last: one row, its ``term`` raised each time. ``holder`` is a UUID of the process, because a
    database that was restored may count a term again."""

    __tablename__ = "leader"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    term: Mapped[int] = mapped_column(Integer)
    holder: Mapped[str] = mapped_column(String(36))
    host: Mapped[str] = mapped_column(String(200))
    process: Mapped[int] = mapped_column(Integer)
    since: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Term:
    """One time of leading: its number, by whom, on which host and process, and since when."""

    number: int
    holder: str
    host: str
    process: int
    since: datetime

    def __str__(self) -> str:
        return f"{self.host}, process {self.process}"


class StoodDownError(Exception):
    """Another daemon took the lead meanwhile: what was found by then is older than what it knows, and is not
    written."""


_AT_WORK: ContextVar[Term | None] = ContextVar("term", default=None)
"""The term in which the work of this thread or task was begun. It travels with the work, so that what was begun in one
term is not written in a later one, though it may be ours again."""


@contextmanager
def under(term: Term) -> Iterator[None]:
    """Work done within, in threads made by it too, is written only while the term stands."""
    token = _AT_WORK.set(term)
    try:
        yield
    finally:
        _AT_WORK.reset(token)


def alone(session: Session) -> None:
    """One at a time decides what to tell, until the transaction ends. SQLite sees to it itself.

    Raises :class:`StoodDownError` for work of a leader that leads no more. Commands and pages, which lead nothing, are
    not asked.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(DECIDING)))
    ours = _AT_WORK.get()
    # Read after the lock: a term is taken under it too, so none can begin before this transaction ends.
    if ours is not None and latest(session) != ours:
        raise StoodDownError(f"term {ours.number} is over")


def latest(session: Session) -> Term | None:
    """The newest term, whether its leader still lives or not; None where no daemon ever led."""
    columns = (Leader.term, Leader.holder, Leader.host, Leader.process, Leader.since)
    row = session.execute(select(*columns).where(Leader.id == _ROW)).first()
    return Term(*row) if row else None


def somebody_leads(engine: Engine) -> bool:
    """Whether a daemon holds the lead at this moment. For others than daemons."""
    if engine.dialect.name == "postgresql":
        held = text(
            "select count(*) from pg_locks where locktype = 'advisory' and granted and classid = 0 and objid = :lock "
            "and objsubid = 1 and database = (select oid from pg_database where datname = current_database())"
        )
        with reading(engine).connect() as connection:
            return bool(connection.execute(held, {"lock": LEADING}).scalar_one())
    file = _beside(engine)
    return file.exists() and not _is_free(file)


class _Hold(Protocol):
    """What is held while leading, and goes when its process does."""

    def take(self) -> bool:
        """Whether it is ours now. Never waits for whoever holds it."""
        ...

    def stands(self) -> bool:
        """Say that we live; whether it is still ours."""
        ...

    def release(self) -> None:
        """Let go. Does not raise."""
        ...


class Leading:
    """Whether this daemon leads. ``term`` is what it took and has not noticed to have lost."""

    def __init__(self) -> None:
        self.term: Term | None = None
        self._holder: Final = str(uuid4())
        self._hold: _Hold | None = None

    def turn(self, engine: Engine, now: datetime) -> None:
        """Say that we live where we lead, and try to take the lead where we do not. For one thread, which may wait.

        Raises what the database raises, and leads no more then: the server may have ended our connection. Raises
        InputError where on SQLite the file of the lock cannot be opened.
        """
        if self._hold is None:
            self._hold = _Advisory(engine) if engine.dialect.name == "postgresql" else _File(_beside(engine))
        try:
            if self.term is None:
                if self._hold.take():
                    self.term = self._begun(engine, now)
            elif not self._hold.stands() or self._overtaken(engine):
                self.close()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another lead."""
        self.term = None
        if self._hold is not None:
            self._hold.release()

    def _begun(self, engine: Engine, now: datetime) -> Term:
        """Begin a term, once nobody decides any more by the one before."""
        with Session(engine) as session, session.begin():
            if engine.dialect.name == "postgresql":
                session.execute(select(func.pg_advisory_xact_lock(DECIDING)))
            before = latest(session)
            host, number = socket.gethostname()[:200], before.number + 1 if before else 1
            term = Term(number, self._holder, host, os.getpid(), now)
            values = {
                "term": term.number, "holder": term.holder, "host": term.host, "process": term.process,
                "since": term.since,
            }  # fmt: skip
            if before:
                session.execute(update(Leader).where(Leader.id == _ROW).values(values))
            else:
                session.execute(insert(Leader).values(id=_ROW, **values))
            begun = latest(session)  # as the database has it: some keep less of a moment than we do
        assert begun is not None
        return begun

    def _overtaken(self, engine: Engine) -> bool:
        """A pool of connections in between may give one lock to two daemons; a term, to one only."""
        with Session(reading(engine)) as session:
            return latest(session) != self.term


class _Advisory:
    """On PostgreSQL: a lock of a connection that is used for nothing else."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._backend = 0
        self._ends: Callable[[], None] = lambda: None

    def take(self) -> bool:
        if self._connection is None:
            self._connection = self._connected()
        tried = select(func.pg_try_advisory_lock(LEADING), func.pg_backend_pid())
        taken, self._backend = self._connection.execute(tried).one()
        return bool(taken)

    def stands(self) -> bool:
        assert self._connection is not None
        return bool(self._connection.execute(select(func.pg_backend_pid())).scalar_one() == self._backend)

    def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._ends()  # without waiting for an answer: the server may not give one
            connection.invalidate()
            connection.close()

    def _connected(self) -> Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        driver: Any = connection.connection.dbapi_connection
        self._ends = driver.close
        # By name, because servers before PostgreSQL 14 do not know it: they notice only a connection that ends.
        silent = "select set_config(name, :silent, false) from pg_settings where name = 'idle_session_timeout'"
        connection.execute(text(silent), {"silent": str(int(SILENT.total_seconds() * 1000))})
        return connection


class _File:
    """On SQLite: a lock of this process on a file beside the database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> bool:
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            what, fix = f"cannot be opened ({error.strerror})", "Let alertd's user write to it and to its folder"
            raise InputError(what, where=str(self._path), fix=fix) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def stands(self) -> bool:
        return self._file is not None

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _beside(engine: Engine) -> Path:
    database = Path(str(engine.url.database).removeprefix("file:"))
    return database.with_name(f"{database.name}-leader")


def _is_free(file: Path) -> bool:
    opened = os.open(file, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(opened)
