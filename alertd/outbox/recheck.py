"""A last look before a message leaves: is it still for this person, at this address, about something open.

Between composing and sending somebody may have left, a child may have changed hands, an alert may have
closed. What no longer holds is taken back, and what it told is owed again to whoever it is now for.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from alertd.cases.holding import Holding
from alertd.db.tables import Alert, Delivery, DeliveryAlert, Handling, Notice
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
    if why := _address_changed(directory, delivery, today) or _later_digest(session, delivery):
        return why
    for one in _told(session, delivery_id):
        if why := directory.may_hear(delivery.person, one.child, today) or _not_so(one, delivery):
            return why
        if one.kind == "told" and one.role != SUBSCRIBER:
            instead = handed.get(one.id) if one.role == "worker" else None
            now = directory.resolve(one.role, Holding(instead or one.worker, one.team), today, child=one.child)
            if (now.person_id, now.address) != (delivery.person, delivery.address):
                return f"{one.role} is now {now.person_id}: {now.how}"
    return ""


def _later_digest(session: Session, delivery: Delivery) -> str:
    """Whether a digest waited so long that there is one of a later day: what is older must not arrive after it."""
    if len(delivery.digest_for or "") != len("2026-11-26") or delivery.unknown_attempts:
        return ""
    later = select(func.max(Delivery.digest_for)).where(
        Delivery.person == delivery.person,
        Delivery.channel == delivery.channel,
        Delivery.digest_for > delivery.digest_for,
        func.length(Delivery.digest_for) == len("2026-11-26"),
        Delivery.state != "cancelled",
    )
    return "there is a digest of a later day" if session.scalar(later) else ""


class _Told(NamedTuple):
    """One alert that a message tells of, as which role and in which sense."""

    id: int
    child: str
    worker: str | None
    team: str | None
    state: str
    muted: str
    role: str
    kind: str


def _told(session: Session, delivery_id: str) -> list[_Told]:
    """Each alert that the message tells of; of somebody who is told as two roles, each of them."""
    alert = (Alert.id, Alert.child, Alert.worker, Alert.team, Alert.state, Alert.muted)
    by_message = (
        select(*alert, DeliveryAlert.role, DeliveryAlert.kind)
        .join(DeliveryAlert, DeliveryAlert.alert_id == Alert.id)
        .where(DeliveryAlert.delivery_id == delivery_id)
    )
    by_promise = (
        select(*alert, Notice.role, literal("told"))
        .join(Notice, Notice.alert_id == Alert.id)
        .where(Notice.composed_into == delivery_id)
    )
    return [_Told(*row) for row in session.execute(by_message.union(by_promise))]


def _not_so(one: _Told, delivery: Delivery) -> str:
    """What the message says of an alert that is not so any more; it may be repeated where it may have arrived."""
    if delivery.unknown_attempts:
        return ""
    if one.kind == "clear":
        return "" if one.state == "closed" else "an alert it says is over is open again"
    if one.state == "closed":
        return "an alert it tells of has closed"
    return f"an alert it tells of is muted: {one.muted}" if one.muted else ""


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
