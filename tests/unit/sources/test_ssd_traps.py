"""The traps of the Standard Safeguarding Dataset, each by its name, and what is made of it.

What each column becomes in general is in ``test_ssd_map`` and ``test_ssd_care``.
"""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import date
from pathlib import Path

import pytest
from ssd_database import AS_OF, LEAST, Row, case, fill, keys, load, only, plan, visit

from alertd.cases.records import Window
from alertd.cases.sources import ssd
from alertd.errors import InputError

WORDS = "is not a date (wanted: a date column, or text as 2026-03-31 or 31/03/2026)"


def person(**cells: object) -> Row:
    return {"pers_person_id": "P1", **cells}


def referral(**cells: object) -> Row:
    return {"cine_referral_id": "R1", "cine_person_id": "P1", "cine_referral_date": "2026-01-05", **cells}


# ------------------------------------------------------------------ general


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("05/03/2026", date(2026, 3, 5)),  # day first, always
        ("2026-03-05 00:00:00", date(2026, 3, 5)),
        ("\u00a02026-03-05 ", date(2026, 3, 5)),
        ("2026-07-01 23:30:00+00:00", date(2026, 7, 2)),  # in Europe/London it is the next day
    ],
)
def test_general_a_date_is_read_day_first_or_iso_and_is_a_london_day(tmp_path: Path, cell: str, day: date) -> None:
    assert only(load(tmp_path, {"cin_episodes": [referral(cine_referral_date=cell)]}), "referral").get("start") == day


@pytest.mark.parametrize("cell", ["36526.0", "36526", "May be 8 Jan 2000", "#N/A", "nope", "zz/05/2020", "13/13/2026"])
def test_general_serials_words_and_part_dates_are_doubts_and_never_guessed(tmp_path: Path, cell: str) -> None:
    found = only(load(tmp_path, {"cin_episodes": [referral(cine_referral_date=cell)]}), "referral")
    assert found.get("start") is None
    assert [(doubt.field, doubt.why) for doubt in found.doubts] == [("start", WORDS)]


@pytest.mark.parametrize("filler", ["1900-01-01", "9999-12-31", "01/01/1900 00:00:00"])
def test_general_a_filler_date_is_no_day(tmp_path: Path, filler: str) -> None:
    found = only(load(tmp_path, {"cin_episodes": [referral(cine_close_date=filler)]}), "referral")
    assert found.get("end") is None
    assert found.doubt("end")


def test_general_minus_one_is_no_reference(tmp_path: Path) -> None:
    row = {"invo_involvements_id": "I1", "invo_person_id": -1, "invo_referral_id": "R1", "invo_professional_id": "-1"}
    found = only(load(tmp_path, {"involvements": [row]}), "allocation")
    assert found.get("worker") is None
    assert found.get("team_only") is True


def test_general_a_day_to_come_is_kept_as_it_is(tmp_path: Path) -> None:
    ahead = visit("cp", "W1", cppv_cp_visit_date="2027-05-01")
    assert only(load(tmp_path, {"cp_visits": [ahead]}), "cp_visit").get("happened") == date(2027, 5, 1)


def test_general_a_blank_end_is_open(tmp_path: Path) -> None:
    assert case(load(tmp_path, {})).is_open(AS_OF.date())


def test_general_references_are_text_with_their_leading_zeros(tmp_path: Path) -> None:
    rows = [person(pers_person_id="00123456789012"), person(pers_person_id="123456789012"), person()]
    found = load(tmp_path, {"person": rows})
    assert [each.child for each in found.cases] == ["00123456789012", "123456789012", "P1"]


# ------------------------------------------------------------------ unborn and birth


def test_unborn_an_estimated_birth_date_is_never_a_birth(tmp_path: Path) -> None:
    """SystemC puts it where an unborn child's day is: a living child may look unborn, and has no age."""
    found = only(load(tmp_path, {"person": [person(pers_dob=None, pers_expected_dob="2014-06-15")]}), "child")
    assert found.values == {"expected": date(2014, 6, 15)}


