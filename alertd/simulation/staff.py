"""The staff of the synthetic authority over a year: who leaves, is away, changes teams, and when it is written down.

Turnover and sickness are set near what the Department for Education publishes each February for children and
family social workers in England (turnover some 14 to 17 in a hundred a year, sickness some 3 days in a hundred);
all else, annual leave too, is an assumption of ours.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from alertd.calendars.calendar import Calendar
from alertd.cases.records import LONDON
from alertd.synth.staff import Person, Staff, Team

TURNOVER: Final = 0.14
"""Share of caseworkers who leave in a year, those that the synthetic authority itself lets go among them."""

LEAVE_BLOCKS: Final = (3, 5)
LEAVE_DAYS: Final = (4, 9)
"""Blocks of annual leave a person takes in a year, and working days in each."""

SICK_SHARE: Final = 0.35
SICK_DAYS: Final = 15
"""Share of people with one spell of sickness in a year, and its mean length in calendar days."""

DEPUTY_ON_LEAVE: Final = 0.7
DEPUTY_WHEN_SICK: Final = 0.4
"""How often somebody stands in is written down; otherwise the team's inbox or a manager is told."""

MOVES: Final = 0.04
"""Share of caseworkers who change teams in a year and take their children with them."""

WITHOUT_A_MANAGER: Final = 14
"""Days for which a team has no manager, once a year."""

EVENINGS: Final = 4
"""Leavers whose leaving is written down at 17:59, a minute before messages go; the feed came late that day."""

MORNING, EVENING = time(7, 0), time(17, 59)


@dataclass(frozen=True, slots=True)
class Change:
    """From ``at`` on, ``person`` is as this says in the staff directory."""

    at: datetime
    person: str
    values: Mapping[str, Any]


@dataclass(slots=True)
class StaffYear:
    """The staff on the day before the year, and every change of it, in order.

    ``leaves`` is the first day each leaver is gone and ``moves`` the day and new team of those who change teams,
    whether or not the feed has heard. ``late_days`` are the days on which the feed came in the afternoon.
    """

    domain: str
    teams: tuple[Team, ...]
    areas: dict[str, list[Person]]
    people: dict[str, Person]
    changes: tuple[Change, ...]
    leaves: dict[str, date]
    moves: dict[str, tuple[date, str]]
    late_days: frozenset[date]

    @property
    def gone(self) -> dict[str, date]:
        """The first day on which each leaver is gone, managers too."""
        found = dict(self.leaves)
        found |= {c.person: c.values["leaves"] for c in self.changes if c.values.get("leaves")}
        return found

    def up_to(self, at: datetime, since: datetime | None = None) -> list[Change]:
        """The changes up to ``at``, after ``since``."""
        return [c for c in self.changes if c.at <= at and (since is None or c.at > since)]


@dataclass(slots=True)
class Office:
    """The staff as they are written down at one moment; ``now`` changes and what was handed out does not."""

    year: StaffYear
    people: dict[str, Person] = field(default_factory=dict)
    at: datetime | None = None

    def move_to(self, at: datetime) -> bool:
        """Go on to a moment; whether anything changed."""
        changes = self.year.up_to(at, self.at)
        if self.at is None or changes:
            self.people = dict(self.people or self.year.people)
            for change in changes:
                known = self.people.get(change.person)
                made = replace(known, **change.values) if known else Person(id=change.person, **change.values)
                self.people[change.person] = made
        moved, self.at = self.at is None or bool(changes), at
        return moved

    def staff(self) -> Staff:
        """As the synthetic authority writes its files."""
        return Staff(self.year.domain, list(self.year.teams), [*self.people.values()], self.year.areas)


