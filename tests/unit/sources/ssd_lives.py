"""Two children's lives with a row in every table that is read, in the layout of each case system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ssd_database import Row

from alertd.cases.sources.ssd_flavours import Flavour

ABSENT: Final[Mapping[Flavour, frozenset[str]]] = {
    "SystemC": frozenset({"cinv_cin_plan_id"}),
    "Eclipse": frozenset({"cinv_cin_plan_id", "clar_cla_person_id"}),
    "Mosaic": frozenset(
        {
            "cinv_person_id",
            "cppv_person_id",
            "cppr_person_id",
            "clap_person_id",
            "invo_person_id",
            "cppl_cp_plan_ola",
            "clai_immunisations_status_date",
        }
    ),
}
"""Columns alertd reads that a case system's script does not make."""

RENAMED: Final[Mapping[Flavour, Mapping[str, str]]] = {
    "SystemC": {},
    "Eclipse": {},
    "Mosaic": {"cinp_cin_plan_id": "cin_plan_id", "lacp_table_id": "lacp_cla_care_plan_id"},
}


def of(child: str) -> dict[str, Row]:
    """One life, with keys of its own."""
    r, p, n, c = f"R{child}", f"CP{child}", f"N{child}", f"C{child}"
    json = '{"PROV_OF_SERVICES_FLAG": "Y"}'
    return {
        "person": {"pers_person_id": child, "pers_dob": "2012-05-06 00:00:00"},
        "cin_episodes": {
            "cine_referral_id": r,
            "cine_person_id": child,
            "cine_referral_date": "2026-01-05",
            "cine_referral_nfa": "N",
        },
        "family": {"fami_family_id": "F1", "fami_person_id": child},
        "early_help_episodes": {
            "earl_episode_id": f"EH{child}",
            "earl_person_id": child,
            "earl_episode_start_date": "2025-03-03",
            "earl_episode_end_date": "2025-09-01",
        },
        "contacts": {"cont_contact_id": f"K{child}", "cont_person_id": child, "cont_contact_date": "2026-01-04"},
        "legal_status": {
            "lega_legal_status_id": f"L{child}",
            "lega_person_id": child,
            "lega_legal_status": "C2",
            "lega_legal_status_start_date": "2026-04-01",
        },
        "cin_assessments": {
            "cina_assessment_id": f"A{child}",
            "cina_person_id": child,
            "cina_referral_id": r,
            "cina_assessment_start_date": "2026-01-06",
            "cina_assessment_auth_date": "2026-02-20",
            "cina_assessment_outcome_json": json,
        },
        "s47_enquiry": {
            "s47e_s47_enquiry_id": f"E{child}",
            "s47e_person_id": child,
            "s47e_referral_id": r,
            "s47e_s47_start_date": "2026-02-02",
            "s47e_s47_end_date": "2026-02-16",
            "s47e_s47_outcome_json": '{"CP_CONFERENCE_FLAG": "Y"}',
        },
        "initial_cp_conference": {
            "icpc_icpc_id": f"I{child}",
            "icpc_person_id": child,
            "icpc_s47_enquiry_id": f"E{child}",
            "icpc_icpc_date": "2026-02-20",
            "icpc_cp_plan_id": p,
        },
        "cp_plans": {
            "cppl_cp_plan_id": p,
            "cppl_person_id": child,
            "cppl_referral_id": r,
            "cppl_cp_plan_start_date": "2026-02-20",
            "cppl_cp_plan_ola": "N",
        },
        "cin_plans": {
            "cinp_cin_plan_id": n,
            "cinp_person_id": child,
            "cinp_referral_id": r,
            "cinp_cin_plan_start_date": "2026-01-20",
            "cinp_cin_plan_end_date": "2026-02-20",
        },
        "cla_episodes": {
            "clae_cla_id": c,
            "clae_person_id": child,
            "clae_referral_id": r,
            "clae_cla_episode_start_date": "2026-04-01",
            "clae_entered_care_date": "2026-04-01",
            "clae_cla_last_iro_contact_date": "2026-05-01",
        },
        "cp_reviews": {
            "cppr_cp_review_id": f"CR{child}",
            "cppr_person_id": child,
            "cppr_cp_plan_id": p,
            "cppr_cp_review_due": "2026-05-20",
            "cppr_cp_review_date": "2026-05-18",
            "cppr_cp_review_quorate": "Y",
        },
        "cp_visits": {
            "cppv_cp_visit_id": f"V1{child}",
            "cppv_person_id": child,
            "cppv_cp_plan_id": p,
            "cppv_cp_visit_date": "2026-03-03",
            "cppv_cp_visit_seen": "Y",
        },
        "cla_placement": {
            "clap_cla_placement_id": f"PL{child}",
            "clap_person_id": child,
            "clap_cla_id": c,
            "clap_cla_placement_start_date": "2026-04-01",
            "clap_cla_placement_type": "U1",
        },
        "cla_care_plan": {
            "lacp_table_id": f"CA{child}",
            "lacp_person_id": child,
            "lacp_cla_care_plan_start_date": "2026-04-08",
            "lacp_cla_care_plan_json": '{"LTFOST18": "Y"}',
        },
        "permanence": {
            "perm_table_id": f"PM{child}",
            "perm_person_id": child,
            "perm_cla_id": c,
            "perm_placement_order_date": "2026-08-03",
        },
        "cla_reviews": {
            "clar_cla_review_id": f"LR{child}",
            "clar_cla_person_id": child,
            "clar_cla_id": c,
            "clar_cla_review_date": "2026-04-24",
        },
        "cla_visits": {
            "clav_cla_visit_id": f"V2{child}",
            "clav_person_id": child,
            "clav_cla_id": c,
            "clav_cla_visit_date": "2026-04-07",
            "clav_cla_visit_seen": "Y",
        },
        "cin_visits": {
            "cinv_cin_visit_id": f"V3{child}",
            "cinv_person_id": child,
            "cinv_cin_plan_id": n,
            "cinv_cin_visit_date": "2026-02-03",
            "cinv_cin_visit_seen": "N",
        },
        "cla_health": {
            "clah_health_check_id": f"H{child}",
            "clah_person_id": child,
            "clah_health_check_date": "2026-04-20",
            "clah_health_check_type": "Initial Health Assessment",
            "clah_health_check_status": "Completed",
        },
        "sdq_scores": {
            "csdq_table_id": f"S{child}",
            "csdq_person_id": child,
            "csdq_sdq_completed_date": "2026-06-01",
            "csdq_sdq_score": "14",
        },
        "cla_immunisations": {
            "clai_person_id": child,
            "clai_immunisations_status": "Y",
            "clai_immunisations_status_date": "2026-06-02",
        },
        "missing": {
            "miss_table_id": f"M{child}",
            "miss_person_id": child,
            "miss_missing_episode_start_date": "2026-07-01",
            "miss_missing_episode_end_date": "2026-07-02",
            "miss_missing_episode_type": "Missing",
        },
        "care_leavers": {
            "clea_person_id": child,
            "clea_care_leaver_eligibility": "Eligible",
            "clea_pathway_plan_review_date": "2026-09-01",
            "clea_care_leaver_latest_contact": "2026-09-02",
        },
        "involvements": {
            "invo_involvements_id": f"IN{child}",
            "invo_person_id": child,
            "invo_referral_id": r,
            "invo_professional_id": "W1",
            "invo_professional_team": "T1",
            "invo_professional_role_id": "CW",
            "invo_involvement_start_date": "2026-01-05",
        },
    }


def as_in(flavour: Flavour) -> dict[str, list[Row]]:
    """Both lives in the layout of a case system, as ``ssd_database.fill`` takes it."""
    tables: dict[str, list[Row]] = {}
    for life in (of("P1"), of("P2")):
        for table, row in life.items():
            renamed = {new: row[old] for old, new in RENAMED[flavour].items() if old in row}
            gone = {f"-{name}": 1 for name in (*ABSENT[flavour], *RENAMED[flavour])}
            kept = {name: cell for name, cell in row.items() if f"-{name}" not in gone}
            tables.setdefault(table, []).append(kept | renamed | gone)
    return tables
