"""Everything that alertd keeps of one child, for whoever answers a request for access to it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from alertd.cases.kinds import KINDS
from alertd.cases.records import Record
from alertd.db.access_tables import AuditEntry, EmergencyAccess
from alertd.db.agenda_tables import AgendaEntry
from alertd.db.base import Base
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import (
    Alert,
    AlertEvent,
    CaseVersion,
    Delivery,
    DeliveryAlert,
    DeliveryEvent,
    DeliveryReceipt,
    FeedRun,
    Handling,
    Notice,
)
from alertd.intake.bodies import rejects_of, unpack
from alertd.intake.store import EVER
from alertd.outbox.operate import text_of

GONE: Final = "its words are no longer kept"


@dataclass(frozen=True, slots=True)
class Child:
    """A child by all the numbers it was ever known by. ``authorities`` are the codes of feeds that are of another
    authority, by name: their own number of the child stands behind that code."""

    numbers: frozenset[str]
    authorities: Mapping[str, str] = field(default_factory=dict)

    def called(self, feed: str) -> frozenset[str]:
        """What a feed calls the child."""
        code = self.authorities.get(feed, "")
        if not code:
            return self.numbers
        return frozenset(one.removeprefix(f"{code}/") for one in self.numbers if one.startswith(f"{code}/"))


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a child, as plain JSON values. ``messages`` are those that told of the child or were sent to an
    agency about it, with how many other children each tells of."""

    cases: list[dict[str, Any]]
    unread: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    notifications: list[dict[str, Any]]
    emergency_access: list[dict[str, Any]]
    agenda: list[dict[str, Any]]
    audit: list[dict[str, Any]]

    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {name: len(getattr(self, name)) for name in self.__slots__}


def gather(session: Session, child: Child) -> Kept:
    """Read all of it, in one transaction."""
    alerts = list(session.scalars(select(Alert).where(Alert.child.in_(child.numbers)).order_by(Alert.id)))
    ids = [one.id for one in alerts]
    notifications = list(_of(session, Notification, Notification.alert_id, ids))
    about = select(EmergencyAccess).where(EmergencyAccess.child.in_(child.numbers)).order_by(EmergencyAccess.id)
    return Kept(
        cases=list(_cases(session, child)),
        unread=list(_unread(session, child)),
        alerts=[_alert(session, one) for one in alerts],
        messages=list(_messages(session, child, ids, notifications)),
        notifications=[
            {**_row(one), "events": _rows(session, NotificationEvent, NotificationEvent.notification_id, [one.id])}
            for one in notifications
        ],
        emergency_access=[_row(one) for one in session.scalars(about)],
        agenda=[_row(one) for one in session.scalars(_agenda(child))],
        audit=list(_audit(session, child.numbers)),
    )


def _agenda(child: Child) -> Select[Any]:
    return select(AgendaEntry).where(AgendaEntry.child.in_(child.numbers)).order_by(AgendaEntry.child)


def _cases(session: Session, child: Child) -> Iterator[dict[str, Any]]:
    """Each version of the case file, with the reading it came with, the oldest first."""
    accepted = select(CaseVersion, FeedRun).join(FeedRun, FeedRun.id == CaseVersion.run_id)
    accepted = accepted.where(FeedRun.outcome == "accepted").order_by(CaseVersion.feed, CaseVersion.id)
    for feed in session.scalars(select(CaseVersion.feed).distinct().order_by(CaseVersion.feed)).all():
        called = child.called(feed)
        these = accepted.where(CaseVersion.feed == feed, CaseVersion.child.in_(called))
        for version, run in session.execute(these):
            said: dict[str, Any] = {"feed": feed, "number": version.child, "since": run.at.isoformat()}
            if version.body is None:
                yield {**said, "gone": True, "records": [], "not_read": []}
                continue
            case = unpack(version.child, version.body, EVER)
            yield {
                **said,
                "gone": False,
                "records": [_record(one) for one in case.records],
                "not_read": [asdict(one) for one in rejects_of(version.body)],
            }


