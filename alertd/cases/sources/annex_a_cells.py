"""Reading one cell of an Annex A list, from a workbook (typed) or a CSV file (text).

Each reader returns the value, None for blank, or an :class:`Unreadable` that says why without
repeating the cell. The spellings of coded answers that authorities use are data:
``annex_a_codes.csv``, with ``column,means,written``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib import resources
from math import isfinite
from typing import Final

from alertd.cases.records import Unreadable

UNCALCULATED: Final = Unreadable("is a formula whose result the file does not hold: open it in Excel and save it")
"""Stands in a row for a formula cell that was never calculated. It is not blank: nobody knows what it says."""

_BLANK: Final = frozenset({"", "n/a", "na", "null", "none", "nan", "nil", "-", "--"})
_ERRORS: Final = frozenset({"#n/a", "#na", "#value!", "#ref!", "#name?", "#div/0!", "#null!", "#num!", "#spill!"})

_FILLERS: Final = frozenset({date(1900, 1, 1), date(1899, 12, 31), date(1899, 12, 30), date(9999, 12, 31)})
_YEARS: Final = range(1910, 2200)
_EPOCH: Final = date(1899, 12, 30)  # day 0 of Excel's serial numbers, from March 1900 on
_SERIALS: Final = range((date(1910, 1, 1) - _EPOCH).days, (date(2200, 1, 1) - _EPOCH).days)
_NOT_A_DATE: Final = Unreadable("is not a date (wanted: a date cell, or text as 31/03/2026 or 2026-03-31)")
_TIME: Final = r"(?:[T ]+\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)?"
_UK: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})" + _TIME, re.ASCII)
_ISO: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)" + _TIME, re.ASCII)


def is_error(cell: object) -> bool:
    """Whether a text cell holds what Excel shows for a failed formula, ``#N/A`` or the like."""
    return isinstance(cell, str) and cell.strip().lower() in _ERRORS


def text(cell: object) -> str | None:
    """The cell as text, its spaces (no-break ones too) made single; a whole number loses its decimal point."""
    if isinstance(cell, str):
        found = " ".join(cell.split())
        return None if found.lower() in _BLANK or is_error(found) else found
    if isinstance(cell, float):
        if not isfinite(cell):
            return None
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return None if cell is None or isinstance(cell, Unreadable) else str(cell)


def ident(cell: object) -> str | Unreadable | None:
    """A child's reference. What has no digit in it, or runs on, is a footnote or a name and not a reference."""
    if isinstance(cell, Unreadable):
        return cell
    found = text(cell)
    if found is None:
        return None
    if len(found) > 40 or not any(c.isdigit() for c in found) or not found.isprintable() or isinstance(cell, date):
        return Unreadable("is not a child's reference")
    return re.sub(r"(?<=\d)\.0+$", "", found)


def day(cell: object) -> date | Unreadable | None:
    """A day; a time of day is left out. 0 is what a formula makes of a blank cell, so it is blank."""
    if isinstance(cell, Unreadable):
        return cell
    if isinstance(cell, datetime):
        return _kept(cell.date())
    if isinstance(cell, date):
        return _kept(cell)
    if isinstance(cell, time):
        return None if cell == time() else _NOT_A_DATE
    if isinstance(cell, timedelta | bool):
        return _NOT_A_DATE
    if isinstance(cell, int | float):
        return _of_serial(float(cell))
    return _written(cell) if isinstance(cell, str) else None


@lru_cache(maxsize=20_000)
def _written(cell: str) -> date | Unreadable | None:
    found = text(cell)
    if found is None:
        return None
    try:
        if uk := _UK.fullmatch(found):
            return _kept(date(int(uk[3]), int(uk[2]), int(uk[1])))
        if iso := _ISO.fullmatch(found):
            return _kept(date(int(iso[1]), int(iso[2]), int(iso[3])))
    except ValueError:
        return Unreadable("is a day that does not exist")
    return _of_serial(float(found)) if re.fullmatch(r"\d{1,6}(\.\d+)?", found, re.ASCII) else _NOT_A_DATE


def _of_serial(number: float) -> date | Unreadable | None:
    if number == 0:
        return None
    if not isfinite(number) or int(number) not in _SERIALS:
        return _NOT_A_DATE
    return _EPOCH + timedelta(days=int(number))


def _kept(found: date) -> date | Unreadable:
    if found in _FILLERS:
        return Unreadable("is a filler date (1900-01-01 or 9999-12-31)")
    return found if found.year in _YEARS else Unreadable("has a year outside 1910 to 2199")


def is_unborn(age: object) -> bool:
    """Whether the age column says that the child is not yet born: -1, or the word."""
    return (text(age) or "").lower() in {"-1", "-1.0", "unborn"}


def _key(written: str) -> str:
    """A spelling by its letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", written.lower())


@cache
def _codes() -> Mapping[str, Mapping[str, str]]:
    """By column, the meaning of each spelling."""
    found: dict[str, dict[str, str]] = {}
    with resources.files("alertd.cases.sources").joinpath("annex_a_codes.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            column = found.setdefault(row["column"], {})
            for written in row["written"].split("|"):
                column[_key(written)] = row["means"]
    return found


_PREFIX: Final = re.compile(r"[a-z]{1,2}\)\s*", re.IGNORECASE)
_CODE: Final = re.compile(r"(?<![A-Z0-9])[A-Z]{1,2}\d{1,2}[AB]?(?![A-Z0-9])")


def coded(column: str, cell: object) -> str | Unreadable | None:
    """What a coded answer means, with or without its ``b)``; ``column`` is one of ``annex_a_codes.csv``.

    A spelling that is not in the table is looked through for a code of that column: ``CLA - E1 - Placement order``.
    """
    if isinstance(cell, Unreadable):
        return cell
    found = text(cell)
    return None if found is None else _meaning(column, found)


@lru_cache(maxsize=20_000)
def _meaning(column: str, found: str) -> str | Unreadable | None:
    spellings = _codes()[column]
    bare = _PREFIX.sub("", found, count=1) if _PREFIX.match(found) else found
    for written in (found, bare):
        if (meaning := spellings.get(_key(written))) is not None:
            return meaning or None
    meanings = {spellings[code.lower()] for code in _CODE.findall(found.upper()) if code.lower() in spellings}
    return meanings.pop() if len(meanings) == 1 else Unreadable("is not an answer that is known for this column")


def yes_no(column: str, cell: object) -> bool | Unreadable | None:
    """A coded answer that is yes or no; "Unknown" is blank."""
    found = coded(column, cell)
    return found == "yes" if isinstance(found, str) else found
