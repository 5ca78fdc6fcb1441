"""The notification table: every statement that writes it, and each move with who, when and why.

A notification goes ``awaiting_approval -> ready -> sent -> acknowledged``, to ``held`` with what somebody must mend,
and to ``withdrawn`` where nothing is owed any more or somebody decided against it. It is ``sent`` once its delivery
is delivered. Nothing here sends, and nothing sends twice: only a person, with a reason, lets one go again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from alertd.db.links import revoke_links
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import Alert, Delivery, DeliveryEvent
from alertd.errors import InputError
from alertd.outbox import store as outbox
from alertd.partners.plan import ALERTD, Move, New, Standing, State
from alertd.partners.reference import read_reference

ACKNOWLEDGE: Final = "acknowledge"
"""The purpose of the links in mails to agencies; their subject is the notification's number."""
BY_DELIVERY: Final = "delivery"
"""Who holds a notification whose message did not arrive: no later reading lets it go again."""


UNSETTLED: Final = ("awaiting_approval", "ready", "held")
THEIRS: Final = ("sent", "acknowledged")
"""The states of what an agency has in its hands."""

_ASKS: Final = " asks"
"""How the author of a question is written: an agency's contact, and that they ask."""
_QUESTION: Final = NotificationEvent.by.like("agency:%" + _ASKS)
_ANSWERS: Final = " answered"
"""How the author of an answer is written: one of the staff, and that they answered."""
_ANSWER: Final = NotificationEvent.by.like("%" + _ANSWERS)
_ASIDE: Final = or_(_QUESTION, _ANSWER)
"""Events that move nothing."""
_ONE_STATEMENT: Final = 500
"""Ids in one statement, which SQLite bounds."""


def standing(session: Session, children: Collection[str]) -> list[Standing]:
    """The notifications that are not settled, and all of these children, as they stand."""
    wanted = (
        select(
            Notification.id,
            Notification.alert_id,
            Alert.rule,
            Alert.child,
            Alert.record,
            Notification.kind,
            Notification.agency,
            Notification.state,
            Notification.delivery_id,
            Notification.why,
        )
        .join(Alert, Alert.id == Notification.alert_id)
        .order_by(Notification.id)
    )
    rows = list(session.execute(wanted.where(Notification.state.in_(UNSETTLED))))
    settled, names = wanted.where(Notification.state.not_in(UNSETTLED)), sorted(children)
    for at in range(0, len(names), _ONE_STATEMENT):
        rows += session.execute(settled.where(Alert.child.in_(names[at : at + _ONE_STATEMENT])))
    said_yes = approved(session)
    last = moved_by(session, [row.id for row in rows if row.state in ("held", "withdrawn")])
    return [
        Standing(
            id=row.id,
            alert_id=row.alert_id,
            rule=row.rule,
            child=row.child,
            record=row.record,
            kind=row.kind,
            agency=row.agency,
            state=row.state,
            by=last.get(row.id, ALERTD),
            approved=row.id in said_yes,
            composed=row.delivery_id is not None,
            why=row.why,
        )
        for row in rows
    ]


