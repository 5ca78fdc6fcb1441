"""An authority's own lists as CSV files: one kind of record a file, as docs/csv-layout.md describes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from alertd.cases.accounts import Ledger
from alertd.cases.kind import Kind
from alertd.cases.kinds import KINDS
from alertd.cases.records import LONDON, Snapshot, Window, case_files
from alertd.cases.sources.csv_files import BrokenCsvError, lines, read_text
from alertd.cases.sources.manifest import MANIFEST, check_manifest, delimiter_of
from alertd.cases.sources.own_cells import day
from alertd.cases.sources.own_lists import (
    FILLS,
    OwnList,
    Progress,
    check_columns,
    columns_of,
    lacking,
    plain,
    records_of,
)
from alertd.errors import InputError, did_you_mean

__all__ = ["FILLS", "read"]

WINDOWS: Final = "windows.csv"
_WINDOW_COLUMNS: Final = ("kind", "from", "to")
LARGEST: Final = 25 * 1024 * 1024
"""Bytes of one file: it is held in memory while it is read. Our own choice; half a million rows or so."""
REJECTED_SHARE: Final = 0.05
_FEW: Final = 5
"""A file of which more rows than this, and more than that share, are rejected is taken for damaged. Our own choice."""
_WHOLE: Final = "Export the file again: it is cut short or damaged"


def read(path: Path, *, as_of: datetime, progress: Progress | None = None) -> Snapshot:  # noqa: ARG001 - as all readers
    """Read a folder of lists, or one list. A file's name says its kind: ``need.csv``, ``need-2026.csv``.

    A list speaks for all days up to the one on which its file was last written, or for those that
    ``windows.csv`` gives. Where there is a ``manifest.csv`` it must agree. Raises InputError
    (``file:line: column`` where there is one) for a folder, file or column that cannot be used.
    """
    files, strangers = _found(path)
    before = {file.path: _stamp(file.path) for file in files}
    if path.is_dir():
        check_manifest(path)
    ledger = Ledger()
    notes: list[str] = [f"{name}: not a list, left alone" for name in strangers]
    lists = [_read(file, ledger, notes, progress) for file in files]
    windows = _windows(path, files, before, notes)
    for file in files:
        if _stamp(file.path) != before[file.path]:
            raise InputError("changed while it was being read", where=file.path.name, fix="Read again when it is whole")
    holds = frozenset(file.kind.name for file in files)
    lacks = lacking(lists)
    overall = _overall(windows.values())
    cases = case_files(
        records_of(lists),
        overall,
        of_kinds={kind: window for kind, window in windows.items() if window != overall},
        holds=holds,
    )
    return Snapshot(
        source=f"csv:{path.as_posix()}",
        cases=cases,
        holds=holds,
        window=overall,
        accounts=ledger.accounts,
        rejects=tuple(ledger.rejects),
        notes=(*notes, *ledger.notes()),
        lacks=lacks,
        as_at=max(stamp.day for stamp in before.values()),
    )


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What tells whether a file was written again, and the day in London on which it last was."""

    written: int
    size: int

    @property
    def day(self) -> date:
        return datetime.fromtimestamp(self.written / 1e9, LONDON).date()


def _stamp(file: Path) -> _Stamp:
    try:
        found = file.stat()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=file.name) from None
    return _Stamp(found.st_mtime_ns, found.st_size)


def _found(path: Path) -> tuple[list[_File], list[str]]:
    """The lists in order of name, and the names of what is none."""
    if not path.exists():
        raise InputError("there is no such file or folder", where=str(path), fix="Check the path to the lists")
    if path.is_file():
        return [_File(path, _kind_of(path))], []
    files, strangers = [], []
    try:
        for each in sorted(path.iterdir()):
            name = each.name.lower()
            if name.startswith((".", "~$")) or name in (MANIFEST, WINDOWS):
                continue
            if each.is_file() and name.endswith(".csv"):
                files.append(_File(each, _kind_of(each)))
            else:
                strangers.append(each.name)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from None
    if not files:
        fix = f"Name each for its kind of record: need.csv. Found: {', '.join(strangers[:5]) or 'nothing'}"
        raise InputError("there is no CSV file here", where=str(path), fix=fix)
    return files, strangers


def _kind_of(file: Path) -> Kind:
    name = re.split(r"[-. ]", file.name.lower())[0]
    if name not in KINDS:
        fix = did_you_mean(name, KINDS) or "See: alertd sources kinds"
        raise InputError("is not named for a kind of record", where=file.name, fix=fix)
    return KINDS[name]


