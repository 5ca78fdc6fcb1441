"""How the outbox stands: each channel, the other side's answers, and when it was last at work. Reads only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd.cases.records import in_words
from alertd.db.tables import Delivery, DeliveryEvent, DeliveryReceipt, FeedRun


@dataclass(frozen=True, slots=True)
class ChannelStanding:
    """One channel: how many messages are due by it, when the oldest was made, when the next is tried and why it was
    not sent yet, and when the last was delivered."""

    channel: str
    due: int = 0
    oldest: datetime | None = None
    next_try: datetime | None = None
    why: str = ""
    delivered: datetime | None = None

    def __str__(self) -> str:
        said = [f"last delivered {in_words(self.delivered)}" if self.delivered else "nothing delivered yet"]
        if self.due and self.oldest and self.next_try:
            said.append(
                f"{self.due} due, the oldest made {in_words(self.oldest)}, next tried {in_words(self.next_try)}"
            )
        if self.why:
            said.append(self.why)
        return f"{self.channel}: {'; '.join(said)}"

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values; moments in ISO form."""
        moments = {"oldest": self.oldest, "next_try": self.next_try, "delivered": self.delivered}
        return {"due": self.due, "why": self.why} | {name: at and at.isoformat() for name, at in moments.items()}


def channels(session: Session, names: Collection[str]) -> list[ChannelStanding]:
    """How each of these channels stands, and any other that messages are due by."""
    due = {
        channel: (n, oldest, next_try)
        for channel, n, oldest, next_try in session.execute(
            select(Delivery.channel, func.count(), func.min(Delivery.created_at), func.min(Delivery.next_attempt_at))
            .where(Delivery.state == "due")
            .group_by(Delivery.channel)
        )
    }
    found = []
    for name in (*names, *sorted(due.keys() - set(names))):
        n, oldest, next_try = due.get(name, (0, None, None))
        why, delivered = _why(session, name), _delivered(session, name)
        found.append(ChannelStanding(name, n, oldest, next_try, why, delivered))
    return found


def answers(session: Session, since: datetime) -> dict[str, int]:
    """How many receipts of each kind came since a moment."""
    kinds = select(DeliveryReceipt.kind, func.count()).where(DeliveryReceipt.at >= since)
    rows = session.execute(kinds.group_by(DeliveryReceipt.kind).order_by(DeliveryReceipt.kind))
    return {kind: n for kind, n in rows}  # noqa: C416


def at_work(session: Session) -> dict[str, datetime | None]:
    """When a feed was last read and used, when a message was last made, and when one was last tried."""
    made = select(func.max(Delivery.created_at))
    read = select(func.max(FeedRun.at)).where(FeedRun.outcome == "accepted")
    tried = select(DeliveryEvent.at).where(DeliveryEvent.to_state == "sending")
    return {
        "evaluated": session.scalar(read),
        "composed": session.scalar(made),
        "tried": session.scalar(tried.order_by(DeliveryEvent.id.desc()).limit(1)),
    }


def _why(session: Session, channel: str) -> str:
    """Why what is due by a channel was not sent when it was last tried."""
    tried = select(Delivery.reason).where(Delivery.state == "due", Delivery.channel == channel, Delivery.reason != "")
    return session.scalar(tried.order_by(Delivery.next_attempt_at).limit(1)) or ""


def _delivered(session: Session, channel: str) -> datetime | None:
    """By the order of events and not by their time: the database finds the last without going through all."""
    return session.scalar(
        select(DeliveryEvent.at)
        .join(Delivery, Delivery.id == DeliveryEvent.delivery_id)
        .where(Delivery.channel == channel, DeliveryEvent.to_state == "delivered")
        .where(DeliveryEvent.from_state != "delivered")
        .order_by(DeliveryEvent.id.desc())
        .limit(1)
    )
