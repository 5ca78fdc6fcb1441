"""Charts as numbers for an SVG: places and lengths in per cent, so that a chart fits a telephone with letters as large.

Nothing but attributes is needed to draw them, as pages may carry no style of their own. A value that may not be shown
is None: its place stays empty and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, log10
from typing import Final

NOT_SHOWN: Final = "[c]"
"""What official statistics write for a figure that could point to somebody."""

Value = float | None
Heads = list[str | tuple[str, str]]
"""Heads of a table's columns, as the templates take them."""

_ROW: Final = 52
"""Height of a bar with its label above it."""
_LONGEST: Final = 80
"""Of the width, in per cent: the value is written to the right of its bar."""
_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 2, 98, 12, 190, 222


def _shown(value: Value, unit: str) -> str:
    return NOT_SHOWN if value is None else f"{value:,.10g}{unit}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it lies, and what is written at its end."""

    label: str
    shown: str
    width: str
    y: int


@dataclass(frozen=True, slots=True)
class Bars:
    """A value for each of several things. ``says`` is what the chart shows, in a sentence."""

    id: str
    title: str
    says: str
    of: str
    """What the rows are: the head of the first column of the table."""
    rows: Sequence[tuple[str, Value]]
    unit: str = ""

    @property
    def height(self) -> int:
        return _ROW * len(self.rows)

    @property
    def bars(self) -> list[Bar]:
        """From the top down, the greatest value as long as may be."""
        most = max((value for _, value in self.rows if value), default=1.0)
        return [
            Bar(label, _shown(value, self.unit), f"{_LONGEST * (value or 0) / most:.2f}%", _ROW * number)
            for number, (label, value) in enumerate(self.rows)
        ]

    @property
    def heads(self) -> Heads:
        return [self.of, (self.title, "numeric")]

    @property
    def table(self) -> list[list[str]]:
        """The same as text."""
        return [[label, _shown(value, self.unit)] for label, value in self.rows]


@dataclass(frozen=True, slots=True)
class Point:
    """A value's place: ``x`` in per cent, ``y`` in pixels."""

    x: str
    y: int
    told: str


@dataclass(frozen=True, slots=True)
class Lines:
    """How one to three values went over time."""

    id: str
    title: str
    says: str
    of: str
    times: Sequence[str]
    series: Sequence[tuple[str, Sequence[Value]]]
    unit: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.series) <= 3:
            raise ValueError(f"a chart has one to three lines, and {self.id} has {len(self.series)}")
        if any(len(values) != len(self.times) for _, values in self.series):
            raise ValueError(f"a line of {self.id} has more or fewer values than there are times")

    @property
    def height(self) -> int:
        return _HEIGHT

    @property
    def ticks(self) -> list[tuple[str, int]]:
        """Lines across: what is written at them, and where they lie."""
        top = self._top
        return [(_shown(top * part, self.unit), self._y(top * part)) for part in (0, 0.5, 1)]

    @property
    def labels(self) -> list[tuple[str, str, str]]:
        """Below the chart: text, place and anchor of the first, the middle and the last time; more would not fit."""
        last = len(self.times) - 1
        places = {0: "start", last: "end"} if last else {0: "middle"}
        if last >= 2 and last % 2 == 0:
            places[last // 2] = "middle"
        return [(self.times[at], self._x(at), anchor) for at, anchor in sorted(places.items())]

    @property
    def lines(self) -> list[tuple[str, list[tuple[Point, Point]], list[Point]]]:
        """For each series its name, the pieces between values that follow each other, and the values themselves."""
        return [(name, list(self._pieces(values)), list(self._points(values))) for name, values in self.series]

    @property
    def heads(self) -> Heads:
        return [self.of, *((name, "numeric") for name, _ in self.series)]

    @property
    def table(self) -> list[list[str]]:
        """The same as text."""
        return [
            [time, *(_shown(values[at], self.unit) for _, values in self.series)] for at, time in enumerate(self.times)
        ]

    def _points(self, values: Sequence[Value]) -> Iterator[Point]:
        for at, value in enumerate(values):
            if value is not None:
                yield Point(self._x(at), self._y(value), f"{self.times[at]}: {_shown(value, self.unit)}")

    def _pieces(self, values: Sequence[Value]) -> Iterator[tuple[Point, Point]]:
        for at in range(1, len(values)):
            yield from zip(self._points_at(values, at - 1), self._points_at(values, at), strict=False)

    def _points_at(self, values: Sequence[Value], at: int) -> Iterator[Point]:
        if (value := values[at]) is not None:
            yield Point(self._x(at), self._y(value), "")

    @property
    def _top(self) -> float:
        most = max((value for _, values in self.series for value in values if value), default=1.0)
        return round_above(most)

    def _x(self, at: int) -> str:
        last = len(self.times) - 1
        return f"{_LEFT + (_RIGHT - _LEFT) * (at / last if last else 0.5):.2f}%"

    def _y(self, value: float) -> int:
        return round(_BOTTOM - (_BOTTOM - _TOP) * value / self._top)


def round_above(value: float) -> float:
    """The next 1, 2, 4, 6 or 8 times a power of ten: its half is as plain a number."""
    power = 10.0 ** ceil(log10(value) - 1)
    return next(step * power for step in (1, 2, 4, 6, 8, 10, 20) if step * power >= value)
