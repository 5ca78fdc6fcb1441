"""Work on many children in worker processes: evaluating them, and whatever else evaluates them.

The rules engine can end the process it runs in. So it always runs in a worker: a batch whose worker
died is halved until the child that ends it is found, and that child is reported as *cannot tell*,
while all the others are worked on. An exception costs its child alone just so, and so does work that
never ends. Where a rule fails for child after child it is found, and left out, so that the others run.

Where the workers are, a :class:`Pools` says: processes of this machine, or a cluster (:mod:`alertd.engine.cluster`).
Whatever killed a worker is looked for on this machine, so that it kills no more of a cluster's.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol

from alertd.cases.packed import Case, packed
from alertd.cases.records import Snapshot
from alertd.engine.blame import guilty_rule, with_those_over
from alertd.engine.evaluate import Evaluator, measurable
from alertd.engine.findings import WHOLE_FEED, CannotTell, Finding
from alertd.engine.worker import Arguments, Batch, Failed, R, Work, warm, worked_on
from alertd.errors import InputError
from alertd.rulebook.model import Rulebook

BATCH = 100
"""Children handed to a process at a time: large enough that handing over costs little."""

STRIKES: Final = 3
"""Children for whom work fails before a rule is suspected of it."""

BROKEN = "engine"
"""The record that the finding of a child who could not be evaluated names."""


DoBatch = Callable[[Batch, Arguments], list[R | Failed]]
ArgumentsOf = Callable[[Batch], Arguments]
Done = tuple[Batch, list[R | Failed]]
Running = Generator[Done[R], None, None]


@dataclass(frozen=True, slots=True)
class Sweep:
    """``findings`` are sorted by identity; ``failed`` children could not be evaluated at all."""

    findings: tuple[Finding, ...]
    failed: frozenset[str]


class NoWorkersError(InputError):
    """There is nobody to work on children, or nobody any more. Nothing was lost: what was not answered is unsaid."""


class Pool(Protocol):
    """Workers that judge by one rulebook. The future of a batch raises ``BrokenExecutor`` where its worker died, and
    ``BrokenProcessPool`` where with it all the others of the pool are gone."""

    def submit(self, do: DoBatch[R], cases: Batch, args: Arguments, /) -> Future[list[R | Failed]]: ...


class Pools(Protocol):
    """Where workers are."""

    def batch(self) -> int:
        """How many children are best handed to one at a time."""
        ...

    def workers(self) -> int:
        """How many there are at present."""
        ...

    def staying(self) -> AbstractContextManager[None]:
        """A time in which much is judged by the same rules: they need not start anew each time."""
        ...

    def pool(self, rulebook: Rulebook, patience: float, workers: int) -> AbstractContextManager[Pool]:
        """They, made ready to judge by a rulebook; no more than so many are needed."""
        ...

    def tried(self) -> str:
        """What they are, in words. Raises InputError where they could not be used."""
        ...


class Processes:
    """Processes of this machine: one for each processor at hand, or so many."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers
        self._staying: ExitStack | None = None
        self._kept: tuple[tuple[Rulebook, float], ProcessPoolExecutor] | None = None

    def batch(self) -> int:
        """Little is held up where one takes long."""
        return BATCH

    def workers(self) -> int:
        """How many."""
        return self._workers or len(os.sched_getaffinity(0))

    @contextmanager
    def staying(self) -> Iterator[None]:
        """While it lasts they stay for whoever judges next by the same rules: starting one takes as long as a thousand
        children."""
        with ExitStack() as self._staying:
            try:
                yield
            finally:
                self._staying = self._kept = None

    @contextmanager
    def pool(self, rulebook: Rulebook, patience: float, workers: int) -> Iterator[Pool]:
        """They, spawned; or those that stayed."""
        if self._staying is None:
            with _pool(rulebook, patience, workers) as pool:
                yield pool
            return
        if self._kept is None or self._kept[0] != (rulebook, patience):
            pool = self._staying.enter_context(_pool(rulebook, patience, self.workers()))
            self._kept = (rulebook, patience), pool
        kept, self._kept = self._kept, None
        yield kept[1]
        self._kept = kept  # not where one of them died, or whoever had them gave up: something may be under way

    def tried(self) -> str:
        """What they are, in words."""
        return f"processes of this machine, at most {self.workers()} at once"


