"""Who is told of each open alert now, and what of it they have not been told yet. Read only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.alerts.handling import Handled, Office, answers_for, carried_by, in_force
from alertd.alerts.handlings import given_back
from alertd.alerts.handlings import handled as all_handled
from alertd.alerts.holding_back import quiet_for
from alertd.alerts.muting import SPOKEN_FOR
from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.tables import Alert, AlertEvent, Notice
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.outbox.deliver import Composer
from alertd.people.directory import Directory, Resolved
from alertd.rulebook.model import Rule, Rulebook

LOOKS_BACK = timedelta(days=14)
"""How long after an alert closed or came back somebody still hears of it: whoever has had no digest for longer asks."""


@dataclass(frozen=True, slots=True)
class Open:
    """What is read of one open alert before it is known whether anybody is told of it now."""

    id: int
    rule: str
    child: str
    record: str
    stage: str
    worker: str | None
    team: str | None
    household: str | None
    level: int = 0

    @property
    def holding(self) -> Holding:
        """Who has the child."""
        return Holding(self.worker, self.team)


@dataclass(frozen=True, slots=True)
class Waits:
    """One notice that is not yet told: whether at once, why, whether it is late, and whether a step of the
    ladder owes it."""

    id: int
    urgent: bool
    reason: str
    late: bool
    step: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """One open alert as it concerns one person: as which role, why they, and what waits.

    ``quiet`` says why they need not hear now, because somebody manages it or they asked not to; what waits goes
    on waiting then. ``handled`` is what stands of all that was said of it.
    """

    alert: Open
    rule: Rule
    role: str
    resolved: Resolved
    waits: tuple[Waits, ...]
    quiet: str = ""
    handled: tuple[Handled, ...] = ()
    back_at: datetime | None = None

    @property
    def handed_at(self) -> datetime | None:
        """When it was handed to this person, if it was, or came back to them."""
        if self.role != "worker":
            return None
        if answers_for(self.handled) is None:
            return self.back_at
        handed = [h.at for h in self.handled if h.kind == "hand_over" and h.to == self.resolved.person_id]
        return max(handed, default=None)

    @property
    def snoozed(self) -> bool:
        """Whether this person asked not to hear of it for now, and nothing is owed to them all the same."""
        return bool(self.quiet) and any(h.kind == "snooze" and h.by == self.resolved.person_id for h in self.handled)

    @property
    def at_once(self) -> tuple[Waits, ...]:
        """What does not wait for the digest. A date may have moved since the notice was written: what is no
        longer due does."""
        if self.quiet or self.alert.stage not in ("due", "overdue"):
            return ()
        return tuple(w for w in self.waits if w.urgent)

    @property
    def for_digest(self) -> tuple[Waits, ...]:
        """What the next digest tells."""
        now = self.at_once
        return () if self.quiet else tuple(w for w in self.waits if w not in now)


@dataclass(slots=True)
class Everybody:
    """Each person with all that concerns them, by person id. ``withheld`` are those who may hear that something
    about a restricted child waits, and no more."""

    alerts: Mapping[int, Open] = field(default_factory=dict)
    people: dict[str, Resolved] = field(default_factory=dict)
    told: dict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))
    withheld: list[Told] = field(default_factory=list)
    nobody: list[Told] = field(default_factory=list)


class Books:
    """The rule of an alert, in the rulebook its child is judged by, found quickly."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._rules: dict[tuple[str, str | None, bool], Rule | None] = {}

    def book(self, alert: Open) -> Rulebook:
        """The rulebook of the child's team; of what is about the whole feed, one that has the rule."""
        return self._book(alert.rule, alert.child, alert.record, alert.team)

    def rule(self, alert: Open) -> Rule | None:
        """Its rule; None where the rule was removed, until the next evaluation closes its alerts."""
        return self.of(alert.rule, alert.child, alert.record, alert.team)

    def of(self, rule: str, child: str, record: str, team: str | None) -> Rule | None:
        """The rule of that id by which a child of the team is judged."""
        key = (rule, team, (child, record) == WHOLE_FEED)
        if key not in self._rules:
            self._rules[key] = self._book(rule, child, record, team).rule(rule)
        return self._rules[key]

    def _book(self, rule: str, child: str, record: str, team: str | None) -> Rulebook:
        if (child, record) == WHOLE_FEED:
            return self._rulebook.having(rule)
        return self._rulebook.of_team(team)


def open_alerts(session: Session) -> dict[int, Open]:
    """All open alerts of which people may be told."""
    names = ("id", "rule", "child", "record", "stage", "worker", "team", "household", "level")
    columns: list[Any] = [getattr(Alert, name) for name in names]
    rows = session.execute(select(*columns).where(Alert.state == "open", Alert.muted == "").order_by(Alert.id))
    return {row[0]: Open(*row) for row in rows}


