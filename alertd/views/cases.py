"""Each child's case file as the readings in force have it, kept until a feed is read again."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd.bootstrap import House, kept_now
from alertd.cases.records import CaseFile
from alertd.db.engine import reading
from alertd.db.tables import FeedRun
from alertd.intake.kept import KeptCases


class Cases:
    """Case files by child. Which children there are is read once a reading of a feed, the rest as it is asked for."""

    def __init__(self, house: House) -> None:
        self._house, self._lock = house, Lock()
        self._run: int | None = -1
        self._kept: KeptCases | None = None

    def of(self, child: str) -> CaseFile | None:
        """One child's case file; None where no feed has the child."""
        return self.now().of(child)

    def now(self) -> KeptCases:
        """All of them, as the readings in force have them."""
        with Session(reading(self._house.engine)) as session:
            run = session.scalar(select(func.max(FeedRun.id)))
        with self._lock:
            if self._kept is None or run != self._run:
                self._kept, self._run = kept_now(self._house), run
            return self._kept

    def fresh_at(self) -> datetime | None:
        """Of when the oldest feed's good reading is; None before the first."""
        return min((standing.fresh_at for _, standing in self.now().feeds), default=None)
