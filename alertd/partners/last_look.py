"""A last look before a message leaves for an agency: is it still owed, agreed, and to this address."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.db.tables import Alert, Delivery, Notification
from alertd.partners import store
from alertd.people.agencies import NotKnown
from alertd.people.directory import Directory


def to_agency(session: Session, delivery_id: str) -> bool:
    """Whether a message is for an agency."""
    return session.get_one(Delivery, delivery_id).person.startswith("agency:")


def why_agency_not_now(session: Session, delivery_id: str, directory: Directory, today: date) -> str:
    """Why a message to an agency must not leave any more; blank where it may. Reads only.

    The agreement, the contact and the child's restriction are looked at again. Whoever calls takes the delivery back
    with this as the reason; the notification is then held, and composed anew once that is mended.
    """
    found = session.execute(
        select(Notification, Alert.state, Alert.child)
        .join(Alert, Alert.id == Notification.alert_id)
        .where(Notification.delivery_id == delivery_id)
    ).first()
    if found is None:
        return "it is of no notification any more"
    row, alert_state, child = found
    delivery = session.get_one(Delivery, delivery_id)
    if row.state != "ready":
        return f"the notification is {row.state.replace('_', ' ')}"
    if alert_state == "closed" and not delivery.unknown_attempts:
        return "nothing is owed any more"
    if directory.limited(child, today) and row.id not in store.approved(session):
        return "the child is restricted now, and nobody has approved it"
    contact = directory.agencies.resolve(row.kind, {row.kind: row.agency}, today)
    if isinstance(contact, NotKnown):
        return str(contact)
    return "" if contact.address == delivery.address else f"the contact of {row.agency} is another now"
