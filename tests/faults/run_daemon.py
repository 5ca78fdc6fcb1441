"""Start alertd as ``alertd run`` does, with one difference: it may die at a named point.

``run_daemon.py CONFIG --at 2026-11-24T08:05+00:00 --kill send.before_record:3`` kills itself, as by
``kill -9``, when it passes that point for the third time; ``--pause`` holds it there. ``--work`` says
what to run: ``daemon`` is the whole of it; ``evaluate`` stops before sending; ``send`` composes and
dispatches until nothing is due.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alertd.bootstrap import House

# alertd is imported inside: the evaluation's worker processes import this module too, and need none of it.


def main(arguments: list[str] | None = None) -> None:
    """Wire everything as in production, and run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--work", choices=["daemon", "evaluate", "send"], nargs="+", default=["daemon"])
    parser.add_argument("--at", type=datetime.fromisoformat, required=True, help="what the clock shows at the start")
    parser.add_argument("--speed", type=float, default=1, help="seconds of its clock in one real second")
    parser.add_argument("--kill", default="", metavar="POINT:N", help="where to die")
    parser.add_argument("--pause", default="", metavar="POINT:N", help="where to wait for SIGCONT")
    parser.add_argument("--block", default="", metavar="POINT:N", help="where to hang, as a call into C does")
    parser.add_argument("--began", type=float, help="when, by the machine's steady clock, the clock showed that")
    parser.add_argument("--database-clock", action="store_true", help="let that of the database decide about claims")
    told = parser.parse_args(arguments)
    (told.config.parent / "daemon.pid").write_text(str(os.getpid()))

    from alertd import daemon, faultpoints, log, loops
    from alertd.bootstrap import build
    from alertd.db.clock import SharedClock
    from alertd.errors import InputError
    from alertd.outbox.ledger import LEASE
    from alertd.settings import load

    log.configure()
    # These are waited for by no clock of ours.
    loops.AGAIN_AFTER /= told.speed
    daemon.PULSE_SECONDS = max(daemon.PULSE_SECONDS / told.speed, 1.0)
    clock = _clock(told.at, told.speed, time.monotonic() if told.began is None else told.began)
    if told.began is not None:
        _one_of_several(told.speed, clock)
    stops = {told.kill: signal.SIGKILL, told.pause: signal.SIGSTOP}
    faultpoints.install(_hook(told.config.parent / "daemon.jsonl", stops, told.block))
    try:
        house = build(load(told.config), clock=clock)
        if told.database_clock:
            house = replace(house, shared=SharedClock(house.engine, clock, settles=LEASE))
        for work in told.work:
            {"daemon": _daemon, "evaluate": _evaluate, "send": _send}[work](house)
    except InputError as error:  # as the command line does
        print(f"alertd: {error}", file=sys.stderr)
        sys.exit(2)


def _hook(log: Path, stops: Mapping[str, signal.Signals], block: str) -> Callable[[str], None]:
    """Keep every point passed in a file of history, and end, wait or hang at those chosen."""
    passed: Counter[str] = Counter()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def hook(name: str) -> None:
        passed[name] += 1
        line = {"event": name, "process": os.getpid(), "at": time.monotonic()}
        os.write(file, json.dumps(line).encode() + b"\n")
        if stop := stops.get(f"{name}:{passed[name]}"):
            os.write(file, json.dumps(line | {"event": stop.name}).encode() + b"\n")
            signal.pthread_kill(threading.get_ident(), stop)  # this thread goes no step further
        if f"{name}:{passed[name]}" == block:
            time.sleep(3600)

    return hook


def _clock(start: datetime, speed: float, began: float) -> Callable[[], datetime]:
    return lambda: start + timedelta(seconds=speed * (time.monotonic() - began))


def _one_of_several(speed: float, clock: Callable[[], datetime]) -> None:
    """Where daemons share a clock that is faster than the machine's, so is all that they do by the machine's; and what
    a leader may be silent for is short enough to wait for."""
    from alertd import daemon
    from alertd.cases.records import LONDON
    from alertd.db import engine, leading
    from alertd.outbox import ledger

    class Faster(daemon.OnceADay):
        """By the shared clock."""

        def get_next_fire_time(self, _: datetime | None, now: datetime) -> datetime | None:
            shown = clock().astimezone(LONDON)
            found: datetime = super().get_next_fire_time(None, shown + timedelta(seconds=1))
            return now + (found - shown) / speed

    daemon.OnceADay = Faster
    leading.EVERY, leading.SILENT = timedelta(seconds=0.5), timedelta(seconds=6)
    ledger.RENEWED = max(ledger.RENEWED / speed, timedelta(seconds=0.1))
    for usual, quick in (("idle_in_transaction_session_timeout=60000", 6000), ("lock_timeout=10000", 2000)):
        assert usual in engine._POSTGRES_OPTIONS
        engine._POSTGRES_OPTIONS = engine._POSTGRES_OPTIONS.replace(usual, f"{usual.partition('=')[0]}={quick}")


def _daemon(house: House) -> None:
    import asyncio

    from alertd import daemon
    from alertd.watching.systemd import Systemd

    asyncio.run(daemon.run(house, systemd=Systemd.of(os.environ, os.getpid())))


def _evaluate(house: House) -> None:
    from alertd import sending
    from alertd.evaluation import evaluate_once

    evaluate_once(house)
    sending.compose_once(house)
    house.engine.dispose()


def _send(house: House) -> None:
    import asyncio

    from sqlalchemy.orm import Session

    from alertd import sending
    from alertd.outbox import store

    async def send() -> None:
        while True:
            sending.compose_once(house)
            await sending.dispatch(house)
            with Session(house.engine) as session:
                counts = store.counts(session)
            if not counts["due"] + counts["sending"]:
                break
            await asyncio.sleep(0.1)

    asyncio.run(send())
    house.engine.dispose()


def run_in_own_process(arguments: list[str], log: str) -> None:
    """What a process forked from a warm one runs: it leads a group, and writes to ``log``."""
    os.setsid()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    sys.modules["__main__"] = sys.modules[__name__]  # what worker processes import; otherwise all of pytest
    main(arguments)


if __name__ == "__main__":
    main()
