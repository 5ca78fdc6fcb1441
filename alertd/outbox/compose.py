"""From notices to deliveries: the one message that tells each person what they are to hear now.

``plan`` decides and reads only; ``compose`` writes what was planned. Urgent notices go at once, the rest
in each person's digest when it is due. A notice is settled in the same transaction that creates its
delivery, so it is told once or still waiting.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from alertd.calendars.clock import begin_of
from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.tables import Alert, Delivery, DeliveryAlert, Notice
from alertd.engine.findings import Finding
from alertd.errors import InputError
from alertd.outbox.deliver import About, Composer, deliver, tell_once_a_day, tell_operator
from alertd.outbox.waiting import Books, Everybody, Findings, Told, spoken_for, unique, who_is_told
from alertd.people.directory import LINE, Directory, Resolved
from alertd.routing.digest import SUBSCRIBER, compose_digest, compose_urgent, digest_is_due
from alertd.routing.mails import ClearedItem, DigestItem
from alertd.routing.next_step import next_step
from alertd.routing.render import Rendered, render_digest, render_urgent

URGENT_AT_ONCE = 3
"""More urgent alerts than this for one person at one time go as one message, not as many."""

LOOKS_BACK = timedelta(days=14)
"""How long after an alert closed somebody still hears of it: whoever has had no digest for longer asks."""

BETWEEN_SUMMARIES = timedelta(hours=1)
"""Once somebody has had their most of one day, what is urgent goes together and not more often than this."""


@dataclass(slots=True)
class Composed:
    """How many messages were made, and those that could not be, each with its reason and who must do what.

    ``nobody`` counts what fell to the duty address, by why; ``over`` those who had more urgent messages in
    one day than anybody reads.
    """

    urgent: int = 0
    digests: int = 0
    dropped: int = 0
    held: list[str] = field(default_factory=list)
    nobody: Counter[str] = field(default_factory=Counter, compare=False)
    over: dict[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Planned:
    """One message to be made: for whom, its words, the notices it settles and the alerts it tells of."""

    person: Resolved
    mail: Rendered
    notices: tuple[int, ...]
    about: tuple[About, ...]
    urgent: bool
    digest_for: str | None = None


@dataclass(slots=True)
class Plan:
    """All messages to be made now, and what cannot be told: see :class:`Composed`."""

    messages: list[Planned] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    nobody: Counter[str] = field(default_factory=Counter)
    over: dict[str, int] = field(default_factory=dict)


def compose(session: Session, composer: Composer, now: datetime) -> Composed:
    """Turn what waits into deliveries, in the session's transaction. Nothing is sent here."""
    done = Composed(dropped=_drop_closed(session))
    planned = plan(session, composer, now)
    done.held, done.nobody, done.over = planned.held, planned.nobody, planned.over
    for one in planned.messages:
        try:
            deliver(
                session,
                composer,
                one.person,
                one.mail,
                now,
                notices=one.notices,
                about=one.about,
                urgent=one.urgent,
                digest_for=one.digest_for,
            )
        except InputError as error:
            done.held.append(f"{one.person.person_id}: {error}")
            continue
        done.urgent += one.urgent
        done.digests += not one.urgent
    _tell_of_load(session, composer, now, planned.over)
    _tell_of_nobody(session, composer, now, planned.nobody)
    return done


def plan(session: Session, composer: Composer, now: datetime) -> Plan:
    """What would be told now, to whom; reads only."""
    return _Planning(session, composer, now).everything()


def _drop_closed(session: Session) -> int:
    """Settle notices of alerts that closed before anybody was told: there is nothing left to do."""
    closed = select(Alert.id).where(Alert.state == "closed")
    waiting = Notice.composed_into.is_(None) & Notice.dropped.is_(None)
    dropped = update(Notice).where(waiting, Notice.alert_id.in_(closed)).values(dropped="the alert closed first")
    return session.connection().execute(dropped).rowcount


