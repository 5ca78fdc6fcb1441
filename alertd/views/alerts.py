"""Alerts as pages list them: the words of the mails, who answers, and what is said of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.alerts.handling import Handled, Office, answers_for, in_force, rank_over
from alertd.alerts.handlings import standing_of
from alertd.alerts.holding_back import holds_steps
from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.tables import Alert
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.people.directory import Directory
from alertd.routing.disclosure import internal_line
from alertd.routing.next_step import next_step
from alertd.routing.said import said_words
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.profiles import Ladder, Step

PRESSING: Final = ("overdue", "due", "upcoming", "unknown")
"""The stages, the most pressing first."""


@dataclass(frozen=True, slots=True)
class Row:
    """One alert in a list; every text is finished. ``answers`` is the id of who answers for it, ``managed`` who has
    said that they see to it, ``due`` the date that binds."""

    id: int
    rule: str
    title: str
    child: str
    reference: str
    stage: str
    due: date | None
    when: str
    state: str
    why: str
    clears: str
    next_step: str
    source: str
    besides: tuple[str, ...]
    managed: str
    answers: str | None
    answers_name: str
    team: str | None
    team_name: str
    level: int
    severity: str
    household: str | None
    muted: str
    opened_at: datetime
    changed_at: datetime
    is_open: bool
    closed_as: str

    @property
    def pressing(self) -> tuple[int, date, int]:
        """The order of lists: the most pressing first, then the earliest."""
        return (PRESSING.index(self.stage), self.due or date.max, self.id)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What it takes to put alerts into words."""

    session: Session
    rulebook: Rulebook
    office: Office

    def rows(self, alerts: Iterable[Alert]) -> list[Row]:
        """The rows of alerts, in their order. Those whose rule is in no rulebook any more are named by its id."""
        found = list(alerts)
        said = standing_of(self.session, [alert.id for alert in found])
        return [self.row(alert, in_force(said.get(alert.id, ()), self.office.now)) for alert in found]

    def book(self, alert: Alert) -> Rulebook:
        """The rulebook of the alert's team; for the whole feed, one that has its rule."""
        if (alert.child, alert.record) == WHOLE_FEED:
            return self.rulebook.having(alert.rule)
        return self.rulebook.of_team(alert.team)

    def row(self, alert: Alert, standing: Sequence[Handled]) -> Row:
        """One alert, with what stands of all that was said of it."""
        finding, book = Finding.from_json(alert.finding), self.book(alert)
        rule, directory, today = book.rule(alert.rule), self.office.directory, self.office.today
        answers = answers_for(standing) or alert.worker
        words = self._words(alert, finding, rule, book, standing) if rule else _BARE
        severity = book.ladders[rule.escalate] if rule else None
        shown = [one for one in standing if one.kind != "snooze"]
        managed = [one for one in shown if one.kind in ("claim", "accept")]
        return Row(
            id=alert.id,
            rule=alert.rule,
            title=rule.title if rule else alert.rule,
            child=alert.child,
            reference=alert.child if alert.child != WHOLE_FEED[0] else "the whole feed",
            stage=alert.stage,
            due=local_day(finding.due) if finding.due else None,
            **words,  # type: ignore[arg-type]
            managed=" ".join(said_words(one, directory, today) for one in managed),
            answers=answers,
            answers_name=directory.label(Holding(answers, alert.team)),
            team=directory.team_of(Holding(alert.worker, alert.team)),
            team_name=team_name(directory, directory.team_of(Holding(alert.worker, alert.team))),
            level=alert.level,
            severity="urgent" if severity and severity.urgent else "",
            household=alert.household,
            muted=alert.muted,
            opened_at=alert.opened_at,
            changed_at=alert.changed_at,
            is_open=alert.state == "open",
            closed_as=alert.closed_as or "",
        )

    def _words(
        self, alert: Alert, finding: Finding, rule: Rule, book: Rulebook, standing: Sequence[Handled]
    ) -> dict[str, object]:
        office = self.office
        step = ""
        if alert.state == "open":
            waits = partial(self._waits_until, alert, book.ladders[rule.escalate], standing)
            named = partial(self._named, alert)
            step = next_step(finding, rule, book, office.calendar, office.today, named, level=alert.level, waits=waits)
        said = tuple(said_words(one, office.directory, office.today) for one in standing if one.kind != "snooze")
        line = internal_line(
            finding, rule, next_step=step, is_new=False, today=office.today, calendar=office.calendar, handled=said
        )
        return {
            "when": line.when,
            "state": line.state,
            "why": line.why,
            "clears": line.clears,
            "next_step": line.next_step,
            "source": line.source,
            "besides": line.besides,
        }

    def _named(self, alert: Alert, role: str) -> str:
        held = Holding(alert.worker, alert.team)
        found = self.office.directory.resolve(role, held, self.office.today, child=alert.child)
        return found.name if found.rung in ("person", "deputy") else ""

    def _waits_until(self, alert: Alert, ladder: Ladder, standing: Sequence[Handled], step: Step) -> datetime | None:
        held, directory = Holding(alert.worker, alert.team), self.office.directory
        until = [
            one.until
            for one in standing
            if one.until and holds_steps(step, ladder, [one], lambda h: rank_over(h.by, held, directory))
        ]
        return max(until, default=None)


_BARE: Final[dict[str, object]] = {
    "when": "",
    "state": "Its rule is no longer in the rulebook.",
    "why": "",
    "clears": "",
    "next_step": "",
    "source": "",
    "besides": (),
}


def team_name(directory: Directory, team: str | None) -> str:
    """A team as people call it."""
    found = directory.teams.get(team or "")
    return found.name if found else team or "no team"


def person_name(directory: Directory, id_: str | None) -> str:
    """A person, a team's inbox or duty as people call them."""
    if not id_:
        return "nobody"
    if id_ == "duty":
        return "Duty"
    if id_.startswith("team:"):
        return f"the inbox of {team_name(directory, id_.removeprefix('team:'))}"
    person = directory.people.get(id_)
    return person.name if person else id_


def open_alerts(session: Session, *where: object) -> list[Alert]:
    """The open alerts that anything further holds of, by id."""
    return list(session.scalars(select(Alert).where(Alert.state == "open", *where).order_by(Alert.id)))  # type: ignore[arg-type]
