"""The pages served beside the daemon, in a process of their own: a flood of visitors takes nothing from sending."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from alertd.bootstrap import Log

AGAIN: Final = (1.0, 5.0, 30.0)
"""Seconds until pages that ended by themselves are served again: after the first time, the second, and each further."""
STOPS_WITHIN: Final = 40.0
"""Seconds in which they must have ended: what is being answered is answered first."""
_PR_SET_PDEATHSIG: Final = 1


async def pages_beside(
    config: Path,
    log: Log,
    program: tuple[str, ...] = (sys.executable, "-m", "alertd"),
    after: Collection[asyncio.Task[None]] = (),
) -> None:
    """Serve the pages until cancelled; they are started again where they end. What they say goes where ours goes.

    ``after`` are those whose port they take: they have been cancelled, and are waited for.
    """
    if after:
        await asyncio.wait(after)
    times = 0
    while True:
        made = await asyncio.create_subprocess_exec(
            *program, "web", "--config", str(config), stdin=asyncio.subprocess.DEVNULL, preexec_fn=_ends_with_us
        )
        try:
            code = await made.wait()
        except asyncio.CancelledError:
            await _end(made)
            raise
        wait = AGAIN[min(times, len(AGAIN) - 1)]
        times += 1
        log.error("pages_ended", code=code, next=f"started again in {wait:g} s; its own lines above say why")
        await asyncio.sleep(wait)


async def _end(made: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        made.terminate()
        try:
            await asyncio.wait_for(made.wait(), STOPS_WITHIN)
        except TimeoutError:
            made.kill()
            await made.wait()


def _ends_with_us() -> None:
    """A daemon that is killed cannot end them: the kernel does. Else they would keep the port from the next."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
