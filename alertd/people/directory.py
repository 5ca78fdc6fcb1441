"""Who is told: a role, resolved to somebody who is here today. Never a leaver, never nobody.

The order is the same everywhere: the person, their deputy, the deputy's deputy, the team's inbox, the
next step up, and at the very end the duty address. Whoever may not hear of a child is passed over like
somebody who is away. ``how`` says in words which of these it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Final

from alertd.cases.holding import Holding
from alertd.people.agencies import Agencies
from alertd.people.person import AWAY_FOR, Language, Person, Resolved, Route, Rung, Team
from alertd.people.restrictions import Restriction

__all__ = [
    "AWAY_FOR",
    "LINE",
    "ROLES",
    "Directory",
    "Language",
    "Person",
    "Resolved",
    "Route",
    "Rung",
    "Team",
    "role_words",
]

LINE: Final = ("team_manager", "service_manager", "head_of_service", "director")
"""The management line, from the team up."""

ROLES: Final = frozenset(
    {
        "worker",
        *LINE,
        "iro",
        "cp_chair",
        "data_owner",
        "administrator",
        "duty",
        "case_lawyer",
        "partner_lead",
        "virtual_head",
        "designated_nurse",
        "designated_doctor",
        "supervisor",
        "principal_social_worker",
        "quality_assurance",
        "information_governance",
        "complaints_officer",
        "monitoring_officer",
        "commissioner",
        "placements",
        "iro_manager",
        "missing_lead",
        "agency",
    }
)
"""Every role the built-in ladders use, and others that authorities have. All but the worker and the line are
held service-wide."""

_LOOKS_AT_THE_WORKER: Final = frozenset(
    {
        *LINE,
        "supervisor",
        "iro",
        "iro_manager",
        "cp_chair",
        "principal_social_worker",
        "quality_assurance",
        "complaints_officer",
        "monitoring_officer",
    }
)
"""Roles that are told of what a worker has not done: this must not come back to that worker."""

_SHARED_MAILBOX: Final = "who reads a shared mailbox is not known"


def role_words(role: str) -> str:
    """A role as people say it: ``team manager``, ``IRO``."""
    known = {"iro": "IRO", "iro_manager": "IRO manager", "cp_chair": "CP chair"}
    return known.get(role, role.replace("_", " "))


@dataclass(frozen=True, slots=True)
class _Ask:
    """One question. ``not_to`` are the people it must not come back to."""

    holding: Holding
    today: date
    child: str | None
    not_to: frozenset[str]


@dataclass(frozen=True, slots=True)
class Directory:
    """People and teams by id, and the address for whatever nobody holds.

    ``restrictions`` are by child. Everything that it answers is pure: the same for the same input, whatever the
    order of rows.
    """

    people: Mapping[str, Person]
    teams: Mapping[str, Team]
    duty: str
    restrictions: Mapping[str, Restriction] = field(default_factory=lambda: MappingProxyType({}))
    agencies: Agencies = field(default_factory=Agencies)
    duty_fallback: Route | None = None
    _holding: Mapping[str, tuple[Person, ...]] = field(init=False, repr=False, compare=False)
    _at_address: Mapping[str, frozenset[str]] = field(init=False, repr=False, compare=False)
    _not_told: frozenset[str] = field(init=False, repr=False, compare=False)
    _members: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _deputised: Mapping[str, tuple[Person, ...]] = field(init=False, repr=False, compare=False)
    _under: Mapping[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sorts people by role, address, team and deputy, and teams by those above them, since all that is asked for
        with every alert or page."""
        by_role: dict[str, list[Person]] = {}
        by_address: dict[str, set[str]] = {}
        by_team: dict[str, list[str]] = {}
        by_deputy: dict[str, list[Person]] = {}
        for person in sorted(self.people.values(), key=lambda p: p.id):
            by_team.setdefault(person.team or "", []).append(person.id)
            by_deputy.setdefault(person.deputy or "", []).append(person)
            for role in person.roles:
                by_role.setdefault(role, []).append(person)
            if person.address:
                by_address.setdefault(person.address.lower(), set()).add(person.id)
        main_first = {role: tuple(sorted(found, key=lambda p: p.role != role)) for role, found in by_role.items()}
        object.__setattr__(self, "_holding", main_first)
        object.__setattr__(self, "_at_address", {key: frozenset(ids) for key, ids in by_address.items()})
        not_told = frozenset[str]().union(*(person.not_told_of for person in self.people.values()))
        object.__setattr__(self, "_not_told", not_told)
        object.__setattr__(self, "_members", {team: tuple(ids) for team, ids in by_team.items()})
        object.__setattr__(self, "_deputised", {deputy: tuple(found) for deputy, found in by_deputy.items()})
        under: dict[str, set[str]] = {}
        for team in self.teams:
            for above in self.chain(team):
                under.setdefault(above, set()).add(team)
        object.__setattr__(self, "_under", {team: frozenset(found) for team, found in under.items()})

    def resolve(self, role: str, holding: Holding, today: date, *, child: str | None = None) -> Resolved:
        """Who is told as ``role`` about a child held so. With ``child``, nobody who may not hear of it is.

        A restricted child's alerts go to those on the way up who may hear of it, else to the first of these who is
        here. Where there is none, information governance or duty is told without details.
        """
        not_to = self._same({holding.worker or ""}) if role in _LOOKS_AT_THE_WORKER else frozenset[str]()
        ask = _Ask(holding, today, child, not_to)
        if role == "worker":
            found = self._worker(ask)
        elif role in LINE:
            found = self._line(role, ask)
        else:
            nobody = f"nobody here holds the role {role_words(role)}"
            found = self._service_wide(role, ask) or self._duty(nobody)
        return self._mended(found, ask) if found.rung == "duty" and self.limited(child, today) else found

    def may_hear(self, person_id: str, child: str, today: date | None = None) -> str:
        """Blank where somebody may be told details of a child, else why not. ``person_id`` as in :class:`Resolved`.

        Without ``today`` a restriction that has ended still counts. Of an agency nothing is said here: what it may
        have, its agreement and the rule say.
        """
        if not self.limited(child, today) or person_id.startswith("agency:"):
            return ""
        if person_id == "duty":
            return f"the child is restricted, and {_SHARED_MAILBOX}"
        kept = self._restriction(child, today)
        if person_id.startswith("team:"):
            if kept and kept.only:
                return f"the child is restricted, and {_SHARED_MAILBOX}"
            team = person_id.removeprefix("team:")
            barred = [p for p in self.people.values() if p.team == team and self._barred(p, child, kept)]
            return "somebody of that team must not hear of this child" if barred else ""
        person = self.people.get(person_id)
        if person is None:
            return "the child is restricted, and they are not in the staff directory"
        if self._barred(person, child, kept):
            return "must not hear of this child"
        return "is not among those who may hear of this child" if kept and self._left_out(person, kept) else ""

    def with_answers(self, away: Mapping[str, date]) -> Directory:
        """With the days on which mailboxes answered that people are away, by id; for all ids of the same person."""
        changed = {
            same: replace(self.people[same], answered_away=day)
            for id_, day in away.items()
            for same in self.ids_of(id_)
        }
        return replace(self, people={**self.people, **changed}) if changed else self

    def ids_of(self, person_id: str) -> frozenset[str]:
        """All ids of the same person, who may have a row for each role."""
        return self._same({person_id})

    def label(self, holding: Holding) -> str:
        """Who holds a child, for a list that managers read."""
        if holding.worker:
            person = self.people.get(holding.worker)
            return person.name if person else holding.worker
        team = self.teams.get(holding.team or "")
        return f"{team.name}, no worker" if team else "nobody allocated"

    def teams_under(self, team: str | None) -> frozenset[str]:
        """The team and every team below it; empty for None."""
        return self._under.get(team or "", frozenset())

    def members(self, teams: Iterable[str]) -> list[str]:
        """The ids of everybody whose own team is one of these, sorted."""
        return sorted(id_ for team in set(teams) for id_ in self._members.get(team, ()))

    def deputised_by(self, person_id: str) -> tuple[Person, ...]:
        """Everybody whose deputy somebody is, by id, whether they are away or not."""
        return self._deputised.get(person_id, ())

    def team_of(self, holding: Holding) -> str | None:
        """The team that has the child: the one recorded, else the worker's own."""
        if holding.team in self.teams:
            return holding.team
        worker = self.people.get(holding.worker or "")
        return worker.team if worker else None

    def chain(self, team: str | None) -> tuple[str, ...]:
        """The team and those above it, in order."""
        chain: list[str] = []
        while team is not None and team in self.teams and team not in chain:
            chain.append(team)
            team = self.teams[team].parent
        return tuple(chain)

    def holders(self, role: str, team: str | None = None) -> tuple[Person, ...]:
        """Everybody with the role (in a team), those whose main role it is first; leavers too: their deputies
        still stand in."""
        found = self._holding.get(role, ())
        return found if team is None else tuple(p for p in found if p.team == team)

    # Who is found, step by step.

    def _worker(self, ask: _Ask) -> Resolved:
        id_ = ask.holding.worker
        worker = self.people.get(id_ or "")
        if id_ is None:
            why = "no worker is allocated"
        elif worker is None:
            why = f"worker {id_} is not in the staff directory"
        else:
            found = self._person_or_deputy([worker], "the allocated worker", ask)
            if found:
                return found
            why = f"worker {id_} {self._why_not(worker, ask)}"
        team = self.team_of(ask.holding)
        return self._inbox(team, why, ask) or self._line("team_manager", ask, f"{why}; ")

    def _line(self, role: str, ask: _Ask, why: str = "") -> Resolved:
        """The holder of the role nearest above the child's team, else the next role up."""
        chain = self.chain(self.team_of(ask.holding))
        if not chain and role != "director":
            return self._duty(f"{why}no team is recorded for the child")
        for step in LINE[LINE.index(role) :]:
            found = self._service_wide(step, ask, why) if step == "director" else self._nearest(step, chain, ask, why)
            if found:
                return found
            why += f"nobody is here as {role_words(step)}; "
        return self._duty(why.removesuffix("; "))

    def _nearest(self, role: str, chain: tuple[str, ...], ask: _Ask, why: str) -> Resolved | None:
        """From the child's team upwards: whoever holds the role, a deputy, or that team's inbox."""
        words = role_words(role)
        for team in chain:
            if holders := self.holders(role, team):
                found = self._person_or_deputy(holders, f"{words} of {team}", ask, why)
                found = found or self._inbox(team, f"{why}nobody is here as {words} of {team}", ask)
                if found:
                    return found
        return self._inbox(chain[0], f"{why}nobody is {words}", ask) if role == "team_manager" else None

    def _service_wide(self, role: str, ask: _Ask, why: str = "") -> Resolved | None:
        """Whoever holds the role nearest above the child's team, or else anywhere; in the end the inbox of their
        team."""
        chain = self.chain(self.team_of(ask.holding))
        holders = [p for team in chain for p in self.holders(role, team)]
        holders += [p for p in self.holders(role) if p not in holders]
        found = self._person_or_deputy(holders, role_words(role), ask, why)
        # A mailbox of the line is read by a team; one that has nothing to do with the child must not read of it.
        if found or not holders or (role in LINE and holders[0].team not in chain):
            return found
        return self._inbox(holders[0].team, f"{why}nobody is here as {role_words(role)}", ask)

    def _person_or_deputy(self, holders: Sequence[Person], how: str, ask: _Ask, why: str = "") -> Resolved | None:
        """The first holder who can be told, else the first deputy, or deputy of a deputy. ``why`` is what led here
        from a step below."""
        for person in holders:
            if not self._why_not(person, ask):
                return _told(person, why + how, "up" if why else "person")
        for person in holders:
            passed, said = person, f"{why}{how}: "
            seen = {person.id}
            while (deputy := self.people.get(passed.deputy or "")) is not None and deputy.id not in seen:
                said += f"deputy of {passed.id}, who {self._why_not(passed, ask)}"
                if not self._why_not(deputy, ask):
                    return _told(deputy, said, "up" if why else "deputy")
                if deputy.id in ask.not_to:  # who stands in for their cases does not sit in the manager's chair
                    break
                said += "; "
                seen.add(deputy.id)
                passed = deputy
        return None

    def _inbox(self, team_id: str | None, why: str, ask: _Ask) -> Resolved | None:
        team = self.teams.get(team_id or "")
        if team is None or not team.inbox:
            return None
        if ask.child is not None and self.may_hear(f"team:{team.id}", ask.child, ask.today):
            return None
        how = f"inbox of {team.id}: {why}"
        return Resolved(f"team:{team.id}", team.name, team.inbox, how, "inbox", fallback=team.fallback)

    def _duty(self, why: str) -> Resolved:
        return Resolved("duty", "Duty", self.duty, f"duty address: {why}", "duty", fallback=self.duty_fallback)

    def _mended(self, found: Resolved, ask: _Ask) -> Resolved:
        """Who is told of a restricted child when nobody on the way up may be.

        Those named are told though it is not their place, since they may know. Whoever else is told can only see
        to it that somebody is named, and needs no detail of the child for that.
        """
        kept = self._restriction(ask.child, ask.today)
        why = found.how.removeprefix("duty address: ")
        named = [self.people[id_] for id_ in (kept.only if kept else ()) if id_ in self.people]
        if one := next((p for p in named if not self._why_not(p, ask)), None):
            return _told(one, f"{why}; the first who is here of those who may hear of this child", "up")
        for person in self.holders("information_governance"):
            here = person.address and not person.absence(ask.today)
            if here and person.id not in ask.not_to and not self._barred(person, ask.child or "", kept):
                how = f"{why}; nobody who may hear of this child can be told: information governance, without details"
                return replace(_told(person, how, "up"), without_details=True)
        how = f"{found.how}; nobody who may hear of this child can be told: without details"
        return replace(self._duty(""), how=how, without_details=True)

    # Who may be told.

    def _why_not(self, person: Person, ask: _Ask) -> str:
        """Why somebody is passed over, in words; blank for somebody who can be told."""
        if absence := person.absence(ask.today):
            return absence
        if not person.address:
            return "has no address"
        if person.id in ask.not_to:
            return "holds the case"
        return self.may_hear(person.id, ask.child, ask.today) if ask.child is not None else ""

    def _restriction(self, child: str | None, today: date | None) -> Restriction | None:
        kept = self.restrictions.get(child or "")
        return kept if kept is not None and kept.in_force(today) else None

    @property
    def limited_children(self) -> frozenset[str]:
        """The children of whom not everybody may hear, or might not on some other day."""
        return self._not_told | self.restrictions.keys()

    def limited(self, child: str | None, today: date | None) -> bool:
        """Whether anybody may not hear of the child."""
        if child is None:
            return False
        return child in self._not_told or self._restriction(child, today) is not None

    def _barred(self, person: Person, child: str, kept: Restriction | None) -> bool:
        """Whether somebody, under whichever of their ids, must never hear of the child."""
        ids = self._same({person.id})
        return bool(kept and ids & kept.never) or any(child in self.people[id_].not_told_of for id_ in ids)

    def _left_out(self, person: Person, kept: Restriction) -> bool:
        return bool(kept.only) and not self._same({person.id}) & set(kept.only)

    def _same(self, ids: Iterable[str]) -> frozenset[str]:
        """The ids with all others of the same people: one person in two roles may have two rows, and one address."""
        found = {id_ for id_ in ids if id_ in self.people}
        for id_ in tuple(found):
            found |= self._at_address.get(self.people[id_].address.lower(), frozenset())
        return frozenset(found)


def _told(person: Person, how: str, rung: Rung) -> Resolved:
    return Resolved(person.id, person.name, person.address, how, rung, person.language, fallback=person.fallback)
