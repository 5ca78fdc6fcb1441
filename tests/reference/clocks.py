"""Clocks: where each begins, what stops it, when it runs out, and its stage."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from alertd.calendars.durations import Duration
from alertd.cases.kinds import KINDS
from alertd.errors import InputError
from alertd.rulebook.model import Birthday, FromEvent, Gestation, Setting
from alertd.rulebook.profiles import Checkpoint, Step
from tests.reference.anchor import (
    Anchor,
    Judged,
    Related,
    born_of,
    child_of,
    doubtful,
    latest_alone,
    of_age,
    related,
    spoken_for,
    unborn,
)
from tests.reference.conditions import Unsure, blank_or_doubt
from tests.reference.days import (
    DAY,
    NoTermsError,
    When,
    birthday,
    day_of,
    in_time,
    instant,
    known,
    last_instant,
    rolled,
)


class Span(NamedTuple):
    """One clock: where it begins, what stopped it, and the first day on which something could.

    ``proof`` is the first day for which the feed must be able to speak. ``by`` is the day (or moment) it has to be
    done by, for a clock that has no length.
    """

    occurrence: str
    start: When | None
    met: When | None
    first: date
    proof: date
    by: When | None = None

    @property
    def day(self) -> date:
        """The day that says whether the clock is wanted: that of its start, or of its end where it has no start."""
        day = self.by if self.start is None else self.start
        assert day is not None
        return day_of(day)


def candidates(a: Anchor) -> list[Related]:
    """Everything that stops this anchor's clocks, or would if it were not in doubt."""
    stop = a.rule.stop
    assert stop
    if stop.own:
        own = a.record.get(stop.own)
        if isinstance(own, date) and known(own, a.as_of) and (a.ended is None or day_of(own) <= a.ended):
            return [Related(a.record, own)]
        doubt = a.record.doubt(stop.own)
        return [Related(a.record, None, blank_or_doubt(a.record, stop.own))] if doubt else []
    assert stop.on
    found = related(a, stop.kinds, stop.where, stop.on)
    return [r for r in found if r.on is None or a.within_bounds(r.day)]


def stoppers_of(a: Anchor) -> list[Related]:
    """The sure ones in order, one a day."""
    kept: list[Related] = []
    for one in candidates(a):
        if not one.why and (not kept or kept[-1].day != one.day):
            kept.append(one)
    return kept


def doubtful_of(a: Anchor) -> list[Related]:
    """What perhaps stops this anchor's clocks."""
    return doubtful(candidates(a))


# --- the clocks of one anchor -------------------------------------------------------------------------------------


def occurrence_of(a: Anchor, event: Related) -> str:
    """The key of the event, with its kind where several kinds may stop the clock."""
    several = a.rule.stop and len(a.rule.stop.kinds) > 1
    return event.record.ref if several else event.record.key


def origin_of(a: Anchor) -> When | Unsure | None:
    """Where the first clock counts from; None where that has not happened."""
    source = a.rule.clock.from_
    if isinstance(source, Birthday):
        if unborn(a.case):
            return None
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


def target_of(a: Anchor) -> When | Unsure | None:
    """The day something has to be done by; None where it no longer has to."""
    by = a.rule.clock.by
    if isinstance(by, str):
        value = a.record.get(by)
        return value if isinstance(value, date) else blank_or_doubt(a.record, by)
    assert isinstance(by, Gestation)
    child, born = child_of(a.case), born_of(a.case)
    if isinstance(born, date) and born <= a.today:
        return None
    expected = child.day("expected") if child else None
    if expected is None:
        return blank_or_doubt(child, "expected") if child else Unsure("missing", "expected")
    return expected + (by.gestation - 40) * timedelta(weeks=1)


def by_clock(a: Anchor, stoppers: list[Related]) -> list[Span] | Judged:
    """The one clock that runs out by a day."""
    target, clock, stop = target_of(a), a.rule.clock, a.rule.stop
    if isinstance(target, Unsure):
        return a.unknown(target, met=stoppers[0].on if stoppers and target.cause == "window" else None)
    if target is None:
        return []
    due = a.add(target, clock.before, -1) if clock.before else target
    if clock.roll:
        due = rolled(due, a.book)
    start = a.record.get(KINDS[a.rule.for_].begins)
    assert start is None or isinstance(start, date)
    opens = (a.begin or day_of(due)) - a.early
    in_span = [s.on for s in stoppers if (stop and stop.own) or s.day >= opens]
    return [Span("start", start, in_span[0] if in_span else None, opens, min(opens, day_of(due)), due)]


