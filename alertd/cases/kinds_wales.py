"""Kinds of record that only the rules of Wales ask for. Where the fact is the same, they use England's kinds."""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import Field, Kind, event, state

WALES: Final[tuple[Kind, ...]] = (
    state(
        "short_break",
        "Short break, one stay of a programme of short breaks",
        Field("days_in_year", "number", "days of short breaks in the twelve months up to its end, this one included"),
        Field("decided", "date", "the day it was decided under which rules the child is looked after from now on"),
    ),
    event("advocacy_offer", "Active offer of an advocate made to the child"),
    state("personal_plan", "Provider's personal plan for a child", bounds=True),
    event("personal_plan_review", "Review of the provider's personal plan"),
)
