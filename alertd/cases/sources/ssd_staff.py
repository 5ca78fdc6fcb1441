"""Who works where, from the Standard Safeguarding Dataset: its professionals, departments and involvements.

It holds no address of anybody, no deputy and no absence: those the authority gives in files of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Select, column, func, inspect, select
from sqlalchemy import table as sql_table
from sqlalchemy.exc import SQLAlchemyError

from alertd.cases.sources.cells import ident, text
from alertd.cases.sources.database import address_of, connected, shown_as, why_of
from alertd.cases.sources.ssd_layout import Found, look_at
from alertd.cases.sources.ssd_table import Table
from alertd.errors import InputError

_PROFESSIONALS: Final = Table(
    name="professionals",
    kinds={},
    key="prof_professional_id",
    person="prof_professional_id",
    extra=("prof_professional_name", "prof_professional_job_title", "prof_professional_department"),
)
_DEPARTMENT: Final = Table(
    name="department",
    kinds={},
    key="dept_team_id",
    person="dept_team_id",
    extra=("dept_team_name", "dept_team_parent_id"),
)
_INVOLVEMENTS: Final = Table(
    name="involvements",
    kinds={},
    key="invo_professional_id",
    person="invo_person_id",
    extra=("invo_professional_team", "invo_involvement_end_date"),
)


@dataclass(frozen=True, slots=True)
class Professional:
    """A row of the professionals; blank what it does not say. ``department`` is a team's id or its name."""

    name: str = ""
    title: str = ""
    department: str = ""


@dataclass(frozen=True, slots=True)
class Department:
    """A team or service, and the id of the one above it."""

    name: str = ""
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class StaffRows:
    """Professionals and departments by id. ``open_children`` counts, by worker and by team (blank: none
    recorded), the children with an involvement that has no end. ``was_read``: false while the feed could not be."""

    professionals: Mapping[str, Professional] = field(default_factory=dict)
    departments: Mapping[str, Department] = field(default_factory=dict)
    open_children: Mapping[tuple[str, str], int] = field(default_factory=dict)
    was_read: bool = True

    def team_of(self, worker: str) -> str | None:
        """The id of a professional's team: as their row names it, else where most of their open children are."""
        named = self.professionals.get(worker, Professional()).department
        if named in self.departments:
            return named
        by_name = [id_ for id_, team in self.departments.items() if team.name.casefold() == named.casefold() != ""]
        if len(by_name) == 1:
            return by_name[0]
        held = [
            (-n, team) for (who, team), n in self.open_children.items() if who == worker and team in self.departments
        ]
        return min(held)[1] if held else None

    def children_of(self, worker: str) -> int:
        """How many open children a professional has."""
        return sum(n for (who, _), n in self.open_children.items() if who == worker)


def read_staff(url: str, *, schema: str | None = None, prefix: str = "ssd_") -> StaffRows:
    """The staff of a dataset, read as of one instant. Nothing is changed.

    Raises :class:`InputError` when the database cannot be reached or read, or has no professionals: it is
    emptied and filled again each night.
    """
    address = address_of(url)
    shown = shown_as(address)
    with connected(address, shown) as connection:
        try:
            return _read(connection, schema, prefix, shown)
        except (SQLAlchemyError, UnicodeDecodeError) as error:
            raise InputError(f"the staff cannot be read: {why_of(error, address)}", where=shown) from None


def _read(connection: Connection, schema: str | None, prefix: str, shown: str) -> StaffRows:
    inspector = inspect(connection)
    lowered = {n.lower(): n for n in [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]}
    found: dict[str, Found] = {}
    for table in (_PROFESSIONALS, _DEPARTMENT, _INVOLVEMENTS):
        name = f"{prefix}{table.name}"
        if name.lower() not in lowered:
            raise InputError(f"has no table {name}", where=shown, fix="Set the schema and the table prefix")
        found[table.name] = look_at(connection, schema, table, lowered[name.lower()])
        if table.key not in found[table.name].columns:
            raise InputError(f"has no column {table.key}", where=f"{shown}: {name}")
    professionals = {
        id_: Professional(*(text(cell) or "" for cell in cells))
        for id_, *cells in _rows(connection, found["professionals"], schema)
    }
    if not professionals:
        fix = "If the nightly refresh is running, it is read again when it has finished"
        raise InputError(f"{prefix}professionals is empty", where=shown, fix=fix)
    departments = {
        id_: Department(text(name) or "", ident(parent))
        for id_, name, parent in _rows(connection, found["department"], schema)
    }
    return StaffRows(professionals, departments, _open_children(connection, found["involvements"], schema))


def _rows(connection: Connection, found: Found, schema: str | None) -> Iterator[tuple[Any, ...]]:
    """The key of each row and its other cells, None for a column that is not there; sorted by key."""
    rows = sorted(connection.execute(_select(found, schema, found.cells)).all(), key=repr)
    at = {name: n for n, name in enumerate(found.cells)}
    keyed = {id_: row for row in rows if (id_ := ident(row[at[found.table.key]]))}
    for id_ in sorted(keyed):
        yield id_, *(keyed[id_][at[name]] if name in at else None for name in found.table.extra)


def _open_children(connection: Connection, found: Found, schema: str | None) -> dict[tuple[str, str], int]:
    names = ("invo_professional_id", "invo_professional_team", "invo_person_id", "invo_involvement_end_date")
    if any(name not in found.columns for name in names):
        return {}
    source = _source(found, schema)
    worker, team, child, end = (source.c[found.columns[name]] for name in names)
    rows = select(worker, team, func.count(child.distinct())).where(end.is_(None)).group_by(worker, team)
    counted: Counter[tuple[str, str]] = Counter()
    for who, of, n in connection.execute(rows):
        if id_ := ident(who):
            counted[id_, ident(of) or ""] += n
    return dict(counted)


def _source(found: Found, schema: str | None) -> Any:
    return sql_table(found.named, *map(column, dict.fromkeys(found.columns.values())), schema=schema)


def _select(found: Found, schema: str | None, names: tuple[str, ...]) -> Select[Any]:
    source = _source(found, schema)
    return select(*(source.c[found.columns[name]] for name in names))
