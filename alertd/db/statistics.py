"""How many alerts there are of whom: by this SQLite chooses the index by which it looks."""

from __future__ import annotations

from sqlalchemy import Engine


def count_alerts(engine: Engine) -> None:
    """Let SQLite count again, as PostgreSQL does by itself: a second for a million.

    Not counted, it takes every index to find about as few: to show the alerts of one worker it read all that are open.
    Only alerts are counted: the outbox is empty one moment and full the next, and what was counted of it would mislead.
    """
    if engine.dialect.name == "sqlite":
        with engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE alert")
        engine.dispose()  # a connection knows what was counted before it began
