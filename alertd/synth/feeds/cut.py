"""An earlier day's truth: what the same records would have known then.

A return speaks of a year to 31 March and is made later; what came after its last day is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from alertd.synth.world import Row

Columns = tuple[str, ...]

_BEGINS: Final[Mapping[str, str]] = {
    "ssd_contacts": "cont_contact_date",
    "ssd_cin_episodes": "cine_referral_date",
    "ssd_cin_assessments": "cina_assessment_start_date",
    "ssd_cin_plans": "cinp_cin_plan_start_date",
    "ssd_cin_visits": "cinv_cin_visit_date",
    "ssd_s47_enquiry": "s47e_s47_start_date",
    "ssd_cp_plans": "cppl_cp_plan_start_date",
    "ssd_cp_visits": "cppv_cp_visit_date",
    "ssd_cla_episodes": "clae_cla_episode_start_date",
    "ssd_cla_placement": "clap_cla_placement_start_date",
    "ssd_legal_status": "lega_legal_status_start_date",
    "ssd_cla_visits": "clav_cla_visit_date",
    "ssd_cla_care_plan": "lacp_cla_care_plan_start_date",
    "ssd_sdq_scores": "csdq_sdq_completed_date",
    "ssd_missing": "miss_missing_episode_start_date",
    "ssd_permanence": "perm_adm_decision_date",
    "ssd_involvements": "invo_involvement_start_date",
    "ssd_immigration_status": "immi_immigration_status_start_date",
}
"""A row that begins after the day is not there yet."""

_WITH: Final[Mapping[str, Columns]] = {
    "cine_close_date": ("cine_close_reason",),
    "cina_assessment_auth_date": ("cina_assessment_outcome_json", "cina_assessment_outcome_nfa"),
    "cinp_cin_plan_end_date": (),
    "s47e_s47_end_date": ("s47e_s47_nfa", "s47e_s47_outcome_json"),
    "icpc_icpc_date": ("icpc_cp_plan_id", "icpc_icpc_outcome_cp_flag", "icpc_icpc_outcome_json"),
    "cppl_cp_plan_end_date": (),
    "cppr_cp_review_date": ("cppr_cp_review_outcome_continue_cp", "cppr_cp_review_quorate"),
    "clae_cla_episode_ceased_date": ("clae_cla_episode_ceased_reason",),
    "clap_cla_placement_end_date": ("clap_cla_placement_change_reason",),
    "lega_legal_status_end_date": (),
    "clar_cla_review_date": ("clar_cla_review_participation",),
    "lacp_cla_care_plan_end_date": (),
    "miss_missing_episode_end_date": ("miss_missing_rhi_offered", "miss_missing_rhi_accepted"),
    "perm_placement_order_date": (),
    "perm_matched_date": ("perm_number_of_adopters",),
    "perm_placed_for_adoption_date": (),
    "perm_decision_reversed_date": ("perm_decision_reversed_reason",),
    "perm_permanence_order_date": ("perm_permanence_order_type",),
    "invo_involvement_end_date": ("invo_worker_change_reason",),
    "pers_death_date": (),
}
"""What had not happened by the day is blank, and so is what came of it."""


def cut(rows: Mapping[str, Sequence[Row]], today: date) -> dict[str, list[Row]]:
    """The rows as they would have stood on that day; rows and cells of later days are left out."""
    return {table: [_blanked(row, today) for row in of if _there(table, row, today)] for table, of in rows.items()}


def _day(cell: object) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    return cell if isinstance(cell, date) else None


def _there(table: str, row: Row, today: date) -> bool:
    begins = _day(row.get(_BEGINS.get(table, "")))
    return begins is None or begins <= today


def _blanked(row: Row, today: date) -> Row:
    later = [column for column in _WITH if (found := _day(row.get(column))) and found > today]
    if not later:
        return row
    return {**row, **{name: None for column in later for name in (column, *_WITH[column])}}
