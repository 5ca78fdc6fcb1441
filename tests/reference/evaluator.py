"""The rules' meaning again, in plain Python: slow, obvious, and independent of the engine.

Every clock is judged by walking over lists, every date is reached by stepping one day at a time, and nothing is
shared with ``alertd.engine`` or ``alertd.calendars.clock``. Where this and the engine disagree, one of them is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from alertd.calendars.durations import Duration
from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record
from alertd.rulebook.model import Birthday, FromEvent, Rule, Rulebook, Setting
from alertd.rulebook.profiles import Checkpoint, Step
from tests.reference.conditions import Unsure, all_hold, blank_or_doubt
from tests.reference.days import DAY, When, add, age_on, birthday, day_of, in_time, instant, known, last_instant


class Judged(NamedTuple):
    """What the comparison looks at. ``field`` is blank where the cause is ``window``: no field is to blame."""

    rule: str
    child: str
    record: str
    occurrence: str
    stage: str
    start: When | None = None
    due: When | None = None
    met: When | None = None
    binding: str | None = None
    warned: int = 0
    level: int = 0
    cause: str = ""
    field: str = ""
    closed: bool = False


# --- one anchor ---------------------------------------------------------------------------------------------------


class Stopper(NamedTuple):
    """Something that stops a clock: its key and when (None: nobody knows when); ``why`` where it is doubtful."""

    key: str
    on: When | None
    why: Unsure | None = None


class Span(NamedTuple):
    """One clock of a chain: where it begins and what stopped it."""

    occurrence: str
    start: When
    met: When | None


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
        ends += [child.get("died") for child in self.case.of("child")]
        return min((day_of(e) for e in ends if isinstance(e, date) and known(e, self.as_of)), default=None)

    @property
    def early(self) -> timedelta:
        """How long before its time a stopper may come."""
        early = self.rule.until.early
        return DAY * (early.n * {"calendar day": 1, "week": 7}[early.unit]) if early else timedelta(0)

    def within_bounds(self, day: date) -> bool:
        after_begin = self.begin is None or day >= self.begin - self.early
        return after_begin and (self.ended is None or day <= self.ended)

    def span(self, start: When, length: Duration) -> When:
        """The limit counted from the start, as the rule counts."""
        return add(start, length, self.book.nation, same_day=self.rule.clock.count_from == "same_day")

    def unknown(self, why: Unsure, occurrence: str = "start", **known_values: Any) -> Judged:
        named = "" if why.cause == "window" else why.field
        name, child, ref = self.rule.id, self.case.child, self.record.ref
        told = Judged(name, child, ref, occurrence, "unknown", cause=why.cause, field=named, **known_values)
        return told._replace(closed=self.ended is not None)


def candidates(a: Anchor) -> Iterator[Stopper]:
    """Everything that stops this anchor's clocks, or would if it were not in doubt."""
    until = a.rule.until
    if until.own:
        own = a.record.get(until.own)
        if isinstance(own, date) and known(own, a.as_of) and (a.ended is None or day_of(own) <= a.ended):
            yield Stopper(a.record.key, own)
        elif a.record.doubt(until.own):
            yield Stopper(a.record.key, None, blank_or_doubt(a.record, until.own))
        return
    assert until.on
    for record in a.case.records:
        if record.kind != until.record or record == a.record:  # nothing stops its own clock
            continue
        answer = all_hold(record, until.where, a.record)
        if answer is False:
            continue
        on = record.get(until.on)
        if on is None:
            if record.doubt(until.on):
                yield Stopper(record.key, None, blank_or_doubt(record, until.on))
        elif isinstance(on, date) and known(on, a.as_of) and a.within_bounds(day_of(on)):
            yield Stopper(record.key, on, why_unsure(a, record, answer) if isinstance(answer, Unsure) else None)


def why_unsure(a: Anchor, record: Record, answer: Unsure) -> Unsure:
    """The stopper's own blank field is named before one of the anchor's."""
    own = (blank_or_doubt(record, c.field) for c in a.rule.until.where if record.get(c.field) is None)
    return next(own, answer)


def stoppers_of(a: Anchor) -> list[Stopper]:
    """The sure ones in order, one a day."""
    kept: list[Stopper] = []
    for one in sorted((s for s in candidates(a) if not s.why and s.on), key=lambda s: (instant(s.on), s.key)):  # type: ignore[arg-type]
        if not kept or day_of(kept[-1].on) != day_of(one.on):  # type: ignore[arg-type]
            kept.append(one)
    return kept


def doubtful_of(a: Anchor) -> list[Stopper]:
    """The doubtful ones: those without a date first, then by date and key."""
    first = datetime.min.replace(tzinfo=UTC)
    return sorted((s for s in candidates(a) if s.why), key=lambda s: (instant(s.on) if s.on else first, s.key))