def _pool(rulebook: Rulebook, patience: float, workers: int) -> ProcessPoolExecutor:
    # A forked child would inherit open connections and threads; a spawned one starts clean.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=warm, initargs=(rulebook, patience))


def each(
    snapshot: Snapshot,
    rulebook: Rulebook,
    work: Work[R],
    *args: Any,
    pools: Pools | None = None,
    workers: int | None = None,
    batch: int | None = None,
    beside: Callable[[Batch], Arguments] = lambda _: (),
    patience: float = 0.0,
    progress: Callable[[int], None] = lambda _: None,
    failed: Callable[[str, str], None],
    left_out: Callable[[Finding], None] | None = None,
) -> Iterator[tuple[str, R]]:
    """Each child of a snapshot with the answer of ``work(evaluator, case, *args)``, as they come in.

    The evaluator has the rules that the feed can measure. ``pools`` says where the workers are: without it they are
    ``workers`` processes of this machine, one for each processor at hand if that is not given either. ``batch``,
    the children handed over at a time, defaults to what is best for these: less where a child takes long. ``beside``
    gives the arguments after ``args`` that differ from batch to batch. A worker that has not done with a child after
    ``patience`` seconds is ended (0: it is waited for). ``progress`` is called with the number of children done,
    ``failed`` with a child that there is no answer for, and why.

    ``left_out`` is called with the finding about each rule that failed for child after child: from then
    on children are judged without it, and what was found by it before is no answer. Without
    ``left_out`` every rule stays.
    """
    able, _ = measurable(rulebook, snapshot.holds, snapshot.lacks, snapshot.latest, snapshot.silent)
    pools = pools or Processes(workers)
    size, children = batch or pools.batch(), len(snapshot.cases)
    most = max(-(-children // size), 1)
    done: set[str] = set()

    def of(some: Batch) -> Arguments:
        return (*args, *beside(some))

    strikes = _Strikes(partial(_fails, work, of, patience) if left_out else None)
    guilty: frozenset[str] | None = None
    while guilty is None or guilty:
        guilty = frozenset()
        strikes.forget()
        batches = _left(snapshot, size, done)
        place = _Place(pools, able, patience, most)
        with closing(_run(place, partial(worked_on, work), batches, of)) as running:
            for cases, answers in running:
                for case, answer in zip(cases, answers, strict=True):
                    if isinstance(answer, Failed):
                        strikes.failed[case.child] = (case, answer.why)
                    else:
                        done.add(case.child)
                        yield case.child, answer
                progress(sum(not isinstance(answer, Failed) for answer in answers))
                if guilty := strikes.guilty(able):
                    break
        for rule in sorted(guilty):
            assert left_out
            left_out(_untrusted(rule, strikes.last_why))
        able = able.without(guilty)
    for child, (_, why) in strikes.failed.items():
        failed(child, why)
    progress(len(strikes.failed))


def _left(snapshot: Snapshot, size: int, done: Collection[str]) -> Iterator[Batch]:
    """The children not done, in batches."""
    for at in range(0, len(snapshot.cases), size):
        if left := [case for case in packed(snapshot.cases, slice(at, at + size)) if case.child not in done]:
            yield left


class _Strikes:
    """The children for whom work failed, and whether it is a rule that it fails by.

    ``fails`` says whether it fails for a child by some rules; without it no rule is ever suspected.
    """

    def __init__(self, fails: Callable[[Case, Rulebook], bool] | None) -> None:
        self.failed: dict[str, tuple[Case, str]] = {}
        self._fails = fails
        self.forget()

    def forget(self) -> None:
        """Begin anew: these rules have not failed yet."""
        self.failed.clear()
        self._suspect_at = STRIKES

    @property
    def last_why(self) -> str:
        """Why it failed last."""
        return list(self.failed.values())[-1][1]

    def guilty(self, rulebook: Rulebook) -> frozenset[str]:
        """The rule that the last few failed by, with those over it; none where there are few, or no such rule.

        Asked in vain it waits for twice as many: asking takes some seconds.
        """
        if self._fails is None or len(self.failed) < self._suspect_at:
            return frozenset()
        self._suspect_at *= 2
        first, *others = [case for case, _ in self.failed.values()][-STRIKES:]
        rule = guilty_rule(rulebook, partial(self._fails, first))
        rules = with_those_over(rulebook, rule) if rule else frozenset[str]()
        fine = rulebook.without(rules)
        return frozenset() if any(self._fails(case, fine) for case in others) else rules


def _fails(work: Work[R], of: ArgumentsOf, patience: float, case: Case, rulebook: Rulebook) -> bool:
    """Whether work fails for a child by these rules, tried in a worker of its own."""
    with _pool(rulebook, patience, 1) as pool:
        try:
            (answer,) = pool.submit(partial(worked_on, work), [case], of([case])).result()
        except BrokenProcessPool:
            return True
    return isinstance(answer, Failed)


def _untrusted(rule: str, why: str) -> Finding:
    """The finding about a rule that failed for child after child."""
    text = f"the rule failed for one child after another, and is left out until it does not: {why}"
    return Finding(rule, *WHOLE_FEED, "engine", "unknown", where=rule, cannot_tell=CannotTell("engine", "", rule, text))


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


@dataclass(frozen=True, slots=True)
class _Place:
    """Where children are judged by one rulebook: by at most so many workers, or by one of this machine alone."""

    pools: Pools
    rulebook: Rulebook
    patience: float
    most: int

    def workers(self) -> int:
        return max(min(self.pools.workers(), self.most), 1)

    def pool(self) -> AbstractContextManager[Pool]:
        return self.pools.pool(self.rulebook, self.patience, self.workers())

    def alone(self) -> AbstractContextManager[Pool]:
        return _pool(self.rulebook, self.patience, 1)


def _run(place: _Place, do: DoBatch[R], batches: Iterator[Batch], of: ArgumentsOf) -> Running[R]:
    """Each batch with its answers.

    Few batches are under way at once, so that few are in memory, and when a worker dies few are under
    suspicion; the others go on in a new pool.
    """
    more = True
    while more:
        suspects: list[Batch] = []
        waiting: dict[Future[list[R | Failed]], Batch] = {}
        try:
            with place.pool() as pool:
                while more or waiting:
                    while more and len(waiting) < 2 * place.workers():
                        batch = next(batches, None)
                        if batch is None:
                            more = False
                            break
                        suspects = [batch]  # a worker may have died since the last answer
                        waiting[pool.submit(do, batch, of(batch))] = batch
                        suspects = []
                    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in done:
                        batch = waiting[future]
                        try:
                            answers = future.result()
                        except BrokenProcessPool:
                            raise
                        except BrokenExecutor:  # its worker alone: the others go on meanwhile
                            yield from _halving(place, do, batch, of)
                        else:
                            yield batch, answers
                        del waiting[future]
        except BrokenProcessPool:
            suspects += waiting.values()
        for batch in suspects:
            yield from _halving(place, do, batch, of)


def _halving(place: _Place, do: DoBatch[R], batch: Batch, of: ArgumentsOf) -> Running[R]:
    """Work on a suspect batch in a worker of its own, halving it for as long as its worker dies."""
    with place.alone() as pool:
        try:
            yield batch, pool.submit(do, batch, of(batch)).result()
            return
        except BrokenProcessPool:
            pass
    if len(batch) == 1:
        yield batch, [Failed("the rules engine ended its process")]
        return
    middle = len(batch) // 2
    yield from _halving(place, do, batch[:middle], of)
    yield from _halving(place, do, batch[middle:], of)
