"""Annex A lists, read into records: what each list becomes, and the traps of data-sources, each by its name."""

from datetime import date
from pathlib import Path

import pytest
from annex_a_book import (
    CARE,
    Cell,
    Lists,
    case,
    made,
    noted,
    of,
    only,
)

D = date


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


def test_a_referral_on_the_day_of_one_that_went_no_further_is_one_of_its_own(tmp_path: Path) -> None:
    """Both are true: a doubt whether it went no further would silence its clock, and nobody could mend it."""
    on = {"child": "5", "referral_date": D(2026, 3, 2)}
    need: dict[str, Cell] = {"child": "5", "need_start": D(2026, 3, 2), "last_seen": D(2026, 3, 5)}
    for lists in ({6: [need]}, {6: [{**need, "child": "6"}]}):
        (tmp_path / str(len(str(lists)))).mkdir(exist_ok=True)
        snapshot = made(
            tmp_path / str(len(str(lists))), {3: [{**on, "nfa": "a) Yes"}, {**on, "nfa": "b) No"}], **lists}
        )
        taken_up, closed = [r for r in of(snapshot, "referral") if r.child == "5"]
        assert (taken_up.get("nfa"), taken_up.doubts) == (False, ())
        assert closed.get("nfa") is True
        assert [(d.field, d.cause) for d in closed.doubts] == [("end", "window")]


def test_an_assessment_authorised_before_it_began_is_in_doubt(tmp_path: Path) -> None:
    row: dict[str, Cell] = {"child": "5", "assessment_start": D(2026, 1, 20), "authorised": D(2026, 1, 10)}
    (doubt,) = only(made(tmp_path, {4: [row]}), "assessment").doubts
    assert (doubt.field, doubt.cause) == ("authorised", "conflict")
    assert doubt.why.endswith("Date of Authorisation is before Continuous Assessment Start Date")


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
