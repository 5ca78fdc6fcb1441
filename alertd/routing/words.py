"""Dates and distances as people say them, in London time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from alertd.calendars.calendar import Calendar
from alertd.cases.records import LONDON, local_day


def day_words(value: date | datetime, today: date) -> str:
    """``Tue 24 Nov``, with the year where it is not this one and the time where there is one."""
    day = local_day(value)
    year = "" if day.year == today.year else f" {day.year}"
    time = f" {value.astimezone(LONDON):%H:%M}" if isinstance(value, datetime) else ""
    return f"{day:%a} {day.day} {day:%b}{year}{time}"


def distance_words(value: date | datetime, today: date, calendar: Calendar) -> str:
    """How far off: ``today``, ``tomorrow``, ``2 working days ago``, ``3 working days left``.

    In calendar days where no working day lies between, or the calendar does not reach that far.
    """
    day = local_day(value)
    days = (day - today).days
    if abs(days) <= 1:
        return {0: "today", 1: "tomorrow", -1: "yesterday"}[days]
    in_reach = calendar.first_year <= min(day, today).year and max(day, today).year <= calendar.last_year
    working = abs(calendar.working_days_between(today, day)) if in_reach else 0
    n, unit = (working, "working day") if working else (abs(days), "day")
    return f"{n} {unit}{'' if n == 1 else 's'} {'ago' if days < 0 else 'left'}"


def and_list(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