def test_unborn_an_expected_day_long_past_is_still_no_birth(tmp_path: Path) -> None:
    found = only(load(tmp_path, {"person": [person(pers_dob="", pers_expected_dob="2025-01-01")]}), "child")
    assert found.day("born") is None


# ------------------------------------------------------------------ identity


def test_identity_a_child_whose_record_was_merged_away_is_gone_and_nothing_of_it_is_said_to_have_ended(
    tmp_path: Path,
) -> None:
    rows = [visit("cp", "W1"), visit("cp", "W2", cppv_person_id="P2")]
    before = load(tmp_path, {"person": [*LEAST["person"], person(pers_person_id="P2")], "cp_visits": rows})
    (tmp_path / "merged").mkdir()
    after = load(tmp_path / "merged", {"cp_visits": rows[:1]})
    assert [each.child for each in before.cases] == ["P1", "P2"]
    assert [each.child for each in after.cases] == ["P1"]
    assert case(after) == case(before)


def test_identity_neither_pupil_numbers_nor_names_are_read(tmp_path: Path) -> None:
    row = person(pers_dob="2015-03-02", pers_upn="A123456789012", pers_forename="Canary", pers_upn_unknown="UN1")
    assert set(only(load(tmp_path, {"person": [row]}), "child").values) == {"born"}


# ------------------------------------------------------------------ ended things


def test_ended_a_plan_open_after_its_referral_closed_stays_open(tmp_path: Path) -> None:
    closed = referral(cine_close_date="2026-02-01")
    snapshot = load(tmp_path, {"cin_episodes": [closed], "cp_plans": [plan(cppl_referral_id="R1")]})
    assert only(snapshot, "cp_plan").get("end") is None
    assert only(snapshot, "referral").get("end") == date(2026, 2, 1)


def test_ended_a_death_ends_the_child_and_leaves_the_plan_as_it_is_held(tmp_path: Path) -> None:
    died = person(pers_dob="2015-03-02", pers_death_date="2026-04-01")
    snapshot = load(tmp_path, {"person": [died], "cp_plans": [plan()]})
    assert only(snapshot, "child").get("died") == date(2026, 4, 1)
    assert only(snapshot, "cp_plan").get("end") is None


def episode(start: str, ceased: str | None = None, reason: str | None = None) -> Row:
    return {
        "clae_cla_id": "C1",
        "clae_person_id": "P1",
        "clae_cla_episode_start_date": start,
        "clae_cla_episode_ceased_date": ceased,
        "clae_cla_episode_ceased_reason": reason,
    }


def test_ended_x1_is_not_the_end_of_care(tmp_path: Path) -> None:
    rows = [episode("2025-01-01", "2025-03-01", "X1"), episode("2025-03-01")]
    assert only(load(tmp_path, {"cla_episodes": rows}), "care_period").values == {"start": date(2025, 1, 1)}


def test_ended_x1_with_no_later_episode_leaves_the_end_in_doubt(tmp_path: Path) -> None:
    found = only(load(tmp_path, {"cla_episodes": [episode("2025-01-01", "2025-03-01", "X1")]}), "care_period")
    assert found.doubt("end")


@pytest.mark.parametrize("code", ["V3", "V4"])
def test_ended_short_breaks_are_not_care(tmp_path: Path, code: str) -> None:
    status = {
        "lega_legal_status_id": "L1",
        "lega_person_id": "P1",
        "lega_legal_status": code,
        "lega_legal_status_start_date": "2025-01-01",
    }
    snapshot = load(tmp_path, {"legal_status": [status], "cla_episodes": [episode("2025-01-01")]})
    assert keys(snapshot, "care_period") == []


def test_ended_a_plan_of_another_authority_is_marked(tmp_path: Path) -> None:
    found = only(load(tmp_path, {"cp_plans": [plan(cppl_cp_plan_ola="Y")]}), "cp_plan")
    assert found.get("other_authority") is True


