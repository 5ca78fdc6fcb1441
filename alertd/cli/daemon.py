"""``alertd run``: the daemon, and the pages beside it."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from alertd import daemon, log
from alertd.bootstrap import House, build
from alertd.cli.beside import pages_beside
from alertd.memory import share_one_arena
from alertd.settings import load
from alertd.watching.systemd import Systemd

ConfigOption = Annotated[Path, typer.Option(help="The settings file.")]


def run(
    config: ConfigOption,
    accept_feed: Annotated[
        bool, typer.Option("--accept-feed", help="Believe the first reading, whatever it has lost since the last.")
    ] = False,
) -> None:
    """Run the daemon until it is told to stop, and the pages beside it where [web] says so."""
    share_one_arena()
    log.configure()
    if sys.stderr is not None:
        faulthandler.enable()  # where systemd ends a daemon that is stuck, its log says where: lines, and no values
    house = build(load(config))
    asyncio.run(_run(house, config, accept_feed=accept_feed))


async def _run(house: House, config: Path, *, accept_feed: bool) -> None:
    pages: list[asyncio.Task[None]] = []

    def end() -> None:
        if pages and not pages[-1].cancelling():
            pages[-1].cancel()

    def serve(house: House) -> None:
        """The pages begin anew with each house: they are a process of their own, and read the settings at its start."""
        end()
        earlier = [task for task in pages if not task.done()]
        pages[:] = earlier
        if (web := house.settings.web) and web.with_daemon:
            pages.append(asyncio.create_task(pages_beside(config, house.log, after=earlier)))

    serve(house)
    systemd = Systemd.of(os.environ, os.getpid())
    try:
        await daemon.run(house, accept_feed=accept_feed, systemd=systemd, reloaded=serve)
    finally:
        end()
        await asyncio.gather(*pages, return_exceptions=True)
