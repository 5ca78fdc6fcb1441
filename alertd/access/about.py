"""What of a child decides who may see it, read from the database."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.access.may import EMERGENCY_HOURS, AboutChild
from alertd.cases.holding import Holding
from alertd.db.access_tables import EmergencyAccess
from alertd.db.tables import Alert, Delivery, DeliveryAlert, Handling


def about_child(session: Session, child: str, holding: Holding, viewer: str, now: datetime) -> AboutChild:
    """Everything :func:`~alertd.access.may.may_see_child` asks of one child."""
    is_open = select(Alert.id).where(Alert.child == child, Alert.state == "open")
    handed = select(Handling.to).where(
        Handling.alert_id.in_(is_open), Handling.kind == "hand_over", Handling.ended_at.is_(None)
    )
    told = (
        select(Delivery.person)
        .join(DeliveryAlert, DeliveryAlert.delivery_id == Delivery.id)
        .where(DeliveryAlert.alert_id.in_(is_open), Delivery.state.not_in(("cancelled", "refused")))
        .distinct()
    )
    return AboutChild(
        child,
        holding,
        frozenset(to for to in session.scalars(handed) if to),
        frozenset(session.scalars(told)),
        emergency_of(session, child, viewer, now),
    )


def emergency_of(session: Session, child: str, viewer: str, now: datetime) -> str:
    """What somebody wrote when they broke the glass, while that holds; blank where they did not."""
    found = select(EmergencyAccess.reason).where(
        EmergencyAccess.child == child, EmergencyAccess.person == viewer, EmergencyAccess.until > now
    )
    return session.scalar(found.order_by(EmergencyAccess.id.desc()).limit(1)) or ""


def break_glass(session: Session, child: str, viewer: str, reason: str, now: datetime) -> None:
    """Let somebody see a child that is not theirs, for a while, in the caller's transaction."""
    until = now + timedelta(hours=EMERGENCY_HOURS)
    session.add(EmergencyAccess(person=viewer, child=child, reason=reason.strip(), at=now, until=until))
    session.flush()
