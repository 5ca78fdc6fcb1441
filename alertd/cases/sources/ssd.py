"""The Standard Safeguarding Dataset, read over SQL from the authority's own reporting database.

The tables are emptied and filled again each night, so everything is read in one consistent pass
that changes nothing, and an emptied table is refused: to take it at its word would be to believe
that every child has left. All tables are read side by side in the order of the children's
references, so that no more than one child's rows need be held at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache, partial
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Final

import orjson
from sqlalchemy import Connection, CursorResult, Select, func, literal_column, select
from sqlalchemy import table as sql_table
from sqlalchemy.exc import SQLAlchemyError

from alertd.cases.accounts import Ledger
from alertd.cases.kinds import LATEST_ONLY, unfilled
from alertd.cases.reading import Made, Pending, Progress, collected, digest_of
from alertd.cases.records import Snapshot, Unreadable, Window, local_day
from alertd.cases.sources import ssd_layout
from alertd.cases.sources.cells import ident, reference
from alertd.cases.sources.database import ONE_PASS, QUOTED, address_of, connected, shown_as, why_of
from alertd.cases.sources.ssd_layout import Found, Layout, ways_to_a_child
from alertd.cases.sources.ssd_map import Row, case_of, plan_of
from alertd.cases.sources.ssd_select import statement, unnamed
from alertd.cases.sources.ssd_tables import FILLS
from alertd.errors import InputError

NEVER_EMPTY: Final = ("person", "cin_episodes")
_BATCH: Final = 500
"""Rows fetched at a time, of each of some forty tables: what all of them hold at once stays with the daemon."""
_REFRESH: Final = "If the nightly refresh is running, read again when it has finished"
_NO_CHILD: Final = "cannot tell whose it is: its columns lead to no child, or to more than one"

_FOR_THE_WHOLE: Final = {
    "postgresql": "SELECT set_config(name, CASE name WHEN 'jit' THEN 'off' ELSE '1' END, true) FROM pg_settings"
    " WHERE name IN ('jit', 'cursor_tuple_fraction')"
}
"""Settings for our own transaction, as far as the server has them: every row will be fetched, so plan for that."""


def read(
    url: str,
    *,
    as_of: datetime,
    schema: str | None = None,
    prefix: str = "ssd_",
    timeframe_years: int = 6,
    progress: Progress | None = None,
) -> Snapshot:
    """Read everything at once; what the arguments mean, and what is refused, :func:`opened` says."""
    with opened(
        url, as_of=as_of, schema=schema, prefix=prefix, timeframe_years=timeframe_years, progress=progress
    ) as reading:
        return collected(reading)


@contextmanager
def opened(
    url: str,
    *,
    as_of: datetime,
    schema: str | None = None,
    prefix: str = "ssd_",
    timeframe_years: int = 6,
    progress: Progress | None = None,
) -> Iterator[SsdReading]:
    """The dataset, to be read child after child within the block, without changing anything.

    ``url`` is a SQLAlchemy address, or the path of a SQLite file. ``prefix`` stands before every
    table name; it may be empty. ``timeframe_years`` is the span the dataset was built for: what it
    does not hold from before then proves nothing. ``progress`` hears the table and the rows so far.
    Raises :class:`InputError` when the database cannot be reached or read, is not this dataset, or
    is in the middle of its refresh.
    """
    address = address_of(url)
    shown = shown_as(address)
    with connected(address, shown) as connection:
        reading = SsdReading(
            connection=connection,
            schema=schema,
            place=f"{shown}, schema {schema}" if schema else shown,
            source=f"ssd:{shown}/{schema}" if schema else f"ssd:{shown}",
            window=Window(start=_years_before(local_day(as_of), timeframe_years)),
            progress=progress,
        )
        with reading.refusing_faults():
            reading.look(prefix)
        yield reading


def _years_before(day: date, years: int) -> date:
    """The same day that many years ago; 28 February for the 29th, as SQL Server counts."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