def origin_of(a: Anchor) -> When | Unsure | None:
    """Where the first clock counts from; None where that has not happened."""
    source = a.rule.clock.from_
    if isinstance(source, Birthday):
        born = born_of(a.case)
        return born if isinstance(born, Unsure) else birthday(born, source.birthday)
    assert isinstance(source, tuple)
    for name in source:
        value = a.record.get(name)
        if isinstance(value, date):
            return value
    whys = [blank_or_doubt(a.record, name) for name in source]
    doubt = next((why for why in whys if why.cause != "missing"), None)
    if doubt is None and KINDS[a.rule.for_].ends in source:
        return None  # what has not ended starts no clock from its end
    return doubt or whys[0]


def born_of(case: CaseFile) -> date | Unsure:
    for child in case.of("child"):
        return child.day("born") or blank_or_doubt(child, "born")
    return Unsure("missing", "born")


def numbering(a: Anchor, stoppers: list[Stopper]) -> Unsure | None:
    """Why nobody can say which stopper is the first, or None where that is known."""
    begins = KINDS[a.rule.for_].begins
    if a.begin is None:
        return blank_or_doubt(a.record, begins)
    first = stoppers[0].on if stoppers else None
    if first is None:  # none is the first: the rule about the first speaks for itself
        return None
    return None if a.case.window.covers(a.begin, day_of(first)) else Unsure("window", begins)


def chain(a: Anchor, stoppers: list[Stopper]) -> list[Span] | Judged:
    """The clocks of one anchor, or the one finding that says why there is no telling."""
    source = a.rule.clock.from_
    dates: list[Any] = [s.on for s in stoppers]
    following = [*dates[1:], None]
    from_each = [Span(s.key, on, after) for s, on, after in zip(stoppers, dates, following, strict=False)]
    if isinstance(source, FromEvent):
        unsure = numbering(a, stoppers)
        if unsure and not source.later:
            return a.unknown(unsure, met=dates[source.first] if len(dates) > source.first else None)
        if unsure:
            return from_each or a.unknown(unsure)
        return from_each[source.first - 1 :] if source.later else from_each[source.first - 1 : source.first]
    origin = origin_of(a)
    if isinstance(origin, Unsure):
        return a.unknown(origin, met=dates[0] if dates and origin.cause == "window" else None)
    if origin is None or not known(origin, a.as_of):
        return []
    earliest_stop = day_of(origin) - a.early
    later = [d for d in dates if day_of(d) >= earliest_stop]
    first = Span("start", origin, later[0] if later else None)
    if a.rule.clock.within is not None:
        return [first]
    return [first, *(s for s in from_each if day_of(s.start) >= earliest_stop)]


def starts_when_it_should(a: Anchor, start: When) -> bool:
    starting = a.rule.clock.starting
    if not starting:
        return True
    if a.begin is None:
        return starting.within is None
    day = day_of(start)
    if starting.within and day > day_of(add(a.begin, starting.within, a.book.nation)):
        return False
    return not (starting.after and day <= day_of(add(a.begin, starting.after, a.book.nation)))


# --- one clock ----------------------------------------------------------------------------------------------------


def earliest(options: list[tuple[str, When | None]]) -> tuple[str, When] | None:
    """The first to run out; the earlier named wins a tie."""
    present = [(name, when) for name, when in options if when is not None]
    return min(present, key=lambda option: last_instant(option[1])) if present else None


def planned(a: Anchor, start: When) -> date | None:
    """The date booked after the start and not held: the next ahead, else the last that passed."""
    plan, until = a.rule.clock.plan, a.rule.until
    if not plan or not until.on:
        return None
    days = []
    for record in a.case.records:
        held = record.get(until.on) is not None or record.doubt(until.on) is not None
        day = record.day(plan) if record.kind == until.record and not held else None
        if day and day > day_of(start) and a.within_bounds(day):
            days.append(day)
    coming = [day for day in days if day >= a.today]
    if coming:
        return min(coming)
    return max(days) if days else None


def due_of(a: Anchor, start: When, limit: Duration, met: When | None) -> tuple[str, When]:
    """The binding date and its name. What was booked binds only while nothing has been held."""
    own = a.book.local_limit(a.rule, day_of(start))
    dates: list[tuple[str, When | None]] = [("local", a.span(start, own) if own else None)]
    main = a.span(start, limit)
    dates.insert(0, ("statutory" if a.rule.law.confidence.startswith("V") else "local", main))
    found = earliest([*dates, ("plan", planned(a, start) if met is None else None)])
    assert found
    return found


def share(start: When, due: When, part: float) -> When:
    """Part of the way from start to due; a day clock counts whole days."""
    if isinstance(due, datetime):
        return instant(start) + (instant(due) - instant(start)) * part
    first = day_of(start)
    return first + math.floor((due - first).days * part) * DAY


def from_due(due: When, span: Duration, nation: str, sign: int) -> When:
    """Counted from the due date: hours from the end of a due day, everything else from the day."""
    return add(last_instant(due) if span.unit == "hour" else due, span, nation, sign)


