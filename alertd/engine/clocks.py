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

from alertd.calendars.clock import age_on, begin_of, birthday, shift
from alertd.cases.kinds import KINDS
from alertd.cases.records import Record, local_day
from alertd.engine.facts import Match
from alertd.engine.findings import CannotTell, Finding
from alertd.engine.stages import Dates, Standing, dates_of, place, unknown
from alertd.engine.subject import Subject
from alertd.rulebook.model import Birthday, FromEvent, Setting

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
    start: date | datetime
    stop: Stop | None
    from_event: Stop | None
    opens: date
    """The first day on which an event could have stopped it: a clock counted from an event is not
    stopped by another of the same day; one counted from a date, by an event so much earlier as the
    rule allows."""


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
        stops = _stops(match, records, subject.stop.on or "")
    runs = _runs(subject, stops)
    if isinstance(runs, Finding):
        yield runs
        return
    runs = [run for run in runs if _kept_by_starting(subject, run)]
    if rule.age and runs:
        if subject.born is None:
            yield subject.without_birth()
            return
        runs = [run for run in runs if _in_band(subject, run)]
    if runs and isinstance(rule.clock.length, Setting) and subject.rulebook.limit(rule, subject.instant.today) is None:
        name = rule.clock.length.setting
        reason = CannotTell("setting", name, rule.id, f"the setting {name} has no value")
        yield replace(subject.finding(), cannot_tell=reason)
        return
    for run in runs:
        found = dates_of(subject, local_day(run.start), run.start, is_open=run.stop is None)
        if found:
            yield _judge_run(subject, run, found, doubtful)


def _own_stop(subject: Subject, field: str) -> tuple[list[Stop], list[Record]]:
    """The anchor's own field as the event that stops its clock; the anchor again where it is in doubt."""
    anchor = subject.anchor
    at = anchor.values.get(field)
    doubtful = [anchor] if anchor.doubt(field) else []
    ended = subject.ended
    if not subject.instant.has_come(at) or (ended and local_day(at) > ended):
        return [], doubtful
    return [Stop(at, anchor.key, anchor.where)], doubtful


def _stops(match: Match, records: Mapping[str, Record], on: str) -> list[Stop]:
    """The events that stop this anchor's clocks in order, one a day: the first stands for the rest."""
    found: list[Stop] = []
    for ref in match.stoppers:
        record = records[ref]
        at = record.values[on]
        assert isinstance(at, date)
        found.append(Stop(at, record.key, record.where))
    found.sort(key=lambda s: (begin_of(s.at), s.key))
    return [s for i, s in enumerate(found) if i == 0 or s.day != found[i - 1].day]


def _runs(subject: Subject, stops: Sequence[Stop]) -> list[Run] | Finding:
    """The clocks of this anchor, or the one unknown finding that stands for them."""
    origin = subject.rule.clock.from_
    if isinstance(origin, FromEvent):
        return _runs_from_events(subject, origin, stops)
    assert origin is not None
    start = _origin(subject, origin)
    if isinstance(start, Finding):
        outside = start.cannot_tell and start.cannot_tell.cause == "window"
        return replace(start, met=stops[0].at) if outside and stops else start
    if not subject.instant.has_come(start):
        return []
    opens = local_day(start) - timedelta(days=subject.stop.early_days)
    later = [s for s in stops if s.day >= opens]
    first = Run("start", start, later[0] if later else None, None, opens)
    return [first, *_each_to_next(later)] if subject.rule.clock.every else [first]


def _origin(subject: Subject, origin: Birthday | tuple[str, ...]) -> date | datetime | Finding | None:
    if isinstance(origin, Birthday):
        return birthday(subject.born, origin.birthday) if subject.born else subject.without_birth()
    anchor = subject.anchor
    for name in origin:
        value = anchor.values.get(name)
        if isinstance(value, date):
            return value
    doubted = next((n for n in origin if anchor.doubt(n)), None)
    if doubted is None and KINDS[anchor.kind].ends in origin:
        return None  # it has not ended, so what is counted from its end has not begun
    return subject.cannot_tell(anchor, doubted or origin[0])


def _runs_from_events(subject: Subject, origin: FromEvent, stops: Sequence[Stop]) -> list[Run] | Finding:
    """Clocks counted from numbered events. Numbers need the beginning: where that is not known, or
    the feed cannot speak for the time before the first event, "N and later" counts every event."""
    anchor = subject.anchor
    begins = KINDS[anchor.kind].begins
    begin = anchor.day(begins)
    numbered = begin is not None and (not stops or subject.case.window.covers(begin, stops[0].day))
    if not numbered and (not origin.later or not stops):
        if begin is None:
            untold = subject.cannot_tell(anchor, begins)
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
    begin = subject.anchor.day(KINDS[subject.anchor.kind].begins)
    limit = starting.within or starting.after
    assert limit is not None
    early = begin is not None and local_day(run.start) <= local_day(shift(begin, limit, subject.calendar))
    return early if starting.within else not early


def _in_band(subject: Subject, run: Run) -> bool:
    band = subject.rule.age
    assert band and subject.born
    age = age_on(subject.born, local_day(run.start))
    return (band.from_ is None or band.from_ <= age) and (band.under is None or age < band.under)


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
    if not subject.case.window.covers(run.opens, last):
        return unknown(subject.outside(run.opens, last))
    return Standing("met_late")


def _still_open(subject: Subject, run: Run, dates: Dates) -> Standing:
    kind = KINDS[subject.anchor.kind]
    if kind.bounds and kind.ends and subject.anchor.doubt(kind.ends):
        return unknown(subject.why_not_told(subject.anchor, kind.ends))
    placed = place(subject, dates)
    if placed.stage != "running" and not subject.case.window.covers(run.opens, subject.instant.today):
        return unknown(subject.outside(run.opens, subject.instant.today))
    return placed


def _perhaps(subject: Subject, run: Run, doubtful: Sequence[Record], last: date | None) -> CannotTell | None:
    """The first doubtful event that may have stopped this clock, up to ``last`` where given."""
    until = subject.stop
    on = until.own or until.on or ""
    for record in doubtful:
        day = record.day(on)
        if day and (day < run.opens or (last and day > last)):
            continue
        looked_at = [on] if until.own or record.doubt(on) else [c.field for c in until.where]
        blank = next((f for f in looked_at if f not in record.values), None)
        if blank is None:  # it joins on a field of the anchor that is blank
            joined = (c.refers_to for c in until.where)
            blank = next(f for f in joined if f and f != "id" and f not in subject.anchor.values)
            record = subject.anchor
        return subject.why_not_told(record, blank)
    return None
