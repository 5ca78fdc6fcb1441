"""Annex A workbooks and CSV files written for the tests. No child or worker in them exists."""

import csv
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import xlsxwriter

from alertd.cases.records import CaseFile, Record, Snapshot
from alertd.cases.sources.annex_a import read
from alertd.cases.sources.annex_a_lists import LISTS

AS_OF = datetime(2026, 3, 31, 12, tzinfo=UTC)

Cell = str | float | bool | date | None
Lists = Mapping[int, Sequence[Mapping[str, Cell]]]

NEW_IN_2024 = frozenset({"adviser", "pathway", "leaver_contact"})


def headings(number: int, layout: int = 2024) -> dict[str, str]:
    """The headings of a list, by the names the tests use for the columns."""
    columns = LISTS[number - 1].columns
    return {name: h[0] for name, h in columns.items() if layout == 2024 or name not in NEW_IN_2024}


def grid(number: int, rows: Sequence[Mapping[str, Cell]], layout: int = 2024) -> list[list[Cell]]:
    """A list as rows of cells, headings first."""
    known = headings(number, layout)
    unknown = {name for row in rows for name in row} - known.keys()
    assert not unknown, unknown
    return [list(known.values()), *([row.get(name) for name in known] for row in rows)]


def workbook(
    path: Path, lists: Lists, *, layout: int = 2024, title: bool = False, above: Sequence[Sequence[Cell]] = ()
) -> Path:
    """A workbook with a sheet for each list. ``title``: a line above the headings, as Ofsted's template has it."""
    grids = {f"List {n}": grid(n, rows, layout) for n, rows in lists.items()}
    if title:
        grids = {name: [[f"{name}: children"], *rows] for name, rows in grids.items()}
    return sheets(path, {name: [*above, *rows] for name, rows in grids.items()})


def sheets(path: Path, grids: Mapping[str, Sequence[Sequence[Cell]]]) -> Path:
    """A workbook of cells as they are given; an ``=`` makes a formula, ``#N/A`` an error."""
    book = xlsxwriter.Workbook(path, {"strings_to_numbers": False, "nan_inf_to_errors": True})
    as_day = book.add_format({"num_format": "dd/mm/yyyy"})
    for name, rows in grids.items():
        sheet = book.add_worksheet(name)
        for at, row in enumerate(rows):
            for across, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(at, across, datetime(cell.year, cell.month, cell.day), as_day)
                elif cell == "#N/A":
                    sheet.write_formula(at, across, "=NA()", None, "#N/A")
                elif isinstance(cell, str) and cell.startswith("="):
                    sheet.write_formula(at, across, cell, as_day, 0)
                elif isinstance(cell, str):
                    sheet.write_string(at, across, cell)
                elif cell is not None:
                    sheet.write(at, across, cell)
    book.close()
    return path


def without_results(path: Path) -> Path:
    """The workbook as a program writes it that does not calculate: its formulas hold no result."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, re.sub(rb"(</f>)<v>[^<]*</v>", rb"\1<v />", part))
    return path


def csv_files(folder: Path, lists: Lists, *, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    """A folder with a CSV file for each list."""
    folder.mkdir(exist_ok=True)
    for number, rows in lists.items():
        with (folder / f"list {number}.csv").open("w", encoding=encoding, newline="") as file:
            written = csv.writer(file, delimiter=delimiter)
            for row in grid(number, rows):
                written.writerow([f"{c:%d/%m/%Y}" if isinstance(c, date) else c for c in row])
    return folder


def reading(path: Path, as_of: datetime = AS_OF) -> Snapshot:
    """What is read, once every row is found to be accounted for."""
    snapshot = read(path, as_of=as_of)
    for name, account in snapshot.accounts.items():
        assert account.adds_up, (name, account)
    assert sum(a.rejected for a in snapshot.accounts.values()) == len(snapshot.rejects)
    return snapshot


def case(snapshot: Snapshot, child: str) -> CaseFile:
    return next(each for each in snapshot.cases if each.child == child)


def of(snapshot: Snapshot, kind: str) -> list[Record]:
    return [record for each in snapshot.cases for record in each.of(kind)]


def only(snapshot: Snapshot, kind: str) -> Record:
    (found,) = of(snapshot, kind)
    return found


def noted(snapshot: Snapshot, text: str) -> str:
    """The one note that has these words."""
    (found,) = (note for note in snapshot.notes if text in note)
    return found


LAST = {"child": "900", "contact_date": date(2026, 3, 27)}
"""A contact that sets the day of the extract, where a test asks for no other."""
CARE: dict[str, Cell] = {
    "child": "101",
    "born": date(2015, 5, 4),
    "care_start": date(2025, 1, 6),
    "status_start": date(2025, 2, 3),
    "status": "C2: FCO",
    "placement_start": date(2025, 6, 2),
    "placement_type": "f) U6: Foster placement - not FFA",
    "review": date(2026, 1, 12),
    "visit": date(2026, 3, 2),
    "iro": date(2026, 1, 9),
    "health": date(2025, 9, 1),
    "dental": date(2025, 11, 3),
    "team": "Care 1",
    "worker": "W\xa001",
}


def made(tmp_path: Path, lists: Lists, **more: object) -> Snapshot:
    return reading(workbook(tmp_path / "extract.xlsx", {1: [LAST], **lists}, **more))  # type: ignore[arg-type]
