"""An authority's own lists row by row: cells, keys and links."""

from datetime import date, datetime
from pathlib import Path

import pytest
from own_files import one, put, read, records, refusal

from alertd.cases.records import LONDON
from alertd.cases.sources.own_lists import REPEATED

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
