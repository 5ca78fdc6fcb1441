"""A last look before a message leaves: is it still for this person, at this address, about something open.

Between composing and sending somebody may have left, a child may have changed hands, an alert may have
closed. What no longer holds is taken back, and what it told is owed again to whoever it is now for.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.cases.holding import Holding
from alertd.db.tables import Alert, Delivery, DeliveryAlert, Handling
from alertd.people.directory import Directory
from alertd.routing.digest import SUBSCRIBER


def why_not_now(session: Session, directory: Directory, delivery_id: str, today: date) -> str:
    """Why a message to staff must not be sent as it is; blank where it may. Reads only.

    What closed since does not take back a message whose answer was lost before: it may have arrived.
    """
    delivery = session.get_one(Delivery, delivery_id)
    handed = {
        row.alert_id: row.to
        for row in session.execute(
            select(Handling.alert_id, Handling.to)
            .join(DeliveryAlert, DeliveryAlert.alert_id == Handling.alert_id)
            .where(DeliveryAlert.delivery_id == delivery_id)
            .where(Handling.kind == "hand_over", Handling.ended_at.is_(None))
            .order_by(Handling.at, Handling.id)
        )
    }
    if why := _address_changed(directory, delivery, today):
        return why
    rows = session.execute(
        select(
            Alert.id,
            Alert.child,
            Alert.worker,
            Alert.team,
            Alert.state,
            Alert.muted,
            DeliveryAlert.role,
            DeliveryAlert.kind,
        )
        .join(DeliveryAlert, DeliveryAlert.alert_id == Alert.id)
        .where(DeliveryAlert.delivery_id == delivery_id)
    )
    for id_, child, worker, team, state, muted, role, kind in rows:
        if why := directory.may_hear(delivery.person, child, today):
            return why
        if kind != "clear" and (state == "closed" or muted) and not delivery.unknown_attempts:
            return "an alert it tells of has closed" if state == "closed" else f"an alert it tells of is muted: {muted}"
        if kind == "told" and role != SUBSCRIBER:
            instead = handed.get(id_) if role == "worker" else None
            now = directory.resolve(role, Holding(instead or worker, team), today, child=child)
            if (now.person_id, now.address) != (delivery.person, delivery.address):
                return f"{role} is now {now.person_id}: {now.how}"
    return ""


def _address_changed(directory: Directory, delivery: Delivery, today: date) -> str:
    """Whether the person is not here any more, or is reached elsewhere."""
    if delivery.person == "duty":
        address: str | None = directory.duty
    elif delivery.person.startswith("team:"):
        team = directory.teams.get(delivery.person.removeprefix("team:"))
        address = team.inbox if team else None
    else:
        person = directory.people.get(delivery.person)
        if person is None:
            return f"{delivery.person} is not in the staff directory any more"
        if absence := person.absence(today):
            return f"{delivery.person} {absence}"
        address = person.address
    return "" if address == delivery.address else f"{delivery.person} has another address now"
