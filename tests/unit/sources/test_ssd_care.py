"""Looked-after children in the Standard Safeguarding Dataset: periods, short breaks, reviews, checks; and Mosaic."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from ssd_database import Row, case, keys, load, only, plan, visit


def episode(start: str, ceased: str | None = None, reason: str | None = None, **row: object) -> Row:
    return {
        "clae_cla_episode_id": f"E{start}",
        "clae_person_id": "P1",
        "clae_cla_id": "C1",
        "clae_cla_episode_start_date": start,
        "clae_cla_episode_ceased_date": ceased,
        "clae_cla_episode_ceased_reason": reason,
        **row,
    }


def status(code: str, start: str | None, end: str | None = None) -> Row:
    return {
        "lega_legal_status_id": f"L{code}{start}",
        "lega_person_id": "P1",
        "lega_legal_status": code,
        "lega_legal_status_start_date": start,
        "lega_legal_status_end_date": end,
    }


def test_a_period_of_care_runs_from_entering_care_to_the_last_episode(tmp_path: Path) -> None:
    entered = {"clae_entered_care_date": "2025-01-01", "clae_referral_id": "R1"}
    rows = [episode("2025-06-01", "2026-02-01", "E4", **entered), episode("2025-01-01", "2025-06-01", "X1", **entered)]
    found = only(load(tmp_path, {"cla_episodes": rows}), "care_period")
    assert (found.key, found.where) == ("C1", "ssd_cla_episodes C1")
    assert found.values == {"start": date(2025, 1, 1), "end": date(2026, 2, 1), "referral": "R1"}


def test_without_a_day_of_entering_care_the_earliest_episode_begins_it_and_an_open_one_keeps_it_open(
    tmp_path: Path,
) -> None:
    rows = [episode("2025-06-01"), episode("2025-01-01", "2025-06-01", "Episode ceases, and new episode begins")]
    assert only(load(tmp_path, {"cla_episodes": rows}), "care_period").values == {"start": date(2025, 1, 1)}


@pytest.mark.parametrize(
    ("rows", "field", "why"),
    [
        ([episode("2025-01-01", "2025-06-01", "X1")], "end", "no later one"),
        ([episode("2025-01-01", "2025-06-01", "E4"), episode("2025-06-01")], "end", "another of the period is open"),
        (
            [episode("2025-01-01", "2025-03-01", "E4"), episode("2025-03-01", "2025-04-01", "X1")],
            "end",
            "another of the period is open or later",
        ),
        ([episode("2025-01-01", "soon", "E4")], "end", "is not a date"),
        ([episode("long ago")], "start", "is not a date"),
        ([episode("2025-01-01", clae_entered_care_date="2025-02-01")], "start", "before the day of entering care"),
        (
            [
                episode("2025-01-01", "2025-02-01", "X1", clae_entered_care_date="2025-01-01"),
                episode("2025-02-01", clae_entered_care_date="2025-02-01"),
            ],
            "start",
            "different days of entering care",
        ),
    ],
)
def test_episodes_that_contradict_each_other_are_a_doubt(tmp_path: Path, rows: list[Row], field: str, why: str) -> None:
    found = only(load(tmp_path, {"cla_episodes": rows}), "care_period")
    doubt = found.doubt(field)
    assert doubt
    assert why in doubt.why
    assert found.get(field) is None


CARE = {
    "cla_placement": [
        {
            "clap_cla_placement_id": "PL1",
            "clap_person_id": "P1",
            "clap_cla_id": "C1",
            "clap_cla_placement_start_date": "2025-01-01",
            "clap_cla_placement_type": "U1 - Foster placement",
            "clap_cla_placement_change_reason": "CARPL",
        }
    ],
    "cla_reviews": [
        {
            "clar_cla_review_id": "V1",
            "clar_cla_id": "C1",
            "clar_cla_person_id": "P1",
            "clar_cla_review_date": "2025-01-20",
        }
    ],
    "cla_visits": [visit("cla", "N1", clav_cla_id="C1")],
    "cin_visits": [visit("cin", "N1")],
}


@pytest.mark.parametrize("code", ["V3", "V4", "Accommodated under an agreed series of short-term breaks"])
def test_short_breaks_stay_out_of_looked_after_records(tmp_path: Path, code: str) -> None:
    tables = {"legal_status": [status(code, "2024-12-01")], "cla_episodes": [episode("2025-01-01")], **CARE}
    snapshot = load(tmp_path, tables)
    for kind in ("care_period", "placement", "cla_review", "cla_visit"):
        assert keys(snapshot, kind) == []
    assert keys(snapshot, "cin_visit") == ["N1"]
    aside = Counter({"of periods of short breaks (legal status V3 or V4), left out of looked-after records": 1})
    for table in ("cla_episodes", "cla_placement", "cla_reviews", "cla_visits"):
        assert snapshot.accounts[f"ssd_{table}"].aside == aside


def test_a_period_of_both_short_breaks_and_care_has_a_doubtful_start(tmp_path: Path) -> None:
    statuses = [status("V4", "2025-01-01", "2025-05-01"), status("C2", "2025-05-01")]
    tables = {"legal_status": statuses, "cla_episodes": [episode("2025-01-01")], **CARE}
    snapshot = load(tmp_path, tables)
    doubt = only(snapshot, "care_period").doubt("start")
    assert doubt
    assert doubt.cause == "conflict"
    assert keys(snapshot, "placement") == ["PL1"]


@pytest.mark.parametrize(
    ("statuses", "cause"),
    [([("V4", None)], "unreadable"), ([("V4", "2024-12-01"), ("C2", None)], "conflict"), ([("C2", None)], None)],
)
def test_an_undated_legal_status_that_may_be_of_short_breaks_makes_the_start_doubtful(
    tmp_path: Path, statuses: list[tuple[str, str | None]], cause: str | None
) -> None:
    rows = [status(*each) | {"lega_legal_status_id": f"L{i}"} for i, each in enumerate(statuses)]
    snapshot = load(tmp_path, {"legal_status": rows, "cla_episodes": [episode("2025-01-01")], **CARE})
    doubt = only(snapshot, "care_period").doubt("start")
    assert (doubt.cause if doubt else None) == cause


def test_short_breaks_that_end_before_they_start_have_an_end_nobody_knows(tmp_path: Path) -> None:
    tables = {"legal_status": [status("V3", "2024-12-01", "2024-11-01")], "cla_episodes": [episode("2025-01-01")]}
    assert keys(load(tmp_path, tables), "care_period") == []


@pytest.mark.parametrize(("code", "doubtful"), [("V4", True), ("C2", False)])
def test_a_placement_that_names_no_period_may_be_of_short_breaks(tmp_path: Path, code: str, doubtful: bool) -> None:
    care = {**CARE, "cla_placement": [{**CARE["cla_placement"][0], "clap_cla_id": None}]}
    tables = {"legal_status": [status(code, "2024-12-01")], "cla_episodes": [episode("2025-01-01")], **care}
    placement = only(load(tmp_path, tables), "placement")
    assert (placement.doubt("start") is not None) is doubtful


def test_care_that_follows_short_breaks_is_care(tmp_path: Path) -> None:
    statuses = [status("V4", "2024-01-01", "2025-01-01"), status("C2 - Full care order", "2025-01-01")]
    tables = {"legal_status": statuses, "cla_episodes": [episode("2025-01-01")], **CARE}
    snapshot = load(tmp_path, tables)
    assert only(snapshot, "care_period").values == {"start": date(2025, 1, 1)}
    assert only(snapshot, "placement").values == {"start": date(2025, 1, 1), "type": "U1", "change_reason": "CARPL"}
    assert sorted(str(r.get("status")) for r in case(snapshot).of("legal_status")) == ["C2", "V4"]


@pytest.mark.parametrize(
    ("cancelled", "held"), [(None, date(2026, 4, 1)), ("N", date(2026, 4, 1)), ("Y", None), ("?", None)]
)
def test_a_cancelled_review_is_not_a_held_one_nor_still_booked(
    tmp_path: Path, cancelled: object, held: date | None
) -> None:
    row = {
        "clar_cla_review_id": "R77",
        "clar_cla_person_id": "P1",
        "clar_cla_review_date": "2026-04-01",
        "clar_cla_review_due_date": "2026-04-03",
        "clar_cla_review_cancelled": cancelled,
    }
    found = only(load(tmp_path, {"cla_reviews": [row]}), "cla_review")
    assert found.where == "ssd_cla_reviews R77"
    assert found.get("happened") == held
    assert found.get("due_on") == (None if cancelled == "Y" else date(2026, 4, 3))
    assert bool(found.doubt("happened")) is (cancelled == "?")


@pytest.mark.parametrize(
    ("label", "status_", "values"),
    [
        ("IHA", "Completed", {"happened": date(2026, 4, 1), "type": "initial", "status": "completed"}),
        ("RHA", "Planned", {"type": "review", "status": "planned"}),
        ("Dental check", "Refused", {"type": "dental", "status": "refused"}),
        ("Optician", "cancelled", {"type": "other", "status": "cancelled"}),
        ("IHA", None, {"happened": date(2026, 4, 1), "type": "initial"}),
    ],
)
def test_a_check_that_is_planned_refused_or_cancelled_is_not_done(
    tmp_path: Path, label: str, status_: object, values: Row
) -> None:
    row = {
        "clah_health_check_id": "H1",
        "clah_person_id": "P1",
        "clah_health_check_date": "2026-04-01",
        "clah_health_check_type": label,
        "clah_health_check_status": status_,
    }
    assert only(load(tmp_path, {"cla_health": [row]}), "health_assessment").values == values


def test_on_mosaic_the_child_is_reached_by_plan_period_or_referral(tmp_path: Path) -> None:
    mosaic = {
        "cp_plans": [plan() | {"-cppl_cp_plan_ola": 1}],
        "cin_plans": [
            {
                "-cinp_cin_plan_id": 1,
                "cin_plan_id": "N1",
                "cinp_person_id": "P1",
                "cinp_cin_plan_start_date": "2026-01-05",
            }
        ],
        "cla_episodes": [episode("2025-01-01")],
        "cp_reviews": [
            {
                "-cppr_person_id": 1,
                "cppr_cp_review_id": "V1",
                "cppr_cp_plan_id": "CP1",
                "cppr_cp_review_date": "2026-05-01",
            }
        ],
        "cp_visits": [visit("cp", "W1", cppv_cp_plan_id="CP1") | {"-cppv_person_id": 1}],
        "cin_visits": [visit("cin", "W2", cinv_cin_plan_id="N1") | {"-cinv_person_id": 1}],
        "cla_placement": [{**CARE["cla_placement"][0], "-clap_person_id": 1}],
        "cla_reviews": [{**CARE["cla_reviews"][0], "-clar_cla_person_id": 1}],
        "cla_care_plan": [
            {
                "-lacp_table_id": 1,
                "lacp_cla_care_plan_id": "K1",
                "lacp_person_id": "P1",
                "lacp_cla_care_plan_start_date": "2026-01-09",
            }
        ],
        "involvements": [
            {
                "-invo_person_id": 1,
                "invo_involvements_id": "I1",
                "invo_referral_id": "R1",
                "invo_involvement_start_date": "2026-01-05",
            }
        ],
    }
    for rows in mosaic.values():
        for name in [c[1:] for c in rows[0] if c.startswith("-")]:
            rows[0].pop(name, None)
    snapshot = load(tmp_path, mosaic)
    assert snapshot.rejects == ()
    for kind in (
        "cin_plan",
        "cp_review",
        "cp_visit",
        "cin_visit",
        "placement",
        "cla_review",
        "care_plan",
        "allocation",
    ):
        assert len(keys(snapshot, kind)) == 1, kind
    assert only(snapshot, "cp_plan").get("other_authority") is False
    assert any("cppl_cp_plan_ola; every child protection plan is taken" in note for note in snapshot.notes)
