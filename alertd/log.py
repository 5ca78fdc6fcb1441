"""Logs: one JSON line per piece of work, on standard output. Ids and counts only, never names."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import structlog

_lost = 0
_least = logging.INFO


def quieter_than(level: str) -> None:
    """Leave out what is below a level (``info``, ``warning``, ``error``), from now on and wherever it is said."""
    global _least  # as loud as the process is, whoever in it speaks
    _least = structlog.processors.NAME_TO_LEVEL[level]


def _loud_enough(_logger: object, method: str, line: Any) -> Any:
    if structlog.processors.NAME_TO_LEVEL[method] < _least:
        raise structlog.DropEvent
    return line


def lines_lost() -> int:
    """How many lines could not be written since the start."""
    return _lost


class _Lines:
    """Writes lines, and goes on where they cannot be written: a full disk under the log must stop no message.

    How often that was is said as soon as a line can be written again; most of those before it are lost.
    """

    def __init__(self) -> None:
        self._failed = 0

    def msg(self, line: str) -> None:
        """Write one line, at once."""
        global _lost  # a process has one standard output
        before = f'{{"event": "log_not_written", "times": {self._failed}}}\n' if self._failed else ""
        try:
            if sys.stdout is None:
                raise OSError("standard output was closed before the start")
            print(before + line, flush=True)
        except (OSError, ValueError):  # ValueError: it was closed
            self._failed += 1
            _lost += 1
        else:
            self._failed = 0

    debug = info = warning = error = critical = msg


def configure(*, pretty: bool = False) -> None:
    """Set up logging once, at start-up. ``pretty`` is for people at a terminal."""
    renderer = (
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
        if pretty
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            _loud_enough,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=True,
    )
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
