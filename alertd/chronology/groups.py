"""The groups by which a chronology is looked through, and the kinds of record in each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

Group = Literal[
    "contact",
    "assessment",
    "child_in_need",
    "child_protection",
    "looked_after",
    "health",
    "education",
    "visits",
    "reviews",
    "needs",
    "allocation",
    "other",
]

GROUPS: Final[Mapping[Group, str]] = MappingProxyType(
    {
        "contact": "Contact and referral",
        "assessment": "Assessment",
        "child_in_need": "Child in need",
        "child_protection": "Child protection",
        "looked_after": "Looked after and leaving care",
        "health": "Health",
        "education": "Education",
        "visits": "Visits and contact with the child",
        "reviews": "Reviews and conferences",
        "needs": "Needs and services",
        "allocation": "Who has the case",
        "other": "Other",
    }
)
"""The title of each group, in the order in which they are offered."""

_KINDS: Final[Mapping[Group, str]] = {
    "contact": "contact referral referral_decision early_help",
    "assessment": "assessment",
    "child_in_need": "cin_plan supervision_order short_breaks short_break",
    "child_protection": (
        "strategy_discussion s47 icpc conference_report conference_decisions transfer_in cp_plan core_group "
        "emergency_protection pre_proceedings proceedings proceedings_extension allegation serious_incident"
    ),
    "looked_after": (
        "care_period placement legal_status care_plan placement_plan planned_change s20_decision legal_advice "
        "home_placement special_approval detention unregistered_setting missing return_interview permanence_plan "
        "adoption_step adoption_authority sgo_support nts_transfer care_leaver pathway_plan leaver_situation "
        "leaver_accommodation private_fostering personal_plan"
    ),
    "health": ("health_assessment health_paper sdq sdq_standing immunisation_status surveillance_status appointment"),
    "education": "pep school_term out_of_school attendance advice_request",
    "visits": (
        "cin_visit cp_visit cla_visit visit_request detention_visit leaver_visit leaver_contact pf_visit sighting "
        "iro_contact short_break_check"
    ),
    "reviews": (
        "cin_review cp_review cla_review review_record secure_review sgo_review personal_plan_review review_action "
        "cancellation"
    ),
    "needs": "need planned_action planned_session delivery outcome partner_referral",
    "allocation": "allocation worker_away iro case_supervision",
    "other": (
        "child household sibling_event agency_notice agency_trigger agency_ending agency_inbound agency_link "
        "advocacy_offer complaint access_request staff_post supervision audit carer_approval carer_review carer_visit"
    ),
}

GROUP_OF: Final[Mapping[str, Group]] = MappingProxyType(
    {kind: group for group, kinds in _KINDS.items() for kind in kinds.split()}
)
"""The group of each kind of record."""
