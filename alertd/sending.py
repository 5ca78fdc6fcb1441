"""Composing what waits, and sending what is due: one pass of each, for the daemon and for commands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from alertd.bootstrap import House
from alertd.cases.holding import Holding
from alertd.cases.records import LONDON, in_words, local_day
from alertd.db.engine import reading
from alertd.db.leading import alone
from alertd.faultpoints import point
from alertd.outbox import epoch
from alertd.outbox.channel import Outcome
from alertd.outbox.compose import Composed, compose
from alertd.outbox.deliver import tell_operator
from alertd.outbox.dispatch import Summary, dispatch_once
from alertd.outbox.recheck import why_not_now
from alertd.outbox.reconcile import Odd, odds
from alertd.outbox.store import Claimed
from alertd.outbox.undelivered import tell_of_undelivered
from alertd.partners.compose import compose_notifications
from alertd.partners.last_look import to_agencies, why_agency_not_now
from alertd.subscriptions.asked import wanted_now
from alertd.subscriptions.store import end_of_leavers

RECONCILE_EVERY = timedelta(minutes=10)
"""How often it is counted what ought not to be."""

DOWN: Final = timedelta(minutes=10)
"""How long a whole channel may be down before somebody is told: a mail server that restarts is back by then."""


def compose_once(house: House) -> Composed:
    """Turn waiting notices into deliveries, some digests at a time."""
    with house.traces.span("compose") as span:
        done = _compose_some(house)
        while done.more:
            some = _compose_some(house)
            some.urgent, some.asked = some.urgent + done.urgent, some.asked + done.asked
            some.digests, some.dropped = some.digests + done.digests, some.dropped + done.dropped
            done = some
        span.say(urgent=done.urgent, digests=done.digests)
    return done


def _compose_some(house: House) -> Composed:
    with Session(house.engine) as session, session.begin():
        alone(session)
        now = house.clock()
        composer = house.composer_now()
        end_of_leavers(session, composer.directory, now)
        digests = now.astimezone(LONDON).time() >= composer.digest_at
        asked = wanted_now(session, composer.directory, composer.rulebook, composer.calendar, now, digests=digests)
        done = compose(session, composer, now, asked)
        agencies = compose_notifications(session, house.partners(), now)
        if done.held:
            _tell_of_held(session, house, done.held)
        if agencies.held:
            _tell_of_agencies(session, house, agencies.held, now)
        if house.staff.fault:
            _tell_of_staff(session, house, now)
        undelivered = tell_of_undelivered(session, composer, now)
        point("compose.before_commit")
    house.pulse.further("compose")
    house.metrics.held(len(done.held))
    if undelivered:
        house.log.error(
            "undelivered", messages=undelivered, next="a message to the data owner, or to duty, says which and why"
        )
    if done.urgent or done.digests or agencies.sent:
        house.log.info("composed", urgent=done.urgent, digests=done.digests, agencies=agencies.sent)
    return done


def _tell_of_staff(session: Session, house: House, now: datetime) -> None:
    lines = ["The staff files cannot be used as they are now:", house.staff.fault, "The last good reading stands."]
    subject = "alertd could not read the staff files"
    if tell_operator(session, house.composer_now(), now, about="staff", subject=subject, lines=lines):
        house.log.error("staff_files_refused", why=house.staff.fault)


def _tell_of_held(session: Session, house: House, held: list[str]) -> None:
    lines = [
        f"{len(held)} messages could not be made, so what they were to tell still waits:",
        *held[:20],
        "alertd tries again until they can be made.",
    ]
    subject = "alertd could not make some messages"
    if tell_operator(session, house.composer_now(), house.clock(), about="held", subject=subject, lines=lines):
        house.log.error("messages_held", messages=len(held), first=held[0])


def _tell_of_agencies(session: Session, house: House, held: list[str], now: datetime) -> None:
    lines = [
        f"Notifications to other agencies that wait for somebody: {len(held)}. Whom they are for is told nothing yet.",
        *held[:20],
        "alertd partners list shows them all, and alertd partners show REFERENCE what happened to each.",
    ]
    subject = "alertd holds notifications to other agencies"
    if tell_operator(session, house.composer_now(), now, about="agencies", subject=subject, lines=lines):
        house.log.error("notifications_held", notifications=len(held))


async def dispatch(house: House, stopping: asyncio.Event | None = None) -> Summary:
    """Send what is due. What must not go as it was is composed anew and sent to whom it is for now."""
    summary = await dispatch_once_now(house, stopping)
    if summary.taken_back:
        await asyncio.to_thread(compose_once, house)
        again = await dispatch_once_now(house, stopping)
        summary.results += again.results
        summary.paused |= again.paused
    return summary


async def dispatch_once_now(house: House, stopping: asyncio.Event | None = None) -> Summary:
    """Send what is due, once; what is taken back waits to be composed anew."""
    if not await asyncio.to_thread(_may_send, house):
        return Summary()
    summary = await dispatch_once(
        house.engine,
        house.notifiers,
        house.shared or house.clock,
        house.rng,
        ask=house.shared.ask if house.shared else lambda: True,
        why_not=lambda deliveries: _why_not(house, deliveries),
        ended=lambda claimed, outcome, seconds: _ended(house, claimed, outcome, seconds),
        stopping=stopping,
        paces=house.paces,
    )
    house.metrics.taken_back(summary.taken_back.total())
    if summary.results or summary.paused or summary.recovered or summary.taken_back:
        say = house.log.error if summary.paused else house.log.info
        say(
            "dispatched",
            results=dict(summary.results),
            paused=summary.paused,
            recovered=summary.recovered,
            taken_back=summary.taken_back.total(),
        )
    if summary.results:
        await asyncio.to_thread(_count_up, house)
    if summary.answered or summary.paused:
        await asyncio.to_thread(_tell_of_down, house, summary)
    return summary


def _ended(house: House, claimed: Claimed, outcome: Outcome, seconds: float) -> None:
    house.traces.ended("send", seconds, delivery=claimed.id, channel=claimed.channel, result=outcome.result)
    house.pulse.further("send")
    house.metrics.attempted(claimed.channel, outcome.result, house.clock() - claimed.created_at)


def _tell_of_down(house: House, summary: Summary) -> None:
    """Tell the data owner of a channel that takes nothing of anybody, once a day. Where that is e-mail, their other
    channel says it, or duty's where they have none."""
    for name in summary.answered:
        house.failing.pop(f"channel {name}", None)
    for name, why in summary.paused.items():
        now = house.clock()
        since = house.failing.setdefault(f"channel {name}", now)
        if now - since < DOWN:
            continue
        lines = [
            f"Nothing has gone by {name} since {in_words(since)}: {why}",
            "What waits goes by itself within five minutes of its return. Of what is urgent, a person's other channel "
            "tells after half an hour, where they have one.",
            "alertd status says how much waits, and alertd notify test whether it works again.",
        ]
        with Session(house.engine) as session, session.begin():
            alone(session)
            composer, subject = house.composer_now(), f"alertd cannot send by {name}"
            owner = composer.directory.resolve("data_owner", Holding(), local_day(now))
            role = "data_owner" if owner.fallback else "duty"
            tell_operator(session, composer, now, about=f"channel:{name}", subject=subject, lines=lines, role=role)


