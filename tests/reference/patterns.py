"""Patterns that should not be: so many records, several in a row, nothing open."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from alertd.calendars.durations import Duration
from alertd.cases.kinds import KINDS
from alertd.cases.records import Record
from alertd.rulebook.model import Count, InARow, NoOpen
from tests.reference.anchor import Anchor, Judged, Related, doubtful, of_age, others_of, related, spoken_for, why_unsure
from tests.reference.clocks import dates_of, main_date, place
from tests.reference.conditions import Unsure, all_hold, blank_or_doubt
from tests.reference.days import DAY, day_of, known


class Holds(NamedTuple):
    """The pattern holds: since which day, and where its records stand."""

    since: date
    evidence: tuple[str, ...] = ()


Answer = Holds | Unsure | None


def judge_pattern(a: Anchor) -> list[Judged]:
    """The finding of one gap rule about one record, if there is one."""
    pattern = a.rule.pattern
    if isinstance(pattern, Count):
        answer = count(a, pattern)
    elif isinstance(pattern, InARow):
        answer = in_a_row(a, pattern)
    else:
        assert isinstance(pattern, NoOpen)
        answer = no_open(a, pattern)
    if answer is None:
        return []
    return [a.unknown(answer)] if isinstance(answer, Unsure) else placed(a, answer)


def placed(a: Anchor, held: Holds) -> list[Judged]:
    """The stage of a pattern that holds since a day."""
    wanted = of_age(a, held.since)
    if wanted is False:
        return []
    main = wanted if isinstance(wanted, Unsure) else main_date(a, held.since)
    if isinstance(main, Unsure):
        return [a.unknown(main)]
    if main is None:
        return []
    dates = dates_of(a, held.since, main)
    limit = a.book.limit(a.rule, held.since)
    told = place(a, a.told("", **dates), dates)
    return [told._replace(evidence=held.evidence, limit=str(limit) if limit and limit.n and not told.cause else "")]


# --- so many ------------------------------------------------------------------------------------------------------


def count(a: Anchor, p: Count) -> Answer:
    """So many records, or more, in a span of days."""
    if (p.before or p.after) and a.begin is None:
        return blank_or_doubt(a.record, KINDS[a.rule.for_].begins)
    assert p.on
    found = [r for r in related(a, p.kinds, p.where, p.on) if r.on is None or reaches(a, p, r.day)]
    certain, perhaps = [r for r in found if not r.why], doubtful(found)
    if len(certain) >= p.at_least:
        return Holds(since(a, p, certain), tuple(r.record.where for r in certain))
    if len(certain) + len(perhaps) >= p.at_least:
        return perhaps[0].why
    span = span_of(a, p)
    if span and not spoken_for(a, *span):
        return Unsure("window", "")
    first = span[0] if span else date.min
    held = [r for r in others_of(a, p.kinds) if (r.day(p.on) or first) >= first]
    if p.last:
        held = [r for r in held if came_within(a, r, p.on)]
    several = p.at_least > 1 or a.rule.for_ in p.kinds
    return not_all(a, p.kinds, held) if several else None


def came_within(a: Anchor, record: Record, on: str) -> bool:
    value = record.get(on)
    return isinstance(value, date) and known(value, a.as_of) and a.within_bounds(day_of(value))


def not_all(a: Anchor, kinds: tuple[str, ...], held: list[Record]) -> Unsure | None:
    """That of one of the kinds there may be more than the record held, which is the latest."""
    latest = sorted(kind for kind in kinds if kind in a.case.latest)
    return Unsure("feed", latest[0]) if any(r.kind in latest for r in [a.record, *held]) else None


def reaches(a: Anchor, p: Count, day: date) -> bool:
    """Whether a record of that day counts now."""
    if p.last:
        return a.within_bounds(day) and counted(a, p.last, day, a.today)
    span = span_of(a, p)
    return span is None or span[0] <= day <= span[1]


def counted(a: Anchor, last: Duration, day: date, on: date) -> bool:
    """Whether a record of a day was, on another day, one of the last so many days'."""
    return day_of(a.add(on, last, -1)) < day <= on


