"""What is heard of a delivery after it left: receipts, and notes in its history.

Nothing here sends. What came back moves a delivery from ``delivered`` to ``refused``; everything else leaves its
state as it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alertd.db.tables import Delivery, DeliveryReceipt
from alertd.outbox import store
from alertd.outbox.channel import Receipt

LONGEST_KEY: Final = 200


def take_receipt(session: Session, receipt: Receipt, now: datetime, *, at: datetime | None = None) -> bool:
    """Store what the other side said, in the caller's transaction; False where it is known, or of no delivery.

    ``at`` is when they said it; now if left out. A delivery that ``failed`` after it was delivered is refused from
    then on. One that is still being tried stays as it is: its next attempt decides.
    """
    key = receipt.key[:LONGEST_KEY]
    if session.scalar(select(DeliveryReceipt.id).where(DeliveryReceipt.key == key)) is not None:
        return False
    if session.scalar(select(Delivery.id).where(Delivery.id == receipt.delivery)) is None:
        return False
    session.add(
        DeliveryReceipt(delivery_id=receipt.delivery, kind=receipt.kind, key=key, at=at or now, reason=receipt.reason)
    )
    session.flush()
    if receipt.kind == "failed":
        _came_back(session, receipt.delivery, now, receipt.reason)
    return True


def _came_back(session: Session, delivery_id: str, now: datetime, reason: str) -> None:
    attempts = session.scalar(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == "delivered")
        .values(state="refused", reason=reason)
        .returning(Delivery.attempts)
    )
    if attempts is not None:
        store.record(session, delivery_id, "delivered", "refused", attempts, reason, now)


def note(session: Session, delivery_id: str, now: datetime, reason: str) -> None:
    """Write something into a delivery's history that moves nothing: from its state to the same."""
    found = session.execute(select(Delivery.state, Delivery.attempts).where(Delivery.id == delivery_id)).one()
    store.record(session, delivery_id, found.state, found.state, found.attempts, reason, now)
