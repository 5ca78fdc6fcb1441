"""Telling somebody what did not arrive: a message that was refused or parked is never only a row."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.tables import Delivery, DeliveryEvent
from alertd.outbox.deliver import Composer, tell_operator


def tell_of_undelivered(session: Session, composer: Composer, now: datetime) -> int:
    """Tell somebody, once a day, which messages were refused or parked since they last heard of it.

    The data owner is told; where it was their own message that did not arrive, the duty address.
    Returns how many messages that was.
    """
    heard = select(func.max(Delivery.created_at)).where(Delivery.digest_for.like("%:undelivered"))
    since = session.scalar(heard) or datetime.min.replace(tzinfo=UTC)
    rows = session.execute(
        select(Delivery.id, Delivery.person, Delivery.state, Delivery.reason)
        .join(DeliveryEvent, DeliveryEvent.delivery_id == Delivery.id)
        .where(Delivery.state.in_(("refused", "parked")), DeliveryEvent.to_state == Delivery.state)
        .where(DeliveryEvent.at >= since)
        .order_by(DeliveryEvent.id)
    ).all()
    if not rows:
        return 0
    owner = composer.directory.resolve("data_owner", Holding(), local_day(now)).person_id
    told = tell_operator(
        session,
        composer,
        now,
        about="undelivered",
        subject="alertd could not deliver some messages",
        lines=[
            f"{len(rows)} messages did not reach whom they were for. Tell them another way; mend the address:",
            *(f"to {person}: {state}: {reason} (message {id_})" for id_, person, state, reason in rows[:20]),
        ],
        role="duty" if any(person == owner for _, person, _, _ in rows) else "data_owner",
    )
    return len(rows) if told else 0
