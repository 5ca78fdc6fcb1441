"""A child's page: clocks with their dates and working, what is open, who was told what, and the whole story."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from alertd.alerts.handling import Handled, Office, answers_for, carried_by, in_force, rank_over
from alertd.alerts.handlings import said_of
from alertd.alerts.planned import next_planned
from alertd.cases.holding import Holding
from alertd.db.tables import Alert, AlertEvent, Delivery, DeliveryAlert
from alertd.engine.findings import Finding
from alertd.people.directory import role_words
from alertd.routing.words import day_words
from alertd.rulebook.model import Rulebook
from alertd.views.alerts import Row, Shelf, person_name


@dataclass(frozen=True, slots=True)
class Date:
    """One of a clock's three dates. ``binds``: it is the one that counts."""

    name: str
    day: date | datetime | None
    binds: bool


@dataclass(frozen=True, slots=True)
class Event:
    """A change of an alert, in words."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Told:
    """A message that told somebody: when, whom, as what and why they, by which channel, and what became of it."""

    at: datetime
    person: str
    name: str
    role: str
    how: str
    kind: str
    channel: str
    state: str
    reason: str
    delivery: str


@dataclass(frozen=True, slots=True)
class SaidOf:
    """What somebody said of an alert. ``reason`` is theirs, and goes into no mail."""

    id: int
    kind: str
    at: datetime
    by: str
    name: str
    reason: str
    until: datetime | None
    to: str
    ended: str
    carried_by: str


@dataclass(frozen=True, slots=True)
class Step:
    """The next step of the ladder: when, whom it would tell today, and what holds it back."""

    number: int
    of: str
    at: datetime
    tells: tuple[tuple[str, str, str], ...]
    """(role, name, why they)"""
    held: str


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One alert whole."""

    row: Row
    rule_why: str
    law: str
    law_url: str
    start: date | datetime | None
    counted_from: str
    limit: str
    met: date | datetime | None
    met_by: str
    dates: tuple[Date, ...]
    evidence: tuple[str, ...]
    history: tuple[Event, ...]
    told: tuple[Told, ...]
    said: tuple[SaidOf, ...]
    standing: tuple[Handled, ...]
    step: Step | None


def alerts_of(
    session: Session, child: str, rulebook: Rulebook, office: Office
) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The child's open alerts, the most pressing first, and those that are closed, the latest first."""
    found = Shelf(session, rulebook, office).rows(session.scalars(select(Alert).where(Alert.child == child)))
    is_open = sorted((row for row in found if row.is_open), key=lambda row: row.pressing)
    closed = sorted((row for row in found if not row.is_open), key=lambda row: row.changed_at, reverse=True)
    return tuple(is_open), tuple(closed)


def alert_page(session: Session, alert: Alert, rulebook: Rulebook, office: Office) -> AlertPage:
    """Everything that is known of one alert."""
    shelf, finding = Shelf(session, rulebook, office), Finding.from_json(alert.finding)
    said = said_of(session, alert.id)
    standing = in_force(said, office.now)
    rule = shelf.book(alert).rule(alert.rule)
    events = session.scalars(select(AlertEvent).where(AlertEvent.alert_id == alert.id).order_by(AlertEvent.id))
    return AlertPage(
        row=shelf.row(alert, standing),
        rule_why=rule.why if rule else "",
        law=rule.law.cite if rule else "",
        law_url=rule.law.url or "" if rule else "",
        start=finding.start,
        counted_from=finding.counted_from or finding.where,
        limit=finding.limit,
        met=finding.met,
        met_by=finding.met_by,
        dates=tuple(
            Date(name, getattr(finding, name), finding.binding == name) for name in ("statutory", "local", "plan")
        ),
        evidence=finding.evidence,
        history=tuple(Event(event.at, _change(event)) for event in events),
        told=tuple(_told(session, alert.id, office)),
        said=tuple(_said(one, office) for one in said),
        standing=standing,
        step=_step(shelf, alert, finding, standing),
    )