def test_ended_a_transfer_in_conference_is_marked(tmp_path: Path) -> None:
    row = {"icpc_icpc_id": "I1", "icpc_person_id": "P1", "icpc_icpc_date": "2026-03-02", "icpc_icpc_transfer_in": "Y"}
    assert only(load(tmp_path, {"initial_cp_conference": [row]}), "icpc").get("transfer_in") is True


def test_ended_a_protection_plan_open_beside_care_is_kept_beside_it(tmp_path: Path) -> None:
    snapshot = load(tmp_path, {"cp_plans": [plan()], "cla_episodes": [episode("2026-04-01")]})
    assert only(snapshot, "cp_plan").get("end") is None
    assert only(snapshot, "care_period").get("start") == date(2026, 4, 1)


# ------------------------------------------------------------------ the nightly reload


@pytest.mark.parametrize("empty", ["person", "cin_episodes"])
def test_reload_an_emptied_table_is_refused_before_any_child_is_read(tmp_path: Path, empty: str) -> None:
    fill(f"sqlite:///{tmp_path / 'ssd.db'}", {**LEAST, empty: []})
    with pytest.raises(InputError, match=f"ssd_{empty}: is empty"), ssd.opened(str(tmp_path / "ssd.db"), as_of=AS_OF):
        pytest.fail("nothing may be read")


