"""Kinds of record about what other agencies are told, and what they tell."""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import Field, Kind, event

AGENCIES: Final[tuple[Kind, ...]] = (
    event(
        "agency_notice",
        "Notification sent to another agency",
        Field("notice", "text", "the notification it is, by its rule: notify.n2"),
        Field("about", "text", "the key of the record it is about"),
        Field("urgent", "yes/no", "an answer is wanted within one working day"),
        Field("acknowledged", "date", "the day the agency acknowledged it"),
        when="the day it was sent",
    ),
)
