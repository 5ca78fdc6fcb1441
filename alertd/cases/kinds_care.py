"""Kinds of record about looked-after children, their health and schooling, and care leavers."""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import BOOKED, SEEN, Field, Kind, event, state

_HEALTH_TYPES = "initial, review, dental or other"

CARE: Final[tuple[Kind, ...]] = (
    state(
        "care_period",
        "Period of being looked after, from entering care to leaving it",
        Field("referral", "text", "the referral's key", links="referral"),
        bounds=True,
        feeds=("ssd", "annex_a", "903", "api", "extra"),
    ),
    state(
        "placement",
        "Placement of a looked-after child",
        Field("type", "text", "placement type code"),
        Field("change_reason", "text", "why it ended, as coded"),
        bounds=True,
        feeds=("ssd", "annex_a", "903", "api", "extra"),
    ),
    state(
        "legal_status",
        "Legal status of a looked-after child",
        Field("status", "text", "code, as C2"),
        feeds=("ssd", "annex_a", "903", "extra"),
    ),
    state("care_plan", "Care plan of a looked-after child", feeds=("ssd", "extra")),
    event(
        "placement_plan",
        "Placement plan agreed",
        Field("placement", "text", "the placement's key", links="placement"),
    ),
    event("cla_review", "Looked-after review", BOOKED, feeds=("ssd", "annex_a", "903", "extra")),
    event("cla_visit", "Visit to a looked-after child", *SEEN, feeds=("ssd", "annex_a", "extra")),
    event(
        "health_assessment",
        "Health assessment or check of a looked-after child",
        Field("type", "text", _HEALTH_TYPES),
        Field("status", "text", "completed, planned, refused or cancelled"),
        feeds=("ssd", "annex_a", "extra"),
    ),
    event(
        "sdq",
        "Strengths and difficulties questionnaire",
        Field("score", "number", "0 to 40"),
        feeds=("ssd", "api", "extra"),
    ),
    state(
        "missing",
        "Missing episode",
        Field("type", "text", "missing or away"),
        Field("interview_offered", "yes/no", "a return interview was offered"),
        Field("interview_accepted", "yes/no", "the return interview was accepted"),
        type_="moment",
        feeds=("ssd", "903", "extra"),
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
    state(
        "care_leaver",
        "Care-leaver status",
        Field("eligibility", "text", "eligible, relevant, former relevant, qualifying or none"),
        bounds=True,
        feeds=("ssd", "annex_a", "903", "api", "extra"),
    ),
    event("pathway_plan", "Pathway plan made or reviewed", feeds=("ssd", "annex_a", "extra")),
    event("leaver_contact", "Contact with a care leaver", feeds=("ssd", "annex_a", "api", "extra")),
)
