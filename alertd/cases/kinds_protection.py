"""Kinds of record from the front door to the child protection plan."""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import BOOKED, SEEN, Field, Kind, event, state

PROTECTION: Final[tuple[Kind, ...]] = (
    state(
        "referral",
        "Referral to children's social care",
        Field("nfa", "yes/no", "closed with no further action"),
        bounds=True,
        feeds=("ssd", "annex_a", "cin", "api", "extra"),
    ),
    event(
        "referral_decision",
        "Decision on a referral",
        Field("referral", "text", "the referral's key", links="referral"),
    ),
    state(
        "assessment",
        "Child and family assessment",
        Field("authorised", "date", "the day a manager authorised it"),
        Field("referral", "text", "the referral's key", links="referral"),
        Field("child_seen", "yes/no", "the child was seen during the assessment"),
        Field("outcome", "text", "services, nfa or other"),
        feeds=("ssd", "annex_a", "cin", "api", "extra"),
    ),
    state(
        "s47",
        "Section 47 enquiry, from the strategy discussion that opened it",
        Field("referral", "text", "the referral's key", links="referral"),
        Field("outcome", "text", "open, conference or no_conference"),
        feeds=("ssd", "annex_a", "cin", "api", "extra"),
    ),
    event(
        "icpc",
        "Initial child protection conference",
        Field("s47", "text", "the section 47 enquiry's key", links="s47"),
        Field("transfer_in", "yes/no", "a transfer-in conference"),
        BOOKED,
        feeds=("ssd", "annex_a", "cin", "api", "extra"),
    ),
    state(
        "cp_plan",
        "Child protection plan",
        Field("conference", "date", "the day of the initial conference, when linked"),
        Field("other_authority", "yes/no", "the plan is another authority's"),
        bounds=True,
        feeds=("ssd", "annex_a", "cin", "api", "extra"),
    ),
    event("core_group", "Core group meeting"),
    event(
        "cp_review",
        "Child protection review conference",
        BOOKED,
        Field("quorate", "yes/no", "quorate"),
        feeds=("ssd", "annex_a", "cin", "extra"),
    ),
    event(
        "cp_visit",
        "Child protection visit",
        *SEEN,
        Field("bedroom_seen", "yes/no", "the child's bedroom was seen"),
        feeds=("ssd", "annex_a", "extra"),
    ),
    state(
        "cin_plan",
        "Child in need plan",
        Field("referral", "text", "the referral's key", links="referral"),
        bounds=True,
        feeds=("ssd", "cin", "api", "extra"),
    ),
    event("cin_visit", "Child in need visit", *SEEN, feeds=("ssd", "annex_a", "extra")),
    event("cin_review", "Child in need review"),
)
