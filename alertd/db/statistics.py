"""How many alerts there are of whom: by this SQLite chooses the index by which it looks."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine

ROWS_LOOKED_AT: Final = 1000
"""Of each index, so that it takes milliseconds however many there are (SQLite's documentation of ANALYZE)."""


def count_alerts(engine: Engine) -> None:
    """Let SQLite count again, as PostgreSQL does by itself.

    Not counted, it takes every index to find about as few: to show the alerts of one worker it read all that are open.
    Only alerts are counted. The outbox is empty one moment and full the next, and what was counted of it would mislead.
    """
    if engine.dialect.name != "sqlite":
        return
    with engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA analysis_limit = {ROWS_LOOKED_AT}")
        connection.exec_driver_sql("ANALYZE alert")
