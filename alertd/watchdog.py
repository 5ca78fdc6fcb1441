"""A rule that always fires, over a record that is no child's: through the engine, the outbox and the channel to
somebody outside. That its message stops coming is the alarm.

It leaves the table of alerts alone: a made-up alert there would be counted wherever children are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.bootstrap import House
from alertd.cases.records import CaseFile, Snapshot, Window, in_words, local_day, make_record
from alertd.db.engine import reading
from alertd.db.leading import alone
from alertd.db.tables import Delivery, DeliveryEvent
from alertd.engine.sweep import sweep
from alertd.errors import InputError
from alertd.outbox import store
from alertd.outbox.deliver import letter_of
from alertd.outbox.recheck import WATCHDOG
from alertd.people.directory import Resolved
from alertd.routing.mails import Page
from alertd.rulebook.load import load_rulebook
from alertd.sending import dispatch_once_now
from alertd.settings.delivery import Watchdog

RULE: Final = "alertd.watchdog"
_PACK: Final = Path(__file__).with_name("watchdog.yaml")
_SINCE: Final = timedelta(days=30)
"""How long ago the made-up record began: far longer than its rule allows."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the road: what it is, whether it went well, and what it said."""

    what: str
    well: bool
    said: str


def fires(now: datetime) -> Step:
    """Whether the rule fires, by the engine and its workers as they evaluate children."""
    day = local_day(now) - _SINCE
    record = make_record("care_period", WATCHDOG, "1", "watchdog", {"start": day})
    case = CaseFile(WATCHDOG, (record,), Window(day, local_day(now)))
    snapshot = Snapshot("watchdog", (case,), frozenset({"care_period", "cla_review"}), case.window, {})
    swept = sweep(snapshot, load_rulebook([_PACK]), now)
    found = {(f.rule, f.stage) for f in swept.findings}
    if (RULE, "overdue") in found:
        return Step("evaluate", True, "the rule that always fires has fired")
    why = "the engine could not evaluate it" if swept.failed else "the rule that always fires did not"
    return Step("evaluate", False, why)


def compose(house: House, settings: Watchdog, now: datetime) -> Step:
    """Put its message into the outbox; at most one a minute."""
    channel = house.composer.channels.get(settings.channel)
    if channel is None:
        where = house.settings.place("watchdog.channel")
        raise InputError(f"there is no channel {settings.channel!r}", where=where, fix="Name one of the settings")
    composer = house.composer_now()
    person = Resolved(WATCHDOG, "Watchdog", settings.address, "the watchdog's rule always fires")
    next_one = f"The next one is due within {settings.expect_every} hours. If it does not come, look at alertd status."
    subject = f"alertd is alive · {house.settings.authority.name}"
    line = f"A rule that always fires went through alertd at {in_words(now)}. Nothing is wrong while this keeps coming."
    page = Page(
        subject=subject,
        preview=subject,
        opening=(line,),
        today=local_day(now),
        lines=(next_one,),
    )
    letter = letter_of(composer, person, composer.wording.page("operator", page), composer.new_id(), now)
    message, key = channel.write(letter), f"{now:%Y-%m-%dT%H:%M}:watchdog"
    with Session(house.engine) as session, session.begin():
        alone(session)
        there = select(Delivery.id).where(Delivery.person == WATCHDOG, Delivery.digest_for == key)
        if session.scalar(there) is None:
            store.put(
                session, letter, message, person=WATCHDOG, resolved_by=person.how, channel=settings.channel,
                destination=channel.destination(settings.address), digest_for=key,
            )  # fmt: skip
    return Step("compose", True, "its message is in the outbox")


def fire(house: House) -> list[Step]:
    """Evaluate and compose, after an evaluation that went well. Nothing where no watchdog is set."""
    settings = house.settings.watchdog
    if settings is None:
        return []
    now = house.clock()
    steps = [fires(now)]
    if steps[0].well:
        steps.append(compose(house, settings, now))
    else:
        house.log.error("watchdog_silent", why=steps[0].said)
    return steps


def at_once(house: House) -> Iterator[Step]:
    """The whole road now, a step at a time."""
    if house.settings.watchdog is None:
        raise InputError("there is no [watchdog] in the settings", fix="Add it, with the address of whoever listens")
    yield from fire(house)
    asyncio.run(dispatch_once_now(house))
    row = _latest(house)
    if row is not None:
        yield Step("send", row.state == "delivered", f"{row.state.replace('_', ' ')}: {row.reason or 'not tried yet'}")


def _latest(house: House) -> Delivery | None:
    with Session(reading(house.engine)) as session:
        newest = select(Delivery).where(Delivery.person == WATCHDOG).order_by(Delivery.created_at.desc()).limit(1)
        return session.scalar(newest)


def last_delivered(session: Session) -> datetime | None:
    """When the newest of its messages was delivered. By the order of events: there is no index of their time."""
    return session.scalar(
        select(DeliveryEvent.at)
        .join(Delivery, Delivery.id == DeliveryEvent.delivery_id)
        .where(Delivery.person == WATCHDOG, DeliveryEvent.to_state == "delivered")
        .where(DeliveryEvent.from_state != "delivered")  # a note of what came later says nothing new
        .order_by(DeliveryEvent.id.desc())
        .limit(1)
    )


def silent(session: Session, settings: Watchdog, now: datetime) -> str:
    """Why its silence is an alarm; blank while it is heard."""
    last = last_delivered(session)
    if last is None:
        return "the watchdog was never delivered"
    age = now - last
    if age <= timedelta(hours=settings.expect_every):
        return ""
    return f"the watchdog was last delivered {in_words(last)}, more than {settings.expect_every} hours ago"
