"""Kinds of record that every child has: who the child is, and who has the case."""

from __future__ import annotations

from typing import Final

from alertd.cases.kind import Field, Kind, state

CORE: Final[tuple[Kind, ...]] = (
    Kind(
        "child",
        "The child",
        (
            Field("born", "date", "date of birth; blank before birth"),
            Field(
                "expected",
                "date",
                "expected date of delivery of an unborn child",
                feeds=("ssd", "annex_a", "cin", "api", "extra"),
            ),
            # The 903 return, Annex A and the API hold it as the day a case ended, with death as the reason.
            Field("died", "date", "date of death"),
        ),
        "born",
        "died",
        feeds=("ssd", "annex_a", "cin", "903", "api", "extra"),
    ),
    state(
        "allocation",
        "Worker or team allocated to the child",
        Field("worker", "text", "the worker's key; blank when only a team holds the case"),
        Field("team", "text", "the team's key", feeds=("ssd", "annex_a", "extra")),
        Field("role", "text", "role code; CW is the lead case worker", feeds=("ssd", "annex_a", "903", "api", "extra")),
        Field(
            "team_only",
            "yes/no",
            "a team holds the case and no worker does",
            feeds=("ssd", "903", "api", "extra"),
        ),
        feeds=("ssd", "annex_a", "903", "api", "extra"),
        start_in=("ssd", "903", "api", "extra"),  # Annex A names who has the case, and not since when
        end_in=("ssd", "903", "api", "extra"),
    ),
    # Its end is the day the worker is back or the case was handed on.
    state(
        "worker_away",
        "Allocation that stands although its worker has left, is suspended or is away",
        Field("type", "text", "left, suspended or away"),
        bounds=True,
    ),
)
