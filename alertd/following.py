"""What became of what was sent: the mailbox, receipts of channels, what stands in for what failed, and what nobody
has.

Each step is by itself: a mailbox that cannot be read keeps nobody from being told by another channel.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Final

from sqlalchemy import exists, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from alertd.bootstrap import House
from alertd.db.engine import out_of_reach, reading
from alertd.db.leading import StoodDownError, alone
from alertd.db.tables import Delivery, DeliveryEvent, DeliveryReceipt
from alertd.outbox.afterwards import take_receipt
from alertd.outbox.channel import Awaited, Notifier, Receipt
from alertd.outbox.deliver import tell_operator
from alertd.outbox.failover import fail_over
from alertd.outbox.reached import tell_duty
from alertd.receipts.mailbox import ImapFolder, MailboxFaultError, Maildir, imap
from alertd.receipts.read import read
from alertd.receipts.take import take
from alertd.settings.delivery import Mailbox as MailboxSettings

ASKED_FOR: Final = timedelta(days=7)
"""How long a channel is asked what became of a message: GOV.UK Notify knows it for 7 days."""
ASKED_AT_ONCE: Final = 200
"""Receipts asked for in one look. Where more are awaited, chance decides which, so that none waits for ever behind
others whose receipt never comes."""
PATIENCE: Final = timedelta(minutes=15)
"""How long the mailbox may be out of reach before anybody is told: a mail server that restarts is back by then."""


async def follow_once(house: House) -> bool:
    """Look after what was sent. Whether there is something more to send now.

    Raises ``OperationalError`` for a database out of reach; all else is said, and looked at again at the next waking.
    """
    # A mailbox that hangs must not hold up what is urgent; what it says may be what another channel waits for.
    found = await asyncio.gather(asyncio.to_thread(_mailbox, house), _beside(house), return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    taken, more = found
    return (await asyncio.to_thread(_what_failed, house) if taken else False) or bool(taken or more)


async def _beside(house: House) -> bool:
    more = False
    for name, notifier in house.notifiers.items():
        more |= await _receipts(house, name, notifier)
    return await asyncio.to_thread(_what_failed, house) or more


def _mailbox(house: House) -> bool:
    """Take what came to the mailbox. Whether anything of it is news."""
    if house.settings.mailbox is None:
        return False
    taken: Counter[str] = Counter()
    try:
        with opened(house.settings.mailbox) as mailbox:
            for key, raw in mailbox.unread():
                taken[_take(house, raw)] += 1
                mailbox.done(key)
    except MailboxFaultError as fault:
        _unreadable(house, fault)
    else:
        house.failing.pop("mailbox", None)
    if taken:
        house.log.info("mailbox", **dict(sorted(taken.items())))
    return bool(taken.total() - taken["ignored"] - taken["known"])


@contextmanager
def opened(settings: MailboxSettings) -> Iterator[Maildir | ImapFolder]:
    """The mailbox of the settings, logged in to. Raises MailboxFaultError for one that cannot be read."""
    found: AbstractContextManager[Maildir | ImapFolder]
    if settings.maildir is not None:
        found = nullcontext(Maildir(settings.maildir))
    else:
        found = imap(
            settings.host,
            settings.port,
            tls=settings.tls,
            ca_file=settings.ca_file,
            username=settings.username,
            password=_password(settings),
            folder=settings.folder,
            timeout_seconds=settings.timeout_seconds,
        )
    with found as mailbox:
        yield mailbox


def _password(settings: MailboxSettings) -> str:
    if settings.password_file is None:
        return settings.password.get_secret_value() if settings.password else ""
    where = str(settings.password_file)
    try:
        if settings.password_file.stat().st_mode & 0o007:
            what, fix = "the password file is open to every user", f"Run: chmod o= {where}"
            raise MailboxFaultError(what, where=where, fix=fix)
        return settings.password_file.read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as fault:
        what = f"the password file cannot be read ({type(fault).__name__})"
        raise MailboxFaultError(what, where=where, fix="Let alertd's user read it, and nobody else") from None


def _take(house: House, raw: bytes) -> str:
    """Take one message; what became of it. One that alertd itself falls over is said, and left to a person."""
    incoming = read(raw)  # before the database is held: it may be anything
    try:
        with Session(house.engine) as session, session.begin():
            alone(session)
            return take(session, house.composer_now(), incoming, house.clock()).result
    except StoodDownError:
        raise
    except Exception as fault:  # one message must not keep all later ones from being read
        if isinstance(fault, DBAPIError) and out_of_reach(fault):
            raise
        house.log.error("message_not_taken", kind=type(fault).__name__, message=incoming.digest[:16])
        lines = [
            "A message in alertd's mailbox made alertd fail. It is marked as read, and nothing was done with it.",
            "Look at it there, and report this to whoever looks after alertd:",
            f"message {incoming.digest[:16]}, {type(fault).__name__}",
        ]
        _tell(house, f"message:{incoming.digest[:16]}", "alertd could not take a message", lines)
        return "failed"


def _unreadable(house: House, fault: MailboxFaultError) -> None:
    now = house.clock()
    since = house.failing.setdefault("mailbox", now)
    house.log.warning("mailbox_unreadable", why=str(fault))
    if now - since < PATIENCE:
        return
    lines = [
        "alertd cannot read the mailbox that bounces and answers come to:",
        str(fault),
        "Until it can, nobody hears of messages that came back, of people who are away, or of agencies that answered.",
        "alertd tries again at each look.",
    ]
    _tell(house, "mailbox", "alertd cannot read its mailbox", lines)


def _tell(house: House, about: str, subject: str, lines: Sequence[str]) -> None:
    with Session(house.engine) as session, session.begin():
        alone(session)
        tell_operator(session, house.composer_now(), house.clock(), about=about, subject=subject, lines=lines)


async def _receipts(house: House, name: str, notifier: Notifier) -> bool:
    """Ask a channel what became of what it took. Whether something failed."""
    if getattr(type(notifier), "receipts", Notifier.receipts) is Notifier.receipts:
        return False  # it has nothing to ask
    awaited = await asyncio.to_thread(_awaited, house, name)
    if not awaited:
        return False
    try:
        found = await notifier.receipts(awaited)
    except Exception as fault:  # noqa: BLE001 - a channel of another maker must not keep others from being asked
        house.log.error("receipts_not_asked", channel=name, kind=type(fault).__name__)
        return False
    wanted = {one.delivery for one in awaited}
    return await asyncio.to_thread(_keep, house, name, [one for one in found if one.delivery in wanted])


def _awaited(house: House, channel: str) -> list[Awaited]:
    """What a channel took and has said nothing final of; some of them, the oldest first."""
    now = house.clock()
    final = exists().where(
        DeliveryReceipt.delivery_id == Delivery.id, DeliveryReceipt.kind.in_(("arrived", "failed", "acknowledged"))
    )
    taken_at = (
        select(func.max(DeliveryEvent.at))
        .where(DeliveryEvent.delivery_id == Delivery.id, DeliveryEvent.to_state == "delivered")
        .where(DeliveryEvent.from_state != "delivered")
        .scalar_subquery()
    )
    with reading(house.engine).connect() as connection:
        rows = connection.execute(
            select(Delivery.id, Delivery.reference, func.coalesce(taken_at, Delivery.created_at))
            .where(Delivery.channel == channel, Delivery.state == "delivered", Delivery.reference != "")
            .where(Delivery.created_at > now - ASKED_FOR, ~final)
        ).all()
    some = rows if len(rows) <= ASKED_AT_ONCE else house.rng.sample(rows, ASKED_AT_ONCE)
    return sorted((Awaited(id_, reference, at) for id_, reference, at in some), key=lambda one: one.since)


def _keep(house: House, channel: str, receipts: Sequence[Receipt]) -> bool:
    if not receipts:
        return False
    with Session(house.engine) as session, session.begin():
        alone(session)
        now = house.clock()
        new = [one for one in receipts if take_receipt(session, one, now)]
    if new:
        house.log.info("receipts", channel=channel, **dict(sorted(Counter(one.kind for one in new).items())))
    return any(one.kind == "failed" for one in new)


def _what_failed(house: House) -> bool:
    """Let other channels take over from what failed, and duty hear of what nobody was reached with."""
    with Session(house.engine) as session, session.begin():
        alone(session)
        now = house.clock()
        moved = fail_over(session, now)
        nobody = tell_duty(session, house.composer_now(), now)
    if moved["go"]:
        house.log.warning("failed_over", messages=moved["go"])
    if nobody:
        house.log.error("nobody_reached", alerts=len(nobody), next="duty is told, once a day for each alert")
    return bool(moved["go"] or nobody)
