"""What a rule is held against: one record of one case at one instant, and what else the case says of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from alertd.calendars.durations import Duration
from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record, Window
from alertd.rulebook.model import Condition, Rule, Rulebook
from tests.reference.conditions import Unsure, all_hold, blank_or_doubt
from tests.reference.days import DAY, When, add, age_on, day_of, instant, known


class Judged(NamedTuple):
    """What the comparison looks at. ``field`` is blank where the cause is ``window``: no field is to blame.
    ``limit`` is told of rules that run out ``by`` a day and of patterns, where the text says what it is."""

    rule: str
    child: str
    record: str
    occurrence: str
    stage: str
    start: When | None = None
    due: When | None = None
    met: When | None = None
    binding: str | None = None
    statutory: When | None = None
    local: When | None = None
    plan: When | None = None
    warned: int = 0
    level: int = 0
    cause: str = ""
    field: str = ""
    closed: bool = False
    limit: str = ""
    where: str = ""
    explained: str = ""
    spoken_for_by: str = ""
    evidence: tuple[str, ...] = ()

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.rule, self.child, self.record, self.occurrence)

    @property
    def open_unknown(self) -> bool:
        """Nobody can tell, and somebody should find out."""
        return self.stage == "unknown" and self.met is None and not self.closed


@dataclass(frozen=True)
class Anchor:
    """A rule held against one record of one case at one instant."""

    case: CaseFile
    book: Rulebook
    rule: Rule
    record: Record
    as_of: datetime

    @property
    def today(self) -> date:
        return day_of(self.as_of)

    @property
    def begin(self) -> date | None:
        return self.record.day(KINDS[self.rule.for_].begins)

    @property
    def ended(self) -> date | None:
        """The day on which the clocks end, with the record or with the child, where that is known and come."""
        kind = KINDS[self.rule.for_]
        ends = [self.record.get(kind.ends)] if kind.ends and kind.bounds else []
        ends += [child.get("died") for child in self.case.of("child") if not kind.outlives]
        return min((day_of(e) for e in ends if isinstance(e, date) and known(e, self.as_of)), default=None)

    @property
    def early(self) -> timedelta:
        """How long before its time a stopper may come."""
        if self.rule.stop and self.rule.stop.after_start:
            return -DAY
        early = self.rule.stop.early if self.rule.stop else None
        return DAY * (early.n * {"calendar day": 1, "week": 7}[early.unit]) if early else timedelta(0)

    def within_bounds(self, day: date) -> bool:
        after_begin = self.begin is None or day >= self.begin - self.early
        return after_begin and (self.ended is None or day <= self.ended)

    def add(self, start: When, span: Duration, sign: int = 1) -> When:
        return add(start, span, self.book, sign)

    def limited(self, start: When, length: Duration) -> When:
        """The limit counted from the start, as the rule counts."""
        return add(start, length, self.book, same_day=self.rule.clock.count_from == "same_day")

    def told(self, stage: str, occurrence: str = "start", **values: Any) -> Judged:
        name, child, ref = self.rule.id, self.case.child, self.record.ref
        found = Judged(name, child, ref, occurrence, stage, closed=self.ended is not None, where=self.record.where)
        return found._replace(**values)

    def unknown(self, why: Unsure, occurrence: str = "start", **values: Any) -> Judged:
        named = "" if why.cause == "window" else why.field
        return self.told("unknown", occurrence, cause=why.cause, field=named, **values)


class Related(NamedTuple):
    """A record that meets conditions, and when (None: nobody knows when); ``why`` where that is doubtful."""

    record: Record
    on: When | None
    why: Unsure | None = None

    @property
    def order(self) -> tuple[datetime, str, str]:
        """By moment, those without one first, then by key and kind."""
        first = datetime.min.replace(tzinfo=UTC)
        return (first if self.on is None else instant(self.on), self.record.key, self.record.kind)

    @property
    def day(self) -> date:
        assert self.on is not None
        return day_of(self.on)


def doubtful(found: list[Related]) -> list[Related]:
    """The doubtful ones in the order in which they are named: those without a day first, then by day, key and kind."""
    return sorted((r for r in found if r.why), key=lambda r: ((r.on and r.day) or date.min, *r.order[1:]))


def others_of(a: Anchor, kinds: tuple[str, ...]) -> list[Record]:
    """The child's records of those kinds but for the one the rule is held against."""
    return [r for r in a.case.records if r.kind in kinds and r.ref != a.record.ref]


