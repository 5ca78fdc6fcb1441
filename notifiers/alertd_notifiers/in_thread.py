"""Work that blocks, for the channels whose libraries know no other way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T], seconds: float) -> T:
    """What ``work`` returns or raises; ``TimeoutError`` once it takes longer than that.

    Nothing can end the thread then. It keeps the process from ending no more than the event loop does, which the
    threads of ``asyncio.to_thread`` would: a server that answers a byte at a time could hold up a restart for ever.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(say: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if done.done() else say())

    def run() -> None:
        try:
            found = work()
        except BaseException as fault:  # noqa: BLE001 - it is raised again where it is waited for
            raised = fault
            tell(lambda: done.set_exception(raised))
        else:
            tell(lambda: done.set_result(found))

    Thread(target=run, name="alertd-channel", daemon=True).start()
    async with asyncio.timeout(seconds):
        return await done
