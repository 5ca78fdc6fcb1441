"""The statements that read a table of the Standard Safeguarding Dataset, child after child.

Each row comes with its child's reference in front: the row's own, or else that of the plan, period or
referral it names. References are compared as text without the blanks around it, since the same number
may be held as text in one table and as a number in another. All tables are put in the same order, that
of the characters' codes, so that they can be read side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    Select,
    String,
    Text,
    Unicode,
    case,
    cast,
    collate,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy import table as sql_table
from sqlalchemy.types import TypeEngine

from alertd.cases.sources.ssd_layout import Found, ways_to_a_child

Text_ = ColumnElement[Any]

_LONGEST: Final = 255
"""Characters of a reference, where the database needs a limit; the dataset has at most 48."""
_TEXT: Final[Mapping[str, TypeEngine[Any]]] = {
    "sqlite": Text(),
    "postgresql": Text(),
    "mssql": Unicode(_LONGEST),
}
_BY_CODE: Final = {"sqlite": "BINARY", "postgresql": "C", "mssql": "Latin1_General_BIN2"}
"""The collation that compares characters by their codes. Oracle's comparisons do, unless they are told otherwise."""

# Space, tab, the ends of a line, and the space that does not break.
_BLANKS: Final = {
    "sqlite": "' ' || char(9, 10, 11, 12, 13, 160)",
    "postgresql": "E' \\t\\n\\x0b\\f\\r' || chr(160)",
    "oracle": "' ' || CHR(9) || CHR(10) || CHR(11) || CHR(12) || CHR(13) || UNISTR('\\00A0')",
}
_NOTHING: Final[Text_] = literal_column("''")
_NONE: Final[Text_] = literal_column("'-1'")
"""How case systems write that there is none."""


def statement(
    found: Found, there: Mapping[str, Found], schema: str | None, dialect: str, *, routed: bool
) -> Select[Any]:
    """The child's reference, then ``found.cells``, in the order of the references; without one where it cannot be told.

    ``routed``: some rows do not name their child themselves.
    """
    source = _source(found, schema)
    child, origin = _child(found, there, source, schema, dialect, routed=routed)
    cells = [source.c[found.columns[name]] for name in found.cells]
    order = func.nlssort(child, literal_column("'NLS_SORT=BINARY'")) if dialect == "oracle" else child
    return select(child.label("child"), *cells).select_from(origin).order_by(order)


def unnamed(found: Found, schema: str | None, dialect: str) -> Select[Any]:
    """A row for each row of the table that does not name its child itself."""
    source = _source(found, schema)
    own = source.c[found.columns[found.table.person]]
    return (
        select(literal_column("1"))
        .select_from(source)
        .where(_reference(own, found, found.table.person, dialect).is_(None))
    )


def _source(found: Found, schema: str | None) -> Any:
    return sql_table(found.named, *map(column, dict.fromkeys(found.columns.values())), schema=schema)


def _child(
    found: Found, there: Mapping[str, Found], source: Any, schema: str | None, dialect: str, *, routed: bool
) -> tuple[Text_, FromClause]:
    """The reference of a row's child, and the tables that have to be looked into for it."""
    ways = ways_to_a_child(found, there)
    ids: list[Text_] = []
    origin: FromClause = source
    for name in ways if routed else ways[:1]:
        here = _reference(source.c[found.columns[name]], found, name, dialect)
        if name == found.table.person:
            ids.append(here)
            continue
        parent = _owners(there[dict(found.table.routes)[name]], there, schema, dialect).subquery()
        origin = origin.outerjoin(parent, parent.c.ref == here)
        ids.append(parent.c.child)
    return (func.coalesce(*ids) if len(ids) > 1 else ids[0]), origin


def _owners(found: Found, there: Mapping[str, Found], schema: str | None, dialect: str) -> Select[Any]:
    """The keys of a table, each with the child it belongs to; without those that belong to more than one."""
    source = _source(found, schema)
    child, origin = _child(found, there, source, schema, dialect, routed=True)
    key = _reference(source.c[found.columns[found.table.key]], found, found.table.key, dialect)
    each = select(key.label("ref"), child.label("child")).select_from(origin).subquery()
    return (
        select(each.c.ref, func.min(each.c.child).label("child"))
        .group_by(each.c.ref)
        .having(func.min(each.c.child) == func.max(each.c.child))
    )


def _reference(cell: Text_, found: Found, name: str, dialect: str) -> Text_:
    """A reference as text without the blanks around it, NULL where there is none.

    ``cells.ident`` reads the same of the links between records.
    """
    as_text: Text_ = cast(cell, _TEXT.get(dialect, String(_LONGEST)))
    if dialect == "sqlite":  # where any cell of any column may be a number
        whole = (func.typeof(cell) == literal_column("'real'")) & (cell == cast(cell, Integer))
        as_text = case((whole, cast(cast(cell, Integer), Text)), else_=as_text)
    elif name in found.fractional:
        as_text = case((cell == func.floor(cell), cast(cast(cell, Numeric(38, 0)), as_text.type)), else_=as_text)
    bare = func.nullif(func.nullif(_stripped(as_text, dialect), _NOTHING), _NONE)
    return collate(bare, _BY_CODE[dialect]) if dialect in _BY_CODE else bare


def _stripped(value: Text_, dialect: str) -> Text_:
    if dialect == "mssql":  # which can be told what to trim only since 2022
        for blank in ("CHAR(9)", "CHAR(10)", "CHAR(11)", "CHAR(12)", "CHAR(13)", "NCHAR(160)"):
            value = func.replace(value, literal_column(blank), literal_column("' '"))
        return func.ltrim(func.rtrim(value))
    if dialect not in _BLANKS:
        return func.trim(value)
    blanks: Text_ = literal_column(_BLANKS[dialect])
    if dialect == "oracle":
        return func.ltrim(func.rtrim(value, blanks), blanks)
    return (func.btrim if dialect == "postgresql" else func.trim)(value, blanks)
