"""How much later one length ends than another: they may be in units that only a calendar can compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import CountFrom, due, end_of
from alertd.calendars.durations import Duration
from alertd.cases.records import LONDON
from alertd.errors import InputError

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """What limits a clock that starts on a day (None: nothing), and whether that day counts."""

    on: Callable[[date], Duration | None]
    count_from: CountFrom = "next_day"


@dataclass(frozen=True, slots=True)
class Later:
    """For a clock that starts on ``start``, ``new`` ends ``by`` later than ``old``; earlier where it is negative."""

    start: date
    by: timedelta
    old: Duration
    new: Duration


def differences(old: Limit, new: Limit, first: date, days: int, calendar: Calendar) -> Iterator[Later]:
    """How much later the new limit ends, for clocks that start on each of so many days from ``first``.

    Days on which one of the two limits nothing, or that the calendar cannot count, are left out. Raises
    :class:`InputError` when it can count none of them, as with school days and no terms.
    """
    beyond: InputError | None = None
    counted = False
    for n in range(days):
        start = first + n * _DAY
        was, now = old.on(start), new.on(start)
        if was is None or now is None:
            continue
        try:
            by = later_by(start, was, old.count_from, now, new.count_from, calendar)
        except InputError as error:
            beyond = error
            continue
        counted = True
        yield Later(start, by, was, now)
    if beyond and not counted:
        raise beyond


@lru_cache(maxsize=20_000)
def later_by(
    start: date, was: Duration, was_from: CountFrom, now: Duration, now_from: CountFrom, calendar: Calendar
) -> timedelta:
    """How much later ``now`` ends than ``was`` for a clock that starts on a day. Raises InputError out of reach."""
    if (was, was_from) == (now, now_from):
        return timedelta()
    if (was.unit == "hour") == (now.unit == "hour"):
        try:
            return _end(start, now, now_from, calendar) - _end(start, was, was_from, calendar)
        except InputError:
            if (was.unit, was_from) != (now.unit, now_from):
                raise
            return timedelta(days=now.n - was.n)  # days of a school whose terms are not known
    # Hours run on from the minute, days to their end: the later in the day it starts, the less hours allow for.
    late = datetime.combine(start, time(23, 59), LONDON)
    return end_of(due(late, now, calendar, now_from)) - end_of(due(late, was, calendar, was_from))


def _end(start: date, length: Duration, count_from: CountFrom, calendar: Calendar) -> date:
    return due(start, length, calendar, count_from)


def in_words(by: timedelta) -> str:
    """A difference as ``3 days`` or ``7 hours``, without its direction."""
    hours = round(abs(by) / timedelta(hours=1))
    n, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{n} {unit}" + ("" if n == 1 else "s")
