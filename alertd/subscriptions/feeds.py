"""What stands behind a calendar link: whose it is, whether it still answers, and the open alerts it shows.

A link's subject is ``person:<id>``, ``team:<id>:by:<person id>`` or ``subscription:<number>``. At each fetch it is
asked again whether that person may still see this; if not, there is no such calendar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd.alerts import handlings
from alertd.alerts.handling import answers_for, in_force
from alertd.calendars.calendar import Calendar
from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.links import revoke_links
from alertd.db.tables import Alert, AlertEvent, Link
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.people.directory import Directory
from alertd.routing.disclosure import reference
from alertd.routing.next_step import next_step
from alertd.rulebook.model import Rule, Rulebook
from alertd.subscriptions import store
from alertd.subscriptions.calendar import Item
from alertd.subscriptions.model import CALENDAR, ESCALATED, About, Wanted, has_left, hearing, reach

PURPOSE: Final = "calendar"
PATH: Final = "calendar/{secret}.ics"
"""Where a calendar is followed, below the address of alertd's pages."""


_AT_ONCE: Final = 500
"""Alerts read in one statement: a list of ids can be longer than a statement may."""


class Open(NamedTuple):
    """What of an open alert says whether a calendar shows it."""

    id: int
    rule: str
    child: str
    stage: str
    level: int
    worker: str | None
    team: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A calendar that answers: its name, and which alerts it shows."""

    name: str
    shows: Callable[[Open, About, str | None], bool]
    """Of an alert, what a subscription asks of it, and the person who answers for it."""


def of_person(person: str) -> str:
    """The subject of a person's own calendar."""
    return f"person:{person}"


def of_team(team: str, person: str) -> str:
    """The subject of a team's calendar, as seen by a manager."""
    return f"team:{team}:by:{person}"


def of_subscription(number: int) -> str:
    """The subject of the calendar of one subscription."""
    return f"subscription:{number}"


def end_all(session: Session, person: str, now: datetime) -> int:
    """End the addresses of all calendars that somebody follows; how many were in force."""
    own = {of_person(person), *(of_subscription(one.id) for one in store.in_force(session, person))}
    kept = select(Link.subject).where(Link.purpose == PURPOSE, Link.revoked_at.is_(None)).distinct()
    teams = {one for one in session.scalars(kept) if one.startswith("team:") and one.endswith(f":by:{person}")}
    return sum(revoke_links(session, PURPOSE, subject, now) for subject in own | teams)


def shown(session: Session, subject: str, directory: Directory, today: date) -> tuple[Shown | None, str]:
    """The calendar of a link, or None and why it does not answer."""
    kind, _, rest = subject.partition(":")
    match kind:
        case "person":
            return _own(rest, directory, today)
        case "team":
            team, _, person = rest.partition(":by:")
            return _team(team, person, directory, today)
        case "subscription":
            wanted = next((w for w in store.in_force(session) if str(w.id) == rest), None)
            return of_wanted(wanted, directory, today) if wanted else (None, "the subscription has ended")
    return None, "nobody knows what this was a link to"


def _own(person_id: str, directory: Directory, today: date) -> tuple[Shown | None, str]:
    person = directory.people.get(person_id)
    if person is None or has_left(person, today):
        return None, f"{person_id} {'has left' if person else 'is not in the staff directory'}"

    def shows(alert: Open, _: About, answers: str | None) -> bool:
        return answers == person_id and not directory.may_hear(person_id, alert.child, today)

    return Shown("alertd: your children", shows), ""


def _team(team: str, person_id: str, directory: Directory, today: date) -> tuple[Shown | None, str]:
    own = reach(person_id, directory, today)
    if team not in directory.teams or not own.holds(team):
        return None, own.why_not or f"{person_id} does not answer for {team}"
    under = directory.teams_under(team)

    def shows(alert: Open, about: About, _: str | None) -> bool:
        return directory.team_of(about.holding) in under and not directory.may_hear(person_id, alert.child, today)

    return Shown(f"alertd: {directory.teams[team].name}", shows), ""


def of_wanted(wanted: Wanted, directory: Directory, today: date) -> tuple[Shown | None, str]:
    """The calendar of one subscription, or None and why there is none."""
    own = reach(wanted.person, directory, today)
    if own.why_not or wanted.channel != CALENDAR:
        return None, own.why_not or "the subscription is told another way"
    ear = hearing(wanted, directory, today)

    def shows(alert: Open, about: About, _: str | None) -> bool:
        # After the due date each step up the ladder is an escalation; the feed shows where the alert stands.
        escalated = ESCALATED in wanted.stages and alert.stage == "overdue" and alert.level > 0
        return bool((alert.stage in wanted.stages or escalated) and ear.concerns(about))

    return Shown("alertd: what you asked for", shows), ""


def items(
    session: Session, calendar: Shown, rulebook: Rulebook, working_days: Calendar, now: datetime
) -> Iterator[Item]:
    """The open alerts of a calendar that have a date and that people hear of. An alert whose rule is gone is not."""
    today = local_day(now)
    found = _shown_by(session, calendar, rulebook, now)
    ids = list(found)
    for first in range(0, len(ids), _AT_ONCE):
        part = ids[first : first + _AT_ONCE]
        counts = select(AlertEvent.alert_id, func.count()).where(AlertEvent.alert_id.in_(part))
        changes = {alert_id: n for alert_id, n in session.execute(counts.group_by(AlertEvent.alert_id))}  # noqa: C416
        alerts = select(Alert.id, Alert.finding, Alert.changed_at).where(Alert.id.in_(part)).order_by(Alert.id)
        for id_, written, changed in session.execute(alerts):
            finding, (row, rule, book) = Finding.from_json(written), found[id_]
            if finding.due is not None:
                yield Item(
                    finding.identity,
                    rule.title,
                    reference(row.child),
                    row.stage,
                    finding.due,
                    rule.clears,
                    rule.law.cite,
                    next_step(finding, rule, book, working_days, today, level=row.level),
                    changes.get(id_, 0),
                    changed,
                )


def _shown_by(
    session: Session, calendar: Shown, rulebook: Rulebook, now: datetime
) -> dict[int, tuple[Open, Rule, Rulebook]]:
    """The open alerts of a calendar by id, with their rules, from as little of each as says whose they are."""
    said = handlings.handled(session)
    rules: dict[int, dict[str, Rule]] = {}
    found = {}
    columns = (Alert.id, Alert.rule, Alert.child, Alert.stage, Alert.level, Alert.worker, Alert.team)
    rows = session.execute(select(*columns).where(Alert.state == "open", Alert.muted == "").order_by(Alert.id))
    for row in map(Open._make, rows):
        book = rulebook.of_team(row.team)
        if id(book) not in rules:
            rules[id(book)] = {rule.id: rule for rule in book.rules}
        rule = rules[id(book)].get(row.rule)
        if rule is None or row.child == WHOLE_FEED[0]:
            continue
        about = About(row.rule, row.child, Holding(row.worker, row.team), book.ladders[rule.escalate].urgent)
        answers = answers_for(in_force(said.get(row.id, ()), now)) or row.worker
        if calendar.shows(row, about, answers):
            found[row.id] = (row, rule, book)
    return found
