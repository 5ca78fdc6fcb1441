"""The Standard Safeguarding Dataset, read over SQL from the authority's own reporting database.

The tables are emptied and filled again each night, so everything is read in one consistent pass
that changes nothing, and an emptied table is refused: to take it at its word would be to believe
that every child has left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, column, false, func, inspect, literal_column, select
from sqlalchemy import table as sql_table
from sqlalchemy.exc import SQLAlchemyError

from alertd.cases.accounts import Account
from alertd.cases.kinds import unfilled
from alertd.cases.records import Record, Snapshot, Window, case_files, local_day
from alertd.cases.sources.database import ONE_PASS
from alertd.cases.sources.database import QUOTED as _QUOTED
from alertd.cases.sources.database import address_of as _address
from alertd.cases.sources.database import connected as _connected
from alertd.cases.sources.database import open_sqlite as _open_sqlite  # noqa: F401 - its tests are with this module's
from alertd.cases.sources.database import shown_as as _shown
from alertd.cases.sources.database import why_of as _why
from alertd.cases.sources.ssd_map import Mapper, Row
from alertd.cases.sources.ssd_tables import ALSO_NAMED, FILLS, TABLES, Table
from alertd.errors import InputError

Progress = Callable[[str, int], None]

NEVER_EMPTY: Final = ("person", "cin_episodes")
_BATCH: Final = 2_000
_REFRESH = "If the nightly refresh is running, read again when it has finished"


def read(
    url: str,
    *,
    as_of: datetime,
    schema: str | None = None,
    prefix: str = "ssd_",
    timeframe_years: int = 6,
    progress: Progress | None = None,
) -> Snapshot:
    """Read the tables once, without changing anything.

    ``url`` is a SQLAlchemy address, or the path of a SQLite file. ``prefix`` stands before every
    table name; it may be empty. ``timeframe_years`` is the span the dataset was built for: what it
    does not hold from before then proves nothing. ``progress`` hears the table and the rows so far.
    Raises :class:`InputError` when the database cannot be reached or read, is not this dataset, or
    is in the middle of its refresh.
    """
    address = _address(url)
    shown = _shown(address)
    with _connected(address, shown) as connection:
        feed = _Feed(connection, schema, prefix, f"{shown}, schema {schema}" if schema else shown, progress)
        try:
            feed.find_tables()
            window = Window(start=_years_before(local_day(as_of), timeframe_years))
            cases = case_files(feed.records(), window)
            feed.check_unchanged()
        except SQLAlchemyError as error:
            where = f"{shown}: {feed.reading}" if feed.reading else shown
            why = _QUOTED.sub("(a value)", _why(error, address))
            raise InputError(f"cannot be read: {why}", where=where, fix=_REFRESH) from None
    unnamed = sum(all(r.kind != "child" for r in case.records) for case in cases)
    orphans = [f"children with rows but not in {feed.named['person']}: {unnamed}"] if unnamed else []
    return Snapshot(
        source=f"ssd:{shown}/{schema}" if schema else f"ssd:{shown}",
        cases=cases,
        holds=frozenset(feed.holds),
        window=window,
        accounts={name: Account(rows, rows) for name, rows in feed.counts.items()},
        rejects=tuple(feed.mapper.rejects),
        notes=(*feed.notes, *feed.mapper.notes(), *orphans),
        lacks=unfilled(FILLS),
    )


def _years_before(day: date, years: int) -> date:
    """The same day that many years ago; 28 February for the 29th, as SQL Server counts."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


