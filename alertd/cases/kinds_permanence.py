"""Kinds of record about permanence, adoption, foster carers and the family court.

Foster carers are not children. A carer's approval, reviews and visits stand under the carer's own
reference where other records have the child's, and never under a child's: the clocks, the alerts
and the explanations are then the carer's. An ``allocation`` under the same reference says who
supervises the carer and is told; a ``child`` record is not needed.
"""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import Field, Kind, event, state

PERMANENCE: Final[tuple[Kind, ...]] = (
    event(
        "permanence_plan",
        "Plan for permanence recorded",
        feeds=("ssd", "extra"),
        when="the day it was recorded",
    ),
    event(
        "adoption_step",
        "Step towards a decision about adoption",
        Field(
            "type",
            "text",
            "endorsed (a review made adoption the plan), panel (its final minutes), decision (of the agency decision "
            "maker) or ended (adoption is no longer the plan)",
        ),
        when="the day of the step",
    ),
    # It ends on the day the child is placed for adoption, or the authority to place is given up or revoked. National
    # feeds hold placement orders; authority by consent is in the authority's own list.
    state(
        "adoption_authority",
        "Authority to place for adoption, from the order or consent until the child is placed",
        Field("matched", "date", "the day of the decision that matched the child with adopters"),
        bounds=True,
        feeds=("ssd", "annex_a", "extra"),
    ),
    state("carer_approval", "Approval of a foster carer, under the carer's own reference", bounds=True),
    event("carer_review", "Review of a foster carer's approval", when="the day of the decision on the written report"),
    event("carer_visit", "Visit to a foster carer", Field("unannounced", "yes/no", "nobody in the home expected it")),
    state("sgo_support", "Special guardianship support plan", bounds=True),
    event("sgo_review", "Review of a special guardianship support plan"),
    state("proceedings", "Care proceedings, from the day of issue to the final order"),
    state("proceedings_extension", "Extension of care proceedings by the court"),
    # The dataset has a table for it that is reserved and stays empty.
    state(
        "pre_proceedings",
        "Pre-proceedings, from the letter to stepping down or issue",
        Field("reviewed", "date", "the day of the mid-point review"),
        bounds=True,
    ),
    state(
        "emergency_protection",
        "Police protection or emergency protection order",
        Field("type", "text", "police, order, or extension (of an order, from the moment that order would have ended)"),
        Field("expires", "moment", "the moment at which the court said it ends"),
        type_="moment",
    ),
)
