"""What somebody may ask to hear of besides what they must, and whether a change is that. Pure.

A subscription adds, it never takes away: whoever a ladder tells is told all the same. It reaches no
further than the pages show its owner: a manager's own team and those below it, everything for whoever
looks at the whole service, and never a child whose restriction bars them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal, get_args

from alertd.access.viewer import WHOLE_SERVICE
from alertd.cases.holding import Holding
from alertd.db.tables import STAGES
from alertd.engine.findings import WHOLE_FEED
from alertd.errors import InputError, did_you_mean
from alertd.people.directory import LINE, Directory, Person, role_words
from alertd.rulebook.model import Rule, Rulebook

Every = Literal["at_once", "daily", "weekly"]
EVERY: Final[tuple[str, ...]] = get_args(Every)
SEVERITIES: Final = ("urgent", "routine")
ESCALATED: Final = "escalated"
STAGES_ASKED: Final = (*STAGES, ESCALATED)
EMAIL: Final = "email"
CALENDAR: Final = "calendar"
"""The channel of a subscription that is followed as a calendar feed: nothing is sent."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one person asked to hear of. ``rules`` are ids, or beginnings with a star (``cp.*``).

    ``teams`` are team ids, each with those below it; none means all that are the person's own.
    ``since`` is when it was asked for: what happened before is not told.
    """

    id: int
    person: str
    rules: tuple[str, ...]
    teams: tuple[str, ...]
    stages: tuple[str, ...]
    severities: tuple[str, ...]
    every: str
    channel: str
    since: datetime


@dataclass(frozen=True, slots=True)
class About:
    """What of an alert a subscription asks for; ``urgent`` is its rule's ladder."""

    rule: str
    child: str
    holding: Holding
    urgent: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an alert. ``climbed``: a further step of its ladder was reached after the date."""

    id: int
    at: datetime
    from_stage: str | None
    to_stage: str
    climbed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose alerts a person may hear of; ``teams`` None is every child's. ``why_not`` says why it is nobody's."""

    teams: frozenset[str] | None
    why_not: str = ""

    def holds(self, team: str | None) -> bool:
        """Whether a child that the team has is within it."""
        return not self.why_not and (self.teams is None or team in self.teams)


def reach(person_id: str, directory: Directory, today: date) -> Reach:
    """How far a subscription of this person goes today. Somebody who has left reaches nothing."""
    person = directory.people.get(person_id)
    if person is None:
        return Reach(frozenset(), f"{person_id} is not in the staff directory")
    if has_left(person, today):
        return Reach(frozenset(), f"{person_id} has left")
    roles = set(person.roles)
    if roles & WHOLE_SERVICE:
        return Reach(None)
    if roles.isdisjoint(LINE):
        return Reach(frozenset(), f"{person_id} is no manager and does not look at the whole service")
    teams = directory.teams_under(person.team)
    return Reach(teams, "" if teams else f"{person_id} is a manager without a team in the staff directory")


def has_left(person: Person, today: date) -> bool:
    """Whether the person is gone for good."""
    return person.leaves is not None and person.leaves <= today


@dataclass(frozen=True, slots=True)
class Hearing:
    """A subscription on one day, with the teams it then covers; None for every child's."""

    wanted: Wanted
    directory: Directory
    today: date
    teams: frozenset[str] | None

    def concerns(self, about: About) -> str:
        """The rule asked for that this alert is under, whatever its stage; blank where the alert is none of
        this subscription's, or its owner may not hear of the child."""
        severity = "urgent" if about.urgent else "routine"
        if about.child == WHOLE_FEED[0] or severity not in self.wanted.severities:
            return ""
        if self.teams is not None and self.directory.team_of(about.holding) not in self.teams:
            return ""
        asked = next((rule for rule in self.wanted.rules if covers(rule, about.rule)), "")
        return asked if asked and not self.directory.may_hear(self.wanted.person, about.child, self.today) else ""

    def matches(self, about: About, change: Change) -> str:
        """Why its owner hears of this change; blank when they do not."""
        stage = stage_asked(self.wanted.stages, change)
        asked = self.concerns(about) if stage else ""
        return f"you subscribe to {asked}: {stage}" if asked else ""


def hearing(wanted: Wanted, directory: Directory, today: date) -> Hearing:
    """What a subscription covers today: of the teams asked for, those its owner answers for now."""
    own = reach(wanted.person, directory, today).teams
    asked = [directory.teams_under(team) for team in wanted.teams]
    if not asked:
        return Hearing(wanted, directory, today, own)
    teams = frozenset[str]().union(*asked)
    return Hearing(wanted, directory, today, teams if own is None else teams & own)


def matches(wanted: Wanted, about: About, change: Change, directory: Directory, today: date) -> str:
    """Why this person hears of this change today; blank when they do not."""
    return hearing(wanted, directory, today).matches(about, change)


def covers(asked: str, rule_id: str) -> bool:
    """Whether a rule, or a beginning with a star, names this rule."""
    return rule_id.startswith(asked[:-1]) if asked.endswith("*") else rule_id == asked


def stage_asked(stages: Collection[str], change: Change) -> str:
    """The stage asked for that this change is news of; blank where it is none."""
    # A change that leaves the stage as it was (another worker, another reason) is no news of the stage.
    new = change.from_stage != change.to_stage or change.reason == "unmuted"
    if new and change.to_stage in stages:
        return change.to_stage
    return ESCALATED if change.climbed and ESCALATED in stages else ""


