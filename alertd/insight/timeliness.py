"""How timely work was: what fell due and was done, counted by rule for oneself, a team, and the service. Pure.

What is counted is what came so near its limit that an alert opened, and was then done. Work done before its first
warning left no alert and is not here, so a share in time is, if anything, too low: see :data:`BASIS`. What is overdue
and still waits is counted beside it, because who never finishes what is late would look punctual.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import chain
from statistics import median
from typing import Final, Literal, NamedTuple

from alertd.insight.precision import Precision

BASIS: Final = (
    "Counted is what came near its limit and was then done. What was done before its first warning is not, "
    "so shares in time are rather too low than too high."
)

Outcome = Literal["in_time", "recorded_late", "late"]
OUTCOMES: Final[dict[str, Outcome]] = {"met": "in_time", "met_recorded_late": "recorded_late", "met_late": "late"}
"""What became of an alert, by why it closed. ``recorded_late`` was done in time and entered when it was overdue."""

AROUND: Final = 10
"""The days to each side of the limit that are looked at one by one; all beyond stand in one more."""

MONTHS: Final = 12
"""How far back the figures go, the running month included."""

SIMILAR: Final = 0.5
"""The share of two teams' work that must be of the same rules for the teams to be similar."""

ENOUGH: Final = 20
"""So much must have been done in a team before it is said what its work is."""


@dataclass(frozen=True, slots=True)
class Closed:
    """One alert whose clock was met: whose it was when it closed, the days it was due and done on, and how it closed.
    Days are those of London."""

    alert: int
    rule: str
    child: str
    team: str | None
    worker: str | None
    due: date
    met: date
    closed_as: str


class Cell(NamedTuple):
    """What is counted together: a rule's work in one team, done in one month, so many days after its limit (before
    it where negative), with one outcome. Whatever was done sooner than is looked at counts as just outside."""

    rule: str
    team: str
    month: str
    outcome: Outcome
    days: int


def cell(one: Closed) -> Cell | None:
    """Where an alert is counted; None for one that was not met: it was withdrawn, or its record is gone."""
    outcome = OUTCOMES.get(one.closed_as)
    if outcome is None:
        return None
    return Cell(one.rule, one.team or "", f"{one.met:%Y-%m}", outcome, max((one.met - one.due).days, -AROUND - 1))


def cells(rows: Iterable[Closed]) -> Counter[Cell]:
    """How many are in each cell."""
    return Counter(found for one in rows if (found := cell(one)))


def months_to(today: date) -> tuple[str, ...]:
    """The months looked at, the oldest first."""
    first = today.year * 12 + today.month - MONTHS
    return tuple(f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(first, first + MONTHS))


def first_day(today: date) -> date:
    """The first day looked at."""
    return date.fromisoformat(f"{months_to(today)[0]}-01")


@dataclass(frozen=True)
class Counts:
    """One rule's work of whoever is looked at. ``overdue`` is what waits now. ``told``, ``disputed`` and ``upheld``
    are the alerts somebody was told of, those that somebody said are wrong, and those that were."""

    of: Mapping[tuple[str, Outcome, int], int] = field(default_factory=Counter)
    """How many by month, outcome and days after the limit."""
    overdue: int = 0
    told: int = 0
    disputed: int = 0
    upheld: int = 0

    @cached_property
    def in_time(self) -> int:
        """Done in time, whenever it was recorded."""
        return sum(n for (_, outcome, _), n in self.of.items() if outcome != "late")

    @cached_property
    def late(self) -> int:
        return sum(n for (_, outcome, _), n in self.of.items() if outcome == "late")

    @cached_property
    def recorded_late(self) -> int:
        """Done in time and recorded only when it was overdue."""
        return sum(n for (_, outcome, _), n in self.of.items() if outcome == "recorded_late")

    @property
    def n(self) -> int:
        return self.in_time + self.late

    @cached_property
    def median_days_late(self) -> float | None:
        """Calendar days after the limit, of what was late; None where nothing was."""
        late: Counter[int] = Counter()
        for (_, outcome, days), n in self.of.items():
            late.update({days: n} if outcome == "late" else {})
        return median(late.elements()) if late else None

    def by_month(self, months: Iterable[str]) -> dict[tuple[str, bool], int]:
        """How many were done in each month, in time and late apart."""
        found = dict.fromkeys(((month, late) for month in months for late in (False, True)), 0)
        for (month, outcome, _), n in self.of.items():
            found[month, outcome == "late"] += n
        return found

    def by_day(self) -> dict[tuple[int, bool], int]:
        """How many were done so many days after the limit, in time and late apart; the outermost stand for all beyond.
        A limit in hours can be missed on its own day."""
        days = chain(((d, False) for d in range(-AROUND - 1, 1)), ((d, True) for d in range(AROUND + 2)))
        found = dict.fromkeys(days, 0)
        for (_, outcome, day), n in self.of.items():
            late = outcome == "late"
            # Feeds that round moments may put what was in time a day after, or what was late a day before.
            found[min(max(day, 0), AROUND + 1) if late else min(day, 0), late] += n
        return found


