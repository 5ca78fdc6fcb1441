"""What lets others see a running daemon, beside its work: how long each loop may take, and the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from math import inf
from typing import Final

from alertd.bootstrap import House
from alertd.errors import InputError
from alertd.gauges import Gauges
from alertd.reloading import Live
from alertd.watching.pulse import Bounds
from alertd.watching.serve import Served, serve
from alertd.watching.systemd import Systemd

_SAID: Final = 30.0
"""Seconds between what systemd is told where it does not say how often."""

_NEXT: Final = "systemd starts alertd again where it watches; else do so yourself: it goes on from what is stored"

A_DAY: Final = 24 * 3600.0
_ASLEEP: Final = 3600.0
"""Seconds by which a loop may be woken late: far more than a machine under load needs."""

WORKING: Final = {
    "evaluate": 3600.0, "tick": 3600.0, "compose": 3600.0, "send": 1800.0, "follow": 3600.0, "count": 1800.0,
}  # fmt: skip
"""Seconds that each loop may be at work without getting further. An attempt to send may take twenty minutes, and what
an evaluation of 100,000 children writes at its end is one step; a loop that waits for a database that does not answer
is none of those, and starting again does it no harm."""


def expect_loops(house: House) -> None:
    """Look after each loop of the daemon, by how often it is woken."""
    mailbox, schedule = house.settings.mailbox, house.settings.schedule
    seldom = {
        "evaluate": A_DAY if schedule.evaluate else inf,
        "tick": float(schedule.tick_seconds),
        "follow": float(mailbox.every) if mailbox else 0.0,
    }
    for loop, working in WORKING.items():
        house.pulse.expect(loop, Bounds(working, seldom.get(loop, 0.0) + _ASLEEP))


@asynccontextmanager
async def seen(live: Live, stopping: asyncio.Event, systemd: Systemd | None = None) -> AsyncIterator[None]:
    """While the daemon runs, let others see it. None of this ends the daemon: what cannot be seen is logged."""
    telling = [asyncio.create_task(tell_systemd(live.house, systemd, stopping))] if systemd else []
    telling.append(asyncio.create_task(_be_watched(live)))
    try:
        yield
    finally:
        for task in telling:
            task.cancel()
        await asyncio.gather(*telling, return_exceptions=True)


async def _be_watched(live: Live) -> None:
    """Serve the metrics, and let heartbeats tell that work moves, by the settings in force; until cancelled."""
    while True:
        house, ends = live.house, live.ends
        async with _served(house):
            await ends.wait()
            while live.house is house:  # stopping: it is watched to its end
                await asyncio.sleep(_SAID)


@asynccontextmanager
async def _served(house: House) -> AsyncIterator[None]:
    gauges = Gauges(house)
    metrics = _metrics(house, gauges)
    every = house.settings.heartbeat.work_minutes if house.settings.heartbeat else None
    telling = asyncio.create_task(tell_that_work_moves(house, 60.0 * every)) if every else None
    try:
        yield
    finally:
        if telling is not None:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        if metrics is not None:
            house.metrics.registry.unregister(gauges)
            await asyncio.to_thread(metrics.close)


async def tell_systemd(house: House, systemd: Systemd, stopping: asyncio.Event) -> None:
    """Say that the daemon is ready, and from then on that it is well, until cancelled: but not while a loop is stuck.

    It is said from the event loop itself, so that one which hangs says nothing either. systemd then ends the process
    and starts it again, and all goes on from what is stored. While stopping, what is under way is still waited for.
    """
    every = systemd.within / 3 if systemd.within else _SAID
    words, known = ["READY=1"], set[str]()
    while True:
        stuck = house.pulse.stuck()
        if new := stuck.keys() - known:
            house.log.error("stuck", **{loop: stuck[loop] for loop in sorted(new)}, next=_NEXT)
        known = set(stuck)
        status = "; ".join(f"{loop} {why}" for loop, why in stuck.items()) or str(house.pulse)
        say(house, systemd, *words, f"STATUS={status}", *([] if stuck else ["WATCHDOG=1"]))
        words = []
        if stopping.is_set():
            await asyncio.sleep(every)
            continue
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), every)
            words = ["STOPPING=1"]


@contextmanager
def reloading(house: House, systemd: Systemd | None) -> Iterator[None]:
    """While files are read again, systemd knows it; afterwards it is ready, by the new ones or by the old."""
    if systemd:
        say(house, systemd, *systemd.reloading())
    try:
        yield
    finally:
        if systemd:
            say(house, systemd, "READY=1")


def say(house: House, systemd: Systemd, *words: str) -> None:
    """Tell systemd something; that it does not listen ends nothing."""
    try:
        systemd.say(*words)
    except OSError as fault:
        house.log.warning("systemd_not_told", kind=type(fault).__name__)


async def tell_that_work_moves(house: House, every: float) -> None:
    """Let somebody outside hear, again and again, that work moved: nothing while a loop is stuck or cannot do its work.

    Until cancelled.
    """
    pulse, before = house.pulse, house.pulse.moves
    while True:
        await asyncio.sleep(every)
        moved, before = pulse.moves > before, pulse.moves
        if moved and not pulse.stuck() and not pulse.failing():
            house.heartbeats.send("work")


def _metrics(house: House, gauges: Gauges) -> Served | None:
    """A port that is taken must keep nobody from being told of a child. That nothing answers is seen by who asks."""
    settings = house.settings.metrics
    if settings is None:
        return None
    house.metrics.registry.register(gauges)
    try:
        served = serve(
            house.metrics.registry,
            settings.host,
            settings.port,
            certfile=settings.certfile,
            keyfile=settings.keyfile,
        )
    except InputError as error:
        house.metrics.registry.unregister(gauges)
        house.log.error("metrics_not_served", why=str(error))
        return None
    house.log.info("metrics_served", host=settings.host, port=served.port)
    return served
