"""What wakes when, and the three pieces of work: evaluate, compose, dispatch.

APScheduler only wakes. What is due is worked out from the database each time, so a piece of work
that was missed, or died half-way, is done at the next waking.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from alertd.alerts import silence_store
from alertd.bootstrap import House
from alertd.cases.records import LONDON, local_day
from alertd.db.engine import reading
from alertd.evaluation import alone, evaluate_once
from alertd.faultpoints import point
from alertd.outbox.compose import Composed, compose
from alertd.outbox.deliver import tell_operator
from alertd.outbox.dispatch import Summary, dispatch_once
from alertd.outbox.recheck import why_not_now
from alertd.outbox.undelivered import tell_of_undelivered
from alertd.partners.compose import compose_notifications
from alertd.partners.last_look import to_agency, why_agency_not_now
from alertd.subscriptions.asked import wanted_now
from alertd.subscriptions.store import end_of_leavers

AGAIN_AFTER = timedelta(minutes=4)
"""When a feed was refused or a database out of reach: within the five minutes in which due work must go."""

MESSAGES_A_PASS = 1000
"""Sent before a waking looks again at what is due; a council's whole morning of digests."""


def compose_once(house: House) -> Composed:
    """Turn waiting notices into deliveries, some digests at a time."""
    done = _compose_some(house)
    while done.more:
        some = _compose_some(house)
        some.urgent, some.asked = some.urgent + done.urgent, some.asked + done.asked
        some.digests, some.dropped = some.digests + done.digests, some.dropped + done.dropped
        done = some
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
    summary = await _dispatch(house, stopping)
    if summary.taken_back:
        await asyncio.to_thread(compose_once, house)
        again = await _dispatch(house, stopping)
        summary.results += again.results
        summary.paused |= again.paused
    return summary


async def _dispatch(house: House, stopping: asyncio.Event | None) -> Summary:
    summary = await dispatch_once(
        house.engine,
        house.notifiers,
        house.clock,
        house.rng,
        why_not=lambda delivery: _why_not(house, delivery),
        stopping=stopping,
        limit=MESSAGES_A_PASS,
    )
    if summary.results or summary.paused or summary.recovered or summary.taken_back:
        say = house.log.error if summary.paused else house.log.info
        say(
            "dispatched",
            results=dict(summary.results),
            paused=summary.paused,
            recovered=summary.recovered,
            taken_back=summary.taken_back.total(),
        )
    return summary


def _why_not(house: House, delivery: str) -> str:
    """The last look at a message before it leaves, with the staff as they are at this moment."""
    with Session(reading(house.engine)) as session:
        if to_agency(session, delivery):
            return why_agency_not_now(session, delivery, house.partners(), local_day(house.clock()))
        return why_not_now(session, house.composer_now().directory, delivery, local_day(house.clock()))


def _silences_over(house: House) -> frozenset[str]:
    """Silences that are over and still mute: what they kept back must not wait for the next day's evaluation."""
    with Session(reading(house.engine)) as session:
        return silence_store.outlived(session, house.clock())


async def run(house: House, *, accept_feed: bool = False) -> None:
    """Run until SIGTERM or SIGINT: what is under way is finished, nothing new is begun.

    ``accept_feed``: the first reading is believed whatever it lost.

    Evaluating and sending are two loops, so that neither a slow feed nor a hanging relay holds up
    the other. A database that cannot be reached is said, and tried again at the next waking; any
    other fault ends the process, because starting again loses nothing. A feed that was refused is
    read again soon: it may just have been being refilled.
    """
    accept = accept_feed
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    evaluate_now, send_now = asyncio.Event(), asyncio.Event()
    looked_again: set[str] = set()

    async def evaluate() -> None:
        nonlocal accept
        done = await asyncio.to_thread(evaluate_once, house, accept=accept)
        if done.refused:
            loop.call_later(AGAIN_AFTER.total_seconds(), evaluate_now.set)
        accept = False
        send_now.set()

    async def send() -> None:
        await asyncio.to_thread(compose_once, house)
        await dispatch(house, stopping)
        over = await asyncio.to_thread(_silences_over, house)
        if over - looked_again:
            looked_again.update(over)
            evaluate_now.set()

    scheduler = _scheduler(house, evaluate_now.set, send_now.set)
    scheduler.start()
    house.log.info("started", calendar=house.calendar.describe(), rules=len(house.rulebook.enabled))
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_repeat(house, evaluate, evaluate_now, stopping))
            both.create_task(_repeat(house, send, send_now, stopping))
    finally:
        scheduler.shutdown(wait=False)
        for notifier in house.notifiers.values():
            await notifier.close()
        house.engine.dispose()
    house.log.info("stopped")


async def _repeat(
    house: House, work: Callable[[], Awaitable[None]], wake: asyncio.Event, stopping: asyncio.Event
) -> None:
    """Do the work at once and at every waking, until told to stop."""
    while not stopping.is_set():
        wake.clear()
        try:
            await work()
        except OperationalError as error:
            house.log.error(
                "database_unreachable",
                kind=type(error.orig).__name__,
                next=f"tried again within {AGAIN_AFTER // timedelta(minutes=1)} minutes; alertd check says why",
            )
            asyncio.get_running_loop().call_later(AGAIN_AFTER.total_seconds(), wake.set)
        waits = [asyncio.create_task(wake.wait()), asyncio.create_task(stopping.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()


def _scheduler(house: House, evaluate: Callable[[], None], send: Callable[[], None]) -> AsyncIOScheduler:
    """Wakes only. A waking missed while another runs, or while we were down, is made good by the next."""
    scheduler = AsyncIOScheduler(
        timezone=LONDON, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    for at in house.settings.schedule.evaluate:
        scheduler.add_job(evaluate, CronTrigger(hour=at.hour, minute=at.minute, timezone=LONDON))
    scheduler.add_job(send, IntervalTrigger(seconds=house.settings.schedule.dispatch_seconds))
    return scheduler
