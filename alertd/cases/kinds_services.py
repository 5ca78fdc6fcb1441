"""Kinds of record about needs, planned actions, what was delivered and what came of it."""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import Field, Kind, event, state

SERVICES: Final[tuple[Kind, ...]] = (
    event(
        "need",
        "Need identified in an assessment",
        Field("type", "text", "what is needed, as coded"),
    ),
    state(
        "planned_action",
        "Planned action or service",
        Field("need", "text", "the need's key", links="need"),
        Field("type", "text", "what is planned, as coded"),
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
)
