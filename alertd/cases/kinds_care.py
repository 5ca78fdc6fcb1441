"""Kinds of record about looked-after children, their health and schooling, and care leavers.

The lists that only an authority itself holds are kept apart, one for each place they come from: a list that is
not given must leave its rules unmeasured, and none of the others.
"""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import EXTRA, RECORDED, SSD_ONLY, Field, Kind, booked, event, seen, state

_HEALTH_TYPES = "initial, review, dental or other"

_REVIEWED = Field("reviewed", "yes/no", "a looked-after review has been held since it began")

_PLANNING: Final[tuple[Kind, ...]] = (
    state("iro", "Independent reviewing officer appointed for a looked-after child"),
    event(
        "review_record",
        "What followed a looked-after review: one row for each review held",
        Field("decisions", "date", "the day its decisions were sent out"),
        Field("answered", "date", "the day a manager agreed to the decisions or objected"),
        Field("written", "date", "the day its full record was finished"),
        Field("distributed", "date", "the day the full record was sent to all who should have it"),
        Field("visitor", "date", "the day it was recorded whether the child needs an independent visitor or advocate"),
        when="the day of the review",
    ),
    event(
        "planned_change",
        "Change ahead for which a looked-after review must come first",
        Field("type", "text", "leaving_care, leaving_secure, leaving_custody, plan_change, iro_request or concern"),
        Field("takes_effect", "date", "the day it takes effect, or by which the review is asked for"),
        when="the day it was planned or asked for",
    ),
    event(
        "visit_request",
        "Request for a visit to a looked-after child, or notice that makes one necessary",
        Field("type", "text", "regulator, child, carer or other: who asked or gave notice"),
        when="the day it was received",
    ),
    event("s20_decision", "Manager's decision on whether accommodation by agreement goes on"),
)
"""Lists about plans, reviews and visits."""

_SPECIAL: Final[tuple[Kind, ...]] = (
    # For a child already living there when a full care order is made, it begins on the day of the order.
    state(
        "home_placement",
        "Placement of a looked-after child with a parent, on one legal footing",
        Field("order", "text", "interim, full or none: the care order in force"),
        Field("assessed_first", "yes/no", "the parent's assessment was finished before the placement began"),
        Field("assessed", "date", "the day the parent's assessment was finished and reviewed"),
        Field("decided", "date", "the day the decision about the placement was approved"),
        _REVIEWED,
        bounds=True,
    ),
    # It begins on the day of the approval (outside_terms: of the placement) and ends when the child moves on.
    state(
        "special_approval",
        "Placement with a carer who is approved only for the time being, or for other children",
        Field("type", "text", "connected, connected_extended (once its approval is extended) or outside_terms"),
        Field("expires", "date", "the last day of an extended approval"),
        Field("decided", "date", "the day of the full approval, or of the amended terms"),
        _REVIEWED,
        bounds=True,
    ),
    event("secure_review", "Review of secure accommodation by three persons"),
    state("short_breaks", "Programme of short breaks, from the first break", bounds=True),
    event(
        "short_break_check",
        "Visit or review in a programme of short breaks",
        Field("type", "text", "visit (while placed, child seen) or review"),
    ),
)
"""Lists about placements with terms of their own."""

_BEYOND: Final[tuple[Kind, ...]] = (
    state("detention", "Detention of a child who was accommodated by agreement just before", bounds=True),
    event("detention_visit", "Visit to a child in detention", *seen()),
    state("leaver_accommodation", "Stay of a care leaver in accommodation the authority provides", bounds=True),
    event(
        "leaver_visit",
        "Visit of the personal adviser where a care leaver lives",
        Field("leaver_accommodation", "text", "the stay's key", links="leaver_accommodation"),
    ),
    # The national transfer scheme (NTS) moves an unaccompanied child from where the child came in to another authority.
    state("nts_transfer", "Transfer of an unaccompanied child, from acceptance until the child is received"),
)
"""Lists about children who are elsewhere: in detention, on their own, or on the way from another authority."""

CARE: Final[tuple[Kind, ...]] = (
    state(
        "care_period",
        "Period of being looked after, from entering care to leaving it",
        Field("referral", "text", "the referral's key", links="referral", feeds=("ssd", "api", "extra")),
        bounds=True,
        feeds=("ssd", "annex_a", "903", "api", "extra"),
    ),
    state(
        "placement",
        "Placement of a looked-after child",
        Field("type", "text", "placement type code"),
        Field("change_reason", "text", "why it ended, as coded", feeds=("ssd", "903", "api", "extra")),
        bounds=True,
        feeds=("ssd", "annex_a", "903", "api", "extra"),
    ),
    state(
        "legal_status",
        "Legal status of a looked-after child",
        Field("status", "text", "code, as C2"),
        bounds=True,
        feeds=("ssd", "annex_a", "903", "extra"),
    ),
    state("care_plan", "Care plan of a looked-after child", feeds=("ssd", "extra")),
    event(
        "placement_plan",
        "Placement plan agreed",
        Field("placement", "text", "the placement's key", links="placement"),
    ),
    event("cla_review", "Looked-after review", booked(*SSD_ONLY), feeds=("ssd", "annex_a", "903", "extra")),
    event(
        "cla_visit",
        "Visit to a looked-after child",
        *seen(SSD_ONLY, SSD_ONLY),
        RECORDED,
        feeds=("ssd", "annex_a", "extra"),
    ),
    event(
        "health_assessment",
        "Health assessment or check of a looked-after child",
        # Annex A holds the day of the last assessment, and not whether it was the first.
        Field("type", "text", _HEALTH_TYPES, feeds=SSD_ONLY),
        Field("status", "text", "completed, planned, refused or cancelled", feeds=SSD_ONLY),
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
        Field("interview_offered", "yes/no", "a return interview was offered", feeds=SSD_ONLY),
        Field("interview_accepted", "yes/no", "the return interview was accepted", feeds=SSD_ONLY),
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
        Field("became", "date", "the day of first becoming eligible or relevant", feeds=EXTRA),
        bounds=True,
        feeds=("ssd", "annex_a", "extra"),
        start_in=EXTRA,
        end_in=EXTRA,
    ),
    event("pathway_plan", "Pathway plan made or reviewed", feeds=("ssd", "annex_a", "extra")),
    event("leaver_contact", "Contact with a care leaver", feeds=("ssd", "annex_a", "api", "extra")),
    *_PLANNING,
    *_SPECIAL,
    *_BEYOND,
)
