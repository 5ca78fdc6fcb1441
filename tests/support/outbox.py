"""Putting messages into an outbox, and reading it back."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from alertd.db.tables import Delivery, DeliveryEvent
from alertd.outbox import store
from alertd.outbox.channel import Letter, Outcome

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def add(
    session: Session,
    *,
    delivery_id: str,
    person: str,
    address: str,
    resolved_by: str,
    channel: str,
    message: bytes,
    now: datetime,
    urgent: bool = False,
    digest_for: str | None = None,
) -> None:
    """A due delivery of given bytes, in the caller's transaction."""
    letter = Letter(delivery_id, "alertd@council.example", person, address, now, "", "", "", "", urgent=urgent)
    store.put(
        session, letter, message, person=person, resolved_by=resolved_by, channel=channel,
        destination=address.rpartition("@")[2], digest_for=digest_for,
    )  # fmt: skip


def next_claimed(
    engine: Engine, now: datetime, limit: int, lease: timedelta, *, channel: str = "email"
) -> list[store.Claimed]:
    """Take the next due deliveries of a channel."""
    return store.claim(engine, now, [one.id for one in store.due(engine, now, channel)[:limit]], lease)


def finish(engine: Engine, claimed: store.Claimed, outcome: Outcome, now: datetime, rng: random.Random) -> bool:
    """Store what became of one; whether it was still ours."""
    return bool(store.finish(engine, [(claimed, outcome)], now, rng))


def put(engine: Engine, id_: str, *, now: datetime = NOW, channel: str = "email", urgent: bool = False) -> str:
    """One due delivery to ``<id>@council.example``."""
    message = f"From: alertd@council.example\r\nMessage-ID: <{id_}@council.example>\r\n\r\nText.\r\n".encode()
    with Session(engine) as session, session.begin():
        add(
            session,
            delivery_id=id_,
            person=id_,
            address=f"{id_}@council.example",
            resolved_by="worker",
            channel=channel,
            message=message,
            urgent=urgent,
            now=now,
        )
    return id_


def rows(engine: Engine) -> dict[str, Delivery]:
    """Every delivery by id."""
    with Session(engine) as session:
        return {row.id: row for row in session.scalars(select(Delivery))}


def states(engine: Engine) -> dict[str, str]:
    """The state of every delivery by id."""
    return {id_: row.state for id_, row in rows(engine).items()}


def moves(engine: Engine, id_: str) -> list[tuple[str, str]]:
    """What became of a delivery: each state after the first, with its reason."""
    with Session(engine) as session:
        events = session.scalars(
            select(DeliveryEvent).where(DeliveryEvent.delivery_id == id_).order_by(DeliveryEvent.id)
        )
        return [(event.to_state, event.reason) for event in events]
