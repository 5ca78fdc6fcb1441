"""Working days and ladder moments counted once more, for the checks: by the ``holidays`` library, step by step."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import holidays

_LONDON: Final = ZoneInfo("Europe/London")


@cache
def _holidays() -> Any:
    return holidays.country_holidays("GB", subdiv="ENG", years=range(2010, 2060))


@lru_cache(maxsize=100_000)
def works(day: date) -> bool:
    """Whether offices are open: Monday to Friday without the bank holidays of England."""
    return day.weekday() < 5 and day not in _holidays()


def working_days(day: date, n: int) -> date:
    """The n-th working day after a day, or before it when n is negative: step by step."""
    step = timedelta(1 if n > 0 else -1)
    left = abs(n)
    while left:
        day += step
        left -= works(day)
    return day


def day_of(at: date | datetime) -> date:
    """The day in London."""
    return at.astimezone(_LONDON).date() if isinstance(at, datetime) else at


def begins(day: date | datetime) -> datetime:
    """The first moment of a day in London; a moment as it is."""
    return at_time(day, time(0)) if not isinstance(day, datetime) else day.astimezone(UTC)


def at_time(day: date, at: time) -> datetime:
    """A time of a day in London, in UTC."""
    return datetime.combine(day, at, _LONDON).astimezone(UTC)


def moment_of(step: Mapping[str, Any], start: date | datetime | None, due: date | datetime) -> datetime | None:
    """When a step of a ladder comes, as the file writes it: ``after: 3 working days``. None where it never does."""
    if "at_share" in step:
        return None if start is None else _share(step["at_share"], start, due)
    text = step.get("before") or step.get("after")
    if text is None:
        return begins(due)
    number, unit = str(text).split(" ", 1)
    n, unit = int(number) * (-1 if "before" in step else 1), unit.removesuffix("s")
    if unit == "hour":
        base = due if isinstance(due, datetime) else begins(due + timedelta(1))
        return base.astimezone(UTC) + timedelta(hours=n)
    day = day_of(due)
    if unit == "working day":
        return begins(working_days(day, n))
    if unit in ("month", "year"):
        return begins(_months(day, n * (12 if unit == "year" else 1)))
    return begins(day + timedelta(n * {"calendar day": 1, "week": 7}[unit]))


def _months(day: date, n: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _share(share: float, start: date | datetime, due: date | datetime) -> datetime:
    if isinstance(due, datetime):
        begin = begins(start)
        return begin + (due - begin) * share
    first = day_of(start)
    return begins(first + timedelta(days=int((due - first).days * share)))
