"""The next step of an open alert's ladder: which, when, whom it tells, and what holds it back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alertd.alerts.handling import Handled
from alertd.alerts.holding_back import holds_steps
from alertd.calendars.calendar import Calendar
from alertd.engine.findings import Finding
from alertd.engine.stages import step_moment
from alertd.rulebook.profiles import Ladder


@dataclass(frozen=True, slots=True)
class Planned:
    """A step to come, by its number. ``at`` is its moment by the ladder, which may have passed while it is
    held; ``held`` says what holds it back, or is blank, and ``until`` when that lapses."""

    number: int
    tells: tuple[str, ...]
    at: datetime
    held: str = ""
    until: datetime | None = None


def next_planned(
    finding: Finding,
    level: int,
    ladder: Ladder,
    calendar: Calendar,
    standing: Sequence[Handled] = (),
    rank: Callable[[Handled], int] = lambda _: 0,
) -> Planned | None:
    """The step after those told (``level``); None where all are told, or where nobody can say when it is due."""
    if finding.due is None or finding.stage == "unknown" or level >= len(ladder.steps):
        return None
    step = ladder.steps[level]
    at = step_moment(step, finding.start or finding.due, finding.due, calendar)
    holding = [one for one in standing if holds_steps(step, ladder, [one], rank)]
    until = max((one.until for one in holding if one.until), default=None)
    return Planned(level + 1, step.tell, at, holds_steps(step, ladder, holding, rank), until)
