"""The tables of the Standard Safeguarding Dataset, as the synthetic authority builds them.

``schema.csv`` holds table, column, SQL Server type, referenced column and status, read from the
Standard Safeguarding Dataset 1.4.5 of Data to Insight (MIT). As in the dataset itself nothing is
enforced: no primary or foreign keys, and every column may be empty.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Unicode,
    UnicodeText,
)
from sqlalchemy.types import TypeEngine

MARK: Final = "alertd synth"
"""``ssd_version_log.created_by`` of a synthetic database: what may be replaced without asking."""

_PLAIN: Final[dict[str, type[TypeEngine[Any]]]] = {
    "DATETIME": DateTime,
    "INT": Integer,
    "FLOAT": Float,
    "BIT": Boolean,
    "BINARY": LargeBinary,
}


def data_rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV file that ships inside this package."""
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


def _type(sql_server: str) -> TypeEngine[Any]:
    if plain := _PLAIN.get(sql_server):
        return plain()
    sized = re.fullmatch(r"N(?:VAR)?CHAR\((\d+)\)", sql_server)
    return Unicode(int(sized[1])) if sized else UnicodeText()


@cache
def metadata() -> MetaData:
    """All 50 tables with every column, in the order of ``schema.csv``."""
    columns: dict[str, list[Column[Any]]] = {}
    for row in data_rows("schema.csv"):
        columns.setdefault(row["table"], []).append(Column(row["column"], _type(row["type"])))
    made = MetaData()
    for name, of_table in columns.items():
        Table(name, made, *of_table)
    return made


def references() -> list[tuple[str, str, str, str]]:
    """(table, column, referenced table, referenced column) for every link the dataset declares."""
    return [
        (row["table"], row["column"], *row["references"].split(".", 1))  # type: ignore[misc]
        for row in data_rows("schema.csv")
        if row["references"]
    ]
