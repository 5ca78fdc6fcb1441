"""Who is told: a role, resolved to somebody who is here today. Never a leaver, never nobody.

The order is the same everywhere: the person, their deputy, the team's inbox, the next step up, and
at the very end the duty address. ``how`` says in words which of these it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from alertd.cases.holding import Holding

LINE: Final = ("team_manager", "service_manager", "head_of_service", "director")
"""The management line, from the team up."""

ROLES: Final = frozenset(
    {
        "worker",
        *LINE,
        "iro",
        "cp_chair",
        "data_owner",
        "duty",
        "case_lawyer",
        "partner_lead",
        "virtual_head",
        "designated_nurse",
        "supervisor",
        "information_governance",
        "monitoring_officer",
        "commissioner",
        "placements",
        "iro_manager",
        "missing_lead",
        "agency",
    }
)
"""Every role the built-in ladders use. All but the worker and the line are held service-wide."""


def role_words(role: str) -> str:
    """A role as people say it: ``team manager``, ``IRO``."""
    known = {"iro": "IRO", "iro_manager": "IRO manager", "cp_chair": "CP chair"}
    return known.get(role, role.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Person:
    """One row of ``people.csv``. Away from ``away_from`` to ``away_to``, both included (blank:
    until further notice); gone from the day in ``leaves`` on."""

    id: str
    name: str
    address: str
    role: str
    team: str | None = None
    deputy: str | None = None
    away_from: date | None = None
    away_to: date | None = None
    leaves: date | None = None

    def absence(self, today: date) -> str | None:
        """Why this person cannot be told today, in words; None for somebody who is here."""
        if self.leaves is not None and self.leaves <= today:
            return "has left"
        if self.away_from is None or today < self.away_from or (self.away_to is not None and self.away_to < today):
            return None
        return f"is away until {_day(self.away_to)}" if self.away_to else "is away until further notice"


@dataclass(frozen=True, slots=True)
class Team:
    """One row of ``teams.csv``: its inbox, and the team or service above it."""

    id: str
    name: str
    parent: str | None = None
    inbox: str | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """Who is told, at which address, and why they. ``person_id`` is ``team:<id>`` for a team's
    inbox and ``duty`` for the duty address."""

    person_id: str
    name: str
    address: str
    how: str


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


@dataclass(frozen=True, slots=True)
class Directory:
    """People and teams by id, and the address for whatever nobody holds."""

    people: Mapping[str, Person]
    teams: Mapping[str, Team]
    duty: str

    def resolve(self, role: str, holding: Holding, today: date) -> Resolved:
        """Who is told as ``role`` about a child held so. Pure: the same answer for the same input."""
        if role == "worker":
            return self._worker(holding, today)
        if role in LINE:
            return self._line(role, holding, today)
        return self._service_wide(role, holding, today) or self._duty(f"nobody here holds the role {role_words(role)}")

    def label(self, holding: Holding) -> str:
        """Who holds a child, for a list that managers read."""
        if holding.worker:
            person = self.people.get(holding.worker)
            return person.name if person else holding.worker
        team = self.teams.get(holding.team or "")
        return f"{team.name}, no worker" if team else "nobody allocated"

    def teams_under(self, team: str | None) -> frozenset[str]:
        """The team and every team below it; empty for None."""
        return frozenset(t for t in self.teams if team in self._chain(t))

    def team_of(self, holding: Holding) -> str | None:
        """The team that has the child: the one recorded, else the worker's own."""
        if holding.team in self.teams:
            return holding.team
        worker = self.people.get(holding.worker or "")
        return worker.team if worker else None

    def _chain(self, team: str | None) -> tuple[str, ...]:
        chain: list[str] = []
        while team is not None and team in self.teams and team not in chain:
            chain.append(team)
            team = self.teams[team].parent
        return tuple(chain)

    def _worker(self, holding: Holding, today: date) -> Resolved:
        if holding.worker is None:
            why = "no worker is allocated"
        else:
            worker = self.people.get(holding.worker)
            found = self._person_or_deputy([worker] if worker else [], "the allocated worker", today, None)
            if found:
                return found
            why = f"worker {holding.worker} " + (
                (worker.absence(today) or "") if worker else "is not in the staff directory"
            )
        team = self.team_of(holding)
        return self._inbox(team, why) or self._line("team_manager", holding, today, f"{why}; ")

    def _line(self, role: str, holding: Holding, today: date, why: str = "") -> Resolved:
        """The holder of the role nearest above the child's team, else the next role up."""
        chain = self._chain(self.team_of(holding))
        if not chain:
            return self._duty(f"{why}no team is recorded for the child")
        for step in LINE[LINE.index(role) :]:
            if step == "director":
                found = self._service_wide(step, holding, today, why)
            else:
                found = self._nearest(step, chain, holding, today, why)
            if found:
                return found
            why += f"nobody is here as {role_words(step)}; "
        return self._duty(why.removesuffix("; "))

    def _nearest(self, role: str, chain: tuple[str, ...], holding: Holding, today: date, why: str) -> Resolved | None:
        """From the child's team upwards: whoever holds the role, a deputy, or that team's inbox."""
        words = role_words(role)
        for team in chain:
            if holders := self._holders(role, team):
                found = self._person_or_deputy(holders, f"{why}{words} of {team}", today, holding.worker)
                found = found or self._inbox(team, f"{why}nobody is here as {words} of {team}")
                if found:
                    return found
        return self._inbox(chain[0], f"{why}nobody is {words}") if role == "team_manager" else None

    def _service_wide(self, role: str, holding: Holding, today: date, why: str = "") -> Resolved | None:
        """Whoever holds the role nearest above the child's team, or else anywhere."""
        chain = self._chain(self.team_of(holding))
        holders = [p for team in chain for p in self._holders(role, team)]
        holders += [p for p in self._holders(role) if p not in holders]
        not_to = holding.worker if role in LINE else None
        found = self._person_or_deputy(holders, f"{why}{role_words(role)}", today, not_to)
        if found or not holders:
            return found
        return self._inbox(holders[0].team, f"{why}nobody is here as {role_words(role)}")

    def _holders(self, role: str, team: str | None = None) -> list[Person]:
        """Everybody with the role (in a team), leavers too: their deputies still stand in."""
        return sorted(
            (p for p in self.people.values() if p.role == role and (team is None or p.team == team)),
            key=lambda p: p.id,
        )

    def _person_or_deputy(
        self, holders: Sequence[Person], how: str, today: date, not_to: str | None
    ) -> Resolved | None:
        """The first holder who is here, else the first deputy. ``not_to`` is the child's own worker,
        to whom an escalation from that same worker must not come back."""
        for person in holders:
            if person.absence(today) is None and person.id != not_to:
                return Resolved(person.id, person.name, person.address, how)
        for person in holders:
            deputy = self.people.get(person.deputy or "")
            if deputy is not None and deputy.absence(today) is None and deputy.id != not_to:
                reason = person.absence(today) or "holds the case"
                return Resolved(deputy.id, deputy.name, deputy.address, f"{how}: deputy of {person.id}, who {reason}")
        return None

    def _inbox(self, team_id: str | None, why: str) -> Resolved | None:
        team = self.teams.get(team_id or "")
        if team is None or team.inbox is None:
            return None
        return Resolved(f"team:{team.id}", team.name, team.inbox, f"inbox of {team.id}: {why}")

    def _duty(self, why: str) -> Resolved:
        return Resolved("duty", "Duty", self.duty, f"duty address: {why}")
