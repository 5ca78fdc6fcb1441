"""What each person has had: the latest digest, the urgent messages of today, and what closed since they were told."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd.calendars.clock import begin_of
from alertd.db.tables import Alert, Delivery, DeliveryAlert


def last_digests(session: Session) -> dict[str, tuple[date, datetime]]:
    """The day and moment of each person's latest digest; one that was taken back does not count."""
    rows = session.execute(
        select(Delivery.person, func.max(Delivery.digest_for), func.max(Delivery.created_at))
        .where(func.length(Delivery.digest_for) == len("2026-11-26"), Delivery.state != "cancelled")
        .group_by(Delivery.person)
    )
    return {person: (date.fromisoformat(str(day)), at) for person, day, at in rows}


def urgent_today(session: Session, today: date) -> dict[str, tuple[int, datetime]]:
    """How many urgent messages each person has had today, and when the last was made."""
    rows = session.execute(
        select(Delivery.person, func.count(), func.max(Delivery.created_at))
        .where(Delivery.urgent, Delivery.digest_for.is_(None), Delivery.state != "cancelled")
        .where(Delivery.created_at >= begin_of(today))
        .group_by(Delivery.person)
    )
    return {person: (n, at) for person, n, at in rows}


@dataclass(frozen=True, slots=True)
class Clear:
    """One closed alert that somebody was told of, and as which role."""

    alert_id: int
    at: datetime
    role: str


def cleared_since(session: Session, since: datetime) -> dict[str, list[Clear]]:
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
    found: dict[str, list[Clear]] = defaultdict(list)
    for person, alert_id, at, role in rows:
        found[person].append(Clear(alert_id, at, role))
    return found
