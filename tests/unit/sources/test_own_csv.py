"""An authority's own lists as CSV: every row a record, set aside or rejected, and nothing guessed."""

import csv
import io
import os
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.cases.kinds import KINDS
from alertd.cases.records import LONDON, Record, Snapshot, Window
from alertd.cases.sources import own_csv
from alertd.cases.sources.own_cells import CODES
from alertd.cases.sources.own_example import example
from alertd.cases.sources.own_lists import REPEATED, columns_of
from alertd.errors import InputError

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def put(folder: Path, **lists: str | bytes) -> Path:
    for name, content in lists.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / f"{name.replace('__', '-')}.csv").write_bytes(data)
    return folder


def read(folder: Path) -> Snapshot:
    found = own_csv.read(folder, as_of=NOW)
    assert all(account.adds_up for account in found.accounts.values()), found.accounts
    return found


def records(folder: Path) -> list[Record]:
    return [record for case in read(folder).cases for record in case.records]


def one(folder: Path) -> Record:
    (found,) = records(folder)
    return found


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


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


# ------------------------------------------------------------------ rows


def test_a_row_without_a_child_is_rejected_with_its_column(tmp_path: Path) -> None:
    found = read(put(tmp_path, need="child,happened,closed\n,2026-03-02,\n1,2026-03-02,\n"))
    (reject,) = found.rejects
    assert (reject.where, reject.why, reject.column) == ("need.csv:2", "is blank", "child")
    assert found.accounts["need.csv"].used == 1


def test_a_row_of_too_many_or_too_few_cells_is_in_doubt_as_a_whole(tmp_path: Path) -> None:
    put(tmp_path, need="child,happened,closed\n1,2026-03-02\n2,2026-03-02,,a,b\n")
    short, long = records(tmp_path)
    assert (short.child, short.values, long.values) == ("1", {}, {})
    assert [doubt.why for doubt in short.doubts] == ["has 2 cells for 3 columns"] * 2


def test_such_a_row_is_rejected_where_the_child_may_be_another(tmp_path: Path) -> None:
    found = read(put(tmp_path, need="happened,child,closed\n2026-03-02,1\n"))
    assert (found.cases, found.rejects[0].why) == ((), "has 2 cells for 3 columns")


def test_a_file_of_which_much_is_rejected_is_refused(tmp_path: Path) -> None:
    put(tmp_path, need="child,happened,closed\n" + ",2026-03-02,\n" * 6 + "1,2026-03-02,\n" * 60)
    assert refusal(tmp_path).startswith("need.csv:2: child: 6 of 66 rows cannot be read; the first is blank")


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("31/02/2026", "is not a day that exists"),
        ("02/03/26", "is not a day that exists"),
        ("March", "is not a date"),
        ("1900-01-01", "filler"),
        ("9999-12-31", "filler"),
        ("0001-01-01", "year outside"),
        ("2300-01-01", "year outside"),
        ("0001-01-01T00:00+14:00", "not a date"),
        ("2026-03-02\x00", "is not a date"),
        ("46083", "is not a date"),
    ],
)
def test_a_date_that_is_none_is_in_doubt_and_not_repeated(written: str, why: str, tmp_path: Path) -> None:
    record = one(put(tmp_path, core_group=f"child,happened\n1,{written}\n"))
    doubt = record.doubt("happened")
    assert doubt and why in doubt.why and not record.values


def test_dates_that_may_be_month_first_are_in_doubt_where_the_column_shows_it(tmp_path: Path) -> None:
    put(tmp_path, core_group="child,happened\n1,03/04/2026\n2,03/13/2026\n3,05/05/2026\n4,2026-03-04\n")
    told = [record.doubt("happened") for record in records(tmp_path)]
    assert [bool(doubt) for doubt in told] == [True, True, False, False]
    assert told[0] and told[0].why == "may be written month first, as that of core_group.csv:3 is"


def test_one_misprint_among_dates_that_are_day_first_spoils_no_other(tmp_path: Path) -> None:
    put(tmp_path, core_group="child,happened\n1,03/04/2026\n2,03/13/2026\n3,25/05/2026\n")
    assert [record.day("happened") for record in records(tmp_path)] == [date(2026, 4, 3), None, date(2026, 5, 25)]


def test_moments_are_of_london_unless_they_say_otherwise(tmp_path: Path) -> None:
    put(tmp_path, missing="child,start,end\n1,01/07/2026 23:30,2026-07-02T00:30:00Z\n2,2026-07-01,\n")
    first, second = records(tmp_path)
    assert first.values["start"] == datetime(2026, 7, 1, 23, 30, tzinfo=LONDON)
    assert first.values["end"] == datetime(2026, 7, 2, 1, 30, tzinfo=LONDON)
    assert second.values["start"] == date(2026, 7, 1)


def test_codes_are_read_in_any_case_and_a_word_that_is_none_is_in_doubt(tmp_path: Path) -> None:
    put(
        tmp_path,
        care_leaver="child,start,end,eligibility\n1,2026-03-02,,Former Relevant\n2,2026-03-02,,former_relevant\n",
        pep="child,happened,type\n1,2026-03-02,Quality-Assured\n2,2026-03-02,Jane Smith\n",
        legal_status="child,start,end,status\n1,2026-03-02,,c2\n",
    )
    found = {(record.kind, record.child): record for record in records(tmp_path)}
    assert found["care_leaver", "1"].values["eligibility"] == "former relevant"
    assert found["care_leaver", "2"].values["eligibility"] == "former relevant"
    assert found["pep", "1"].values["type"] == "quality_assured"
    assert found["legal_status", "1"].values["status"] == "C2"
    (doubt,) = found["pep", "2"].doubts
    assert doubt.why == "is none of the codes initiated, meeting, quality_assured"


