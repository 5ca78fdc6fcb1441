"""What a person may do with one delivery: try it again, take it back, lay it aside. Each is an event with who and why.

Nothing here touches a delivery that is being sent: whoever sends it has it, and its outcome is not known yet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from email import message_from_bytes, policy

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from alertd.db.tables import Alert, Delivery, DeliveryAlert, DeliveryEvent, DeliveryReceipt, Notice
from alertd.errors import InputError
from alertd.outbox import store

SHORTEST = 4
"""Characters of an id that name a delivery, where no other begins so."""


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something, why, and when."""

    by: str
    why: str
    at: datetime

    @property
    def reason(self) -> str:
        """As it stands with the delivery."""
        return f"{self.by}: {self.why}"


@dataclass(frozen=True, slots=True)
class Whole:
    """Everything there is about one delivery but what it says. ``open_alerts`` are those that it tells of."""

    row: Delivery
    events: tuple[DeliveryEvent, ...]
    receipts: tuple[DeliveryReceipt, ...]
    stand_in: Delivery | None
    alerts: tuple[int, ...]
    open_alerts: int


def find(session: Session, id_: str) -> Delivery:
    """The delivery of an id, or of its beginning. Raises InputError where there is none, or several."""
    if (whole_id := session.get(Delivery, id_)) is not None:
        return whole_id
    if len(id_) < SHORTEST:
        raise InputError(f"{id_!r} is too short for a message's id", fix=f"Give {SHORTEST} characters of it or more")
    rows = session.scalars(select(Delivery).where(Delivery.id.startswith(id_, autoescape=True)).limit(2)).all()
    if len(rows) != 1:
        what = "there is no message" if not rows else "there are several messages"
        raise InputError(f"{what} whose id begins with {id_!r}", fix="alertd outbox list shows them")
    return rows[0]


def whole(session: Session, id_: str) -> Whole:
    """A delivery with its life. Reads only."""
    row = find(session, id_)
    alerts = session.execute(
        select(Alert.id, Alert.state)
        .join(DeliveryAlert, DeliveryAlert.alert_id == Alert.id)
        .where(DeliveryAlert.delivery_id == (row.stands_in_for or row.id))
        .distinct()
        .order_by(Alert.id)
    ).all()
    events = select(DeliveryEvent).where(DeliveryEvent.delivery_id == row.id).order_by(DeliveryEvent.id)
    receipts = select(DeliveryReceipt).where(DeliveryReceipt.delivery_id == row.id).order_by(DeliveryReceipt.id)
    stand_in = session.scalar(select(Delivery).where(Delivery.stands_in_for == row.id))
    return Whole(
        row,
        tuple(session.scalars(events)),
        tuple(session.scalars(receipts)),
        stand_in,
        tuple(id_ for id_, _ in alerts),
        sum(state == "open" for _, state in alerts),
    )


def retry(session: Session, id_: str, act: Act, *, may_be_a_copy: bool = False) -> Delivery:
    """Have a delivery that ended without arriving tried again, at once. Raises InputError for one that did not end
    so; and for one whose answer was lost, unless it is said that it may be a copy."""
    row = find(session, id_)
    if row.unknown_attempts and not may_be_a_copy:
        what = f"message {row.id} may have arrived: the answer was lost {row.unknown_attempts} times"
        raise InputError(what, fix="Ask whether they have it. To send it all the same, say --may-be-a-copy")
    _move(session, row, ("parked", "refused"), "due", act)
    session.execute(update(Delivery).where(Delivery.id == row.id).values(next_attempt_at=act.at))
    return row


@dataclass(frozen=True, slots=True)
class Parked:
    """The ids of what is parked: what may be tried again, and what may have arrived, because the answer was lost."""

    again: tuple[str, ...]
    may_have_arrived: tuple[str, ...]


def parked(session: Session) -> Parked:
    """All that is parked, in the order in which it was made. Reads only."""
    found = select(Delivery.id, Delivery.unknown_attempts).where(Delivery.state == "parked")
    rows = session.execute(found.order_by(Delivery.created_at, Delivery.id)).all()
    return Parked(tuple(id_ for id_, lost in rows if not lost), tuple(id_ for id_, lost in rows if lost))


def park(session: Session, id_: str, act: Act) -> Delivery:
    """Lay a delivery that waits aside, until somebody has it tried again or takes it back."""
    row = find(session, id_)
    _move(session, row, ("due", "standing_by"), "parked", act)
    return row


def cancel(session: Session, id_: str, act: Act, *, for_good: bool = False) -> int:
    """Take a delivery back. What it told is owed again, and made anew for whoever it is for now, unless it is said that
    this is for good; the number of notices that are owed again."""
    row = find(session, id_)
    _move(session, row, ("due", "parked", "refused", "standing_by"), "cancelled", act)
    waits = ("standing_by", "due")
    stand_in = select(Delivery).where(Delivery.stands_in_for == row.id, Delivery.state.in_(waits)).with_for_update()
    if (other := session.scalar(stand_in)) is not None:
        why = f"what it stands in for was taken back: {act.why}"
        _move(session, other, waits, "cancelled", replace(act, why=why))
    if for_good:
        return 0
    owed = update(Notice).where(Notice.composed_into == row.id).values(composed_into=None)
    session.execute(update(Delivery).where(Delivery.id == row.id).values(digest_for=None))
    return session.connection().execute(owed).rowcount


def _move(session: Session, row: Delivery, from_states: tuple[str, ...], to_state: str, act: Act) -> None:
    """One move, made only from the states that allow it, whatever happens beside it."""
    if not act.why.strip():
        raise InputError("a reason is needed", fix="Give --reason: it is kept with the message")
    before = row.state
    moved = session.connection().execute(
        update(Delivery)
        .where(Delivery.id == row.id, Delivery.state.in_(from_states), Delivery.state == before)
        .values(state=to_state, reason=act.reason)
    )
    if not moved.rowcount:
        session.refresh(row)
        raise InputError(f"message {row.id} is {row.state.replace('_', ' ')}: only {_words(from_states)} can be so")
    store.record(session, row.id, before, to_state, row.attempts, act.reason, act.at)
    session.refresh(row)


def _words(states: tuple[str, ...]) -> str:
    return "one that is " + " or ".join(state.replace("_", " ") for state in states)


def listed(
    session: Session,
    *,
    states: tuple[str, ...] = (),
    channel: str = "",
    person: str = "",
    since: datetime | None = None,
    limit: int = 50,
) -> tuple[list[Delivery], int]:
    """The newest deliveries of these states, this channel and person, made since a moment, and how many there are in
    all. Reads only."""
    where = [
        *([Delivery.state.in_(states)] if states else []),
        *([Delivery.channel == channel] if channel else []),
        *([Delivery.person == person] if person else []),
        *([Delivery.created_at >= since] if since else []),
    ]
    rows = select(Delivery).where(*where).order_by(Delivery.created_at.desc(), Delivery.id).limit(limit)
    total = session.scalar(select(func.count()).select_from(Delivery).where(*where)) or 0
    return list(session.scalars(rows)), total


def text_of(message: bytes) -> str:
    """What a message says: the plain text of a mail, other channels' bytes as they are."""
    parsed = message_from_bytes(message, policy=policy.default)
    body = parsed.get_body(("plain",))
    return f"{parsed['Subject']}\n\n{body.get_content()}" if body else message.decode("utf-8", "replace")
