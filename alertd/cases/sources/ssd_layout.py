"""Which tables and columns of the Standard Safeguarding Dataset a database has, and what that leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, CursorResult, false, inspect, literal_column, select
from sqlalchemy import table as sql_table

from alertd.cases.sources.ssd_flavours import FLAVOURS, flavour_of
from alertd.cases.sources.ssd_table import ALSO_NAMED, Table
from alertd.cases.sources.ssd_tables import TABLES
from alertd.errors import InputError

_FRACTIONAL: Final = frozenset({float, Decimal, 700, 701, 1700})
"""What drivers say of a column whose numbers may have decimals; 700, 701 and 1700 are PostgreSQL's (pg_type.dat)."""


@dataclass(frozen=True, slots=True)
class Found:
    """A table that is there. ``named`` is its name in the database, and ``columns`` those of its columns that
    are there, each with the name it goes by here; ``fractional`` may hold numbers with decimals. ``held`` are
    the kinds it can fill."""

    table: Table
    named: str
    columns: Mapping[str, str]
    fractional: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()

    @property
    def cells(self) -> tuple[str, ...]:
        """The columns whose cells are read, in the order in which they are asked for."""
        return tuple(name for name in self.table.cells if name in self.columns)


@dataclass(slots=True)
class Layout:
    """The tables found, by their name without the prefix; ``notes`` say what is missing and what that costs."""

    tables: dict[str, Found] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def read(self) -> list[Found]:
        """The tables that can fill a kind, in their order."""
        return [found for found in self.tables.values() if found.held]

    @property
    def holds(self) -> frozenset[str]:
        """The kinds that can be filled."""
        return frozenset[str]().union(*(found.held for found in self.tables.values()))


def find(connection: Connection, schema: str | None, prefix: str, place: str) -> Layout:
    """Match tables and columns by name, whatever their case; raise InputError when these are not the dataset's.

    Every table is touched before any is read: on PostgreSQL that holds off a TRUNCATE, which
    even a consistent view would show as an empty table.
    """
    inspector = inspect(connection)
    there = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    lowered = {name.lower(): name for name in reversed(there)}
    wanted = {table.name: f"{prefix}{table.name}" for table in TABLES}
    named = {name: lowered[full.lower()] for name, full in wanted.items() if full.lower() in lowered}
    if "person" not in named:
        raise _not_this_dataset(place, prefix, named, there, wanted)
    layout = Layout()
    absent = [table for table in TABLES if table.name not in named]
    if absent:
        kinds = ", ".join(dict.fromkeys(kind for table in absent for kind in table.kinds))
        names = ", ".join(wanted[table.name] for table in absent)
        layout.notes.append(f"not in this database: {names}; so it cannot tell about: {kinds}")
    for table in TABLES:
        if table.name in named:
            layout.tables[table.name] = look_at(connection, schema, table, named[table.name])
    flavour = flavour_of({(name, column) for name, found in layout.tables.items() for column in found.columns.values()})
    layout.notes += FLAVOURS[flavour]
    for name, found in layout.tables.items():
        layout.tables[name], notes = _judged(found, layout.tables)
        layout.notes += notes
    return layout


def _not_this_dataset(
    place: str, prefix: str, named: Mapping[str, str], there: list[str], wanted: Mapping[str, str]
) -> InputError:
    found = f"has {', '.join(named.values())} but no" if named else "has no"
    others = ", ".join([*wanted.values()][1:4])
    what = f"{found} table {wanted['person']} (prefix {prefix!r}; looked for {wanted['person']}, {others}, …)"
    prefixes = {name[: -len("cin_episodes")] for name in there if name.lower().endswith("cin_episodes")}
    hint = f"The prefix here looks like {prefixes.pop()!r}" if prefixes else f"{len(there)} other tables are there"
    return InputError(what, where=place, fix=f"Set the schema and the table prefix. {hint}")


def look_at(connection: Connection, schema: str | None, table: Table, named: str) -> Found:
    """Which columns of a table are there. ``named`` is its name in the database."""
    source = sql_table(named, schema=schema)
    result: CursorResult[Any] = connection.execute(select(literal_column("*")).select_from(source).where(false()))
    described = result.cursor.description if result.cursor else ()
    result.close()
    there = {name.lower(): name for name in result.keys()}  # noqa: SIM118 - a result is no mapping
    by_name = {name: there.get(name) or there.get(ALSO_NAMED.get(name, "")) for name in table.columns}
    columns = {name: found for name, found in by_name.items() if found}
    kinds = {column[0].lower(): column[1] for column in described}
    fractional = {name for name, found in columns.items() if kinds.get(found.lower()) in _FRACTIONAL}
    return Found(table, named, columns, frozenset(fractional))


def _judged(found: Found, there: Mapping[str, Found]) -> tuple[Found, list[str]]:
    """The kinds the table can fill, and notes on what its missing columns cost."""
    table, columns = found.table, found.columns
    ways = [table.person, *(name for name, _ in table.routes)]
    missing = [name for name in table.columns if name not in columns and name not in ways]
    can_reach = table.key in columns and bool(ways_to_a_child(found, there))
    held = frozenset(kind for kind, needed in table.kinds.items() if can_reach and not set(needed) - set(columns))
    if not can_reach:
        missing = [name for name in (table.key, *ways) if name not in columns]
    lost = ", ".join(kind for kind in table.kinds if kind not in held)
    assumed = [name for name in missing if name in table.assumes]
    notes = [f"{found.named} has no column {name}; {table.assumes[name]}" for name in assumed]
    if missing := [name for name in missing if name not in assumed]:
        cost = f"cannot tell about: {lost}" if lost else "read as blank"
        notes.append(f"{found.named} has no column {', '.join(dict.fromkeys(missing))}; {cost}")
    return Found(table, found.named, columns, found.fractional, held), notes


def ways_to_a_child(found: Found, there: Mapping[str, Found]) -> tuple[str, ...]:
    """The columns by which its rows lead to a child: its own, and those that name a row of a table that has one."""
    routes = [
        name
        for name, target in found.table.routes
        if name in found.columns
        and target in there
        and there[target].table.key in there[target].columns
        and ways_to_a_child(there[target], there)
    ]
    own = [found.table.person] if found.table.person in found.columns else []
    return (*own, *routes)
