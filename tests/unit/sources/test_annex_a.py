"""Annex A lists, read into records: what each list becomes, and the traps of data-sources, each by its name."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from annex_a_book import (
    AS_OF,
    Cell,
    Lists,
    case,
    csv_files,
    grid,
    noted,
    of,
    only,
    reading,
    sheets,
    without_results,
    workbook,
)

from alertd.cases.kinds import KINDS, LATEST_ONLY
from alertd.cases.records import Snapshot, Window
from alertd.cases.sources.annex_a import FILLS, read
from alertd.errors import InputError

D = date
LAST = {"child": "900", "contact_date": D(2026, 3, 27)}
"""A contact that sets the day of the extract, where a test asks for no other."""
CARE: dict[str, Cell] = {
    "child": "101",
    "born": D(2015, 5, 4),
    "care_start": D(2025, 1, 6),
    "status_start": D(2025, 2, 3),
    "status": "C2: FCO",
    "placement_start": D(2025, 6, 2),
    "placement_type": "f) U6: Foster placement - not FFA",
    "review": D(2026, 1, 12),
    "visit": D(2026, 3, 2),
    "iro": D(2026, 1, 9),
    "health": D(2025, 9, 1),
    "dental": D(2025, 11, 3),
    "team": "Care 1",
    "worker": "W\xa001",
}


def made(tmp_path: Path, lists: Lists, **more: object) -> Snapshot:
    return reading(workbook(tmp_path / "extract.xlsx", {1: [LAST], **lists}, **more))  # type: ignore[arg-type]


# ---------------------------------------------------------------- what each list becomes


def test_list_1_is_contacts(tmp_path: Path) -> None:
    snapshot = made(tmp_path, {})
    contact = only(snapshot, "contact")
    assert (contact.child, contact.key, contact.day("happened")) == ("900", "2026-03-27", D(2026, 3, 27))
    assert contact.where == "extract.xlsx:List 1!2"


def test_lists_3_and_6_say_of_one_referral_what_each_knows(tmp_path: Path) -> None:
    day = D(2025, 12, 1)
    snapshot = made(
        tmp_path,
        {
            3: [{"child": "5", "referral_date": day, "nfa": "b) No"}],
            6: [
                {"child": "5", "need_start": day, "closed": D(2026, 2, 2), "closure": "RC7", "last_seen": D(2026, 1, 5)}
            ],
        },
    )
    assert only(snapshot, "referral").values == {"start": day, "end": D(2026, 2, 2), "nfa": False}
    assert only(snapshot, "cin_visit").values == {"happened": D(2026, 1, 5), "child_seen": True}


@pytest.mark.parametrize(
    ("support", "outcome"), [("Yes", "services"), ("b) No", "nfa"), ("", None), ("CS Assessment Updated", None)]
)
def test_list_4_is_assessments(tmp_path: Path, support: str, outcome: str | None) -> None:
    row: dict[str, Cell] = {"child": "5", "assessment_start": D(2026, 1, 5), "authorised": D(2026, 2, 5)}
    found = only(made(tmp_path, {4: [{**row, "seen": "a) Yes", "support": support}]}), "assessment")
    assert (found.day("start"), found.day("authorised"), found.get("child_seen")) == (
        D(2026, 1, 5),
        D(2026, 2, 5),
        True,
    )
    assert found.get("outcome") == outcome
    assert bool(found.doubt("outcome")) == support.startswith("CS")


@pytest.mark.parametrize(
    ("unneeded", "held", "outcome"),
    [
        ("a) Yes", None, "no_conference"),
        ("b) No", None, "conference"),
        ("", None, "open"),
        ("", D(2026, 2, 2), "conference"),
        ("No", D(2026, 2, 2), "conference"),
    ],
)
def test_list_5_holds_the_enquiry_and_its_conference_in_one_row(
    tmp_path: Path, unneeded: str, held: date | None, outcome: str
) -> None:
    row: dict[str, Cell] = {"child": "5", "s47_start": D(2026, 1, 12), "no_conference": unneeded, "conference": held}
    snapshot = made(tmp_path, {5: [row]})
    enquiry = only(snapshot, "s47")
    assert enquiry.values == {"start": D(2026, 1, 12), "outcome": outcome}
    assert [r.values for r in of(snapshot, "icpc")] == ([{"happened": held, "s47": enquiry.key}] if held else [])


def test_a_conference_that_is_unnecessary_and_has_a_date_is_a_conflict(tmp_path: Path) -> None:
    row: dict[str, Cell] = {"child": "5", "s47_start": D(2026, 1, 12), "no_conference": "Yes"}
    found = only(made(tmp_path, {5: [{**row, "conference": D(2026, 2, 2)}]}), "s47").doubt("outcome")
    assert found
    assert found.cause == "conflict"


def test_two_enquiries_that_led_to_one_conference_are_each_linked_to_it(tmp_path: Path) -> None:
    held = D(2026, 2, 2)
    rows = [{"child": "5", "s47_start": D(2026, 1, day), "conference": held} for day in (12, 19)]
    conferences = of(made(tmp_path, {5: rows}), "icpc")
    assert [(r.get("s47"), r.day("happened")) for r in conferences] == [("2026-01-12", held), ("2026-01-19", held)]


def test_list_7_is_the_plan_the_last_visit_and_the_latest_review(tmp_path: Path) -> None:
    row: dict[str, Cell] = {
        "child": "5",
        "plan_start": D(2025, 10, 1),
        "cp_visit": D(2026, 3, 9),
        "seen_alone": "c) Unknown",
    }
    snapshot = made(
        tmp_path, {7: [{**row, "cp_review": D(2025, 12, 17)}, {**row, "child": "6", "seen_alone": "Seen alone"}]}
    )
    assert [r.values for r in of(snapshot, "cp_plan")] == [{"start": D(2025, 10, 1), "other_authority": False}] * 2
    assert any("taken to be this authority's own" in note for note in snapshot.notes)
    assert [r.get("seen_alone") for r in of(snapshot, "cp_visit")] == [None, True]
    assert only(snapshot, "cp_review").day("happened") == D(2025, 12, 17)


def test_list_8_is_care_its_legal_status_placement_and_what_was_last_done(tmp_path: Path) -> None:
    snapshot = made(tmp_path, {8: [CARE]})
    found = {(r.kind, r.key): r.values for r in case(snapshot, "101").records}
    assert found == {
        ("child", "101"): {"born": D(2015, 5, 4)},
        ("care_period", "2025-01-06"): {"start": D(2025, 1, 6)},
        ("legal_status", "2025-02-03"): {"start": D(2025, 2, 3), "status": "C2"},
        ("placement", "2025-06-02"): {"start": D(2025, 6, 2), "type": "U6"},
        ("cla_review", "2026-01-12"): {"happened": D(2026, 1, 12)},
        ("cla_visit", "2026-03-02"): {"happened": D(2026, 3, 2)},
        ("iro_contact", "2026-01-09"): {"happened": D(2026, 1, 9)},
        ("health_assessment", "2025-09-01 health"): {"happened": D(2025, 9, 1)},
        ("health_assessment", "2025-11-03 dental"): {"happened": D(2025, 11, 3)},
        ("allocation", "case"): {"worker": "W 01", "team": "Care 1", "role": "CW"},
    }


def test_the_end_of_care_ends_its_legal_status_and_placement(tmp_path: Path) -> None:
    row: dict[str, Cell] = {
        **CARE,
        "care_end": D(2026, 3, 1),
        "ceased": "k) E47: Special Guardianship Orders - relative/friend",
    }
    records = case(made(tmp_path, {8: [row]}), "101").records
    ends = {r.kind: r.day("end") for r in records if "end" in r.values}
    assert ends == dict.fromkeys(("care_period", "legal_status", "placement"), D(2026, 3, 1))
    assert not [r for r in records if r.kind == "allocation"]  # who had the case when it was closed has it no more


@pytest.mark.parametrize(
    ("status", "there"),
    [
        ("V3", False),
        ("V4: Short term breaks, agreements recorded", False),
        ("Series of short breaks", False),
        ("V2", True),
    ],
)
def test_short_breaks_are_not_looked_after_records_and_their_rows_are_set_aside(
    tmp_path: Path, status: str, there: bool
) -> None:
    snapshot = made(tmp_path, {8: [{**CARE, "status": status}]})
    assert len(of(snapshot, "care_period")) == there
    assert snapshot.accounts["extract.xlsx:List 8"].aside == ({} if there else {"short breaks (V3, V4)": 1})


def test_an_end_by_x1_is_no_end_and_a_reason_without_a_day_is_in_doubt(tmp_path: Path) -> None:
    rows: list[dict[str, Cell]] = [
        {**CARE, "care_end": D(2026, 3, 1), "ceased": "X1"},
        {**CARE, "child": "102", "ceased": "E8 - Care ceased for any other reason"},
        {**CARE, "child": "103", "ceased": "b) E12: Adopted - consent dispensed", "care_end": D(2026, 3, 2)},
    ]
    periods = of(made(tmp_path, {8: rows}), "care_period")
    assert [bool(r.doubt("end")) for r in periods] == [True, True, False]
    assert periods[2].day("end") == D(2026, 3, 2)


def test_list_9_is_the_leaver_the_plan_the_contact_and_the_adviser(tmp_path: Path) -> None:
    row: dict[str, Cell] = {"child": "77", "eligibility": "b) Former relevant child", "pathway": D(2025, 12, 1)}
    snapshot = made(tmp_path, {9: [{**row, "leaver_contact": D(2026, 3, 3), "team": "L", "adviser": "A 1"}]})
    assert only(snapshot, "care_leaver").values == {"eligibility": "former relevant"}
    assert only(snapshot, "pathway_plan").day("happened") == D(2025, 12, 1)
    assert only(snapshot, "leaver_contact").day("happened") == D(2026, 3, 3)
    adviser, lead = of(snapshot, "allocation")
    assert (adviser.values, lead.values) == ({"worker": "A 1", "team": "L", "role": "personal adviser"}, {"team": "L"})


@pytest.mark.parametrize(
    ("last", "end"),
    [
        ({"placed": D(2026, 2, 1), "adopted": D(2026, 3, 1)}, D(2026, 2, 1)),
        ({"adopted": D(2026, 3, 1)}, D(2026, 3, 1)),
        ({"reversed": D(2026, 1, 9)}, D(2026, 1, 9)),
        ({}, None),
    ],
)
def test_the_authority_to_place_ends_when_placed_adopted_or_reversed(
    tmp_path: Path, last: dict[str, Cell], end: date | None
) -> None:
    row: dict[str, Cell] = {"child": "5", "order": D(2025, 10, 1), "matched": D(2026, 1, 5), **last}
    found = only(made(tmp_path, {10: [row]}), "adoption_authority")
    assert (found.day("start"), found.day("matched"), found.day("end")) == (D(2025, 10, 1), D(2026, 1, 5), end)


def test_without_a_placement_order_there_is_no_authority_and_the_row_still_says_who_the_child_is(
    tmp_path: Path,
) -> None:
    snapshot = made(tmp_path, {10: [{"child": "5", "born": D(2024, 1, 5), "placed": D(2026, 1, 1)}]})
    assert not of(snapshot, "adoption_authority")
    assert case(snapshot, "5").records[0].day("born") == D(2024, 1, 5)
    assert snapshot.accounts["extract.xlsx:List 10"].used == 1


def test_early_help_and_adopters_are_known_and_set_aside(tmp_path: Path) -> None:
    snapshot = made(tmp_path, {2: [{"child": "1", "help_start": D(2026, 1, 1)}], 11: [{"adopter": "9"}] * 2})
    assert {c.child for c in snapshot.cases} == {"900"}
    assert snapshot.accounts["extract.xlsx:List 11"].aside.total() == 2
    assert noted(snapshot, "List 2: 1 row set aside: early help")


# ---------------------------------------------------------------- referrals, and when they closed


def test_the_end_of_a_referral_that_list_6_does_not_hold_is_in_doubt_and_not_guessed(tmp_path: Path) -> None:
    """Closed with no further action; before a later episode; assessed and left out of list 6. Open ones stay open."""
    referred: list[dict[str, Cell]] = [
        {"child": "1", "referral_date": D(2026, 1, 5), "nfa": "a) Yes"},
        {"child": "2", "referral_date": D(2025, 11, 3), "nfa": "b) No"},
        {"child": "3", "referral_date": D(2025, 12, 1), "nfa": "b) No"},
        {"child": "4", "referral_date": D(2026, 3, 20), "nfa": "b) No"},
        {"child": "5", "referral_date": D(2026, 2, 2), "nfa": "b) No"},
    ]
    need: list[dict[str, Cell]] = [
        {"child": "2", "need_start": D(2026, 2, 16)},
        {"child": "5", "need_start": D(2026, 1, 5), "closed": D(2026, 3, 2)},
    ]
    assessed: list[dict[str, Cell]] = [{"child": "3", "assessment_start": D(2025, 12, 3), "authorised": D(2026, 1, 20)}]
    found = {(r.child, r.key): r for r in of(made(tmp_path, {3: referred, 6: need, 4: assessed}), "referral")}
    doubts = {child: doubt.cause for (child, _), r in found.items() if (doubt := r.doubt("end"))}
    assert doubts == {"1": "window", "2": "window", "3": "window"}
    assert found["2", "2026-02-16"].doubts == ()
    assert found["4", "2026-03-20"].values == {"start": D(2026, 3, 20), "nfa": False}
    assert found["5", "2026-02-02"].day("end") == D(2026, 3, 2)  # came in while the episode was open


def test_without_list_6_no_referral_is_said_to_be_open(tmp_path: Path) -> None:
    snapshot = made(tmp_path, {3: [{"child": "1", "referral_date": D(2026, 1, 5), "nfa": "No", "worker": "W 1"}]})
    assert only(snapshot, "referral").doubt("end")
    assert only(snapshot, "allocation").get("worker") == "W 1"
    assert noted(snapshot, "list 6 (children in need) is not here")


def test_a_case_said_to_be_closed_without_a_day_is_in_doubt(tmp_path: Path) -> None:
    rows: list[dict[str, Cell]] = [
        {"child": "1", "need_start": D(2025, 1, 6), "case_status": "e) Closed episode"},
        {"child": "2", "need_start": D(2025, 1, 6), "case_status": "c) Child in need plan"},
    ]
    closed, still_open = of(made(tmp_path, {6: rows}), "referral")
    assert closed.doubt("end")
    assert still_open.values == {"start": D(2025, 1, 6)}


# ---------------------------------------------------------------- who the child is, and who has the case


def test_unborn_age_minus_one_makes_the_day_of_birth_a_due_date(tmp_path: Path) -> None:
    rows: list[dict[str, Cell]] = [
        {"child": str(n), "contact_date": D(2026, 3, 27), "born": born, "age": age}
        for n, (born, age) in enumerate(
            [(D(2026, 6, 1), -1), (D(2026, 3, 1), "-1"), (D(2026, 6, 1), None), (D(2027, 6, 1), 0), (D(2026, 3, 1), 0)],
            1,
        )
    ]
    children = {r.child: r for r in of(made(tmp_path, {1: rows}), "child")}
    assert {child: r.day("expected") for child, r in children.items()} == {
        "1": D(2026, 6, 1),
        "2": D(2026, 3, 1),
        "3": D(2026, 6, 1),
        "4": None,
        "5": None,
    }
    assert children["5"].day("born") == D(2026, 3, 1)
    assert children["4"].doubt("expected")


def test_a_birth_in_one_list_ends_the_expectation_of_another(tmp_path: Path) -> None:
    expecting: dict[str, Cell] = {"child": "5", "contact_date": D(2026, 3, 27), "born": D(2026, 3, 9), "age": -1}
    snapshot = made(tmp_path, {1: [expecting], 7: [{"child": "5", "born": D(2026, 3, 5), "plan_start": D(2026, 3, 6)}]})
    assert only(snapshot, "child").values == {"born": D(2026, 3, 5)}


def test_days_of_birth_that_differ_are_a_conflict_that_names_both_rows(tmp_path: Path) -> None:
    rows: list[dict[str, Cell]] = [{**CARE, "born": D(2015, 5, 4)}]
    need: list[dict[str, Cell]] = [{"child": "101", "need_start": D(2025, 1, 6), "born": D(2015, 4, 5)}]
    found = next(r for r in of(made(tmp_path, {8: rows, 6: need}), "child") if r.child == "101").doubt("born")
    assert found
    assert found.cause == "conflict"
    assert "List 6!2" in found.why
    assert "List 8!2" in found.why


@pytest.mark.parametrize("spelling", ["RC2 - Died", "Childrens - Died", "died.", "RC2"])
def test_death_is_the_day_on_which_a_case_closed_for_it(tmp_path: Path, spelling: str) -> None:
    row: dict[str, Cell] = {"child": "5", "need_start": D(2025, 1, 6), "closed": D(2026, 2, 3), "closure": spelling}
    found = next(r for r in of(made(tmp_path, {6: [row]}), "child") if r.child == "5")
    assert found.day("died") == D(2026, 2, 3)


def test_a_care_leaver_who_died_on_a_day_nobody_says_is_in_doubt(tmp_path: Path) -> None:
    snapshot = made(tmp_path, {9: [{"child": "5", "eligibility": "a) Relevant child", "in_touch": "c) Died"}]})
    found = next(r for r in of(snapshot, "child") if r.child == "5").doubt("died")
    assert found
    assert found.cause == "window"


def test_a_reason_nobody_knows_is_counted_and_taken_for_no_death(tmp_path: Path) -> None:
    row: dict[str, Cell] = {"child": "5", "need_start": D(2025, 1, 6), "closed": D(2026, 2, 3), "closure": "moved on"}
    snapshot = made(tmp_path, {6: [row]})
    assert all("died" not in r.values and not r.doubt("died") for r in of(snapshot, "child"))
    assert noted(snapshot, "1 rows whose reason for closing or ceasing is not known")


def test_who_has_the_case_is_taken_from_the_list_that_says_best(tmp_path: Path) -> None:
    lists: Lists = {
        3: [{"child": "101", "referral_date": D(2026, 1, 5), "worker": "Duty"}],
        6: [{"child": "101", "need_start": D(2025, 1, 6), "worker": "Old"}],
        8: [CARE],
    }
    snapshot = made(tmp_path, lists)
    assert only(snapshot, "allocation").get("worker") == "W 01"
    assert noted(snapshot, "1 children for whom lists name different workers")


def test_failed_formulas_for_a_worker_are_blank_and_a_team_has_the_case(tmp_path: Path) -> None:
    snapshot = made(tmp_path, {8: [{**CARE, "worker": "#N/A"}]})
    assert only(snapshot, "allocation").values == {"team": "Care 1"}
    assert noted(snapshot, "1 cell with an error as #N/A, read as blank")


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
