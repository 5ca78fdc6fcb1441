"""The look at an old workbook before it is read: one wrong byte in it must not ask for all memory there is."""

import random
from pathlib import Path
from struct import pack

import pytest
from annex_a_book import AS_OF

from alertd.cases.sources.annex_a import read
from alertd.cases.sources.annex_a_xls import NoWorkbookError, TooLargeError, check
from alertd.errors import InputError

FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
BOF = pack("<HHHHII", 0x0809, 12, 0x0600, 0x10, 0, 0)


def number(row: int, column: int) -> bytes:
    """A cell that holds a number."""
    return pack("<HHHHHd", 0x0203, 14, row, column, 0, 1.0)


def dimensions(rows: int, columns: int) -> bytes:
    return pack("<HHIIHHH", 0x0200, 14, 0, rows, 0, columns, 0)


def compound(records: bytes, *, name: str = "Workbook", first: int = 2, size: int | None = None) -> bytes:
    """A compound file with one stream: sector 0 is the table of chains, 1 the directory, the rest the stream."""
    stream = records.ljust(max(4096, -(-len(records) // 512) * 512), b"\0")
    count = len(stream) // 512
    table = [FAT, END, *(range(3, 2 + count)), END]
    entry = (name + "\0").encode("utf-16-le").ljust(64, b"\0") + pack("<HBB", 2 * len(name) + 2, 2, 1)
    entry = entry.ljust(116, b"\0") + pack("<IQ", first, len(stream) if size is None else size)
    header = bytes.fromhex("d0cf11e0a1b11ae1").ljust(30, b"\0") + pack("<H", 9).ljust(14, b"\0") + pack("<II", 1, 1)
    header = header.ljust(56, b"\0") + pack("<IIIII", 4096, END, 0, END, 0) + pack("<I", 0)
    header = header.ljust(512, b"\xff")
    return header + pack(f"<{len(table)}I", *table).ljust(512, b"\xff") + entry.ljust(512, b"\0") + stream


def test_a_workbook_with_its_cells_together_passes() -> None:
    check(compound(BOF + dimensions(50_000, 9) + number(49_999, 8) + BOF + number(0, 0)), 450_001)


@pytest.mark.parametrize("name", ["Workbook", "Book"])
def test_cells_too_far_apart_are_too_large_over_all_sheets(name: str) -> None:
    sheet = BOF + number(999, 255)
    check(compound(sheet * 3, name=name), 3 * 256_000)
    with pytest.raises(TooLargeError):
        check(compound(sheet * 4, name=name), 3 * 256_000)


def test_a_record_of_many_numbers_reaches_to_its_last_column() -> None:
    many = pack("<HHHHHiH", 0x00BD, 12, 999, 0, 0, 1, 255)
    with pytest.raises(TooLargeError):
        check(compound(BOF + many), 255_999)


@pytest.mark.parametrize("said", [dimensions(4_000_000_000, 9), dimensions(9, 60_000)])
def test_a_size_that_cannot_be_true(said: bytes) -> None:
    with pytest.raises(NoWorkbookError):
        check(compound(BOF + said), 1000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(600),
        compound(BOF, name="Other"),
        compound(BOF, first=90),
        compound(BOF, size=10_000_000),
        compound(BOF, size=100),
        compound(BOF)[:1000],
    ],
)
def test_what_is_no_workbook(data: bytes) -> None:
    with pytest.raises(NoWorkbookError):
        check(data, 1000)


def test_a_chain_of_sectors_that_bites_its_tail_ends() -> None:
    data = bytearray(compound(BOF))
    data[512 + 4 * 4 : 512 + 4 * 5] = pack("<I", 2)
    with pytest.raises(NoWorkbookError):
        check(bytes(data), 1000)


def test_any_bytes_give_one_of_the_two_answers() -> None:
    draw = random.Random(4)
    whole = compound(BOF + dimensions(10, 5) + number(9, 4))
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(draw.choice((1, 5, 50))):
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            check(bytes(data[: draw.randrange(len(data))] if draw.random() < 0.3 else data), 1000)
        except (NoWorkbookError, TooLargeError):
            continue


@pytest.mark.parametrize(
    ("records", "what"),
    [(BOF + number(60_000, 200), "so far apart"), (BOF + dimensions(1 << 31, 9), "is not a workbook")],
)
def test_the_reader_says_so_in_one_line(tmp_path: Path, records: bytes, what: str) -> None:
    (tmp_path / "e.xls").write_bytes(compound(records))
    with pytest.raises(InputError, match=what):
        read(tmp_path / "e.xls", as_of=AS_OF)