def test_prose_and_numbers_that_are_none_are_in_doubt(tmp_path: Path) -> None:
    put(
        tmp_path,
        need=f"child,happened,closed,type\n1,2026-03-02,,{'long words ' * 20}\n",
        sdq="child,happened,score\n1,2026-03-02,12.0\n2,2026-03-02,12.5\n",
        cp_visit="child,happened,child_seen\n1,2026-03-02,maybe\n",
    )
    found = {(record.kind, record.child): record for record in records(tmp_path)}
    assert found["need", "1"].doubt("type") and found["cp_visit", "1"].doubt("child_seen")
    assert found["sdq", "1"].values["score"] == 12 and found["sdq", "2"].doubt("score")


# ------------------------------------------------------------------ keys and links


def test_without_a_key_a_record_is_known_by_its_day_whatever_the_order_of_the_rows(tmp_path: Path) -> None:
    rows = ["1,2026-03-02,meeting", "1,2026-03-02,initiated", "1,2026-04-02,meeting"]
    keys = []
    for order in (rows, rows[::-1]):
        put(tmp_path, pep="child,happened,type\n" + "\n".join(order))
        keys.append({(record.key, record.values["type"]) for record in records(tmp_path)})
    assert keys[0] == keys[1]
    assert keys[0] == {("2026-03-02", "initiated"), ("2026-03-02 2", "meeting"), ("2026-04-02", "meeting")}


def test_without_a_key_and_the_day_it_began_another_day_or_the_content_is_the_key(tmp_path: Path) -> None:
    put(tmp_path, planned_action="child,start,end,decided,type\n1,,,2026-03-02,x\n2,,,,y\n")
    decided, undated = records(tmp_path)
    assert decided.key == "2026-03-02"
    put(tmp_path, planned_action="child,start,end,decided,type\n3,2026-01-01,,,z\n2,,,,y\n1,,,2026-03-02,x\n")
    assert records(tmp_path)[1].key == undated.key


def test_rows_that_say_the_same_are_taken_once(tmp_path: Path) -> None:
    found = read(put(tmp_path, core_group="child,happened\n1,2026-03-02\n1,02/03/2026\n"))
    account = found.accounts["core_group.csv"]
    assert (account.rows, account.used, dict(account.aside)) == (2, 1, {REPEATED: 1})


def test_rows_of_one_key_fill_each_other_and_what_differs_is_a_conflict(tmp_path: Path) -> None:
    put(tmp_path, need="child,key,happened,closed,type\n1,A,2026-03-02,,x\n1,A,2026-03-02,2026-05-02,y\n")
    record = one(tmp_path)
    assert (record.day("closed"), record.values.get("type")) == (date(2026, 5, 2), None)
    assert (doubt := record.doubt("type")) and doubt.cause == "conflict"


CHAIN = {
    "need": "child,key,happened,closed\n1,N1,2026-03-02,\n1,N2,2026-03-02,\n1,N3,2026-04-02,\n2,N9,2026-04-02,\n",
    "head": "child,key,start,end,need\n",
}


@pytest.mark.parametrize(
    ("link", "key"),
    [("N1", "N1"), ("N3", "N3"), ("2026-04-02", "N3"), ("02/04/2026", "N3"), ("02/03/2026", None), ("N9", None)],
)
def test_a_link_is_a_key_or_a_day_on_which_exactly_one_began(link: str, key: str | None, tmp_path: Path) -> None:
    put(tmp_path, need=CHAIN["need"], planned_action=f"{CHAIN['head']}1,P1,2026-05-01,,{link}\n")
    (action,) = (record for record in records(tmp_path) if record.kind == "planned_action")
    assert (action.values.get("need"), bool(action.doubt("need"))) == (key, key is None)


def test_a_day_that_is_also_the_key_made_of_it_is_no_link_where_two_began(tmp_path: Path) -> None:
    put(tmp_path, need="child,happened,closed,type\n1,2026-03-02,,x\n1,2026-03-02,,y\n")
    put(tmp_path, planned_action="child,start,end,need\n1,2026-05-01,,2026-03-02\n")
    (action,) = (record for record in records(tmp_path) if record.kind == "planned_action")
    assert (doubt := action.doubt("need")) and "more than one began" in doubt.why


def test_a_link_to_a_list_that_is_not_here_is_left_for_whoever_has_it(tmp_path: Path) -> None:
    put(tmp_path, return_interview="child,happened,missing\n1,2026-03-05,02/03/2026 22:15\n")
    assert one(tmp_path).values["missing"] == "2026-03-02T22:15"


def test_a_link_by_the_minute_finds_the_one_of_two_on_a_day(tmp_path: Path) -> None:
    put(tmp_path, missing="child,key,start,end\n1,M1,2026-03-02T22:15,\n1,M2,2026-03-02T06:00,\n")
    put(tmp_path, return_interview="child,happened,missing\n1,2026-03-05,2026-03-02 06:00\n")
    (interview,) = (record for record in records(tmp_path) if record.kind == "return_interview")
    assert interview.values["missing"] == "M2"


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


def test_a_large_list_is_read_in_seconds(tmp_path: Path) -> None:
    rows = "".join(f"{n % 5000},V{n},{n % 28 + 1:02}/03/2026,y,n,2026-04-01,y\n" for n in range(50_000))
    put(tmp_path, cp_visit=f"child,key,happened,child_seen,seen_alone,recorded,bedroom_seen\n{rows}")
    begun = time.monotonic()
    assert read(tmp_path).accounts["cp_visit.csv"].used == 50_000
    assert time.monotonic() - begun < 20
