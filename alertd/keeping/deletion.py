"""Deleting what has been kept long enough: in small transactions, each with its own entry in the audit.

What changed since it was looked for is looked at again in the transaction that deletes it, and the database's own
foreign keys stand behind that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine, delete, exists, select, text, update
from sqlalchemy.orm import Session

from alertd.audit.chain import record
from alertd.cases.records import local_day
from alertd.db.access_tables import SignIn
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import (
    Alert,
    AlertEvent,
    CaseVersion,
    Delivery,
    DeliveryAlert,
    DeliveryEvent,
    DeliveryReceipt,
    Handling,
    Notice,
)
from alertd.keeping.retention import ENDED, KINDS, SETTLED, Old, Plan, Policy, ended_alert, ended_handling, over

AT_ONCE: Final = 200
"""Rows of a kind in one transaction: whoever sends waits for none."""


def delete_old(engine: Engine, plan: Plan, policy: Policy, now: datetime, *, by: str) -> dict[str, int]:
    """Delete what was planned; how many of each kind. What is done is done, should it be stopped half-way."""
    done = dict.fromkeys(KINDS, 0)
    for kind in KINDS:
        for some in _batches(kind, plan.old[kind]):
            with Session(engine) as session, session.begin():
                if engine.dialect.name == "sqlite":
                    session.execute(text("PRAGMA secure_delete=ON"))  # or what is deleted can still be read in the file
                gone = _DELETE[kind](session, list(some), policy.until[kind])
                if gone:
                    years = Counter(str(local_day(some[id_]).year) for id_ in gone)
                    detail = {"kind": kind, "years": dict(sorted(years.items()))}
                    record(session, now, by=by, what="deleted as old", detail=detail)
                done[kind] += len(gone)
    return done


def _batches(kind: str, old: Old) -> Iterator[Old]:
    """The oldest first: a version of a case before the one that took its place, what stands in before its first."""
    rows = sorted(old.items(), key=lambda row: (row[0] if kind == "case_versions" else 0, row[1]))
    for at in range(0, len(rows), AT_ONCE):
        yield dict(rows[at : at + AT_ONCE])


def _still(session: Session, column: Any, ids: list[Any], *holds: Any) -> list[Any]:
    """Those of which it still holds, and which nobody can change until the transaction ends."""
    return list(session.scalars(select(column).where(column.in_(ids), *holds).with_for_update()))


def _case_versions(session: Session, ids: list[Any], _: datetime) -> list[Any]:
    session.execute(delete(CaseVersion).where(CaseVersion.id.in_(ids)))
    return ids


def _notifications(session: Session, ids: list[Any], _: datetime) -> list[Any]:
    gone = _still(session, Notification.id, ids, Notification.state.in_(SETTLED))
    session.execute(delete(NotificationEvent).where(NotificationEvent.notification_id.in_(gone)))
    session.execute(delete(Notification).where(Notification.id.in_(gone)))
    return gone


def _handlings(session: Session, ids: list[Any], until: datetime) -> list[Any]:
    gone = _still(session, Handling.id, ids, ended_handling(until))
    session.execute(delete(Handling).where(Handling.id.in_(gone)))
    return gone


def _alerts(session: Session, ids: list[Any], until: datetime) -> list[Any]:
    needed = (exists().where(table.alert_id == Alert.id) for table in (Handling, Notification))
    gone = _still(session, Alert.id, ids, ended_alert(until), *(~one for one in needed))
    for table in (Notice, DeliveryAlert, AlertEvent):
        session.execute(delete(table).where(table.alert_id.in_(gone)))
    session.execute(delete(Alert).where(Alert.id.in_(gone)))
    return gone


def _messages(session: Session, ids: list[Any], _: datetime) -> list[Any]:
    gone = _still(session, Delivery.id, ids, Delivery.state.in_(ENDED))
    session.execute(update(Delivery).where(Delivery.id.in_(gone)).values(message=b""))
    return gone


def _deliveries(session: Session, ids: list[Any], _: datetime) -> list[Any]:
    needed = (
        exists().where(Notice.composed_into == Delivery.id),
        exists().where(Notification.delivery_id == Delivery.id),
    )
    gone = _still(session, Delivery.id, ids, Delivery.state.in_(ENDED), *(~one for one in needed))
    session.execute(update(Delivery).where(Delivery.stands_in_for.in_(gone)).values(stands_in_for=None))  # they go too
    for table in (DeliveryAlert, DeliveryReceipt, DeliveryEvent):
        session.execute(delete(table).where(table.delivery_id.in_(gone)))
    session.execute(delete(Delivery).where(Delivery.id.in_(gone)))
    return gone


def _sessions(session: Session, ids: list[Any], until: datetime) -> list[Any]:
    gone = _still(session, SignIn.id, ids, over(until))
    session.execute(delete(SignIn).where(SignIn.id.in_(gone)))
    return gone


_DELETE: Final[dict[str, Callable[[Session, list[Any], datetime], list[Any]]]] = {
    "case_versions": _case_versions,
    "notifications": _notifications,
    "handlings": _handlings,
    "alerts": _alerts,
    "messages": _messages,
    "deliveries": _deliveries,
    "sessions": _sessions,
}