def told_about(session: Session, child: str, office: Office) -> tuple[Told, ...]:
    """Every message that told of any alert about a child, the latest first."""
    ids = select(Alert.id).where(Alert.child == child)
    rows = session.execute(
        _messages().where(DeliveryAlert.alert_id.in_(ids)).order_by(Delivery.created_at.desc(), DeliveryAlert.id)
    )
    return tuple(_message(sent, about, office) for sent, about in rows)


_CHANGES = {
    "new": "It began",
    "reopened": "It is open again",
    "unmuted": "People are told of it from now on",
    "cause": "It cannot be told, for another reason",
    "escalated": "Passed up",
    "date_moved": "The date moved",
    "rule_changed": "It is counted differently now",
    "reminder": "People were reminded",
    "nobody_reached": "Nobody was reached with it",
    "stage": "It became",
    "met": "Done in time",
    "met_late": "Done, after the date",
    "met_recorded_late": "Was done in time, recorded later",
    "withdrawn": "It no longer applies",
    "source_removed": "Its record is gone from the case system",
    "handed_over": "Handed over",
    "owner": "Another worker has the child",
}


def _change(event: AlertEvent) -> str:
    words = _CHANGES.get(event.reason, event.reason.replace("_", " "))
    if event.reason in ("stage", "new", "reopened"):
        words = f"{words}: {event.to_stage}" if event.reason != "stage" else f"{words} {event.to_stage}"
    if event.reason == "escalated":
        words = f"{words} (step {event.level})"
    return f"{words}, told late" if event.late else words


def _messages() -> Select[Delivery, DeliveryAlert]:
    return select(Delivery, DeliveryAlert).join(DeliveryAlert, DeliveryAlert.delivery_id == Delivery.id)


def _told(session: Session, alert_id: int, office: Office) -> Iterator[Told]:
    rows = session.execute(
        _messages().where(DeliveryAlert.alert_id == alert_id).order_by(Delivery.created_at, DeliveryAlert.id)
    )
    for sent, about in rows:
        yield _message(sent, about, office)


def _message(sent: Delivery, about: DeliveryAlert, office: Office) -> Told:
    return Told(
        at=sent.created_at,
        person=sent.person,
        name=person_name(office.directory, sent.person),
        role=role_words(about.role),
        how=about.how,
        kind=about.kind,
        channel=sent.channel,
        state=sent.state.replace("_", " "),
        reason=sent.reason,
        delivery=sent.id,
    )


def _said(one: Handled, office: Office) -> SaidOf:
    directory = office.directory
    carrier = "" if one.ended_why else carried_by(one, office)
    return SaidOf(
        id=one.id,
        kind=one.kind.replace("_", " "),
        at=one.at,
        by=one.by,
        name=person_name(directory, one.by),
        reason=one.reason,
        until=one.until,
        to=person_name(directory, one.to) if one.to else "",
        ended=f"{one.ended_why}, {day_words(one.ended_at, office.today)}" if one.ended_at else "",
        carried_by=person_name(directory, carrier) if carrier and carrier != one.by else "",
    )


def _step(shelf: Shelf, alert: Alert, finding: Finding, standing: tuple[Handled, ...]) -> Step | None:
    book, office = shelf.book(alert), shelf.office
    rule = book.rule(alert.rule)
    if rule is None or alert.state != "open":
        return None
    directory, held = office.directory, Holding(alert.worker, alert.team)
    ladder = book.ladders[rule.escalate]
    planned = next_planned(
        finding, alert.level, ladder, office.calendar, standing, lambda one: rank_over(one.by, held, directory)
    )
    if planned is None:
        return None
    answering = Holding(answers_for(standing) or alert.worker, alert.team)
    tells = []
    for role in planned.tells:
        asked = answering if role == "worker" else held
        who = directory.resolve(role, asked, office.today, child=alert.child)
        tells.append((role_words(role), who.name, who.how))
    return Step(planned.number, rule.escalate, planned.at, tuple(tells), planned.held)
