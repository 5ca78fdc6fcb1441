"""What a rolling record is made of: a need, the steps of its chain, and where the chain breaks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from alertd.engine.findings import Finding

Stage = Literal["need", "planned", "done", "outcome"]
State = Literal["recorded", "ahead", "missing", "cannot tell"]
"""``missing``: the records would say so if it were, and do not. ``ahead``: its day has not come."""

BreakKind = Literal["unplanned", "undated", "undelivered", "missed", "no_outcome", "unanswered"]

UNRESOLVED: Final[frozenset[BreakKind]] = frozenset({"undelivered", "missed", "no_outcome", "unanswered"})
"""Breaks for which a need is followed even after it was closed: nobody has said what came of it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain. ``who`` had the case on its day: the records of services name no person themselves.
    ``until`` is the day it ended, or the last of several. ``records`` is empty for what is missing."""

    stage: Stage
    what: str
    day: date | None
    state: State
    who: str = ""
    until: date | None = None
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain breaks, as a sentence, and since when."""

    kind: BreakKind
    text: str
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """A need and what became of it.

    ``record`` is blank where a plan or a service names no need. ``cannot_tell`` are sentences: what the feeds do
    not hold, or do not speak for. ``findings`` are what rules say of the records of the chain and ask action for.
    """

    record: str
    what: str
    found: date | None
    closed: date | None
    open: bool
    standing: str
    steps: tuple[Step, ...]
    breaks: tuple[Break, ...] = ()
    cannot_tell: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def followed(self) -> bool:
        """Whether somebody has to look after it still: until it is met, and it is recorded what came of it."""
        return self.open or any(each.kind in UNRESOLVED for each in self.breaks)
