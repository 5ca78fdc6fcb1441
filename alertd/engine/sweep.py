"""Evaluate many children in worker processes.

The rules engine can end the process it runs in. So it always runs in a worker: a batch whose worker
died is tried again child by child, and a child that ends its worker twice is reported as *cannot
tell*, while all the others are evaluated.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime

from alertd.cases.records import CaseFile, Snapshot
from alertd.engine.evaluate import Evaluator, measurable
from alertd.engine.findings import CannotTell, Finding
from alertd.rulebook.model import Rulebook

BATCH = 100
"""Children handed to a worker at a time: large enough that handing over costs little."""

_evaluator: Evaluator | None = None


@dataclass(frozen=True, slots=True)
class Sweep:
    """``findings`` are sorted by identity; ``failed`` children could not be evaluated at all."""

    findings: tuple[Finding, ...]
    failed: frozenset[str]


def _warm(rulebook: Rulebook) -> None:
    """In a worker: compile once, before any child is seen."""
    global _evaluator
    _evaluator = Evaluator.of(rulebook)


def _batch(cases: Sequence[CaseFile], as_of: datetime) -> list[Finding]:
    assert _evaluator is not None
    return [finding for case in cases for finding in _evaluator.evaluate(case, as_of)]


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
) -> Sweep:
    """Evaluate every child of a snapshot. ``progress`` is called with the number of children done.

    ``workers`` defaults to the processors at hand. ``keep`` drops findings as they come in, so
    that a caller who wants few need not hold all.
    """
    able, unable = measurable(rulebook, snapshot.holds)
    count = workers or len(os.sched_getaffinity(0))
    batches = [snapshot.cases[i : i + BATCH] for i in range(0, len(snapshot.cases), BATCH)]
    findings = [f for f in unable if keep(f)]
    failed: list[str] = []
    for cases, found in _run(able, batches, as_of, min(count, max(len(batches), 1))):
        if found is None:
            failed.append(cases[0].child)
            found = [_broken(cases[0].child)]
        findings.extend(f for f in found if keep(f))
        progress(len(cases))
    return Sweep(tuple(sorted(findings, key=lambda f: f.identity)), frozenset(failed))


def _broken(child: str) -> Finding:
    text = "the rules engine stopped while evaluating this child"
    return Finding("*", child, "engine", "start", "unknown", cannot_tell=CannotTell("engine", "", "", text))


Batch = Sequence[CaseFile]
Evaluated = tuple[Batch, list[Finding] | None]


def _run(rulebook: Rulebook, batches: Sequence[Batch], as_of: datetime, workers: int) -> Iterator[Evaluated]:
    """Each batch with its findings; a single child that ended its worker comes with None.

    Few batches are under way at once, so that when a worker dies few are under suspicion; the
    others go on in a new pool.
    """
    ahead = list(reversed(batches))
    while ahead:
        suspects: list[Batch] = []
        with _pool(rulebook, workers) as pool:
            waiting: dict[Future[list[Finding]], Batch] = {}
            while (ahead or waiting) and not suspects:
                while ahead and len(waiting) < 2 * workers:
                    batch = ahead.pop()
                    waiting[pool.submit(_batch, batch, as_of)] = batch
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    batch = waiting.pop(future)
                    try:
                        yield batch, future.result()
                    except BrokenProcessPool:
                        suspects.append(batch)
        suspects.extend(waiting.values() if suspects else ())
        for batch in suspects:
            yield from _halving(rulebook, batch, as_of)


def _halving(rulebook: Rulebook, batch: Batch, as_of: datetime) -> Iterator[Evaluated]:
    """Evaluate a suspect batch in a worker of its own, halving it for as long as its worker dies."""
    with _pool(rulebook, 1) as pool:
        try:
            yield batch, pool.submit(_batch, batch, as_of).result()
            return
        except BrokenProcessPool:
            pass
    if len(batch) == 1:
        yield batch, None
        return
    middle = len(batch) // 2
    yield from _halving(rulebook, batch[:middle], as_of)
    yield from _halving(rulebook, batch[middle:], as_of)
