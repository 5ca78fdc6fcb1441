"""An SSDA903 return in XML, taken apart into the tables that the CSV files of a return are.

Each CHILD has a HEADER, with the child's own fields and groups (AREVIEW, AMISSING, PERMANENCE, OC2,
AD_PLACED), and EPISODEs. A group that is not known by its name is known by its fields, as a file is by
its columns, so that a group that a later year brings is not passed over. Of what no rule needs, the
rows are counted and their fields are not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from lxml.etree import _Element

from alertd.cases.sources.ssda903_tables import File
from alertd.cases.sources.xml_files import elements, line_of, local, root_of

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "header": ("CHILD", "DOB"),
    "episodes": ("CHILD", "DECOM", "RNE", "LS", "PLACE", "DEC", "REC", "URN", "PL_POST", "REASON_PLACE_CHANGE"),
    "reviews": ("CHILD", "REVIEW"),
    "missing": ("CHILD", "MISSING", "MIS_START", "MIS_END"),
    "sw_episodes": ("CHILD", "SW_ID", "SW_DECOM", "SW_DEC"),
}
"""What is read of each table; of others, nothing but that there is a row."""
_ALWAYS: Final = ("header", "episodes", "reviews", "missing")
"""The tables every XML return can hold, so that one without a row is there and empty."""

_GROUPS: Final = {
    "EPISODE": "episodes",
    "AREVIEW": "reviews",
    "AMISSING": "missing",
    "PERMANENCE": "previous_permanence",
    "OC2": "oc2",
    "AD_PLACED": "placed_for_adoption",
}
_TELLING: Final = {
    "DECOM": "episodes",
    "REVIEW": "reviews",
    "MIS_START": "missing",
    "SW_DECOM": "sw_episodes",
    "PREV_PERM": "previous_permanence",
    "SDQ_SCORE": "oc2",
    "DATE_PLACED": "placed_for_adoption",
    "DOLO_START": "dolo",
}
"""Fields by which a group of another name is known."""
_OWN: Final = {"DUC": "uasc", "IN_TOUCH": "oc3", "DATE_INT": "ad1"}
"""Fields of the child's own which, where they are filled in, are a row of another table."""
_RENAMED: Final = {"CHILDID": "CHILD", "PL": "PLACE"}
"""Elements that have another name than their column."""


def read_xml(path: Path) -> list[File]:
    """The tables of an XML return; none where it is XML of another kind.

    Raises InputError for what is not whole XML, or declares a document type.
    """
    lines: dict[str, list[tuple[int, list[str]]]] = {table: [] for table in _ALWAYS}
    others: Counter[str] = Counter()
    known = root_of(path).upper().endswith("SSDA903")
    with closing(elements(path, ("CHILD",), others)) as children:
        for child in children:
            if not known and not any(local(part) in ("HEADER", "EPISODE") for part in child):
                return []
            known = True
            for table, line, fields in _rows(child, others):
                row = [fields.get(column, "") for column in _COLUMNS.get(table, ("CHILD",))]
                lines.setdefault(table, []).append((line, row))
    if not known:
        return []
    made = [
        File(path.name, table, _COLUMNS.get(table, ("CHILD",)), rows, title=f"{path.name}: {table}")
        for table, rows in lines.items()
    ]
    if others:
        made[0].note = f"{path.name}: {others.total()} elements of kinds that no return has left alone"
    return made


def _rows(child: _Element, others: Counter[str]) -> Iterator[tuple[str, int, dict[str, str]]]:
    """(table, line, fields by column) of each row of one child."""
    own: dict[str, str] = {}
    groups: list[_Element] = []
    for part in child:
        if local(part) == "HEADER":
            own |= _fields(part)
            groups += [inner for inner in part if len(inner) or local(inner) in _GROUPS]
        else:
            groups.append(part)
    yield "header", line_of(child), own
    for field, table in _OWN.items():
        if own.get(field):
            yield table, line_of(child), own
    for group in groups:
        fields = _fields(group)
        table = _GROUPS.get(local(group)) or next((t for name, t in _TELLING.items() if name in fields), "")
        if table:
            yield table, line_of(group), {**fields, "CHILD": own.get("CHILD", "")}
        else:
            others[local(group)] += 1


def _fields(part: _Element) -> dict[str, str]:
    """The text of each element in it that holds no other, by its column's name. Two that differ come out
    together, which is no date and no code."""
    found: dict[str, str] = {}
    for inner in part:
        if not len(inner):
            name, text = local(inner), (inner.text or "").strip()
            known = found.setdefault(_RENAMED.get(name, name), text)
            if known != text:
                found[_RENAMED.get(name, name)] = f"{known} {text}".strip()
    return found
