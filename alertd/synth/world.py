"""What is being built: rows by table, the family at hand, and who holds its case."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import age_on, birthday, shift
from alertd.calendars.durations import Duration
from alertd.cases.records import local_day
from alertd.synth.dice import Dice, workday_after, workday_before
from alertd.synth.staff import Person, Staff

Cell = date | str | int | float | bool | None
Row = dict[str, Cell]

LATE_SHARE: Final = 0.05
"""Visits and reviews that come after their time (an assumption: no figure is published)."""

UNRECORDED_DAYS: Final = 4
UNRECORDED_SHARE: Final = 0.25
"""Visits of the last days that are not in the case system yet (an assumption)."""


@dataclass(slots=True)
class Child:
    """One child: ``born`` is None before birth, when ``expected`` is set."""

    id: str
    born: date | None
    expected: date | None
    referral: str = ""

    def age(self, day: date) -> int:
        """Whole years on that day; 0 before birth."""
        if self.born is None:
            return 0
        return max(0, age_on(self.born, day))

    def eighteen(self) -> date:
        """The eighteenth birthday; before birth, a day that never comes."""
        return birthday(self.born, 18) if self.born else date.max


@dataclass(slots=True)
class World:
    """Everything the lives share. ``today`` is the last day the records know."""

    dice: Dice
    calendar: Calendar
    today: date
    staff: Staff
    rows: dict[str, list[Row]] = field(default_factory=dict)
    unrecorded: int = 0
    _keys: Counter[str] = field(default_factory=Counter)

    def add(self, table: str, **cells: Cell) -> Row:
        """One row; columns not named stay empty."""
        self.rows.setdefault(table, []).append(cells)
        return cells

    def key(self, prefix: str) -> str:
        """The next key of a series, as V000123."""
        self._keys[prefix] += 1
        return f"{prefix}{self._keys[prefix]:06d}"

    def known(self, day: date) -> bool:
        """Whether a thing of that day can be on record."""
        return day <= self.today

    def past(self, day: date | None) -> date | None:
        """The day if it has come, else None: open, not held, not done."""
        return day if day is not None and day <= self.today else None

    def recorded(self, day: date) -> bool:
        """Whether a visit of that day is on record: a share of the last few days' visits is not yet."""
        if day > self.today:
            return False
        if (self.today - day).days < UNRECORDED_DAYS and self.dice.chance(UNRECORDED_SHARE):
            self.unrecorded += 1
            return False
        return True

    def work(self, day: date, n: int) -> date:
        """The n-th working day after a day."""
        return self.calendar.add_working_days(day, n)

    def months(self, day: date, n: int) -> date:
        """The same-numbered day n months on, or that month's last."""
        return local_day(shift(day, Duration(n, "month"), self.calendar))

    def on_or_after(self, day: date) -> date:
        """The first working day on or after a day."""
        return workday_after(self.calendar, day)

    def on_or_before(self, day: date) -> date:
        """The last working day on or before a day."""
        return workday_before(self.calendar, day)

    def held(self, due: date, early: int, late: int) -> date:
        """When a meeting due that day is held: mostly within ``early`` days before, a few up to ``late`` after."""
        if self.dice.chance(LATE_SHARE):
            return self.on_or_after(due + timedelta(self.dice.among(1, late)))
        return self.on_or_before(due - timedelta(self.dice.among(0, early)))


class Holding:
    """Who holds a family's case over time, written as allocations of the lead case worker."""

    def __init__(self, world: World, day: date, area: str) -> None:
        self.world = world
        self.spans: list[tuple[date, Person]] = [(day, world.staff.worker(world.dice, area, day))]
        self.areas = [area]

    @property
    def worker(self) -> Person:
        """The worker who holds the case in the latest step told."""
        return self.spans[-1][1]

    def move(self, day: date, area: str) -> None:
        """The case passes to another area of work, unless it is there already or the day is yet to come."""
        if area != self.areas[-1] and self.world.known(day) and day >= self.spans[-1][0]:
            self.spans.append((day, self.world.staff.worker(self.world.dice, area, day)))
            self.areas.append(area)

    def write(self, children: list[Child], close: date) -> None:
        """The allocation rows up to closure, split where a worker left; a few cases lie with a team alone."""
        dice, world = self.world.dice, self.world
        ends = [day for day, _ in self.spans[1:]] + [close]
        for (start, worker), end in zip(self.spans, ends, strict=True):
            while worker.leaves and worker.leaves < end and world.known(worker.leaves) and dice.chance(0.97):
                self._row(children, worker, start, worker.leaves, "LEFTRL")
                start, worker = worker.leaves, world.staff.colleague(dice, worker, worker.leaves)
            self._row(children, worker, start, end, dice.weighted({"TSPROC": 0.7, "MANAGE": 0.2, "ABSENC": 0.1}))

    def _row(self, children: list[Child], worker: Person, start: date, end: date, reason: str) -> None:
        team_only = self.world.dice.chance(0.015)
        for child in children:
            self.world.add(
                "ssd_involvements",
                invo_involvements_id=self.world.key("I"),
                invo_professional_id=None if team_only else worker.id,
                invo_professional_role_id="CW",
                invo_professional_team=worker.team,
                invo_person_id=child.id,
                invo_involvement_start_date=start,
                invo_involvement_end_date=self.world.past(end),
                invo_worker_change_reason=reason if self.world.known(end) else None,
                invo_referral_id=child.referral,
            )
