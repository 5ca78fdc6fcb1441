"""One time for all hosts of one database, for claims that one host makes and another must respect."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import DateTime, Engine, cast, func, select

from alertd.db.engine import reading

JUMP: Final = timedelta(seconds=30)
"""A clock that is this far from where it was carried on to has been set, or the machine slept."""


class SharedClock:
    """The time where the database is; on SQLite, which serves one host, that host's.

    It is asked by :meth:`ask` and carried on in between by a clock that only goes forward. So two hosts whose own
    clocks disagree agree on how long a claim is good, and a clock that is set moves nothing until it is asked again.
    """

    def __init__(
        self,
        engine: Engine,
        wall: Callable[[], datetime],
        *,
        settles: timedelta,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """``wall`` is this host's clock; ``steady`` counts seconds forward. Asks nothing yet."""
        self._engine, self._wall, self._settles, self._steady = engine, wall, settles, steady
        self._told, self._at = wall(), steady()
        self._asked = False
        self._jumped: float | None = None

    def __call__(self) -> datetime:
        """The time, timezone-aware, in UTC. Never waits."""
        return self._told + timedelta(seconds=self._steady() - self._at)

    def ask(self) -> bool:
        """Ask the database; for a thread that may wait. Raises what the database raises.

        False for ``settles`` after a jump: what others wrote by the clock as it was before cannot be compared with
        the time now, and those who live write it anew within that time.
        """
        told = self._wall()
        if self._engine.dialect.name == "postgresql":
            with reading(self._engine).connect() as connection:
                told = connection.execute(select(cast(func.clock_timestamp(), DateTime(timezone=True)))).scalar_one()
        now = self._steady()
        if self._asked and abs(told - self()) > JUMP:
            self._jumped = now
        self._told, self._at, self._asked = told.astimezone(UTC), now, True
        return self._jumped is None or now - self._jumped >= self._settles.total_seconds()