def checked(wanted: Wanted, rulebook: Rulebook, directory: Directory, channels: Collection[str], today: date) -> Wanted:
    """The subscription as asked for, each thing once. Raises InputError for what does not exist or is not theirs."""
    _known("person", [wanted.person], directory.people)
    own = reach(wanted.person, directory, today)
    if own.why_not:
        fix = "Managers, and who looks at the whole service, subscribe; workers hear of their own children anyway"
        raise InputError(own.why_not, fix=fix)
    for asked in wanted.rules:
        _check_rule(asked, rulebook)
    _known("team", wanted.teams, directory.teams)
    if others := [team for team in wanted.teams if not own.holds(team)]:
        raise InputError(
            f"{others[0]} is not a team {wanted.person} answers for",
            fix=f"Theirs are {', '.join(sorted(own.teams or ()))}",
        )
    _known("stage", wanted.stages, STAGES_ASKED)
    _known("severity", wanted.severities, SEVERITIES)
    _known("interval", [wanted.every], EVERY)
    _known("channel", [wanted.channel], [*channels, CALENDAR])
    if why := not_there(directory.people[wanted.person], wanted.channel):
        raise InputError(why, fix=f"Name it as their fallback in the staff files: {wanted.channel}:ADDRESS")
    for name, given in (("rules", wanted.rules), ("stages", wanted.stages), ("severities", wanted.severities)):
        if not given:
            raise InputError(f"no {name} are asked for", fix=f"Give --{name}")
    return replace(
        wanted,
        rules=_once(wanted.rules),
        teams=_once(wanted.teams),
        stages=_once(wanted.stages),
        severities=_once(wanted.severities),
    )


def not_there(person: Person, channel: str) -> str:
    """Why somebody cannot be told by a channel that is none of e-mail and calendar: the staff files know one address
    of theirs beside the mailbox, that of their fallback. Blank where they can."""
    other = person.fallback
    if channel in (EMAIL, CALENDAR) or (other is not None and other.channel == channel):
        return ""
    return f"{person.id} has no address on {channel}"


def every_rule(rulebook: Rulebook) -> dict[str, tuple[Rule, Rulebook]]:
    """The enabled rules of the authority and of its teams, by id, each with the rulebook it is from."""
    return {rule.id: (rule, book) for book in (*rulebook.teams.values(), rulebook) for rule in book.enabled}


def _check_rule(asked: str, rulebook: Rulebook) -> None:
    rules = every_rule(rulebook)
    if "*" in asked[:-1]:
        raise InputError(f"{asked!r}: a star ends a beginning, and stands nowhere else", fix="Write it as cp.*")
    if any(covers(asked, rule) for rule in rules):
        return
    off = any(covers(asked, rule.id) for book in (rulebook, *rulebook.teams.values()) for rule in book.rules)
    if off:
        raise InputError(f"{asked!r} names only rules that are disabled", fix="`alertd rules list` says why")
    beginnings = {f"{rule.rpartition('.')[0]}.*" for rule in rules} | {f"{rule.partition('.')[0]}.*" for rule in rules}
    near = did_you_mean(asked, beginnings if asked.endswith("*") else rules)
    raise InputError(f"there is no rule {asked!r}", fix=near or "`alertd rules list` shows them")


def _known(what: str, given: Iterable[str], known: Collection[str]) -> None:
    for one in given:
        if one not in known:
            few = f"There are {', '.join(known)}" if len(known) <= 12 else None
            raise InputError(f"there is no {what} {one!r}", fix=did_you_mean(one, known) or few)


def _once(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(given))


def mandatory(person: Person, asked: str, rulebook: Rulebook) -> str:
    """Why this person hears of rules whatever they subscribe to: the steps that tell them, and who could change it.

    Blank when no ladder of a rule that ``asked`` covers tells a role they hold.
    """
    told: dict[tuple[str, int, str], list[str]] = {}
    owners: set[str] = set()
    for rule_id, (rule, book) in sorted(every_rule(rulebook).items()):
        step = _first_step(person, book, rule) if covers(asked, rule_id) else None
        if step:
            told.setdefault((rule.escalate, *step), []).append(rule_id)
            owners.add(rule.owner or "whoever answers for the rule")
    if not told:
        return ""
    steps = [
        f"step {number} of ladder {ladder} tells the {role_words(role)} of {_some(rules)}"
        for (ladder, number, role), rules in sorted(told.items())
    ]
    return (
        f"{'; '.join(steps)}. {person.id} holds that role, and nobody can unsubscribe from a ladder. "
        f"An overlay of the authority's can change it; who answers for it: {'; '.join(sorted(owners))}"
    )


def _first_step(person: Person, book: Rulebook, rule: Rule) -> tuple[int, str] | None:
    steps = book.ladders[rule.escalate].steps
    told = ((n, role) for n, step in enumerate(steps, 1) for role in step.tell if role in person.roles)
    return next(told, None)


def _some(rules: Sequence[str]) -> str:
    return ", ".join(rules[:3]) + (f" and {len(rules) - 3} more" if len(rules) > 3 else "")
