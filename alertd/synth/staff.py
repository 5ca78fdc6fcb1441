"""Who works for the synthetic authority: teams in a tree, workers, managers, deputies, leavers."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from alertd.errors import InputError
from alertd.synth.dice import Dice
from alertd.synth.names import staff_name
from alertd.synth.volumes import Volumes

CASELOAD: Final = 16.3
"""Average cases a worker (DfE, Children's social work workforce 2020; later figures not used)."""

PEOPLE_COLUMNS: Final = (
    *("id", "name", "email", "role", "team", "deputy", "away_from", "away_to", "leaves"),
    *("also", "language", "not_told_of"),
)
TEAM_COLUMNS: Final = ("id", "name", "parent", "inbox", "hours", "closed")
RESTRICTION_COLUMNS: Final = ("child", "only", "never", "reason", "until")

_SERVICES: Final = {
    "assessment": ("Assessment and Support", 0.35),
    "safeguarding": ("Safeguarding", 0.3),
    "care": ("Children Looked After", 0.22),
    "leaving": ("Leaving Care", 0.07),
    "disability": ("Disabled Children", 0.06),
}
"""Area of work: name, and its share of workers (an assumption)."""

_TITLES: Final = {
    "worker": "Social Worker",
    "duty": "Duty Social Worker",
    "team_manager": "Team Manager",
    "service_manager": "Service Manager",
    "head_of_service": "Head of Service",
    "director": "Director of Children's Services",
    "iro": "Independent Reviewing Officer",
    "cp_chair": "Child Protection Chair",
    "data_owner": "Performance and Data Manager",
    "virtual_head": "Virtual School Head",
    "designated_nurse": "Designated Nurse",
    "designated_doctor": "Designated Doctor",
    "partner_lead": "Health Partnership Lead",
    "case_lawyer": "Senior Solicitor",
    "monitoring_officer": "Monitoring Officer",
    "information_governance": "Information Governance Manager",
    "commissioner": "Commissioning Manager",
    "placements": "Placements Manager",
    "missing_lead": "Missing Children Coordinator",
    "principal_social_worker": "Principal Social Worker",
}
_OFFICE: Final = {
    "virtual_head": (),
    "designated_nurse": (),
    "designated_doctor": (),
    "partner_lead": (),
    "case_lawyer": (),
    "monitoring_officer": (),
    "information_governance": ("complaints_officer",),
    "commissioner": (),
    "placements": (),
    "missing_lead": (),
    "principal_social_worker": ("quality_assurance",),
}
"""Held once in the authority, with what the same person holds besides."""
_DAYTIME: Final = "07:30-18:30"
_WELSH_SPEAKERS: Final = 41
"""One worker in so many wants messages in Welsh (an assumption)."""


@dataclass(frozen=True, slots=True)
class Team:
    """A team or the service above it."""

    id: str
    name: str
    parent: str | None
    inbox: str
    hours: str = ""
    closed: str = ""


@dataclass(slots=True)
class Person:
    """Somebody on the staff. ``leaves`` is the first day they no longer work here."""

    id: str
    name: str
    email: str
    role: str
    team: str
    deputy: str | None = None
    away_from: date | None = None
    away_to: date | None = None
    leaves: date | None = None
    also: str = ""
    language: str = ""
    not_told_of: str = ""

    def here(self, day: date) -> bool:
        """Whether they work for the authority on that day."""
        return self.leaves is None or day < self.leaves


@dataclass(frozen=True, slots=True)
class Restriction:
    """A child of whom not everybody may hear; ids are parted by spaces."""

    child: str
    only: str
    never: str
    reason: str
    until: str = ""


@dataclass(slots=True)
class Staff:
    """The whole staff; ``areas`` gives the caseworkers of each area of work."""

    domain: str
    teams: list[Team] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    areas: dict[str, list[Person]] = field(default_factory=dict)

    def worker(self, dice: Dice, area: str, day: date) -> Person:
        """A caseworker of the area who works there on that day."""
        while True:
            found = dice.one_of(self.areas[area])
            if found.here(day):
                return found

    def colleague(self, dice: Dice, leaver: Person, day: date) -> Person:
        """Who takes over in the same team, or in any team of the same area."""
        area = next(a for a, people in self.areas.items() if leaver in people)
        team = [p for p in self.areas[area] if p.team == leaver.team and p.here(day)]
        return dice.one_of(team) if team else self.worker(dice, area, day)

    def _team(self, id_: str, name: str, parent: str | None, hours: str = _DAYTIME) -> Team:
        inbox = f"{name.lower().replace(' ', '.').replace(chr(39), '')}@{self.domain}"
        team = Team(id_, name, parent, inbox, hours)
        self.teams.append(team)
        return team

    def _hire(self, dice: Dice, role: str, team: str) -> Person:
        first, last = staff_name(dice)
        number = 1 + len(self.people)
        email = f"{first}.{last}.{number}@{self.domain}".lower()
        person = Person(f"W{number:05d}", f"{first} {last}", email, role, team)
        self.people.append(person)
        return person


def make_staff(dice: Dice, volumes: Volumes, as_of: date) -> Staff:
    """Enough workers for the open cases at :data:`CASELOAD` each, in teams of seven under a tree of services."""
    staff = Staff(f"la{volumes.la}.example")
    top = staff._team("T001", "Children's Services", None)
    staff._hire(dice, "director", top.id)
    staff._hire(dice, "data_owner", top.id)
    staff._hire(dice, "head_of_service", top.id)
    for area, (name, share) in _SERVICES.items():
        workers = max(4, round(volumes["cin_31mar"] / CASELOAD * share))
        _service(staff, dice, area, name, top, workers)
    review = staff._team(f"T{len(staff.teams) + 1:03d}", "Reviewing Service", top.id)
    staff._hire(dice, "service_manager", review.id)
    staff.areas["iro"] = [staff._hire(dice, "iro", review.id) for _ in range(1 + round(volumes.looked_after / 70))]
    for _ in range(1 + round(volumes["cp_plans_31mar"] / 150)):
        staff._hire(dice, "cp_chair", review.id)
    _deputies_and_absences(staff, dice, as_of)
    _office(staff, top)
    return staff


def _office(staff: Staff, top: Team) -> None:
    """Whoever is there once for the whole authority. Of dice of their own, so that nobody's life changes by them."""
    dice = Dice(len(staff.people))
    for role, also in _OFFICE.items():
        staff._hire(dice, role, top.id).also = " ".join(also)
    for person in staff.people:
        if person.role == "team_manager":
            person.also = "supervisor"
        elif person.role == "service_manager" and person.team == staff.areas["iro"][0].team:
            person.also = "iro_manager"
    workers = [person for area in staff.areas.values() for person in area if person.role == "worker"]
    for person in workers[::_WELSH_SPEAKERS]:
        person.language = "cy"


def _service(staff: Staff, dice: Dice, area: str, name: str, top: Team, workers: int) -> None:
    service = staff._team(f"T{len(staff.teams) + 1:03d}", f"{name} Service", top.id)
    staff._hire(dice, "service_manager", service.id)
    staff.areas[area] = []
    teams = max(1, round(workers / 7))
    for n in range(1, teams + 1):
        hours = "" if area == "assessment" else _DAYTIME  # the front door is open at any hour
        team = staff._team(f"T{len(staff.teams) + 1:03d}", f"{name} Team {n}", service.id, hours)
        staff._hire(dice, "team_manager", team.id)
        if area == "assessment":
            staff._hire(dice, "duty", team.id)
        staff.areas[area] += [
            staff._hire(dice, "worker", team.id) for _ in range(workers // teams + (n <= workers % teams))
        ]


def _deputies_and_absences(staff: Staff, dice: Dice, as_of: date) -> None:
    """Managers deputise for each other; a few people are away, have left, or leave soon."""
    managers = [p for p in staff.people if p.role == "team_manager"]
    for one, other in zip(managers, managers[1:] + managers[:1], strict=True):
        if one is not other and dice.chance(0.8):
            one.deputy = other.id
    for workers in staff.areas.values():
        keep, others = workers[:1], workers[1:]
        for person in others:
            fate = dice.weighted({"left": 0.1, "leaves": 0.03, "away": 0.06, "here": 0.81})
            if fate == "left":
                person.leaves = as_of - timedelta(dice.among(0, 600))
            elif fate == "leaves":
                person.leaves = as_of + timedelta(dice.among(1, 30))
            elif fate == "away":
                person.away_from = as_of - timedelta(dice.among(0, 10))
                person.away_to = as_of + timedelta(dice.among(1, 20))
                person.deputy = dice.one_of(keep).id


def staff_tables(staff: Staff) -> dict[str, list[dict[str, object]]]:
    """The rows of ssd_department and ssd_professionals, without caseloads."""
    names = {t.id: t.name for t in staff.teams}
    return {
        "ssd_department": [
            {
                "dept_team_id": t.id,
                "dept_team_name": t.name,
                "dept_team_parent_id": t.parent,
                "dept_team_parent_name": names[t.parent] if t.parent else None,
            }
            for t in staff.teams
        ],
        "ssd_professionals": [
            {
                "prof_professional_id": p.id,
                "prof_staff_id": f"S{p.id[1:]}",
                "prof_professional_name": p.name,
                "prof_social_worker_registration_no": f"SW{p.id[1:]}",
                "prof_professional_job_title": _TITLES[p.role],
                "prof_professional_department": names[p.team],
                "prof_full_time_equivalency": 1.0,
            }
            for p in staff.people
        ],
    }


def set_caseloads(rows: dict[str, list[dict[str, Any]]], as_of: date) -> None:
    """Fill each worker's caseload: the cases allocated to them on the last 30 September."""
    day = date(as_of.year, 9, 30)
    day = day if day <= as_of else date(as_of.year - 1, 9, 30)
    held = Counter(
        r["invo_professional_id"]
        for r in rows.get("ssd_involvements", ())
        if r["invo_professional_role_id"] == "CW" and r["invo_involvement_start_date"] <= day
        if (r["invo_involvement_end_date"] or as_of) > day
    )
    for worker in rows["ssd_professionals"]:
        worker["prof_professional_caseload"] = held[worker["prof_professional_id"]]


def write_staff(folder: Path, staff: Staff) -> None:
    """Write ``people.csv``, ``teams.csv`` and ``restrictions.csv``, as a daemon over this authority reads them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_csv(folder / "people.csv", PEOPLE_COLUMNS, staff.people)
        _write_csv(folder / "teams.csv", TEAM_COLUMNS, staff.teams)
        _write_csv(folder / "restrictions.csv", RESTRICTION_COLUMNS, _restrictions(staff))
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror}", where=str(folder), fix="Choose another folder"
        ) from None


def _restrictions(staff: Staff) -> list[Restriction]:
    """A child of whom few may hear, and one who is the family of somebody on the staff."""
    line = [next(p.id for p in staff.people if p.role == role) for role in ("director", "head_of_service")]
    relative = staff.areas["care"][0].id
    return [
        Restriction("1000007", " ".join(line), "", "Subject of a staff disciplinary inquiry"),
        Restriction("1000011", "", relative, "Family of a member of staff"),
    ]


def _write_csv(path: Path, columns: tuple[str, ...], things: Iterable[object]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([getattr(thing, c) or "" for c in columns] for thing in things)
