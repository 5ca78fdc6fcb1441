"""Patterns that should not be: whether one holds for an anchor, since when, and what makes it up.

The engine has said which related records certainly meet the conditions; this counts them. As for
clocks, what may be there and cannot be told makes the answer unknown, and so does silence outside
the window wherever the answer rests on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import begin_of, shift
from alertd.calendars.durations import Duration
from alertd.cases.kinds import KINDS
from alertd.cases.records import Record, local_day
from alertd.engine.facts import ByKind, Match, Pattern
from alertd.engine.findings import CannotTell, Finding
from alertd.engine.stages import dates_of, place, unknown
from alertd.engine.subject import Subject
from alertd.rulebook.coverage import several_of
from alertd.rulebook.model import Count, InARow, NoOpen

ONE_DAY = timedelta(days=1)


class Holds(NamedTuple):
    """A pattern holds since a day. ``evidence`` is where the records stand that make it up;
    ``ceases`` is when it would next be different with nothing else happening."""

    since: date
    evidence: tuple[str, ...] = ()
    ceases: datetime | None = None


class Untold(NamedTuple):
    """Nobody can say whether a pattern holds, and why; ``ceases`` as for one that does."""

    why: CannotTell
    ceases: datetime | None = None


Verdict = Holds | Untold | None


@dataclass(frozen=True, slots=True)
class Related:
    """The records a pattern looks at beside one anchor, in order: those in its reach, those of them
    that certainly meet the conditions, those that perhaps do, and those whose date is in doubt."""

    there: list[Record]
    sure: list[Record]
    perhaps: Sequence[Record]
    undated: list[Record]


def seek(
    subject: Subject, pattern: Pattern, match: Match, by_kind: ByKind, doubtful: Sequence[Record]
) -> Iterator[Finding]:
    """The finding of one anchor, if its pattern holds or perhaps does. ``doubtful`` are the records
    that perhaps meet its conditions. What has ended has no pattern any more."""
    if subject.ended:
        return
    if not match.certain:
        blank = next(c.field for c in subject.rule.where if c.field not in subject.anchor.values)
        yield subject.cannot_tell(subject.anchor, blank)
        return
    span = subject.instant.span(subject.anchor, 0)
    in_order = sorted(pattern.records(by_kind, subject.anchor), key=lambda r: _order(r, pattern.on))
    there = [r for r in in_order if subject.instant.reaches(pattern, span, r)]
    sure = [r for r in there if r.ref in match.related]
    related = Related(there, sure, doubtful, [r for r in in_order if r.doubt(pattern.on)])
    sought = subject.rule.pattern
    if isinstance(sought, Count):
        found = _count(subject, sought, related)
    elif isinstance(sought, InARow):
        found = _in_a_row(subject, sought, related)
    else:
        assert isinstance(sought, NoOpen)
        found = _no_open(subject, sought, related)
    if isinstance(found, Untold):
        yield replace(subject.finding(), cannot_tell=found.why, changes=found.ceases)
    elif found:
        yield from placed(subject, found)


def placed(subject: Subject, found: Holds) -> Iterator[Finding]:
    """The finding of a pattern that holds, with the dates and the stage of its clock."""
    if subject.rule.age:
        if subject.unborn:
            return
        if subject.born is None:
            yield subject.child_lacks("born")
            return
        if not subject.in_band(found.since):
            return
    unset = subject.setting_lacks()
    if unset:
        yield unset
        return
    dates = dates_of(subject, found.since, is_open=False)
    if dates is None:
        return
    untold = subject.end_in_doubt
    standing = unknown(untold) if untold else place(subject, dates)
    yield replace(
        subject.finding(),
        stage=standing.stage,
        start=found.since,
        due=dates.due,
        binding=dates.binding,
        statutory=dates.statutory,
        local=dates.local,
        level=standing.level,
        since=standing.since,
        changes=min((m for m in (standing.changes, found.ceases) if m), default=None),
        limit="" if dates.limit.startswith("0 ") else dates.limit,
        counted_from=subject.anchor.where,
        cannot_tell=standing.cannot_tell,
        evidence=found.evidence,
        basis=subject.basis,
    )


def _order(record: Record, on: str) -> tuple[datetime, str, str]:
    at = record.values.get(on)
    return (begin_of(at if isinstance(at, date) else date(1, 1, 2)), record.key, record.kind)


def _count(subject: Subject, sought: Count, related: Related) -> Verdict:
    """So many records in a span. Those perhaps there are counted only to see whether it can be told."""
    on, instant = sought.on or "", subject.instant
    if subject.begin is None and (sought.before or sought.after):
        return Untold(subject.why_not_told(subject.anchor, KINDS[subject.anchor.kind].begins))
    first, last = _span(subject, sought)

    def inside(record: Record) -> bool:
        day = instant.happened_on(record, on)
        return day is not None and first <= day <= last

    sure = [r for r in related.sure if inside(r)]
    perhaps = [r for r in related.perhaps if r.doubt(on) or inside(r)]
    if len(sure) >= sought.at_least:
        days = [d for r in related.sure if (d := instant.happened_on(r, on))]
        return _counted(subject, sought, days, sure)
    if len(sure) + len(perhaps) >= sought.at_least:
        days = [d for r in (*sure, *perhaps) if (d := instant.happened_on(r, on))]
        return Untold(subject.why_perhaps(perhaps[0], on, sought.where), _first_to_leave(subject, sought.last, days))
    given = sought.last or sought.before or sought.after
    if given and not subject.silence_is_proof(first, last):
        opens = subject.window.start
        unseen = [opens - ONE_DAY] if opens and first < opens else []
        return Untold(subject.outside(first, last), _first_to_leave(subject, sought.last, unseen))
    return _perhaps_more(subject, [r for r in related.there if (r.day(on) or first) >= first])


def _perhaps_more(subject: Subject, there: Sequence[Record]) -> Untold | None:
    """That there may be too few only because no more than the latest of this child is held. ``there`` are those
    before which more may have been."""
    few = sorted(several_of(subject.rule) & subject.case.latest)
    if not few or not any(record.kind in few for record in (subject.anchor, *there)):
        return None  # where not even the latest is held there is none
    text = f"only the latest {' and '.join(few)} of this child is held, so nobody can say how many there were"
    return Untold(CannotTell("feed", few[0], subject.anchor.where, text))


def _span(subject: Subject, sought: Count) -> tuple[date, date]:
    """The first and last day on which a record counts, none later than today."""
    today, begin, calendar = subject.instant.today, subject.begin, subject.calendar
    if sought.last:
        opens = local_day(shift(today, sought.last, calendar, backwards=True)) + ONE_DAY
        return max(opens, begin or opens), today
    if sought.before and begin:
        return local_day(shift(begin, sought.before, calendar, backwards=True)), begin - ONE_DAY
    if sought.after and begin:
        return begin, min(local_day(shift(begin, sought.after, calendar)), today)
    return date.min, today


def _counted(subject: Subject, sought: Count, days: Sequence[date], counted: Sequence[Record]) -> Holds:
    """Since when there are so many. ``days`` are those of every record that ever counted."""
    evidence = tuple(r.where for r in counted)
    if sought.before and subject.begin:
        return Holds(subject.begin, evidence)
    if sought.last:
        since, ceases = _unbroken(days, sought.at_least, sought.last, subject.calendar)
        return Holds(since, evidence, begin_of(ceases))
    nth = counted[sought.at_least - 1].day(sought.on or "")
    assert nth
    return Holds(nth, evidence)


def _unbroken(days: Sequence[date], n: int, span: Duration, calendar: Calendar) -> tuple[date, date]:
    """The last unbroken time in which ``n`` of the days, which are in order, lay within the span:
    its first day, and the first day after it."""
    found: list[tuple[date, date]] = []
    for first, nth in zip(days, days[n - 1 :], strict=False):
        ceases = leaves(first, span, calendar)
        if nth < ceases:
            joined = bool(found) and nth <= found[-1][1]
            found.append((found[-1][0] if joined else nth, ceases))
    return found[-1]


def leaves(day: date, span: Duration, calendar: Calendar) -> date:
    """The first day on which ``day`` no longer lies within the span that ends that day. Shifting to
    and fro may clamp a month's end or step over a weekend, so it is looked for about the sum."""

    def gone(on: date) -> bool:
        return local_day(shift(on, span, calendar, backwards=True)) >= day

    found = local_day(shift(day, span, calendar))
    while not gone(found):
        found += ONE_DAY
    while gone(found - ONE_DAY):
        found -= ONE_DAY
    return found


