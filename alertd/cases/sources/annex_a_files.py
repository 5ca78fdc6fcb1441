"""The lists of an Annex A extract, out of workbooks and CSV files: known by their columns, whatever they are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from alertd.cases.reading import Progress
from alertd.cases.records import Unreadable
from alertd.cases.sources import annex_a_cells as v
from alertd.cases.sources.annex_a_lists import LISTS, List, list_of, names_a_child
from alertd.cases.sources.annex_a_order import doubted
from alertd.cases.sources.annex_a_workbooks import ENDINGS, MAX_FILE, Sheet, sheets
from alertd.cases.sources.csv_files import BrokenCsvError, lines, read_text
from alertd.errors import InputError

HEADING_WITHIN: Final = 10
"""The rows, blank ones left out, within which a list's headings stand."""
MANY: Final = 20
"""Rows of a list from which on a column of last visits, reviews or checks that is blank in all of them is taken
for one that the authority does not fill. Our own choice."""

_STATED: Final = re.compile(r"extract|as at|as of|run on|(run|data|report|reporting) date|date of (data|report)", re.I)


class Row(NamedTuple):
    """One row: where a person finds it, and the cells of the columns that are read, in the list's own order."""

    table: Table
    where: str
    cells: tuple[object, ...]

    def cell(self, column: str) -> object:
        """The cell of a column; blank where the list has no such column."""
        at = self.table.order.get(column)
        return None if at is None else self.cells[at]


@dataclass(slots=True)
class Table:
    """A list as it was found. ``order`` has the columns that are read and hold something to go by, and where each
    stands in a row's cells. ``total`` is all rows; ``repeated`` are headings that stand among them again."""

    name: str
    of: List
    order: dict[str, int]
    rows: list[Row] = field(default_factory=list)
    total: int = 0
    repeated: int = 0
    notes: list[str] = field(default_factory=list)

    def heading(self, column: str) -> str:
        """The heading by which people know a column."""
        return self.of.columns[column][0]

    @property
    def missing(self) -> list[str]:
        """The columns that are not there, or blank throughout."""
        return [column for column in self.of.columns if column not in self.order]


@dataclass(slots=True)
class Extract:
    """All lists of an extract, in order of their numbers. ``stated`` are days that a file name or a line above a
    list gives as that of the extract, with where."""

    tables: list[Table] = field(default_factory=list)
    stated: list[tuple[date, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_extract(path: Path, progress: Progress | None) -> Extract:
    """The lists in a workbook, a CSV file, or the workbooks and CSV files directly in a folder.

    Raises InputError where nothing can be read, no list is found, or one is there twice.
    """
    found = Extract()
    for file in _files(path):
        if said := _day_in(file.stem):
            found.stated.append((said, f"the name of {file.name}"))
        for sheet in sheets(file) if file.suffix.lower() in ENDINGS else _csv(file, found):
            table = _table(sheet, found)
            if table and progress:
                progress(table.name, table.total)
    _settle(found, path)
    return found


def _files(path: Path) -> list[Path]:
    fix = "Name a workbook (.xlsx, .xls), or a folder with workbooks or CSV files."
    try:
        if not path.exists():
            raise InputError("there is no such file or folder", where=str(path), fix=fix)
        if path.is_file():
            within = [path]
        else:
            within = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith((".", "~$")))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
    except ValueError:
        raise InputError("is not a path", fix=fix) from None
    files = [p for p in within if p.suffix.lower() in (*ENDINGS, ".csv")]
    if not files:
        raise InputError("there is no workbook and no CSV file here", where=str(path), fix=fix)
    return files


def _csv(file: Path, found: Extract) -> Iterator[Sheet]:
    try:
        if file.stat().st_size > MAX_FILE:
            raise InputError(f"is larger than {MAX_FILE // 1_000_000} MB", where=file.name, fix="Check what it is.")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(file)) from error
    written, note = read_text(file)
    if note:
        found.notes.append(note)
    first = written[:5000]
    delimiter = max(",;\t", key=first.count)
    rows: list[tuple[int, list[object]]] = []
    errors = 0
    try:
        for line, cells in lines(written, delimiter):
            errors += sum(map(v.is_error, cells)) if "#" in written else 0
            rows.append((line, list(cells)))
    except BrokenCsvError as error:
        if not any(list_of(cells) for _, cells in rows[:HEADING_WITHIN]):
            found.notes.append(f"{file.name}: not a list of Annex A, and not whole CSV; left alone")
            return
        fix = "Export the file again: it is cut short or damaged."
        raise InputError(f"is not whole CSV ({error.why})", where=f"{file.name}:{error.line}", fix=fix) from error
    yield Sheet(file.name, ":", rows, errors)


