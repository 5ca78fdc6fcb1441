"""Kinds of record about needs, planned actions, what was delivered and what came of it, and other lists that
gap rules look at.

A list of its own for each place they come from: one that is not given must leave its rules unmeasured, and none of
the others.
"""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import EXTRA, SSD_ONLY, Field, Kind, event, state


def _until_closed(name: str, title: str, *fields: Field, when: str, closed: str) -> Kind:
    """Something that happens on a day and asks for an answer, unless it is closed without one."""
    days = (Field("happened", "date", when), Field("closed", "date", f"{closed}; blank otherwise"))
    return Kind(name, title, (*days, *fields), "happened", "closed", bounds=True)


_CHAIN: Final[tuple[Kind, ...]] = (
    _until_closed(
        "need",
        "Need identified in an assessment",
        Field("type", "text", "what is needed, as coded"),
        when="the day the assessment that found it was authorised",
        closed="the day it was met, or was a need no more",
    ),
    state(
        "planned_action",
        "Planned action or service",
        Field("need", "text", "the need's key", links="need"),
        Field("type", "text", "what is planned, as coded; emotional_health is one code rules look for"),
        Field("decided", "date", "the day it was planned, which may be before the day it begins; always given"),
    ),
    event(
        "delivery",
        "Service delivered",
        Field("planned_action", "text", "the planned action's key", links="planned_action"),
    ),
    event(
        "outcome",
        "Outcome of a planned action",
        Field("planned_action", "text", "the planned action's key", links="planned_action"),
    ),
    event(
        "planned_session",
        "Session of a planned action that repeats, held or not",
        Field("planned_action", "text", "the planned action's key", links="planned_action"),
        Field("held", "yes/no", "it took place, and the child or family was there"),
        when="the day it was planned for",
    ),
    _until_closed(
        "partner_referral",
        "Referral to a partner's service",
        Field("answered", "date", "the day the partner said yes or no"),
        when="the day it was sent",
        closed="the day it was withdrawn",
    ),
)
"""From a need to what came of it."""

SERVICES: Final[tuple[Kind, ...]] = (
    *_CHAIN,
    event(
        "contact",
        "Contact about a child at the front door",
        Field("assessed", "yes/no", "it led to a referral or an assessment", feeds=("ssd", "extra")),
        feeds=("ssd", "annex_a", "extra"),
        when="the day it was received",
    ),
    event(
        "sighting",
        "Child seen by another agency, or at another contact that counts as seeing the child",
        Field("child_seen", "yes/no", "the child was seen"),
    ),
    event("legal_advice", "Legal advice on a child's accommodation by agreement", when="the day it was given"),
    state("unregistered_setting", "Stay in a setting that has to be registered and is not"),
    event(
        "attendance",
        "Statement of a child's attendance at school in the term so far",
        Field("percent", "number", "sessions attended in the term so far, in whole percent, rounded down"),
        Field("suspended_days", "number", "days suspended in the term so far"),
        when="the day of the statement",
    ),
    event(
        "appointment",
        "Health or dental appointment, kept or not",
        Field("attended", "yes/no", "the child was there; no: was not brought, or did not come"),
        when="the day of the appointment",
    ),
    state(
        "sdq_standing",
        "Strengths and difficulties score, from its day until the next one or the end of care",
        Field("score", "number", "0 to 40"),
        bounds=True,
        feeds=SSD_ONLY,
    ),
    event(
        "iro_contact",
        "Contact of the independent reviewing officer with a looked-after child",
        feeds=("ssd", "annex_a", "extra"),
    ),
    _until_closed(
        "cancellation",
        "Review, conference or core group that was cancelled",
        Field("rebooked", "date", "the day on which a new date was set for it"),
        when="the day it was cancelled",
        closed="the day it was clear that there would be no other",
    ),
    state(
        "review_action",
        "Decision or recommendation of a review, conference or audit, until it is done or given up",
        Field("due_on", "date", "the day by which it is to be done"),
        bounds=True,
    ),
    event(
        "leaver_situation",
        "How a care leaver is found to live",
        Field("in_touch", "yes/no", "the young person is in touch"),
        Field("suitable", "yes/no", "lives in suitable accommodation"),
        Field("active", "yes/no", "is in education, training or work, or has a reason recorded for not being"),
        when="the day it was found so",
    ),
    state("early_help", "Early help, before or after a referral", feeds=SSD_ONLY),
    # Nothing is said of who the others are: whoever has the same number is of the same family.
    state(
        "household",
        "Family group a child belongs to",
        Field("family", "text", "the family's number, the same for brothers and sisters"),
        feeds=SSD_ONLY,
        start_in=EXTRA,
        end_in=EXTRA,
    ),
    # Given on this child by the feed, because one child's records never decide another's. No sibling is named.
    state(
        "sibling_event",
        "What a brother or sister in the same household has",
        Field("type", "text", "cp_plan, cin_plan, visit or review; of a visit or review the end stays blank"),
        bounds=True,
    ),
)
