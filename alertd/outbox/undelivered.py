"""Telling somebody what did not arrive: a message that was refused or parked is never only a row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.tables import Delivery, DeliveryEvent
from alertd.outbox.afterwards import note
from alertd.outbox.deliver import Composer, tell_operator

LOOKS_BACK: Final = timedelta(days=14)
"""How long ago a message failed at most, for somebody to be told."""

_TOLD: Final = "told: "
"""How a note begins that says whom a failure was told to."""


class _Row(NamedTuple):
    id: str
    person: str
    state: str
    reason: str
    other: str | None
    """The channel that stands in, if one does, and how far it came."""
    other_state: str | None


def tell_of_undelivered(session: Session, composer: Composer, now: datetime) -> int:
    """Tell somebody, once a day, which messages were refused or parked and nobody has heard of yet.

    The data owner is told; where it was their own message that did not arrive, the duty address. That it was told
    is noted in each message's history, so that none is passed over, whichever daemon stored the failure and when.
    Returns how many messages that was.
    """
    rows = _untold(session, now)
    if not rows:
        return 0
    owner = composer.directory.resolve("data_owner", Holding(), local_day(now)).person_id
    role = "duty" if any(row.person == owner for row in rows) else "data_owner"
    told = tell_operator(
        session,
        composer,
        now,
        about="undelivered",
        subject="alertd could not deliver some messages",
        lines=[
            f"{len(rows)} messages did not reach whom they were for. Tell them another way; mend the address:",
            *(f"to {row.person}: {row.state}: {row.reason}{_instead(row)} (message {row.id})" for row in rows[:20]),
        ],
        role=role,
    )
    if not told:
        return 0
    for row in rows:
        note(session, row.id, now, f"{_TOLD}{role.replace('_', ' ')}")
    return len(rows)


def _instead(row: _Row) -> str:
    if row.other is None or row.other_state in ("refused", "parked", "cancelled"):
        return ""
    return f"; {'told' if row.other_state == 'delivered' else 'is to be told'} by {row.other} instead"


def _untold(session: Session, now: datetime) -> list[_Row]:
    move, told, other = aliased(DeliveryEvent), aliased(DeliveryEvent), aliased(Delivery)
    last = select(func.max(DeliveryEvent.id)).where(
        DeliveryEvent.delivery_id == Delivery.id, DeliveryEvent.from_state != DeliveryEvent.to_state
    )
    was_told = exists().where(
        told.delivery_id == Delivery.id,
        told.id > move.id,
        told.from_state == told.to_state,
        told.reason.startswith(_TOLD),
    )
    found = session.execute(
        select(Delivery.id, Delivery.person, Delivery.state, Delivery.reason, other.channel, other.state)
        .join(move, move.delivery_id == Delivery.id)
        .outerjoin(other, other.stands_in_for == Delivery.id)
        .where(Delivery.state.in_(("refused", "parked")), move.id == last.scalar_subquery())
        .where(move.at > now - LOOKS_BACK, ~was_told)
        .order_by(move.id)
    )
    return [_Row(*row) for row in found]
