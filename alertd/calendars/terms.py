"""School terms, from the authority's own file: for lengths that the law counts in school days."""

from __future__ import annotations

import csv
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final

from alertd.calendars.calendar import Term
from alertd.errors import InputError

COLUMNS: Final = ("start", "end", "closed")


def read_terms(path: Path) -> tuple[Term, ...]:
    """The terms of a CSV file, in order: one row a term or half term.

    ``start`` and ``end`` are its first and last day, ``closed`` the days inside it on which schools
    are closed to pupils (training days, half terms within it), parted by spaces; days as 2026-09-02.
    Raises :class:`InputError` with ``file:line: column`` for what cannot be read or overlaps.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise InputError("the columns are not start, end and closed", where=f"{path}:1")
            terms = [_term(row, f"{path}:{reader.line_num}") for row in reader]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), fix="Check its path") from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8 text", where=str(path)) from None
    except csv.Error as error:
        raise InputError(f"is not a table: {error}", where=str(path)) from None
    terms.sort(key=lambda term: term.start)
    for before, after in pairwise(terms):
        if after.start <= before.end:
            raise InputError(f"the term from {after.start} begins before the one before it ends", where=str(path))
    return tuple(terms)


def _term(row: dict[str | None, str], where: str) -> Term:
    if None in row:
        raise InputError("there are more than three columns", where=where, fix="Part closed days by spaces")
    start, end = _day(row, "start", where), _day(row, "end", where)
    if end < start:
        raise InputError(f"it ends before it starts, on {end}", where=f"{where}: end")
    closed = tuple(_read(text, f"{where}: closed") for text in (row["closed"] or "").split())
    outside = next((day for day in closed if not start <= day <= end), None)
    if outside:
        raise InputError(f"{outside} is not in the term", where=f"{where}: closed")
    return Term(start, end, closed)


def _day(row: dict[str | None, str], column: str, where: str) -> date:
    return _read((row[column] or "").strip(), f"{where}: {column}")


def _read(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is not a day", where=where, fix="Write it as 2026-09-02") from None
