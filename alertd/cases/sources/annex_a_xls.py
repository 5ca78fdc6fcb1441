"""A look at an old workbook (.xls) before it is read: whether what it says of its own size can be true.

The reading library makes room for as much as the file says it holds. One wrong byte, and that is more
memory than there is. An .xls file is a compound file (sectors in chains) with a stream of records.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import error as struct_error
from struct import iter_unpack, unpack_from
from typing import Final

_END: Final = 0xFFFFFFFA
"""Sector numbers from here on are no sectors."""
_SMALL: Final = 4096
"""Bytes below which a stream is kept apart; a workbook's never is that small."""
_BOF, _DIMENSIONS, _MANY_NUMBERS = 0x0809, 0x0200, 0x00BD
_CELLS: Final = frozenset({0x0006, 0x00D6, 0x00FD, 0x0203, 0x0204, 0x0205, 0x027E, _MANY_NUMBERS})
_ROWS, _COLUMNS = 65_536, 256


class NoWorkbookError(Exception):
    """It is no .xls workbook, or says of itself what cannot be true."""


class TooLargeError(Exception):
    """It has a sheet with cells in use too far apart."""


def check(data: bytes, most: int) -> None:
    """Raises NoWorkbookError or TooLargeError; ``most`` are the cells of all sheets, blank ones between others too."""
    try:
        stream = _stream(data)
        total = sum(_cells(stream))
    except (struct_error, IndexError) as error:
        raise NoWorkbookError from error
    if total > most:
        raise TooLargeError


def _stream(data: bytes) -> bytes:
    """The stream of the workbook's records."""
    shift, fats, first = unpack_from("<H", data, 30)[0], unpack_from("<I", data, 44)[0], unpack_from("<I", data, 48)[0]
    minis, more, mores = unpack_from("<I", data, 64)[0], *unpack_from("<II", data, 68)
    if shift not in (9, 12):
        raise NoWorkbookError
    size = 1 << shift
    sectors = len(data) // size
    if max(fats, minis, mores) > sectors:
        raise NoWorkbookError

    def sector(number: int) -> bytes:
        found = data[(number + 1) * size : (number + 2) * size]
        if not found:
            raise NoWorkbookError
        return found

    where = list(unpack_from("<109I", data, 76))
    for _ in range(mores):
        if more >= _END:
            break
        *further, more = unpack_from(f"<{size // 4}I", sector(more))
        where += further
    table = [n for at in where[:fats] if at < _END for (n,) in iter_unpack("<I", sector(at))]

    def chain(start: int) -> bytes:
        parts: list[bytes] = []
        while start < _END:
            if len(parts) > sectors:
                raise NoWorkbookError
            parts.append(sector(start))
            start = table[start]
        return b"".join(parts)

    directory = chain(first)
    for at in range(0, len(directory) - 127, 128):
        length = unpack_from("<H", directory, at + 64)[0]
        name = directory[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
        start, held = unpack_from("<II", directory, at + 116)
        if held > len(data):
            raise NoWorkbookError
        if name in ("Workbook", "Book"):
            if held < _SMALL:
                raise NoWorkbookError
            return chain(start)[:held]
    raise NoWorkbookError


def _cells(stream: bytes) -> Iterator[int]:
    """Of each sheet, the cells from its first row and column to its last in use."""
    at, rows, columns = 0, 0, 0
    while at + 4 <= len(stream):
        what, length = unpack_from("<HH", stream, at)
        body = stream[at + 4 : at + 4 + length]
        at += 4 + length
        if what == _BOF:
            yield rows * columns
            rows = columns = 0
        elif what in _CELLS and length >= 6:
            row, column = unpack_from("<HH", body)
            last = unpack_from("<H", body, len(body) - 2)[0] if what == _MANY_NUMBERS else column
            rows, columns = max(rows, row + 1), max(columns, column + 1, last + 1)
        elif what == _DIMENSIONS and length in (10, 14):
            top, bottom, left, right = unpack_from("<IIHH" if length == 14 else "<HHHH", body)
            if not (top <= bottom <= _ROWS and left <= right <= _COLUMNS):
                raise NoWorkbookError
    yield rows * columns
