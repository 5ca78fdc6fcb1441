"""Logs: one JSON line per piece of work, on standard output. Ids and counts only, never names."""

from __future__ import annotations

import logging
import os
import sys

import structlog


def configure(*, pretty: bool = False) -> None:
    """Set up logging once, at start-up. ``pretty`` is for people at a terminal."""
    renderer = (
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
        if pretty
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