@dataclass
class _Feed:
    """One pass over the tables. ``named`` are those found, by their name without the prefix."""

    connection: Connection
    schema: str | None
    prefix: str
    place: str
    progress: Progress | None
    mapper: Mapper = field(default_factory=Mapper)
    named: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    holds: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    reading: str = ""

    def find_tables(self) -> None:
        """Match tables and columns by name, whatever their case; raise when these are not the dataset's.

        Every table is touched before any is read: on PostgreSQL that holds off a TRUNCATE, which
        even a consistent view would show as an empty table.
        """
        inspector = inspect(self.connection)
        there = [*inspector.get_table_names(self.schema), *inspector.get_view_names(self.schema)]
        lowered = {name.lower(): name for name in reversed(there)}
        wanted = {table.name: f"{self.prefix}{table.name}" for table in TABLES}
        self.named = {name: lowered[full.lower()] for name, full in wanted.items() if full.lower() in lowered}
        if "person" not in self.named:
            self._not_this_dataset(there, wanted)
        absent = [table for table in TABLES if table.name not in self.named]
        if absent:
            kinds = ", ".join(kind for table in absent for kind in table.kinds)
            names = ", ".join(wanted[table.name] for table in absent)
            self.notes.append(f"not in this database: {names}; so it cannot tell about: {kinds}")
        for table in TABLES:
            if table.name in self.named:
                self.reading = self.named[table.name]
                self.columns[table.name] = self._columns(table)

    def _not_this_dataset(self, there: list[str], wanted: Mapping[str, str]) -> None:
        found = f"has {', '.join(self.named.values())} but no" if self.named else "has no"
        others = ", ".join([*wanted.values()][1:4])
        what = f"{found} table {wanted['person']} (prefix {self.prefix!r}; looked for {wanted['person']}, {others}, …)"
        prefixes = {name[: -len("cin_episodes")] for name in there if name.lower().endswith("cin_episodes")}
        hint = f"The prefix here looks like {prefixes.pop()!r}" if prefixes else f"{len(there)} other tables are there"
        raise InputError(what, where=self.place, fix=f"Set the schema and the table prefix. {hint}")

    def records(self) -> Iterator[Record]:
        """The records of every table found."""
        for table in TABLES:
            columns = self.columns.get(table.name, {})
            self.reading = self.named.get(table.name, "")
            if not columns or not self._may_hold(table, columns):
                continue
            yield from self.mapper.records(table, self.reading, frozenset(columns), self._rows(table, columns))
            if not self.counts[self.reading] and table.name in NEVER_EMPTY:
                raise InputError("is empty", where=f"{self.place}: {self.reading}", fix=_REFRESH)
        self.reading = ""
        empty = [name for name, rows in self.counts.items() if not rows]
        if empty:
            self.notes.append(f"no rows in: {', '.join(empty)}")

    def _columns(self, table: Table) -> dict[str, str]:
        """The table's columns that are there, each with the name it goes by here."""
        source = sql_table(self.reading, schema=self.schema)
        keys = self.connection.execute(select(literal_column("*")).select_from(source).where(false())).keys()
        there = {name.lower(): name for name in keys}
        named = {name: there.get(name) or there.get(ALSO_NAMED.get(name, "")) for name in table.columns}
        return {name: found for name, found in named.items() if found}

    def _may_hold(self, table: Table, columns: Mapping[str, str]) -> bool:
        """Note what the missing columns cost; say whether any kind is left that the table can fill."""
        ways = [table.person, *(name for name, _ in table.routes)]
        missing = [name for name in table.columns if name not in columns and name not in ways]
        can_reach = table.key in columns and any(name in columns for name in ways)
        held = {kind for kind, needed in table.kinds.items() if can_reach and not set(needed) - set(columns)}
        self.holds |= held
        if not can_reach:
            missing = [name for name in (table.key, *ways) if name not in columns]
        lost = ", ".join(kind for kind in table.kinds if kind not in held)
        assumed = [name for name in missing if name in table.assumes]
        self.notes += [f"{self.reading} has no column {name}; {table.assumes[name]}" for name in assumed]
        if missing := [name for name in missing if name not in assumed]:
            cost = f"cannot tell about: {lost}" if lost else "read as blank"
            self.notes.append(f"{self.reading} has no column {', '.join(dict.fromkeys(missing))}; {cost}")
        return bool(held)

    def _rows(self, table: Table, columns: Mapping[str, str]) -> Iterator[Row]:
        source = sql_table(self.reading, *map(column, columns.values()), schema=self.schema)
        absent: Row = dict.fromkeys(name for name in table.columns if name not in columns)
        rows = 0
        result = self.connection.execute(select(*source.c), execution_options={"yield_per": _BATCH})
        for batch in result.partitions():
            for row in batch:
                yield {**absent, **dict(zip(columns, row, strict=True))}
            rows += len(batch)
            self._heard(rows)
        self._heard(rows)

    def _heard(self, rows: int) -> None:
        self.counts[self.reading] = rows
        if self.progress:
            self.progress(self.reading, rows)

    def check_unchanged(self) -> None:
        """Where tables cannot be read as of one instant, refuse a reading that spans a change."""
        if self.connection.dialect.name in ONE_PASS:
            return
        for name, rows in self.counts.items():
            source = sql_table(name, schema=self.schema)
            if self.connection.scalar(select(func.count()).select_from(source)) != rows:
                raise InputError("changed while it was being read", where=f"{self.place}: {name}", fix=_REFRESH)
