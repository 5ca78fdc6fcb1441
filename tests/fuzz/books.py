"""What can befall a workbook: its cells and sheets, and the archive of XML that it is."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook

from tests.fuzz import odd
from tests.fuzz.damage import Change
from tests.fuzz.feeds import CANARY, Draft

Grids = dict[str, list[list[Any]]]
_HUGE: Final = 150_000_000
_MOST_CELLS: Final = 300_000
_SHEET_CHANGES: Final[set[str]] = set()


def _grids(data: bytes) -> Grids:
    """Every sheet's cells. Raises ValueError for a workbook with so many that it is itself a mutation."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    sheets = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
    if sum(sheet.total_height * sheet.total_width for sheet in sheets.values()) > _MOST_CELLS:
        raise ValueError
    return {name: sheet.to_python(skip_empty_area=False) for name, sheet in sheets.items()}


def _book(grids: Grids) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}) as book:
        form = book.add_format({"num_format": "dd/mm/yyyy"})
        for name, rows in grids.items():
            sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\]", "_", name)[:31] or "x")
            for at, row in enumerate(rows):
                for column, value in enumerate(row):
                    if isinstance(value, date | datetime):
                        sheet.write_datetime(at, column, value, form)
                    elif isinstance(value, bool | int | float):
                        sheet.write(at, column, value)
                    elif value not in ("", None):
                        sheet.write_string(at, column, _safe(str(value))[:32_000])
    return out.getvalue()


def _safe(text: str) -> str:
    return "".join(c for c in text if c in "\t\n" or (ord(c) >= 32 and c != "\ufffe"))


def _on_sheets(change: Callable[[Draft, str, list[list[Any]]], bool]) -> Change:
    def changed(draft: Draft) -> bool:
        name = draft.file(".xlsx")
        if not name or not {*draft.done} <= _SHEET_CHANGES:  # no library is sure with an archive that was spoilt
            return False
        try:
            grids = _grids(draft.files[name])
        except (CalamineError, OSError, ValueError, OverflowError):
            return False
        filled = [title for title, rows in grids.items() if len(rows) > 2 and "list" in title.lower()]
        if not filled:
            return False
        title = draft.rng.choice(filled)
        if not change(draft, f"{name}:{title}", grids[title]):
            return False
        draft.files[name] = _book(grids)
        return True

    changed.__name__ = change.__name__
    _SHEET_CHANGES.add(change.__name__)
    return changed


def _row(draft: Draft, rows: list[list[Any]]) -> list[Any]:
    return draft.rng.choice(rows[2:])


@_on_sheets
def plant(draft: Draft, _: str, rows: list[list[Any]]) -> bool:
    for _ in range(draft.rng.randint(1, 3)):
        row = _row(draft, rows)
        row[draft.rng.randrange(len(row))] = CANARY
    return True


@_on_sheets
def odd_cells(draft: Draft, _: str, rows: list[list[Any]]) -> bool:
    rng = draft.rng
    for _ in range(rng.choice((1, 3, 20))):
        row = _row(draft, rows)
        row[rng.randrange(len(row))] = rng.choice((odd.cell(rng), odd.cell(rng), -1, 0, 45658, 2_958_466, 1e300, True))
    return True


@_on_sheets
def odd_column(draft: Draft, _: str, rows: list[list[Any]]) -> bool:
    at = draft.rng.randrange(len(rows[0]))
    for row in rows[2:]:
        row[at] = odd.cell(draft.rng)
    return True


def _holds(row: list[Any]) -> bool:
    return any(not isinstance(cell, str) or cell.strip() for cell in row if cell is not None)


@_on_sheets
def drop_rows(draft: Draft, name: str, rows: list[list[Any]]) -> bool:
    for _ in range(draft.rng.randint(1, max(1, len(rows) - 3))):
        if len(rows) > 2:
            draft.rows[name] = draft.rows.get(name, 0) - _holds(rows.pop(draft.rng.randrange(2, len(rows))))
    return True