@dataclass
class SsdReading:
    """One pass over the tables, as :class:`alertd.cases.reading.Reading` says."""

    connection: Connection
    schema: str | None
    place: str
    source: str
    window: Window
    progress: Progress | None = None
    layout: Layout = field(default_factory=Layout)
    counts: dict[str, int] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    as_at: date | None = None
    lacks: frozenset[str] = field(default_factory=lambda: unfilled(FILLS))
    latest: frozenset[str] = LATEST_ONLY["ssd"]
    windows: Mapping[str, Window] = field(default_factory=dict)
    strangers: int = 0
    """Children who have rows, and none in the table of persons."""
    _table: str = ""

    @property
    def holds(self) -> frozenset[str]:
        """The kinds this database can hold."""
        return self.layout.holds

    @property
    def notes(self) -> tuple[str, ...]:
        """What is missing, and what that costs."""
        notes = list(self.layout.notes)
        if empty := [name for name, rows in self.counts.items() if not rows]:
            notes.append(f"no rows in: {', '.join(empty)}")
        if self.strangers:
            notes.append(f"children with rows but not in {self.layout.tables['person'].named}: {self.strangers}")
        return tuple(notes)

    @contextmanager
    def refusing_faults(self) -> Iterator[None]:
        """Whatever the database has against it is said in one line, and no cell is repeated."""
        try:
            yield
        except (SQLAlchemyError, UnicodeDecodeError) as error:
            where = f"{self.place}: {self._table}" if self._table else self.place
            why = QUOTED.sub("(a value)", why_of(error, self.connection.engine.url))
            raise InputError(f"cannot be read: {why}", where=where, fix=_REFRESH) from None

    def look(self, prefix: str) -> None:
        """Find the tables and columns. Refuses what is not this dataset, or is being refreshed."""
        if settings := _FOR_THE_WHOLE.get(self.connection.dialect.name):
            self.connection.exec_driver_sql(settings).close()
        self.layout = ssd_layout.find(self.connection, self.schema, prefix, self.place)
        for name in NEVER_EMPTY:
            if found := self.layout.tables.get(name):
                self._table = found.named
                source = sql_table(found.named, schema=self.schema)
                if not self._any(select(literal_column("1")).select_from(source)):
                    raise InputError("is empty", where=f"{self.place}: {found.named}", fix=_REFRESH)
        self._table = ""

    def children(self) -> Iterator[Pending]:
        """Each child once, in the order of their references: of the codes of their characters."""
        read, holds, window = self.layout.read, self.holds, self.window
        names = [found.table.name for found in read]
        mark = digest_of(orjson.dumps([(found.table.name, *found.cells) for found in read]))
        plans = [plan_of(found) for found in read]

        def made(child: str, parts: list[tuple[int, list[Row]]]) -> Made:
            return case_of(child, [(plans[i], rows) for i, rows in parts], holds, window)

        with ExitStack() as held, self.refusing_faults():
            streams = [self._rows(found, held) for found in read]
            for child, parts in _side_by_side(streams):
                if names[parts[0][0]] != "person":
                    self.strangers += 1
                rows = _as_bytes([(names[i], rows) for i, rows in parts])
                yield Pending(child, digest_of(mark + rows), partial(made, child, parts))
            self._check_unchanged()

    def _rows(self, found: Found, held: ExitStack) -> Iterator[tuple[str, list[Row]]]:
        """Each child's rows of one table, in an order of their own; those of no child are rejected on the way."""
        self._table = found.named
        self.counts[found.named] = 0
        connection = self.connection
        if connection.dialect.name not in ONE_PASS:
            # Such a database may have no more than one statement open on a connection.
            connection = held.enter_context(self.connection.engine.connect())
        own = ways_to_a_child(found, self.layout.tables)[0] == found.table.person
        dialect = connection.dialect.name
        routed = not own or (bool(found.table.routes) and self._any(unnamed(found, self.schema, dialect)))
        wanted = statement(found, self.layout.tables, self.schema, dialect, routed=routed)
        result = connection.execute(wanted, execution_options={"yield_per": _BATCH})
        held.callback(result.close)
        return self._by_child(found, chain.from_iterable(self._batches(found, result)))

    def _any(self, wanted: Select[Any]) -> bool:
        """Whether a statement gives a row at all."""
        with self.connection.execute(wanted, execution_options={"yield_per": 1}) as result:
            return result.first() is not None

    def _batches(self, found: Found, result: CursorResult[Any]) -> Iterator[list[Row]]:
        """Rows as the driver gives them: to make SQLAlchemy's own of them would take as long as reading them."""
        while result.cursor and (batch := result.cursor_strategy.fetchmany(result, result.cursor, _BATCH)):
            self._heard(found.named, len(batch))
            yield batch if type(batch[0]) is tuple else [*map(tuple, batch)]
            self._table = found.named
        self._heard(found.named, 0)

    def _heard(self, named: str, more: int) -> None:
        self.counts[named] += more
        if self.progress:
            self.progress(named, self.counts[named])

    def _by_child(self, found: Found, rows: Iterator[Row]) -> Iterator[tuple[str, list[Row]]]:
        before = ""
        for child, own in groupby(rows, itemgetter(0)):
            if not (isinstance(child, str) and _names_a_child(child)):
                for row in own:
                    self._reject(found, row)
                continue
            if child < before:
                what = "does not come in the order of the children's references, as it was asked to"
                raise InputError(what, where=f"{self.place}: {found.named}", fix="Tell us which database this is")
            before = child
            yield child, list(own)

    def _reject(self, found: Found, row: Row) -> None:
        self.ledger.of(found.named).rows += 1
        key = ident(row[1])
        where = f"{found.named} {key or '(no key)'}"
        if key:
            said = reference(row[0])
            why = f"names a child by what {said.why}" if isinstance(said, Unreadable) else _NO_CHILD
            self.ledger.reject(found.named, where, why, found.columns.get(found.table.person, ""))
        else:
            self.ledger.reject(found.named, where, "has no key", found.columns[found.table.key])

    def _check_unchanged(self) -> None:
        """Where tables cannot be read as of one instant, refuse a reading that spans a change."""
        if self.connection.dialect.name in ONE_PASS:
            return
        for name, rows in self.counts.items():
            source = sql_table(name, schema=self.schema)
            if self.connection.scalar(select(func.count()).select_from(source)) != rows:
                raise InputError("changed while it was being read", where=f"{self.place}: {name}", fix=_REFRESH)


