"""Person numbers that were merged into others: two records of one child, found to be so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alertd.cases.sources.csv_files import BrokenCsvError, lines, read_text
from alertd.errors import InputError

_COLUMNS = ("old", "new")


def read_merged(file: Path) -> dict[str, str]:
    """The new number by the old one, from a CSV file with the columns ``old`` and ``new``.

    Raises InputError for a file that cannot be used, for an old number that became two new ones, and for
    numbers merged in a circle: nobody could say whose their records are.
    """
    text, _ = read_text(file)
    found: dict[str, str] = {}
    heading: tuple[str, ...] = ()
    places: dict[str, str] = {}
    try:
        for line, cells in lines(text):
            where = f"{file}:{line}"
            if not heading:
                heading = tuple(cell.lower() for cell in cells)
                if heading != _COLUMNS:
                    raise InputError("the columns are not old,new", where=where, fix="Begin the file with: old,new")
                continue
            if len(cells) != len(_COLUMNS) or not all(cells):
                raise InputError("is not an old number and a new one", where=where, fix="Write each row as old,new")
            old, new = cells
            places.setdefault(old, where)
            if found.setdefault(old, new) != new:
                raise InputError(
                    "this old number has another new one further up", where=where, fix="Keep the right row"
                )
    except BrokenCsvError as error:
        raise InputError(
            f"is not whole CSV ({error.why})", where=f"{file}:{error.line}", fix="Write it again"
        ) from None
    for old, where in places.items():
        if _comes_back(old, found):
            raise InputError("this number is merged into itself in the end", where=where, fix="Take the wrong row out")
    return found


def _comes_back(old: str, merged: Mapping[str, str]) -> bool:
    seen = set()
    now = old
    while now in merged and now not in seen:
        seen.add(now)
        now = merged[now]
    return now == old
