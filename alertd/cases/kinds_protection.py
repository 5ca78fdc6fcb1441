"""Kinds of record from the front door to the child protection plan."""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import EXTRA, RECORDED, SSD_ONLY, FeedCode, Field, Kind, booked, event, seen, state

_LINKED: Final[tuple[FeedCode, ...]] = ("ssd", "cin", "api", "extra")
"""Feeds that say which referral a record belongs to; Annex A does not."""

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
        Field("referral", "text", "the referral's key", links="referral", feeds=_LINKED),
        Field("child_seen", "yes/no", "the child was seen during the assessment", feeds=("ssd", "annex_a", "extra")),
        Field("outcome", "text", "services, nfa or other", feeds=("ssd", "annex_a", "extra")),
        feeds=("ssd", "annex_a", "cin", "api", "extra"),
        end_in=EXTRA,  # national feeds hold the day it was authorised, and no other end
    ),
    Kind(
        "strategy_discussion",
        "Strategy discussion, from the decision that one is needed",
        (
            Field("decided", "moment", "when it was decided that the threshold for one may be met"),
            Field("happened", "moment", "when it was held with police and health"),
        ),
        "decided",
    ),
    state(
        "s47",
        "Section 47 enquiry, from the strategy discussion that opened it",
        Field("referral", "text", "the referral's key", links="referral", feeds=_LINKED),
        Field("outcome", "text", "open, conference or no_conference"),
        feeds=("ssd", "annex_a", "cin", "api", "extra"),
        end_in=("ssd", "api", "extra"),
    ),
    event(
        "icpc",
        "Initial child protection conference",
        Field("s47", "text", "the section 47 enquiry's key", links="s47"),
        Field("transfer_in", "yes/no", "a transfer-in conference", feeds=SSD_ONLY),
        booked("ssd", "cin", "extra"),
        feeds=("ssd", "annex_a", "cin", "api", "extra"),
    ),
    Kind(
        "conference_report",
        "Social worker's report to a child protection conference",
        (
            Field("start", "date", "the day it was asked for"),
            Field("end", "date", "the day the conference was held or called off; blank while it lies ahead"),
            Field("type", "text", "initial or review: the conference it is for"),
            Field("due_on", "date", "the day the conference is booked for"),
            Field("shared", "date", "the day it was shared with the family and the chair"),
        ),
        "start",
        "end",
        bounds=True,
    ),
    event(
        "conference_decisions",
        "Decisions and outline plan of a child protection conference that was held",
        Field("sent", "date", "the day they were sent to everybody"),
        when="the day of the conference",
    ),
    Kind(
        "transfer_in",
        "Another authority's child protection plan to be taken over",
        (
            Field("notified", "date", "the day the written notification came"),
            Field("end", "date", "the day it was settled without a conference here; blank otherwise"),
            Field("permanent", "yes/no", "the child has moved here for good"),
            Field("papers", "date", "the day the written papers came"),
            Field("accepted", "date", "the day the referral was accepted"),
        ),
        "notified",
        "end",
        bounds=True,
    ),
    state(
        "cp_plan",
        "Child protection plan",
        Field("conference", "date", "the day of the initial conference, when linked", feeds=SSD_ONLY),
        # Only SSD says so, and not in every case system. Elsewhere plans are taken to be the authority's own.
        Field("other_authority", "yes/no", "the plan is another authority's"),
        bounds=True,
        feeds=("ssd", "annex_a", "cin", "api", "extra"),
    ),
    event("core_group", "Core group meeting", RECORDED),
    event(
        "cp_review",
        "Child protection review conference",
        booked(*SSD_ONLY),
        Field("quorate", "yes/no", "quorate", feeds=SSD_ONLY),
        feeds=("ssd", "annex_a", "cin", "extra"),
    ),
    event(
        "cp_visit",
        "Child protection visit",
        *seen(SSD_ONLY),  # Annex A holds whether the child was seen alone, and not whether seen at all
        RECORDED,
        Field("bedroom_seen", "yes/no", "the child's bedroom was seen", feeds=SSD_ONLY),
        feeds=("ssd", "annex_a", "extra"),
    ),
    state(
        "cin_plan",
        "Child in need plan",
        Field("referral", "text", "the referral's key", links="referral"),
        bounds=True,
        feeds=("ssd", "cin", "api", "extra"),
    ),
    # Annex A holds the day on which the child was last seen.
    event(
        "cin_visit",
        "Child in need visit",
        *seen(alone_in=SSD_ONLY),
        RECORDED,
        feeds=("ssd", "annex_a", "extra"),
    ),
    event("cin_review", "Child in need review"),
    state(
        "supervision_order",
        "Supervision order, or the extension of one",
        Field("type", "text", "order or extension"),
        Field("runs_until", "date", "the last day of an extension, as the court set it"),
        Field("extended", "date", "the day a court extended it"),
        bounds=True,
    ),
)