def span_of(a: Anchor, p: Count) -> tuple[date, date] | None:
    """The days looked at, first and last; None where all are."""
    if p.last:
        first = day_of(a.add(a.today, p.last, -1)) + DAY
        return (first if a.begin is None else max(first, a.begin), a.today)
    if a.begin is None:
        return None
    if p.before:
        return (day_of(a.add(a.begin, p.before, -1)), a.begin - DAY)
    return (a.begin, min(day_of(a.add(a.begin, p.after)), a.today)) if p.after else None


def since(a: Anchor, p: Count, certain: list[Related]) -> date:
    """The day since which there have been so many."""
    if p.before:
        assert a.begin
        return a.begin
    if not p.last:
        return certain[p.at_least - 1].day
    day = a.today
    while enough(a, p, day - DAY):
        day -= DAY
    return day


def enough(a: Anchor, p: Count, day: date) -> bool:
    """Whether the records known today made so many on an earlier day."""
    assert p.last and p.on
    days = [r.day for r in related(a, p.kinds, p.where, p.on) if not r.why and a.within_bounds(r.day)]
    return len([d for d in days if counted(a, p.last, d, day)]) >= p.at_least


# --- several in a row ---------------------------------------------------------------------------------------------


def in_a_row(a: Anchor, p: InARow) -> Answer:
    """The latest records, so many in a row, all meet the conditions."""
    assert p.on
    records = [r for r in related(a, p.kinds, (), p.on) if not r.why and a.within_bounds(r.day)]
    verdicts = [(r.record, all_hold(r.record, p.where, a.record)) for r in reversed(records)]
    run: list[Related] = []
    for one, (_, verdict) in zip(reversed(records), verdicts, strict=True):
        if verdict is not True:
            break
        run.insert(0, one)
    if len(run) < p.times:
        if (why := perhaps_a_run(p, verdicts)) or any(verdict is False for _, verdict in verdicts):
            return why
        return not_all(a, p.kinds, [record for record, _ in verdicts])
    doubts = [blank_or_doubt(r, p.on) for r in sorted(others_of(a, p.kinds), key=by_key) if r.doubt(p.on)]
    if doubts:
        return doubts[0]
    if not spoken_for(a, run[-1].day, a.today):
        return Unsure("window", "")
    return Holds(run[p.times - 1].day, tuple(r.record.where for r in run))


def by_key(record: Record) -> tuple[str, str]:
    return (record.key, record.kind)


def perhaps_a_run(p: InARow, verdicts: list[tuple[Record, bool | Unsure]]) -> Unsure | None:
    """Why nobody can say whether there are so many in a row; None where there are certainly not."""
    tail = verdicts[: p.times]
    if len(tail) < p.times or any(verdict is False for _, verdict in tail):
        return None
    return next(why for record, verdict in tail if (why := why_unsure(record, p.where, verdict)))


# --- nothing open -------------------------------------------------------------------------------------------------


def no_open(a: Anchor, p: NoOpen) -> Answer:
    """No such state is open."""
    begins = KINDS[a.rule.for_].begins
    perhaps: list[tuple[date, str, str, Unsure]] = []
    closed = [a.begin] if a.begin else []
    for record in others_of(a, p.kinds):
        kind = KINDS[record.kind]
        assert kind.ends
        begin, end = record.get(kind.begins), record.day(kind.ends)
        meets = all_hold(record, p.where, a.record)
        if meets is False or (isinstance(begin, date) and not known(begin, a.as_of)):
            continue
        if end and end <= a.today:
            closed += [end] if meets is True else []
            continue
        doubt = why_unsure(record, p.where, meets)
        if not doubt and begin is None:
            doubt = blank_or_doubt(record, kind.begins)
        if not doubt and record.doubt(kind.ends):
            doubt = blank_or_doubt(record, kind.ends)
        if not doubt:
            return None
        perhaps.append((record.day(kind.begins) or date.min, *by_key(record), doubt))
    if perhaps:
        return min(perhaps)[3]
    if not closed:
        return blank_or_doubt(a.record, begins)
    since = max(closed)
    return Holds(since) if spoken_for(a, since, a.today) else Unsure("window", "")