def _may_send(house: House) -> bool:
    """Whether the database knows of all that was sent; counts the pass that follows, if it has anything to send."""
    standing = epoch.look(house.engine, house.settings.outbox.epoch)
    house.metrics.outbox_held(bool(standing.held))
    if standing.held:
        house.log.error("outbox_held", why=standing.held, next="alertd outbox accept-restore says what waits")
        return False
    if epoch.anything_due(house.engine, house.clock()):
        _count_up(house)
    return True


def _count_up(house: House) -> None:
    """A file that cannot be kept stops no message: only a restored database would not be noticed."""
    wrong = epoch.count_up(house.engine, house.settings.outbox.epoch, house.clock(), house.composer.new_id)
    if wrong:
        house.log.error("epoch_not_kept", why=wrong)


def _why_not(house: House, deliveries: Sequence[str]) -> dict[str, str]:
    """The last look at messages before they leave, with the staff as they are at this moment: why not, by id."""
    today = local_day(house.clock())
    with Session(reading(house.engine)) as session:
        for_agencies = to_agencies(session, deliveries)
        directory = house.composer_now().directory
        found = why_not_now(session, directory, [id_ for id_ in deliveries if id_ not in for_agencies], today)
        if for_agencies:
            partners = house.partners()
            looked = {id_: why_agency_not_now(session, id_, partners, today) for id_ in for_agencies}
            found |= {id_: why for id_, why in looked.items() if why}
    return found


def reconcile_once(house: House) -> list[Odd]:
    """Count what ought not to be, and say it. What is still so at the next look is told to the data owner, at most once
    a day: what one look finds may only be under way."""
    now = house.clock()
    with Session(reading(house.engine)) as session:
        found = odds(session, house.composer_now(), now)
    house.metrics.odd({one.kind: one.n for one in found})
    since = house.failing
    keys = {f"odd {one.kind}": one for one in found}
    for key in [key for key in since if key.startswith("odd ") and key not in keys]:
        del since[key]
    stay = [one for key, one in keys.items() if now - since.setdefault(key, now) >= RECONCILE_EVERY]
    if found:
        say = house.log.error if stay else house.log.warning
        say("odd", **{one.kind: one.n for one in found})
    if stay:
        lines = [
            "alertd has counted what ought not to be, and it was so ten minutes before too:",
            *(f"{one}. {one.do}" for one in stay),
        ]
        with Session(house.engine) as session, session.begin():
            alone(session)
            subject = "alertd has found something that ought not to be"
            tell_operator(session, house.composer_now(), now, about="odd", subject=subject, lines=lines)
    return found
