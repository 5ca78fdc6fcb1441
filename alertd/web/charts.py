"""The charts of pages: the picture that can be kept too, and the table that says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from alertd.insight import pictures
from alertd.insight.comparison import WHO, Figure, Line, Who
from alertd.insight.pictures import NAMES, month_words, rate_words
from alertd.insight.timeliness import days_around

Heads = list[str | tuple[str, str]]
"""Heads of a table's columns, as the templates take them."""

_NUMBERS: Final[Heads] = [("In time", "numeric"), ("Late", "numeric"), ("Share in time", "numeric")]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: its picture, the same as a table, and where each row of that leads (blank: nowhere)."""

    id: str
    title: str
    svg: str
    heads: Heads
    rows: Sequence[Sequence[str]]
    hrefs: Sequence[str] = ()

    def linked(self, hrefs: Sequence[str]) -> Chart:
        """The same with rows that lead somewhere."""
        return replace(self, hrefs=tuple(hrefs))


def shares_chart(title: str, line: Line, names: Mapping[Who, str] = NAMES) -> Chart:
    """The shares in time below each other."""
    rows = [(names[who], rate_words(figure.share, figure.n)) for who in WHO if (figure := line.figures[who])]
    if (one := line.national) is not None:
        rows.append((f"{one.nation}, {one.period}", f"{one.like_for_like or one.share:.1%}"))
    svg = pictures.shares(title, line, "shares", names)
    return Chart("shares", "Share done in time", svg, ["Whose", ("Share in time", "numeric")], rows)


def months_chart(title: str, figure: Figure, whose: str, mark: float | None = None) -> Chart:
    """The share in time by month, of a figure that has its months."""
    key = f"months-{figure.who}"
    rows = [
        (month_words(one.month), one.in_time.text, one.late.text, rate_words(one.share, one.in_time))
        for one in figure.months or ()
    ]
    return Chart(key, whose, pictures.months(title, figure, key, mark), ["Month", *_NUMBERS], rows)


def days_chart(title: str, figure: Figure, whose: str) -> Chart:
    """How many were done on which day around the limit, of a figure that has its days."""
    key = f"days-{figure.who}"
    rows = [(days_around(one.days), "late" if one.late else "in time", one.n.text) for one in figure.days or ()]
    heads: Heads = ["Day", "Outcome", ("Done", "numeric")]
    return Chart(key, whose, pictures.days(title, figure, key), heads, rows)
