"""What is missing in the directory: each hole with its place and what to do, before a message falls into it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from alertd.cases.holding import Holding
from alertd.errors import InputError
from alertd.people.agencies import EMAIL, Agency
from alertd.people.directory import LINE, Directory, Person, Route, role_words
from alertd.people.load_restrictions import strangers

SOON: Final = timedelta(days=30)
"""How long before its end an agreement is told of: it takes about that long to renew one (our estimate)."""
LONG_AGO: Final = timedelta(days=30)
"""How long an absence may be over before its dates are taken for forgotten ones."""
_ELSEWHERE: Final = frozenset({"worker", "duty", "agency"})
"""Roles that need no holder: the child's worker, the duty address, and agencies, which are a file of their own."""


@dataclass(frozen=True, slots=True, order=True)
class Hole:
    """One hole. ``kind`` is a fixed word for programs; ``where`` a file with its line or id."""

    kind: str
    where: str
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Open:
    """How many open children each worker has, and each team."""

    by_worker: Mapping[str, int] = field(default_factory=dict)
    by_team: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, held: Collection[Holding]) -> Open:
        """Counted from who holds each child."""
        workers = Counter(h.worker for h in held if h.worker)
        return cls(dict(workers), dict(Counter(h.team for h in held if h.team)))


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at. ``roles`` are those that ladders of enabled rules tell, each with a rule that does;
    ``feed_teams`` the ids of the feed's teams and ``own_teams`` those of teams.csv; ``at`` gives the place of a row
    by file ("people", "teams") and id; ``why_not`` says why a channel cannot carry a message to an address."""

    directory: Directory
    roles: Mapping[str, str]
    today: date
    open: Open = field(default_factory=Open)
    feed_teams: Collection[str] = ()
    own_teams: Collection[str] = ()
    at: Callable[[str, str], str] = lambda file, id_: f"{file}: {id_}"
    why_not: Callable[[Route], str] = lambda _: ""


def refused(error: InputError) -> Hole:
    """A file that cannot be used, as a hole."""
    return Hole("refused", error.where or "", error.what, error.fix or "Correct it")


def holes(look: Look) -> list[Hole]:
    """Every hole, sorted. Pure."""
    found = [
        *_people(look),
        *_pairs(look),
        *_shared(look),
        *_children(look),
        *_teams(look),
        *_roles(look),
        *_restrictions(look),
        *_fallbacks(look),
    ]
    for agency in look.directory.agencies.agencies.values():
        found += _agency(agency, look)
    return sorted(set(found))


def _gone(person: Person, today: date) -> bool:
    return person.leaves is not None and person.leaves <= today


def _people(look: Look) -> Iterator[Hole]:
    today, people = look.today, look.directory.people
    for person in people.values():
        if _gone(person, today):
            continue
        where = look.at("people", person.id)
        deputy = people.get(person.deputy or "")
        if deputy and _gone(deputy, today):
            what = f"{person.id} has the deputy {deputy.id}, who has left"
            yield Hole("deputy_left", where, what, "Name another deputy")
        if person.away_to and person.away_to + LONG_AGO < today:
            what = f"{person.id} has an absence that ended on {person.away_to}"
            yield Hole("absence_over", where, what, "Take it out, or enter the one of now")
        step = next((role for role in LINE if role in person.roles), None)
        if step and not person.address:
            what = f"{person.id} is {role_words(step)} and has no address"
            yield Hole("way_up_unreachable", where, what, "Enter their address, or somebody else for the role")


def _pairs(look: Look) -> Iterator[Hole]:
    people, today = look.directory.people, look.today
    for person in people.values():
        other = people.get(person.deputy or "")
        each_other = other is not None and other.deputy == person.id and person.id < other.id
        if other and each_other and person.absence(today) and other.absence(today):
            what = f"{person.id} and {other.id} deputise for each other, and neither can be told"
            yield Hole("deputies_away", look.at("people", person.id), what, "Name a third for one of them")


def _shared(look: Look) -> Iterator[Hole]:
    """One address for two: what is meant for one is read by the other."""
    directory = look.directory
    mailboxes = {team.inbox.lower(): f"the inbox of {team.id}" for team in directory.teams.values() if team.inbox}
    mailboxes[directory.duty.lower()] = "the duty address"
    for person in directory.people.values():
        if whose := mailboxes.get(person.address.lower()):
            what = f"the address of {person.id} is {whose} too"
            yield Hole("address_shared", look.at("people", person.id), what, "Enter their own address")
    contacts: dict[str, tuple[str, str]] = {}
    for agency in sorted(directory.agencies.agencies.values(), key=lambda a: a.id):
        for one in (c for c in agency.contacts if c.address):
            first, name = contacts.setdefault(one.address.lower(), (agency.id, one.name))
            if name != one.name:
                what = f"{agency.id} and {first} have one address for contacts of two names"
                yield Hole("address_shared", agency.where, what, "Ask them which it is")


def _children(look: Look) -> Iterator[Hole]:
    people, today = look.directory.people, look.today
    for worker, n in look.open.by_worker.items():
        children = f"{n} open {'child' if n == 1 else 'children'}"
        person = people.get(worker)
        where = look.at("people", worker)
        if person is None:
            what, fix = f"worker {worker} has {children} and is not in the directory", "Add them, with their address"
            yield Hole("worker_not_there", where, what, fix)
        elif _gone(person, today):
            what, fix = f"worker {worker} has {children} and has left", "Allocate the children to somebody else"
            yield Hole("worker_left", where, what, fix)
        elif not person.address:
            what, fix = f"worker {worker} has {children} and no address", "Enter their address"
            yield Hole("worker_without_address", where, what, fix)


def _teams(look: Look) -> Iterator[Hole]:
    directory, today = look.directory, look.today
    at_work = {p.team for p in directory.people.values() if "worker" in p.roles and not _gone(p, today)}
    for team in sorted((at_work | look.open.by_team.keys()) & directory.teams.keys(), key=str):
        assert team is not None
        chain = directory.chain(team)
        if not any(not _gone(p, today) for above in chain for p in directory.holders("team_manager", above)):
            goes_to = directory.resolve("team_manager", Holding(team=team), today)
            what = f"team {team} has no manager; what is for the manager goes to {goes_to.person_id}"
            fix = "Enter a team_manager for the team, or for the service above it"
            yield Hole("team_without_manager", look.at("teams", team), what, fix)
        for role in LINE:
            if directory.resolve(role, Holding(team=team), today).rung == "duty":
                what = f"the way up from team {team} ends at the duty address: nobody is reached as {role_words(role)}"
                yield Hole("way_up_ends", look.at("teams", team), what, "Enter whoever is above the team")
                break
    for team in sorted({*look.feed_teams, *look.open.by_team} - {*look.own_teams}):
        what = f"the feed has team {team}, and teams.csv does not"
        yield Hole("team_not_there", look.at("teams", team), what, "Add it with its inbox, and the team above it")


def _roles(look: Look) -> Iterator[Hole]:
    for role, rule in sorted(look.roles.items()):
        held = any(not _gone(p, look.today) for p in look.directory.holders(role))
        if role not in _ELSEWHERE and not held:
            what = f"nobody holds the role {role}, and {rule} tells it"
            yield Hole("role_nobody_holds", look.at("people", role), what, "Give the role to somebody, as role or also")


def _restrictions(look: Look) -> Iterator[Hole]:
    directory, today = look.directory, look.today
    yield from map(refused, strangers(directory.restrictions, directory.people))
    for kept in directory.restrictions.values():
        if not kept.in_force(today):
            what = f"the restriction ran out on {kept.until}: everybody on the way up hears of the child"
            yield Hole("restriction_over", kept.where, what, "Renew it, or take it out")
        elif kept.only:
            named = [directory.people[id_] for id_ in kept.only if id_ in directory.people]
            if not any(p.address and not p.absence(today) for p in named):
                what = "nobody who may hear of the child can be told today"
                yield Hole("restriction_unreachable", kept.where, what, "Name somebody who is here in only")


def _fallbacks(look: Look) -> Iterator[Hole]:
    """What is to stand in where e-mail fails, and cannot."""
    directory, today = look.directory, look.today
    named = [(look.at("people", p.id), p.id, p.fallback) for p in directory.people.values() if not _gone(p, today)]
    named += [(look.at("teams", team.id), team.id, team.fallback) for team in directory.teams.values()]
    named.append(("[people] duty_fallback", "the duty address", directory.duty_fallback))
    for where, whose, route in named:
        if route and (why := look.why_not(route)):
            what = f"the fallback of {whose} cannot be used: {why}"
            yield Hole("fallback_unusable", where, what, "Correct it, or set the channel up under [channels]")


def _agency(agency: Agency, look: Look) -> Iterator[Hole]:
    agreement, today = agency.agreement, look.today
    if agreement is None:
        what, fix = f"{agency.id} has no data-sharing agreement, so it is told nothing", "Conclude one and enter it"
        yield Hole("agreement_missing", agency.where, what, fix)
    elif not agreement.in_force(today):
        what = f"the agreement with {agency.id} ran out on {agreement.until}, so it is told nothing"
        yield Hole("agreement_over", agency.where, what, "Renew it and enter its new date")
    elif agreement.until and agreement.until <= today + SOON:
        what = f"the agreement with {agency.id} runs out on {agreement.until}"
        yield Hole("agreement_ends", agency.where, what, "Renew it and enter its new date")
    by_mail = not agency.contacts or any(one.channel == EMAIL for one in agency.contacts)
    if not agency.secure and by_mail:
        what = f"there is no evidence that mail to {agency.id} is encrypted, so it is told nothing by e-mail"
        yield Hole("not_secure", agency.where, what, "Enter the evidence as secure")
    if not any(one.address and not one.absence(today) for one in agency.contacts):
        what = f"{agency.id} has no contact who can be told"
        yield Hole("contact_missing", agency.where, what, "Ask them for a contact and enter it")
    for one in agency.contacts:
        if one.address and one.channel != EMAIL and (why := look.why_not(Route(one.channel, one.address))):
            what = f"contact {one.id} of {agency.id} cannot be told: {why}"
            yield Hole("contact_unusable", agency.where, what, "Correct it, or set the channel up under [channels]")
