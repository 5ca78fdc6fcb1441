"""When a person's other channel takes over from e-mail: a pure decision, and the statements that carry it out.

What stands in for a mail was written together with it, and stands by. It goes when the mail has failed, and also when
the mail is urgent and still has not left after half an hour: better twice than not in time. Where the mail arrived,
it is cancelled once nothing can come back any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from alertd.db.tables import Delivery, DeliveryEvent
from alertd.outbox import store

URGENT_WAITS: Final = timedelta(minutes=30)
"""How long an urgent mail may wait for a mail server before the other channel says it. A proposal."""

COMES_BACK_WITHIN: Final = timedelta(days=5)
"""How long after it was taken a mail may still come back: RFC 5321, 4.5.4.1 has servers try for 4 to 5 days."""


@dataclass(frozen=True, slots=True)
class First:
    """What another delivery stands in for: its state and why, and when it was made, and taken if it was."""

    state: str
    reason: str
    urgent: bool
    created_at: datetime
    delivered_at: datetime | None = None


def decide(first: First, now: datetime) -> tuple[Literal["go", "cancel", "wait"], str]:
    """What becomes of a delivery that stands by, and why. Pure."""
    if first.state in ("refused", "parked"):
        return "go", f"the e-mail was {first.state}: {first.reason}"
    if first.state == "cancelled":
        return "cancel", f"what it stands in for was cancelled: {first.reason}"
    if first.state == "delivered":
        if now - (first.delivered_at or first.created_at) >= COMES_BACK_WITHIN:
            return "cancel", f"the e-mail was delivered and did not come back within {COMES_BACK_WITHIN.days} days"
        return "wait", "the e-mail was delivered"
    if first.urgent and now - first.created_at >= URGENT_WAITS:
        minutes = URGENT_WAITS // timedelta(minutes=1)
        return "go", f"it is urgent, and the e-mail has not left within {minutes} minutes: {first.reason}"
    return "wait", "the e-mail is on its way"


def fail_over(session: Session, now: datetime) -> dict[str, int]:
    """Make due what stands in for what failed, and cancel what is not needed, in the caller's transaction.

    How many of each, as ``go`` and ``cancel``.
    """
    first, stand_in = aliased(Delivery), aliased(Delivery)
    delivered_at = (
        select(func.max(DeliveryEvent.at))
        .where(DeliveryEvent.delivery_id == first.id, DeliveryEvent.to_state == "delivered")
        .where(DeliveryEvent.from_state != "delivered")
        .scalar_subquery()
        .label("delivered_at")
    )
    may_move = or_(
        first.state.in_(("refused", "parked", "cancelled")),
        and_(first.urgent, first.state != "delivered", first.created_at <= now - URGENT_WAITS),
        and_(first.state == "delivered", first.created_at <= now - COMES_BACK_WITHIN),
    )
    rows = session.execute(
        select(stand_in.id, first.state, first.reason, first.urgent, first.created_at, delivered_at)
        .join(first, first.id == stand_in.stands_in_for)
        .where(stand_in.state == "standing_by", may_move)
        .order_by(first.urgent.desc(), stand_in.created_at, stand_in.id)
    ).all()
    done = {"go": 0, "cancel": 0}
    for id_, state, reason, urgent, created_at, at in rows:
        what, why = decide(First(state, reason, urgent, created_at, at), now)
        if what != "wait" and _move(session, id_, "due" if what == "go" else "cancelled", now, why):
            done[what] += 1
    return done


def _move(session: Session, delivery_id: str, state: str, now: datetime, reason: str) -> bool:
    moved = session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == "standing_by")
        .values(state=state, reason=reason, next_attempt_at=now)
    )
    if not moved.rowcount:  # type: ignore[attr-defined]
        return False
    store.record(session, delivery_id, "standing_by", state, 0, reason, now)
    return True
