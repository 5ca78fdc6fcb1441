"""Evaluate many children in worker processes.

The rules engine can end the process it runs in. So it always runs in a worker: a batch whose worker
died is halved until the child that ends it is found, and that child is reported as *cannot tell*,
while all the others are evaluated. An exception costs its child alone just so.
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

from alertd.cases.records import CaseFile, Snapshot
from alertd.engine.evaluate import Evaluator, measurable
from alertd.engine.findings import CannotTell, Finding
from alertd.rulebook.model import Rulebook

BATCH = 100
"""Children handed to a worker at a time: large enough that handing over costs little."""

BROKEN = "engine"
"""The record that the finding of a child who could not be evaluated names."""

_evaluator: Evaluator | None = None


Batch = Sequence[CaseFile]
Evaluate = Callable[[Batch, datetime], list[Finding]]


@dataclass(frozen=True, slots=True)
class Sweep:
    """``findings`` are sorted by identity; ``failed`` children could not be evaluated at all."""

    findings: tuple[Finding, ...]
    failed: frozenset[str]


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


def _batch(cases: Batch, as_of: datetime) -> list[Finding]:
    return [finding for case in cases for finding in _one(case, as_of)]


def _one(case: CaseFile, as_of: datetime) -> Sequence[Finding]:
    assert _evaluator is not None
    try:
        return _evaluator.evaluate(case, as_of)
    except Exception as fault:  # noqa: BLE001 - one child's fault; it is reported, and the others go on
        frame = traceback.extract_tb(fault.__traceback__)[-1]
        return [_broken(case.child, f"{type(fault).__name__} in {frame.name}")]


def _pool(rulebook: Rulebook, workers: int) -> ProcessPoolExecutor:
    # A forked child would inherit open connections and threads; a spawned one starts clean.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_warm, initargs=(rulebook,))


def sweep(
    snapshot: Snapshot,
    rulebook: Rulebook,
    as_of: datetime,
    *,
    workers: int | None = None,
    keep: Callable[[Finding], bool] = lambda _: True,
    progress: Callable[[int], None] = lambda _: None,
    evaluate: Evaluate = _batch,
) -> Sweep:
    """Evaluate every child of a snapshot. ``progress`` is called with the number of children done.

    ``workers`` defaults to the processors at hand. ``keep`` drops findings as they come in, so
    that a caller who wants few need not hold all. ``evaluate`` is what a worker does with a batch.
    """
    able, unable = measurable(rulebook, snapshot.holds, snapshot.lacks)
    count = workers or len(os.sched_getaffinity(0))
    batches = [snapshot.cases[i : i + BATCH] for i in range(0, len(snapshot.cases), BATCH)]
    findings = [f for f in unable if keep(f)]
    failed: set[str] = set()
    for cases, found in _run(partial(_pool, able), evaluate, batches, as_of, min(count, max(len(batches), 1))):
        failed |= {f.child for f in found if f.record == BROKEN}
        findings.extend(f for f in found if keep(f))
        progress(len(cases))
    return Sweep(tuple(sorted(findings, key=lambda f: f.identity)), frozenset(failed))


def _broken(child: str, what: str) -> Finding:
    reason = CannotTell("engine", "", "", f"this child could not be evaluated: {what}")
    return Finding("*", child, BROKEN, "start", "unknown", cannot_tell=reason)


Evaluated = tuple[Batch, list[Finding]]
Pool = Callable[[int], ProcessPoolExecutor]


def _run(
    pool_of: Pool, evaluate: Evaluate, batches: Sequence[Batch], as_of: datetime, workers: int
) -> Iterator[Evaluated]:
    """Each batch with its findings.

    Few batches are under way at once, so that when a worker dies few are under suspicion; the
    others go on in a new pool.
    """
    ahead = list(reversed(batches))
    while ahead:
        suspects: list[Batch] = []
        with pool_of(workers) as pool:
            waiting: dict[Future[list[Finding]], Batch] = {}
            while (ahead or waiting) and not suspects:
                while ahead and len(waiting) < 2 * workers:
                    batch = ahead.pop()
                    try:
                        waiting[pool.submit(evaluate, batch, as_of)] = batch
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
            yield from _halving(pool_of, evaluate, batch, as_of)


def _halving(pool_of: Pool, evaluate: Evaluate, batch: Batch, as_of: datetime) -> Iterator[Evaluated]:
    """Evaluate a suspect batch in a worker of its own, halving it for as long as its worker dies."""
    with pool_of(1) as pool:
        try:
            yield batch, pool.submit(evaluate, batch, as_of).result()
            return
        except BrokenProcessPool:
            pass
    if len(batch) == 1:
        yield batch, [_broken(batch[0].child, "the rules engine ended its process")]
        return
    middle = len(batch) // 2
    yield from _halving(pool_of, evaluate, batch[:middle], as_of)
    yield from _halving(pool_of, evaluate, batch[middle:], as_of)