def _first_to_leave(subject: Subject, span: Duration | None, days: Sequence[date]) -> datetime | None:
    """When the first of the days leaves a span that moves on with today."""
    return begin_of(min(leaves(d, span, subject.calendar) for d in days)) if span and days else None


def _in_a_row(subject: Subject, sought: InARow, related: Related) -> Verdict:
    """The latest records, so many in a row, all meet the conditions."""
    on = sought.on or ""
    sure = {r.ref for r in related.sure}
    perhaps = {r.ref for r in related.perhaps}
    run: list[Record] = []
    might: list[Record] = []
    unsure: Record | None = None
    for record in reversed(related.there):
        if record.ref not in sure | perhaps:
            break
        might.append(record)
        if record.ref in perhaps:
            unsure = unsure or record
        elif unsure is None:
            run.append(record)
    if len(run) < sought.times:
        if unsure and len(might) >= sought.times:
            return Untold(subject.why_perhaps(unsure, on, sought.where))
        return _perhaps_more(subject, might) if len(might) == len(related.there) else None
    if related.undated:
        return Untold(subject.why_not_told(related.undated[0], on))
    latest, since = run[0].day(on), run[-sought.times].day(on)
    assert latest and since
    if not subject.silence_is_proof(latest, subject.instant.today):
        return Untold(subject.outside(latest, subject.instant.today))
    return Holds(since, tuple(r.where for r in reversed(run)))


