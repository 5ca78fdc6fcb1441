"""Annex A extracts as files: their rows, layouts and columns, the day they are of, and what their silence proves."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from annex_a_book import (
    AS_OF,
    CARE,
    LAST,
    Cell,
    Lists,
    case,
    csv_files,
    grid,
    made,
    noted,
    of,
    only,
    reading,
    sheets,
    without_results,
    workbook,
)

from alertd.cases.kinds import KINDS, LATEST_ONLY
from alertd.cases.records import Window
from alertd.cases.sources.annex_a import FILLS, read
from alertd.errors import InputError

D = date


# ---------------------------------------------------------------- rows


def test_rows_that_repeat_are_set_aside_and_rows_that_contradict_are_in_doubt(tmp_path: Path) -> None:
    first: dict[str, Cell] = {"child": "5", "assessment_start": D(2026, 1, 5), "seen": "Yes"}
    rows = [first, first, {**first, "seen": "No"}, {**first, "authorised": D(2026, 2, 2)}]
    snapshot = made(tmp_path, {4: rows})
    found = only(snapshot, "assessment")
    assert found.day("authorised") == D(2026, 2, 2)  # known from one of them
    doubt = found.doubt("child_seen")
    assert doubt
    assert (doubt.cause, "List 4!4" in doubt.why) == ("conflict", True)
    account = snapshot.accounts["extract.xlsx:List 4"]
    assert (account.rows, account.used, account.aside.total()) == (4, 3, 1)


def test_a_row_that_leads_to_no_child_is_rejected_with_its_place_and_column_and_not_its_content(tmp_path: Path) -> None:
    day = D(2026, 3, 2)
    rows: list[dict[str, Cell]] = [
        {"child": "#N/A", "contact_date": day},
        {"child": "Jane Placeholder", "contact_date": day},
        {"child": "Source: run 12 by Jane Placeholder"},
        {"child": "  ", "contact_date": day},
        {"child": "7", "contact_date": day},
    ]
    snapshot = made(tmp_path, {1: rows})
    assert [(r.where, r.column) for r in snapshot.rejects] == [
        ("extract.xlsx:List 1!2", "Child Unique ID"),
        ("extract.xlsx:List 1!3", "Child Unique ID"),
        ("extract.xlsx:List 1!4", ""),
        ("extract.xlsx:List 1!5", "Child Unique ID"),
    ]
    assert "Placeholder" not in str(snapshot)
    assert len(snapshot.cases) == 1


def test_references_are_text_whatever_the_cells_hold(tmp_path: Path) -> None:
    day = D(2026, 3, 2)
    rows: list[dict[str, Cell]] = [
        {"child": child, "contact_date": day} for child in (4666888.0, " 0012\xa0", 12, "12345678901234", "7.0")
    ]
    snapshot = made(tmp_path, {1: rows})
    assert [c.child for c in snapshot.cases] == ["0012", "12", "12345678901234", "4666888", "7"]
    assert noted(snapshot, "1 children whose references differ from another's by leading zeros alone")


def test_a_day_that_cannot_be_read_leaves_the_record_with_a_doubt(tmp_path: Path) -> None:
    rows: list[dict[str, Cell]] = [
        {"child": "5", "plan_start": "May be 8 Jan 2000", "cp_visit": "31/02/2026"},
        {"child": "6", "plan_start": None, "plan_end": D(2026, 1, 1)},
    ]
    snapshot = made(tmp_path, {7: rows})
    first, second = of(snapshot, "cp_plan")
    assert (first.key, first.doubts[0].field, second.day("end")) == ("undated 1", "start", D(2026, 1, 1))
    assert "Child Protection Plan Start Date is not a date" in first.doubts[0].why
    assert "day that does not exist" in only(snapshot, "cp_visit").doubts[0].why
    assert "May be" not in str(snapshot)


def test_a_formula_that_was_never_calculated_is_not_taken_for_a_blank_cell(tmp_path: Path) -> None:
    path = workbook(tmp_path / "e.xlsx", {1: [LAST], 8: [{**CARE, "review": "=A1+5", "care_end": "=A1+9"}]})
    snapshot = reading(without_results(path))
    assert "formula whose result the file does not hold" in only(snapshot, "cla_review").doubts[0].why
    assert only(snapshot, "care_period").doubt("end")


def test_a_formula_that_copies_a_blank_cell_holds_0_and_is_blank(tmp_path: Path) -> None:
    snapshot = made(tmp_path, {8: [{**CARE, "care_end": "=A1"}]})
    assert only(snapshot, "care_period").values == {"start": D(2025, 1, 6)}


# ---------------------------------------------------------------- layouts, files, and what is not there


def test_header_on_row_2_below_a_title(tmp_path: Path) -> None:
    snapshot = made(tmp_path, {8: [CARE]}, title=True)
    assert only(snapshot, "care_period").where == "extract.xlsx:List 8!3"


def test_the_2019_layout_lacks_three_kinds_which_are_then_not_held(tmp_path: Path) -> None:
    rows: list[dict[str, Cell]] = [{"child": "77", "eligibility": "Qualifying care leaver"}]
    snapshot = made(tmp_path, {9: rows}, layout=2019)
    assert {"pathway_plan", "leaver_contact"} & snapshot.holds == set()
    assert "care_leaver" in snapshot.holds
    note = noted(snapshot, "list 9 (care leavers) has no")
    assert "no Latest Pathway Plan Review Date" in note


def test_a_column_that_is_not_there_is_a_field_that_is_lacking(tmp_path: Path) -> None:
    cells = grid(7, [{"child": "5", "plan_start": D(2026, 1, 5), "cp_visit": D(2026, 2, 2)}])
    at = cells[0].index("Was the Child Seen Alone?")
    for row in cells:
        del row[at]
    snapshot = reading(sheets(tmp_path / "e.xlsx", {"x": cells}))
    assert "cp_visit.seen_alone" in snapshot.lacks
    assert "cp_visit" in snapshot.holds
    assert only(snapshot, "cp_visit").values == {"happened": D(2026, 2, 2)}


def test_headings_are_known_whatever_their_case_spaces_and_line_breaks_and_sheets_whatever_their_name(
    tmp_path: Path,
) -> None:
    cells = grid(8, [CARE])
    cells[0] = [str(h).upper().replace(" ", "\n \xa0").replace("'", "’") for h in cells[0]]
    snapshot = reading(sheets(tmp_path / "e.xlsx", {"whatever": cells, "List 7": [["nothing"], ["here"]]}))
    assert only(snapshot, "care_period").day("start") == D(2025, 1, 6)
    assert "placement" in snapshot.holds
    assert noted(snapshot, "e.xlsx:List 7: not a list of Annex A, left alone")


def test_a_column_of_last_visits_blank_in_every_row_is_not_filled_rather_than_nobody_visited(tmp_path: Path) -> None:
    rows = [{**CARE, "child": str(n), "visit": None} for n in range(20)]
    snapshot = made(tmp_path, {8: rows})
    assert "cla_visit" not in snapshot.holds
    assert noted(snapshot, "Date of Last Social Work Visit is blank in every row")
    assert "cla_visit" in made(tmp_path, {8: rows[:19]}).holds


def test_one_csv_file_a_list_in_a_folder_gives_the_same_records(tmp_path: Path) -> None:
    lists: Lists = {1: [LAST], 8: [CARE], 9: [{"child": "77", "eligibility": "Q", "pathway": D(2026, 1, 2)}]}
    from_book = reading(workbook(tmp_path / "e.xlsx", lists))
    for encoding, delimiter in (("utf-8-sig", ","), ("cp1252", ";")):
        from_csv = reading(csv_files(tmp_path / encoding, lists, encoding=encoding, delimiter=delimiter))
        assert [[(r.ref, r.values) for r in c.records] for c in from_csv.cases] == [
            [(r.ref, r.values) for r in c.records] for c in from_book.cases
        ]
        assert only(from_csv, "care_period").where == "list 8.csv:2"


def test_lists_may_lie_in_several_workbooks_but_none_may_be_there_twice(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", {1: [LAST]})
    workbook(tmp_path / "b.xlsx", {8: [CARE], 1: []})
    assert len(reading(tmp_path).cases) == 2
    workbook(tmp_path / "c.xlsx", {8: [CARE]})
    with pytest.raises(InputError, match=r"list 8 .* is there twice, also in b\.xlsx:List 8"):
        read(tmp_path, as_of=AS_OF)


# ---------------------------------------------------------------- the day of the extract, and what silence proves


@pytest.mark.parametrize(
    ("name", "above", "day", "how"),
    [
        ("Annex A 2026-03-30.xlsx", [], D(2026, 3, 30), "the name of"),
        ("AnnexA_30Mar2026_v2.xlsx", [], D(2026, 3, 30), "the name of"),
        ("x.xlsx", [["Data extracted on 30/03/2026"]], D(2026, 3, 30), "List 1!1"),
        ("x.xlsx", [["Extract date", D(2026, 3, 29)]], D(2026, 3, 29), "List 1!1"),
        ("x 2024-01-31.xlsx", [], D(2026, 3, 27), "latest day"),  # the template's date, not the extract's
        ("x 2026-04-30.xlsx", [], D(2026, 3, 27), "latest day"),  # not yet
    ],
)
def test_the_day_of_the_extract(tmp_path: Path, name: str, above: list[list[Cell]], day: date, how: str) -> None:
    """Days of birth, due dates and days after the one asked about say nothing of it."""
    ahead: dict[str, Cell] = {"child": "1", "contact_date": D(2026, 8, 1), "born": D(2026, 3, 31)}
    snapshot = reading(workbook(tmp_path / name, {1: [LAST, ahead]}, above=above))
    assert snapshot.as_at == snapshot.window.end == day
    assert noted(snapshot, f"extract of {day}")
    assert how in snapshot.notes[0]


def test_a_lone_later_day_among_many_is_not_the_day_of_the_extract(tmp_path: Path) -> None:
    rows = [{"child": str(n), "contact_date": D(2026, 1, 1 + n % 28)} for n in range(220)]
    snapshot = reading(workbook(tmp_path / "e.xlsx", {1: [*rows, LAST]}))
    assert snapshot.as_at == D(2026, 1, 28)


def test_each_kind_speaks_for_its_own_days(tmp_path: Path) -> None:
    """Six months; lists with the latest alone: ever for who is in them; list 9: the day; list 10: a year."""
    lists: Lists = {
        1: [LAST],
        5: [{"child": "101", "s47_start": D(2025, 6, 2)}, {"child": "7", "s47_start": D(2026, 1, 5)}],
        8: [CARE],
    }
    snapshot = reading(workbook(tmp_path / "e 2026-03-31.xlsx", lists))
    end = D(2026, 3, 31)
    half, ever, day = Window(D(2025, 9, 30), end), Window(None, end), Window(end, end)
    inside, outside = case(snapshot, "101"), case(snapshot, "7")
    assert snapshot.window == half
    for kind in ("contact", "assessment", "s47", "cin_visit", "cp_plan", "cp_visit", "cp_review"):
        assert inside.window_of([kind]) == outside.window_of([kind]) == half, kind
    for kind in ("care_period", "placement", "legal_status", "cla_review", "cla_visit", "iro_contact"):
        assert (inside.window_of([kind]), outside.window_of([kind])) == (ever, half), kind
    for kind in ("care_leaver", "pathway_plan", "leaver_contact", "allocation", "referral"):
        assert inside.window_of([kind]) == day, kind
    assert inside.window_of(["adoption_authority"]) == Window(D(2025, 3, 31), end)
    # An enquiry still open from before says of itself that there was no conference.
    assert (inside.window_of(["icpc"]), outside.window_of(["icpc"])) == (Window(D(2025, 6, 2), end), half)


def test_that_only_the_latest_is_held_is_said_of_every_child(tmp_path: Path) -> None:
    snapshot = made(tmp_path, {8: [CARE]})
    assert {c.latest for c in snapshot.cases} == {LATEST_ONLY["annex_a"]}
    assert snapshot.latest == LATEST_ONLY["annex_a"]


def test_a_list_without_rows_proves_nothing(tmp_path: Path) -> None:
    snapshot = made(tmp_path, {7: []})
    assert snapshot.holds == {"child", "contact"}
    assert noted(snapshot, "list 7 (child protection) has no rows, so nothing is measured from it")


# ---------------------------------------------------------------- the reader and the kinds


def test_the_reader_fills_no_more_than_the_kinds_say_annex_a_can_hold(tmp_path: Path) -> None:
    for kind, fields in FILLS.items():
        assert "annex_a" in KINDS[kind].feeds
        assert [name for name in fields if "annex_a" not in KINDS[kind].feeds_of(name)] == []
    snapshot = made(tmp_path, {8: [CARE], 7: [{"child": "5", "plan_start": D(2026, 1, 5)}]})
    assert snapshot.holds <= FILLS.keys()
    assert "cp_review.due_on" in snapshot.lacks
    for each in snapshot.cases:
        for record in each.records:
            assert record.values.keys() <= FILLS[record.kind], record.ref


def test_progress_is_told_each_list_and_its_rows(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    path = workbook(tmp_path / "e.xlsx", {1: [LAST], 8: [CARE]})
    read(path, as_of=datetime(2026, 3, 31, tzinfo=UTC), progress=lambda what, n: told.append((what, n)))
    assert told == [("e.xlsx:List 1", 1), ("e.xlsx:List 8", 1)]
