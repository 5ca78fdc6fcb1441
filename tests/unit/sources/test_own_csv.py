"""An authority's own lists as CSV: every row a record, set aside or rejected, and nothing guessed."""

import csv
import io
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_files import NOW, one, put, read, records, refusal

from alertd.cases.kinds import KINDS
from alertd.cases.records import Window
from alertd.cases.sources import own_csv
from alertd.cases.sources.own_cells import CODES
from alertd.cases.sources.own_example import example
from alertd.cases.sources.own_lists import columns_of
from alertd.errors import InputError

# ------------------------------------------------------------------ the documented layout


@pytest.mark.parametrize("kind", KINDS)
def test_the_documented_row_of_every_kind_is_read_as_a_full_record(kind: str, tmp_path: Path) -> None:
    row = example(KINDS[kind])
    text = io.StringIO()
    csv.writer(text).writerows([row.keys(), row.values()])
    record = one(put(tmp_path, **{kind: text.getvalue()}))
    assert (record.kind, record.child, record.key, record.doubts) == (kind, "48213", row["key"], ())
    assert set(record.values) == {field.name for field in KINDS[kind].fields}
    assert record.where == f"{kind}.csv:2"


def test_the_documented_rows_of_all_kinds_link_to_each_other(tmp_path: Path) -> None:
    for kind in KINDS.values():
        row = example(kind)
        put(tmp_path, **{kind.name: f"{','.join(row)}\n{','.join(row.values())}\n"})
    found = read(tmp_path)
    assert found.holds == {*KINDS} and not found.lacks
    (case,) = found.cases
    assert [record for record in case.records if record.doubts] == []
    assert next(case.of("delivery")).values["planned_action"] == next(case.of("planned_action")).key


def test_each_code_stands_in_the_meaning_of_its_field() -> None:
    for name, codes in CODES.items():
        kind, _, field = name.partition(".")
        declared = KINDS[kind].field(field)
        assert declared and declared.type == "text"
        assert [code for code in codes if code not in declared.meaning] == [], name


# ------------------------------------------------------------------ files


@pytest.mark.parametrize(
    "data",
    [
        b"child,key,happened\r\n007,A,2026-03-02\r\n",
        b"\xef\xbb\xbfChild;Key;Happened\n007;A;02/03/2026\n",
        b"child\tkey\thappened\n007\tA\t2/3/2026\n",
        b'"child","key","happened","","",\n007,A,2026-03-02T00:00,,,,,\n\n,,,,,\n',
        b"\n\nhappened,key,child\n2026-03-02 00:00:00,A,007",
    ],
)
def test_files_are_read_however_they_are_written(data: bytes, tmp_path: Path) -> None:
    record = one(put(tmp_path, core_group=data))
    assert (record.child, record.key, record.values) == ("007", "A", {"happened": date(2026, 3, 2)})


def test_windows_1252_is_read_and_noted(tmp_path: Path) -> None:
    put(tmp_path, need="child,key,happened,closed,type\n1,Ä,2026-03-02,,x\n".encode("cp1252"))
    assert one(tmp_path).key == "Ä"
    assert read(tmp_path).notes == ("need.csv: not UTF-8, read as Windows-1252",)


def test_the_place_of_a_row_after_a_quoted_line_break_is_its_own_line(tmp_path: Path) -> None:
    put(tmp_path, need='child,key,happened,closed,type\n1,A,2026-03-02,,"a\nb"\n2,B,2026-03-02,,x\n')
    first, second = records(tmp_path)
    assert (first.where, second.where) == ("need.csv:2", "need.csv:4")
    assert first.doubt("type") and second.values["type"] == "x"


def test_several_files_of_a_kind_are_one_list_and_one_file_is_a_list(tmp_path: Path) -> None:
    put(tmp_path, need__2025="child,key,happened,closed\n1,A,2025-03-02,\n")
    put(tmp_path, need__2026="child,key,happened,closed\n1,B,2026-03-02,\n")
    assert [record.key for record in records(tmp_path)] == ["A", "B"]
    assert [record.key for record in records(tmp_path / "need-2026.csv")] == ["B"]


