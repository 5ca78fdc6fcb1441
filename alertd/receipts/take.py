"""Takes one message that came to alertd: a report of a mail server, an automatic answer, or an agency's own.

A report or an automatic answer is believed only where all it bears names the same delivery: the return path it came
to, which nobody can guess who never had the message, and the Message-ID it gives back or answers; and where it is
about the very address, or from it. Anything else is ignored and counted: it may be forged, and nobody is alarmed by
what anybody can send.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.tables import Delivery, DeliveryEvent
from alertd.outbox.afterwards import note, take_receipt
from alertd.outbox.channel import Receipt
from alertd.outbox.deliver import EMAIL, Composer, tell_once_a_day, tell_operator
from alertd.partners.replies import take_reply
from alertd.people.directory import AWAY_FOR, Person
from alertd.receipts.away import has_acted, owe_again
from alertd.receipts.dsn import Recipient, Report
from alertd.receipts.read import Incoming

Result = Literal["bounced", "delayed", "arrived", "away", "ignored", "acknowledged", "known", "not_taken"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message, and why: no personal data in ``why``. ``reference`` is that of a notification, or
    the id of a delivery."""

    result: Result
    why: str
    reference: str = ""


def take(session: Session, composer: Composer, incoming: Incoming, now: datetime) -> Taken:
    """Take one message in, in the caller's transaction. One taken twice counts once."""
    if incoming.sender == composer.sender.lower():
        return Taken("ignored", "it is alertd's own")
    if incoming.report is not None:
        return _report(session, composer, incoming, now)
    if incoming.machine is not None and (taken := _automatic(session, composer, incoming, now)):
        return taken
    answered = take_reply(session, composer, incoming.reply, now)
    return Taken(answered.result, answered.why, answered.reference)


def _report(session: Session, composer: Composer, incoming: Incoming, now: datetime) -> Taken:
    assert incoming.report is not None
    delivery = _delivery(session, incoming.came_to | incoming.report.returned)
    if isinstance(delivery, str):
        return Taken("ignored", f"a report of a mail server: {delivery}")
    theirs = [one for one in incoming.report.recipients if delivery.address.lower() in (one.final, one.original)]
    if not theirs:
        return _passed_on(session, composer, delivery, incoming.report, now)
    return _reported(session, delivery, theirs[0], incoming, now)


def _reported(session: Session, delivery: Delivery, said: Recipient, incoming: Incoming, now: datetime) -> Taken:
    key = f"dsn:{incoming.digest}"
    if said.action == "failed":
        why = f"it came back: {said.words}"
        new = take_receipt(session, Receipt(delivery.id, "failed", key, why), now)
        return Taken("bounced" if new else "known", why, delivery.id)
    if said.action == "delivered":
        why = "their mail server put it into the mailbox"
        new = take_receipt(session, Receipt(delivery.id, "arrived", key, why), now)
        return Taken("arrived" if new else "known", why, delivery.id)
    why = f"their mail server still tries: {said.words}"
    if said.action != "delayed":
        why = "it was passed on to a mail server that reports nothing"
    _noted(session, delivery, why, now)
    return Taken("delayed" if said.action == "delayed" else "ignored", why, delivery.id)


def _passed_on(session: Session, composer: Composer, delivery: Delivery, report: Report, now: datetime) -> Taken:
    """A report about an address that alertd did not write to: a mailbox may pass its mail on to one that fails.

    The message stays delivered, because it was; a person must see whether anybody has it.
    """
    failed = next((one for one in report.recipients if one.action == "failed"), None)
    if failed is None:
        return Taken("ignored", "a report of a mail server: it is about another address", delivery.id)
    why = f"it was passed on to another address, and came back from there: {failed.words}"
    if _noted(session, delivery, why, now):
        lines = [
            "A mail server reports that a message failed at an address that alertd did not write to:",
            f"to {delivery.person}: {why} (message {delivery.id})",
            "Perhaps their mailbox passes its mail on. See whether they have it.",
        ]
        subject, about = "A message was passed on and came back", f"report:{delivery.id}"
        tell_operator(session, composer, now, about=about, subject=subject, lines=lines)
    return Taken("not_taken", why, delivery.id)


def _noted(session: Session, delivery: Delivery, why: str, now: datetime) -> bool:
    """Write a note into a delivery's history; False where it stands there."""
    there = select(DeliveryEvent.id).where(DeliveryEvent.delivery_id == delivery.id, DeliveryEvent.reason == why)
    if session.scalar(there.limit(1)) is not None or delivery.state != "delivered":
        return False
    note(session, delivery.id, now, why)
    return True


def _automatic(session: Session, composer: Composer, incoming: Incoming, now: datetime) -> Taken | None:
    """What a machine wrote; None for what may be an agency's, whose desk somebody must hear of."""
    delivery = _delivery(session, incoming.came_to | incoming.answers)
    if isinstance(delivery, str):
        return None if incoming.reply.references else Taken("ignored", f"an automatic mail: {delivery}")
    if delivery.address.lower() != incoming.sender:
        return Taken("ignored", "an automatic mail: it is from another address", delivery.id)
    if delivery.person.startswith("agency:"):
        return None
    person = composer.directory.people.get(delivery.person)
    if person is None:
        return Taken("ignored", "an automatic answer of a mailbox that several read", delivery.id)
    if not (incoming.machine and incoming.machine.away):
        return Taken("ignored", "an automatic mail that says nothing of somebody being away", delivery.id)
    return _away(session, composer, delivery, person, incoming, now)


def _away(
    session: Session, composer: Composer, delivery: Delivery, person: Person, incoming: Incoming, now: datetime
) -> Taken:
    at = min(max(incoming.said_at or now, delivery.created_at), now)
    why = "their mailbox answered that they are away"
    if now - at >= AWAY_FOR:
        return Taken("ignored", f"{why}, more than {AWAY_FOR // timedelta(days=1)} days ago", delivery.id)
    receipt = Receipt(delivery.id, "away", f"auto:{incoming.digest}", why)
    if not take_receipt(session, receipt, now, at=at):
        return Taken("known", why, delivery.id)
    same = composer.directory.ids_of(person.id)
    if has_acted(session, same, at):
        return Taken("away", f"{why}, and they have acted in alertd since", delivery.id)
    owe_again(session, same, delivery.created_at)
    if person.absence(local_day(now)) is None:
        _tell_manager(session, composer, person, at, now)
    return Taken("away", why, delivery.id)


def _tell_manager(session: Session, composer: Composer, person: Person, at: datetime, now: datetime) -> None:
    """Whoever manages them hears once that the staff list does not say it; further answers change nothing."""
    directory = composer.directory.with_answers({person.id: local_day(at)})
    manager = directory.resolve("team_manager", Holding(person.id, person.team), local_day(now))
    lines = [
        f"The mailbox of {person.name} answered that they are away, and the staff list does not say so.",
        f"What alertd tells them goes to their deputy, or to whoever is next, for {AWAY_FOR.days} days from then,",
        "or until they act in alertd. Have their absence and their deputy entered in the staff list.",
    ]
    subject = f"Away, and not on the staff list · {person.name}"
    about = f"away:{person.id}"
    tell_once_a_day(session, composer, manager, now, about=about, subject=subject, lines=lines)


def _delivery(session: Session, named: frozenset[str]) -> Delivery | str:
    """The one e-mail that all marks name; or why there is none."""
    if len(named) != 1:
        return "it names several messages" if named else "it names no message of ours"
    found = session.scalar(select(Delivery).where(Delivery.id.in_(named), Delivery.channel == EMAIL))
    return found if found is not None else "it names no message of ours"