@dataclass(frozen=True)
class Books:
    """Everything that was counted of an authority: done by cell, overdue and told by rule and team, and how many
    workers stand behind what was done."""

    done: Mapping[Cell, int] = field(default_factory=dict)
    overdue: Mapping[tuple[str, str], int] = field(default_factory=dict)
    told: Mapping[tuple[str, str], Precision] = field(default_factory=dict)
    workers: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def sum_up(self) -> None:
        """Work out now what is asked of the books again and again, so that nobody who looks has to wait for it."""
        for _ in (self.service, self.mixes, self.people):
            pass

    @cached_property
    def by_rule(self) -> dict[str, dict[str, Counts]]:
        """The counts of each team that has any, by rule."""
        of: dict[tuple[str, str], Counter[tuple[str, Outcome, int]]] = {}
        for c, n in self.done.items():
            of.setdefault((c.rule, c.team), Counter())[c.month, c.outcome, c.days] += n
        found: dict[str, dict[str, Counts]] = {}
        for rule, team in dict.fromkeys(chain(of, self.overdue, self.told)):
            key = rule, team
            counts = counted(of.get(key, Counter()), self.overdue.get(key, 0), self.told.get(key))
            found.setdefault(rule, {})[team] = counts
        return found

    @cached_property
    def service(self) -> dict[str, Counts]:
        """The counts of all teams together, by rule."""
        return {rule: together(teams.values()) for rule, teams in self.by_rule.items()}

    @cached_property
    def people(self) -> dict[str, dict[str, int]]:
        """How many workers of each team stand behind what was done, by rule."""
        found: dict[str, dict[str, int]] = {}
        for (rule, team), n in self.workers.items():
            found.setdefault(rule, {})[team] = n
        return found

    @cached_property
    def mixes(self) -> dict[str, Counter[str]]:
        """What the work of each team is: how much it did by each rule."""
        found: dict[str, Counter[str]] = {}
        for c, n in self.done.items():
            found.setdefault(c.team, Counter())[c.rule] += n
        return found


def counted(of: Counter[tuple[str, Outcome, int]], overdue: int, told: Precision | None) -> Counts:
    """Counts from what was done, what is overdue, and what is known of how right the rule was."""
    if told is None:
        return Counts(of, overdue)
    return Counts(of, overdue, told.told, told.upheld + told.rejected + told.open, told.upheld)


def together(counts: Iterable[Counts]) -> Counts:
    """Several counts as one."""
    of: Counter[tuple[str, Outcome, int]] = Counter()
    others: Counter[str] = Counter()
    for one in counts:
        of.update(one.of)
        others.update(overdue=one.overdue, told=one.told, disputed=one.disputed, upheld=one.upheld)
    return Counts(of, others["overdue"], others["told"], others["disputed"], others["upheld"])


def without(whole: Counts, part: Counts) -> Counts:
    """The counts less some that are among them. What was read a moment apart may not fit: nothing falls below none."""
    return Counts(
        Counter(whole.of) - Counter(part.of),
        max(whole.overdue - part.overdue, 0),
        max(whole.told - part.told, 0),
        max(whole.disputed - part.disputed, 0),
        max(whole.upheld - part.upheld, 0),
    )


def similar_to(team: str, mixes: Mapping[str, Counter[str]], depths: Mapping[str, int]) -> frozenset[str]:
    """The teams that a team may be compared with: as far down the tree of teams, and at least half of what was done
    in either was of the same rules, in like parts. Both must have done enough for that to be known."""
    own = mixes.get(team, Counter())
    if team not in depths or own.total() < ENOUGH:
        return frozenset()
    return frozenset(
        other
        for other, mix in mixes.items()
        if other != team
        and depths.get(other) == depths[team]
        and mix.total() >= ENOUGH
        and overlap(own, mix) >= SIMILAR
    )


def overlap(one: Counter[str], other: Counter[str]) -> float:
    """The share of two teams' work that is the same: 0 for nothing in common, 1 for the same rules in like parts."""
    return sum(min(one[rule] / one.total(), other[rule] / other.total()) for rule in one.keys() & other.keys())


def depths_of(parents: Mapping[str, str | None]) -> dict[str, int]:
    """How far down the tree of teams each stands; what is above it and not a team, or above itself, ends the way up."""

    def depth(team: str) -> int:
        seen = {team}
        above = parents[team]
        while above is not None and above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        return len(seen)

    return {team: depth(team) for team in parents}


def days_around(day: int) -> str:
    """A day of the spread, in words."""
    if abs(day) > AROUND:
        return f"more than {AROUND} days {'after' if day > 0 else 'before'}"
    if day == 0:
        return "on the day"
    return f"{abs(day)} {'day' if abs(day) == 1 else 'days'} {'after' if day > 0 else 'before'}"
