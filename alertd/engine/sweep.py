"""Work on many children in worker processes: evaluating them, and whatever else evaluates them.

The rules engine can end the process it runs in. So it always runs in a worker: a batch whose worker
died is halved until the child that ends it is found, and that child is reported as *cannot tell*,
while all the others are worked on. An exception costs its child alone just so.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from alertd.cases.records import CaseFile, Snapshot
from alertd.engine.evaluate import Evaluator, measurable
from alertd.engine.findings import CannotTell, Finding
from alertd.rulebook.model import Rulebook

BATCH = 100
"""Children handed to a worker at a time: large enough that handing over costs little."""

BROKEN = "engine"
"""The record that the finding of a child who could not be evaluated names."""

R = TypeVar("R")
Work = Callable[..., R]
"""What is done for one child: ``work(evaluator, case, *args)``. A function of a module, so that it can
be handed to another process, as its arguments and its answer must be."""
Batch = Sequence[CaseFile]
Arguments = tuple[Any, ...]

_evaluator: Evaluator | None = None


@dataclass(frozen=True, slots=True)
class Sweep:
    """``findings`` are sorted by identity; ``failed`` children could not be evaluated at all."""

    findings: tuple[Finding, ...]
    failed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Failed:
    """In place of an answer: why a child could not be worked on. No personal data."""

    why: str


def _warm(rulebook: Rulebook) -> None:
    """In a worker: compile once, before any child is seen."""
    global _evaluator
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    _evaluator = Evaluator.of(rulebook)


def _end_with_the_parent() -> None:
    """A worker whose daemon was killed would wait for ever for work that never comes."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _batch(work: Work[R], cases: Batch, args: Arguments) -> list[R | Failed]:
    return [_one(work, case, args) for case in cases]


def _one(work: Work[R], case: CaseFile, args: Arguments) -> R | Failed:
    assert _evaluator is not None
    try:
        return work(_evaluator, case, *args)
    except Exception as fault:  # noqa: BLE001 - one child's fault; it is reported, and the others go on
        frame = traceback.extract_tb(fault.__traceback__)[-1]
        return Failed(f"{type(fault).__name__} in {frame.name}")


def _pool(rulebook: Rulebook, workers: int) -> ProcessPoolExecutor:
    # A forked child would inherit open connections and threads; a spawned one starts clean.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_warm, initargs=(rulebook,))


def each(
    snapshot: Snapshot,
    rulebook: Rulebook,
    work: Work[R],
    *args: Any,
    workers: int | None = None,
    batch: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
    failed: Callable[[str, str], None],
) -> Iterator[tuple[str, R]]:
    """Each child of a snapshot with the answer of ``work(evaluator, case, *args)``, as they come in.

    The evaluator has the rules that the feed can measure. ``workers`` defaults to the processors at
    hand, ``batch``, the children handed over at a time, to :data:`BATCH`: less where a child takes
    long. ``progress`` is called with the number of children done, ``failed`` with a child that there
    is no answer for, and why.
    """
    able, _ = measurable(rulebook, snapshot.holds, snapshot.lacks, snapshot.latest, snapshot.silent)
    size, children = batch or BATCH, len(snapshot.cases)
    batches = (snapshot.cases[at : at + size] for at in range(0, children, size))
    count = min(workers or len(os.sched_getaffinity(0)), max(-(-children // size), 1))
    for cases, answers in _run(partial(_pool, able), partial(_batch, work), batches, args, count):
        for case, answer in zip(cases, answers, strict=True):
            if isinstance(answer, Failed):
                failed(case.child, answer.why)
            else:
                yield case.child, answer
        progress(len(cases))


def sweep(
    snapshot: Snapshot,
    rulebook: Rulebook,
    as_of: datetime,
    *,
    workers: int | None = None,
    keep: Callable[[Finding], bool] = lambda _: True,
    progress: Callable[[int], None] = lambda _: None,
    evaluate: Work[Sequence[Finding]] = Evaluator.evaluate,
) -> Sweep:
    """Evaluate every child of a snapshot, as :func:`each` does its work.

    ``keep`` drops findings as they come in, so that a caller who wants few need not hold all.
    ``evaluate`` is what a worker does for a child.
    """
    _, unable = measurable(rulebook, snapshot.holds, snapshot.lacks, snapshot.latest, snapshot.silent)
    untold: dict[str, Finding] = {}

    def failed(child: str, why: str) -> None:
        untold[child] = broken(child, why)

    findings = [f for f in unable if keep(f)]
    swept = each(snapshot, rulebook, evaluate, as_of, workers=workers, progress=progress, failed=failed)
    for _, found in swept:
        findings.extend(f for f in found if keep(f))
    findings.extend(f for f in untold.values() if keep(f))
    return Sweep(tuple(sorted(findings, key=lambda f: f.identity)), frozenset(untold))


def broken(child: str, what: str) -> Finding:
    """The finding about a child that could not be evaluated."""
    reason = CannotTell("engine", "", "", f"this child could not be evaluated: {what}")
    return Finding("*", child, BROKEN, "start", "unknown", cannot_tell=reason)


Pool = Callable[[int], ProcessPoolExecutor]
DoBatch = Callable[[Batch, Arguments], list[R | Failed]]
Done = tuple[Batch, list[R | Failed]]


def _run(pool_of: Pool, do: DoBatch[R], batches: Iterator[Batch], args: Arguments, workers: int) -> Iterator[Done[R]]:
    """Each batch with its answers.

    Few batches are under way at once, so that few are in memory, and when a worker dies few are under
    suspicion; the others go on in a new pool.
    """
    more = True
    while more:
        suspects: list[Batch] = []
        with pool_of(workers) as pool:
            waiting: dict[Future[list[R | Failed]], Batch] = {}
            while (more or waiting) and not suspects:
                while more and len(waiting) < 2 * workers:
                    batch = next(batches, None)
                    if batch is None:
                        more = False
                        break
                    try:
                        waiting[pool.submit(do, batch, args)] = batch
                    except BrokenProcessPool:  # a worker died since the last answer
                        suspects.append(batch)
                        break
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    batch = waiting.pop(future)
                    try:
                        yield batch, future.result()
                    except BrokenProcessPool:
                        suspects.append(batch)
        suspects.extend(waiting.values() if suspects else ())
        for batch in suspects:
            yield from _halving(pool_of, do, batch, args)


def _halving(pool_of: Pool, do: DoBatch[R], batch: Batch, args: Arguments) -> Iterator[Done[R]]:
    """Work on a suspect batch in a worker of its own, halving it for as long as its worker dies."""
    with pool_of(1) as pool:
        try:
            yield batch, pool.submit(do, batch, args).result()
            return
        except BrokenProcessPool:
            pass
    if len(batch) == 1:
        yield batch, [Failed("the rules engine ended its process")]
        return
    middle = len(batch) // 2
    yield from _halving(pool_of, do, batch[:middle], args)
    yield from _halving(pool_of, do, batch[middle:], args)
