"""Clock arithmetic: from an anchor and what stopped it, the clocks that ran and where each stands.

The engine has said which records start and stop clocks; this says when. Pure: no clock is read, no
store is touched. The conventions are those of the law as alertd reads it: the day of the event is
day 0, an interval counts from the last *actual* event, months end on the same-numbered day or the
last of the month, and no limit rolls over a weekend.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import zip_longest
from typing import Final

from alertd.calendars.clock import begin_of, birthday, shift
from alertd.calendars.durations import Duration
from alertd.cases.kinds import KINDS
from alertd.cases.records import Record, local_day
from alertd.engine.facts import Match
from alertd.engine.findings import CannotTell, Finding
from alertd.engine.stages import Dates, Standing, dates_by, dates_of, place, unknown
from alertd.engine.subject import Subject
from alertd.errors import InputError
from alertd.rulebook.model import Birthday, FromEvent, Gestation

FULL_TERM = 40
"""Weeks of gestation on the expected date of delivery (Naegele's rule: 280 days)."""

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stop:
    """An event that stopped a clock."""

    at: date | datetime
    key: str
    where: str

    @property
    def day(self) -> date:
        """Its day in Europe/London."""
        return local_day(self.at)


@dataclass(frozen=True, slots=True)
class Run:
    """One clock of a chain: where it starts and which event, if any, stopped it."""

    occurrence: str
    start: date | datetime | None
    stop: Stop | None
    from_event: Stop | None
    opens: date
    """The first day on which an event could have stopped it: a clock counted from an event is not
    stopped by another of the same day; one counted from a date, by an event so much earlier as the
    rule allows."""
    by: Dates | None = None
    """Its dates, where they are counted backwards from a day and not from the start."""

    @property
    def day(self) -> date:
        """The day it starts; where that is not known, the day it runs out."""
        found = self.start or (self.by and self.by.due)
        assert isinstance(found, date)
        return local_day(found)


def judge(
    subject: Subject, match: Match, records: Mapping[str, Record], doubtful: Sequence[Record]
) -> Iterator[Finding]:
    """Every clock of one anchor. ``records`` are the child's by ``ref``; ``doubtful`` are those that
    perhaps stop its clocks."""
    rule, anchor = subject.rule, subject.anchor
    if not match.certain:
        blank = next(c.field for c in rule.where if c.field not in anchor.values)
        yield subject.cannot_tell(anchor, blank)
        return
    if subject.stop.own:
        stops, doubtful = _own_stop(subject, subject.stop.own)
    else:
        stops = _stops(subject, match, records)
    runs = _runs(subject, stops)
    if isinstance(runs, Finding):
        yield runs
        return
    runs = [run for run in runs if _kept_by_starting(subject, run)]
    if rule.age and runs:
        found = _in_band(subject, runs)
        if isinstance(found, Finding):
            yield found
            return
        runs = found
    unset = subject.setting_lacks() if runs else None
    if unset:
        yield unset
        return
    for run in runs:
        if run.stop and subject.asking:
            continue
        try:
            dates = run.by or _dates(subject, run)
            if dates:
                yield _judge_run(subject, run, dates, doubtful)
        except InputError as error:
            met = run.stop.at if run.stop else None
            untold = subject.beyond_the_calendar(error)
            yield replace(untold, occurrence=run.occurrence, start=run.start, met=met)


def _dates(subject: Subject, run: Run) -> Dates | None:
    assert run.start is not None
    return dates_of(subject, run.start, is_open=run.stop is None)


def _own_stop(subject: Subject, field: str) -> tuple[list[Stop], list[Record]]:
    """The anchor's own field as the event that stops its clock; the anchor again where it is in doubt."""
    anchor = subject.anchor
    at = anchor.values.get(field)
    doubtful = [anchor] if anchor.doubt(field) else []
    ended = subject.ended
    if not subject.instant.has_come(at) or (ended and local_day(at) > ended):
        return [], doubtful
    return [Stop(at, anchor.key, anchor.where)], doubtful


def _stops(subject: Subject, match: Match, records: Mapping[str, Record]) -> list[Stop]:
    """The events that stop this anchor's clocks in order, one a day: the first stands for the rest.

    An event is named by its key; by kind and key where events of several kinds stop the clock."""
    stop = subject.stop
    found: list[tuple[datetime, str, str, Stop]] = []
    for record in map(records.__getitem__, match.related):
        at = record.values[stop.on or ""]
        assert isinstance(at, date)
        name = record.ref if len(stop.kinds) > 1 else record.key
        found.append((begin_of(at), record.key, record.kind, Stop(at, name, record.where)))
    stops = [s for *_, s in sorted(found, key=lambda f: f[:3])]
    return [s for i, s in enumerate(stops) if i == 0 or s.day != stops[i - 1].day]


def _runs(subject: Subject, stops: Sequence[Stop]) -> list[Run] | Finding:
    """The clocks of this anchor, or the one unknown finding that stands for them."""
    clock = subject.rule.clock
    if isinstance(clock.from_, FromEvent):
        return _runs_from_events(subject, clock.from_, stops)
    start = _origin(subject, clock.from_) if clock.from_ is not None else _target(subject)
    if isinstance(start, Finding):
        outside = start.cannot_tell and start.cannot_tell.cause == "window"
        return replace(start, met=stops[0].at) if outside and stops else start
    if clock.by is not None and start is not None:
        return [_run_by(subject, start, stops)]
    if not subject.instant.has_come(start):
        return []
    opens = _so_much_earlier(subject, local_day(start))
    later = [s for s in stops if s.day >= opens]
    first = Run("start", start, later[0] if later else None, None, opens)
    return [first, *_each_to_next(later)] if clock.every else [first]


def _origin(subject: Subject, origin: Birthday | tuple[str, ...]) -> date | datetime | Finding | None:
    if isinstance(origin, Birthday):
        if subject.born:
            return birthday(subject.born, origin.birthday)
        return None if subject.unborn else subject.child_lacks("born")
    anchor = subject.anchor
    for name in origin:
        value = anchor.values.get(name)
        if isinstance(value, date):
            return value
    doubted = next((n for n in origin if anchor.doubt(n)), None)
    if doubted is None and KINDS[anchor.kind].ends in origin:
        return None  # it has not ended, so what is counted from its end has not begun
    return subject.cannot_tell(anchor, doubted or origin[0])


def _target(subject: Subject) -> date | datetime | Finding | None:
    """What the clock runs out by, or so long before; None for a child already born."""
    by, child = subject.rule.clock.by, subject.child
    if not isinstance(by, Gestation):
        assert by is not None
        value = subject.anchor.values.get(by)
        return value if isinstance(value, date) else subject.cannot_tell(subject.anchor, by)
    if child and subject.instant.has_come(child.values.get("born")):
        return None
    expected = child.day("expected") if child else None
    if expected is None:
        return subject.child_lacks("expected")
    return shift(expected, Duration(by.gestation - FULL_TERM, "week"), subject.calendar)


def _run_by(subject: Subject, target: date | datetime, stops: Sequence[Stop]) -> Run:
    """The clock that runs out by a day or moment. What was done in time before the record began does not count,
    but for what the rule allows; a field of the record itself is about nothing else, so it counts."""
    begin = subject.anchor.values.get(KINDS[subject.anchor.kind].begins)
    start = begin if subject.instant.has_come(begin) else None
    dates = dates_by(subject, target, start)
    last = local_day(dates.due)
    opens = min(_so_much_earlier(subject, subject.begin or last), last)
    stop = next((s for s in stops if subject.stop.own or s.day >= opens), None)
    return Run("start", start, stop, None, opens, dates)


def _so_much_earlier(subject: Subject, day: date) -> date:
    """The first day on which an event may stop a clock that starts on ``day``: that may be the first of all days."""
    return date.fromordinal(max(day.toordinal() - subject.stop.early_days, 1))


PLAUSIBLY_FIRST: Final = timedelta(weeks=8)
"""A review so soon after the beginning, and the latest, is the first: by law that is held within 20 working days, and
the next need not be before three months are over. Our own choice between; it errs on the early side."""


def _runs_from_events(subject: Subject, origin: FromEvent, stops: Sequence[Stop]) -> list[Run] | Finding:
    """Clocks counted from numbered events. Numbers need the beginning: where that is not known, or
    the feed cannot speak for the time before the first event, "N and later" counts every event. Of a
    feed that holds only the latest, one soon after the beginning is taken for the first."""
    begin = subject.begin
    covered = begin is not None and (not stops or subject.silence_is_proof(begin, stops[0].day))
    if covered and begin and stops and subject.only_latest and stops[0].day - begin > PLAUSIBLY_FIRST:
        # Some event or other: what counts from "N and later" counts from it, and speaks for the rest.
        return _each_to_next(stops) if origin.later else []
    numbered = covered
    if not numbered and (not origin.later or not stops):
        if begin is None:
            untold = subject.cannot_tell(subject.anchor, KINDS[subject.anchor.kind].begins)
        else:
            untold = replace(subject.finding(), cannot_tell=subject.outside(begin, stops[0].day))
        if len(stops) > origin.first and not origin.later:
            return replace(untold, met=stops[origin.first].at)
        return untold
    runs = _each_to_next(stops)
    first = origin.first - 1 if numbered else 0
    return runs[first:] if origin.later else runs[first : first + 1]


def _each_to_next(stops: Sequence[Stop]) -> list[Run]:
    return [Run(s.key, s.at, after, s, s.day + ONE_DAY) for s, after in zip_longest(stops, stops[1:])]


def _kept_by_starting(subject: Subject, run: Run) -> bool:
    starting = subject.rule.clock.starting
    if starting is None:
        return True
    begin, limit = subject.begin, starting.within or starting.after
    assert limit is not None and run.start is not None
    early = begin is not None and local_day(run.start) <= local_day(shift(begin, limit, subject.calendar))
    return early if starting.within else not early


def _in_band(subject: Subject, runs: Sequence[Run]) -> list[Run] | Finding:
    """The clocks on whose first day the child's age is in the band (on whose last, where only that is
    known); none for a child not yet born."""
    if subject.unborn:
        return []
    if subject.born is None:
        return subject.child_lacks("born")
    return [run for run in runs if subject.in_band(run.day)]


def _judge_run(subject: Subject, run: Run, dates: Dates, doubtful: Sequence[Record]) -> Finding:
    standing = _standing(subject, run, dates, doubtful)
    return Finding(
        subject.rule.id,
        subject.case.child,
        subject.anchor.ref,
        run.occurrence,
        standing.stage,
        start=run.start,
        due=dates.due,
        met=run.stop.at if run.stop else None,
        binding=dates.binding,
        statutory=dates.statutory,
        local=dates.local,
        plan=dates.plan,
        warned=standing.warned,
        level=standing.level,
        since=standing.since,
        changes=standing.changes,
        limit=dates.limit,
        where=subject.anchor.where,
        counted_from=run.from_event.where if run.from_event else subject.anchor.where,
        met_by=run.stop.where if run.stop else "",
        closed=subject.ended is not None,
        cannot_tell=standing.cannot_tell,
        basis=subject.basis,
    )


def _standing(subject: Subject, run: Run, dates: Dates, doubtful: Sequence[Record]) -> Standing:
    if run.stop:
        return _stopped(subject, run, run.stop, dates, doubtful)
    if subject.ended:
        return Standing("ended")
    perhaps = _perhaps(subject, run, doubtful, None)
    return unknown(perhaps) if perhaps else _still_open(subject, run, dates)


def _stopped(subject: Subject, run: Run, stop: Stop, dates: Dates, doubtful: Sequence[Record]) -> Standing:
    """Met, met late, or stopped at a time of which the lateness cannot be told."""
    if dates.in_time(stop.at):
        return Standing("met")
    last = local_day(dates.due)
    perhaps = _perhaps(subject, run, doubtful, last)
    if perhaps:
        return unknown(perhaps)
    if not subject.silence_is_proof(run.opens, last):
        return unknown(subject.outside(run.opens, last))
    return unknown(subject.only_latest) if subject.only_latest else Standing("met_late")


def _still_open(subject: Subject, run: Run, dates: Dates) -> Standing:
    if subject.end_in_doubt:
        return unknown(subject.end_in_doubt)
    placed = place(subject, dates)
    if placed.stage != "running" and not subject.silence_is_proof(run.opens, subject.instant.today):
        return unknown(subject.outside(run.opens, subject.instant.today))
    return placed


def _perhaps(subject: Subject, run: Run, doubtful: Sequence[Record], last: date | None) -> CannotTell | None:
    """The first doubtful event that may have stopped this clock, up to ``last`` where given."""
    stop = subject.stop
    on = stop.own or stop.on or ""
    for record in doubtful:
        day = record.day(on)
        if day is None or (run.opens <= day and (last is None or day <= last)):
            return subject.why_not_told(record, on) if stop.own else subject.why_perhaps(record, on, stop.where)
    return None
