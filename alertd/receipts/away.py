"""Whose mailbox answered that they are away. Derived from the receipts each time: nothing of it is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime

from sqlalchemy import Engine, exists, func, select, update
from sqlalchemy.orm import Session

from alertd.cases.records import local_day
from alertd.db.engine import reading
from alertd.db.tables import Alert, Delivery, DeliveryReceipt, Handling, Notice
from alertd.people.directory import AWAY_FOR


def answered_away(engine: Engine, now: datetime) -> Mapping[str, date]:
    """The day on which the mailbox of each person last answered that they are away, while that holds.

    Whoever has said something of an alert since is here.
    """
    with reading(engine).connect() as connection:
        rows = connection.execute(
            select(Delivery.person, func.max(DeliveryReceipt.at))
            .join(Delivery, Delivery.id == DeliveryReceipt.delivery_id)
            .where(DeliveryReceipt.kind == "away", DeliveryReceipt.at > now - AWAY_FOR)
            .where(~exists().where(Handling.by == Delivery.person, Handling.at > DeliveryReceipt.at))
            .group_by(Delivery.person)
        ).all()
    return {person: local_day(at) for person, at in rows}


def has_acted(session: Session, people: Collection[str], since: datetime) -> bool:
    """Whether one of these people, under whichever id, has said something of an alert since a moment."""
    said = select(Handling.id).where(Handling.by.in_(people), Handling.at > since).limit(1)
    return session.scalar(said) is not None


def owe_again(session: Session, people: Collection[str], since: datetime) -> int:
    """Owe again what people were told by e-mail from a moment on, of alerts that are still open; how many notices.

    Whoever it is now for is found when they are composed anew.
    """
    told = select(Delivery.id).where(
        Delivery.person.in_(people), Delivery.created_at >= since, Delivery.state == "delivered"
    )
    still_open = select(Alert.id).where(Alert.state == "open")
    owed = session.execute(
        update(Notice)
        .where(Notice.composed_into.in_(told), Notice.alert_id.in_(still_open))
        .values(composed_into=None)
        .execution_options(synchronize_session=False)
    )
    return int(owed.rowcount)  # type: ignore[attr-defined]