def _record(record: Record) -> dict[str, Any]:
    kind = KINDS.get(record.kind)
    return {
        "kind": record.kind,
        "title": kind.title if kind else record.kind,
        "key": record.key,
        "where": record.where,
        "values": {name: _plain(value) for name, value in record.values.items()},
        "in_doubt": [f"{one.field} {one.why}" for one in record.doubts],
    }


def _unread(session: Session, child: Child) -> Iterator[dict[str, Any]]:
    """Readings of a feed that could make no case file of the child, with why."""
    runs = session.execute(select(FeedRun.feed, FeedRun.at, FeedRun.said).order_by(FeedRun.id)).yield_per(100)
    for feed, at, said in runs:
        for number, why in said.get("unread", {}).items():
            if number in child.called(feed):
                yield {"feed": feed, "number": number, "at": at.isoformat(), "why": why}


def _alert(session: Session, alert: Alert) -> dict[str, Any]:
    ids = [alert.id]
    return {
        **_row(alert),
        "events": _rows(session, AlertEvent, AlertEvent.alert_id, ids),
        "said": _rows(session, Handling, Handling.alert_id, ids),
        "promised": _rows(session, Notice, Notice.alert_id, ids),
        "told": _rows(session, DeliveryAlert, DeliveryAlert.alert_id, ids),
    }


def _messages(
    session: Session, child: Child, alerts: Collection[int], notifications: Collection[Notification]
) -> Iterator[dict[str, Any]]:
    ids = {one.delivery_id for one in notifications if one.delivery_id}
    for column, by in ((DeliveryAlert.delivery_id, DeliveryAlert.alert_id), (Notice.composed_into, Notice.alert_id)):
        for some in _chunks(alerts):
            ids.update(id_ for id_ in session.scalars(select(column).where(by.in_(some))) if id_)
    for one in _of(session, Delivery, Delivery.id, sorted(ids)):
        others = _children_of(session, one.id) - child.numbers
        yield {
            **_row(one, without=("message", "token", "lease_until")),
            "text": text_of(one.message) if one.message else GONE,
            "other_children": sorted(others),
            "events": _rows(session, DeliveryEvent, DeliveryEvent.delivery_id, [one.id]),
            "receipts": _rows(session, DeliveryReceipt, DeliveryReceipt.delivery_id, [one.id]),
        }


def _children_of(session: Session, delivery: str) -> set[str]:
    """The children of whom a message tells."""
    told = select(DeliveryAlert.alert_id).where(DeliveryAlert.delivery_id == delivery)
    promised = select(Notice.alert_id).where(Notice.composed_into == delivery)
    return set(session.scalars(select(Alert.child).where(or_(Alert.id.in_(told), Alert.id.in_(promised)))))


def _audit(session: Session, numbers: Collection[str]) -> Iterator[dict[str, Any]]:
    """Who looked. Of a list that showed several children, how many they were and not which."""
    for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id)).yield_per(1000):
        shown = row.detail.get("children", ())
        if row.child in numbers or any(one in numbers for one in shown):
            listed = {"children": len(shown)} if shown else {}
            yield {**_row(row, without=("before", "digest")), "detail": {**row.detail, **listed}}


def _of(session: Session, table: type[Any], column: Any, keys: Collection[Any]) -> Iterator[Any]:
    for some in _chunks(keys):
        yield from session.scalars(_in_order(table).where(column.in_(some)))


def _rows(session: Session, table: type[Any], column: Any, keys: Collection[Any]) -> list[dict[str, Any]]:
    return [_row(one) for one in _of(session, table, column, keys)]


def _in_order(table: type[Any]) -> Select[Any]:
    return select(table).order_by(table.created_at if hasattr(table, "created_at") else table.id, table.id)


def _chunks(keys: Collection[Any], of: int = 500) -> Iterator[list[Any]]:
    every = list(keys)
    for at in range(0, len(every), of):
        yield every[at : at + of]


def _row(row: Base, without: Collection[str] = ()) -> dict[str, Any]:
    """A row as plain JSON values."""
    return {c.key: _plain(getattr(row, c.key)) for c in row.__table__.columns if c.key not in without}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
