"""What wakes when, and the three pieces of work: evaluate, compose, dispatch.

APScheduler only wakes. What is due is worked out from the database each time, so a piece of work
that was missed, or died half-way, is done at the next waking.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from alertd.alerts import store as alerts
from alertd.alerts.lifecycle import Transition
from alertd.alerts.reconcile import reconcile
from alertd.bootstrap import House, Progress
from alertd.cases.records import LONDON, Snapshot, local_day
from alertd.cases.sync import judge
from alertd.db.engine import reading
from alertd.db.tables import FeedRun
from alertd.engine.findings import WHOLE_FEED
from alertd.engine.sweep import Sweep, sweep
from alertd.errors import InputError
from alertd.faultpoints import point
from alertd.outbox.compose import Composed, Composer, compose, tell_of_undelivered, tell_operator
from alertd.outbox.dispatch import Summary, dispatch_once
from alertd.people.directory import holding
from alertd.routing.route import NoticeFor, route

_DECIDING = 0x616C6563
"""The advisory lock of those who write alerts and notices; any number of our own will do."""
AGAIN_AFTER = timedelta(minutes=4)
"""When a feed was refused or a database out of reach: within the five minutes in which due work must go."""

MESSAGES_A_PASS = 1000
"""Sent before a waking looks again at what is due; a council's whole morning of digests."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What one evaluation did. ``refused`` says why the feed was not used, and then nothing changed."""

    children: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    notices: int = 0
    failed: int = 0
    refused: str = ""


def evaluate_once(
    house: House,
    *,
    accept: bool = False,
    on_read: Progress = lambda _what, _n: None,
    on_evaluated: Callable[[int, int], None] = lambda _done, _all: None,
) -> Evaluated:
    """Read the feed, evaluate every child, and commit what changed together with its notices.

    A feed that cannot be used, or looks half-loaded, changes nothing: the data owner is told.
    ``accept``: somebody has said that whatever this reading lost is meant to be gone.
    """
    now = house.clock()
    try:
        snapshot = house.read_feed(now, _marking(on_read))
    except InputError as error:
        return _refuse(house, now, "", {}, str(error))
    before = None if accept else _last_counts(house)
    reasons = judge(snapshot.counts, before, max_loss=house.settings.feed.max_loss)
    if reasons:
        return _refuse(house, now, snapshot.source, dict(snapshot.counts), "; ".join(reasons))
    with Session(reading(house.engine)) as session:
        told = frozenset(alerts.last_told(session))
    done = 0

    def progress(n: int) -> None:
        nonlocal done
        done += n
        on_evaluated(done, len(snapshot.cases))

    swept = sweep(
        snapshot,
        house.rulebook,
        now,
        keep=lambda f: f.asks_for_action or f.identity in told,
        progress=progress,
    )
    return _commit(house, snapshot, swept, now)


def _marking(on_read: Progress) -> Progress:
    def progress(what: str, n: int) -> None:
        point("feed.mid_read")
        on_read(what, n)

    return progress


def _commit(house: House, snapshot: Snapshot, swept: Sweep, now: datetime) -> Evaluated:
    present = {(case.child, record.ref) for case in snapshot.cases for record in case.records} | {WHOLE_FEED}
    today = local_day(now)
    holdings = {case.child: holding(case, today) for case in snapshot.cases}
    findings = [f for f in swept.findings if house.rulebook.rule(f.rule)]
    unmeasured = {f.rule for f in findings if (f.child, f.record) == WHOLE_FEED}
    with Session(house.engine) as session, session.begin():
        _alone(session)
        # A rule this reading cannot measure says nothing about its alerts: they stay as they were.
        known = {
            identity: alert
            for identity, alert in alerts.last_told(session, skip=swept.failed).items()
            if identity[0] not in unmeasured or identity[1:3] == WHOLE_FEED
        }
        reconciled = reconcile(
            findings, known, now, present=lambda child, record: (child, record) in present, holdings=holdings
        )
        notices = alerts.apply(session, reconciled, now, lambda t: _route(house, t), holdings)
        session.add(FeedRun(source=snapshot.source[:500], at=now, outcome="accepted", counts=dict(snapshot.counts)))
        if swept.failed:
            _tell_of_failed(session, house, now, swept)
        point("evaluate.before_commit")
    point("evaluate.after_commit")
    done = Evaluated(
        children=len(snapshot.cases),
        changes=Counter(t.reason for t in reconciled.transitions),
        notices=notices,
        failed=len(swept.failed),
    )
    house.log.info(
        "evaluated",
        children=done.children,
        changes=dict(done.changes),
        notices=notices,
        failed=done.failed,
        rejected_rows=len(snapshot.rejects),
    )
    return done