def _read(file: _File, ledger: Ledger, notes: list[str], progress: Progress | None) -> OwnList:
    text = _text(file.path, notes)
    name = file.path.name
    rows = lines(text, delimiter_of(text, columns_of(file.kind)))
    try:
        first, heading = next(rows, (1, []))
        names = tuple(plain(cell) for cell in heading)
        check_columns(file.kind, names, f"{name}:{first}")
        found = OwnList(file.kind, name, names, ledger)
        found.take(((f"{name}:{line}", _trimmed(cells, len(names))) for line, cells in rows), progress)
    except BrokenCsvError as error:
        raise InputError(f"is not whole CSV ({error.why})", where=f"{name}:{error.line}", fix=_WHOLE) from None
    account = ledger.of(name)
    if account.rejected > max(_FEW, REJECTED_SHARE * account.rows):
        worst = next(reject for reject in ledger.rejects if reject.where.startswith(f"{name}:"))
        what = f"{account.rejected:,} of {account.rows:,} rows cannot be read; the first {worst.why}"
        column = f": {worst.column}" if worst.column else ""
        raise InputError(what, where=f"{worst.where}{column}", fix=_WHOLE)
    return found


def _text(file: Path, notes: list[str]) -> str:
    size = _stamp(file).size
    if size > LARGEST:
        fix = f"Part it: {file.stem}-2025.csv, {file.stem}-2026.csv"
        raise InputError(f"is larger than {LARGEST >> 20} MB", where=file.name, fix=fix)
    try:
        with file.open("rb") as open_file:
            begins = open_file.read(4)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=file.name) from None
    if begins[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError("is in UTF-16", where=file.name, fix="Save it as CSV UTF-8")
    if begins == b"PK\x03\x04":
        raise InputError("is a workbook or an archive, not CSV", where=file.name, fix="Save each sheet as CSV")
    text, note = read_text(file)
    notes += [note] if note else []
    return text


def _trimmed(cells: list[str], width: int) -> Sequence[str]:
    """The cells of a row without blank ones beyond the last column, which spreadsheets add."""
    return cells[:width] if not any(cells[width:]) else cells


def _windows(path: Path, files: Sequence[_File], stamps: Mapping[Path, _Stamp], notes: list[str]) -> dict[str, Window]:
    """The days each kind speaks for."""
    found: dict[str, Window] = {}
    for file in files:
        newest = max(stamps[each.path].day for each in files if each.kind is file.kind)
        found[file.kind.name] = Window(None, newest)
    told = path / WINDOWS
    if not (path.is_dir() and told.exists()):
        return found
    seen: Counter[str] = Counter()
    for where, kind, first, last in _window_rows(_text(told, notes)):
        if kind not in KINDS:
            fix = did_you_mean(kind, KINDS) or "See: alertd sources kinds"
            raise InputError("is not a kind of record", where=f"{where}: kind", fix=fix)
        seen[kind] += 1
        if seen[kind] > 1:
            raise InputError("gives a kind twice", where=f"{where}: kind", fix="Write one line for each kind")
        if kind not in found:
            notes.append(f"{where}: there is no list of {kind} here")
            continue
        start = _bound(first, f"{where}: from")
        end = None if last.lower() == "now" else _bound(last, f"{where}: to") or found[kind].end
        if start and end and end < start:
            raise InputError("ends before it starts", where=where, fix="Check from and to")
        found[kind] = Window(start, end)
    return found


def _window_rows(text: str) -> Iterator[tuple[str, str, str, str]]:
    names: list[str] = []
    try:
        for line, cells in lines(text, delimiter_of(text, _WINDOW_COLUMNS)):
            if not names:
                names = [plain(cell) for cell in cells]
                if "kind" not in names or {*names} - {*_WINDOW_COLUMNS, ""}:
                    fix = f"Its first line is: {','.join(_WINDOW_COLUMNS)}"
                    raise InputError("has other columns than it should", where=f"{WINDOWS}:{line}", fix=fix)
                continue
            row = dict(zip(names, cells, strict=False))
            yield f"{WINDOWS}:{line}", plain(row["kind"]), row.get("from", ""), row.get("to", "")
    except BrokenCsvError as error:
        raise InputError(f"is not whole CSV ({error.why})", where=f"{WINDOWS}:{error.line}", fix=_WHOLE) from None


def _bound(text: str, where: str) -> date | None:
    found = day(text)
    if found is None or isinstance(found, date):
        return found
    raise InputError(found.why, where=where, fix="Write it as 2026-03-31, or leave it blank; `to` may also say now")


def _overall(windows: Collection[Window]) -> Window:
    """The days for which some list speaks."""
    starts = [window.start or date.min for window in windows]
    ends = [window.end or date.max for window in windows]
    first, last = min(starts), max(ends)
    return Window(None if first == date.min else first, None if last == date.max else last)
