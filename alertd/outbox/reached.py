"""Whether anybody has what is urgent: an alert told at once, and an hour later with nobody, is duty's.

Somebody is reached when a message that tells them was delivered, by whichever channel, and nothing came back that
says otherwise. That it was also read, only an answer of theirs can say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.tables import Alert, AlertEvent, Delivery, DeliveryReceipt, Handling, Notice
from alertd.outbox.deliver import Composer, tell
from alertd.outbox.waiting import Books

WITHIN: Final = timedelta(hours=1)
"""How long what is urgent may take to reach somebody. A proposal."""

LOOKS_BACK: Final = timedelta(days=14)
"""How long ago a message was made at most, for it to be looked after."""

AGAIN: Final = timedelta(days=1)
"""How often duty hears of the same alert while nobody is reached."""

NOBODY_REACHED: Final = "nobody_reached"
"""The reason of the change by which duty hears of an alert."""


@dataclass(frozen=True, slots=True)
class Unreached:
    """An urgent alert that nobody was reached with: its number, its rule's title, since when, and by how many
    messages it was tried. ``told_duty`` says when duty last heard of it."""

    alert_id: int
    rule: str
    title: str
    since: datetime
    messages: int
    told_duty: datetime | None = None

    def __str__(self) -> str:
        return f"alert {self.alert_id} ({self.title}): {self.messages} messages, and nobody was reached"


def unreached(session: Session, composer: Composer, now: datetime) -> list[Unreached]:
    """The open alerts that were told at once more than an hour ago, and of which no message reached anybody since.

    One that somebody has said something of since is known to them. In the order in which they came. Reads only.
    """
    first, later, known = aliased(Notice), aliased(Notice), aliased(Delivery)
    reached_later = (
        select(later.id)
        .join(Delivery, Delivery.id == later.composed_into)
        .where(later.alert_id == first.alert_id, later.event_id >= first.event_id, _reached(Delivery))
    )
    said = exists().where(Handling.alert_id == first.alert_id, Handling.at >= known.created_at)
    told_duty = (
        select(func.max(AlertEvent.at))
        .where(AlertEvent.alert_id == Alert.id, AlertEvent.reason == NOBODY_REACHED)
        .scalar_subquery()
        .label("told_duty")
    )
    messages = func.count(known.id.distinct()).label("messages")
    alert: tuple[Any, ...] = (Alert.id, Alert.rule, Alert.child, Alert.record, Alert.team)
    rows = session.execute(
        select(*alert, func.min(known.created_at).label("since"), messages, told_duty)
        .join(first, first.alert_id == Alert.id)
        .join(known, known.id == first.composed_into)
        .where(Alert.state == "open", Alert.muted == "", first.urgent)
        .where(known.created_at <= now - WITHIN, known.created_at > now - LOOKS_BACK)
        .where(~reached_later.exists(), ~said)
        .group_by(*alert)
        .order_by(func.min(known.created_at), Alert.id)
    )
    books = Books(composer.rulebook)
    return [
        Unreached(row.id, row.rule, rule.title, row.since, row.messages, row.told_duty)
        for row in rows
        if (rule := books.of(row.rule, row.child, row.record, row.team))
    ]


def _reached(first: Any) -> ColumnElement[bool]:
    """Whether a delivery reached its recipient, or what stands in for it did.

    What somebody was told whose mailbox answered that they are away is owed again, and so is in no delivery; once
    they act in alertd, they are here and have it.
    """
    other = aliased(Delivery)
    by_another = exists().where(other.stands_in_for == first.id, other.state == "delivered", _nothing_came_back(other))
    return or_(and_(first.state == "delivered", _nothing_came_back(first)), by_another)


def _nothing_came_back(delivery: Any) -> ColumnElement[bool]:
    receipt = aliased(DeliveryReceipt)
    return ~exists().where(receipt.delivery_id == delivery.id, receipt.kind == "failed")


def tell_duty(session: Session, composer: Composer, now: datetime) -> list[Unreached]:
    """Owe duty what nobody was reached with, in the caller's transaction; what that is.

    It becomes a change of the alert with a notice for duty, so that it is told as every other alert is: at once,
    with the case looked at again before it leaves, and by duty's other channel where e-mail fails. Of a restricted
    child duty hears the alert's number alone: who may know was not reached. At most once a day for each alert.
    """
    today, restricted = local_day(now), []
    due = [one for one in unreached(session, composer, now) if one.told_duty is None or now - one.told_duty >= AGAIN]
    for one in due:
        alert = session.get_one(Alert, one.alert_id)
        event = AlertEvent(
            alert_id=alert.id,
            at=now,
            from_stage=alert.stage,
            to_stage=alert.stage,
            level=alert.level,
            reason=NOBODY_REACHED,
        )
        session.add(event)
        session.flush()
        if composer.directory.limited(alert.child, today):
            restricted.append(alert.id)
        else:
            session.add(Notice(event_id=event.id, alert_id=alert.id, role="duty", reason=NOBODY_REACHED, urgent=True))
    if restricted:
        _tell_of_restricted(session, composer, now, restricted)
    return due


def _tell_of_restricted(session: Session, composer: Composer, now: datetime, alerts: Sequence[int]) -> None:
    lines = [
        "Nobody was reached with urgent alerts of restricted children, for longer than an hour.",
        "Reach somebody who may hear of the child. alertd alerts show NUMBER says, to whoever may know, which it is:",
        *(f"alert {number}" for number in alerts),
    ]
    subject = "Nobody was reached with urgent alerts"
    duty = composer.directory.resolve("duty", Holding(), local_day(now))
    tell(session, composer, duty, now, subject=subject, lines=lines)
