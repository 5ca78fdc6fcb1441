"""Whom a notification may tell, and what it may hold: nothing else can be written in a rule.

What is not in :data:`DISCLOSABLE` cannot leave. Two things are left out for good. No address of a child, a
carer, an adopter or a refuge is there: one address too many has led violent people to a door, and whoever
needs it asks the worker. Nor is anything that a case note says in its own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

FAMILY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "child": "The child or young person",
        "parents": "Parents and others with parental responsibility",
        "contact_people": "People the child has contact with",
        "last_carer": "The carer before this placement",
        "carer": "The carer",
    }
)
"""Told by the worker in person or by letter, never by alertd: whether it is safe to tell them is a judgement."""

AGENCIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **FAMILY,
        "adopter_gp": "The adopter's GP practice",
        "adopter_authority": "Children's services where the adopter lives",
        "adopter_education": "Education service where the adopter lives",
        "adopter_icb": "NHS integrated care board where the adopter lives",
        "cafcass": "Cafcass",
        "cla_health_team": "Health team for looked-after children",
        "core_group": "Agencies of the core group",
        "cp_is": "NHS Child Protection - Information Sharing service",
        "death_review_partners": "Child death review partners",
        "dfe": "Department for Education",
        "designated_nurse": "Designated nurse for looked-after children",
        "designated_officer": "Designated officer for allegations (LADO)",
        "designated_safeguarding_lead": "Designated safeguarding lead of the school",
        "designated_teacher": "Designated teacher for looked-after children",
        "director": "Director of children's services",
        "gp": "GP practice",
        "health_visitor": "Health visitor or school nurse",
        "home_office_nts": "Home Office, National Transfer Scheme",
        "host_authority": "Children's services of the area where the child is placed",
        "host_icb": "NHS integrated care board of the area where the child is placed",
        "host_sen_team": "Special educational needs team of the area where the child is placed",
        "housing_authority": "Housing authority",
        "icb": "NHS integrated care board of the responsible authority",
        "iro": "Independent reviewing officer",
        "iro_service": "Independent reviewing service",
        "national_panel": "Child Safeguarding Practice Review Panel",
        "nominated_officer": "Nominated officer",
        "nrm": "National referral mechanism, by a first responder",
        "ofsted": "Ofsted",
        "placing_authority": "Children's services of the authority that placed the child",
        "police": "Police",
        "probation": "Probation service, for MAPPA",
        "receiving_authority": "Children's services of the authority the child moves to",
        "register_custodian": "Custodian of the child protection register (Wales)",
        "regional_board": "Regional safeguarding board (Wales)",
        "responsible_team": "Team responsible for the child",
        "return_interview_provider": "Provider of return home interviews",
        "safeguarding_partners": "Local safeguarding partners",
        "school": "School or education provider",
        "sen_team": "Special educational needs team of the responsible authority",
        "service_manager": "Service manager",
        "team_manager": "Team manager",
        "virtual_head": "Virtual school head",
        "youth_justice": "Youth justice service, case manager",
    }
)
"""Whom a rule may ``tell``: the role as rules write it, and its title."""


@dataclass(frozen=True, slots=True)
class Disclosable:
    """A field a message to an agency may hold. ``only``: the agencies it may go to, where not to all."""

    meaning: str
    only: frozenset[str] | None = None

    def may_go_to(self, agency: str) -> bool:
        """Whether that agency may have it."""
        return self.only is None or agency in self.only


def _only(meaning: str, *agencies: str) -> Disclosable:
    return Disclosable(meaning, frozenset(agencies))


_CONFERENCE: Final = (
    *("child", "parents", "core_group", "gp", "health_visitor", "school"),
    *("receiving_authority", "register_custodian"),
)
_CHILDRENS_SERVICES: Final = ("host_authority", "receiving_authority", "director")
_ALLEGATION: Final = ("designated_officer", "police", "ofsted")
_DEATH_OR_HARM: Final = (
    *("national_panel", "ofsted", "dfe", "safeguarding_partners", "death_review_partners", "regional_board"),
)

DISCLOSABLE: Final[Mapping[str, Disclosable]] = MappingProxyType(
    {
        # Who asks, and about which case. A reference the partner can quote stands for the child.
        "reference": Disclosable("the case reference, to be quoted in the answer"),
        "worker_contact": Disclosable("the name and telephone of the social worker"),
        "authority_contact": Disclosable("the contact point of the authority"),
        "trigger_date": Disclosable("the day it happened or takes effect"),
        # Care and placements.
        "status": Disclosable("that the child is looked after, has a plan or has a social worker, and no reason"),
        "legal_status": _only(
            "the legal status, as coded", "iro_service", "cla_health_team", "youth_justice", "iro", *_CHILDRENS_SERVICES
        ),
        "placement_type": Disclosable("the type of placement"),
        "placement_start": Disclosable("the day the placement starts"),
        "placement_end": Disclosable("the day the placement ended"),
        "next_worker_contact": Disclosable("the social worker responsible from now on"),
        # Regulation 13(4): to the children's services of the area alone, and not on to their providers.
        "care_plan": _only("a copy of the care plan", *_CHILDRENS_SERVICES),
        "needs_summary": _only("a summary of the assessment of needs", *_CHILDRENS_SERVICES),
        "placement_reason": _only("why this placement was chosen", *_CHILDRENS_SERVICES),
        # Child protection.
        "plan_type": Disclosable("the type of plan"),
        "plan_start": Disclosable("the day the plan started"),
        "plan_end": Disclosable("the day the plan ended"),
        "conference_outcome": _only("what the conference decided", *_CONFERENCE),
        "plan_category": _only("the category of the plan", *_CONFERENCE),
        "plan_summary": _only("the plan in outline, third parties and addresses taken out", *_CONFERENCE),
        "next_conference": _only("the day of the next conference", *_CONFERENCE),
        "conference_report": _only("the report to the last conference", "receiving_authority"),
        "assessment": _only("the assessment", "receiving_authority"),
        "chronology": _only("the chronology", "receiving_authority"),
        "move_risk": _only("what the move may put at risk", "receiving_authority"),
        # Missing children. What a return interview was told stays out: it is shared by risk, by the worker.
        "description": _only("what the child looks like and wore", "police", "register_custodian"),
        "missing_risk": _only(
            "how great the risk is thought to be",
            "police",
            "host_authority",
            "iro",
            "team_manager",
            "register_custodian",
        ),
        "associates": _only("people the child may be with", "police"),
        "return_time": Disclosable("when the child came back"),
        # Incidents and allegations.
        "incident_form": _only("the fields of the national form", *_DEATH_OR_HARM),
        "death_form": _only("the fields of the child death form", *_DEATH_OR_HARM),
        "adult_role": _only("the adult's role with children", *_ALLEGATION),
        "allegation": _only("what is alleged", *_ALLEGATION),
        "children_at_risk": _only("which other children may be at risk, by reference", *_ALLEGATION),
        "event_type": Disclosable("the type of event, as coded"),
        "action_taken": _only(
            "what the provider did", "ofsted", "placing_authority", "host_authority", "police", "responsible_team"
        ),
        "indicators": _only("the indicators of trafficking or exploitation", "nrm", "police"),
        # The person is the police's and probation's own data: enough to find the file, and no more.
        "offender_identification": _only("which person it is about", "police", "probation", "responsible_team"),
        # Messages that came in.
        "attendance": _only("that the child attended", "responsible_team"),
        "setting": _only("where, for the worker to call", "responsible_team"),
        "since": _only("since when", "responsible_team"),
        "arranged_by": _only("who arranged it", "responsible_team"),
        # Schedule 1 holds the parents' details: they are for the authority alone.
        "private_fostering_particulars": _only(
            "what Schedule 1 of the private fostering regulations asks for", "responsible_team", "receiving_authority"
        ),
        # Health, schooling, housing, transfer.
        "consent_refused": _only("that consent was refused or lapsed, and no reason", "designated_nurse"),
        "health_history": _only("the child's health history", "adopter_gp"),
        "adoption_required_set": _only(
            "what the adoption regulations ask to be told", "adopter_authority", "adopter_icb", "adopter_education"
        ),
        "days_without_school": Disclosable("how long the child has been without a school place"),
        "school_move": Disclosable("the change of school proposed"),
        "ehc_plan": _only("the education, health and care plan", "sen_team", "host_sen_team"),
        "housing_need": _only("what housing is needed, and by when", "housing_authority"),
        "transfer_form": _only("the form of the transfer protocol", "home_office_nts", "receiving_authority"),
        "dispute_referral": _only("the reviewing officer's referral", "cafcass"),
    }
)
"""What a rule may ``disclose``: the field as rules write it, and to whom it may go."""