def numbering(a: Anchor, stoppers: list[Related]) -> Unsure | None:
    """Why nobody can say which stopper is the first, or None where that is known."""
    begins = KINDS[a.rule.for_].begins
    if a.begin is None:
        return blank_or_doubt(a.record, begins)
    if not stoppers:  # none is the first: the rule about the first speaks for itself
        return None
    if not spoken_for(a, a.begin, stoppers[0].day):
        return Unsure("window", begins)
    soon = (stoppers[0].day - a.begin).days <= 56
    return None if soon else latest_alone(a)


def chain(a: Anchor, stoppers: list[Related]) -> list[Span] | Judged:
    """The clocks of one anchor, or the one finding that says why there is no telling."""
    source = a.rule.clock.from_
    dates: list[Any] = [s.on for s in stoppers]
    following = [*dates[1:], None]
    from_each = [
        Span(occurrence_of(a, s), s.on, after, s.day + DAY, s.day + DAY)
        for s, after in zip(stoppers, following, strict=False)
    ]
    if isinstance(source, FromEvent):
        unsure = numbering(a, stoppers)
        if unsure and not source.later:
            if unsure.cause == "feed":
                return []
            return a.unknown(unsure, met=dates[source.first] if len(dates) > source.first else None)
        if unsure:
            return from_each or a.unknown(unsure)
        return from_each[source.first - 1 :] if source.later else from_each[source.first - 1 : source.first]
    origin = origin_of(a)
    if isinstance(origin, Unsure):
        return a.unknown(origin, met=dates[0] if dates and origin.cause == "window" else None)
    if origin is None or not known(origin, a.as_of):
        return []
    first = day_of(origin) - a.early
    later = [d for d in dates if day_of(d) >= first]
    clock = Span("start", origin, later[0] if later else None, first, first)
    if a.rule.clock.within is not None:
        return [clock]
    return [clock, *(s for s in from_each if s.day >= first)]


def starts_when_it_should(a: Anchor, clock: Span) -> bool:
    starting = a.rule.clock.starting
    if not starting:
        return True
    if a.begin is None:
        return starting.within is None
    if starting.within and clock.day > day_of(a.add(a.begin, starting.within)):
        return False
    return not (starting.after and clock.day <= day_of(a.add(a.begin, starting.after)))


# --- one clock ----------------------------------------------------------------------------------------------------


def planned(a: Anchor, start: When) -> date | None:
    """The date booked after the start and not held: the next ahead, else the last that passed."""
    plan, stop = a.rule.clock.plan, a.rule.stop
    if not plan or not stop or not stop.on:
        return None
    days = []
    for record in a.case.records:
        held = record.get(stop.on) is not None or record.doubt(stop.on) is not None
        day = record.day(plan) if record.kind in stop.kinds and not held else None
        if day and day > day_of(start) and a.within_bounds(day):
            days.append(day)
    coming = [day for day in days if day >= a.today]
    if coming:
        return min(coming)
    return max(days) if days else None


def dates_of(a: Anchor, start: When | None, main: When, plan: date | None = None) -> dict[str, Any]:
    """The three dates, and which binds: the first to run out; the first named wins a tie."""
    name = "statutory" if a.rule.law.confidence.startswith("V") else "local"
    options = [(name, main)]
    own = a.book.local_limit(a.rule, day_of(start)) if start is not None else None
    if own and start is not None:
        options.append(("local", a.limited(start, own)))
    if plan:
        options.append(("plan", plan))
    found: dict[str, Any] = {}
    for name, when in sorted(options, key=lambda option: last_instant(option[1])):
        found.setdefault(name, when)
    order = ("statutory", "local", "plan")
    found["binding"] = min(found, key=lambda name: (last_instant(found[name]), order.index(name)))
    return {"start": start, "due": found[found["binding"]], **found}


def share(start: When, due: When, part: float) -> When:
    """Part of the way from start to due; a day clock counts whole days."""
    if isinstance(due, datetime):
        return instant(start) + (instant(due) - instant(start)) * part
    first = day_of(start)
    return first + math.floor((due - first).days * part) * DAY


def from_due(a: Anchor, due: When, span: Duration, sign: int) -> datetime:
    """Counted from the due date: hours from the end of a due day, everything else from the day."""
    return instant(a.add(last_instant(due) if span.unit == "hour" else due, span, sign))


def checkpoint(a: Anchor, one: Checkpoint, start: When | None, due: When) -> datetime | None:
    """The moment of one advance warning; None where it counts from a start that nobody knows."""
    if one.before:
        return from_due(a, due, one.before, -1)
    if start is None:
        return None
    if one.after:
        return instant(a.add(start, one.after))
    return instant(share(start, due, one.at_share) if one.at_share else start)


def step(a: Anchor, one: Step, start: When | None, due: When) -> datetime | None:
    """The moment of one rung of the ladder; None where it counts from a start that nobody knows."""
    if one.before or one.after:
        span = one.before or one.after
        assert span
        return from_due(a, due, span, -1 if one.before else 1)
    if not one.at_share:
        return instant(due)
    return None if start is None else instant(share(start, due, one.at_share))


