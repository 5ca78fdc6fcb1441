"""What wakes when, and the pieces of work: evaluate, compose and dispatch, follow what was sent.

APScheduler only wakes. What is due is worked out from the database each time, so a piece of work
that was missed, or died half-way, is done at the next waking. Of several daemons on one database all send, and one
leads and does the rest (:mod:`alertd.loops`).
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy.exc import DBAPIError

from alertd import log, loops, watchdog
from alertd.bootstrap import House
from alertd.cases.records import LONDON
from alertd.db.engine import answers
from alertd.db.leading import StoodDownError
from alertd.errors import InputError
from alertd.evaluation import Evaluated, evaluate_once, tick
from alertd.following import follow_once
from alertd.loops import Loop, either, lead, repeat
from alertd.memory import give_back
from alertd.reloading import Live, Reread, close, rebuilt, reload, tell_if_unfit
from alertd.sending import RECONCILE_EVERY, compose_once, dispatch_once_now, reconcile_once
from alertd.watched import expect_loops, reloading, seen
from alertd.watching.systemd import Systemd

FOLLOW_SECONDS = 60
"""How often what was sent is looked after where no mailbox says otherwise."""

PULSE_SECONDS = 30.0
"""How often the database is asked whether it is there, and how long it may take to answer."""


async def _listen(house: House, stopping: asyncio.Event) -> None:
    """Say when the database is silent: a loop that waits for it cannot, because it waits."""
    silent = False
    asked: asyncio.Task[bool] | None = None
    while not stopping.is_set():
        if asked is None or asked.done():
            asked = asyncio.create_task(asyncio.to_thread(answers, house.engine))
        await asyncio.wait([asked], timeout=PULSE_SECONDS)
        was, silent = silent, not (asked.done() and asked.result())
        if silent:
            house.log.error("database_silent", next="what waits for it goes on when it answers; alertd check says more")
        elif was:
            house.log.info("database_answers")
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), PULSE_SECONDS)


async def run(
    house: House,
    *,
    accept_feed: bool = False,
    systemd: Systemd | None = None,
    reread: Reread = rebuilt,
    reloaded: Callable[[House], None] = lambda _: None,
) -> None:
    """Run until SIGTERM or SIGINT: what is under way is finished, nothing new is begun.

    ``accept_feed``: the first reading is believed whatever it lost. ``systemd`` is told that work moves, where it asks.
    At SIGHUP all files are read again, by ``reread``, and ``reloaded`` hears of what is in force from then on.

    At its times an evaluation reads the feeds and looks at whom they concern; in between, and while a feed is read,
    ticks look at those of whom a clock has moved. Evaluating, ticks, composing, sending and following what was sent
    are loops of their own, so that neither a slow feed
    nor a hanging relay or mailbox holds up the others. A database that cannot be reached is said, and tried again at
    the next waking; any other fault ends the process, because starting again loses nothing. So does a disk that fails
    (``InputError``), because a write that failed once may seem to succeed the next time. A feed that was refused is
    read again soon: it may just have been being refilled.
    """
    await _Running(house, accept_feed, systemd, reread, reloaded).until_told_to_stop()


@dataclass(slots=True)
class _Wakes:
    """What wakes each piece of work."""

    evaluate: asyncio.Event = field(default_factory=asyncio.Event)
    tick: asyncio.Event = field(default_factory=asyncio.Event)
    compose: asyncio.Event = field(default_factory=asyncio.Event)
    send: asyncio.Event = field(default_factory=asyncio.Event)
    follow: asyncio.Event = field(default_factory=asyncio.Event)
    count: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)


class _Running:
    """The pieces of work of a daemon, what wakes them, and the house they are done in."""

    def __init__(
        self,
        house: House,
        accept_feed: bool,
        systemd: Systemd | None,
        reread: Reread,
        reloaded: Callable[[House], None],
    ) -> None:
        self._accept, self._systemd, self._reread, self._reloaded = accept_feed, systemd, reread, reloaded
        self._live, self._wake, self._stopping = Live(house), _Wakes(), asyncio.Event()
        self._looking = Lock()
        self._passes: set[asyncio.Task[DBAPIError | None]] = set()

    async def until_told_to_stop(self) -> None:
        """All pieces of work side by side."""
        house, wake, stopping = self._live.house, self._wake, self._stopping
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop)
        loop.add_signal_handler(signal.SIGHUP, wake.reload.set)
        led = (
            Loop("evaluate", self._evaluates, wake.evaluate, led=True),
            Loop("tick", self._ticks, wake.tick, led=True),
            Loop("compose", self._composes, wake.compose, led=True, instead=wake.send.set),
            Loop("follow", self._follows, wake.follow, led=True),
            Loop("count", self._counts, wake.count, led=True),
        )
        self._scheduler = self._scheduled()
        house.log.info("started", calendar=house.calendar.describe(), rules=len(house.rulebook.enabled))
        try:
            async with seen(self._live, stopping, self._systemd), asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(lead(house, led, stopping))
                self._tasks.create_task(repeat(house, Loop("send", self._sends, wake.send), stopping))
                self._tasks.create_task(_listen(house, stopping))
                self._tasks.create_task(self._reloads_when_asked())
        except BaseExceptionGroup as group:
            if said := _said(group):
                raise said from None
            raise
        finally:
            self._scheduler.shutdown(wait=False)
            await close(self._live.house)
            house.engine.dispose()
        house.log.info("stopped")

    def _stop(self) -> None:
        self._stopping.set()
        self._live.ends.set()

    def _scheduled(self) -> AsyncIOScheduler:
        """Let the house in force wake its loops."""
        log.quieter_than(self._live.house.settings.log.level)
        expect_loops(self._live.house)
        made = _scheduler(self._live.house, self._wake)
        made.start()
        return made

    async def _reloads_when_asked(self) -> None:
        wake, live = self._wake, self._live
        while await either(wake.reload, self._stopping):
            wake.reload.clear()
            with reloading(live.house, self._systemd):
                if not await reload(live, self._reread):
                    continue
                self._scheduler.shutdown(wait=False)
                self._scheduler = self._scheduled()
                self._reloaded(live.house)
                for one in (wake.evaluate, wake.compose, wake.send, wake.follow):
                    one.set()

    async def _evaluates(self) -> None:
        live, wake = self._live, self._wake
        async with live.work() as house:
            done = await asyncio.to_thread(
                _evaluate, house, accept=self._accept, turns=self._looking, enough=live.ends.is_set
            )
            if done.refused:
                asyncio.get_running_loop().call_later(loops.AGAIN_AFTER.total_seconds(), wake.evaluate.set)
            else:
                await asyncio.to_thread(watchdog.fire, house)
            await asyncio.to_thread(tell_if_unfit, house)
        self._accept = False
        wake.compose.set()

    async def _ticks(self) -> None:
        if not self._looking.acquire(blocking=False):
            return  # an evaluation is at it
        try:
            async with self._live.work() as house:
                done = await asyncio.to_thread(_tick, house)
        finally:
            self._looking.release()
        if done.notices:
            self._wake.compose.set()
        if done.waiting:
            self._wake.tick.set()

    async def _composes(self) -> None:
        async with self._live.work() as house:
            await asyncio.to_thread(compose_once, house)
            self._wake.send.set()

    async def _sends(self) -> None:
        # What a house that was succeeded has under way may take long, and must not hold up what the next one sends.
        ended = asyncio.create_task(self._live.ends.wait())
        self._passes.add(newest := self._tasks.create_task(self._one_pass()))
        await asyncio.wait([newest, ended], return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if self._stopping.is_set():
            await asyncio.wait(self._passes)
        for one in [one for one in self._passes if one.done()]:
            self._passes.remove(one)
            if fault := one.result():
                raise fault

    async def _one_pass(self) -> DBAPIError | None:
        ends = self._live.ends
        async with self._live.work() as house:
            try:
                if (await dispatch_once_now(house, ends)).taken_back:
                    self._wake.compose.set()
            except DBAPIError as fault:
                return fault
        return None

    async def _follows(self) -> None:
        async with self._live.work() as house:
            if await follow_once(house):
                self._wake.compose.set()

    async def _counts(self) -> None:
        async with self._live.work() as house:
            if await asyncio.to_thread(reconcile_once, house):
                self._wake.compose.set()


def _said(group: BaseExceptionGroup[BaseException]) -> InputError | None:
    """The first of them that is for whoever must act: what only the leader does fails in a group of its own."""
    for one in group.exceptions:
        found = _said(one) if isinstance(one, BaseExceptionGroup) else one
        if isinstance(found, InputError):
            return found
    return None


def _evaluate(
    house: House,
    *,
    accept: bool,
    turns: AbstractContextManager[object] = nullcontext(),
    enough: Callable[[], bool] = lambda: False,
) -> Evaluated:
    """One evaluation, what is counted of it, and what somebody outside hears."""

    def further(*_: object) -> None:
        house.pulse.further("evaluate")

    began, outcome = time.monotonic(), "failed"
    house.heartbeats.send("evaluation", "start")
    try:
        with house.traces.span("evaluate") as span:
            done = evaluate_once(
                house, accept=accept, on_read=further, on_evaluated=further, turns=turns, enough=enough
            )
            span.say(children=done.children, failed=done.failed, notices=done.notices, refused=bool(done.refused))
        outcome = "refused" if done.refused else "done"
    except StoodDownError:
        outcome = ""  # the daemon that leads now says how its own went
        raise
    finally:
        if outcome:
            house.metrics.evaluated(outcome, time.monotonic() - began)
            house.heartbeats.send("evaluation", "" if outcome == "done" else "fail")
    _counted(house, done)
    return done


def _tick(house: House) -> Evaluated:
    """One look at those of whom something may be otherwise, and what is counted of it."""

    def further(*_: object) -> None:
        house.pulse.further("tick")

    done = tick(house, on_evaluated=further)
    if done.children:
        house.log.info("looked", children=done.children, why=dict(done.why), changes=dict(done.changes))
    _counted(house, done)
    return done


def _counted(house: House, done: Evaluated) -> None:
    house.metrics.looked_at(done.why, done.waiting)
    if done.children:
        house.metrics.judged(done.children, done.failed, done.left_out)
        give_back()


class OnceADay(CronTrigger):  # type: ignore[misc]  # APScheduler says nothing of its types
    """At a time of day. In the night in which the clocks go back a time may come twice: it is the first. Where a time
    is left out in spring it is an hour later by the clock, which is when it would have been."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The next one, or None where there is no more."""
        found: datetime | None = super().get_next_fire_time(previous_fire_time, now)
        return self.get_next_fire_time(found, found) if found and found.fold else found


def _scheduler(house: House, wake: _Wakes) -> AsyncIOScheduler:
    """Wakes only. A waking missed while another runs, or while we were down, is made good by the next."""
    scheduler = AsyncIOScheduler(
        timezone=LONDON, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    schedule, mailbox = house.settings.schedule, house.settings.mailbox
    for at in schedule.evaluate:
        scheduler.add_job(wake.evaluate.set, OnceADay(hour=at.hour, minute=at.minute, timezone=LONDON))
    scheduler.add_job(wake.tick.set, IntervalTrigger(seconds=schedule.tick_seconds))
    scheduler.add_job(wake.compose.set, IntervalTrigger(seconds=schedule.dispatch_seconds))
    scheduler.add_job(wake.follow.set, IntervalTrigger(seconds=mailbox.every if mailbox else FOLLOW_SECONDS))
    scheduler.add_job(wake.count.set, IntervalTrigger(seconds=int(RECONCILE_EVERY.total_seconds())))
    return scheduler
