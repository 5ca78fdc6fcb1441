"""*Subscriptions*: what somebody asked to hear of besides what they must, and what asking for it would have sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from sqlalchemy.orm import Session

from alertd.access.viewer import Viewer
from alertd.alerts.handling import Office
from alertd.cases.records import local_day
from alertd.errors import InputError
from alertd.rulebook.model import Rulebook
from alertd.subscriptions import feeds, store
from alertd.subscriptions.model import CALENDAR, Wanted, mandatory, reach
from alertd.subscriptions.preview import MONTH, preview
from alertd.subscriptions.standing import in_shadow, standing
from alertd.subscriptions.topics import in_titles
from alertd.views.alerts import team_name

EVERY: Final = {"at_once": "At once", "daily": "With the digest of each working day", "weekly": "Once a week"}
STAGES: Final = {
    "upcoming": "Coming up",
    "due": "Due",
    "overdue": "Overdue",
    "unknown": "Cannot be told",
    "escalated": "Passed up after its date",
}
SEVERITIES: Final = {"urgent": "Urgent", "routine": "Routine"}


@dataclass(frozen=True, slots=True)
class Mine:
    """One subscription in force. ``now`` says whether it tells anybody, ``anyway`` which of it a ladder tells them
    whatever they subscribe to."""

    number: int
    rules: tuple[str, ...]
    teams: tuple[str, ...]
    stages: tuple[str, ...]
    severities: tuple[str, ...]
    every: str
    channel: str
    since: datetime
    now: str
    anyway: tuple[str, ...]

    @property
    def is_calendar(self) -> bool:
        """Whether it is followed and not sent."""
        return self.channel == CALENDAR


@dataclass(frozen=True, slots=True)
class Shown:
    """What a subscription would have sent since a day: changes in messages, by day, and the latest as (rule, stage).
    ``holds`` is how many alerts a calendar holds now, and None for what is sent. No child is named."""

    since: date | None
    whole_month: bool
    days: tuple[tuple[date, int, int], ...]
    latest: tuple[tuple[str, str], ...]
    warning: str
    holds: int | None
    shadow: int
    asked: int

    @property
    def messages(self) -> int:
        """How many messages."""
        return sum(n for _, n, _ in self.days)

    @property
    def changes(self) -> int:
        """How many changes they would have told."""
        return sum(n for _, _, n in self.days)


def owner_of(viewer: Viewer, office: Office) -> tuple[str, str]:
    """Which of a person's ids may subscribe, their own first; blank, and why, where none may."""
    ids = [viewer.id, *sorted(viewer.ids - {viewer.id})]
    why = {id_: reach(id_, office.directory, office.today).why_not for id_ in ids}
    return next((id_ for id_ in ids if not why[id_]), ""), why[viewer.id]


def mine(session: Session, viewer: Viewer, rulebook: Rulebook, office: Office) -> tuple[Mine, ...]:
    """The subscriptions in force of somebody, under whichever of their ids."""
    found = [one for id_ in sorted(viewer.ids) for one in store.in_force(session, id_)]
    return tuple(_mine(one, rulebook, office) for one in sorted(found, key=lambda one: one.id))


def _mine(one: Wanted, rulebook: Rulebook, office: Office) -> Mine:
    directory = office.directory
    owner = directory.people.get(one.person)
    anyway = [why for rule in one.rules if owner and (why := mandatory(owner, rule, rulebook))]
    return Mine(
        number=one.id,
        rules=in_titles(one.rules, rulebook),
        teams=tuple(team_name(directory, team) for team in one.teams),
        stages=tuple(STAGES[stage] for stage in one.stages),
        severities=tuple(SEVERITIES[severity] for severity in one.severities),
        every=EVERY[one.every],
        channel=one.channel,
        since=one.since,
        now=standing(one, directory, rulebook, office.today),
        anyway=tuple(dict.fromkeys(anyway)),
    )


def shown(session: Session, wanted: Wanted, rulebook: Rulebook, office: Office, digest_at: time) -> Shown:
    """What a subscription that was checked would have sent in the last month, or what its calendar holds now."""
    shadow, asked = in_shadow(wanted, rulebook)
    if wanted.channel == CALENDAR:
        calendar, why = feeds.of_wanted(wanted, office.directory, office.today)
        if calendar is None:
            raise InputError(why)
        holds = sum(1 for _ in feeds.items(session, calendar, rulebook, office.calendar, office.now))
        return Shown(None, False, (), (), "", holds, shadow, asked)
    found = preview(
        wanted,
        store.histories(session, rulebook, wanted.rules, office.now - MONTH, now_open=False),
        office.directory,
        office.calendar,
        office.now,
        digest_at=digest_at,
        watched_since=store.watched_since(session),
    )
    days = tuple((day, n, found.lines[day]) for day, n in sorted(found.messages.items(), reverse=True))
    latest = tuple((title, STAGES[why.rpartition(": ")[2]]) for _, title, why in found.examples)
    since = None if found.since == office.now else local_day(found.since)
    return Shown(since, found.whole_month, days, latest, found.warning, None, shadow, asked)
