"""A small authority of two services, and what happened to its alerts: what subscriptions are tested on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alertd.calendars.calendar import calendar_for
from alertd.cases.holding import Holding
from alertd.people.directory import Directory, Person, Team
from alertd.subscriptions.history import History
from alertd.subscriptions.model import SEVERITIES, STAGES_ASKED, About, Change, Wanted
from tests.support.office import BOOK

CALENDAR = calendar_for("england-and-wales")
TEAMS = {
    "DIR": Team("DIR", "Directorate"),
    "SV1": Team("SV1", "Safeguarding", "DIR"),
    "T1": Team("T1", "North", "SV1"),
    "T2": Team("T2", "East", "SV1"),
    "SV2": Team("SV2", "Care", "DIR"),
    "T3": Team("T3", "Leaving care", "SV2"),
}
PEOPLE = {
    p.id: p
    for p in (
        Person("W1", "Ade", "ade@council.example", "worker", "T1"),
        Person("M1", "Cy", "cy@council.example", "team_manager", "T1"),
        Person("S1", "Di", "di@council.example", "service_manager", "SV1"),
        Person("X1", "Ed", "ed@council.example", "director", "DIR"),
        Person("Q1", "Flo", "flo@council.example", "quality_assurance", None),
        Person("B1", "Gus", "gus@council.example", "worker", "T3", also=("team_manager",)),
        Person("N1", "Hal", "hal@council.example", "team_manager", None),
    )
}
DIRECTORY = Directory(PEOPLE, TEAMS, "duty@council.example")
START = datetime(2026, 11, 1, tzinfo=UTC)


def at(day: int, hour: int = 6, minute: int = 30) -> datetime:
    """A moment in November 2026, which began on a Sunday; in winter London's time is UTC."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def wanted(person: str = "S1", **changes: Any) -> Wanted:
    asked: dict[str, Any] = {
        "id": 1,
        "person": person,
        "rules": ("*",),
        "teams": (),
        "stages": STAGES_ASKED,
        "severities": SEVERITIES,
        "every": "daily",
        "channel": "email",
        "since": START,
    }
    return Wanted(**asked | changes)


def about(team: str | None = "T1", child: str = "C1", rule: str = "plain.review", *, urgent: bool = False) -> About:
    return About(rule, child, Holding("W1" if team == "T1" else None, team), urgent)


def change(
    id_: int, when: datetime, stage: str, reason: str = "stage", *, before: str | None = "", climbed: bool = False
) -> Change:
    """One change; it comes from another stage unless ``before`` says otherwise."""
    return Change(id_, when, before or None, stage, climbed, reason)


def history(
    alert_id: int, *changes: Change, of: About | None = None, quiet: bool = False, told: bool = True
) -> History:
    return History(alert_id, "Review", of or about(), changes, quiet, told)


__all__ = ["BOOK", "CALENDAR", "DIRECTORY", "PEOPLE", "START", "TEAMS", "about", "at", "change", "history", "wanted"]