def test_reload_all_tables_are_read_as_of_one_instant(tmp_path: Path) -> None:
    fill(f"sqlite:///{tmp_path / 'ssd.db'}", {**LEAST, "cp_visits": [visit("cp", "W1")]})
    with contextlib.closing(sqlite3.connect(tmp_path / "ssd.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        with ssd.opened(str(tmp_path / "ssd.db"), as_of=AS_OF) as reading:
            writer.execute("DELETE FROM ssd_cp_visits")
            writer.execute("DELETE FROM ssd_person")
            (pending,) = reading.children()
    assert [record.kind for record in pending.make().case.records] == ["child", "cp_visit", "referral"]


def leaver(row_key: str) -> Row:
    return {"clea_table_id": row_key, "clea_person_id": "P1", "clea_care_leaver_eligibility": "Relevant"}


def test_newid_a_row_key_that_is_new_each_night_changes_neither_record_nor_digest(tmp_path: Path) -> None:
    found = []
    for night in ("0F-1", "9C-7"):
        path = tmp_path / f"{night}.db"
        fill(f"sqlite:///{path}", {**LEAST, "care_leavers": [leaver(night)]})
        with ssd.opened(str(path), as_of=AS_OF) as reading:
            found += [(pending.digest, pending.make().case) for pending in reading.children()]
    assert found[0] == found[1]
    assert [record.key for record in found[0][1].of("care_leaver")] == ["P1:relevant"]


# ------------------------------------------------------------------ six years


def test_six_years_silence_before_them_is_no_proof(tmp_path: Path) -> None:
    assert case(load(tmp_path, {})).window == Window(date(2020, 11, 1))


def test_six_years_a_row_whose_parent_was_filtered_out_is_kept_with_its_link_in_doubt(tmp_path: Path) -> None:
    row = {
        "cina_assessment_id": "A1",
        "cina_person_id": "P1",
        "cina_referral_id": "R0",
        "cina_assessment_start_date": "2026-01-06",
    }
    found = only(load(tmp_path, {"cin_assessments": [row]}), "assessment")
    assert found.get("start") == date(2026, 1, 6)
    assert found.doubt("referral")


def test_six_years_a_child_whose_own_row_was_filtered_out_is_kept_and_counted(tmp_path: Path) -> None:
    snapshot = load(tmp_path, {"cp_plans": [plan(cppl_person_id="P9")]})
    assert keys(snapshot, "cp_plan", "P9") == ["CP1"]
    assert "children with rows but not in ssd_person: 1" in snapshot.notes


# ------------------------------------------------------------------ unfinished work


def test_unfinished_a_referral_without_an_assessment_is_there_to_start_the_clock(tmp_path: Path) -> None:
    snapshot = load(tmp_path, {"cin_assessments": []})
    assert only(snapshot, "referral").values == {"start": date(2026, 1, 5), "nfa": False}
    assert keys(snapshot, "assessment") == []


def test_unfinished_an_open_assessment_with_a_filler_for_its_end_is_open(tmp_path: Path) -> None:
    row = {
        "cina_assessment_id": "A1",
        "cina_person_id": "P1",
        "cina_assessment_start_date": "2026-01-06",
        "cina_assessment_auth_date": "1900-01-01 00:00:00",
    }
    found = only(load(tmp_path, {"cin_assessments": [row]}), "assessment")
    assert found.get("authorised") is None
    assert not found.doubts


def test_an_assessment_authorised_before_it_began_is_in_doubt(tmp_path: Path) -> None:
    """Neither in time nor late: one of the two days is wrong."""
    row = {
        "cina_assessment_id": "A1",
        "cina_person_id": "P1",
        "cina_assessment_start_date": "2026-01-20",
        "cina_assessment_auth_date": "2026-01-10",
    }
    found = only(load(tmp_path, {"cin_assessments": [row]}), "assessment")
    assert found.get("authorised") is None
    assert [(d.field, d.cause) for d in found.doubts] == [("authorised", "conflict")]


def test_unfinished_an_enquiry_without_an_end_is_open(tmp_path: Path) -> None:
    row = {"s47e_s47_enquiry_id": "E1", "s47e_person_id": "P1", "s47e_s47_start_date": "2026-02-01"}
    assert only(load(tmp_path, {"s47_enquiry": [row]}), "s47").get("outcome") == "open"


# ------------------------------------------------------------------ visits


@pytest.mark.parametrize("table", ["cp", "cla"])
def test_visits_one_case_note_in_two_tables_is_one_visit(tmp_path: Path, table: str) -> None:
    tables = {f"{table}_visits": [visit(table, "N1")], "cin_visits": [visit("cin", "N1"), visit("cin", "N2")]}
    snapshot = load(tmp_path, tables)
    assert keys(snapshot, f"{table}_visit") == ["N1"]
    assert keys(snapshot, "cin_visit") == ["N2"]
    assert snapshot.accounts["ssd_cin_visits"].aside.total() == 1


def test_visits_without_a_plan_are_the_childs_all_the_same(tmp_path: Path) -> None:
    snapshot = load(
        tmp_path, {"cp_visits": [visit("cp", "W1", cppv_cp_plan_id=None)], "cin_visits": [visit("cin", "W2")]}
    )
    assert (keys(snapshot, "cp_visit"), keys(snapshot, "cin_visit")) == (["W1"], ["W2"])


# ------------------------------------------------------------------ workers


@pytest.mark.parametrize("role", ["CW", "cw ", "Case worker", "Allocated Worker"])
def test_workers_the_lead_is_known_by_code_or_label(tmp_path: Path, role: str) -> None:
    row = {"invo_involvements_id": "I1", "invo_person_id": "P1", "invo_professional_role_id": role}
    assert only(load(tmp_path, {"involvements": [row]}), "allocation").get("role") == "CW"


@pytest.mark.parametrize("role", ["IRO", "Not allocated"])
def test_workers_anybody_else_is_not_the_lead(tmp_path: Path, role: str) -> None:
    row = {"invo_involvements_id": "I1", "invo_person_id": "P1", "invo_professional_role_id": role}
    assert only(load(tmp_path, {"involvements": [row]}), "allocation").get("role") == role


def test_workers_none_is_a_team_alone(tmp_path: Path) -> None:
    row = {"invo_involvements_id": "I1", "invo_person_id": "P1", "invo_professional_team": "T1"}
    assert only(load(tmp_path, {"involvements": [row]}), "allocation").values == {"team": "T1", "team_only": True}


# ------------------------------------------------------------------ health


def check(**cells: object) -> Row:
    return {"clah_health_check_id": "H1", "clah_person_id": "P1", "clah_health_check_date": "2026-04-01", **cells}


@pytest.mark.parametrize("status", ["Planned", "Cancelled", "Refused"])
def test_health_what_was_not_done_did_not_happen(tmp_path: Path, status: str) -> None:
    row = check(clah_health_check_type="Initial Health Assessment", clah_health_check_status=status)
    found = only(load(tmp_path, {"cla_health": [row]}), "health_assessment")
    assert found.get("happened") is None
    assert found.get("status") == status.lower()


@pytest.mark.parametrize(("label", "type_"), [("IHA - Paediatrician", "initial"), ("RHA (under 5)", "review")])
def test_health_initial_and_review_are_told_apart_by_the_label_alone(tmp_path: Path, label: str, type_: str) -> None:
    row = check(clah_health_check_type=label, clah_health_check_status="Completed")
    assert only(load(tmp_path, {"cla_health": [row]}), "health_assessment").get("type") == type_


def test_health_a_label_that_may_be_either_is_in_doubt(tmp_path: Path) -> None:
    row = check(clah_health_check_type="Health Assessment", clah_health_check_status="Completed")
    assert only(load(tmp_path, {"cla_health": [row]}), "health_assessment").doubt("type")


# ------------------------------------------------------------------ codes and text in JSON


@pytest.mark.parametrize(
    ("cell", "code"), [("k3", "K3"), ("Z14 - other", "Z14"), ("H5", "H5"), ("Q9", "Q9"), ("Foster home", "Foster home")]
)
def test_codes_old_new_and_unknown_ones_are_taken_as_they_stand(tmp_path: Path, cell: str, code: str) -> None:
    row = {"clap_cla_placement_id": "PL1", "clap_person_id": "P1", "clap_cla_placement_type": cell}
    assert only(load(tmp_path, {"cla_placement": [row]}), "placement").get("type") == code


@pytest.mark.parametrize(
    "cell",
    [
        '{"PROV_OF_SERVICES_FLAG": "Y", "COMMENTS": "said "no" to\nCanary',
        '{"COMMENTS": "Canary", "PROV_OF_SERVICES_FLAG": "Y"}',
        '{\\"PROV_OF_SERVICES_FLAG\\": \\"Y\\"',
    ],
)
def test_json_unescaped_or_cut_off_is_read_as_far_as_it_goes_and_comments_never(tmp_path: Path, cell: str) -> None:
    found = only(load(tmp_path, {"cin_assessments": [{
        "cina_assessment_id": "A1", "cina_person_id": "P1", "cina_assessment_outcome_json": cell
    }]}), "assessment")  # fmt: skip
    assert found.values == {"outcome": "services"}


# ------------------------------------------------------------------ the conference's clock


def test_icpc_clock_the_systems_own_due_day_is_kept_beside_ours_and_never_in_its_place(tmp_path: Path) -> None:
    """Ours is counted from the strategy discussion; the enquiry that the conference answers says when that was."""
    enquiry = {"s47e_s47_enquiry_id": "E1", "s47e_person_id": "P1", "s47e_s47_start_date": "2026-02-02"}
    row = {
        "icpc_icpc_id": "I1",
        "icpc_person_id": "P1",
        "icpc_s47_enquiry_id": "E1",
        "icpc_icpc_target_date": "2026-02-25",
    }
    snapshot = load(tmp_path, {"s47_enquiry": [enquiry], "initial_cp_conference": [row]})
    assert only(snapshot, "icpc").values == {"s47": "E1", "transfer_in": False, "due_on": date(2026, 2, 25)}
    assert only(snapshot, "s47").get("start") == date(2026, 2, 2)
