"""The kinds of record there are, with their fields as rule writers see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

FieldType = Literal["date", "moment", "yes/no", "text", "number"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind: its name, type and meaning, as rule writers see it. ``links`` is the kind
    of which it holds a key."""

    name: str
    type: FieldType
    meaning: str
    links: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record.

    ``begins`` is the field that places a record in time. ``ends`` is the field that closes a
    state (blank: still open); an event has none. ``bounds`` says that when the state ends, the
    clocks it started end with it: a care period does that, a section 47 enquiry does not.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    begins: str
    ends: str | None = None
    bounds: bool = False

    def field(self, name: str) -> Field | None:
        """The field of that name, or None."""
        return next((f for f in self.fields if f.name == name), None)


def _event(name: str, title: str, *fields: Field, when: str = "the day it happened") -> Kind:
    return Kind(name, title, (Field("happened", "date", when), *fields), "happened")


def _state(name: str, title: str, *fields: Field, bounds: bool = False, type_: FieldType = "date") -> Kind:
    ends = (Field("start", type_, "the day it began"), Field("end", type_, "the day it ended; blank while open"))
    return Kind(name, title, (*ends, *fields), "start", "end", bounds)


_SEEN = (
    Field("child_seen", "yes/no", "the child was seen"),
    Field("seen_alone", "yes/no", "the child was seen alone"),
)
_BOOKED = Field("due_on", "date", "the date booked or set for it, when that is recorded")
_HEALTH_TYPES = "initial, review, dental or other"

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(
                "child",
                "The child",
                (
                    Field("born", "date", "date of birth; blank before birth"),
                    Field("expected", "date", "expected date of delivery of an unborn child"),
                    Field("died", "date", "date of death"),
                ),
                "born",
                "died",
            ),
            _state(
                "referral",
                "Referral to children's social care",
                Field("nfa", "yes/no", "closed with no further action"),
                bounds=True,
            ),
            _event(
                "referral_decision",
                "Decision on a referral",
                Field("referral", "text", "the referral's key", links="referral"),
            ),
            _state(
                "assessment",
                "Child and family assessment",
                Field("authorised", "date", "the day a manager authorised it"),
                Field("referral", "text", "the referral's key", links="referral"),
                Field("child_seen", "yes/no", "the child was seen during the assessment"),
                Field("outcome", "text", "services, nfa or other"),
            ),
            _state(
                "s47",
                "Section 47 enquiry, from the strategy discussion that opened it",
                Field("referral", "text", "the referral's key", links="referral"),
                Field("outcome", "text", "open, conference or no_conference"),
            ),
            _event(
                "icpc",
                "Initial child protection conference",
                Field("s47", "text", "the section 47 enquiry's key", links="s47"),
                Field("transfer_in", "yes/no", "a transfer-in conference"),
                _BOOKED,
            ),
            _state(
                "cp_plan",
                "Child protection plan",
                Field("conference", "date", "the day of the initial conference, when linked"),
                Field("other_authority", "yes/no", "the plan is another authority's"),
                bounds=True,
            ),
            _event("core_group", "Core group meeting"),
            _event("cp_review", "Child protection review conference", _BOOKED, Field("quorate", "yes/no", "quorate")),
            _event(
                "cp_visit",
                "Child protection visit",
                *_SEEN,
                Field("bedroom_seen", "yes/no", "the child's bedroom was seen"),
            ),
            _state(
                "cin_plan",
                "Child in need plan",
                Field("referral", "text", "the referral's key", links="referral"),
                bounds=True,
            ),
            _event("cin_visit", "Child in need visit", *_SEEN),
            _event("cin_review", "Child in need review"),
            _state(
                "care_period",
                "Period of being looked after, from entering care to leaving it",
                Field("referral", "text", "the referral's key", links="referral"),
                bounds=True,
            ),
            _state(
                "placement",
                "Placement of a looked-after child",
                Field("type", "text", "placement type code"),
                Field("change_reason", "text", "why it ended, as coded"),
                bounds=True,
            ),
            _state("legal_status", "Legal status of a looked-after child", Field("status", "text", "code, as C2")),
            _state("care_plan", "Care plan of a looked-after child"),
            _event(
                "placement_plan",
                "Placement plan agreed",
                Field("placement", "text", "the placement's key", links="placement"),
            ),
            _event("cla_review", "Looked-after review", _BOOKED),
            _event("cla_visit", "Visit to a looked-after child", *_SEEN),
            _event(
                "health_assessment",
                "Health assessment or check of a looked-after child",
                Field("type", "text", _HEALTH_TYPES),
                Field("status", "text", "completed, planned, refused or cancelled"),
            ),
            _event("sdq", "Strengths and difficulties questionnaire", Field("score", "number", "0 to 40")),
            _state(
                "missing",
                "Missing episode",
                Field("type", "text", "missing or away"),
                Field("interview_offered", "yes/no", "a return interview was offered"),
                Field("interview_accepted", "yes/no", "the return interview was accepted"),
                type_="moment",
            ),
            Kind(
                "return_interview",
                "Return home interview held, or declined with a reason",
                (
                    Field("happened", "moment", "when it was held or declined"),
                    Field("missing", "text", "the missing episode's key", links="missing"),
                ),
                "happened",
            ),
            _state(
                "care_leaver",
                "Care-leaver status",
                Field("eligibility", "text", "eligible, relevant, former relevant, qualifying or none"),
                bounds=True,
            ),
            _event("pathway_plan", "Pathway plan made or reviewed"),
            _event("leaver_contact", "Contact with a care leaver"),
            _state(
                "allocation",
                "Worker or team allocated to the child",
                Field("worker", "text", "the worker's key; blank when only a team holds the case"),
                Field("team", "text", "the team's key"),
                Field("role", "text", "role code; CW is the lead case worker"),
            ),
        )
    }
)