def test_a_column_that_one_of_several_files_has_not_is_in_doubt_in_its_rows(tmp_path: Path) -> None:
    put(
        tmp_path,
        cp_visit__old="child,happened\n1,2025-03-02\n",
        cp_visit__new="child,happened,child_seen\n1,2026-03-02,y\n",
    )
    old, new = records(tmp_path)
    assert new.values["child_seen"] is True
    assert (doubt := old.doubt("child_seen")) and doubt.why == "cp_visit-old.csv has no column child_seen"
    assert "cp_visit.child_seen" not in read(tmp_path).lacks


def test_other_files_are_named_and_left_alone_and_a_misnamed_list_is_refused(tmp_path: Path) -> None:
    put(tmp_path, need="child,happened,closed\n")
    (tmp_path / "README.txt").write_text("hello")
    (tmp_path / ".~lock.need.csv").write_text("x")
    assert read(tmp_path).notes == ("README.txt: not a list, left alone",)
    put(tmp_path, needs="child,happened,closed\n")
    assert refusal(tmp_path) == "needs.csv: is not named for a kind of record. Did you mean need?"


def test_an_empty_list_is_a_statement_and_an_absent_column_is_lacking(tmp_path: Path) -> None:
    found = read(put(tmp_path, need="child,happened,closed\n"))
    assert (found.cases, found.holds, found.lacks) == ((), {"need"}, {"need.type"})
    assert found.counts == {"need.csv": 0}


@pytest.mark.parametrize(
    ("heading", "told"),
    [
        ("child,happend,closed", "need.csv:1:happend: is not a field of this kind. Did you mean happened?"),
        ("child,happened,closed,key,key", "need.csv:1:key: stands there twice. Leave one of them out"),
        ("child,happened", "need.csv:1: has no column closed. Every list of need needs it"),
        ("key,happened", "need.csv:1: has no column child. Begin with"),
        ("child,happened,closed,Amy Smith 3 High St.", "need.csv:1:column 4: is not a field of this kind. Columns of"),
        ("", "need.csv:2: has no column child"),
        ("Amy Smith,1 High Street", "need.csv:1: has no column child"),
    ],
)
def test_a_wrong_heading_is_refused_with_its_place(heading: str, told: str, tmp_path: Path) -> None:
    said = refusal(put(tmp_path, need=f"{heading}\n1,2026-03-02,\n"))
    assert said.startswith(told)
    assert "Smith" not in said


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'child,happened,closed\n1,"2026', "need.csv:2: is not whole CSV"),
        ("child,happened,closed\n1,2026-03-02,\n".encode("utf-16"), "need.csv: is in UTF-16"),
        (b"PK\x03\x04" + bytes(200), "need.csv: is a workbook or an archive"),
        (b"\x81\x8d\x00\xff" * 50, "need.csv: is not text"),
        (b"\x00\x01\x02" * 50, "need.csv:1: has no column child"),
    ],
)
def test_what_is_no_csv_is_refused_in_one_line(data: bytes, told: str, tmp_path: Path) -> None:
    assert refusal(put(tmp_path, need=data)).startswith(told)


def test_a_folder_without_lists_and_a_path_that_is_not_there_are_refused(tmp_path: Path) -> None:
    assert "there is no CSV file here" in refusal(tmp_path)
    assert "there is no such file or folder" in refusal(tmp_path / "gone")


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, need="child,happened,closed\n1,2026-03-02,\n") / "need.csv"

    def grow(what: str, n: int) -> None:
        path.write_text("child,happened,closed\n1,2026-03-02,\n2,2026-03-02,\n")

    with pytest.raises(InputError, match="changed while it was being read"):
        own_csv.read(tmp_path, as_of=NOW, progress=grow)