@_on_sheets
def repeat_rows(draft: Draft, name: str, rows: list[list[Any]]) -> bool:
    for _ in range(draft.rng.randint(1, 5)):
        row = _row(draft, rows)
        rows.append(list(row))
        draft.rows[name] = draft.rows.get(name, 0) + _holds(row)
    return True


@_on_sheets
def move_columns(draft: Draft, _: str, rows: list[list[Any]]) -> bool:
    """Dropped, doubled, or in another order."""
    width, rng = len(rows[0]), draft.rng
    order = list(range(width))
    what = rng.randrange(3)
    if what == 0:
        order.remove(rng.randrange(width))
    elif what == 1:
        order.insert(rng.randrange(width), rng.randrange(width))
    else:
        rng.shuffle(order)
    rows[:] = [[row[at] for at in order] for row in rows]
    return True


@_on_sheets
def rename_column(draft: Draft, _: str, rows: list[list[Any]]) -> bool:
    heading = draft.rng.choice(rows[:2])
    at = draft.rng.randrange(len(heading))
    heading[at] = draft.rng.choice((str(heading[at]).upper(), f"{heading[at]}x", "", odd.cell(draft.rng), 5))
    return True


@_on_sheets
def move_heading(draft: Draft, _: str, rows: list[list[Any]]) -> bool:
    for _ in range(draft.rng.choice((1, 3, 12))):
        rows.insert(0, [odd.cell(draft.rng)] + [""] * (len(rows[0]) - 1))
    return True


@_on_sheets
def far_cell(draft: Draft, _: str, rows: list[list[Any]]) -> bool:
    """A cell in use far from the others."""
    rows[-1].extend([""] * draft.rng.choice((100, 5000)) + ["x"])
    rows.extend([[] for _ in range(draft.rng.choice((10, 20_000)))])
    rows.append(["", "y"])
    return True


def _on_archive(change: Callable[[Draft, dict[str, bytes]], bool]) -> Change:
    def changed(draft: Draft) -> bool:
        name = draft.file(".xlsx")
        if not name:
            return False
        try:
            with zipfile.ZipFile(io.BytesIO(draft.files[name])) as archive:
                parts = {member: archive.read(member) for member in archive.namelist()}
        except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError):
            return False
        if not change(draft, parts):
            return False
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, part in parts.items():
                archive.writestr(member, part)
        draft.files[name] = out.getvalue()
        return True

    changed.__name__ = change.__name__
    return changed


def _sheet(draft: Draft, parts: dict[str, bytes]) -> str:
    return draft.rng.choice([p for p in parts if p.startswith("xl/worksheets/sheet")] or list(parts))


