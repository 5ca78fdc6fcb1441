"""The sheets of a workbook, opened with care: a file from outside may be anything.

An .xlsx file is a zip archive of XML. It is unpacked here, within limits, and the reading library is
given no more than what was unpacked: how large a member says it is, is not to be trusted. Formula
cells that hold no result, which the library shows as blank, are told apart from blank ones.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml import etree
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

from alertd.cases.sources import annex_a_xls
from alertd.cases.sources.annex_a_cells import UNCALCULATED
from alertd.errors import InputError

ENDINGS: Final = (".xlsx", ".xlsm", ".xls")

MAX_FILE: Final = 60_000_000
"""Bytes of a file. The lists of England's largest authority take some 15 million."""
MAX_UNPACKED: Final = 120_000_000
"""Bytes of the XML in a workbook; some ten times what the lists of the largest authority take."""
MAX_CELLS: Final = 3_000_000
"""Cells of a sheet, from its first to its last one in use, blank ones between them too."""

MAX_IRREGULAR: Final = 20_000_000
"""Bytes of the XML of a sheet whose cells do not say where they are, as no usual program writes it: that is slow."""

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NEEDED: Final = re.compile(r"\[Content_Types\]\.xml|(_rels|xl)/.*\.(xml|rels)", re.IGNORECASE)
_NOT_NEEDED: Final = re.compile(r"xl/(drawings|charts|media|theme|printerSettings|comments|pivot|externalLinks)", re.I)
_NOT_A_WORKBOOK: Final = "is not a workbook that can be read: it is damaged, cut short or something else"
_SAVE_AGAIN: Final = "Save it as .xlsx in Excel, without a password, and try again."

Place = tuple[int, int]
"""A cell by its row and column, both from 0."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet (or a CSV file): ``name`` as accounts and places name it, ``file:sheet``, and its rows that are not
    blank, with their numbers. ``mark`` stands between name and row number."""

    name: str
    mark: str
    rows: list[tuple[int, list[object]]]
    errors: int = 0
    """Cells that show an error in place of a value, read as blank."""


@dataclass(frozen=True, slots=True)
class _Odd:
    """Of a sheet's XML: how large it is, which cells hold a formula and no result, and how many an error."""

    rows: int
    columns: int
    uncalculated: frozenset[Place]
    errors: int


def sheets(path: Path) -> Iterator[Sheet]:
    """The sheets of a workbook, one after another.

    Raises InputError for what is no workbook, is protected by a password, or is larger than any extract is.
    """
    try:
        if path.stat().st_size > MAX_FILE:
            raise InputError(f"is larger than {MAX_FILE // 1_000_000} MB", where=path.name, fix=_SAVE_AGAIN)
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
    odd: Mapping[str, _Odd] = {}
    if data.startswith(_ZIP):
        data, odd = _repacked(data, path.name)
    elif not data.startswith(_OLE):
        raise InputError(_NOT_A_WORKBOOK, where=path.name, fix=_SAVE_AGAIN)
    elif "EncryptedPackage".encode("utf-16-le") in data:
        raise _locked(path.name)
    else:
        _check_old(data, path.name)
    with _Calm(path.name):
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = [each.name for each in book.sheets_metadata]
    for name in names:
        with _Calm(path.name):
            sheet = book.get_sheet_by_name(name)
            rows = _rows(sheet, odd.get(name), f"{path.name}:{name}")
        yield Sheet(f"{path.name}:{name}", "!", rows, odd[name].errors if name in odd else 0)


class _Calm:
    """Turns whatever the reading library does, its panics too, into an InputError."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, PasswordError):
            raise _locked(self.name) from None
        if isinstance(error, CalamineError | OSError | ValueError | OverflowError) or (
            kind is not None and kind.__name__ == "PanicException"
        ):
            raise InputError(_NOT_A_WORKBOOK, where=self.name, fix=_SAVE_AGAIN) from None


def _locked(name: str) -> InputError:
    return InputError("is protected by a password", where=name, fix=_SAVE_AGAIN)


def _check_old(data: bytes, name: str) -> None:
    try:
        annex_a_xls.check(data, MAX_CELLS)
    except annex_a_xls.TooLargeError:
        raise _too_large(name) from None
    except annex_a_xls.NoWorkbookError:
        raise InputError(_NOT_A_WORKBOOK, where=name, fix=_SAVE_AGAIN) from None


def _rows(sheet: CalamineSheet, odd: _Odd | None, name: str) -> list[tuple[int, list[object]]]:
    if sheet.start is None:
        return []
    if sheet.height * sheet.width > MAX_CELLS:
        raise _too_large(name)
    top, left = sheet.start
    rows: list[tuple[int, list[object]]] = []
    unknown: dict[int, list[int]] = {}
    for row, column in odd.uncalculated if odd else ():
        unknown.setdefault(row, []).append(column)
    for number, cells in enumerate(sheet.to_python(skip_empty_area=True), start=top):
        found: list[object] = [*([""] * left), *cells]
        for column in unknown.get(number, ()):
            found += [""] * (column + 1 - len(found))
            found[column] = UNCALCULATED
        if any(not (isinstance(cell, str) and (not cell or cell.isspace())) for cell in found):
            rows.append((number + 1, found))
    return rows


def _too_large(name: str) -> InputError:
    fix = "Delete the empty rows and columns behind the list, save it and try again."
    return InputError("has cells in use so far apart that it is too large to be read", where=name, fix=fix)


def _repacked(data: bytes, name: str) -> tuple[bytes, Mapping[str, _Odd]]:
    """The archive with no more than what is needed of it, not compressed; and what its sheets' XML says."""
    parts: dict[str, bytes] = {}
    left = MAX_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                if not _NEEDED.fullmatch(member.filename) or _NOT_NEEDED.match(member.filename):
                    continue
                if member.flag_bits & 1:
                    raise _locked(name)
                with archive.open(member) as opened:
                    part = opened.read(left + 1)
                left -= len(part)
                if left < 0:
                    what = f"unpacks to more than {MAX_UNPACKED // 1_000_000} MB"
                    raise InputError(what, where=name, fix="Check that it is the Annex A extract.")
                parts[member.filename] = part
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(_NOT_A_WORKBOOK, where=name, fix=_SAVE_AGAIN) from error
    odd = {}
    for title, part_name in _sheet_parts(parts):
        found = _look(parts[part_name], f"{name}:{title}")
        if found.rows * found.columns > MAX_CELLS:
            raise _too_large(f"{name}:{title}")
        odd[title] = found
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for part_name in list(parts):
            archive.writestr(part_name, parts.pop(part_name))
    return packed.getvalue(), odd


