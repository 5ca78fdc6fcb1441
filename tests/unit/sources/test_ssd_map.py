"""What each table of the Standard Safeguarding Dataset becomes."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from ssd_database import Row, keys, load, only, plan, visit

from alertd.cases.records import LONDON, Doubt, Reject


def assessment(**row: object) -> Row:
    return {
        "cina_assessment_id": "A1",
        "cina_person_id": "P1",
        "cina_referral_id": "R1",
        "cina_assessment_start_date": "2026-01-06",
        **row,
    }


def s47(**row: object) -> Row:
    return {"s47e_s47_enquiry_id": "E1", "s47e_person_id": "P1", "s47e_s47_start_date": "2026-02-01", **row}


def test_a_child_has_a_birth_date_or_is_expected(tmp_path: Path) -> None:
    people = [
        {"pers_person_id": " P1\u00a0", "pers_dob": "02/03/2015", "pers_death_date": None},
        {"pers_person_id": "P2", "pers_dob": None, "pers_expected_dob": "2026-12-25 00:00:00"},
        {"pers_person_id": "P3", "pers_dob": "about 2010", "pers_death_date": "2026-01-01"},
    ]
    snapshot = load(tmp_path, {"person": people})
    assert only(snapshot, "child").values == {"born": date(2015, 3, 2)}
    assert only(snapshot, "child", "P2").values == {"expected": date(2026, 12, 25)}
    assert only(snapshot, "child", "P3").values == {"died": date(2026, 1, 1)}
    assert only(snapshot, "child", "P3").doubt("born")


@pytest.mark.parametrize(("cell", "nfa"), [("Y", True), ("N", False), (None, False), ("?", False)])
def test_no_further_action_is_what_the_column_says_and_nothing_else(tmp_path: Path, cell: object, nfa: bool) -> None:
    row = {"cine_referral_id": "R1", "cine_person_id": "P1", "cine_referral_date": "2026-01-05"}
    snapshot = load(tmp_path, {"cin_episodes": [{**row, "cine_close_date": "2026-02-05", "cine_referral_nfa": cell}]})
    assert only(snapshot, "referral").values == {"start": date(2026, 1, 5), "end": date(2026, 2, 5), "nfa": nfa}
    assert only(snapshot, "referral").where == "ssd_cin_episodes R1"


def test_an_assessment_authorised_in_1900_is_not_authorised(tmp_path: Path) -> None:
    row = assessment(cina_assessment_auth_date="1900-01-01 00:00:00", cina_assessment_child_seen="Y")
    found = only(load(tmp_path, {"cin_assessments": [row]}), "assessment")
    assert found.values == {"start": date(2026, 1, 6), "referral": "R1", "child_seen": True}
    assert not found.doubts


@pytest.mark.parametrize(
    ("json", "nfa", "outcome"),
    [
        ('{"NFA_FLAG": "", "PROV_OF_SERVICES_FLAG": "Y", "COMMENTS": "a "quoted" word', None, "services"),
        ('{"PROV_OF_SB_CARE_FLAG": "Y"}', None, "services"),
        ('{"NFA_FLAG": "Y"}', None, "nfa"),
        (None, "Y", "nfa"),
        ('{"NFA_FLAG": "N", "LEGAL_ACTION_FLAG": "Y"}', "N", "other"),
        ('{"NFA_FLAG": "", "LEGAL_ACT', None, None),
        ("not json", None, None),
    ],
)
def test_an_assessments_outcome_comes_from_its_flags(
    tmp_path: Path, json: object, nfa: object, outcome: str | None
) -> None:
    row = assessment(cina_assessment_outcome_json=json, cina_assessment_outcome_nfa=nfa)
    found = only(load(tmp_path, {"cin_assessments": [row]}), "assessment")
    assert found.get("outcome") == outcome
    assert "quoted" not in str(found)


@pytest.mark.parametrize(
    ("end", "json", "nfa", "outcome"),
    [
        (None, None, None, "open"),
        ("2026-02-10", '{"CP_CONFERENCE_FLAG": "Y"}', None, "conference"),
        ("2026-02-10", '{"CP_CONFERENCE_FLAG": ""}', None, "no_conference"),
        ("2026-02-10", None, "Y", "no_conference"),
        ("2026-02-10", '{"NFA_FLAG": "", "CP_CONF', None, None),
        ("soon", '{"CP_CONFERENCE_FLAG": "N"}', None, "no_conference"),
    ],
)
def test_an_enquirys_outcome(tmp_path: Path, end: object, json: object, nfa: object, outcome: str | None) -> None:
    row = s47(s47e_s47_end_date=end, s47e_s47_outcome_json=json, s47e_s47_nfa=nfa)
    assert only(load(tmp_path, {"s47_enquiry": [row]}), "s47").get("outcome") == outcome


def conference(key: str, held: str | None, plan: str | None = None) -> Row:
    return {"icpc_icpc_id": key, "icpc_person_id": "P1", "icpc_icpc_date": held, "icpc_cp_plan_id": plan}


def test_a_conference_keeps_its_enquiry_its_target_and_whether_it_was_a_transfer(tmp_path: Path) -> None:
    row = {**conference("I1", "2026-02-20"), "icpc_s47_enquiry_id": "E1", "icpc_icpc_target_date": "2026-02-23"}
    enquiry = s47(s47e_s47_enquiry_id="E1")
    held = load(tmp_path, {"s47_enquiry": [enquiry], "initial_cp_conference": [{**row, "icpc_icpc_transfer_in": None}]})
    found = only(held, "icpc")
    assert found.values == {
        "happened": date(2026, 2, 20), "s47": "E1", "transfer_in": False, "due_on": date(2026, 2, 23)
    }  # fmt: skip


def test_a_link_to_no_row_of_the_child_is_in_doubt_and_never_an_answer(tmp_path: Path) -> None:
    row = {**conference("I1", "2026-02-20"), "icpc_s47_enquiry_id": "9999999"}
    found = only(load(tmp_path, {"s47_enquiry": [s47()], "initial_cp_conference": [row]}), "icpc")
    assert found.get("s47") is None
    assert (found.doubts[0].field, found.doubts[0].cause) == ("s47", "conflict")


@pytest.mark.parametrize(
    ("conferences", "linked", "day"),
    [
        ([conference("I1", "2026-03-02")], "I1", date(2026, 3, 2)),
        ([conference("I1", "2026-03-02", "CP1")], None, date(2026, 3, 2)),
        ([conference("I1", "2026-03-02", "CP1")], "I1", date(2026, 3, 2)),
        ([conference("I1", None, "CP1")], "I1", None),
        ([], "I9", None),
    ],
)
def test_a_plan_knows_the_day_of_its_conference_from_either_side(
    tmp_path: Path, conferences: list[Row], linked: object, day: date | None
) -> None:
    snapshot = load(tmp_path, {"initial_cp_conference": conferences, "cp_plans": [plan(cppl_icpc_id=linked)]})
    assert only(snapshot, "cp_plan").get("conference") == day


def test_two_conferences_on_different_days_for_one_plan_are_a_doubt(tmp_path: Path) -> None:
    both = [conference("I1", "2026-03-02"), conference("I2", "2026-03-09", "CP1")]
    found = only(load(tmp_path, {"initial_cp_conference": both, "cp_plans": [plan(cppl_icpc_id="I1")]}), "cp_plan")
    assert found.get("conference") is None
    assert found.doubt("conference") == Doubt(
        "conference", "the plan and its conference are linked to different days", "conflict"
    )


def test_a_protection_review_and_visit(tmp_path: Path) -> None:
    review = {"cppr_cp_review_id": "V1", "cppr_person_id": "P1", "cppr_cp_review_due": "2026-06-01"}
    seen = {"cppv_cp_visit_seen": "Y", "cppv_cp_visit_seen_alone": "N", "cppv_cp_visit_bedroom": None}
    snapshot = load(
        tmp_path,
        {
            "cp_reviews": [{**review, "cppr_cp_review_quorate": "Quorate"}],
            "cp_visits": [visit("cp", "N1", cppv_cp_visit_date="2026-05-01 14:30:00", **seen)],
        },
    )
    assert only(snapshot, "cp_review").values == {"due_on": date(2026, 6, 1), "quorate": True}
    assert only(snapshot, "cp_visit").values == {"happened": date(2026, 5, 1), "child_seen": True, "seen_alone": False}


def test_a_child_in_need_visit_also_held_elsewhere_counts_once(tmp_path: Path) -> None:
    snapshot = load(
        tmp_path,
        {
            "cp_visits": [visit("cp", "N1")],
            "cla_visits": [visit("cla", "N2")],
            "cin_visits": [
                visit("cin", "N1"),
                visit("cin", "N2"),
                visit("cin", "N3"),
                visit("cin", "N1") | {"cinv_person_id": "P2"},
            ],
        },
    )
    assert keys(snapshot, "cin_visit") == ["N3"]
    assert keys(snapshot, "cin_visit", "P2") == ["N1"]  # the same note about another child
    assert keys(snapshot, "cp_visit") == ["N1"]
    assert keys(snapshot, "cla_visit") == ["N2"]
    told = "ssd_cin_visits: 2 rows set aside: also held as protection or looked-after visits, so counted once"
    assert told in snapshot.notes


def test_a_missing_episode_keeps_a_time_of_day_and_turns_midnight_into_a_day(tmp_path: Path) -> None:
    row = {
        "miss_table_id": "M1",
        "miss_person_id": "P1",
        "miss_missing_episode_start_date": "2026-07-01 23:15:00",
        "miss_missing_episode_end_date": "2026-07-03 00:00:00",
        "miss_missing_episode_type": "M",
        "miss_missing_rhi_offered": "NA",
        "miss_missing_rhi_accepted": "Y",
    }
    assert only(load(tmp_path, {"missing": [row]}), "missing").values == {
        "start": datetime(2026, 7, 1, 23, 15, tzinfo=LONDON),
        "end": date(2026, 7, 3),
        "type": "missing",
        "interview_accepted": True,
    }


def leaver(table_id: str, held_as: object = "Relevant", plan: object = None, contact: object = None) -> Row:
    return {
        "clea_table_id": table_id,
        "clea_person_id": "P1",
        "clea_care_leaver_eligibility": held_as,
        "clea_pathway_plan_review_date": plan,
        "clea_care_leaver_latest_contact": contact,
    }


def test_a_care_leaver_keeps_the_same_key_though_the_row_key_changes_each_night(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = load(tmp_path / "a", {"care_leavers": [leaver("0F-1", plan="2026-05-01 15:20:00", contact="2026-06-01")]})
    second = load(tmp_path / "b", {"care_leavers": [leaver("9C-7", plan="2026-05-01 15:20:00", contact="2026-06-01")]})
    assert first.cases == second.cases
    assert only(first, "care_leaver").key == "P1:relevant"
    assert only(first, "care_leaver").values == {"eligibility": "relevant"}
    assert keys(first, "pathway_plan") == ["2026-05-01"]
    assert only(first, "leaver_contact").values == {"happened": date(2026, 6, 1)}


def test_a_pathway_plan_of_1900_is_none(tmp_path: Path) -> None:
    snapshot = load(tmp_path, {"care_leavers": [leaver("1", plan="1900-01-01 00:00:00")]})
    assert keys(snapshot, "pathway_plan") == []
    assert keys(snapshot, "leaver_contact") == []


def test_an_unreadable_pathway_plan_is_a_doubt(tmp_path: Path) -> None:
    found = only(load(tmp_path, {"care_leavers": [leaver("1", plan="last spring")]}), "pathway_plan")
    assert found.key == "latest"
    assert found.doubt("happened")


def test_a_young_person_held_under_two_eligibilities_keeps_both(tmp_path: Path) -> None:
    snapshot = load(
        tmp_path, {"care_leavers": [leaver("1", "Eligible"), leaver("2", "Former Relevant"), leaver("3", None)]}
    )
    assert keys(snapshot, "care_leaver") == ["P1", "P1:eligible", "P1:former relevant"]


def test_an_allocation_may_have_a_team_and_no_worker(tmp_path: Path) -> None:
    row = {
        "invo_involvements_id": "I1",
        "invo_person_id": "P1",
        "invo_involvement_start_date": "2026-01-05",
        "invo_professional_id": -1,
        "invo_professional_team": "T1",
        "invo_professional_role_id": "Allocated worker",
    }
    values = only(load(tmp_path, {"involvements": [row]}), "allocation").values
    assert values == {"start": date(2026, 1, 5), "team": "T1", "role": "CW", "team_only": True}
    (tmp_path / "held").mkdir()
    held = only(load(tmp_path / "held", {"involvements": [{**row, "invo_professional_id": "W1"}]}), "allocation")
    assert held.get("team_only") is False


@pytest.mark.parametrize(
    ("json", "assessed"),
    [
        ('{"NEW_REFERRAL_FLAG": "Y", "NFA_FLAG": "N"}', True),
        ('{"EXISTING_REFERRAL_FLAG": "Y"}', True),
        ('{"NEW_REFERRAL_FLAG": "N", "ADVICE_FLAG": "Y"}', False),
        ('{"NEW_REFERRAL_FLAG": "N"}', None),
        (None, None),
    ],
)
def test_a_contact_led_on_or_not_as_its_flags_say(tmp_path: Path, json: object, assessed: bool | None) -> None:
    row = {"cont_contact_id": "K1", "cont_person_id": "P1", "cont_contact_date": "2026-01-04"}
    found = only(load(tmp_path, {"contacts": [{**row, "cont_contact_outcome_json": json}]}), "contact")
    assert (found.day("happened"), found.get("assessed")) == (date(2026, 1, 4), assessed)


def test_the_latest_contact_of_the_reviewing_officer_is_held_once_for_all_episodes(tmp_path: Path) -> None:
    def episode(key: str, last: object) -> Row:
        return {
            "clae_cla_episode_id": key,
            "clae_person_id": "P1",
            "clae_cla_id": "C1",
            "clae_cla_episode_start_date": "2026-01-05",
            "clae_cla_last_iro_contact_date": last,
        }

    twice = load(tmp_path, {"cla_episodes": [episode("A", "2026-03-02"), episode("B", "2026-03-02")]})
    assert only(twice, "iro_contact").values == {"happened": date(2026, 3, 2)}
    assert not any("repeat a key" in note for note in twice.notes)
    (tmp_path / "never").mkdir()
    assert keys(load(tmp_path / "never", {"cla_episodes": [episode("A", "1900-01-01")]}), "iro_contact") == []


def test_care_plans_and_questionnaires(tmp_path: Path) -> None:
    care_plan = {"lacp_table_id": "K1", "lacp_person_id": "P1", "lacp_cla_care_plan_start_date": "2026-01-09"}
    sdq = {
        "csdq_table_id": "S1",
        "csdq_person_id": "P1",
        "csdq_sdq_completed_date": "2026-03-03",
        "csdq_sdq_score": "17.0",
    }
    snapshot = load(tmp_path, {"cla_care_plan": [care_plan], "sdq_scores": [sdq]})
    assert only(snapshot, "care_plan").values == {"start": date(2026, 1, 9)}
    assert only(snapshot, "sdq").values == {"happened": date(2026, 3, 3), "score": 17}


def test_a_row_that_leads_to_no_child_is_rejected_and_says_where(tmp_path: Path) -> None:
    rows = [
        visit("cp", "W1", cppv_person_id=None, cppv_cp_plan_id="CP9"),
        visit("cp", "W2", cppv_person_id=-1),
        visit("cp", " ", cppv_person_id="P1"),
    ]
    snapshot = load(tmp_path, {"cp_visits": [*rows, visit("cp", "W4")]})
    why = "cannot tell whose it is: its columns lead to no child, or to more than one"
    assert set(snapshot.rejects) == {
        Reject("ssd_cp_visits W1", why, "cppv_person_id"),
        Reject("ssd_cp_visits W2", why, "cppv_person_id"),
        Reject("ssd_cp_visits (no key)", "has no key", "cppv_cp_visit_id"),
    }
    account = snapshot.accounts["ssd_cp_visits"]
    assert (account.rows, account.used, account.rejected) == (4, 1, 3)


def test_a_child_without_a_person_row_is_kept_and_noted(tmp_path: Path) -> None:
    snapshot = load(tmp_path, {"cp_visits": [visit("cp", "W1", cppv_person_id="P7")]})
    assert keys(snapshot, "cp_visit", "P7") == ["W1"]
    assert "children with rows but not in ssd_person: 1" in snapshot.notes


def test_rows_that_repeat_a_key_are_one_record_and_what_they_differ_in_is_in_doubt(tmp_path: Path) -> None:
    """No row comes first: a database gives them in any order."""
    seen = {"cppv_cp_visit_seen": "Y", "cppv_cp_visit_seen_alone": "Y"}
    rows = [
        visit("cp", "W1", **seen),
        visit("cp", "W1", **seen | {"cppv_cp_visit_seen_alone": "N"}),
        visit("cp", "W1", **seen),
    ]
    snapshot = load(tmp_path, {"cp_visits": rows})
    found = only(snapshot, "cp_visit")
    assert found.values == {"happened": date(2026, 5, 1), "child_seen": True}
    assert found.doubts == (Doubt("seen_alone", "rows of one key differ in it", "conflict"),)
    told = "repeat a key: alike they are one record, and where they differ the field is in doubt"
    assert f"ssd_cp_visits: 2 rows set aside: {told}" in snapshot.notes


def test_an_end_in_1900_or_9999_is_a_doubt_not_a_day(tmp_path: Path) -> None:
    found = only(load(tmp_path, {"cp_plans": [plan(cppl_cp_plan_end_date="9999-12-31 00:00:00")]}), "cp_plan")
    assert found.doubt("end") == Doubt("end", "9999-12-31 is a filler date")
