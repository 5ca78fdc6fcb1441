"""A last look before a message leaves for an agency: is it still owed, agreed, sent at all, and to this address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.db.partner_tables import Notification
from alertd.db.tables import Alert, Delivery
from alertd.partners.compose import Going, Partners, may_go


def to_agencies(session: Session, deliveries: Sequence[str]) -> frozenset[str]:
    """Which of these messages are for agencies."""
    ids = select(Delivery.id).where(Delivery.id.in_(deliveries), Delivery.person.startswith("agency:"))
    return frozenset(session.scalars(ids))


def why_agency_not_now(session: Session, delivery_id: str, partners: Partners, today: date) -> str:
    """Why a message to an agency must not leave any more; blank where it may. Reads only.

    The policy, the agreement and what may be said under it, the contact and what forbids to show where the child
    lives are looked at again. Whoever calls takes the delivery back with this as the reason; the notification is then
    held, and composed anew once that is mended.
    """
    found = session.execute(
        select(Notification, Alert)
        .join(Alert, Alert.id == Notification.alert_id)
        .where(Notification.delivery_id == delivery_id)
    ).first()
    if found is None:
        return "it is of no notification any more"
    row, alert = found
    delivery = session.get_one(Delivery, delivery_id)
    if row.state != "ready":
        return f"the notification is {row.state.replace('_', ' ')}"
    if alert.state == "closed" and not delivery.unknown_attempts:
        return "nothing is owed any more"
    if alert.muted:
        return "nobody is told of its alert now"
    now = may_go(session, partners, row, alert, today)
    if not isinstance(now, Going):
        return now[0]
    if (now.contact.channel, now.contact.address) != (delivery.channel, delivery.address):
        return f"the contact of {row.agency} is another now"
    return "" if now.under == delivery.resolved_by else "what may be said to them is not what it was when it was made"
