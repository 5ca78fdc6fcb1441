"""CSV as authorities write it: with or without a byte-order mark, in UTF-8 or Windows-1252."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from alertd.errors import InputError


def read_text(path: Path) -> tuple[str, str]:
    """The text of a file, and a note for the operator where it was not UTF-8; otherwise that is "".

    Raises InputError for a file that is no text or cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from error
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252"), f"{path.name}: not UTF-8, read as Windows-1252"
    except UnicodeDecodeError:
        raise InputError("is not text", where=path.name, fix="Export it as CSV in UTF-8.") from None


def lines(text: str, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """(line number, cells without surrounding spaces) of every row that is not blank.

    A quoted cell may span lines: the number is that of the row's first. Raises :class:`BrokenCsvError`.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    started = 1
    try:
        for row in reader:
            line, started = started, reader.line_num + 1
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield line, cells
    except csv.Error as error:
        raise BrokenCsvError(started, str(error)) from error


class BrokenCsvError(Exception):
    """The text stops being CSV at a line. What of it is to be believed is for the reader to say."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line, self.why = line, why
