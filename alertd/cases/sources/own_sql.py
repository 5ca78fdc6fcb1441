"""An authority's own lists from queries of its own: one SELECT for each kind of record.

The columns of a query are named, by alias, as docs/csv-layout.md names those of a CSV list. All
queries are read as of one instant, where the database can do that, and nothing is ever changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, CursorResult
from sqlalchemy.exc import SQLAlchemyError

from alertd.cases.accounts import Ledger
from alertd.cases.kinds import KINDS
from alertd.cases.records import Snapshot, Window, case_files
from alertd.cases.sources.cells import reference
from alertd.cases.sources.csv_files import read_text
from alertd.cases.sources.database import ONE_PASS, QUOTED, address_of, connected, shown_as, why_of
from alertd.cases.sources.own_lists import FILLS, OwnList, Progress, check_columns, lacking, plain, records_of
from alertd.errors import InputError, did_you_mean

__all__ = ["FILLS", "check", "queries_of", "read"]

_BATCH: Final = 2_000
_PARTS: Final = re.compile(r"""(["'])(.*?)\1""")
_TOKENS: Final = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/", re.DOTALL
)
"""What is no part of the statement's own words: text, quoted names and comments."""
_CHANGES: Final = re.compile(
    r"(?i)\b(insert|update|delete|merge|drop|alter|create|truncate|grant|revoke|exec|execute|call|into|copy|attach|"
    r"pragma|vacuum|lock|begin|commit|rollback|declare|set)\b"
)
"""Words that no reading query needs. ``into`` makes a table on SQL Server."""
_AGAIN: Final = "If the database was being refreshed, read again when it has finished; else correct the query"


def read(
    url: str,
    *,
    queries: Mapping[str, str],
    as_of: datetime,  # noqa: ARG001 - as all readers
    windows: Mapping[str, Window] | None = None,
    progress: Progress | None = None,
) -> Snapshot:
    """Run the query of each kind once, and read its rows as they come.

    ``url`` is a SQLAlchemy address, or the path of a SQLite file. ``queries`` are SELECT statements by
    kind, whose columns are fields of the kind, ``child`` and ``key``. ``windows`` gives the kinds of
    which not everything ever recorded can be asked. Raises InputError, naming kind, query and column,
    for a query that is no SELECT, that the database refuses or that has columns of no such kind.
    """
    _check_statements(queries)
    address = address_of(url)
    shown = shown_as(address)
    ledger = Ledger()
    with connected(address, shown) as connection:
        lists = [_read(connection, address, kind, queries[kind], ledger, progress) for kind in sorted(queries)]
        at_once = connection.dialect.name in ONE_PASS
    notes = () if at_once else ("this database shows each query its own instant, not all of them the same",)
    lacks = lacking(lists)
    holds = frozenset(queries)
    of_kinds = {kind: window for kind, window in (windows or {}).items() if kind in holds}
    return Snapshot(
        source=f"sql:{shown}",
        cases=case_files(records_of(lists), Window(), of_kinds=of_kinds, holds=holds),
        holds=holds,
        window=Window(),
        accounts=ledger.accounts,
        rejects=tuple(ledger.rejects),
        notes=(*notes, *ledger.notes()),
        lacks=lacks,
    )


def check(url: str, queries: Mapping[str, str]) -> None:
    """Try every query without reading its rows. Raises InputError for the first that cannot be used."""
    _check_statements(queries)
    address = address_of(url)
    with connected(address, shown_as(address)) as connection:
        for kind, query in sorted(queries.items()):
            with _answer(connection, address, kind, query):
                pass


def queries_of(folder: Path) -> dict[str, str]:
    """The queries of a folder: ``need.sql`` has that of need. Other files are left alone.

    Raises InputError for a file whose name is no kind, and where there is none.
    """
    if not folder.is_dir():
        raise InputError("there is no such folder", where=str(folder), fix="Name the folder of the .sql files")
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() == ".sql" and file.name[0] != ".")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(folder)) from None
    found = {}
    for file in files:
        kind = file.stem.lower()
        if kind not in KINDS:
            raise InputError("is not named for a kind of record", where=file.name, fix=_hint(kind))
        found[kind] = read_text(file)[0]
    if not found:
        raise InputError("there is no .sql file here", where=str(folder), fix="Name each for its kind: need.sql")
    return found


def _hint(kind: str) -> str:
    return did_you_mean(kind, KINDS) or "See: alertd sources kinds"


def _check_statements(queries: Mapping[str, str]) -> None:
    if not queries:
        raise InputError("there is no query", where="queries", fix='Give one for each kind: need = "SELECT ..."')
    for kind, query in queries.items():
        where = f"queries: {kind}"
        if kind not in KINDS:
            raise InputError("is not a kind of record", where=where, fix=_hint(kind))
        words = _TOKENS.sub(" ", query).strip().rstrip("; \n\t")
        if not re.match(r"(?i)(select|with)\b", words):
            raise InputError("does not begin with SELECT or WITH", where=where, fix="Write one reading query")
        if ";" in words:
            raise InputError("is more than one statement", where=where, fix="Write one reading query")
        if changing := _CHANGES.search(words):
            fix = "Only what reads is run. Put a name that looks so in quotes"
            raise InputError(f"has the word {changing[0].upper()}", where=where, fix=fix)


def _read(
    connection: Connection, address: URL, kind: str, query: str, ledger: Ledger, progress: Progress | None
) -> OwnList:
    table = f"query {kind}"
    with _answer(connection, address, kind, query) as (result, names):
        found = OwnList(KINDS[kind], table, names, ledger)
        found.take(_rows(result, table, names), progress)
        return found


@contextmanager
def _answer(
    connection: Connection, address: URL, kind: str, query: str
) -> Iterator[tuple[CursorResult[Any], tuple[str, ...]]]:
    """The answer to a query with its columns, checked against the kind's fields before any row is read."""
    where = f"{shown_as(address)}: query {kind}"
    try:
        # The text is sent as it stands: a colon or a percent sign in it is no parameter.
        options = {"yield_per": _BATCH, "no_parameters": True}
        result = connection.exec_driver_sql(query.strip().rstrip("; \n\t"), execution_options=options)
        with result:
            names = tuple(plain(str(name)) for name in result.keys())  # noqa: SIM118 - not a mapping
            check_columns(KINDS[kind], names, where)
            yield result, names
    except (SQLAlchemyError, UnicodeDecodeError) as error:
        what = f"the query failed: {_without_values(why_of(error, address), query)}"
        raise InputError(what, where=where, fix=_AGAIN) from None


def _without_values(why: str, query: str) -> str:
    """A driver's line without what it quotes, unless the query itself says that: the rest may be a cell."""
    own = all(part in query for _, part in _PARTS.findall(why)) and not re.search("[\"']", _PARTS.sub("", why))
    return why if own else QUOTED.sub("(a value)", why)


def _rows(result: CursorResult[Any], table: str, names: Sequence[str]) -> Iterator[tuple[str, Sequence[object]]]:
    """Where each row stands, and its cells. A row is named by its key: the order of an answer is nobody's."""
    at = names.index("key") if "key" in names else None
    n = 0
    try:
        for batch in result.partitions():
            for row in batch:
                n += 1
                key = reference(row[at]) if at is not None else None
                yield f"{table}: {key}" if isinstance(key, str) else f"{table}, row {n}", tuple(row)
    except (ValueError, OverflowError, TypeError):  # what a driver says of a cell that it cannot make a value of
        what = f"the driver cannot read a value after row {n:,}"
        raise InputError(what, where=table, fix="Make text of dates and numbers in the query (CAST)") from None