def _alone(session: Session) -> None:
    """One daemon at a time decides what to tell, until the transaction ends. SQLite sees to it itself."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_DECIDING)))


def _route(house: House, transition: Transition) -> tuple[NoticeFor, ...]:
    rule = house.rulebook.rule(transition.finding.rule)
    return route(transition, rule, house.rulebook) if rule else ()


def _tell_of_failed(session: Session, house: House, now: datetime, swept: Sweep) -> None:
    lines = [
        f"{len(swept.failed)} children could not be evaluated.",
        "Their alerts stay as they were. All other children were evaluated.",
        "Please report this, with the children's references, to whoever looks after alertd:",
        *(f"ref {child}" for child in sorted(swept.failed)[:20]),
    ]
    tell_operator(
        session, _composer(house), now, about="engine", subject="alertd could not evaluate some children", lines=lines
    )
    why = Counter(f.cannot_tell.text for f in swept.findings if f.child in swept.failed and f.cannot_tell)
    house.log.error("engine_stopped", children=len(swept.failed), why=dict(why))


def _last_counts(house: House) -> dict[str, int] | None:
    with Session(reading(house.engine)) as session:
        accepted = select(FeedRun.counts).where(FeedRun.outcome == "accepted").order_by(FeedRun.id.desc()).limit(1)
        return session.scalar(accepted)


def _refuse(house: House, now: datetime, source: str, counts: dict[str, int], why: str) -> Evaluated:
    lines = [
        "The case data could not be used, so nothing was evaluated:",
        why,
        "Alerts stay as they were; what has come due since the last good reading is not known.",
        "alertd tries again at its next reading.",
    ]
    with Session(house.engine) as session, session.begin():
        _alone(session)
        session.add(FeedRun(source=source[:500], at=now, outcome="refused", counts=counts, detail=why))
        tell_operator(
            session, _composer(house), now, about="feed", subject="alertd could not use the case data", lines=lines
        )
    house.log.error("feed_refused", why=why)
    return Evaluated(refused=why)


def _composer(house: House) -> Composer:
    """The composer with the staff as they are now."""
    return replace(house.composer, directory=house.staff.refresh())


def compose_once(house: House) -> Composed:
    """Turn waiting notices into deliveries."""
    with Session(house.engine) as session, session.begin():
        _alone(session)
        now = house.clock()
        composer = _composer(house)
        done = compose(session, composer, now)
        if done.held:
            _tell_of_held(session, house, done.held)
        if house.staff.fault:
            _tell_of_staff(session, house, now)
        undelivered = tell_of_undelivered(session, composer, now)
        point("compose.before_commit")
    if undelivered:
        house.log.error(
            "undelivered", messages=undelivered, next="a message to the data owner, or to duty, says which and why"
        )
    if done.urgent or done.digests:
        house.log.info("composed", urgent=done.urgent, digests=done.digests)
    return done


def _tell_of_staff(session: Session, house: House, now: datetime) -> None:
    lines = ["The staff files cannot be used as they are now:", house.staff.fault, "The last good reading stands."]
    subject = "alertd could not read the staff files"
    if tell_operator(session, _composer(house), now, about="staff", subject=subject, lines=lines):
        house.log.error("staff_files_refused", why=house.staff.fault)


def _tell_of_held(session: Session, house: House, held: list[str]) -> None:
    lines = [
        f"{len(held)} messages could not be made, so what they were to tell still waits:",
        *held[:20],
        "alertd tries again until they can be made.",
    ]
    subject = "alertd could not make some messages"
    if tell_operator(session, _composer(house), house.clock(), about="held", subject=subject, lines=lines):
        house.log.error("messages_held", messages=len(held), first=held[0])


async def dispatch(house: House, stopping: asyncio.Event | None = None) -> Summary:
    """Send what is due."""
    summary = await dispatch_once(
        house.engine, house.notifiers, house.clock, house.rng, stopping=stopping, limit=MESSAGES_A_PASS
    )
    if summary.results or summary.paused or summary.recovered:
        say = house.log.error if summary.paused else house.log.info
        say("dispatched", results=dict(summary.results), paused=summary.paused, recovered=summary.recovered)
    return summary


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
