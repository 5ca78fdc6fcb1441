"""Where a clock stands: its three dates, its warnings and steps, and the stage at an instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import floor

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import begin_of, due, end_of, shift
from alertd.cases.records import local_day
from alertd.engine.findings import Binding, CannotTell, Stage
from alertd.engine.subject import Subject
from alertd.rulebook.profiles import Checkpoint, Step

MOMENT = timedelta.resolution

READ_IN_LAW = frozenset({"V", "V†", "V*"})
"""Confidence codes of limits read in the law or guidance; the rest are an authority's own."""


@dataclass(frozen=True, slots=True)
class Dates:
    """The three dates of a clock. ``due`` is the earliest, ``binding`` says which that is. ``start``
    is None only for a clock that runs out by a day and whose record has no beginning."""

    start: date | datetime | None
    due: date | datetime
    binding: Binding
    statutory: date | datetime | None
    local: date | datetime | None
    plan: date | None
    limit: str

    def in_time(self, at: date | datetime) -> bool:
        """Whether an event met the clock. An event without a time of day counts as its first
        second; a limit in days runs to the end of the day."""
        if isinstance(self.due, datetime):
            return begin_of(at) <= self.due
        return local_day(at) <= self.due


def dates_of(subject: Subject, start: date | datetime, *, is_open: bool) -> Dates | None:
    """The dates of a clock that starts at ``start``; None where no limit was in force that day.

    A booking counts only while the clock is open: once the event has happened, what was booked and
    never held has been re-booked or forgotten, and says nothing of whether it was in time.
    """
    rule, book, day = subject.rule, subject.rulebook, local_day(start)
    limit = book.limit(rule, day)
    if limit is None:
        return None
    main = _rolled(subject, due(start, limit, subject.calendar, rule.clock.count_from))
    in_law = _in_law(subject)
    own = book.local_limit(rule, day)
    locals_ = [] if in_law else [main]
    if own:
        locals_.append(due(start, own, subject.calendar, rule.clock.count_from))
    statutory = main if in_law else None
    local = min(locals_, key=end_of, default=None)
    plan = _planned(subject, day) if is_open else None
    named: list[tuple[Binding, date | datetime | None]] = [("statutory", statutory), ("local", local), ("plan", plan)]
    binding, earliest = min(((n, d) for n, d in named if d is not None), key=lambda pair: end_of(pair[1]))
    is_own = binding == "local" and own and local != main
    shown = f"{own if is_own else limit}{' (loosened)' if rule.loosened_by and not is_own else ''}"
    return Dates(start, earliest, binding, statutory, local, plan, "" if binding == "plan" else shown)


def dates_by(subject: Subject, target: date | datetime, start: date | datetime | None) -> Dates:
    """The dates of a clock that runs out by a day or moment, or on a day so long before it."""
    before = subject.rule.clock.before
    main = _rolled(subject, shift(target, before, subject.calendar, backwards=True) if before else target)
    limit = f"{before} before" if before else ""
    if _in_law(subject):
        return Dates(start, main, "statutory", main, None, None, limit)
    return Dates(start, main, "local", None, main, None, limit)


def _in_law(subject: Subject) -> bool:
    return subject.rule.law.confidence in READ_IN_LAW


def _rolled(subject: Subject, main: date | datetime) -> date | datetime:
    """The last day moved to the next working day, where the rule says so; moments never move."""
    if subject.rule.clock.roll is None or isinstance(main, datetime) or subject.calendar.is_working(main):
        return main
    return subject.calendar.add_working_days(main, 1)