# ------------------------------------------------------------------ windows


def aged(folder: Path, name: str, day: datetime) -> None:
    os.utime(folder / name, (day.timestamp(), day.timestamp()))


def windows(folder: Path) -> dict[str, Window]:
    found = read(folder)
    return {record.kind: case.window_of([record.kind]) for case in found.cases for record in case.records}


def test_a_list_speaks_up_to_the_day_of_its_newest_file(tmp_path: Path) -> None:
    put(tmp_path, core_group__a="child,happened\n1,2026-03-02\n", core_group__b="child,happened\n")
    put(tmp_path, iro="child,start,end\n1,2026-03-02,\n")
    for name, day in (("core_group-a.csv", 3), ("core_group-b.csv", 10), ("iro.csv", 20)):
        aged(tmp_path, name, datetime(2026, 3, day, 23, 30, tzinfo=UTC))
    assert windows(tmp_path) == {
        "core_group": Window(None, date(2026, 3, 10)),
        "iro": Window(None, date(2026, 3, 20)),
    }
    assert read(tmp_path).as_at == date(2026, 3, 20)


def test_windows_csv_says_otherwise(tmp_path: Path) -> None:
    put(tmp_path, core_group="child,happened\n1,2026-03-02\n", iro="child,start,end\n1,2026-03-02,\n")
    aged(tmp_path, "iro.csv", datetime(2026, 3, 20, tzinfo=UTC))
    put(tmp_path, windows="kind,from,to\ncore_group,01/04/2025,now\niro,2025-01-01,\nneed,,now\n")
    assert windows(tmp_path) == {
        "core_group": Window(date(2025, 4, 1), None),
        "iro": Window(date(2025, 1, 1), date(2026, 3, 20)),
    }
    assert read(tmp_path).notes == ("windows.csv:4: there is no list of need here",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind,from,to\ncore_grop,,now\n", "windows.csv:2: kind: is not a kind of record. Did you mean core_group?"),
        ("kind,from,to\ncore_group,soon,\n", "windows.csv:2: from: is not a date"),
        ("kind,from,to\ncore_group,2026-05-01,2026-04-01\n", "windows.csv:2: ends before it starts"),
        ("kind,from,to\ncore_group,,now\ncore_group,,now\n", "windows.csv:3: kind: gives a kind twice"),
        ("kind,since\n", "windows.csv:1: has other columns than it should"),
    ],
)
def test_wrong_windows_are_refused(text: str, told: str, tmp_path: Path) -> None:
    put(tmp_path, core_group="child,happened\n", windows=text)
    assert refusal(tmp_path).startswith(told)


# ------------------------------------------------------------------ junk


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=400), name=st.sampled_from(["need", "missing", "child", "windows", "manifest"]))
def test_bytes_of_any_kind_end_in_a_reading_or_one_line(
    data: bytes, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = put(tmp_path_factory.mktemp("junk"), core_group="child,happened\n1,2026-03-02\n", **{name: data})
    try:
        read(folder)
        said = ""
    except InputError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["1", "2026-03-02", "02/03/2026", "2/13/2026", "-1", "yes", "N1", "2026-03-02T25:00", "1.0", "x" * 200]
    ),
)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=8), max_size=8),
    kind=st.sampled_from(["missing", "planned_action", "child"]),
)
def test_rows_of_any_kind_are_all_accounted_for(
    rows: list[list[str]], kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([columns_of(KINDS[kind]), *rows])
    folder = put(tmp_path_factory.mktemp("rows"), **{kind: text.getvalue().encode("utf-8", "replace")})
    try:
        found = read(folder)
    except InputError:
        return
    keys = [(record.child, record.key) for case in found.cases for record in case.records]
    assert len(keys) == len(set(keys))
    assert found.accounts[f"{kind}.csv"].used >= len(keys)
