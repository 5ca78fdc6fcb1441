"""The tables of the Standard Safeguarding Dataset that alertd reads, and what each column becomes.

Names are those of release 1.4.5 for SystemC; ``ALSO_NAMED`` has what other case systems call
them. Order matters: a child's rows are read table after table, and later ones look at earlier ones.
"""

from __future__ import annotations

from typing import Final

from alertd.cases.kinds import Fills
from alertd.cases.sources import cells as v
from alertd.cases.sources.ssd_table import PERIODS, Table

_REFERRAL, _CIN_PLAN, _CP_PLAN = "cin_episodes", "cin_plans", "cp_plans"

TABLES: Final = (
    Table(
        name="person",
        kinds={"child": ("pers_dob",)},
        key="pers_person_id",
        person="pers_person_id",
        fields={
            "born": ("pers_dob", v.day),
            "expected": ("pers_expected_dob", v.day),
            "died": ("pers_death_date", v.day),
        },
    ),
    Table(
        name=_REFERRAL,
        kinds={"referral": ("cine_referral_date", "cine_close_date")},
        key="cine_referral_id",
        person="cine_person_id",
        fields={
            "start": ("cine_referral_date", v.day),
            "end": ("cine_close_date", v.day),
            "nfa": ("cine_referral_nfa", v.flagged),
        },
    ),
    Table(
        name="family",
        kinds={"household": ("fami_family_id",)},
        key="fami_family_id",
        person="fami_person_id",
        fields={"family": ("fami_family_id", v.reference)},
    ),
    Table(
        name="early_help_episodes",
        kinds={"early_help": ("earl_episode_start_date", "earl_episode_end_date")},
        key="earl_episode_id",
        person="earl_person_id",
        fields={"start": ("earl_episode_start_date", v.day), "end": ("earl_episode_end_date", v.day)},
    ),
    Table(
        name="contacts",
        kinds={"contact": ("cont_contact_date",)},
        key="cont_contact_id",
        person="cont_person_id",
        fields={"happened": ("cont_contact_date", v.day)},
        extra=("cont_contact_outcome_json",),
        made={"contact": ("assessed",)},
    ),
    Table(
        name="legal_status",
        kinds={"legal_status": ("lega_legal_status_start_date", "lega_legal_status_end_date", "lega_legal_status")},
        key="lega_legal_status_id",
        person="lega_person_id",
        fields={
            "start": ("lega_legal_status_start_date", v.day),
            "end": ("lega_legal_status_end_date", v.day),
            "status": ("lega_legal_status", v.code),
        },
    ),
    Table(
        name="cin_assessments",
        kinds={"assessment": ("cina_assessment_start_date", "cina_assessment_auth_date")},
        key="cina_assessment_id",
        person="cina_person_id",
        routes=(("cina_referral_id", _REFERRAL),),
        fields={
            "start": ("cina_assessment_start_date", v.day),
            "authorised": ("cina_assessment_auth_date", v.day_or_filler),
            "referral": ("cina_referral_id", v.reference),
            "child_seen": ("cina_assessment_child_seen", v.yes_no),
        },
        extra=("cina_assessment_outcome_json", "cina_assessment_outcome_nfa"),
        made={"assessment": ("outcome",)},
    ),
    Table(
        name="s47_enquiry",
        kinds={"s47": ("s47e_s47_start_date", "s47e_s47_end_date")},
        key="s47e_s47_enquiry_id",
        person="s47e_person_id",
        routes=(("s47e_referral_id", _REFERRAL),),
        fields={
            "start": ("s47e_s47_start_date", v.day),
            "end": ("s47e_s47_end_date", v.day),
            "referral": ("s47e_referral_id", v.reference),
        },
        extra=("s47e_s47_nfa", "s47e_s47_outcome_json"),
        made={"s47": ("outcome",)},
    ),
    Table(
        name="initial_cp_conference",
        kinds={"icpc": ("icpc_icpc_date",)},
        key="icpc_icpc_id",
        person="icpc_person_id",
        routes=(("icpc_referral_id", _REFERRAL),),
        fields={
            "happened": ("icpc_icpc_date", v.day),
            "s47": ("icpc_s47_enquiry_id", v.reference),
            "transfer_in": ("icpc_icpc_transfer_in", v.flagged),
            "due_on": ("icpc_icpc_target_date", v.day),
        },
        extra=("icpc_cp_plan_id",),
    ),
    Table(
        name=_CP_PLAN,
        kinds={"cp_plan": ("cppl_cp_plan_start_date", "cppl_cp_plan_end_date")},
        key="cppl_cp_plan_id",
        person="cppl_person_id",
        routes=(("cppl_referral_id", _REFERRAL),),
        fields={
            "start": ("cppl_cp_plan_start_date", v.day),
            "end": ("cppl_cp_plan_end_date", v.day),
            "other_authority": ("cppl_cp_plan_ola", v.flagged),
        },
        extra=("cppl_icpc_id",),
        made={"cp_plan": ("conference",)},
        # Mosaic never has it: without this, no rule could be judged for any plan there
        assumes={"cppl_cp_plan_ola": "every child protection plan is taken to be this authority's own"},
    ),
    Table(
        name=_CIN_PLAN,
        kinds={"cin_plan": ("cinp_cin_plan_start_date", "cinp_cin_plan_end_date")},
        key="cinp_cin_plan_id",
        person="cinp_person_id",
        routes=(("cinp_referral_id", _REFERRAL),),
        fields={
            "start": ("cinp_cin_plan_start_date", v.day),
            "end": ("cinp_cin_plan_end_date", v.day),
            "referral": ("cinp_referral_id", v.reference),
        },
    ),
    Table(
        name=PERIODS,
        kinds={
            "care_period": ("clae_cla_episode_start_date", "clae_cla_episode_ceased_date"),
            "iro_contact": ("clae_cla_last_iro_contact_date",),
        },
        key="clae_cla_id",
        person="clae_person_id",
        routes=(("clae_referral_id", _REFERRAL),),
        extra=(
            "clae_entered_care_date",
            "clae_cla_episode_start_date",
            "clae_cla_episode_ceased_date",
            "clae_cla_episode_ceased_reason",
            "clae_cla_last_iro_contact_date",
            "clae_referral_id",
        ),
        made={"care_period": ("start", "end", "referral"), "iro_contact": ("happened",)},
    ),
    Table(
        name="cp_reviews",
        kinds={"cp_review": ("cppr_cp_review_date",)},
        key="cppr_cp_review_id",
        person="cppr_person_id",
        routes=(("cppr_cp_plan_id", _CP_PLAN),),
        fields={
            "happened": ("cppr_cp_review_date", v.day),
            "due_on": ("cppr_cp_review_due", v.day),
            "quorate": ("cppr_cp_review_quorate", v.quorate),
        },
    ),
    Table(
        name="cp_visits",
        kinds={"cp_visit": ("cppv_cp_visit_date",)},
        key="cppv_cp_visit_id",
        person="cppv_person_id",
        routes=(("cppv_cp_plan_id", _CP_PLAN),),
        fields={
            "happened": ("cppv_cp_visit_date", v.day),
            "child_seen": ("cppv_cp_visit_seen", v.yes_no),
            "seen_alone": ("cppv_cp_visit_seen_alone", v.yes_no),
            "bedroom_seen": ("cppv_cp_visit_bedroom", v.yes_no),
        },
    ),
    Table(
        name="cla_placement",
        kinds={"placement": ("clap_cla_placement_start_date", "clap_cla_placement_end_date")},
        key="clap_cla_placement_id",
        person="clap_person_id",
        routes=(("clap_cla_id", PERIODS),),
        fields={
            "start": ("clap_cla_placement_start_date", v.day),
            "end": ("clap_cla_placement_end_date", v.day),
            "type": ("clap_cla_placement_type", v.code),
            "change_reason": ("clap_cla_placement_change_reason", v.text),
        },
    ),
    Table(
        name="cla_care_plan",
        kinds={
            "care_plan": ("lacp_cla_care_plan_start_date", "lacp_cla_care_plan_end_date"),
            "permanence_plan": ("lacp_cla_care_plan_start_date", "lacp_cla_care_plan_json"),
        },
        key="lacp_table_id",
        person="lacp_person_id",
        fields={
            "start": ("lacp_cla_care_plan_start_date", v.day),
            "end": ("lacp_cla_care_plan_end_date", v.day),
        },
        extra=("lacp_cla_care_plan_json",),
        made={"permanence_plan": ("happened",)},
    ),
    Table(
        name="permanence",
        kinds={
            "adoption_authority": (
                "perm_placement_order_date",
                "perm_placed_for_adoption_date",
                "perm_decision_reversed_date",
            )
        },
        key="perm_table_id",
        person="perm_person_id",
        routes=(("perm_cla_id", PERIODS),),
        fields={
            "start": ("perm_placement_order_date", v.day_or_filler),
            "matched": ("perm_matched_date", v.day_or_filler),
        },
        extra=(
            "perm_adm_decision_date",
            "perm_placed_for_adoption_date",
            "perm_decision_reversed_date",
            "perm_permanence_order_date",
        ),
        made={"adoption_authority": ("end",)},
    ),
    Table(
        name="cla_reviews",
        kinds={"cla_review": ("clar_cla_review_date",)},
        key="clar_cla_review_id",
        person="clar_cla_person_id",
        routes=(("clar_cla_id", PERIODS),),
        fields={
            "happened": ("clar_cla_review_date", v.day),
            "due_on": ("clar_cla_review_due_date", v.day),
        },
        extra=("clar_cla_review_cancelled",),
    ),
    Table(
        name="cla_visits",
        kinds={"cla_visit": ("clav_cla_visit_date",)},
        key="clav_cla_visit_id",
        person="clav_person_id",
        routes=(("clav_cla_id", PERIODS),),
        fields={
            "happened": ("clav_cla_visit_date", v.day),
            "child_seen": ("clav_cla_visit_seen", v.yes_no),
            "seen_alone": ("clav_cla_visit_seen_alone", v.yes_no),
        },
    ),
    Table(
        name="cin_visits",
        kinds={"cin_visit": ("cinv_cin_visit_date",)},
        key="cinv_cin_visit_id",
        person="cinv_person_id",
        routes=(("cinv_cin_plan_id", _CIN_PLAN),),
        fields={
            "happened": ("cinv_cin_visit_date", v.day),
            "child_seen": ("cinv_cin_visit_seen", v.yes_no),
            "seen_alone": ("cinv_cin_visit_seen_alone", v.yes_no),
        },
    ),
    Table(
        name="cla_health",
        kinds={"health_assessment": ("clah_health_check_date", "clah_health_check_type")},
        key="clah_health_check_id",
        person="clah_person_id",
        fields={
            "happened": ("clah_health_check_date", v.day),
            "type": ("clah_health_check_type", v.health_type),
            "status": ("clah_health_check_status", v.health_status),
        },
    ),
    Table(
        name="sdq_scores",
        kinds={
            "sdq": ("csdq_sdq_completed_date",),
            "sdq_standing": ("csdq_sdq_completed_date", "csdq_sdq_score"),
        },
        key="csdq_table_id",
        person="csdq_person_id",
        fields={"happened": ("csdq_sdq_completed_date", v.day), "score": ("csdq_sdq_score", v.score)},
        made={"sdq_standing": ("start", "end", "score")},
    ),
    Table(
        name="cla_immunisations",
        kinds={"immunisation_status": ("clai_immunisations_status_date", "clai_immunisations_status")},
        key="clai_person_id",
        person="clai_person_id",
        fields={
            "happened": ("clai_immunisations_status_date", v.day_or_filler),
            "up_to_date": ("clai_immunisations_status", v.yes_no),
        },
    ),
    Table(
        name="missing",
        kinds={"missing": ("miss_missing_episode_start_date", "miss_missing_episode_end_date")},
        key="miss_table_id",
        person="miss_person_id",
        fields={
            "start": ("miss_missing_episode_start_date", v.moment),
            "end": ("miss_missing_episode_end_date", v.moment),
            "type": ("miss_missing_episode_type", v.missing_type),
            "interview_offered": ("miss_missing_rhi_offered", v.yes_no),
            "interview_accepted": ("miss_missing_rhi_accepted", v.yes_no),
        },
    ),
    Table(
        name="care_leavers",
        kinds={
            "care_leaver": (),
            "pathway_plan": ("clea_pathway_plan_review_date",),
            "leaver_contact": ("clea_care_leaver_latest_contact",),
        },
        # not clea_table_id, which the SystemC script makes afresh on every run
        key="clea_person_id",
        person="clea_person_id",
        fields={"eligibility": ("clea_care_leaver_eligibility", v.eligibility)},
        extra=("clea_pathway_plan_review_date", "clea_care_leaver_latest_contact"),
        made={"pathway_plan": ("happened",), "leaver_contact": ("happened",)},
    ),
    Table(
        name="involvements",
        kinds={"allocation": ("invo_involvement_start_date", "invo_involvement_end_date")},
        key="invo_involvements_id",
        person="invo_person_id",
        routes=(("invo_referral_id", _REFERRAL),),
        fields={
            "start": ("invo_involvement_start_date", v.day),
            "end": ("invo_involvement_end_date", v.day),
            "worker": ("invo_professional_id", v.reference),
            "team": ("invo_professional_team", v.reference),
            "role": ("invo_professional_role_id", v.role),
            "team_only": ("invo_professional_id", lambda cell: v.reference(cell) is None),
        },
    ),
)

FILLS: Final[Fills] = {
    kind: frozenset[str]().union(*(filled for table in TABLES for of, filled in table.fills if of == kind))
    for kind in dict.fromkeys(kind for table in TABLES for kind in table.kinds)
}
"""What is read of the dataset: every kind, and its fields, in a database that has all tables and columns."""