def _planned(subject: Subject, day: date) -> date | None:
    """The date booked for the event, after the clock's start, that has not been held: the next one
    ahead; where all have passed, the last, because a booking that passed unheld is often booked again."""
    rule = subject.rule
    if not rule.clock.plan:
        return None
    on = subject.stop.on or ""
    booked = (
        record.day(rule.clock.plan)
        for record in subject.case.records
        if record.kind in subject.stop.kinds and on not in record.values and not record.doubt(on)
    )
    first, last = subject.instant.span(subject.anchor, subject.stop.early_days)
    days = [d for d in booked if d and d > day and first <= d.toordinal() <= last]
    ahead = [d for d in days if d >= subject.instant.today]
    return min(ahead) if ahead else max(days, default=None)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one clock stands: the part of a finding that judging decides."""

    stage: Stage
    cannot_tell: CannotTell | None = None
    warned: int = 0
    level: int = 0
    since: datetime | None = None
    changes: datetime | None = None


def unknown(why: CannotTell) -> Standing:
    """Nobody can say, and why."""
    return Standing("unknown", why)


def place(subject: Subject, dates: Dates) -> Standing:
    """The stage of an open clock, its warnings and steps reached, and when it next changes."""
    as_of = subject.instant.as_of
    warnings = sorted(_warnings(subject, dates))
    steps = list(_steps(subject, dates))
    overdue_from = end_of(dates.due)
    due_from = begin_of(local_day(dates.due))
    stage = _stage(as_of, due_from, overdue_from, dates, warned=any(w <= as_of for w in warnings))
    begun = [begin_of(dates.start)] if dates.start else []
    moments = [*begun, *warnings, due_from, overdue_from, *steps]
    is_near = stage != "running"
    return Standing(
        stage,
        warned=sum(w <= as_of for w in warnings) if is_near else 0,
        level=sum(s <= as_of for s in steps) if is_near else 0,
        since=max((m for m in moments if m <= as_of), default=None),
        changes=min((m for m in moments if m > as_of), default=None),
    )


def _stage(as_of: datetime, due_from: datetime, overdue_from: datetime, dates: Dates, *, warned: bool) -> Stage:
    past = as_of > overdue_from if isinstance(dates.due, datetime) else as_of >= overdue_from
    if past:
        return "overdue"
    if as_of >= due_from:
        return "due"
    return "upcoming" if warned else "running"


def _steps(subject: Subject, dates: Dates) -> Iterator[datetime]:
    for step in subject.rulebook.ladders[subject.rule.escalate].steps:
        if dates.start is not None or step.at_share is None:
            yield step_moment(step, dates.start or dates.due, dates.due, subject.calendar)


def _warnings(subject: Subject, dates: Dates) -> Iterator[datetime]:
    """The advance warnings; a pattern has none, and a clock without a start none counted from it."""
    if not subject.rule.warn:
        return
    last = dates.due if isinstance(dates.due, datetime) else end_of(dates.due) - MOMENT
    for checkpoint in subject.rulebook.warnings[subject.rule.warn].at:
        if dates.start is None and checkpoint.before is None:
            continue
        at = _checkpoint(subject, dates.start or dates.due, dates.due, checkpoint)
        if at <= last:
            yield at


def _checkpoint(subject: Subject, start: date | datetime, due: date | datetime, point: Checkpoint) -> datetime:
    if point.at_start:
        return begin_of(start)
    if point.after is not None:
        return begin_of(shift(start, point.after, subject.calendar))
    return step_moment(point, start, due, subject.calendar)


def step_moment(step: Step | Checkpoint, start: date | datetime, due: date | datetime, calendar: Calendar) -> datetime:
    """The moment of a warning or ladder step, in UTC, counted from the due date.

    A share is of the way from start to due, in whole days for a limit in days. Hours are counted
    from the end of a due *day*.
    """
    if step.at_share is not None:
        if isinstance(due, datetime):
            begin = begin_of(start)
            return begin + (due - begin) * step.at_share
        first = local_day(start)
        return begin_of(first + timedelta(days=floor((due - first).days * step.at_share)))
    span = step.before or step.after
    if span is None:
        return begin_of(due)
    base = end_of(due) if span.unit == "hour" else due
    return begin_of(shift(base, span, calendar, backwards=step.before is not None))
