"""The manifest of an extract: which files it has, with their rows and checksums.

A file that was cut short on its way reads like a file that has less to say. Whoever writes an
extract can put ``manifest.csv`` beside it, and then nothing short of the whole is believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from alertd.cases.sources.csv_files import BrokenCsvError, lines, read_text
from alertd.errors import InputError, did_you_mean

MANIFEST: Final = "manifest.csv"
COLUMNS: Final = ("file", "rows", "sha256")
_AGAIN: Final = "Copy or export the folder again, the manifest last"
_BLOCK: Final = 1 << 20


def check_manifest(folder: Path) -> None:
    """Compare the files of a folder with its ``manifest.csv``; without one there is nothing to compare.

    The manifest has a line for each file: its name, its rows (heading and blank lines not counted; of
    a CSV file only) and the SHA-256 of its bytes in hexadecimal. One of the two figures may be blank. A
    file the manifest does not name is not looked at. Raises InputError for a file that is not there or
    does not agree, with both figures, and for a manifest that cannot be read.
    """
    manifest = folder / MANIFEST
    if not manifest.exists():
        return
    said = _said(manifest)
    for line, name, rows, checksum in said:
        where = f"{MANIFEST}:{line}"
        if not name or len(name) > 200 or Path(name).name != name:
            raise InputError("names no file of this folder", where=f"{where}: file", fix="Give the bare name of a file")
        file = folder / name
        if not file.is_file():
            raise InputError(f"{name} is named here and is not in the folder", where=where, fix=_AGAIN)
        if checksum:
            _check_sum(file, checksum.lower(), where)
        if rows:
            _check_rows(file, rows, where)


def _said(manifest: Path) -> list[tuple[int, str, str, str]]:
    text, _ = read_text(manifest)
    found: list[tuple[int, str, str, str]] = []
    names: list[str] = []
    try:
        for line, cells in lines(text, delimiter_of(text, COLUMNS)):
            if not names:
                names = [cell.lower() for cell in cells]
                _check_heading(names)
                continue
            row = dict(zip(names, cells, strict=False))
            found.append((line, row.get("file", ""), row.get("rows", ""), row.get("sha256", "")))
            if not row.get("rows") and not row.get("sha256"):
                raise InputError("gives neither rows nor sha256", where=f"{MANIFEST}:{line}", fix="Give one of them")
    except BrokenCsvError as error:
        raise InputError(f"is not whole CSV ({error.why})", where=f"{MANIFEST}:{error.line}", fix=_AGAIN) from None
    if not found:
        raise InputError("names no file", where=MANIFEST, fix="Write a line for each file, or remove the manifest")
    return found


def _check_heading(names: list[str]) -> None:
    for at, name in enumerate(names):
        if name not in COLUMNS:
            fix = did_you_mean(name, COLUMNS) or f"Its columns are {', '.join(COLUMNS)}"
            raise InputError(f"column {at + 1} is not of a manifest", where=f"{MANIFEST}:1", fix=fix)
    if "file" not in names:
        raise InputError("has no column file", where=f"{MANIFEST}:1", fix=f"Its columns are {', '.join(COLUMNS)}")


def _check_sum(file: Path, wanted: str, where: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", wanted):
        raise InputError("is not a SHA-256 of 64 hexadecimal digits", where=f"{where}: sha256", fix=_AGAIN)
    digest = sha256()
    try:
        with file.open("rb") as open_file:
            while block := open_file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=file.name) from None
    if digest.hexdigest() != wanted:
        what = f"is not the file of the manifest: its SHA-256 is {digest.hexdigest()}, the manifest says {wanted}"
        raise InputError(what, where=file.name, fix=_AGAIN)


def _check_rows(file: Path, wanted: str, where: str) -> None:
    if not re.fullmatch(r"\d{1,12}", wanted):
        raise InputError("is not a number of rows", where=f"{where}: rows", fix="Write a whole number, without commas")
    if file.suffix.lower() != ".csv":
        raise InputError(f"rows of {file.name} cannot be counted: it is not CSV", where=where, fix="Give its sha256")
    text, _ = read_text(file)
    try:
        rows = max(sum(1 for _ in lines(text, delimiter_of(text))) - 1, 0)
    except BrokenCsvError as error:
        what = f"is cut short or damaged ({error.why}); the manifest says {int(wanted):,} rows"
        raise InputError(what, where=f"{file.name}:{error.line}", fix=_AGAIN) from None
    if rows != int(wanted):
        what = f"has {rows:,} rows and the manifest says {int(wanted):,}"
        raise InputError(what, where=file.name, fix=_AGAIN)


def delimiter_of(text: str, known: Sequence[str] = ()) -> str:
    """What parts the cells of a CSV text: that which gives its first line the most names that are known, then the
    most cells."""
    first = text[:10_000].lstrip("\r\n").splitlines()[:1]
    heading = first[0].lower() if first else ""

    def names(delimiter: str) -> tuple[int, int]:
        cells = ["_".join(re.split(r"[\s_-]+", cell.strip(' "'))) for cell in heading.split(delimiter)]
        return len({*cells} & {*known}), len(cells)

    return max(",;\t|", key=names)