def judge(a: Anchor, clock: Span, main: When) -> Judged:
    """The stage of one clock."""
    met = clock.met
    # What was booked binds only while nothing has been held.
    plan = planned(a, clock.start) if met is None and clock.start is not None else None
    dates = {"met": met, **dates_of(a, clock.start, main, plan)}
    due, told = dates["due"], a.told("", clock.occurrence, **dates)
    perhaps = [s for s in doubtful_of(a) if s.on is None or s.day >= clock.first]
    if met is not None:
        if in_time(met, due):
            return told._replace(stage="met")
        why = next((s.why for s in perhaps if s.on is None or in_time(s.on, due)), None)
        if not why and not spoken_for(a, clock.proof, day_of(due)):
            why = Unsure("window", "")
        why = why or latest_alone(a)
        return a.unknown(why, clock.occurrence, **dates) if why else told._replace(stage="met_late")
    if a.ended:
        return told._replace(stage="ended")
    if perhaps and perhaps[0].why:
        return a.unknown(perhaps[0].why, clock.occurrence, **dates)
    placed = place(a, told, dates)
    if placed.stage in ("upcoming", "due", "overdue") and not spoken_for(a, clock.proof, a.today):
        return a.unknown(Unsure("window", ""), clock.occurrence, **dates)
    return placed


def place(a: Anchor, told: Judged, dates: dict[str, Any]) -> Judged:
    """The stage of a clock that nothing stopped and nothing hides."""
    kind, start, due = KINDS[a.rule.for_], dates["start"], dates["due"]
    if kind.ends and kind.bounds and a.record.doubt(kind.ends):
        return a.unknown(blank_or_doubt(a.record, kind.ends), told.occurrence, **dates)
    passed = a.as_of > due if isinstance(due, datetime) else a.today > due
    profile = a.book.warnings[a.rule.warn].at if a.rule.warn else ()
    moments = [checkpoint(a, one, start, due) for one in profile]
    warned = sum(1 for m in moments if m and m <= a.as_of and in_time(m, due))
    stage = "overdue" if passed else "due" if a.today == day_of(due) else "upcoming" if warned else "running"
    if stage == "running":
        return told._replace(stage=stage)
    steps = [step(a, one, start, due) for one in a.book.ladders[a.rule.escalate].steps]
    return told._replace(stage=stage, warned=warned, level=sum(1 for m in steps if m and m <= a.as_of))


# --- the clocks of one rule ---------------------------------------------------------------------------------------


def judge_clocks(a: Anchor) -> list[Judged]:
    """Every finding of one rule with a clock about one record."""
    make = chain if a.rule.clock.by is None else by_clock
    clocks = make(a, stoppers_of(a))
    if isinstance(clocks, Judged):
        return [clocks]
    clocks = [c for c in clocks if starts_when_it_should(a, c)]
    wanted = [(c, of_age(a, c.day)) for c in clocks]
    unsure = next((answer for _, answer in wanted if isinstance(answer, Unsure)), None)
    if unsure:
        return [a.unknown(unsure)]
    found = [judge_within_reach(a, clock) for clock, answer in wanted if answer]
    unset = next((one for one in found if isinstance(one, Unsure)), None)
    return [a.unknown(unset)] if unset else [one for one in found if isinstance(one, Judged)]


def judge_within_reach(a: Anchor, clock: Span) -> Judged | Unsure | None:
    """The finding of one clock, where it has one; what is not set, where its limit is not."""
    try:
        main = clock.by if clock.by is not None else main_date(a, clock.start)
        if isinstance(main, Unsure):
            return main
        found = None if main is None else judge(a, clock, main)
    except OUT_OF_REACH as error:
        return a.unknown(why_out_of_reach(a, error), clock.occurrence, start=clock.start, met=clock.met)
    before = a.rule.clock.before
    return found and found._replace(limit=f"{before} before" if before and found.stage != "unknown" else "")


OUT_OF_REACH = (InputError, NoTermsError)


def why_out_of_reach(a: Anchor, error: Exception) -> Unsure:
    """Why a sum could not be done: no school terms are known, or a date is beyond all calendars."""
    no_terms = isinstance(error, NoTermsError)
    return Unsure("setting", "school terms") if no_terms else Unsure("unreadable", KINDS[a.rule.for_].begins)


def main_date(a: Anchor, start: When | None) -> When | Unsure | None:
    """Where the limit runs out; None before the first of the dated limits."""
    assert start is not None
    limit = a.book.limit(a.rule, day_of(start))
    if limit is None:
        length = a.rule.clock.length
        return Unsure("setting", length.setting) if isinstance(length, Setting) else None
    due = a.limited(start, limit)
    return rolled(due, a.book) if a.rule.clock.roll else due