def related(a: Anchor, kinds: tuple[str, ...], where: tuple[Condition, ...], on: str) -> list[Related]:
    """Everything that meets the conditions and has come, or would if it were not in doubt; in order."""
    found = []
    for record in others_of(a, kinds):
        answer = all_hold(record, where, a.record)
        value = record.get(on)
        if answer is False:
            continue
        if value is None and record.doubt(on):
            found.append(Related(record, None, blank_or_doubt(record, on)))
        elif isinstance(value, date) and known(value, a.as_of):
            found.append(Related(record, value, why_unsure(record, where, answer)))
    return sorted(found, key=lambda r: r.order)


def why_unsure(record: Record, where: tuple[Condition, ...], answer: bool | Unsure) -> Unsure | None:
    """The record's own blank field is named before one of the anchor's."""
    if not isinstance(answer, Unsure):
        return None
    own = (blank_or_doubt(record, c.field) for c in where if record.get(c.field) is None)
    return next(own, answer)


def child_of(case: CaseFile) -> Record | None:
    return next(case.of("child"), None)


def born_of(case: CaseFile) -> date | Unsure:
    child = child_of(case)
    if child is None:
        return Unsure("missing", "born")
    return child.day("born") or blank_or_doubt(child, "born")


def unborn(case: CaseFile) -> bool:
    """Expected, and no birth recorded."""
    child = child_of(case)
    return bool(child and child.get("expected") and not child.get("born") and not child.doubt("born"))


def of_age(a: Anchor, day: date) -> bool | Unsure:
    """Whether the child is in the rule's age band on a day. An unborn child is in none."""
    age = a.rule.age
    if age is None:
        return True
    if unborn(a.case):
        return False
    born = born_of(a.case)
    if isinstance(born, Unsure):
        return born
    low = -math.inf if age.from_ is None else age.from_
    high = math.inf if age.under is None else age.under
    return low <= age_on(born, day) < high


def open_allocations(case: CaseFile, today: date) -> Iterator[Record]:
    """The allocations with a worker or a team that have begun and not ended."""
    for record in case.of("allocation"):
        start, end = record.day("start"), record.day("end")
        begun, over = start is None or start <= today, end is not None and end <= today
        if begun and not over and (record.get("worker") or record.get("team")):
            yield record


def team_of(case: CaseFile, today: date) -> str | None:
    """The team that has the child: the lead case worker's allocation, then the latest begun, then the first key."""
    held = sorted(open_allocations(case, today), key=lambda r: r.key)
    held.sort(key=lambda r: r.day("start") or date.min, reverse=True)
    held.sort(key=lambda r: r.get("role") != "CW")
    return str(held[0].get("team")) if held and held[0].get("team") else None


def spoken_for(a: Anchor, first: date, last: date) -> bool:
    """Whether nothing sought happened in those days if the feed names nothing: each kind has its window, or the
    whole feed's. What is sought in a field of the record itself has not happened while it is blank."""
    stop, pattern = a.rule.stop, a.rule.pattern
    if stop and stop.own:
        windows = [Window(None, a.case.windows.get(a.record.kind, a.case.window).end)]
    else:
        kinds = stop.kinds if stop else pattern.kinds  # type: ignore[union-attr]
        windows = [a.case.windows.get(kind, a.case.window) for kind in kinds]
    return all((w.start is None or w.start <= first) and (w.end is None or w.end >= last) for w in windows)


def latest_alone(a: Anchor) -> Unsure | None:
    """Why there may have been one before those held: the feed keeps only the latest of its kind."""
    stop, pattern = a.rule.stop, a.rule.pattern
    if stop and stop.own:
        return None
    kinds = stop.kinds if stop else pattern.kinds  # type: ignore[union-attr]
    return next((Unsure("feed", kind) for kind in kinds if kind in a.case.latest), None)