@_on_archive
def huge_sheet(draft: Draft, parts: dict[str, bytes]) -> bool:
    """A sheet that unpacks to more than memory should hold: a bomb."""
    filler = draft.rng.choice((b" ", b"<row/>", b'<row r="1"><c r="A1"/></row>', b"<c/>", b"\0"))
    size = draft.rng.choice((5_000_000, _HUGE))
    part = _sheet(draft, parts)
    at = parts[part].find(b"</sheetData>")
    parts[part] = parts[part][:at] + filler * (size // len(filler)) + parts[part][at:]
    return True


@_on_archive
def huge_strings(draft: Draft, parts: dict[str, bytes]) -> bool:
    """A table of strings with one beyond all measure, or with a great many."""
    one = draft.rng.choice((b"<si><t>" + b"y" * 20_000_000 + b"</t></si>", b"<si><t/></si>" * 1_500_000))
    strings = parts.get("xl/sharedStrings.xml", b"<sst></sst>")
    parts["xl/sharedStrings.xml"] = strings.replace(b"</sst>", one + b"</sst>")
    return True


@_on_archive
def many_members(draft: Draft, parts: dict[str, bytes]) -> bool:
    folder = draft.rng.choice(("xl/worksheets/", "xl/media/", "", "xl/", "../"))
    for n in range(draft.rng.choice((500, 8_000))):
        parts[f"{folder}extra{n}.xml"] = b"<x/>"
    return True


@_on_archive
def many_sheets(draft: Draft, parts: dict[str, bytes]) -> bool:
    """A workbook that names one sheet over and over."""
    book = parts.get("xl/workbook.xml", b"")
    found = re.search(rb"<sheet [^>]*/>", book)
    if not found:
        return False
    more = b"".join(found[0].replace(b'name="', b'name="%d ' % n) for n in range(draft.rng.choice((3, 400))))
    parts["xl/workbook.xml"] = book.replace(b"</sheets>", more + b"</sheets>")
    return True


@_on_archive
def nested(draft: Draft, parts: dict[str, bytes]) -> bool:
    """An archive in an archive, in place of a sheet."""
    inner = bytes(1000)
    for _ in range(6):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for n in range(10):
                archive.writestr(f"{n}.zip", inner)
        inner = out.getvalue()
    parts[_sheet(draft, parts)] = inner
    return True


@_on_archive
def parts_gone(draft: Draft, parts: dict[str, bytes]) -> bool:
    for _ in range(draft.rng.randint(1, 3)):
        if len(parts) > 1:
            del parts[draft.rng.choice(list(parts))]
    return True


@_on_archive
def parts_spoilt(draft: Draft, parts: dict[str, bytes]) -> bool:
    """The XML of a part broken, with a document type, or with cells that say odd things of themselves."""
    rng = draft.rng
    part = rng.choice([p for p in parts if p.endswith((".xml", ".rels"))])
    text = parts[part]
    changes: tuple[Callable[[bytes], bytes], ...] = (
        lambda t: t[: rng.randrange(len(t) + 1)],
        lambda t: t.replace(b"?>", b'?><!DOCTYPE a [<!ENTITY b "c">]>', 1).replace(b"</", b"&b;</", 1),
        lambda t: t.replace(b' t="s"', b' t="n"'),
        lambda t: t.replace(b' t="s"', b' t="e"', 3),
        lambda t: re.sub(rb"<v>\d+</v>", b"<v>99999999</v>", t, count=3),
        lambda t: re.sub(rb' r="[A-Z]+(\d+)"', rb' r="XFD\1"', t, count=2),
        lambda t: re.sub(rb' r="([A-Z]+)\d+"', rb' r="\g<1>99999999"', t, count=2),
        lambda t: re.sub(rb' r="[A-Z]+\d+"', b"", t),
        lambda t: re.sub(rb"<v>", b"<f>1/0</f><v>", t, count=5),
        lambda t: re.sub(rb"<dimension [^>]*/>", b'<dimension ref="A1:XFD1048576"/>', t),
        lambda t: t.replace(b"<c ", b"<x:c "),
        lambda t: t.decode("utf-8", "replace").encode("utf-16"),
    )
    parts[part] = rng.choice(changes)(text)
    return True


def spoilt_directory(draft: Draft) -> bool:
    """The archive's own directory, at its end, broken or lying."""
    name = draft.file(".xlsx")
    at = draft.files[name].rfind(b"PK\x01\x02") if name else -1
    if not name or at < 0:
        return False
    data = bytearray(draft.files[name])
    first = draft.files[name].find(b"PK\x01\x02")
    for _ in range(draft.rng.choice((1, 4, 40))):
        data[draft.rng.randrange(first, len(data))] = draft.rng.choice((0, 0xFF, 0x7F, draft.rng.randrange(256)))
    draft.files[name] = bytes(data)
    return True


BOOK: Final[tuple[Change, ...]] = (
    odd_cells, odd_cells, odd_cells, odd_column, drop_rows, drop_rows, repeat_rows, repeat_rows, move_columns,
    move_columns,
    rename_column, rename_column, move_heading, far_cell, huge_sheet, huge_strings, many_members, many_sheets, nested,
    parts_gone, parts_spoilt, parts_spoilt, parts_spoilt, spoilt_directory, spoilt_directory,
)  # fmt: skip
