"""What the benchmarks share: how a figure is taken and how it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from typing import Final

AS_OF: Final = date(2026, 11, 20)
Figures = dict[str, dict[str, float | str]]
"""By name: ``ratio`` of ``a`` to ``b``, or a ``value``; or why it is ``missing``."""


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall time."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def busy(work: Callable[[], object]) -> float:
    """Seconds of processor time of this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


def against(limit: float, found: float) -> dict[str, float | str]:
    """A figure and its limit; the ratio is the share of the limit used."""
    return {"ratio": round(found / limit, 3), "a": round(found, 2), "b": limit}
