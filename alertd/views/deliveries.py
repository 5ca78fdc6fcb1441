"""Messages on their way and what became of them, for whoever looks after alertd and for whom they were.

Whoever looks after alertd sees no child for that: here are neither the words of a message nor the alerts it tells of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd.access.viewer import Viewer
from alertd.alerts.handling import Office
from alertd.db.tables import Delivery, DeliveryAlert, DeliveryReceipt
from alertd.outbox import store
from alertd.outbox.operate import Whole
from alertd.outbox.recheck import SIGN_IN, WATCHDOG
from alertd.people.directory import Directory
from alertd.views.alerts import person_name
from alertd.views.words import words_of

A_PAGE: Final = 25
"""Messages on one page of a list."""

STATES: Final[Mapping[str, str]] = {
    "due": "Waits to be sent",
    "sending": "Is being sent",
    "unknown": "The answer was lost",
    "parked": "Laid aside",
    "refused": "Did not arrive",
    "standing_by": "Stands in for another",
    "cancelled": "Taken back",
    "delivered": "Delivered",
}
"""What a message's state means, in words; what needs somebody comes first."""

RECEIPTS: Final[Mapping[str, str]] = {
    "arrived": "it arrived",
    "failed": "it came back",
    "away": "they are away",
    "acknowledged": "their system has it",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One message in a list. ``next_try`` is None unless it waits."""

    id: str
    person: str
    name: str
    channel: str
    urgent: bool
    state: str
    state_words: str
    reason: str
    attempts: int
    made_at: datetime
    next_try: datetime | None


@dataclass(frozen=True, slots=True)
class Deliveries:
    """A page of those in one state, and how many are in each."""

    rows: tuple[Row, ...]
    counts: dict[str, int]
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened to a message: a move, a note, or what the other side said later."""

    at: datetime
    words: str
    attempt: int
    why: str


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """One message whole, but for what it says. ``how`` is why it was this person; ``destination`` is what fails
    together with its address; ``alerts`` is how many it tells of, ``open_alerts`` how many of those are open."""

    row: Row
    how: str
    destination: str
    unknown_attempts: int
    alerts: int
    open_alerts: int
    stands_in_for: str
    stand_in: Row | None
    happened: tuple[Happened, ...]


@dataclass(frozen=True, slots=True)
class Mine:
    """One message to the viewer. ``subject`` is blank where the channel has none; ``heard`` is what the other side
    said of it since."""

    id: str
    at: datetime
    subject: str
    channel: str
    state: str
    state_words: str
    reason: str
    heard: str
    alerts: int


@dataclass(frozen=True, slots=True)
class MineList:
    """What was sent to the viewer, the newest first."""

    rows: tuple[Mine, ...]
    page: int
    pages: int


def deliveries(session: Session, state: str, office: Office, page: int = 1) -> Deliveries:
    """Messages in one state: those that wait by when they are tried next, the others by when they were last tried."""
    counts = store.counts(session)
    page, pages = _fit(page, counts[state])
    due = Delivery.next_attempt_at if state == "due" else Delivery.next_attempt_at.desc()
    found = _rows().where(Delivery.state == state).order_by(due, Delivery.id)
    rows = session.execute(found.offset((page - 1) * A_PAGE).limit(A_PAGE))
    return Deliveries(tuple(_row(one, office.directory) for one in rows), counts, page, pages)


def delivery(found: Whole, office: Office) -> DeliveryPage:
    """One message's whole life."""
    row, directory = found.row, office.directory
    happened = [
        Happened(one.at, _became(one.from_state, one.to_state), one.attempt, one.reason) for one in found.events
    ]
    happened += [Happened(one.at, f"Heard: {RECEIPTS[one.kind]}", 0, one.reason) for one in found.receipts]
    happened.sort(key=lambda one: one.at)
    return DeliveryPage(
        row=_row(row, directory),
        how=row.resolved_by,
        destination=row.destination,
        unknown_attempts=row.unknown_attempts,
        alerts=len(found.alerts),
        open_alerts=found.open_alerts,
        stands_in_for=row.stands_in_for or "",
        stand_in=_row(found.stand_in, directory) if found.stand_in else None,
        happened=tuple(happened),
    )


def mine(session: Session, viewer: Viewer, page: int = 1) -> MineList:
    """What was sent to somebody, under whichever id, and what became of it. What only stands by is left out."""
    where = (Delivery.person.in_(sorted(viewer.ids)), Delivery.state != "standing_by")
    total = session.scalar(select(func.count()).select_from(Delivery).where(*where)) or 0
    page, pages = _fit(page, total)
    newest = select(Delivery).where(*where).order_by(Delivery.created_at.desc(), Delivery.id)
    rows = session.scalars(newest.offset((page - 1) * A_PAGE).limit(A_PAGE)).all()
    ids = [one.id for one in rows]
    heard, alerts = _heard(session, ids), _alerts(session, [one.stands_in_for or one.id for one in rows])
    return MineList(tuple(_mine(one, heard, alerts) for one in rows), page, pages)


def _mine(row: Delivery, heard: Mapping[str, str], alerts: Mapping[str, int]) -> Mine:
    words = words_of(row.message)
    return Mine(
        id=row.id,
        at=row.created_at,
        subject=words.subject if words else "",
        channel=row.channel,
        state=row.state,
        state_words=STATES[row.state],
        reason="" if row.state == "delivered" else row.reason,
        heard=RECEIPTS.get(heard.get(row.id, ""), ""),
        alerts=alerts.get(row.stands_in_for or row.id, 0),
    )


def _heard(session: Session, ids: Collection[str]) -> dict[str, str]:
    """The latest of what the other side said of each."""
    said = select(DeliveryReceipt.delivery_id, DeliveryReceipt.kind).where(DeliveryReceipt.delivery_id.in_(ids))
    return {id_: kind for id_, kind in session.execute(said.order_by(DeliveryReceipt.id))}  # noqa: C416


def _alerts(session: Session, ids: Collection[str]) -> dict[str, int]:
    """How many alerts each tells of."""
    of = DeliveryAlert.delivery_id
    counted = select(of, func.count(DeliveryAlert.alert_id.distinct())).where(of.in_(ids)).group_by(of)
    return {id_: n for id_, n in session.execute(counted)}  # noqa: C416


def whom(directory: Directory, person: str) -> str:
    """Whom a message is for, as people call them."""
    if person.startswith("agency:"):
        agency = directory.agencies.agencies.get(person.removeprefix("agency:"))
        return agency.name if agency else person.removeprefix("agency:")
    if person in (SIGN_IN, WATCHDOG):
        return "Somebody who signs in" if person == SIGN_IN else "The watchdog"
    return person_name(directory, person)


def _rows() -> Any:
    """Messages without what they say."""
    of = Delivery
    return select(
        of.id, of.person, of.channel, of.urgent, of.state, of.reason, of.attempts, of.created_at, of.next_attempt_at
    )


def _row(found: Any, directory: Directory) -> Row:
    return Row(
        id=found.id,
        person=found.person,
        name=whom(directory, found.person),
        channel=found.channel,
        urgent=found.urgent,
        state=found.state,
        state_words=STATES[found.state],
        reason=found.reason,
        attempts=found.attempts,
        made_at=found.created_at,
        next_try=found.next_attempt_at if found.state == "due" else None,
    )


def _became(before: str | None, after: str) -> str:
    """A move in words; a note that moves nothing says so."""
    if before is None:
        return "Made"
    return "Noted" if before == after else STATES[after]


def _fit(page: int, total: int) -> tuple[int, int]:
    pages = max(1, -(-total // A_PAGE))
    return max(1, min(page, pages)), pages