def _table(sheet: Sheet, found: Extract) -> Table | None:
    """The list on a sheet, entered in what was found; None where there is none."""
    for at, (_, cells) in enumerate(sheet.rows[:HEADING_WITHIN]):
        if known := list_of(cells):
            table = _filled(sheet, at, *known)
            found.tables.append(table)
            found.stated += [(day, f"{sheet.name}{sheet.mark}{n}") for n, day in _stated(sheet.rows[:at])]
            if sheet.errors:
                count = f"{sheet.errors:,} {'cell' if sheet.errors == 1 else 'cells'}"
                table.notes.append(f"{sheet.name}: {count} with an error as #N/A, read as blank")
            return table
    found.stated += [(day, f"{sheet.name}{sheet.mark}{n}") for n, day in _stated(sheet.rows[:30])]
    if any(names_a_child(cells) for _, cells in sheet.rows[:HEADING_WITHIN]):
        found.notes.append(
            f"{sheet.name}: has a Child Unique ID and the columns of no list that is known, so its "
            f"{len(sheet.rows):,} rows are not read"
        )
    elif sheet.rows:
        found.notes.append(f"{sheet.name}: not a list of Annex A, left alone")
    return None


def _filled(sheet: Sheet, at: int, list_: List, columns: dict[str, int]) -> Table:
    order = {column: n for n, column in enumerate(columns)}
    table = Table(sheet.name, list_, order)
    headings = sheet.rows[at][1]
    places = list(columns.values())
    for number, cells in sheet.rows[at + 1 :]:
        table.total += 1
        if cells[: len(headings)] == headings:  # another page of a printed report
            table.repeated += 1
        elif not list_.aside:
            row = tuple(cells[place] if place < len(cells) else None for place in places)
            table.rows.append(Row(table, f"{sheet.name}{sheet.mark}{number}", row))
    _doubt_exchanged(table)
    lost = [table.heading(c) for c in table.missing]
    if lost:
        table.notes.append(f"{sheet.name}: list {list_.number} ({list_.title}) has no {'; no '.join(lost)}")
    if len(table.rows) >= MANY:
        for column in list_.events:
            if column in order and all(v.text(row.cell(column)) is None for row in table.rows):
                del order[column]
                table.notes.append(
                    f"{sheet.name}: {table.heading(column)} is blank in every row, so it is taken for not filled"
                )
    return table


def _doubt_exchanged(table: Table) -> None:
    """Put in doubt the days of a column whose month and day may have changed places."""
    doubts = {
        (n, at): (column, why)
        for column, at in table.order.items()
        for n, why in doubted([row.cells[at] for row in table.rows]).items()
    }
    for (n, at), (_, why) in doubts.items():
        row = table.rows[n]
        table.rows[n] = row._replace(cells=(*row.cells[:at], why, *row.cells[at + 1 :]))
    for column, n in Counter(column for column, _ in doubts.values()).items():
        why = next(why for name, why in doubts.values() if name == column)
        table.notes.append(f"{table.name}: {n:,} days of {table.heading(column)} are in doubt: each {why.why}")


def _settle(found: Extract, path: Path) -> None:
    """Put the lists in order; refuse an extract that has none, or one twice."""
    numbers = ", ".join(str(each.number) for each in LISTS)
    if not found.tables:
        fix = f"A sheet or CSV file needs the headings of one of the lists {numbers}, within its first rows."
        raise InputError("there is no list of Annex A here", where=str(path), fix=fix)
    found.tables.sort(key=lambda table: (table.of.number, table.name))
    if not any(table.rows for table in found.tables):
        raise InputError("its lists have headings and no rows", where=str(path), fix="Export it again.")
    by_number: dict[int, Table] = {}
    for table in found.tables:
        if not table.total:
            continue
        other = by_number.setdefault(table.of.number, table)
        if other is not table:
            what = f"list {table.of.number} ({table.of.title}) is there twice, also in {other.name}"
            raise InputError(what, where=table.name, fix="Leave the lists of one extract here, each once.")


_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = (
    re.compile(r"(?<!\d)(?P<y>20\d\d)[-_. ]?(?P<m>\d\d)[-_. ]?(?P<d>\d\d)(?!\d)", re.ASCII),
    re.compile(r"(?<!\d)(?P<d>\d{1,2})[-_. /](?P<m>\d{1,2})[-_. /](?P<y>20\d\d)(?!\d)", re.ASCII),
    re.compile(r"(?<!\d)(?P<d>\d{1,2})(?:st|nd|rd|th)?[-_. ]?(?P<w>[A-Za-z]{3,9})[-_. ]?(?P<y>20\d\d)(?!\d)", re.ASCII),
)


def _day_in(written: str) -> date | None:
    """The one day that is written out in a name or line; None without one, or with several."""
    days = set()
    for pattern in _DAYS:
        for match in pattern.finditer(written):
            parts = match.groupdict()
            word = (parts.get("w") or "")[:3].lower()
            month = _MONTHS.index(word) + 1 if word in _MONTHS else int(parts.get("m") or 0)
            try:
                days.add(date(int(parts["y"]), month, int(parts["d"])))
            except ValueError:
                continue
    return days.pop() if len(days) == 1 else None


def _stated(rows: list[tuple[int, list[object]]]) -> Iterator[tuple[int, date]]:
    """(row, day) of lines above a list that say when the extract was made: in one cell, or in the cell beside it."""
    for number, cells in rows:
        for cell, beside in zip(cells, [*cells[1:], None], strict=True):
            if isinstance(cell, str) and len(cell) < 200 and _STATED.search(cell):
                day = _day_in(cell) or v.day(beside)
                if day and not isinstance(day, Unreadable):
                    yield number, day
