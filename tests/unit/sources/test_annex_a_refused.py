"""What is no Annex A extract: one clear line, no traceback, no hang, no memory to speak of."""

import io
import random
import resource
import time
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
from annex_a_book import AS_OF, reading, sheets, workbook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertd.cases.accounts import Account
from alertd.cases.sources import annex_a_workbooks
from alertd.cases.sources.annex_a import read
from alertd.cases.sources.annex_a_lists import LISTS
from alertd.errors import InputError

CONTACT = {"child": "900", "contact_date": date(2026, 3, 27)}


def refused(path: Path) -> str:
    """The one line, which took no more than five seconds of the processor: the clock counts what others do too."""
    began = time.process_time()
    with pytest.raises(InputError) as caught:
        read(path, as_of=AS_OF)
    assert time.process_time() - began < 5
    line = str(caught.value)
    assert "\n" not in line
    assert caught.value.where
    return line


def with_part(path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """The workbook with one member of its archive changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    parts[name] = change(parts.get(name, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, part in parts.items():
            archive.writestr(each, part)
    return path


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.xlsx", b""),
        ("text.xlsx", b"Child Unique ID,Date of Contact\n1,01/01/2026\n"),
        ("page.xls", b"<html><table><tr><td>Child Unique ID</td></tr></table></html>"),
        ("zip.xlsx", b"PK\x03\x04" + bytes(300)),
        ("ole.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000)),
        ("noise.xlsx", random.Random(1).randbytes(5000)),
        ("noise.csv", random.Random(2).randbytes(5000)),
    ],
)
def test_what_is_no_workbook(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    assert "is not" in refused(tmp_path / name)


def test_an_archive_that_is_no_workbook(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "e.xlsx", "w") as archive:
        archive.writestr("xl/readme.xml", "hello")
    assert "is not a workbook" in refused(tmp_path / "e.xlsx")


def test_what_is_protected_by_a_password(tmp_path: Path) -> None:
    (tmp_path / "e.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") * 9)
    assert "protected by a password" in refused(tmp_path / "e.xlsx")


def test_a_truncated_workbook_anywhere_is_refused(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "e.xlsx", {1: [CONTACT]}).read_bytes()
    for size in range(10, len(whole) - 1, 97):
        (tmp_path / "e.xlsx").write_bytes(whole[:size])
        refused(tmp_path / "e.xlsx")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = workbook(tmp_path / "e.xlsx", {1: [CONTACT]})
    with_part(path, "xl/sharedStrings.xml", lambda part: part + b" " * 300_000_000)
    assert path.stat().st_size < 1_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "unpacks to more than" in refused(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KB


def test_a_member_that_gives_a_false_size_is_refused(tmp_path: Path) -> None:
    """The directory of the archive says that a member is small; what is behind it is not."""
    path = with_part(
        workbook(tmp_path / "e.xlsx", {1: [CONTACT]}), "xl/sharedStrings.xml", lambda p: p + b" " * 90_000_000
    )
    data = path.read_bytes()
    at = data.rindex(b"xl/sharedStrings.xml") - 46 + 24  # its uncompressed size in the central directory
    path.write_bytes(data[:at] + (500).to_bytes(4, "little") + data[at + 4 :])
    assert "is not a workbook" in refused(path)


def test_a_cell_in_the_far_corner_is_refused_before_a_sheet_of_that_size_is_made(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "far.xlsx")
    sheet = book.add_worksheet("far")
    sheet.write(0, 0, "a")
    sheet.write(1_048_575, 16_383, "b")
    book.close()
    assert "so far apart" in refused(tmp_path / "far.xlsx")


def test_a_far_cell_that_does_not_say_where_it_is_is_refused_too(tmp_path: Path) -> None:
    path = workbook(tmp_path / "e.xlsx", {1: [CONTACT]})
    rows = b"".join(b'<row r="%d"><c t="inlineStr"><is><t>x</t></is></c></row>' % n for n in (5, 900_000))
    wide = b"<row>" + b"<c><v>1</v></c>" * 9000 + b"</row>"
    with_part(
        path, "xl/worksheets/sheet1.xml", lambda part: part.replace(b"</sheetData>", rows + wide + b"</sheetData>")
    )
    assert "so far apart" in refused(path)


def test_a_million_blank_styled_rows_behind_a_list_are_no_rows(tmp_path: Path) -> None:
    path = workbook(tmp_path / "e.xlsx", {1: [CONTACT]})
    blank = b"".join(b'<row r="%d" s="1"><c r="A%d" s="1"/></row>' % (n, n) for n in range(3, 1_000_003))
    with_part(path, "xl/worksheets/sheet1.xml", lambda part: part.replace(b"</sheetData>", blank + b"</sheetData>"))
    began = time.process_time()
    assert reading(path).accounts["e.xlsx:List 1"] == Account(1, 1)
    assert time.process_time() - began < 5


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    dtd = b'<!DOCTYPE x [<!ENTITY l0 "ha"><!ENTITY f SYSTEM "file:///etc/hostname">' + laughs + b"]>"
    for member in ("xl/workbook.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"):
        path = workbook(tmp_path / "e.xlsx", {1: [CONTACT]})
        with_part(path, member, lambda part: part.replace(b"?>", b"?>" + dtd, 1).replace(b"900", b"&l9;&f;"))
        began = time.process_time()
        try:
            text = str(read(path, as_of=AS_OF))
        except InputError:
            text = ""
        assert "haha" not in text
        assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ([["nothing", "of", "ours", "here"]], "there is no list of Annex A here"),
        ([["Child Unique ID", "Date of Contact"]], "headings and no rows"),
        ([[None]], "there is no list of Annex A here"),
    ],
)
def test_a_workbook_without_a_list_or_without_a_row(tmp_path: Path, cells: list[list[str]], what: str) -> None:
    assert what in refused(sheets(tmp_path / "e.xlsx", {"s": cells}))


def test_what_is_not_there_or_holds_no_file_of_ours(tmp_path: Path) -> None:
    assert "no such file or folder" in refused(tmp_path / "nowhere.xlsx")
    (tmp_path / "notes.txt").write_text("x")
    assert "no workbook and no CSV file" in refused(tmp_path)


def test_a_csv_file_cut_short_in_a_quoted_cell_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "list 1.csv"
    path.write_text('Child Unique ID,Date of Contact\n1,01/03/2026\n"2,01/03/2026\n', encoding="utf-8")
    assert "list 1.csv:3: is not whole CSV" in refused(path)


def test_a_panic_of_the_reading_library_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):  # as the library's own is called
        pass

    class Book:
        @staticmethod
        def from_filelike(_: io.BytesIO) -> None:
            raise PanicException("index out of bounds")

    path = workbook(tmp_path / "e.xlsx", {1: [CONTACT]})
    monkeypatch.setattr(annex_a_workbooks, "CalamineWorkbook", Book)
    assert "is not a workbook" in refused(path)


# ---------------------------------------------------------------- whatever the cells hold

JUNK = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.sampled_from(
        ["#N/A", "a) Yes", "b) No", "C2", "V3: x", "E2", "RC2 - Died", "01/02/2026", "nope", "=A1", "7", "-1"]
    ),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.integers(-3, 60000),
    st.booleans(),
    st.dates(min_value=date(1900, 1, 1)),
)


@st.composite
def junk_lists(draw: st.DrawFn) -> dict[str, list[list[object]]]:
    """Some of the lists, their columns in any order and not all of them, with anything in the cells."""
    found: dict[str, list[list[object]]] = {}
    for number in draw(st.sets(st.integers(1, 11), min_size=1, max_size=4)):
        columns = [h[0] for h in LISTS[number - 1].columns.values()]
        headings = draw(st.permutations(columns))[: draw(st.integers(1, len(columns)))]
        rows = draw(st.lists(st.lists(JUNK, min_size=len(headings), max_size=len(headings)), max_size=5))
        found[f"L{number}"] = [*draw(st.lists(st.lists(JUNK, max_size=2), max_size=2)), headings, *rows]
    return found


@given(cells=junk_lists())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_cells_hold_every_row_is_accounted_for(
    cells: dict[str, list[list[object]]], tmp_path: Path
) -> None:
    path = sheets(tmp_path / "junk.xlsx", cells)  # type: ignore[arg-type]
    try:
        snapshot = reading(path)
    except InputError:
        return
    for each in snapshot.cases:
        refs = [record.ref for record in each.records]
        assert len(refs) == len(set(refs))
    used = {r.where for each in snapshot.cases for r in each.records}
    assert len(used) <= sum(account.used for account in snapshot.accounts.values())
    assert not used & {reject.where for reject in snapshot.rejects}