class _Planning:
    """One look at everything that is open: what is read once is kept for all messages."""

    def __init__(self, session: Session, composer: Composer, now: datetime) -> None:
        self.session, self.composer, self.now, self.today = session, composer, now, local_day(now)
        self.everybody: Everybody = who_is_told(session, composer, self.today)
        self.findings = Findings(session)
        self.books = Books(composer.rulebook)
        self.last = _last_digests(session)
        self.had = _urgent_today(session, self.today)
        self.cleared = _cleared(session, now - LOOKS_BACK)
        self._speaks_for: Mapping[tuple[str, str], set[str]] | None = None
        self.plan = Plan()

    def everything(self) -> Plan:
        """Every person's messages. One that cannot be made holds up no other."""
        for person_id in sorted(self.everybody.told.keys() | self.cleared.keys()):
            person = self.everybody.people.get(person_id) or self._was_told(person_id)
            if person is not None:
                told = self.everybody.told.get(person_id, [])
                self._holding_up_nobody(person, self._urgent, told)
                self._holding_up_nobody(person, self._digest, told)
        for told_of in self.everybody.withheld:
            name = told_of.resolved.person_id
            self.plan.held.append(f"{name}: {told_of.resolved.how}: name in restrictions.csv who may hear of the child")
        for fell in self.everybody.nobody:
            self.plan.nobody[fell.resolved.how] += 1
        return self.plan

    def _was_told(self, person_id: str) -> Resolved | None:
        """Somebody of whom nothing is open now and who was told of what has closed; None where they are not here."""
        directory, how = self.composer.directory, "you were told of it"
        person, team = directory.people.get(person_id), directory.teams.get(person_id.removeprefix("team:"))
        if person is not None and person.address and person.absence(self.today) is None:
            return Resolved(person.id, person.name, person.address, how, language=person.language)
        if person_id.startswith("team:") and team is not None and team.inbox:
            return Resolved(person_id, team.name, team.inbox, how, "inbox")
        return None

    def _holding_up_nobody(
        self, person: Resolved, make: Callable[[Resolved, Sequence[Told]], None], told: Sequence[Told]
    ) -> None:
        try:
            make(person, told)
        except InputError as error:
            self.plan.held.append(f"{person.person_id}: {error}")

    def _urgent(self, person: Resolved, told: Sequence[Told]) -> None:
        """One message for each urgent alert, or one for all where there are many or have been many today."""
        waiting: dict[int, list[Told]] = defaultdict(list)
        for one in sorted(told, key=lambda t: t.role != "worker"):  # told as two roles, they are told once
            if one.at_once:
                waiting[one.alert.id].append(one)
        if not waiting:
            return
        had, last = self.had.get(person.person_id, (0, None))
        over = had + len(waiting) > self.composer.most_urgent
        if over:
            self.plan.over[person.person_id] = had + len(waiting)
            if had > self.composer.most_urgent and last is not None and self.now - last < BETWEEN_SUMMARIES:
                return
        if over or len(waiting) > URGENT_AT_ONCE:
            items = [self._item(ones[0], at_once=True) for ones in waiting.values()]
            common = {"today": self.today, "calendar": self.composer.calendar, "directory": self.composer.directory}
            mail = render_digest(compose_digest(items, **common))  # type: ignore[arg-type]
            self._add(person, mail, [t for ones in waiting.values() for t in ones], urgent=True)
            return
        for ones in waiting.values():
            self._holding_up_nobody(person, self._one_urgent, ones)

    def _one_urgent(self, person: Resolved, ones: Sequence[Told]) -> None:
        item = self._item(ones[0], at_once=True)
        urgent = compose_urgent(item, today=self.today, calendar=self.composer.calendar)
        self._add(person, render_urgent(urgent), ones, urgent=True)

    def _digest(self, person: Resolved, told: Sequence[Told]) -> None:
        last, last_at = self.last.get(person.person_id, (None, None))
        cleared = [c for c in self.cleared.get(person.person_id, ()) if last_at is None or c.at > last_at]
        told_by_ladder = [c for c in cleared if c.role != "worker"]
        at, closed = _hours(self.composer, person)
        is_due, _ = digest_is_due(
            self.now,
            at=at,
            calendar=self.composer.calendar,
            last=last,
            waiting=sum(len(t.for_digest) for t in told) + len(told_by_ladder),
            overdue=sum(t.alert.stage == "overdue" for t in told),
            closed=closed,
        )
        if not is_due:
            return
        digest = compose_digest(
            [self._item(t) for t in told],
            today=self.today,
            calendar=self.composer.calendar,
            directory=self.composer.directory,
            cleared=[item for c in cleared if (item := self._all_clear(c.alert_id))],
            load=_load(self.composer.directory, person, self.everybody),
        )
        clears = [About(c.alert_id, "clear", c.role, "told of it before") for c in cleared]
        self._add(person, render_digest(digest), told, digest_for=self.today.isoformat(), clears=clears)

    def _add(
        self,
        person: Resolved,
        mail: Rendered,
        told: Iterable[Told],
        *,
        urgent: bool = False,
        digest_for: str | None = None,
        clears: Iterable[About] = (),
    ) -> None:
        told = list(told)
        notices = unique(w.id for t in told for w in (t.at_once if urgent else t.for_digest))
        about = [About(t.alert.id, _kind(t.role), t.role, t.resolved.how) for t in told]
        self.plan.messages.append(Planned(person, mail, notices, (*about, *clears), urgent, digest_for))

    def _item(self, told: Told, *, at_once: bool = False) -> DigestItem:
        if self._speaks_for is None:
            self._speaks_for = spoken_for(self.session, self.composer)
        alert, finding = told.alert, self.findings.of(told.alert.id)
        waits = told.at_once if at_once else told.for_digest
        step = next_step(finding, told.rule, self.books.book(alert), self.composer.calendar, self.today)
        return DigestItem(
            alert.id,
            finding,
            told.rule,
            alert.holding,
            told.role,
            told.resolved.how,
            is_new=bool(waits),
            next_step=step,
            late=any(w.late for w in waits),
            stands_for=tuple(sorted(self._speaks_for.get((alert.child, alert.rule), ()))),
            household=alert.household,
            change=waits[0].reason if waits else "",
        )

    def _all_clear(self, alert_id: int) -> ClearedItem | None:
        alert = self.session.get_one(Alert, alert_id)
        rule = self.books.of(alert.rule, alert.child, alert.record, alert.team)
        return ClearedItem(Finding.from_json(alert.finding), rule, alert.closed_as) if rule else None  # type: ignore[arg-type]


