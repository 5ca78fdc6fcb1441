"""How many rows a broken feed has, counted by another road than its reader's, where that can still be told."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lxml import etree
from python_calamine import CalamineWorkbook

from alertd.cases.sources.csc_api_fields import EPISODE, EPISODES, ID, WITHIN

Rows = dict[str, frozenset[int]]
"""By what the account is called, how many rows it may have: several where the file can be read in several ways."""

_NAMES_A_CHILD: Final = re.compile(r"(?i)^\W*(child\W*unique\W*id\w*|child\W*id|individual adopter identifier)\W*$")
_HEADING_WITHIN: Final = 10
_MOST_CELLS: Final = 3_000_000
_CIN: Final = {
    "Child": "//Child",
    "CINdetails": "//Child/CINdetails",
    "Assessments": "//Child/CINdetails/Assessments",
    "CINPlanDates": "//Child/CINdetails/CINPlanDates",
    "Section47": "//Child/CINdetails/Section47",
    "ChildProtectionPlans": "//Child/CINdetails/ChildProtectionPlans",
}
_903: Final = {
    "header": "//CHILD",
    "episodes": "//CHILD/EPISODE | //CHILD/HEADER/EPISODE",
    "reviews": "//CHILD/AREVIEW | //CHILD/HEADER/AREVIEW",
    "missing": "//CHILD/AMISSING | //CHILD/HEADER/AMISSING",
}


def rows_in(kind: str, files: Mapping[str, bytes]) -> Rows:
    """The rows of each account that can be counted."""
    found: Rows = {}
    for name, data in files.items():
        ending = name.rpartition(".")[2].lower()
        if ending == "csv" and kind in ("ssda903", "annex_a", "csv"):
            if (counted := _csv(data, kind == "annex_a")) and name not in ("manifest.csv", "windows.csv"):
                found[name] = counted
        elif ending in ("xlsx", "xls", "xlsm") and kind == "annex_a":
            found |= {f"{name}:{title}": n for title, n in _book(data).items()}
        elif ending == "xml" and kind in ("cin_census", "ssda903"):
            paths = _CIN if kind == "cin_census" else _903
            found |= {f"{name}: {title}": frozenset({n}) for title, n in _xml(data, paths).items()}
        elif kind in ("ssd", "sql"):
            found |= {f"query {t}" if kind == "sql" else t: frozenset({n}) for t, n in _tables(data).items()}
    if kind == "csc_api" and len(files) == 1:
        found |= {table: frozenset({n}) for table, n in _payload(next(iter(files.values()))).items()}
    return found


def _text(data: bytes) -> str | None:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _csv(data: bytes, heading_anywhere: bool) -> frozenset[int]:
    """The rows that hold something, without the heading, whatever parts their cells."""
    text = _text(data)
    counts = set()
    for delimiter in ",;\t|" if text else "":
        try:
            rows = [
                row
                for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
                if any(map(str.strip, row))
            ]
        except csv.Error:
            continue
        at = 0
        if heading_anywhere:
            first = rows[:_HEADING_WITHIN]
            at = next((n for n, row in enumerate(first) if any(map(_NAMES_A_CHILD.match, row))), -1)
        if rows and at >= 0:
            counts.add(len(rows) - at - 1)
    return frozenset(counts)


def _book(data: bytes) -> dict[str, frozenset[int]]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
        small = {name: each for name, each in sheets.items() if each.height * each.width < _MOST_CELLS}
        return {name: n for name, each in small.items() if (n := _sheet(each.to_python()))}
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return {}


def _sheet(grid: list[list[Any]]) -> frozenset[int]:
    rows = [row for row in grid if any(not isinstance(cell, str) or cell.strip() for cell in row)]
    first = rows[:_HEADING_WITHIN]
    headed = (
        n for n, row in enumerate(first) if any(_NAMES_A_CHILD.match(str(cell)) for cell in row) and len(set(row)) > 4
    )
    at = next(headed, None)
    return frozenset() if at is None else frozenset({len(rows) - at - 1})


def _xml(data: bytes, paths: Mapping[str, str]) -> dict[str, int]:
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return {}
    found = {}
    for name, path in paths.items():
        anywhere = re.sub(r"(/+)(\w+)", r"\1*[local-name()='\2']", path)
        found[name] = len(root.xpath(anywhere))  # type: ignore[arg-type]
    return found


def _tables(data: bytes) -> dict[str, int]:
    connection = sqlite3.connect(":memory:")
    connection.text_factory = bytes
    found = {}
    try:
        connection.deserialize(data)
        names = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
        for (name,) in names:
            table = name.decode()
            # a count alone may use an index, which in a broken file can say otherwise
            found[table] = sum(1 for _ in connection.execute(f'SELECT * FROM "{table}"'))
    except (sqlite3.Error, UnicodeDecodeError, MemoryError, OverflowError):
        return found
    finally:
        connection.close()
    return found


def _payload(data: bytes) -> dict[str, int]:
    """Each child and element once, of the lists that can be told so; none where children are stated twice or
    anything is purged."""
    try:
        payload = json.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(payload, list) or re.search(rb'"purge":\s*+(?!false|null)', data):
        return {}
    sound = [child for child in payload if isinstance(child, dict) and _is_id(child.get("la_child_id"))]
    ids = [child["la_child_id"] for child in sound]
    if len(set(ids)) < len(ids):
        return {}
    found = {"children": len(payload)}
    by_id = {table: part for table, part in WITHIN.items() if part.purges and table != "child_looked_after_placements"}
    found |= dict.fromkeys((EPISODES, *by_id), 0)
    for child in sound:
        if not all(isinstance(child.get(s), dict | None) for s in ("child_details", "health_and_wellbeing")):
            return {}
        episodes = list(_elements(child.get(EPISODES), EPISODE.key))
        found[EPISODES] += len(episodes)
        for episode in episodes:
            if not isinstance(episode, dict) or not _is_id(episode.get(EPISODE.key)):
                continue
            for table, part in by_id.items():
                found[table] += len(list(_elements(episode.get(table), part.key)))
    return found


def _is_id(value: object) -> bool:
    return isinstance(value, str) and bool(ID.fullmatch(value))


def _elements(value: object, key: str) -> Iterator[object]:
    """The elements of a list, of those with one id the first alone; a list that is none counts as one."""
    if value is None:
        return
    if not isinstance(value, list):
        yield value
        return
    seen = set()
    for each in value:
        name = each.get(key) if isinstance(each, dict) else None
        if not _is_id(name):
            yield each
        elif name not in seen:
            seen.add(name)
            yield each
