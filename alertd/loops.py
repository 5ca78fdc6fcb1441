"""Pieces of work that are done again and again, and those of them that only the daemon that leads does.

Of several daemons on one database each sends; one leads and does all else. The others wait until they may lead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.exc import DBAPIError

from alertd.bootstrap import House
from alertd.db import leading
from alertd.db.engine import out_of_reach
from alertd.db.leading import StoodDownError, under
from alertd.errors import InputError

AGAIN_AFTER = timedelta(minutes=4)
"""When a feed was refused or a database out of reach: within the five minutes in which due work must go."""

_FOLLOWS: Final = "another daemon leads; this one sends what is due, and takes over where nobody leads: alertd status"


@dataclass(frozen=True, slots=True)
class Loop:
    """A piece of work, and what wakes it. ``led``: only the daemon that leads does it; at the others a waking does
    ``instead``."""

    name: str
    work: Callable[[], Awaitable[None]]
    wake: asyncio.Event
    led: bool = False
    instead: Callable[[], None] = lambda: None


async def repeat(house: House, loop: Loop, stopping: asyncio.Event) -> None:
    """Do the work at once and at every waking, until told to stop. Of ``house`` it needs what every house has alike."""
    while not stopping.is_set():
        loop.wake.clear()
        house.pulse.begins(loop.name)
        try:
            done = await _once(house, loop)
            house.pulse.ends(loop.name)
            if done:
                house.metrics.went_round(loop.name, house.clock())
        except DBAPIError as error:
            if not out_of_reach(error):
                raise
            house.pulse.ends(loop.name, well=False)
            kind = getattr(error.orig, "sqlite_errorname", type(error.orig).__name__)
            if kind.startswith("SQLITE_IOERR"):
                raise InputError(
                    f"the disk under the database failed ({kind}), and what it says was stored may not be",
                    where=house.engine.url.render_as_string(),
                    fix="Look at the disk, then start alertd again: it goes on from what is really there",
                ) from error
            house.log.error(
                "database_unreachable",
                kind=kind,
                next=f"tried again within {AGAIN_AFTER // timedelta(minutes=1)} minutes; alertd check says why",
            )
            asyncio.get_running_loop().call_later(AGAIN_AFTER.total_seconds(), loop.wake.set)
        await either(loop.wake, stopping)


async def _once(house: House, loop: Loop) -> bool:
    """Whether the work was ours, and is done. What a leader finds is written only while it still leads."""
    if not loop.led:
        await loop.work()
        return True
    if (term := house.leading.term) is None:
        loop.instead()
        return False
    try:
        with under(term):
            await loop.work()
    except StoodDownError as error:
        house.log.warning("stood_down", loop=loop.name, why=str(error), next="the daemon that leads now does this work")
        return False
    return True


async def lead(house: House, led: Collection[Loop], stopping: asyncio.Event) -> None:
    """Repeat what only the leader does. The lead is kept until all of it has ended, so that what was found when the
    daemon was told to stop is still written; then another may have it."""
    ended = asyncio.Event()
    keeping = asyncio.create_task(_keep(house, [loop.wake for loop in led], ended))
    try:
        async with asyncio.TaskGroup() as loops:
            for loop in led:
                loops.create_task(repeat(house, loop, stopping))
            loops.create_task(_watched(keeping, stopping))
    finally:
        ended.set()
        await keeping


async def _watched(keeping: asyncio.Task[None], stopping: asyncio.Event) -> None:
    """Raise what keeping the lead raised: nobody else waits for it before the end."""
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([keeping, stop], return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if keeping.done():
        await keeping


async def _keep(house: House, wakes: Collection[asyncio.Event], ended: asyncio.Event) -> None:
    """Say again and again that we live and lead, or try to lead. Whoever begins to lead does all its work at once."""
    own = ThreadPoolExecutor(1, "lead")  # nothing else that waits in threads may keep it from saying so
    run, ours = asyncio.get_running_loop().run_in_executor, house.leading
    said = ""
    try:
        while not ended.is_set():
            before = ours.term
            try:
                await run(own, ours.turn, house.engine, house.clock())
            except DBAPIError as error:
                if not out_of_reach(error):
                    raise
                house.log.warning("lead_not_asked_for", kind=type(error.orig).__name__, next="asked again in seconds")
            if ours.term and ours.term != before:
                for wake in wakes:
                    wake.set()
                said = "leads"
                house.log.info(said, term=ours.term.number)
            elif ours.term is None and said != "follows":
                said = "follows"
                house.metrics.leads_no_more()
                house.log.info(said, next=_FOLLOWS)
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), leading.EVERY.total_seconds())
    finally:
        await run(own, ours.close)
        own.shutdown(wait=False)


async def either(wake: asyncio.Event, stopping: asyncio.Event) -> bool:
    """Wait for one of both. Whether it is to go on."""
    waits = [asyncio.create_task(wake.wait()), asyncio.create_task(stopping.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for one in waits:
        one.cancel()
    return not stopping.is_set()