def _kind(role: str) -> str:
    return "subscribed" if role == SUBSCRIBER else "told"


def _hours(composer: Composer, person: Resolved) -> tuple[time, frozenset[date]]:
    """From which time of day somebody reads a digest, and on which further days nobody of the team does."""
    directory = composer.directory
    found = directory.people.get(person.person_id)
    team = directory.teams.get((found.team if found else person.person_id.removeprefix("team:")) or "")
    if team is None:
        return composer.digest_at, frozenset()
    return max(composer.digest_at, team.hours[0] if team.hours else composer.digest_at), team.closed


def _last_digests(session: Session) -> dict[str, tuple[date, datetime]]:
    """The day and moment of each person's latest digest; one that was taken back does not count."""
    rows = session.execute(
        select(Delivery.person, func.max(Delivery.digest_for), func.max(Delivery.created_at))
        .where(func.length(Delivery.digest_for) == len("2026-11-26"), Delivery.state != "cancelled")
        .group_by(Delivery.person)
    )
    return {person: (date.fromisoformat(str(day)), at) for person, day, at in rows}


def _urgent_today(session: Session, today: date) -> dict[str, tuple[int, datetime]]:
    """How many urgent messages each person has had today, and when the last was made."""
    rows = session.execute(
        select(Delivery.person, func.count(), func.max(Delivery.created_at))
        .where(Delivery.urgent, Delivery.digest_for.is_(None), Delivery.state != "cancelled")
        .where(Delivery.created_at >= begin_of(today))
        .group_by(Delivery.person)
    )
    return {person: (n, at) for person, n, at in rows}


@dataclass(frozen=True, slots=True)
class _Clear:
    """One closed alert that somebody was told of, and as which role."""

    alert_id: int
    at: datetime
    role: str


def _cleared(session: Session, since: datetime) -> dict[str, list[_Clear]]:
    """By person, the alerts they were told of that closed after a moment."""
    rows = session.execute(
        select(Delivery.person, Alert.id, Alert.changed_at, func.min(DeliveryAlert.role))
        .join(DeliveryAlert, DeliveryAlert.alert_id == Alert.id)
        .join(Delivery, Delivery.id == DeliveryAlert.delivery_id)
        .where(Delivery.state != "cancelled", DeliveryAlert.kind != "clear")
        .where(Alert.state == "closed", Alert.changed_at > since)
        .group_by(Delivery.person, Alert.id, Alert.changed_at)
        .order_by(Alert.id)
    )
    found: dict[str, list[_Clear]] = defaultdict(list)
    for person, alert_id, at, role in rows:
        found[person].append(_Clear(alert_id, at, role))
    return found


def _load(directory: Directory, person: Resolved, everybody: Everybody) -> list[tuple[Holding, str]]:
    """(who holds, stage) of every open alert in the teams a manager answers for; nothing for others."""
    manager = directory.people.get(person.person_id)
    if manager is None or not set(manager.roles) & set(LINE) or manager.team is None:
        return []
    under = directory.teams_under(manager.team)
    alerts = {t.alert.id: t.alert for told in everybody.told.values() for t in told}
    return [(a.holding, a.stage) for a in alerts.values() if directory.team_of(a.holding) in under]


def _tell_of_load(session: Session, composer: Composer, now: datetime, over: Mapping[str, int]) -> None:
    """Tell a manager, once a day, whose urgent messages are more than anybody reads."""
    for person_id, n in over.items():
        person = composer.directory.people.get(person_id)
        if person is None:
            continue
        manager = composer.directory.resolve("team_manager", Holding(person_id, person.team), local_day(now))
        lines = [
            f"{person.name} has {n} urgent alerts today, more than the {composer.most_urgent} that go one by one.",
            "From now on today they come together, at most once an hour. See who can help.",
        ]
        subject = f"{n} urgent alerts in one day · {person.name}"
        tell_once_a_day(session, composer, manager, now, about=f"load:{person_id}", subject=subject, lines=lines)


def _tell_of_nobody(session: Session, composer: Composer, now: datetime, nobody: Counter[str]) -> None:
    """Tell whoever runs alertd, once a day, for which alerts only the duty address was left."""
    if not nobody:
        return
    lines = [
        f"For {nobody.total()} alerts nobody could be found but the duty address. Mend the staff files:",
        *(f"{n} × {why.removeprefix('duty address: ')}" for why, n in nobody.most_common(20)),
        "alertd people check says what is missing and where.",
    ]
    tell_operator(
        session, composer, now, about="nobody", subject="alertd found nobody to tell of some alerts", lines=lines
    )