def checkpoint(one: Checkpoint, start: When, due: When, nation: str) -> datetime:
    """The moment of one advance warning."""
    if one.before:
        return instant(from_due(due, one.before, nation, -1))
    if one.after:
        return instant(add(start, one.after, nation))
    return instant(share(start, due, one.at_share) if one.at_share else start)


def step(one: Step, start: When, due: When, nation: str) -> datetime:
    """The moment of one rung of the ladder."""
    if one.before:
        return instant(from_due(due, one.before, nation, -1))
    if one.after:
        return instant(from_due(due, one.after, nation, 1))
    return instant(share(start, due, one.at_share) if one.at_share else due)


def warnings_reached(a: Anchor, start: When, due: When) -> int:
    moments = [checkpoint(c, start, due, a.book.nation) for c in a.book.warnings[a.rule.warn].at]
    return sum(1 for m in moments if m <= a.as_of and in_time(m, due))


def first_open_day(a: Anchor, clock: Span) -> date:
    """The first day on which something can stop it: an event on the day of the event it counts from cannot."""
    return day_of(clock.start) + (-a.early if clock.occurrence == "start" else DAY)


def judge(a: Anchor, clock: Span, limit: Duration) -> Judged:
    """The stage of one clock."""
    start, met = clock.start, clock.met
    binding, due = due_of(a, start, limit, met)
    common: dict[str, Any] = {"start": start, "due": due, "met": met, "binding": binding}
    told = Judged(a.rule.id, a.case.child, a.record.ref, clock.occurrence, "", **common, closed=a.ended is not None)
    first = first_open_day(a, clock)
    doubtful = [s for s in doubtful_of(a) if s.on is None or day_of(s.on) >= first]
    if met is not None:
        if in_time(met, due):
            return told._replace(stage="met")
        why = next((s.why for s in doubtful if s.on is None or in_time(s.on, due)), None)
        if not why and not a.case.window.covers(first, day_of(due)):
            why = Unsure("window", "")
        return a.unknown(why, clock.occurrence, **common) if why else told._replace(stage="met_late")
    if a.ended:
        return told._replace(stage="ended")
    if doubtful and doubtful[0].why:
        return a.unknown(doubtful[0].why, clock.occurrence, **common)
    return judge_open(a, told, start, due, first)


def judge_open(a: Anchor, told: Judged, start: When, due: When, first: date) -> Judged:
    """The stage of a clock that nothing stopped and nothing hides."""
    kind, common = KINDS[a.rule.for_], {"start": start, "due": due, "binding": told.binding}
    passed = a.as_of > due if isinstance(due, datetime) else a.today > due
    warned = warnings_reached(a, start, due)
    claims = passed or a.today == day_of(due) or warned
    if kind.ends and kind.bounds and a.record.doubt(kind.ends):
        return a.unknown(blank_or_doubt(a.record, kind.ends), told.occurrence, **common)
    if claims and not a.case.window.covers(first, a.today):
        return a.unknown(Unsure("window", ""), told.occurrence, **common)
    if not claims:
        return told._replace(stage="running")
    stage = "overdue" if passed else "due" if a.today == day_of(due) else "upcoming"
    steps = a.book.ladders[a.rule.escalate].steps
    level = sum(1 for s in steps if step(s, start, due, a.book.nation) <= a.as_of)
    return told._replace(stage=stage, warned=warned, level=level)


# --- the whole ----------------------------------------------------------------------------------------------------


def judge_anchor(a: Anchor) -> list[Judged]:
    """Every finding of one rule about one record."""
    begin = a.record.get(KINDS[a.rule.for_].begins)
    if isinstance(begin, date) and not known(begin, a.as_of):
        return []
    matches = all_hold(a.record, a.rule.where, a.record)
    if matches is False:
        return []
    if isinstance(matches, Unsure):
        return [a.unknown(matches)]
    clocks = chain(a, stoppers_of(a))
    if isinstance(clocks, Judged):
        return [clocks]
    clocks = [c for c in clocks if starts_when_it_should(a, c.start)]
    if clocks and a.rule.age:
        born = born_of(a.case)
        if isinstance(born, Unsure):
            return [a.unknown(born)]
        low = -math.inf if a.rule.age.from_ is None else a.rule.age.from_
        high = math.inf if a.rule.age.under is None else a.rule.age.under
        clocks = [c for c in clocks if low <= age_on(born, day_of(c.start)) < high]
    found = []
    for clock in clocks:
        limit = a.book.limit(a.rule, day_of(clock.start))
        if limit:
            found.append(judge(a, clock, limit))
        elif isinstance(a.rule.clock.length, Setting):
            return [a.unknown(Unsure("setting", a.rule.clock.length.setting))]
    return found


def reference(case: CaseFile, rulebook: Rulebook, as_of: datetime) -> set[Judged]:
    """What is true of every clock of one child at an instant."""
    found: set[Judged] = set()
    for rule in rulebook.rules:
        if rule.enabled:
            for record in case.records:
                if record.kind == rule.for_:
                    found.update(judge_anchor(Anchor(case, rulebook, rule, record, as_of)))
    return found