def _sheet_parts(parts: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """(title, member of the archive) of each sheet; of none where the workbook does not say so in the usual way."""
    book, links = (_xml(parts.get(part, b"")) for part in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"))
    if book is None or links is None:
        return
    targets = {str(link.get("Id")): str(link.get("Target") or "") for link in links}
    for sheet in book.iter("{*}sheet"):
        key = next((value for name, value in sheet.attrib.items() if str(name).endswith("}id")), "")
        target = targets.get(str(key), "")
        part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        if part in parts:
            yield str(sheet.get("name")), part


def _xml(part: bytes) -> etree._Element | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(part, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


_FORMULA: Final = (
    rb"<{p}f\b(?:[^>]*/>|[^>]*>[^<]*</{p}f>)(?P<none>(?:<{p}v\s*/>|<{p}v></{p}v>)?</)?"  # none: it holds no result
)
_ERROR: Final = re.compile(rb"""\bt=["']e["']""")
_PREFIX: Final = re.compile(rb"<(\w+:|)sheetData\b")


def _look(part: bytes, name: str) -> _Odd:
    """Look through a sheet's XML, quickly where each cell says first of all where it is, as Excel writes it."""
    found = _PREFIX.search(part)
    prefix = found[1] if found else b""
    cell = b"<" + prefix + b"c"
    if part.count(cell + b' r="') != sum(part.count(cell + after) for after in (b" ", b">", b"/", b"\n", b"\t", b"\r")):
        if len(part) > MAX_IRREGULAR:
            raise _too_large(name)
        return _look_closely(part, prefix)
    place = re.escape(cell) + rb' r="(?P<column>[A-Z]{1,4})(?P<row>\d{1,9})"(?P<rest>[^>]*+)(?<!/)>'
    columns: set[bytes] = set()
    rows = 0
    for mark in re.finditer(place, part):
        columns.add(mark[1])
        rows = max(rows, int(mark[2]))
    formulas = _FORMULA.replace(b"{p}", re.escape(prefix)) if b"<" + prefix + b"f" in part else None
    uncalculated = (
        (int(mark["row"]) - 1, _column(mark["column"]))
        for mark in (re.finditer(place + formulas, part) if formulas else ())
        if mark["none"] is not None and b't="str"' not in mark["rest"]
    )
    errors = part.count(b't="e"')
    return _Odd(rows, max(map(_column, columns), default=-1) + 1, frozenset(uncalculated), errors)


_NUMBER: Final = re.compile(rb"""\br=["'](\d{1,9})["']""")
_PLACE: Final = re.compile(rb"""\br=["']([A-Z]{1,4})(\d{1,9})["']""")


def _look_closely(part: bytes, prefix: bytes) -> _Odd:
    """The same where a row or cell may not say where it is: then it stands behind the one before."""
    row, column, rows, columns, errors = -1, -1, 0, 0, 0
    uncalculated = []
    marks = rb"<{p}row\b(?P<row>[^>]*)>|<{p}c\b(?P<cell>[^>]*?)(?P<empty>/?)>(?:" + _FORMULA + rb")?"
    for mark in re.finditer(marks.replace(b"{p}", re.escape(prefix)), part):
        if (cell := mark["cell"]) is None:
            number = _NUMBER.search(mark["row"])
            row, column = int(number[1]) - 1 if number else row + 1, -1
            continue
        if place := _PLACE.search(cell):
            row, column = int(place[2]) - 1, _column(place[1])
        else:
            column += 1
        if not mark["empty"]:
            rows, columns = max(rows, row + 1), max(columns, column + 1)
        if mark["none"] is not None and b't="str"' not in cell:
            uncalculated.append((row, column))
        elif _ERROR.search(cell):
            errors += 1
    return _Odd(rows, columns, frozenset(uncalculated), errors)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
