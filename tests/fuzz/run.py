"""``make fuzz``: feeds broken in thousands of ways, each read in a worker that may be killed.

python -m tests.fuzz.run --mutations 5000 --seed 1
python -m tests.fuzz.run --only 1000042          # one of them again, with all that was said
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.fuzz import look as looking
from tests.fuzz.feeds import all_given, make_given
from tests.fuzz.look import LIMIT_SECONDS, Result, look

PER_SEED: Final = 1_000_000
"""Mutations of one seed are numbered from this times the seed."""
_KILL_AFTER: Final = 4 * LIMIT_SECONDS
"""Seconds after which a worker is taken for hanging: to make and to judge a mutation comes on top of its reading."""
_RECYCLE: Final = 150
_MOST_MEMORY: Final = 6_000_000_000


def _work(line: Connection, folder: Path, number: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # a panic of the workbook library prints
    given = all_given(folder)
    own = folder / f"worker-{number}-{os.getpid()}"
    own.mkdir()
    looking._FOLDER[:] = [own]
    while (seed := line.recv()) is not None:
        line.send(look(seed, given, own / "feed"))


@dataclass
class _Worker:
    process: SpawnProcess
    line: Connection
    seed: int | None = None
    since: float = 0.0
    done: int = 0


@dataclass
class Run:
    """All results, and how many feeds there were to break: made ones and samples."""

    results: list[Result] = field(default_factory=list)
    made: int = 0
    samples: int = 0
    seconds: float = 0.0

    @property
    def failed(self) -> list[Result]:
        """Those with a fault, by their seeds."""
        return sorted((r for r in self.results if r.faults), key=lambda r: r.seed)


def fuzz(seeds: Iterable[int], folder: Path, *, workers: int, heard: Callable[[Result], None] = lambda _: None) -> Run:
    """Break and read the feed of each seed, with so many workers. A slow one is tried once more, alone."""
    make_given(folder)
    given = all_given(folder)
    run = Run(samples=sum(each.name.startswith("sample") for each in given))
    run.made = len(given) - run.samples
    begun = time.monotonic()
    for result in _each(seeds, folder, workers):
        run.results.append(result)
        heard(result)
    slow = [r for r in run.results if any(fault.startswith("took") and " s " in fault for fault in r.faults)]
    for again in _each([r.seed for r in slow], folder, 1):
        run.results[[r.seed for r in run.results].index(again.seed)] = again
    run.seconds = time.monotonic() - begun
    return run


def _each(seeds: Iterable[int], folder: Path, workers: int) -> Iterable[Result]:
    context = multiprocessing.get_context("spawn")
    left = list(seeds)[::-1]
    pool = [_started(context, folder, n) for n in range(workers)]
    try:
        while True:
            for n, worker in enumerate(pool):
                if worker.seed is None and left:
                    if worker.done >= _RECYCLE:
                        _ended(worker)
                        worker = pool[n] = _started(context, folder, n)
                    worker.seed, worker.since = left.pop(), time.monotonic()
                    worker.line.send(worker.seed)
            busy = [worker for worker in pool if worker.seed is not None]
            if not busy:
                return
            ready = wait([worker.line for worker in busy], timeout=1)
            for n, worker in enumerate(pool):
                result = None
                if worker.line in ready:
                    try:
                        result = worker.line.recv()
                    except EOFError:
                        result = _lost(worker, "ended its process")
                elif worker.seed is not None and time.monotonic() - worker.since > _KILL_AFTER + 10 * (not worker.done):
                    result = _lost(worker, f"took {time.monotonic() - worker.since:.0f} s and was killed")
                if result is None:
                    continue
                worker.seed, worker.done = None, worker.done + 1
                if result.outcome == "lost":
                    worker.process.kill()
                    pool[n] = _started(context, folder, n)
                yield result
    finally:
        for worker in pool:
            _ended(worker)


def _started(context: multiprocessing.context.SpawnContext, folder: Path, number: int) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, folder, number), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _ended(worker: _Worker) -> None:
    with contextlib.suppress(OSError):
        worker.line.send(None)
    worker.process.join(2)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
    worker.line.close()


def _lost(worker: _Worker, why: str) -> Result:
    return Result(worker.seed or 0, "?", "?", [], "lost", faults=[why])


def table(run: Run) -> Table:
    """Format by outcome, with the slowest and the largest of each."""
    outcomes = ("refused", "read", "read, some rejected")
    out = Table("Format", *outcomes, "at fault", "rejected rows", "accounts counted", "slowest s", "most MB")
    for name in [*sorted({r.format for r in run.results}), ""]:
        of = [r for r in run.results if not name or r.format == name]
        found = Counter(r.outcome for r in of)
        out.add_row(
            name or "all",
            *(f"{found[outcome]:,}" for outcome in outcomes),
            f"{sum(bool(r.faults) for r in of):,}",
            f"{sum(r.rejected for r in of):,}",
            f"{sum(r.counted for r in of):,}",
            f"{max(r.seconds for r in of):.2f}",
            f"{max(r.mb for r in of):.0f}",
        )
    return out


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 where all is as it must be, else 1."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    options.add_argument("--mutations", type=int, default=5000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", type=int, help="one mutation, by its number")
    options.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    asked = options.parse_args(arguments)
    out = Console(width=180)
    seeds = [asked.only] if asked.only is not None else [asked.seed * PER_SEED + n for n in range(asked.mutations)]
    with tempfile.TemporaryDirectory(prefix="alertd-fuzz-") as folder:
        run = fuzz(seeds, Path(folder), workers=min(asked.workers, len(seeds)))
    out.print(f"{run.made} made feeds and {run.samples} samples, {len(run.results):,} mutations in {run.seconds:.0f} s")
    out.print(table(run))
    if asked.only is not None:
        (result,) = run.results
        out.print(f"{result.feed}: {', '.join(result.changes)}: {result.outcome} {result.said}", markup=False)
    slowest, largest = max(run.results, key=lambda r: r.seconds), max(run.results, key=lambda r: r.mb)
    for what, r in (("Slowest", slowest), ("Largest", largest)):
        line = f"{what}: {r.seconds:.2f} s, {r.mb:.0f} MB: --only {r.seed} ({r.feed}: {', '.join(r.changes)})"
        out.print(line, markup=False)
    for result in run.failed:
        out.print(f"--only {result.seed} ({result.feed}: {', '.join(result.changes)})", markup=False)
        for fault in result.faults[:3]:
            out.print(f"    {fault}", markup=False, soft_wrap=True)
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
