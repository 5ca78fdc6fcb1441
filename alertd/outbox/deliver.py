"""Putting a finished mail in the outbox, with what it tells and whom it answers to, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Final, Protocol

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from alertd.calendars.calendar import Calendar
from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.tables import Delivery, DeliveryAlert, Notice
from alertd.errors import InputError
from alertd.outbox import store
from alertd.outbox.channel import Letter
from alertd.outbox.mail_message import PlainMail
from alertd.people.directory import Directory, Resolved
from alertd.routing import lint
from alertd.routing.mails import Page, Rendered
from alertd.routing.wording import Wording, shipped
from alertd.rulebook.model import Rulebook

MOST_URGENT: int = 8
"""Urgent messages for one person in one day; what comes beyond goes together, at most hourly. A proposal."""


class Writer(Protocol):
    """What of a channel composing needs: :class:`~alertd.outbox.channel.Notifier` has more."""

    def write(self, letter: Letter) -> bytes:
        """The bytes that are sent."""
        ...

    def destination(self, address: str) -> str:
        """What fails together with this address."""
        ...


EMAIL: Final = "email"
"""The channel by which staff are told; another may stand in where it fails."""


@dataclass(frozen=True, slots=True)
class Composer:
    """What composing needs to know; ``new_id`` makes UUIDs, ``digest_at`` is the digest's time of day in London.
    ``channels`` write the messages, by their names; ``pages`` is where people sign in, blank where they cannot."""

    directory: Directory
    rulebook: Rulebook
    calendar: Calendar
    sender: str
    digest_at: time
    new_id: Callable[[], str]
    channels: Mapping[str, Writer] = field(default_factory=lambda: MappingProxyType({EMAIL: PlainMail()}))
    most_urgent: int = MOST_URGENT
    wording: Wording = field(default_factory=shipped)
    pages: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """That a mail tells of an alert: ``kind`` is told, clear or subscribed; ``how`` is why it was this person."""

    alert_id: int
    kind: str
    role: str
    how: str


def deliver(
    session: Session,
    composer: Composer,
    person: Resolved,
    mail: Rendered,
    now: datetime,
    *,
    notices: Sequence[int] = (),
    about: Iterable[About] = (),
    urgent: bool = False,
    digest_for: str | None = None,
    channel: str = EMAIL,
) -> str:
    """Put one mail in the outbox, with what stands in for it where e-mail fails, and settle its notices; the
    delivery's id. By another ``channel`` the person's address is one of that.

    Raises InputError, with nothing written, for a mail that cannot be a message.
    """
    about = tuple(about)
    letter = letter_of(composer, person, mail, composer.new_id(), now)
    letter = replace(letter, urgent=urgent, about=tuple(dict.fromkeys(one.alert_id for one in about)))
    id_ = letter.id
    store.put(
        session,
        letter,
        composer.channels[channel].write(letter),
        person=person.person_id,
        resolved_by=person.how,
        channel=channel,
        destination=composer.channels[channel].destination(person.address),
        digest_for=digest_for,
    )
    _put_stand_in(session, composer, person, letter)
    if notices:  # one by one, because a list of ids can be longer than a statement may
        session.execute(update(Notice), [{"id": notice, "composed_into": id_} for notice in notices])
    told = {(one.alert_id, one.kind): one for one in about}
    if told:
        rows = [
            {"delivery_id": id_, "alert_id": one.alert_id, "kind": one.kind, "role": one.role, "how": one.how}
            for one in told.values()
        ]
        session.connection().execute(insert(DeliveryAlert), rows)
    return id_


def letter_of(composer: Composer, person: Resolved, mail: Rendered, delivery_id: str, now: datetime) -> Letter:
    """A mail to somebody, for a channel to write."""
    return Letter(
        id=delivery_id,
        sender=composer.sender,
        to_name=person.name,
        address=person.address,
        date=now,
        subject=mail.subject,
        preview=mail.preview,
        text=mail.text,
        html=mail.html,
        language=person.language,
    )


def message_of(
    composer: Composer, person: Resolved, mail: Rendered, delivery_id: str, now: datetime, channel: str = EMAIL
) -> bytes:
    """The bytes of a mail to somebody. Raises InputError for one that cannot be a message."""
    return composer.channels[channel].write(letter_of(composer, person, mail, delivery_id, now))


def _put_stand_in(session: Session, composer: Composer, person: Resolved, letter: Letter) -> None:
    """What goes by another channel if the letter does not arrive; nothing where somebody has no other, or that
    cannot carry it: the staff check says so, and the mail goes all the same."""
    other = person.fallback
    if other is None or other.channel not in composer.channels:
        return
    channel = composer.channels[other.channel]
    copy = replace(letter, id=composer.new_id(), address=other.address)
    try:
        message = channel.write(copy)
    except InputError:
        return
    store.put(
        session,
        copy,
        message,
        person=person.person_id,
        resolved_by=f"stands in where e-mail fails; {person.how}",
        channel=other.channel,
        destination=channel.destination(other.address),
        stands_in_for=letter.id,
    )


def tell_once_a_day(
    session: Session,
    composer: Composer,
    person: Resolved,
    now: datetime,
    *,
    about: str,
    subject: str,
    lines: Iterable[str],
) -> bool:
    """Tell one person of one thing that is not an alert, at once and at most once a day.

    ``about`` names the thing, as ``feed``. Where no message to them can be made, as to an address that is none,
    duty is told instead: that something is wrong must not be what stops all other mail. Returns whether a
    message was made.
    """
    key = f"{local_day(now)}:{about}"[:60]
    return tell(session, composer, person, now, subject=subject, lines=lines, digest_for=key)


def tell(
    session: Session,
    composer: Composer,
    person: Resolved,
    now: datetime,
    *,
    subject: str,
    lines: Iterable[str],
    digest_for: str | None = None,
) -> bool:
    """Tell one person of something that is not an alert, at once, or duty where no message to them can be made.

    Nobody is told twice under one ``digest_for``. Returns whether a message was made.
    """
    today, (first, *others) = local_day(now), [_fit(line, local_day(now)) for line in lines] or [subject]
    page = Page(subject=subject, preview=subject, opening=(first,), today=today, lines=tuple(others))
    for to in (person, composer.directory.resolve("duty", Holding(), today)):
        told = select(Delivery.id).where(Delivery.person == to.person_id, Delivery.digest_for == digest_for)
        if digest_for is not None and session.execute(told).first():
            return False
        try:
            mail = composer.wording.page("operator", page, to.language)
            deliver(session, composer, to, mail, now, urgent=True, digest_for=digest_for)
        except InputError:
            continue
        return True
    return False


def tell_operator(
    session: Session,
    composer: Composer,
    now: datetime,
    *,
    about: str,
    subject: str,
    lines: Iterable[str],
    role: str = "data_owner",
) -> bool:
    """Tell the data owner that alertd itself needs attention; at most once a day about one thing.

    Returns whether a message was made. ``about`` names the thing, as ``feed``.
    """
    person = composer.directory.resolve(role, Holding(), local_day(now))
    return tell_once_a_day(session, composer, person, now, about=about, subject=subject, lines=lines)


def _fit(line: str, today: date) -> str:
    """A line for whoever runs alertd: they must hear that something is wrong, and not of whom."""
    try:
        lint.check({"text": line}, lint.Known(), today, template="operator")
    except InputError:
        return "One line is left out here, because it seems to hold something personal: alertd status shows it"
    return line
