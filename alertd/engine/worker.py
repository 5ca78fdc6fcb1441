"""What happens where children are worked on: in a process that the rules engine may end.

Nothing here knows how children come here, from a pool on this machine or over a network.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from alertd.cases.packed import Case, opened
from alertd.engine.evaluate import Evaluator
from alertd.rulebook.model import Rulebook

R = TypeVar("R")
Work = Callable[..., R]
"""What is done for one child: ``work(evaluator, case, *args)``. A function of a module, so that it can
be handed to another process, as its arguments and its answer must be."""
Batch = Sequence[Case]
Arguments = tuple[Any, ...]

_OOM_SCORE: Final = Path("/proc/self/oom_score_adj")

_evaluator: Evaluator | None = None
_patience = 0.0


@dataclass(frozen=True, slots=True)
class Failed:
    """In place of an answer: why a child could not be worked on. No personal data."""

    why: str


def warm(rulebook: Rulebook, patience: float) -> None:
    """Begin a worker of a pool: compile once, before any child is seen."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    own_process = multiprocessing.parent_process() is not None
    if own_process and _OOM_SCORE.exists():  # where memory runs out, a worker is ended and not the daemon
        _OOM_SCORE.write_text("1000")
    judge_by(Evaluator.of(rulebook), patience if own_process else 0.0)


def judge_by(evaluator: Evaluator, patience: float) -> None:
    """What batches are worked on with from now on in this process. A child on whom ``patience`` seconds are spent
    ends it (0: none does)."""
    global _evaluator, _patience
    _evaluator, _patience = evaluator, patience


def _end_with_the_parent() -> None:
    """A worker whose daemon was killed would wait for ever for work that never comes."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def worked_on(work: Work[R], cases: Batch, args: Arguments) -> list[R | Failed]:
    """The answer for each child, in order."""
    return [_in_time(work, case, args) for case in cases]


def _in_time(work: Work[R], case: Case, args: Arguments) -> R | Failed:
    """The signal ends the process: also where the engine goes round in a circle, and no exception would be seen."""
    if not _patience:
        return _one(work, case, args)
    signal.setitimer(signal.ITIMER_REAL, _patience)
    try:
        return _one(work, case, args)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _one(work: Work[R], case: Case, args: Arguments) -> R | Failed:
    assert _evaluator is not None
    try:
        return work(_evaluator, opened(case), *args)
    except Exception as fault:  # noqa: BLE001 - one child's fault; it is reported, and the others go on
        frame = traceback.extract_tb(fault.__traceback__)[-1]
        return Failed(f"{type(fault).__name__} in {frame.name}")