def who_is_told(session: Session, composer: Composer, now: datetime) -> Everybody:
    """Every open alert under each person told of it, by the roles the ladder has reached."""
    today = local_day(now)
    alerts, books = open_alerts(session), Books(composer.rulebook)
    found = Everybody(alerts)
    who = Who(composer.directory, today)
    said = {id_: in_force(handled, now) for id_, handled in all_handled(session).items()}
    back = given_back(session, now - LOOKS_BACK)
    office = Office(composer.directory, composer.calendar, now)
    for (alert_id, role), waits in _notices(session, alerts).items():
        alert, handled = alerts[alert_id], said.get(alert_id, ())
        rule = books.rule(alert)
        # What could not be told and can be now is the worker's, and no longer for whoever runs the feed.
        if rule is None or (role == "data_owner" and alert.stage != "unknown"):
            continue
        resolved = who.of(role, alert, answers_for(handled))
        step = any(w.step for w in waits)
        quiet = quiet_for(
            resolved.person_id, role, handled, owed_step=step, carrier=lambda one: carried_by(one, office)
        )
        told = Told(alert, rule, role, resolved, tuple(waits), quiet, handled, back.get(alert_id))
        if resolved.rung == "duty" and role != "duty":  # duty itself is somebody
            found.nobody.append(told)
        if resolved.without_details:
            found.withheld.append(told)
            continue
        found.people[resolved.person_id] = resolved
        found.told[resolved.person_id].append(told)
    return found


class Who:
    """Resolves each question once: thousands of alerts ask the same few."""

    def __init__(self, directory: Directory, today: date) -> None:
        self._directory, self._today = directory, today
        self._settled: dict[tuple[str, str | None, str | None, str | None], Resolved] = {}
        self._limited: dict[str, bool] = {}

    def of(self, role: str, alert: Open, instead: str | None) -> Resolved:
        """Who is told of the alert as that role."""
        worker = instead if instead and role == "worker" else alert.worker
        key = (role, worker, alert.team, alert.child if self._is_limited(alert.child) else None)
        if key not in self._settled:
            held = Holding(worker, alert.team)
            self._settled[key] = self._directory.resolve(role, held, self._today, child=alert.child)
        return self._settled[key]

    def _is_limited(self, child: str) -> bool:
        if (found := self._limited.get(child)) is None:
            found = self._limited[child] = self._directory.limited(child, self._today)
        return found


def _notices(session: Session, alerts: Mapping[int, Open]) -> dict[tuple[int, str], list[Waits]]:
    """What waits for each (alert, role) that was told or is to be told, in the order it came."""
    told = (
        select(Notice.alert_id, Notice.role)
        .join(Alert, Alert.id == Notice.alert_id)
        .where(Alert.state == "open", Alert.muted == "", Notice.composed_into.is_not(None))
        .distinct()
    )
    waiting = (
        select(
            Notice.alert_id,
            Notice.role,
            Notice.id,
            Notice.urgent,
            AlertEvent.reason,
            AlertEvent.late,
            Notice.reason.label("why"),
        )
        .join(AlertEvent, AlertEvent.id == Notice.event_id)
        .where(Notice.composed_into.is_(None), Notice.dropped.is_(None))
        .order_by(Notice.id)
    )
    found: dict[tuple[int, str], list[Waits]] = {}
    for alert_id, role in session.execute(told):
        found[alert_id, role] = []
    for alert_id, role, id_, urgent, reason, late, why in session.execute(waiting):
        if alert_id in alerts:
            waits = Waits(id_, urgent, reason, late, step=why.startswith("step ") and role != "worker")
            found.setdefault((alert_id, role), []).append(waits)
    return dict(sorted(found.items()))


def spoken_for(session: Session, composer: Composer) -> dict[tuple[str, str], set[str]]:
    """Titles of the open alerts that another speaks for, by (child, rule of the one that is told)."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    rows = session.execute(
        select(Alert.child, Alert.rule, Alert.team, Alert.muted).where(
            Alert.state == "open", Alert.muted.startswith(SPOKEN_FOR)
        )
    ).all()
    speaker = {(child, rule_id): muted.removeprefix(SPOKEN_FOR) for child, rule_id, _, muted in rows}
    for child, rule_id, team, muted in rows:
        rule = composer.rulebook.of_team(team).rule(rule_id)
        by, passed = muted.removeprefix(SPOKEN_FOR), {rule_id}
        while (child, by) in speaker and by not in passed:  # what is spoken for itself is not the one that is told
            passed.add(by)
            by = speaker[child, by]
        if rule:
            found[child, by].add(rule.title)
    return found


class Findings:
    """The findings of open alerts: all are read when the first is asked for, and none before."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: dict[int, dict[str, object]] | None = None

    def of(self, alert_id: int) -> Finding:
        """The latest finding of an open alert."""
        if self._found is None:
            rows = self._session.execute(select(Alert.id, Alert.finding).where(Alert.state == "open"))
            self._found = {row.id: row.finding for row in rows}
        return Finding.from_json(self._found[alert_id])


def unique(items: Iterable[int]) -> tuple[int, ...]:
    """Each once, in the order they came."""
    return tuple(dict.fromkeys(items))
