"""Whom notifications tell and what they hold: nothing their row of the law bars, and nobody who is not known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alertd.errors import InputError
from alertd.rulebook.agencies import AGENCIES, DISCLOSABLE, FAMILY
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rule

ENGLAND = load_rulebook([builtin_pack("england")])
BOTH = load_rulebook([builtin_pack("england"), builtin_pack("wales")])
NOTICES = {r.id: r for r in (*ENGLAND.rules, *BOTH.rules) if r.tell}

CASE_PAPERS = {"care_plan", "needs_summary", "placement_reason", "conference_report", "assessment", "chronology"}
CONFERENCE = {"conference_outcome", "plan_category", "plan_summary"}
ALLEGATION = {"adult_role", "allegation", "children_at_risk"}
OF_THE_CASE = CASE_PAPERS | CONFERENCE | ALLEGATION | {"move_risk", "indicators", "associates"}

BARRED = {
    "notify.n1": OF_THE_CASE | {"legal_status", "health_history"},
    "notify.n4": OF_THE_CASE | {"legal_status", "placement_type", "school_move"},
    "notify.n5.school": OF_THE_CASE | {"legal_status", "placement_type", "health_history"},
    "notify.n6": set(DISCLOSABLE) - {"plan_type", "plan_start", "plan_end", "authority_contact"},
    "notify.n8.family": CASE_PAPERS | ALLEGATION | {"reference"},
    "notify.n9.agencies": OF_THE_CASE,
    "notify.n10.agencies": OF_THE_CASE | {"description"},
    "notify.n10.family": OF_THE_CASE | {"description", "missing_risk"},
    "notify.n18": set(DISCLOSABLE) - {"reference", "status", "worker_contact"},
    "notify.n10.register": OF_THE_CASE,
    "notify.n20": set(DISCLOSABLE) - {"reference", "status", "trigger_date", "worker_contact"},
    "notify.n24": OF_THE_CASE | {"reference", "legal_status"},
    "notify.n25": set(DISCLOSABLE) - {"reference", "dispute_referral"},
    "notify.n26": set(DISCLOSABLE) - {"reference", "offender_identification", "worker_contact"},
    "notify.n27": set(DISCLOSABLE) - {"reference", "consent_refused"},
}
"""What a row bars: for the rule and for those whose ids go on from it."""

PACK = """\
pack: local.telling
edition: "one"
rules:
  - id: local.telling
    title: Local notice
    why: It shows what telling may say.
    law: {cite: Local policy, confidence: P}
    for: care_period
    clock: {from: start, within: {setting: local.telling.limit, default: 1 working day}}
    until: {record: agency_notice, where: {notice: local.telling, about: this.id}}
    tell: [police]
    disclose: [reference]
    clears: A notice is recorded.
    warn: D1
    escalate: L1
"""


def _like(name: str) -> list[Rule]:
    """The notification of that id, those whose ids go on from it, and those of Wales."""
    return [r for r in NOTICES.values() if f"{r.id}.".removeprefix("wales.").startswith(f"{name}.")]


def _of_row(number: int) -> list[Rule]:
    return _like(f"notify.n{number}")


@pytest.mark.parametrize("number", range(1, 29))
def test_each_of_the_28_rows_is_a_rule_that_tells_somebody_something(number: int) -> None:
    rules = _of_row(number)
    assert rules
    assert all(r.kind == "notification" and r.disclose for r in rules)


@pytest.mark.parametrize("row", BARRED)
def test_no_notification_discloses_what_its_row_bars(row: str) -> None:
    rules = _like(row)
    assert rules
    for rule in rules:
        assert not BARRED[row] & set(rule.disclose), rule.id


def test_a_care_plan_goes_to_children_s_services_of_the_area_and_the_director_alone() -> None:
    assert {a for r in NOTICES.values() if "care_plan" in r.disclose for a in r.tell} == {"host_authority", "director"}


def test_whom_a_missing_child_may_be_with_is_told_to_the_police_alone() -> None:
    told = {a for r in NOTICES.values() if {"associates", "description"} & set(r.disclose) for a in r.tell}
    assert told <= {"police", "register_custodian"}
    assert {a for r in NOTICES.values() if "associates" in r.disclose for a in r.tell} == {"police"}


def test_nothing_that_could_lead_to_a_door_or_name_a_child_can_be_disclosed() -> None:
    barred = re.compile(r"address|postcode|birth|nhs|upn|family|name$|narrative|case_note|interview")
    assert [name for name in DISCLOSABLE if barred.search(name)] == []


def test_the_family_is_never_sent_the_case_reference_with_the_papers() -> None:
    for rule in NOTICES.values():
        if set(rule.tell) <= set(FAMILY):
            assert not CASE_PAPERS & set(rule.disclose), rule.id


def test_every_agency_and_every_field_is_used_by_a_rule() -> None:
    told = {a for r in NOTICES.values() for a in r.tell}
    assert set(AGENCIES) - told == set()
    assert set(DISCLOSABLE) - {d for r in NOTICES.values() for d in r.disclose} == set()


def test_a_notification_is_cleared_by_its_own_notice_about_the_same_record() -> None:
    for rule in NOTICES.values():
        assert rule.until is not None
        if rule.until.own is None:
            where = {c.field: c.value for c in rule.until.where}
            assert where["about"] == "this.id"
            assert rule.id in (where["notice"] if isinstance(where["notice"], tuple) else (where["notice"],))
        else:
            assert rule.tell == ("responsible_team",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tell: [police]", "tell: [polise]", r"there is no agency 'polise'. Did you mean police\?"),
        ("disclose: [reference]", "disclose: [referense]", r"'referense' is nothing .* Did you mean reference\?"),
        ("disclose: [reference]", "disclose: [home_address]", "'home_address' is nothing that may be disclosed"),
        ("disclose: [reference]", "disclose: [care_plan]", "care_plan may not go to police"),
    ],
)
def test_a_rule_that_tells_what_or_whom_it_may_not_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "telling.yaml"
    path.write_text(PACK.replace(old, new))
    with pytest.raises(InputError, match=said):
        load_rulebook([path])


def test_a_routine_answer_is_missed_from_agencies_and_never_from_families_or_the_feed_to_the_nhs() -> None:
    """A new notification has to be put on the list; an urgent one is recorded as such, and is on none."""
    sent = [r for r in NOTICES.values() if r.until and r.until.record == "agency_notice"]
    answered = {r.id for r in sent if set(r.tell) - {*FAMILY, "cp_is"} and r.receipt != "urgent"}
    rule = next(r for r in ENGLAND.rules if r.id == "notify.receipt.routine")
    listed = next(c.value for c in rule.where if c.field == "notice")
    assert set(listed) == answered
    assert not [r.id for r in sent if set(r.tell) <= set(FAMILY) and r.receipt]
