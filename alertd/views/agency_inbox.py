"""Notifications as the agency that was sent them sees them: its own inbox.

An agency is shown what it was sent, in the bytes that were sent, and nothing else: no page of it reads a child's
record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from alertd.alerts.handling import Office
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import Alert, Delivery
from alertd.partners import store
from alertd.views.words import Block, Words, words_of

A_PAGE: Final = 20
"""Notifications on one page of a list."""


@dataclass(frozen=True, slots=True)
class Received:
    """One notification as its agency sees it. ``about`` is the first line of what it was sent."""

    reference: str
    about: str
    sent_at: datetime
    acknowledged_at: datetime | None

    @property
    def waits(self) -> bool:
        """Whether they are still to say that they have it."""
        return self.acknowledged_at is None


@dataclass(frozen=True, slots=True)
class Inbox:
    """An agency's notifications: those that wait for an answer first, then the newest."""

    agency: str
    rows: tuple[Received, ...]
    waiting: int
    total: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class ReceivedPage:
    """One notification whole, for its agency. ``hidden`` says why the words are not shown here; ``asked`` is when
    the agency asked something, and when and how that was answered (None and blank: it was not yet)."""

    row: Received
    words: tuple[Block, ...]
    hidden: str
    asked: tuple[tuple[datetime, datetime | None, str], ...]
    child: str
    """For the audit; no page shows it."""


def inbox(session: Session, agency: str, office: Office, page: int = 1) -> Inbox:
    """What an agency was sent."""
    theirs = _theirs(agency)
    counted = select(Notification.state, func.count()).join(Delivery, _SENT_BY).where(*theirs)
    by_state = {state: n for state, n in session.execute(counted.group_by(Notification.state))}  # noqa: C416
    total = sum(by_state.values())
    pages = max(1, -(-total // A_PAGE))
    page = max(1, min(page, pages))
    rows = session.execute(
        select(Notification, Delivery.message)
        .join(Delivery, _SENT_BY)
        .where(*theirs)
        .order_by(Notification.state.desc(), Notification.sent_at.desc(), Notification.id.desc())
        .offset((page - 1) * A_PAGE)
        .limit(A_PAGE)
    ).all()
    shown = not _not_agreed(agency, office)
    found = tuple(_received(row, words_of(message) if shown else None) for row, message in rows)
    return Inbox(agency_name(agency, office), found, by_state.get("sent", 0), total, page, pages)


def received(session: Session, agency: str, reference: str, office: Office, link: str) -> ReceivedPage | None:
    """One of an agency's own, or None. ``link`` is what links to acknowledge have in them: those are left out of
    the words."""
    found = session.execute(
        select(Notification, Delivery.message, Alert.child)
        .join(Delivery, _SENT_BY)
        .join(Alert, Alert.id == Notification.alert_id)
        .where(*_theirs(agency), Notification.reference == reference)
    ).first()
    if found is None:
        return None
    row, message, child = found
    hidden = _not_agreed(agency, office)
    words = None if hidden else words_of(message, link)
    if not hidden and words is None:
        hidden = "It was sent in a form that is read in your own system or mailbox, and not here."
    answers = store.answers(session, [row.id]).get(row.id, ())
    asked = []
    for one in store.questions(session, [row.id]).get(row.id, ()):
        reply = reply_to(one, answers)
        asked.append((one.at, reply.at if reply else None, store.answered(reply)[1] if reply else ""))
    return ReceivedPage(_received(row, words), words.blocks if words else (), hidden, tuple(asked), child)


_SENT_BY: Final = Delivery.id == Notification.delivery_id


def _theirs(agency: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Notification.agency == agency,
        Delivery.person == f"agency:{agency}",
        Notification.state.in_(store.THEIRS),
        Notification.sent_at.is_not(None),
    )


def _received(row: Notification, words: Words | None) -> Received:
    assert row.sent_at is not None
    return Received(row.reference, words.first if words else "A notification", row.sent_at, row.acknowledged_at)


def _not_agreed(agency: str, office: Office) -> str:
    """Why an agency is shown no contents now."""
    found = office.directory.agencies.agencies.get(agency)
    if found and found.agreement and found.agreement.in_force(office.today):
        return ""
    return "No agreement to share data is in force between us now. Ring the council, and quote the reference."


def reply_to(question: NotificationEvent, answers: Sequence[NotificationEvent]) -> NotificationEvent | None:
    """The first answer after a question."""
    return next((one for one in answers if one.id > question.id), None)


def agency_name(agency: str, office: Office) -> str:
    """An agency as people call it; its id where the directory has it no more."""
    found = office.directory.agencies.agencies.get(agency)
    return found.name if found else agency
