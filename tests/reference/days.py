"""Days and moments, one step at a time: no sum is taken from ``alertd.calendars.clock``."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from alertd.calendars.calendar import calendar_for
from alertd.calendars.durations import Duration
from alertd.cases.records import LONDON
from alertd.errors import InputError
from alertd.rulebook.model import Rulebook

When = date | datetime
DAY = timedelta(days=1)


def day_of(value: When) -> date:
    """The day in London."""
    return value.astimezone(LONDON).date() if isinstance(value, datetime) else value


def instant(value: When) -> datetime:
    """The moment itself, or the first moment of the day, in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.combine(value, time(0), LONDON).astimezone(UTC)


def last_instant(value: When) -> datetime:
    """The moment by which something due then must be done: for a day, its end."""
    return instant(value) if isinstance(value, datetime) else instant(value + DAY)


def known(value: When, as_of: datetime) -> bool:
    """Whether it lies at or before the instant; a day counts from its beginning."""
    return value <= as_of if isinstance(value, datetime) else value <= day_of(as_of)


def same_day_of_month(day: date, months: int) -> date:
    """So many months on (or back); the last day of the month where there is no such day."""
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    for number in (day.day, 30, 29, 28):
        try:
            return date(year, month0 + 1, number)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


class NoTermsError(Exception):
    """School days are to be counted and no school terms are known."""


def counts(day: date, unit: str, book: Rulebook) -> bool:
    """Whether a day is a working day, or a school day. Raises InputError outside the terms known."""
    working = calendar_for(book.nation).is_working(day)
    if unit == "working day":
        return working
    if not book.terms:
        raise NoTermsError
    if not min(t.start for t in book.terms) <= day <= max(t.end for t in book.terms):
        raise InputError(f"the school terms do not reach {day}", fix="Give more of them")
    in_term = any(t.start <= day <= t.end and day not in t.closed for t in book.terms)
    return working and in_term and not any(day in t.closed for t in book.terms)


def add(start: When, span: Duration, book: Rulebook, sign: int = 1, same_day: bool = False) -> When:
    """``start`` and ``span`` on (``sign`` 1) or back (-1). Hours give a moment, everything else a day."""
    if span.unit == "hour":
        return instant(start) + sign * timedelta(hours=span.n)
    day = day_of(start)
    if span.n == 0:
        return day
    if span.unit in ("working day", "school day"):
        left = span.n
        if counts(day, span.unit, book) and same_day:
            left -= 1
        while left:
            day += sign * DAY
            left -= counts(day, span.unit, book)
        return day
    if span.unit == "month":
        from_, day = day, same_day_of_month(day, sign * span.n)
        if day.day != from_.day:
            return day  # a month without the same-numbered day is used up whole, even if the start is day 1
    else:
        for _ in range(span.n * {"calendar day": 1, "week": 7}[span.unit]):
            day += sign * DAY
    return day - DAY if same_day else day


def rolled(when: When, book: Rulebook) -> When:
    """The day, or the next working day where it is none; a moment stays."""
    if isinstance(when, datetime):
        return when
    while not counts(when, "working day", book):
        when += DAY
    return when


def birthday(born: date, years: int) -> date:
    """That birthday; somebody born on 29 February has it on 1 March in a common year."""
    try:
        return date(born.year + years, born.month, born.day)
    except ValueError:
        return date(born.year + years, 3, 1)


def age_on(born: date, day: date) -> int:
    """Whole years on a day."""
    age = -1
    while birthday(born, age + 1) <= day:
        age += 1
    return age


def in_time(on: When, due: When) -> bool:
    """Whether something done then was done by the due date."""
    return instant(on) <= instant(due) if isinstance(due, datetime) else day_of(on) <= due
