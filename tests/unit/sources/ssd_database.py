"""Small Standard Safeguarding Dataset databases for tests, made from a dict of tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import Column, DateTime, MetaData, String, Table, create_engine, insert

from alertd.cases.records import LONDON, CaseFile, Record, Snapshot
from alertd.cases.sources.ssd import read
from alertd.cases.sources.ssd_tables import TABLES

AS_OF = datetime(2026, 11, 1, 9, tzinfo=LONDON)
COLUMNS = {table.name: table.columns for table in TABLES}

Row = dict[str, object]
Rows = Iterable[Mapping[str, object]]

LEAST: dict[str, list[dict[str, object]]] = {
    "person": [{"pers_person_id": "P1", "pers_dob": "2015-03-02 00:00:00"}],
    "cin_episodes": [{"cine_referral_id": "R1", "cine_person_id": "P1", "cine_referral_date": "2026-01-05 00:00:00"}],
}


def fill(
    url: str,
    tables: Mapping[str, Rows],
    *,
    prefix: str = "ssd_",
    schema: str | None = None,
    typed: bool = False,
) -> None:
    """Create the tables of ``tables`` and fill them. A row names its columns; a table has those the
    dataset has, less those a row gives as ``-column``, plus any others a row names. ``typed`` makes
    the date columns timestamps, as a database server has them; otherwise all are text."""
    metadata = MetaData(schema=schema)
    engine = create_engine(url)
    with engine.begin() as connection:
        for name, given in tables.items():
            rows = [dict(row) for row in given]
            gone = {column[1:] for row in rows for column in row if column.startswith("-")}
            columns = dict.fromkeys((*COLUMNS.get(name, ()), *(c for row in rows for c in row)))
            kept = [c for c in columns if c not in gone and not c.startswith("-")]
            dates = {c for c in kept if typed and c.endswith(("_date", "_dob", "_due", "_contact"))}
            made = Table(prefix + name, metadata, *(Column(c, DateTime() if c in dates else String()) for c in kept))
            made.create(connection)
            filled = [
                {c: datetime.fromisoformat(str(row[c])) if c in dates and row.get(c) else row.get(c) for c in kept}
                for row in rows
                if any(not c.startswith("-") for c in row)
            ]
            if filled:
                connection.execute(insert(made), filled)
    engine.dispose()


def load(tmp_path: Path, tables: Mapping[str, Rows], **options: object) -> Snapshot:
    """The snapshot of a SQLite database with these tables, beside one child with one referral."""
    path = tmp_path / "ssd.db"
    fill(f"sqlite:///{path}", {**LEAST, **tables})
    return read(str(path), as_of=AS_OF, **options)  # type: ignore[arg-type]


def case(snapshot: Snapshot, child: str = "P1") -> CaseFile:
    """One child's records."""
    return next(case for case in snapshot.cases if case.child == child)


def only(snapshot: Snapshot, kind: str, child: str = "P1") -> Record:
    """The child's one record of a kind."""
    (record,) = case(snapshot, child).of(kind)
    return record


def keys(snapshot: Snapshot, kind: str, child: str = "P1") -> list[str]:
    """The keys of the child's records of a kind."""
    return sorted(record.key for record in case(snapshot, child).of(kind))


def visit(table: str, key: str, **row: object) -> Row:
    """A visit as ``cp``, ``cla`` or ``cin`` holds it."""
    stem = {"cp": "cppv", "cla": "clav", "cin": "cinv"}[table]
    return {
        f"{stem}_{table}_visit_id": key,
        f"{stem}_person_id": "P1",
        f"{stem}_{table}_visit_date": "2026-05-01",
        **row,
    }


def plan(**row: object) -> Row:
    """A child protection plan of P1."""
    return {"cppl_cp_plan_id": "CP1", "cppl_person_id": "P1", "cppl_cp_plan_start_date": "2026-03-02", **row}
