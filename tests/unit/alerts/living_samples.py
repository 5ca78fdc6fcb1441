"""A small office and one alert of a child in it: shared by the tests of living with alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from alertd.alerts.handling import AlertFacts, Asked, Handled, Kind, Office
from alertd.calendars.calendar import calendar_for
from alertd.cases.holding import Holding
from alertd.cases.records import LONDON
from alertd.people.directory import Directory, Person, Team
from alertd.people.restrictions import Restriction

CALENDAR = calendar_for("england-and-wales")
NOW = datetime(2026, 11, 26, 10, 0, tzinfo=LONDON)
"""A Thursday."""

PEOPLE = [
    Person("W1", "Ade", "ade@council.example", "worker", "T1", deputy="W2"),
    Person("W2", "Bo", "bo@council.example", "worker", "T1"),
    Person("W3", "Jo", "jo@council.example", "worker", "T2"),
    Person("M1", "Cy", "cy@council.example", "team_manager", "T1", deputy="W3"),
    Person("M2", "Kit", "kit@council.example", "team_manager", "T2"),
    Person("S1", "Di", "di@council.example", "service_manager", "SV"),
    Person("H1", "Ed", "ed@council.example", "head_of_service", "SV"),
    Person("D1", "Flo", "flo@council.example", "director", "TOP"),
    Person("P1", "Gus", "gus@council.example", "principal_social_worker", "TOP"),
    Person("X1", "Hal", "hal@council.example", "worker", "T1", leaves=date(2026, 11, 1)),
    Person("N1", "Ivy", "", "worker", "T1"),
]
TEAMS = {
    "TOP": Team("TOP", "Children's services"),
    "SV": Team("SV", "Service", "TOP"),
    "T1": Team("T1", "North", "SV", "north@council.example"),
    "T2": Team("T2", "East", "SV"),
    "OT": Team("OT", "Other service", "TOP"),
}
DIRECTORY = Directory({p.id: p for p in PEOPLE}, TEAMS, "duty@council.example")


def office(
    now: datetime = NOW, teams: Mapping[str, Team] = TEAMS, barred: str = "", **changes: Mapping[str, Any]
) -> Office:
    """The office at a moment; ``W1={"leaves": …}`` changes a person, ``barred`` may not hear of the child."""
    people = {p.id: replace(p, **changes.get(p.id, {})) for p in PEOPLE}
    restrictions = {"C1": Restriction("C1", never=frozenset({barred}), reason="x")} if barred else {}
    return Office(Directory(people, teams, "duty@council.example", restrictions), CALENDAR, now)


def facts(stage: str = "due", worker: str | None = "W1", team: str = "T1", **changes: Any) -> AlertFacts:
    """An open alert of a child of W1, due tomorrow."""
    told = frozenset({"W1", "M1"})
    base = AlertFacts("C1", stage, True, date(2026, 11, 27), Holding(worker, team), told=told)
    return replace(base, **changes)


def asked(kind: Kind, by: str = "W1", reason: str = "because", **more: Any) -> Asked:
    return Asked(kind, by, reason, **more)


def said(kind: Kind, by: str = "W1", **more: Any) -> Handled:
    """What stands of an alert."""
    return Handled(kind, by, more.pop("at", NOW), "because", **more)
