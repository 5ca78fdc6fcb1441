"""Puts the rows into a database, whole or not at all, and only where nothing real can be lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from alertd.errors import InputError
from alertd.synth.authority import Progress
from alertd.synth.schema import MARK, metadata

_BATCH: Final = 5_000


def write(target: str | Path, rows: Mapping[str, Sequence[Mapping[str, Any]]], progress: Progress | None) -> None:
    """Create the tables at ``target`` (a file, or any SQLAlchemy address) and fill them in one transaction.

    An existing synthetic database is replaced. Anything else that is there already is left alone
    with an InputError: a file that is not a synthetic database, or a database with SSD tables.
    """
    text = str(target)
    if text.startswith("sqlite:///"):
        text = text.removeprefix("sqlite:///")
    if "://" in text:
        _fill(_engine(text), rows, progress)
    else:
        _write_file(Path(text), rows, progress)


def _engine(url: str) -> Engine:
    try:
        return create_engine(url, poolclass=NullPool)
    except (SQLAlchemyError, ImportError) as error:
        raise InputError(
            f"is not a database address that can be used ({type(error).__name__})",
            where="--out",
            fix="Give a file name, or an address as postgresql+psycopg://user@host/database",
        ) from None


def _write_file(path: Path, rows: Mapping[str, Sequence[Mapping[str, Any]]], progress: Progress | None) -> None:
    """Written beside the file and then put in its place, so that readers see the old or the new one."""
    if not path.parent.is_dir():
        raise InputError("there is no such folder", where=str(path.parent), fix="Create it first")
    if path.exists() and not _is_synthetic(path):
        raise InputError("is not a synthetic database", where=str(path), fix="Choose a name that is free")
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    engine = create_engine(URL.create("sqlite", database=str(part)), poolclass=NullPool)
    event.listen(engine, "connect", _fixed_pages)
    try:
        _fill(engine, rows, progress)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _fixed_pages(connection: Any, _: object) -> None:
    """Settings that make two files of the same rows the same bytes; no journal, as the file is new."""
    for pragma in ("page_size = 4096", "auto_vacuum = NONE", "journal_mode = OFF", "synchronous = OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _is_synthetic(path: Path) -> bool:
    read_only = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
    engine = create_engine(read_only, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return _marked(connection)
    except SQLAlchemyError:
        return False


def _marked(connection: Connection) -> bool:
    log = metadata().tables["ssd_version_log"]
    if not inspect(connection).has_table(log.name):
        return False
    return connection.execute(select(log.c.created_by)).scalars().all() == [MARK]


def _fill(engine: Engine, rows: Mapping[str, Sequence[Mapping[str, Any]]], progress: Progress | None) -> None:
    made, total, done = metadata(), sum(map(len, rows.values())), 0
    try:
        with engine.begin() as connection:
            _make_room(connection)
            made.create_all(connection)
            for table in made.sorted_tables:
                batchable = rows.get(table.name, ())
                columns = [c.name for c in table.columns if any(c.name in row for row in batchable)]
                for at in range(0, len(batchable), _BATCH):
                    batch = [{c: row.get(c) for c in columns} for row in batchable[at : at + _BATCH]]
                    connection.execute(table.insert(), batch)
                    done += len(batch)
                    if progress:
                        progress("Writing rows", done, total)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"the database cannot be written: {reason}", where="--out", fix="Check the address and its rights"
        ) from None


def _make_room(connection: Connection) -> None:
    """Drop an older synthetic database's tables; refuse to touch any others."""
    present = [t for t in inspect(connection).get_table_names() if t in metadata().tables]
    if not present:
        return
    if not _marked(connection):
        raise InputError(
            "the database already holds SSD tables that are not synthetic", where="--out", fix="Use an empty database"
        )
    metadata().drop_all(connection)
