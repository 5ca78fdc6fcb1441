"""The files of an SSDA903 return: which tables each holds.

A file is known by its columns or elements, never by its name. Faults that spoil a whole file raise
InputError; a fault in one row is a reject.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from alertd.cases.sources.csv_files import BrokenCsvError, lines, read_text
from alertd.cases.sources.ssda903_tables import SIGNATURES, File
from alertd.cases.sources.ssda903_xml import read_xml
from alertd.errors import InputError

_CUT: Final = "Export the file again: it is cut short or damaged."
_READERS: Final[dict[str, Callable[[Path], list[File]]]] = {
    ".csv": lambda path: [file] if (file := _read_csv(path)) else [],
    ".xml": read_xml,
}


def read_files(path: Path, progress: Callable[[str, int], None] | None) -> tuple[list[File], list[str]]:
    """The recognised tables of a file, or of those directly in a folder in order of name; and the names
    of CSV and XML files there that hold none.

    Raises InputError when there is no such place, or a file cannot be read.
    """
    if not path.exists():
        raise InputError(
            "there is no such folder or file", where=str(path), fix="Check the path to the SSDA903 return."
        )
    tables: list[File] = []
    strangers: list[str] = []
    try:
        folder = sorted(path.iterdir()) if path.is_dir() else [path]
        for each in folder:
            reader = _READERS.get(each.suffix.lower())
            if reader is None or each.name.startswith("."):
                continue
            found = reader(each)
            tables += found
            if not found:
                strangers.append(each.name)
            for file in found if progress else ():
                progress(file.title, file.account.rows)  # type: ignore[misc]
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(error.filename or path)) from error
    return tables, strangers


def _read_csv(path: Path) -> File | None:
    text, note = read_text(path)
    file: File | None = None
    whole: list[tuple[int, list[str]]] = []
    short: list[tuple[int, int]] = []
    last: tuple[int, list[str]] = (0, [])
    try:
        for line, cells in lines(text):
            last = line, cells
            if file is None:
                columns = tuple(cell.upper() for cell in cells)
                table = next((t for t, wanted in SIGNATURES.items() if set(wanted) <= set(columns)), None)
                if table is None:
                    return None
                file = File(path.name, table, columns, whole, note=note)
            elif len(cells) != len(file.columns):
                short.append((line, len(cells)))
            else:
                whole.append(last)
    except BrokenCsvError as error:
        if file is None:
            return None
        raise InputError(f"is not whole CSV ({error.why})", where=f"{path.name}:{error.line}", fix=_CUT) from error
    if file is None:
        return None
    if not text.endswith(("\n", "\r")):
        _look_for_a_cut(file, *last)
    file.account.rows = len(whole) + len(short)
    for line, count in short:
        file.reject(f"{file.name}:{line}", f"has {count} columns, not {len(file.columns)}")
    return file


def _look_for_a_cut(file: File, line: int, cells: list[str]) -> None:
    """The text of ``file`` stops within a line: refuse it where it stops within a row.

    Some systems leave out the last line's end, so a row with all its cells is let pass. Where its last
    cell is unlike every other there, as half a date is, that is noted. A cut between two rows leaves no
    trace; that fewer rows came than last time is for the guard against half-loaded feeds to see.
    """
    if len(cells) < len(file.columns):
        raise InputError("stops in the middle of a row", where=f"{file.name}:{line}", fix=_CUT)
    shapes = {_shape(others[-1]) for at, others in file.lines if at != line}
    if shapes and _shape(cells[-1]) not in shapes:
        odd = (
            f"{file.name}: has no end of line after its last row, whose last cell is like no other: is the file whole?"
        )
        file.note = f"{file.note}; {odd}" if file.note else odd


def _shape(cell: str) -> str:
    return re.sub("[A-Za-z]", "a", re.sub("[0-9]", "0", cell))
