"""The figures of a rule as charts, with the words that say what each shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from alertd.insight.charts import Bar, Column, Point, bars, line, spread
from alertd.insight.comparison import WHO, Figure, Line, Rate, Who
from alertd.insight.small_numbers import Shown
from alertd.insight.timeliness import AROUND, days_around

NAMES: Final[dict[Who, str]] = {
    "me": "You",
    "team": "Your team",
    "similar": "Similar teams",
    "service": "The service",
}
"""What each is called; a page says more where it knows more, as *Your team, without you*."""

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def month_words(month: str) -> str:
    """``Nov 26`` for ``2026-11``."""
    year, number = month.split("-")
    return f"{_MONTHS[int(number) - 1]} {year[2:]}"


def shares(title: str, found: Line, key: str, names: Mapping[Who, str] = NAMES) -> str:
    """The shares in time below each other, with the country's."""
    rows = [
        Bar(names[who], _value(rate := figure.share), rate_words(rate, figure.n))
        for who in WHO
        if (figure := found.figures[who])
    ]
    mark = None
    if found.national is not None:
        mark = found.national.like_for_like or found.national.share
        rows.append(Bar(f"{found.national.nation}, {found.national.period}", mark, f"{mark:.1%}"))
    words = "; ".join(f"{row.label}: {row.text}" for row in rows)
    return bars(f"{title}: share done in time", f"{words}.", rows, key=key, mark=mark)


def months(title: str, figure: Figure, key: str, mark: float | None = None) -> str:
    """The share in time month by month; blank where it is withheld. ``mark`` is the country's."""
    if figure.months is None:
        return ""
    points = [Point(month_words(one.month), _value(one.share), hidden=not one.in_time.exact) for one in figure.months]
    words = "; ".join(f"{month_words(one.month)}: {rate_words(one.share, one.in_time)}" for one in figure.months)
    dashed = f" The dashed line is the country's {mark:.1%}." if mark is not None else ""
    return line(f"{title}: share done in time, by month", f"{words}.{dashed}", points, key=key, mark=mark)


def days(title: str, figure: Figure, key: str) -> str:
    """How many were done on which day around the limit; blank where it is withheld."""
    if figure.days is None:
        return ""
    counts = {(one.days, one.late): one.n for one in figure.days}
    columns = [
        Column(day, _count(counts.get((day, False))), _count(counts.get((day, True))))
        for day in range(-AROUND - 1, AROUND + 2)
    ]
    words = "; ".join(
        f"{days_around(one.days)}{' but late' if one.late and one.days == 0 else ''}: {one.n.text}"
        for one in figure.days
        if one.n.value != 0
    )
    ends = (f"over {AROUND} days before", "the limit", f"over {AROUND} days after", "In time", "Late")
    return spread(f"{title}: days around the limit", f"{words or 'nothing'}.", columns, key=key, ends=ends)


def rate_words(rate: Rate | None, of: Shown) -> str:
    """A share in words, with a warning where it stands on a small base. Where what it is ``of`` is shown as it is,
    only a share of nothing is none."""
    if rate is None:
        return "-" if of.exact else "not shown"
    return f"{rate.text} (small base)" if rate.small else rate.text


def _value(rate: Rate | None) -> float | None:
    return rate.value if rate else None


def _count(n: Shown | None) -> int | None:
    return n.value if n else 0