def moved_by(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Who moved each of these last."""
    wanted = sorted(ids)
    found: dict[int, str] = {}
    event = NotificationEvent
    for at in range(0, len(wanted), _ONE_STATEMENT):
        own = event.notification_id.in_(wanted[at : at + _ONE_STATEMENT])
        last = select(func.max(event.id)).where(own, ~_ASIDE).group_by(event.notification_id)
        rows = session.execute(select(event.notification_id, event.by).where(event.id.in_(last)))
        found |= {row[0]: row[1] for row in rows}
    return found


def approved(session: Session) -> frozenset[int]:
    """The notifications that a person has let go."""
    said_yes = select(NotificationEvent.notification_id).where(
        NotificationEvent.to_state == "ready", NotificationEvent.by != ALERTD, ~_ASIDE
    )
    return frozenset(session.scalars(said_yes))


def add(session: Session, new: New, reference: str, now: datetime) -> Notification:
    """A new notification, in the caller's transaction."""
    row = Notification(
        alert_id=new.alert_id,
        kind=new.kind,
        agency=new.agency,
        reference=reference,
        receipt=new.receipt,
        state=new.state,
        why=new.why,
        created_at=now,
    )
    session.add(row)
    session.flush()
    session.add(
        NotificationEvent(notification_id=row.id, at=now, by=ALERTD, from_state=None, to_state=new.state, why=new.why)
    )
    return row


def apply(session: Session, moves: Iterable[Move], now: datetime) -> None:
    """Make the planned moves."""
    for planned in moves:
        row = session.get_one(Notification, planned.id)
        if planned.agency is not None:
            row.agency = planned.agency
        move(session, row, planned.to_state, now, by=ALERTD, why=planned.why)


def move(
    session: Session, row: Notification, to_state: State, now: datetime, *, by: str, why: str, reason: str = ""
) -> None:
    """Move one, with its event. ``reason`` is in somebody's own words: it is kept with the event alone, because
    ``why`` goes into mails and logs."""
    whole = f"{why}: {reason}" if reason else why
    session.add(
        NotificationEvent(notification_id=row.id, at=now, by=by, from_state=row.state, to_state=to_state, why=whole)
    )
    row.state, row.why = to_state, why
    session.flush()


def by_reference(session: Session, said: str) -> Notification:
    """The notification with a reference. Raises InputError for one that is none, or that nobody has."""
    reference = read_reference(said)
    row = session.scalar(select(Notification).where(Notification.reference == reference)) if reference else None
    if row is None:
        what = "no notification has this reference" if reference else "this is not a reference, or it is misspelt"
        raise InputError(what, where=said, fix="alertd partners list shows them")
    return row


def _may(row: Notification, states: tuple[State, ...], verb: str) -> None:
    if row.state not in states:
        what = f"it is {row.state}, and only what is {' or '.join(states)} can be {verb}".replace("_", " ")
        raise InputError(what, where=row.reference, fix=row.why or None)


def _with_reason(row: Notification, why: str) -> None:
    if not why.strip():
        fix = "Say why, so that whoever asks later can read it"
        raise InputError("a reason is needed", where=row.reference, fix=fix)


def approve(session: Session, row: Notification, by: str, now: datetime) -> None:
    """A person lets it go."""
    _may(row, ("awaiting_approval",), "approved")
    move(session, row, "ready", now, by=by, why=f"approved by {by}")


def refuse(session: Session, row: Notification, by: str, now: datetime, why: str) -> None:
    """A person decides that this agency is not told. The duty stands until the decision is on the child's record."""
    _with_reason(row, why)
    _may(row, ("awaiting_approval", "held"), "refused")
    move(session, row, "withdrawn", now, by=by, why=f"refused by {by}", reason=why)


def hold(session: Session, row: Notification, by: str, now: datetime, why: str) -> None:
    """A person stops it before it leaves: a message that waits for the mail server is taken back."""
    _with_reason(row, why)
    _may(row, ("awaiting_approval", "ready"), "held")
    if row.delivery_id is not None:
        waits = session.get_one(Delivery, row.delivery_id)
        if waits.state != "due" or waits.unknown_attempts or not outbox.cancel(session, waits.id, now, f"held by {by}"):
            raise InputError("its message is on its way", where=row.reference, fix="Ring the agency")
        row.delivery_id = None
    move(session, row, "held", now, by=by, why=f"held by {by}", reason=why)


def send_again(session: Session, row: Notification, by: str, now: datetime, why: str) -> None:
    """A person lets one go once more: what bounced, what nobody answers, what somebody held."""
    _with_reason(row, why)
    _may(row, ("held", "sent"), "sent again")
    if not row.agency:
        raise InputError("no agency is known for it", where=row.reference, fix=row.why)
    # Whoever had the message before, by mistake or long ago, cannot answer for whom it goes to now.
    revoke_links(session, ACKNOWLEDGE, str(row.id), now)
    row.delivery_id, row.sent_at = None, None
    move(session, row, "ready", now, by=by, why=f"let go again by {by}", reason=why)


def told(session: Session, row: Notification, by: str, now: datetime, why: str) -> None:
    """A person told them another way, who so have it: by telephone, in person, by letter."""
    _with_reason(row, why)
    _may(row, ("awaiting_approval", "held", "sent"), "told another way")
    row.sent_at = row.sent_at or now
    row.acknowledged_at = now
    move(session, row, "acknowledged", now, by=by, why=f"told another way by {by}", reason=why)


def acknowledge(session: Session, row: Notification, by: str, now: datetime, why: str) -> bool:
    """The agency has it. False, and nothing changed, where that was known or it cannot be.

    What seemed to have bounced, or whose delivery is still unclear, is in their hands if they answer it.
    """
    if row.delivery_id is None or row.state not in ("ready", "sent", "held") or _never_left(session, row.delivery_id):
        return False
    row.sent_at = row.sent_at or now
    row.acknowledged_at = now
    move(session, row, "acknowledged", now, by=by, why=why)
    return True


def ask(session: Session, row: Notification, contact: str, text: str, now: datetime) -> bool:
    """A contact of the agency asks something: an event that moves nothing. False where they have asked just that.

    ``contact`` is ``agency:<agency>:<contact>``. The text is a stranger's own words, and is kept with the event alone.
    """
    _may(row, THEIRS, "asked about")
    if any(one.why == text for one in questions(session, [row.id]).get(row.id, ())):
        return False
    by = f"{contact[:100]}{_ASKS}"
    session.add(
        NotificationEvent(notification_id=row.id, at=now, by=by, from_state=row.state, to_state=row.state, why=text)
    )
    session.flush()
    return True


def questions(session: Session, ids: Collection[int]) -> dict[int, list[NotificationEvent]]:
    """What agencies asked about each of these, the first question first."""
    return _aside(session, _QUESTION, ids)


def answers(session: Session, ids: Collection[int]) -> dict[int, list[NotificationEvent]]:
    """When and how staff answered about each of these, the first answer first: each answers all that was asked before
    it."""
    return _aside(session, _ANSWER, ids)


def _aside(session: Session, which: ColumnElement[bool], ids: Collection[int]) -> dict[int, list[NotificationEvent]]:
    found: dict[int, list[NotificationEvent]] = {}
    wanted = sorted(ids)
    for at in range(0, len(wanted), _ONE_STATEMENT):
        own = NotificationEvent.notification_id.in_(wanted[at : at + _ONE_STATEMENT])
        for event in session.scalars(select(NotificationEvent).where(own, which).order_by(NotificationEvent.id)):
            found.setdefault(event.notification_id, []).append(event)
    return found


def asked_by(event: NotificationEvent) -> str:
    """The contact who asked a question."""
    return event.by.removesuffix(_ASKS)


def answer(session: Session, row: Notification, by: str, how: str, note: str, now: datetime) -> None:
    """One of the staff answered what waits, outside alertd: an event that moves nothing. ``how`` is for the agency to
    read, ``note`` for staff alone. Raises InputError where nothing waits for an answer."""
    _may(row, THEIRS, "answered")
    asked, before = questions(session, [row.id]).get(row.id), answers(session, [row.id]).get(row.id)
    if not asked or (before and before[-1].id > asked[-1].id):
        raise InputError("the agency asks nothing that was not answered", fix="Load the page again")
    why = f"{how}{_NOTE}{note}" if note else how
    event = NotificationEvent(
        notification_id=row.id, at=now, by=f"{by[:100]}{_ANSWERS}", from_state=row.state, to_state=row.state, why=why
    )
    session.add(event)
    session.flush()


def answered(event: NotificationEvent) -> tuple[str, str, str]:
    """Who answered, how, and what they noted for staff."""
    how, _, note = event.why.partition(_NOTE)
    return event.by.removesuffix(_ANSWERS), how, note


_NOTE: Final = ": "


def _never_left(session: Session, delivery_id: str) -> bool:
    """Whether nobody can have a message: acknowledged, it would be taken back and never sent."""
    sent = session.get_one(Delivery, delivery_id)
    return sent.state in ("due", "cancelled") and not sent.unknown_attempts


def bounced(session: Session, row: Notification, now: datetime, why: str) -> None:
    """Its message did not arrive: it is held until a person mends the address and lets it go again."""
    row.sent_at = None
    fix = "partner lead: mend the contact's address and let it go again, or tell them another way"
    move(session, row, "held", now, by=BY_DELIVERY, why=f"address: {why}. {fix}")


def follow(session: Session, now: datetime) -> list[Notification]:
    """What became of the messages: delivered ones are sent. Those that did not arrive or came back, now held."""
    rows = session.execute(
        select(Notification, Delivery)
        .join(Delivery, Delivery.id == Notification.delivery_id)
        .where(or_(Notification.state == "ready", and_(Notification.state == "sent", Delivery.state == "refused")))
        .order_by(Notification.id)
    ).all()
    faults = []
    for row, delivery in rows:
        if delivery.state == "delivered":
            at = select(func.max(DeliveryEvent.at)).where(
                DeliveryEvent.delivery_id == delivery.id,
                DeliveryEvent.to_state == "delivered",
                DeliveryEvent.from_state != "delivered",
            )
            row.sent_at = session.scalar(at) or now
            move(session, row, "sent", now, by=ALERTD, why="delivered")
        elif delivery.state in ("refused", "parked"):
            bounced(session, row, now, delivery.reason)
            faults.append(row)
        elif delivery.state == "cancelled":
            if delivery.unknown_attempts:  # it may be with them: a second copy is a person's decision
                bounced(session, row, now, f"taken back, and it may have arrived: {delivery.reason}")
                faults.append(row)
            else:
                row.delivery_id = None
                move(session, row, "held", now, by=ALERTD, why=f"taken back before it was sent: {delivery.reason}")
    return faults
