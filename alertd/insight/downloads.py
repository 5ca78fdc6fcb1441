"""The tables of *Insight* as CSV, as a spreadsheet opens them without harm. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO

from alertd.insight.comparison import WHO, Figure, Line, Rate, Who
from alertd.insight.pictures import NAMES
from alertd.insight.timeliness import days_around


def plain(cell: object) -> object:
    """A text a spreadsheet would run as a formula is made text, with a leading apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell


def as_csv(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV; lines end as RFC 4180 says, and it begins with the mark by which Excel knows UTF-8."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([plain(cell) for cell in row] for row in rows)
    return f"\ufeff{text.getvalue()}"


def rules_csv(found: Iterable[tuple[str, Line]], names: Mapping[Who, str] = NAMES) -> str:
    """One line for each rule and whose figures they are, and one for the country's."""
    head = (
        *("rule", "title", "whose", "done", "in time", "late", "share in time", "from", "to", "small base"),
        *("median days late", "recorded late", "overdue now", "told", "disputed", "shown to be wrong", "source"),
    )
    return as_csv(head, (row for title, line in found for row in _rows(title, line, names)))


def _rows(title: str, line: Line, names: Mapping[Who, str]) -> Iterator[tuple[object, ...]]:
    for who in WHO:
        figure = line.figures[who]
        if figure is not None:
            yield (line.rule, title, names[who], *_figure(figure), "")
        elif who in line.withheld:
            yield (line.rule, title, names[who], *("",) * 13, f"withheld: {line.withheld[who]}")
    if (one := line.national) is not None:
        source = f"{one.publication}, {one.period}: {one.counted}. {one.note} {one.url}"
        yield (line.rule, title, one.nation, "", "", "", one.share, *("",) * 9, source)


def _figure(figure: Figure) -> tuple[object, ...]:
    median = "" if figure.median_days_late is None else f"{figure.median_days_late:g}"
    counts = (figure.recorded_late, figure.overdue, figure.told, figure.disputed, figure.upheld)
    rate = _rate(figure.share)
    return (figure.n.text, figure.in_time.text, figure.late.text, *rate, median, *(n.text for n in counts))


def months_csv(found: Iterable[tuple[str, Line]], names: Mapping[Who, str] = NAMES) -> str:
    """One line for each rule, whose figures they are, and month; what is withheld is left out."""
    rows = (
        (*whose, one.month, one.in_time.text, one.late.text, *_rate(one.share))
        for whose, figure in _each(found, names)
        for one in figure.months or ()
    )
    head = ("rule", "title", "whose", "month", "in time", "late", "share in time", "from", "to", "small base")
    return as_csv(head, rows)


def days_csv(found: Iterable[tuple[str, Line]], names: Mapping[Who, str] = NAMES) -> str:
    """One line for each rule, whose figures they are, and day around the limit; what is withheld is left out."""
    rows = (
        (*whose, one.days, days_around(one.days), "late" if one.late else "in time", one.n.text)
        for whose, figure in _each(found, names)
        for one in figure.days or ()
    )
    return as_csv(("rule", "title", "whose", "days after the limit", "in words", "outcome", "done"), rows)


def _each(found: Iterable[tuple[str, Line]], names: Mapping[Who, str]) -> Iterator[tuple[tuple[str, str, str], Figure]]:
    for title, line in found:
        for who in WHO:
            if (figure := line.figures[who]) is not None:
                yield (line.rule, title, names[who]), figure


def _rate(rate: Rate | None) -> tuple[object, ...]:
    if rate is None:
        return ("", "", "", "")
    value = "" if rate.value is None else round(rate.value, 3)
    return (value, round(rate.low, 3), round(rate.high, 3), "yes" if rate.small else "no")
