"""A planned quiet, as while a system is migrated: who may ask for it, what it covers, and who hears of it. Pure.

While a silence stands, alerts of its rules and teams are kept and told to nobody; when it ends, all that would
have been told by then is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import begin_of
from alertd.cases.records import in_words, local_day
from alertd.errors import did_you_mean
from alertd.people.directory import LINE, Directory, Person
from alertd.rulebook.model import Rulebook

LONGEST: Final = timedelta(days=14)
"""A planned event that takes longer is a state to be mended, not a quiet to be kept."""

REMEMBERED: Final = timedelta(days=7)
"""How long after its end people are still told that a silence ended, should nobody have been there to tell them."""

SILENCE: Final = "silence "
"""So begins why nobody is told of an alert that is silenced."""

Event = Literal["starts", "ends soon", "ended"]


@dataclass(frozen=True, slots=True)
class Silenced:
    """A silence: no rules means all of them. ``ended_at`` is when somebody ended it before its time."""

    rules: tuple[str, ...]
    teams: tuple[str, ...]
    starts: datetime
    until: datetime
    by: str
    reason: str
    id: int = 0
    ended_at: datetime | None = None

    @property
    def ends(self) -> datetime:
        """When it ends, or ended."""
        return min(self.until, self.ended_at) if self.ended_at else self.until

    def stands(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.starts <= now < self.ends

    @property
    def why(self) -> str:
        """Why nobody is told of an alert of its rules and teams: ``silence 3 until Fri 27 Nov 2026``."""
        return f"{SILENCE}{self.id} until {self.ends_in_words}"

    @property
    def ends_in_words(self) -> str:
        """``Fri 27 Nov 2026`` for one that ends with that day."""
        last = self.until - timedelta.resolution
        return in_words(local_day(last) if self.until == begin_of(local_day(self.until)) else self.until)


def why_no_silence(asked: Silenced, directory: Directory, rulebook: Rulebook, now: datetime) -> str:
    """Blank where somebody may ask for this silence; otherwise a sentence on why not, and what to do."""
    if not asked.reason.strip():
        return "A reason is required: name the planned event"
    person = directory.people.get(asked.by)
    if person is None:
        return f"{asked.by} is not in the staff directory: give a person's id as people.csv has it"
    if away := person.absence(local_day(now)):
        return f"{asked.by} {away}: somebody who is here has to ask for it"
    return (
        _wrong_window(asked, now)
        or _wrong_names(asked, directory, rulebook)
        or _other_teams(asked, person, directory)
        or _urgent(asked, person, rulebook)
    )


def _wrong_window(asked: Silenced, now: datetime) -> str:
    if asked.until <= asked.starts or asked.until <= now:
        return "It would end before it begins, or before now: give a later end"
    if asked.until - asked.starts > LONGEST:
        return f"At most {LONGEST.days} days: give a nearer end, and another silence after it if that is needed"
    return ""


def _wrong_names(asked: Silenced, directory: Directory, rulebook: Rulebook) -> str:
    known = {rule.id for book in (rulebook, *rulebook.teams.values()) for rule in book.rules}
    for rule in asked.rules:
        if rule not in known:
            return f"There is no rule {rule!r}: {did_you_mean(rule, known) or 'see alertd rules list'}"
    if not asked.teams:
        return "A silence is of teams: name each of them"
    for team in asked.teams:
        if team not in directory.teams:
            return f"There is no team {team!r}: {did_you_mean(team, directory.teams) or 'see teams.csv'}"
    return ""


def _other_teams(asked: Silenced, person: Person, directory: Directory) -> str:
    ranks = _ranks(person)
    if not ranks:
        return f"{asked.by} manages no team: a team manager or somebody above has to ask for it"
    own = directory.teams if max(ranks) == len(LINE) else directory.teams_under(person.team)
    if others := sorted(set(asked.teams) - set(own)):
        return f"It would mute teams that {asked.by} does not manage ({', '.join(others)}): ask whoever does"
    return ""


def _urgent(asked: Silenced, person: Person, rulebook: Rulebook) -> str:
    if max(_ranks(person)) > LINE.index("head_of_service"):
        return ""
    urgent = sorted(
        {
            rule.id
            for book in (rulebook, *rulebook.teams.values())
            for rule in book.enabled
            if (not asked.rules or rule.id in asked.rules) and book.ladders[rule.escalate].urgent
        }
    )
    if not urgent:
        return ""
    named = ", ".join(urgent[:3]) + (" and others" if len(urgent) > 3 else "")
    return f"Urgent rules are among them ({named}): name others, or ask a head of service"


def _ranks(person: Person) -> list[int]:
    return [LINE.index(role) + 1 for role in person.roles if role in LINE]


def why_not_end(silence: Silenced, by: str, directory: Directory, now: datetime) -> str:
    """Blank where somebody may end a silence before its time; otherwise why not."""
    person = directory.people.get(by)
    if person is None:
        return f"{by} is not in the staff directory: give a person's id as people.csv has it"
    if silence.ends <= now:
        return "It has ended already"
    if by == silence.by or (_ranks(person) and not _other_teams(silence, person, directory)):
        return ""
    return f"{by} may not end it: its author {silence.by} or a manager of all its teams may"


def silencing(silences: Iterable[Silenced], rule: str, team: str | None, directory: Directory, now: datetime) -> str:
    """Why nobody is told of an alert of this rule and team now: ``silence 3 until Fri 27 Nov 2026``; or blank.

    A silence of a team is one of the teams under it. A child whom no team has is never silenced.
    """
    chain = set(directory.chain(team))
    for one in silences:
        if one.stands(now) and (not one.rules or rule in one.rules) and not chain.isdisjoint(one.teams):
            return one.why
    return ""


def silence_notices(silences: Iterable[Silenced], now: datetime, calendar: Calendar) -> list[tuple[Silenced, Event]]:
    """What is to be told of silences by now, each once: that one ``starts`` (to the managers of its teams),
    ``ends soon`` (to its author, from a working day before), or has ``ended`` (to both)."""
    found: list[tuple[Silenced, Event]] = []
    for one in silences:
        if one.ends <= one.starts:  # ended before it began: nobody was ever quiet
            continue
        if one.starts <= now < one.ends:
            found.append((one, "starts"))
            last = local_day(one.ends - timedelta.resolution)
            if now >= begin_of(calendar.add_working_days(last, -1)):
                found.append((one, "ends soon"))
        elif one.ends <= now < one.ends + REMEMBERED:
            found.append((one, "ended"))
    return found
