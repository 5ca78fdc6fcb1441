"""Kinds of record about what other agencies are told, and what they tell."""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import Field, Kind, event, state

TRIGGER_TYPES: Final = (
    "placement, family_moved, missing_on_register, provider_event, private_fostering_moved, school_joined, "
    "school_left, worker_assigned, key_stage_4_move, remand, homelessness_risk, exploitation, "
    "unaccompanied_arrival, adoption_placement, iro_dispute, offender_risk or ehc_move"
)

AGENCIES: Final[tuple[Kind, ...]] = (
    event(
        "agency_notice",
        "Notification sent to another agency",
        Field("notice", "text", "the notification it is, by its rule: notify.n2"),
        Field("about", "text", "the key of the record it is about"),
        Field("urgent", "yes/no", "an answer is wanted within one working day"),
        Field("acknowledged", "date", "the day the agency acknowledged it"),
        when="the day it was sent; on a list of the authority's own, the day the last of those to be told was told",
        outlives=True,
    ),
    Kind(
        "agency_trigger",
        "Something another agency has to be told of",
        (
            Field("happened", "moment", "when it happened, was arranged or became known"),
            Field("withdrawn", "date", "the day it was called off, settled or found not to be so; blank otherwise"),
            Field("type", "text", TRIGGER_TYPES),
            Field("takes_effect", "date", "the day a planned move, placement or loss of a home takes effect"),
            Field("emergency", "yes/no", "a placement: nobody could be told before it began"),
            Field("out_of_area", "yes/no", "a placement: outside the authority's own area"),
            Field("distant", "yes/no", "a placement: neither in the authority's area nor in one beside it"),
            Field("consent", "yes/no", "the young person agrees to be referred"),
        ),
        "happened",
        "withdrawn",
        bounds=True,
    ),
    event(
        "agency_ending",
        "Death of a child, or end of a placement, a plan or care, of which agencies have to be told",
        Field(
            "type",
            "text",
            "placement_ended, plan_ended, care_ended, looked_after_death, leaver_death or child_death",
        ),
        when="when it happened or became known",
        type_="moment",
        outlives=True,
    ),
    event(
        "agency_inbound",
        "Something another agency told this authority",
        Field(
            "type",
            "text",
            "nhs_attendance, long_stay, long_stay_ended, private_fostering or offender_risk",
        ),
        Field("acted", "date", "the day the team acted on it"),
        when="when it came in",
        type_="moment",
        outlives=True,
    ),
    state(
        "agency_link",
        "Agency that has to do with the child, as a GP practice or a school",
        Field("kind", "text", "what it is to the child, as rules name it: gp, school, health_visitor, cafcass"),
        Field("agency", "text", "its id in the authority's file of agencies"),
    ),
)
# An `agency_trigger` about a placement has the key of the placement, so that one notice answers for both.
