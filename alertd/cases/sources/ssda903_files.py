"""The files of an SSDA903 return: which table each CSV holds, and its rows.

A file is known by its columns, never by its name. Faults that spoil a whole file raise
InputError; a fault in one row is a Reject.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alertd.cases.accounts import Reject
from alertd.cases.sources.csv_files import BrokenCsvError, lines, read_text
from alertd.errors import InputError

SIGNATURES: Final = {
    "episodes": ("CHILD", "DECOM", "RNE", "LS", "PLACE", "DEC", "REC"),
    "sw_episodes": ("CHILD", "SW_ID", "SW_DECOM", "SW_DEC"),
    "missing": ("CHILD", "MISSING", "MIS_START", "MIS_END"),
    "reviews": ("CHILD", "REVIEW"),
    "placed_for_adoption": ("CHILD", "DATE_PLACED"),
    "previous_permanence": ("CHILD", "PREV_PERM"),
    "ad1": ("CHILD", "DATE_INT", "DATE_MATCH"),
    "oc2": ("CHILD", "SDQ_SCORE"),
    "oc3": ("CHILD", "IN_TOUCH"),
    "uasc": ("CHILD", "DUC"),
    "dolo": ("CHILD", "DOLO_START"),
    "header": ("CHILD", "DOB", "UPN"),
}
"""The columns that tell one table from another, the DfE's names. Others may be there, in any order."""

UNREADABLE_SHARE: Final = 0.05
"""The share of rejected rows beyond which a file is taken for damaged. Our own choice."""


@dataclass(slots=True)
class File:
    """One recognised CSV file. ``lines`` are (line number, cells) of the data rows that are whole;
    ``count`` is all data rows. Readers of the rows add their own rejects."""

    name: str
    table: str
    columns: tuple[str, ...]
    lines: list[tuple[int, list[str]]]
    rejects: list[Reject]
    count: int
    note: str = ""

    def rows(self, *names: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(``file:line``, the named cells) of each row; a column the file lacks is blank."""
        at = [self.columns.index(n) if n in self.columns else None for n in names]
        for line, cells in self.lines:
            yield f"{self.name}:{line}", tuple("" if i is None else cells[i] for i in at)


def read_files(folder: Path, progress: Callable[[str, int], None] | None) -> tuple[list[File], list[str]]:
    """The recognised files directly in ``folder`` in order of name, and the names of those that are not.

    Raises InputError when the folder is not there, is not a folder, or a file cannot be read.
    """
    if not folder.exists():
        raise InputError("there is no such folder", where=str(folder), fix="Check the path to the SSDA903 return.")
    if not folder.is_dir():
        raise InputError("is a file, not a folder", where=str(folder), fix="Name the folder that holds the CSV files.")
    files: list[File] = []
    strangers: list[str] = []
    try:
        paths = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".csv" and not p.name.startswith("."))
        for path in paths:
            found = _read(path)
            if found is None:
                strangers.append(path.name)
                continue
            files.append(found)
            if progress:
                progress(found.name, found.count)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(error.filename or folder)) from error
    return files, strangers


def _read(path: Path) -> File | None:
    text, note = read_text(path)
    whole: list[tuple[int, list[str]]] = []
    rejects: list[Reject] = []
    columns: tuple[str, ...] = ()
    table: str | None = None
    try:
        for line, cells in lines(text):
            if not columns:
                columns = tuple(cell.upper() for cell in cells)
                table = next((t for t, wanted in SIGNATURES.items() if set(wanted) <= set(columns)), None)
                if table is None:
                    return None
            elif len(cells) != len(columns):
                rejects.append(Reject(f"{path.name}:{line}", f"has {len(cells)} columns, not {len(columns)}"))
            else:
                whole.append((line, cells))
    except BrokenCsvError as error:
        if table is None:
            return None
        fix = "Export the file again: it is cut short or damaged."
        raise InputError(f"is not whole CSV ({error.why})", where=f"{path.name}:{error.line}", fix=fix) from error
    return None if table is None else File(path.name, table, columns, whole, rejects, len(whole) + len(rejects), note)


def refuse_damaged(file: File) -> None:
    """Raise InputError at the first reject when more than UNREADABLE_SHARE of a file's rows were rejected."""
    if len(file.rejects) > UNREADABLE_SHARE * file.count:
        first = file.rejects[0]
        what = f"{len(file.rejects)} of {file.count} rows of this file cannot be read; the first {first.why}"
        raise InputError(what, where=first.where, fix="Export the file again.")
