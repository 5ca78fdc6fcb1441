"""What is in a database, so that a copy can be held against what it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, inspect, select, table
from sqlalchemy.orm import Session

from alertd.audit.chain import verify
from alertd.db.access_tables import AuditEntry
from alertd.db.engine import revision


@dataclass(frozen=True, slots=True)
class Contents:
    """The version of the schema, and the rows of each table. Made in one transaction, so of one moment."""

    schema: str
    rows: dict[str, int]

    def unlike(self, copy: Contents) -> str:
        """What a copy lacks or has too much; blank where it is the same."""
        if self.schema != copy.schema:
            return f"its schema is {copy.schema or 'none'} and not {self.schema or 'none'}"
        for name in sorted({*self.rows, *copy.rows}):
            here, there = self.rows.get(name), copy.rows.get(name)
            if here != there:
                return f"table {name} has {there} rows in the copy and {here} in the database"
        return ""


@dataclass(frozen=True, slots=True)
class Audit:
    """How the audit of a copy stands: its entries, the digest of the last, and what is broken, or blank."""

    entries: int
    last: str
    broken: str = ""

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"entries": self.entries, "last": self.last, "broken": self.broken}


def contents_of(connection: Connection) -> Contents:
    """What a connection's transaction sees. Whatever tables there are: a backup is taken before an upgrade too."""
    names = inspect(connection).get_table_names()
    rows = {name: connection.scalar(select(func.count()).select_from(table(name))) or 0 for name in sorted(names)}
    return Contents(revision(connection) or "", rows)


def audit_of(connection: Connection) -> Audit:
    """Go through the audit from its beginning; a database from before there was one has none."""
    if AuditEntry.__tablename__ not in inspect(connection).get_table_names():
        return Audit(0, "")
    with Session(connection) as session:
        found = verify(session)
    return Audit(found.entries, found.last, found.broken)