@lru_cache(maxsize=1_000)
def _names_a_child(cell: str) -> bool:
    """Cached: the tables come side by side, so each asks of the same child at about the same time."""
    return isinstance(reference(cell), str)


def _side_by_side(streams: list[Iterator[tuple[str, list[Row]]]]) -> Iterator[tuple[str, list[tuple[int, list[Row]]]]]:
    """Each child with its rows of all streams, by the number of the stream; each stream is in the children's order."""
    heads = {i: head for i, stream in enumerate(streams) if (head := next(stream, None))}
    children = {i: child for i, (child, _) in heads.items()}
    while children:
        child = min(children.values())
        parts = [(i, heads[i][1]) for i, at in children.items() if at == child]
        for i, _ in parts:
            if head := next(streams[i], None):
                heads[i], children[i] = head, head[0]
            else:
                del heads[i], children[i]
        yield child, parts


def _as_bytes(parts: list[tuple[str, list[Row]]]) -> bytes:
    """A child's rows as bytes, the same whatever the order they came in; they are put in order on the way."""
    for _, rows in parts:
        if len(rows) > 1:
            try:
                rows.sort()
            except TypeError:  # a blank beside what is not one
                rows.sort(key=repr)
    try:
        return orjson.dumps(parts, default=str)
    except orjson.JSONEncodeError:  # as a number beyond 64 bits
        return repr(parts).encode("utf-8", "backslashreplace")
