"""Records of the Standard Safeguarding Dataset that are made of several rows or columns, and a few small ones."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from ssd_database import Row, case, keys, load, only

from alertd.cases.records import LONDON


def episode(start: str, ceased: str | None = None, reason: str | None = None) -> Row:
    return {
        "clae_cla_id": "C1",
        "clae_person_id": "P1",
        "clae_cla_episode_start_date": start,
        "clae_cla_episode_ceased_date": ceased,
        "clae_cla_episode_ceased_reason": reason,
    }


def score(key: str, day: str | None, value: int = 17) -> Row:
    return {"csdq_table_id": key, "csdq_person_id": "P1", "csdq_sdq_completed_date": day, "csdq_sdq_score": value}


def test_a_score_stands_until_the_next_one_or_the_end_of_care(tmp_path: Path) -> None:
    care = [episode("2025-01-01", "2026-03-01", "E4")]
    scores = [score("S2", "2026-01-05", 12), score("S1", "2025-02-03"), score("S3", "2026-06-01", 20)]
    standing = case(load(tmp_path, {"cla_episodes": care, "sdq_scores": scores})).of("sdq_standing")
    assert [(r.key, r.get("start"), r.get("end"), r.get("score")) for r in standing] == [
        ("S1", date(2025, 2, 3), date(2026, 1, 5), 17),
        ("S2", date(2026, 1, 5), date(2026, 3, 1), 12),
        ("S3", date(2026, 6, 1), None, 20),
    ]


def test_a_score_of_before_care_ends_with_it(tmp_path: Path) -> None:
    """The questionnaire came with the child; it says no more of one who has left care than another does."""
    care = [episode("2025-01-01", "2025-03-01", "E4")]
    found = only(load(tmp_path, {"cla_episodes": care, "sdq_scores": [score("S1", "2024-12-20")]}), "sdq_standing")
    assert found.get("end") == date(2025, 3, 1)


def test_a_score_stands_for_nobody_knows_how_long_where_the_end_of_care_is_in_doubt(tmp_path: Path) -> None:
    care = [episode("2025-01-01", "soon", "E4")]
    found = only(load(tmp_path, {"cla_episodes": care, "sdq_scores": [score("S1", "2026-01-05")]}), "sdq_standing")
    assert found.get("end") is None
    assert found.doubt("end")


@pytest.mark.parametrize(
    ("cell", "days"),
    [
        ('{"REMAINSUP": "", "LTFOST18": "Y", "ADOPTION": "N"}', ["2026-01-09"]),
        ('{"REMAINSUP": "N", "LTFOST18": ""}', []),
        ('{"SOMETHING": "Y"}', []),
        ('{"RETURN6M":"Y", "REMA', ["2026-01-09"]),
        (None, []),
    ],
)
def test_a_care_plan_that_names_a_plan_for_permanence_is_one(tmp_path: Path, cell: object, days: list[str]) -> None:
    row = {
        "lacp_table_id": "K1",
        "lacp_person_id": "P1",
        "lacp_cla_care_plan_start_date": "2026-01-09",
        "lacp_cla_care_plan_json": cell,
    }
    snapshot = load(tmp_path, {"cla_care_plan": [row]})
    assert keys(snapshot, "permanence_plan") == days
    assert keys(snapshot, "care_plan") == ["K1"]


def adoption(**cells: object) -> Row:
    return {"perm_table_id": "PM1", "perm_person_id": "P1", "perm_placement_order_date": "2026-02-02", **cells}


@pytest.mark.parametrize(
    ("cells", "end"),
    [
        ({}, None),
        ({"perm_placed_for_adoption_date": "2026-05-05", "perm_permanence_order_date": "2026-09-01"}, date(2026, 5, 5)),
        ({"perm_decision_reversed_date": "2026-06-06"}, date(2026, 6, 6)),
        ({"perm_placed_for_adoption_date": "1900-01-01"}, None),
    ],
)
def test_a_placement_order_is_authority_until_the_child_is_placed_or_the_plan_given_up(
    tmp_path: Path, cells: Row, end: date | None
) -> None:
    found = only(
        load(tmp_path, {"permanence": [adoption(perm_matched_date="2026-04-01", **cells)]}), "adoption_authority"
    )
    assert (found.get("start"), found.get("end"), found.get("matched")) == (date(2026, 2, 2), end, date(2026, 4, 1))
    assert not found.doubts


def test_a_decision_for_adoption_is_a_plan_for_permanence_and_not_yet_authority(tmp_path: Path) -> None:
    decided = adoption(perm_placement_order_date=None, perm_adm_decision_date="2026-01-20")
    care_plan = {"lacp_table_id": "K1", "lacp_person_id": "P1", "lacp_cla_care_plan_start_date": "2026-01-09"}
    snapshot = load(tmp_path, {"permanence": [decided], "cla_care_plan": [care_plan]})
    assert keys(snapshot, "permanence_plan") == ["2026-01-20"]
    assert keys(snapshot, "adoption_authority") == []


def test_without_care_plans_nothing_is_said_of_plans_for_permanence(tmp_path: Path) -> None:
    """The decisions for adoption alone would make every other child look as if there were none."""
    row = adoption(perm_placement_order_date=None, perm_adm_decision_date="2026-01-20")
    snapshot = load(tmp_path, {"permanence": [row]})
    assert "permanence_plan" not in snapshot.holds
    assert keys(snapshot, "permanence_plan") == []
    assert snapshot.accounts["ssd_permanence"].aside.total() == 1


def test_brothers_and_sisters_have_one_family_number_and_are_not_named(tmp_path: Path) -> None:
    rows = [{"fami_table_id": "1", "fami_family_id": "F7", "fami_person_id": child} for child in ("P1", "P2")]
    snapshot = load(tmp_path, {"family": rows})
    assert [only(snapshot, "household", child).values for child in ("P1", "P2")] == [{"family": "F7"}] * 2


def test_early_help_and_immunisations(tmp_path: Path) -> None:
    help_ = {"earl_episode_id": "EH1", "earl_person_id": "P1", "earl_episode_start_date": "2025-09-01"}
    given = {
        "clai_person_id": "P1",
        "clai_immunisations_status": "N",
        "clai_immunisations_status_date": "2026-08-01",
    }
    snapshot = load(tmp_path, {"early_help_episodes": [help_], "cla_immunisations": [given]})
    assert only(snapshot, "early_help").values == {"start": date(2025, 9, 1)}
    assert only(snapshot, "immunisation_status").values == {"happened": date(2026, 8, 1), "up_to_date": False}
    assert only(snapshot, "immunisation_status").key == "2026-08-01"


def test_a_time_of_day_is_kept_where_the_law_counts_hours(tmp_path: Path) -> None:
    row = {
        "miss_table_id": "M1",
        "miss_person_id": "P1",
        "miss_missing_episode_start_date": "2026-07-01 23:15:00",
        "miss_missing_episode_end_date": None,
    }
    found = only(load(tmp_path, {"missing": [row]}), "missing")
    assert found.get("start") == datetime(2026, 7, 1, 23, 15, tzinfo=LONDON)
