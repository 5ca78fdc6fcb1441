"""Clock arithmetic: when a length of time that the law or a policy sets runs out.

Pure functions. Days are London calendar days (``date``); moments are timezone-aware and come
back in UTC. A length in hours gives a moment; every other length gives a day, and the clock runs
to the end of that day. All lengths are counted from the anchor at once, never by repeated steps.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, TypeVar

from alertd.calendars.calendar import Calendar
from alertd.calendars.durations import Duration, Unit
from alertd.cases.records import LONDON, local_day
from alertd.errors import InputError

CountFrom = Literal["next_day", "same_day"]

_DAY = timedelta(days=1)
_WHY_SKIPPED: Final[Mapping[Unit, Callable[[Calendar, date], str | None]]] = {
    "working day": Calendar.why_not_working,
    "school day": Calendar.why_no_school,
    "calendar day": lambda _calendar, _day: None,
}
"""The units that are counted day by day, and why a day is left out."""


@dataclass(frozen=True, slots=True)
class CountedDay:
    """One day of a count. ``number`` is its place (0: the start, not counted), or None when the
    day was skipped, and then ``skipped_because`` says why."""

    day: date
    number: int | None
    skipped_because: str | None = None


def due(
    start: date | datetime, within: Duration, calendar: Calendar, count_from: CountFrom = "next_day"
) -> date | datetime:
    """The last day, or for hours the last moment, of ``within`` counted from ``start``.

    ``next_day``: the start is day 0. Months end on the same-numbered day, or on the last day of a
    month that has none (Dodds v Walker, House of Lords 1981). ``same_day``: the start is day 1, so
    the count ends a day earlier; working and school days then begin with the first one on or after the start,
    and months ("beginning with") end the day before the same-numbered day. Hours are elapsed time;
    a start without a time of day counts from 00:00. A length of 0 ends where it starts.
    Raises InputError when the answer is out of the calendar's reach.
    """
    if count_from == "next_day" or within.unit == "hour" or within.n == 0:
        return shift(start, within, calendar)
    day = _day(start)
    if within.unit == "working day":
        return calendar.add_working_days(_plus(day, -1, days=1), within.n)
    if within.unit == "school day":  # the day before the start may lie before the first term known
        return calendar.add_school_days(day, within.n - calendar.is_school_day(day))
    end = _day(shift(day, within, calendar))
    # A month without the same-numbered day is wholly part of the period: its last day stands.
    return end if within.unit == "month" and end.day != day.day else end - _DAY


def shift(value: date | datetime, span: Duration, calendar: Calendar, *, backwards: bool = False) -> date | datetime:
    """``value`` moved by ``span``: a warning before a due date, a step after it.

    Hours give a moment (from 00:00 London when ``value`` is a day); other units give a day, from
    the London day of a moment. The day of ``value`` is day 0, either way. Months clamp to the last
    day of the month. Raises InputError out of the calendar's reach, and for school days.
    """
    n = -span.n if backwards else span.n
    if span.unit == "hour":
        return _plus(begin_of(value), n, hours=1)
    day = _day(value)
    if span.unit == "working day":
        return calendar.add_working_days(day, n)
    if span.unit == "month":
        return _months(day, n)
    if span.unit == "school day":
        return calendar.add_school_days(day, n)
    return _plus(day, n, days=7 if span.unit == "week" else 1)


def count(
    start: date | datetime, within: Duration, calendar: Calendar, count_from: CountFrom = "next_day"
) -> list[CountedDay]:
    """How :func:`due` counts, day by day, for an explanation: working, school and calendar days in full,
    other units as their start and end. Raises InputError as :func:`due` does."""
    first, last = local_day(start), local_day(due(start, within, calendar, count_from))
    number = 1 if count_from == "same_day" and within.n and within.unit != "hour" else 0
    why_skipped = _WHY_SKIPPED.get(within.unit)
    if why_skipped is None:
        return [CountedDay(first, number), CountedDay(last, within.n)]
    counted = [] if number else [CountedDay(first, 0)]
    day, number = first + _DAY * len(counted), 0
    while day <= last:
        why = why_skipped(calendar, day)
        number += why is None
        counted.append(CountedDay(day, None if why else number, why))
        day += _DAY
    return counted


def begin_of(value: date | datetime) -> datetime:
    """The moment, in UTC, at which a day begins in London; a moment is itself."""
    return _aware(value).astimezone(UTC) if isinstance(value, datetime) else _midnight(value)


@lru_cache(maxsize=20_000)
def _midnight(day: date) -> datetime:
    """Asked for a hundred times a child, and nearly always of a day of the last years."""
    return datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)


def end_of(value: date | datetime) -> datetime:
    """The moment, in UTC, at which a day is over: 00:00 London of the next; a moment is itself."""
    return begin_of(value if isinstance(value, datetime) else _plus(value, 1, days=1))


def birthday(born: date, years: int) -> date:
    """The day a person born on ``born`` turns ``years``: 1 March in a common year for 29 February."""
    year = born.year + years
    if not date.min.year <= year <= date.max.year:
        raise InputError(f"a birthday in the year {year} is no date", fix="Check the date of birth")
    if (born.month, born.day) == (2, 29) and monthrange(year, 2)[1] == 28:
        return date(year, 3, 1)
    return born.replace(year=year)


def age_on(born: date, day: date) -> int:
    """Whole years of age on ``day``; negative before birth."""
    years = day.year - born.year
    return years if birthday(born, years) <= day else years - 1


def plan_by(due: date | datetime, calendar: Calendar) -> date:
    """The day to plan for: the London day of ``due``, or the working day before it when that is no
    working day. The due date itself does not move."""
    day = _day(due)
    return day if calendar.is_working(day) else calendar.add_working_days(day, -1)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:  # astimezone would guess the machine's own zone
        raise ValueError("a moment needs its offset from UTC")
    return moment


def _day(value: date | datetime) -> date:
    return local_day(_aware(value)) if isinstance(value, datetime) else value


_D = TypeVar("_D", date, datetime)


def _plus(value: _D, n: int, *, days: int = 0, hours: int = 0) -> _D:
    """``value`` and ``n`` times so many days or hours."""
    try:
        return value + n * timedelta(days=days, hours=hours)
    except OverflowError:
        raise _no_date(value) from None


def _months(day: date, n: int) -> date:
    months = day.year * 12 + day.month - 1 + n
    year, month = months // 12, months % 12 + 1
    if not date.min.year <= year <= date.max.year:
        raise _no_date(day)
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _no_date(value: date) -> InputError:
    return InputError(f"a length from a day in {value.year} ends outside the years 1 to 9999", fix="Check both")
