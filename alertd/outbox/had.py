"""What each person has had: the latest digest, the urgent messages of today, and what closed since they were told."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from alertd.calendars.clock import begin_of
from alertd.db.tables import Alert, Delivery, DeliveryAlert
from alertd.outbox.deliver import EMAIL


def last_digests(session: Session, since: date, today: date) -> dict[str, tuple[date, datetime]]:
    """The day and moment of each person's latest digest of these days by e-mail; one that was taken back does not
    count. What somebody asked for by another channel is no digest of what is theirs.

    Nor does one of a day to come, made before a clock was set back: it would keep today's from being made.
    """
    rows = session.execute(
        select(Delivery.person, func.max(Delivery.digest_for), func.max(Delivery.created_at))
        .where(Delivery.channel == EMAIL, Delivery.state != "cancelled")
        .where(func.length(Delivery.digest_for) == len("2026-11-26"))
        .where(Delivery.digest_for.between(since.isoformat(), today.isoformat()))
        .group_by(Delivery.person)
    )
    return {person: (date.fromisoformat(str(day)), at) for person, day, at in rows}


def urgent_today(session: Session, today: date) -> dict[str, tuple[int, datetime]]:
    """How many urgent messages each person has had today, and when the last was made."""
    rows = session.execute(
        select(Delivery.person, func.count(), func.max(Delivery.created_at))
        .where(Delivery.urgent, Delivery.digest_for.is_(None), Delivery.state != "cancelled")
        .where(Delivery.stands_in_for.is_(None))
        .where(Delivery.created_at >= begin_of(today))
        .group_by(Delivery.person)
    )
    return {person: (n, at) for person, n, at in rows}


@dataclass(frozen=True, slots=True)
class Clear:
    """One closed alert of a child that somebody was told of, as which role, and not yet that it closed."""

    alert_id: int
    child: str
    role: str


def cleared_since(session: Session, since: datetime) -> dict[str, list[Clear]]:
    """By person, the alerts they were told of that closed after a moment, and of which they do not know it yet.

    Who knows it is seen from what they were told and not from when: an alert closes in an evaluation that began
    before the last digest and ended after it. Nobody hears of it while what told them is still on its way.
    """
    trying = case((Delivery.state.in_(("due", "sending")) & (Delivery.attempts > 0), 1), else_=0)
    rows = session.execute(
        select(Delivery.person, Alert.id, Alert.child, Alert.changed_at, func.min(DeliveryAlert.role))
        .join(DeliveryAlert, DeliveryAlert.alert_id == Alert.id)
        .join(Delivery, Delivery.id == DeliveryAlert.delivery_id)
        .where(Delivery.state != "cancelled", DeliveryAlert.kind != "clear")
        .where(Alert.state == "closed", Alert.changed_at > since)
        .group_by(Delivery.person, Alert.id, Alert.child, Alert.changed_at)
        .having(func.max(trying) == 0)
        .order_by(Alert.id)
    ).all()
    knows = _told_it_closed(session, since)
    found: dict[str, list[Clear]] = defaultdict(list)
    for person, alert_id, child, at, role in rows:
        told = knows.get((person, alert_id))
        if told is None or told < at:
            found[person].append(Clear(alert_id, child, role))
    return found


def _told_it_closed(session: Session, since: datetime) -> dict[tuple[str, int], datetime]:
    """When each person was last told that an alert closed, by (person, alert)."""
    rows = session.execute(
        select(Delivery.person, Alert.id, func.max(Delivery.created_at))
        .join(DeliveryAlert, DeliveryAlert.alert_id == Alert.id)
        .join(Delivery, Delivery.id == DeliveryAlert.delivery_id)
        .where(Delivery.state != "cancelled", DeliveryAlert.kind == "clear")
        .where(Alert.state == "closed", Alert.changed_at > since)
        .group_by(Delivery.person, Alert.id)
    )
    return {(person, alert_id): at for person, alert_id, at in rows}