def staff_year(staff: Staff, calendar: Calendar, first: date, last: date, seed: int) -> StaffYear:
    """Draw the year from ``first`` to ``last``, both included. The same arguments give the same year."""
    rng = random.Random(f"{seed}/staff")  # noqa: S311 - draws a made-up year
    days = [d for d in _span(first, last) if calendar.is_working(d)]
    workers = [p for area, people in sorted(staff.areas.items()) if area != "iro" for p in people]
    here = [p for p in workers if p.leaves is None]
    gone = sum(p.leaves is not None and first <= p.leaves <= last for p in workers)
    share = (last - first).days / 365
    wanted = min(len(here) // 3, max(2, round(TURNOVER * len(workers) * share) - gone))
    leavers = rng.sample(here, wanted)
    movers = rng.sample([p for p in here if p not in leavers], max(1, round(MOVES * len(here) * share)))
    changes: list[Change] = []
    leaves = {p.id: p.leaves for p in workers if p.leaves is not None}
    late = _evenings(rng, days, calendar, min(max(1, round(EVENINGS * share)), len(leavers)))
    for n, person in enumerate(leavers):
        day, at = (late[n], EVENING) if n < len(late) else (rng.choice(days), MORNING)
        leaves[person.id] = day
        changes.append(Change(_at(day, at), person.id, {"leaves": day}))
    moves: dict[str, tuple[date, str]] = {}
    teams = sorted({p.team for p in workers})
    for person in movers:
        day, team = rng.choice(days), rng.choice([t for t in teams if t != person.team])
        moves[person.id] = (day, team)
        changes.append(Change(_at(day, MORNING), person.id, {"team": team}))
    changes += _without_a_manager(rng, staff, days)
    for person in staff.people:
        until = min(leaves.get(person.id, last), person.leaves or last)
        mates = [p.id for p in staff.people if p.team == person.team and p is not person and p.id not in leaves]
        changes += _absences(rng, person, [d for d in days if d < until], mates)
    return StaffYear(
        staff.domain,
        tuple(staff.teams),
        staff.areas,
        {p.id: _undrawn(p, first) for p in staff.people},
        tuple(sorted(changes, key=lambda c: (c.at, c.person))),
        leaves,
        moves,
        frozenset(late),
    )


def _undrawn(person: Person, first: date) -> Person:
    """Without an absence of the last days, which would hide those of the year."""
    if person.away_from is not None and person.away_from >= first:
        return replace(person, away_from=None, away_to=None)
    return replace(person)


def _span(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(n) for n in range((last - first).days + 1))


def _at(day: date, at: time) -> datetime:
    return datetime.combine(day, at, LONDON)


def _evenings(rng: random.Random, days: Sequence[date], calendar: Calendar, wanted: int) -> list[date]:
    """Days in the middle of a week, when the morning's digest has nothing to say: the evening's has it all."""
    fit = [d for d in days[5:] if d.weekday() in (1, 2, 3) and calendar.is_working(d - timedelta(1))]
    return sorted(rng.sample(fit, min(wanted, len(fit))))


def _without_a_manager(rng: random.Random, staff: Staff, days: Sequence[date]) -> list[Change]:
    """One team manager goes without a deputy, and the next comes two weeks later."""
    managers = [p for p in staff.people if p.role == "team_manager"]
    if not managers or len(days) < 10:
        return []
    manager = rng.choice(managers)
    goes = rng.choice(days[: max(1, len(days) * 2 // 3)])
    comes = goes + timedelta(WITHOUT_A_MANAGER)
    id_ = f"W{len(staff.people) + 1:05d}"
    new = {
        "name": f"New Manager {id_}",
        "email": f"new.manager.{id_.lower()}@{staff.domain}",
        "role": "team_manager",
        "team": manager.team,
    }
    return [
        Change(_at(goes, MORNING), manager.id, {"leaves": goes, "deputy": None}),
        Change(_at(comes, MORNING), id_, new),
    ]


def _absences(rng: random.Random, person: Person, days: Sequence[date], mates: Sequence[str]) -> Iterator[Change]:
    """Annual leave in blocks, known to its end; sickness until further notice, then over."""
    if len(days) < 3 or person.role == "data_owner":
        return
    blocks = round(rng.randint(*LEAVE_BLOCKS) * len(days) / 252)
    spells = [(rng.randrange(len(days)), rng.randint(*LEAVE_DAYS), False) for _ in range(blocks)]
    if rng.random() < SICK_SHARE * len(days) / 252:
        spells.append((rng.randrange(len(days)), 1 + round(rng.expovariate(1 / SICK_DAYS) * 5 / 7), True))
    free = 0
    for begin, length, sick in sorted(spells):
        back = min(begin + length, len(days))
        if begin < free or back <= begin:
            continue
        free = back + 1
        deputy = person.deputy
        if deputy is None and mates and rng.random() < (DEPUTY_WHEN_SICK if sick else DEPUTY_ON_LEAVE):
            deputy = rng.choice(mates)
        to = None if sick else days[back - 1]
        first = days[begin]
        yield Change(_at(first, MORNING), person.id, {"away_from": first, "away_to": to, "deputy": deputy})
        if sick and back < len(days):
            yield Change(_at(days[back], MORNING), person.id, {"away_from": None, "away_to": None})
