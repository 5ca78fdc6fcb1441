"""What ought not to be: alerts that nobody was told of, messages that nobody tries, claims that nobody gave back.

Each is a count that is 0 while everything works, whatever the other side does. What the other side does (a relay that
is down, a mailbox that is gone) is told where it happens. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from alertd.db.tables import Alert, AlertEvent, Delivery, DeliveryEvent, Notice
from alertd.outbox.deliver import Composer
from alertd.outbox.waiting import who_is_told

TURN: Final = timedelta(minutes=15)
"""How long anything may wait for its turn that is to happen now: three times the five minutes within which due work
must go."""

URGENT: Final = timedelta(minutes=90)
"""How long what is to be told at once may wait for a message: somebody who had their most of one day is told the rest
together, once an hour."""

LOOKS_BACK: Final = timedelta(days=14)
"""How long ago a message was made at most, for it to be looked after."""


@dataclass(frozen=True, slots=True)
class Odd:
    """One thing that ought not to be, how often, and what to do. ``kind`` is its name in the log."""

    kind: str
    n: int
    what: str
    do: str

    def __str__(self) -> str:
        return f"{self.n} {self.what}"


def odds(session: Session, composer: Composer, now: datetime) -> list[Odd]:
    """Everything that ought not to be as it is now."""
    return [one for one in _all(session, composer, now) if one.n]


def _all(session: Session, composer: Composer, now: datetime) -> Iterator[Odd]:
    daemon = "See that alertd run is running, and what its log says"
    yield Odd(
        "alerts_nobody_owed",
        _count(session, Alert, _nobody_owed(now)),
        "open alerts are owed to nobody",
        "Report this to whoever looks after alertd: alertd alerts list shows the alerts",
    )
    yield Odd(
        "urgent_not_composed",
        _urgent_not_composed(session, composer, now),
        f"alerts that are to be told at once have waited {_minutes(URGENT)} minutes for a message",
        f"{daemon}; alertd status says which messages are held",
    )
    yield Odd(
        "due_not_tried",
        _count(session, Delivery, and_(Delivery.state == "due", Delivery.next_attempt_at < now - TURN)),
        f"messages have waited {_minutes(TURN)} minutes longer than they were to",
        f"{daemon}; after a whole council's digests it may only be that many go",
    )
    yield Odd(
        "claim_outlived",
        _count(session, Delivery, and_(Delivery.state == "sending", Delivery.lease_until < now - TURN)),
        "messages are being sent by nobody",
        daemon,
    )
    yield Odd(
        "left_unknown",
        _count(session, Delivery, Delivery.state == "unknown"),
        "messages were left where their answer was lost",
        "Report this to whoever looks after alertd: alertd outbox list --state unknown shows them",
    )
    yield Odd(
        "stand_in_forgotten",
        _count(session, Delivery, _stand_in_forgotten(now)),
        "messages stand in for one that has failed, and do not go",
        daemon,
    )
    yield Odd(
        "moved_without_event",
        _count(session, Delivery, _moved_without_event(now)),
        "messages are in a state that their history does not know",
        "Somebody has changed the database by hand, or this is to be reported to whoever looks after alertd",
    )


def _nobody_owed(now: datetime) -> ColumnElement[bool]:
    """Open, told to people, and yet nobody was ever to be told: no notice, of any change of it."""
    return and_(
        Alert.state == "open",
        Alert.muted == "",
        Alert.changed_at < now - TURN,
        ~exists().where(Notice.alert_id == Alert.id),
    )


def _urgent_not_composed(session: Session, composer: Composer, now: datetime) -> int:
    """Alerts with a notice that is to be told at once, to somebody who may hear of it and need not be quiet now."""
    everybody = who_is_told(session, composer, now)
    waiting: dict[int, int] = {}
    for told in everybody.told.values():
        for one in told:
            waiting |= {wait.id: one.alert.id for wait in one.at_once}
    if not waiting:
        return 0
    written = select(Notice.id).join(AlertEvent, AlertEvent.id == Notice.event_id).where(
        Notice.composed_into.is_(None), Notice.dropped.is_(None), Notice.urgent, AlertEvent.at < now - URGENT
    )  # fmt: skip
    return len({waiting[id_] for id_ in session.scalars(written) if id_ in waiting})


def _stand_in_forgotten(now: datetime) -> ColumnElement[bool]:
    first = aliased(Delivery)
    event = aliased(DeliveryEvent)
    moved = exists().where(event.delivery_id == first.id, event.at >= now - TURN)
    failed = exists().where(first.id == Delivery.stands_in_for, _ended_badly(first), ~moved)
    return and_(Delivery.state == "standing_by", or_(Delivery.stands_in_for.is_(None), failed))


def _ended_badly(delivery: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = delivery.state.in_(("refused", "parked", "cancelled"))
    return found


def _moved_without_event(now: datetime) -> ColumnElement[bool]:
    last = (
        select(DeliveryEvent.to_state)
        .where(DeliveryEvent.delivery_id == Delivery.id)
        .order_by(DeliveryEvent.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return and_(Delivery.created_at > now - LOOKS_BACK, func.coalesce(last, "none") != Delivery.state)


def _count(session: Session, table: Any, where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(where)) or 0


def _minutes(span: timedelta) -> int:
    return span // timedelta(minutes=1)