def _no_open(subject: Subject, sought: NoOpen, related: Related) -> Verdict:
    """No such state is open today."""
    sure = {r.ref for r in related.sure}
    perhaps = {r.ref for r in related.perhaps}
    untold: list[CannotTell] = []
    for record in related.there:
        is_open, field = _open(subject, record)
        if is_open is False:
            continue
        if record.ref in sure:
            if is_open:
                return None
            untold.append(subject.why_not_told(record, field))
        elif record.ref in perhaps:
            untold.append(subject.why_perhaps(record, "", sought.where))
    if untold:
        return Untold(untold[0])
    ends = [d for r in related.sure if (d := r.day(KINDS[r.kind].ends or "")) and d <= subject.instant.today]
    since = max((d for d in (subject.begin, max(ends, default=None)) if d), default=None)
    if since is None:
        return Untold(subject.why_not_told(subject.anchor, KINDS[subject.anchor.kind].begins))
    if not subject.silence_is_proof(since, subject.instant.today):
        return Untold(subject.outside(since, subject.instant.today))
    return Holds(since)


def _open(subject: Subject, record: Record) -> tuple[bool | None, str]:
    """Whether a state is open today, and the field that leaves it untold."""
    kind = KINDS[record.kind]
    begin, end = kind.begins, kind.ends or ""
    ended = record.day(end)
    if not subject.instant.begun(record) or (ended is not None and ended <= subject.instant.today):
        return False, ""
    if begin not in record.values:
        return None, begin
    return (None, end) if record.doubt(end) else (True, "")
