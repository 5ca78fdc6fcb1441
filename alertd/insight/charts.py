"""Charts as SVG: small pictures for a page or alone, without any style, so that every policy lets them show. Pure.

Each says in words what it shows (``title``, ``desc``); what it shows stands in a table beside it too. They are read at
360 pixels, and in black and white: what is late is hatched, never only of another colour. A count that may not be
shown is a mark at the foot, not a bar of none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final
from xml.sax.saxutils import escape, quoteattr

WIDTH: Final = 360
FONT: Final = "Arial, Helvetica, sans-serif"
INK: Final = "#0b0c0c"
DARK: Final = "#1d4f80"
PALE: Final = "#b1b4b6"
TEXT: Final = 14
"""The size of all writing, in pixels at the width the charts are drawn for."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: who, how long (0 to 1; None: not shown), and what is written at its end."""

    label: str
    share: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Point:
    """One month of a line: its name, and how high it is (0 to 1; None: not shown, or where not ``hidden`` there is
    none)."""

    label: str
    share: float | None
    hidden: bool = True


@dataclass(frozen=True, slots=True)
class Column:
    """One day of a spread: how many in time and how many late; None for a count that is not shown."""

    day: int
    in_time: int | None
    late: int | None


def bars(title: str, desc: str, found: Sequence[Bar], *, key: str, mark: float | None = None) -> str:
    """Shares below each other. ``mark`` is a share that all are read against, as the country's; ``key`` makes the
    names inside the picture its own where several stand in one page."""
    left, right, row = 12, WIDTH - 12, 50
    high = row * len(found) + 14
    parts = []
    for n, one in enumerate(found):
        y = n * row + 20
        parts.append(_text(left, y, one.label))
        parts.append(_text(right, y, one.text, anchor="end", bold=True))
        parts.append(_rect(left, y + 7, right - left, 14, fill="none", stroke=PALE))
        if one.share is not None:
            parts.append(_rect(left, y + 7, (right - left) * one.share, 14, fill=DARK))
        if mark is not None:
            x = left + (right - left) * mark
            parts.append(_line(x, y + 6, x, y + 24, stroke="#ffffff", width=5))
            parts.append(_line(x, y + 6, x, y + 24, stroke=INK, width=2, dash="4 2"))
    return _svg(title, desc, high, parts, key)


def line(title: str, desc: str, found: Sequence[Point], *, key: str, mark: float | None = None) -> str:
    """A share month by month, from none at the foot to all at the top. Months that are not shown are a gap."""
    left, right, top, foot = 46, WIDTH - 14, 14, 164
    step = (right - left) / max(len(found) - 1, 1)
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = foot - (foot - top) * share
        parts.append(_line(left, y, right, y, stroke=PALE))
        parts.append(_text(left - 6, y + 5, f"{share:.0%}", anchor="end"))
    if mark is not None:
        y = foot - (foot - top) * mark
        parts.append(_line(left, y, right, y, stroke=INK, width=1.5, dash="6 3"))
    places = [(left + n * step, one) for n, one in enumerate(found)]
    for run in _runs(places):
        at = [(x, foot - (foot - top) * share) for x, share in run]
        if len(at) > 1:
            points = " ".join(f"{_n(x)},{_n(y)}" for x, y in at)
            parts.append(f'<polyline points="{points}" fill="none" stroke="{DARK}" stroke-width="3"/>')
        parts += [f'<circle cx="{_n(x)}" cy="{_n(y)}" r="4" fill="{DARK}"/>' for x, y in at]
    every = max(ceil(len(found) * 58 / (right - left)), 1)
    for n, (x, one) in enumerate(places):
        if one.share is None and one.hidden:
            parts.append(_none(x, foot))
        if (len(found) - 1 - n) % every == 0:
            parts.append(_text(x, foot + 20, one.label, anchor="end" if n == len(found) - 1 else "middle"))
    return _svg(title, desc, foot + 34, parts, key)


def _runs(places: Iterable[tuple[float, Point]]) -> list[list[tuple[float, float]]]:
    """The months that stand without a gap, each where it is and how high."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, one in places:
        if one.share is None:
            runs.append([])
        else:
            runs[-1].append((x, one.share))
    return [run for run in runs if run]


def spread(title: str, desc: str, found: Sequence[Column], *, key: str, ends: tuple[str, str, str, str, str]) -> str:
    """How many were done on which day around the limit. ``ends`` are the words for the first column, the limit, the
    last column, what is in time and what is late."""
    left, right, top, foot = 14, WIDTH - 14, 46, 176
    most = max((((c.in_time or 0) + (c.late or 0)) for c in found), default=0) or 1
    step = (right - left) / max(len(found), 1)
    limit = next((left + (n + 1) * step for n, c in enumerate(found) if c.day == 0), None)
    parts = [_legend(key, ends[3], ends[4]), _line(left, top, right, top, stroke=PALE)]
    parts += [_text(left, top - 4, f"{most}"), _line(left, foot, right, foot, stroke=INK)]
    for n, column in enumerate(found):
        x, y = left + n * step, float(foot)
        for count, fill, stroke in ((column.in_time, DARK, "none"), (column.late, f"url(#{key}-late)", INK)):
            if count:
                high = (foot - top) * count / most
                y -= high
                parts.append(_rect(x + 1.5, y, step - 3, high, fill=fill, stroke=stroke))
        if column.in_time is None or column.late is None:
            parts.append(_none(x + step / 2, foot))
    if limit is not None:
        parts.append(_line(limit, top - 6, limit, foot + 6, stroke=INK, width=2, dash="4 2"))
        parts.append(_text(limit, foot + 22, ends[1], anchor="middle"))
    parts.append(_text(left, foot + 22, ends[0]))
    parts.append(_text(right, foot + 22, ends[2], anchor="end"))
    return _svg(title, desc, foot + 36, parts, key)


def _legend(key: str, in_time: str, late: str) -> str:
    second = 40 + 8 * len(in_time)
    hatch = (
        f'<defs><pattern id="{key}-late" width="5" height="5" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="5" height="5" fill="#ffffff"/>'
        f'<rect width="2" height="5" fill="{INK}"/></pattern></defs>'
    )
    return "".join(
        (
            hatch,
            _rect(14, 5, 12, 12, fill=DARK),
            _text(31, 16, in_time),
            _rect(second, 5, 12, 12, fill=f"url(#{key}-late)", stroke=INK),
            _text(second + 17, 16, late),
        )
    )


def _none(x: float, foot: float) -> str:
    """The mark of what may not be shown."""
    return f'<circle cx="{_n(x)}" cy="{_n(foot - 5)}" r="2.5" fill="#ffffff" stroke="{INK}"/>'


def _svg(title: str, desc: str, high: int, parts: Iterable[str], key: str) -> str:
    """The picture, alone or in a page. White behind, because a page may be dark and a print is not."""
    name = quoteattr(f"{key}-title {key}-desc")
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{high}" viewBox="0 0 {WIDTH} {high}" ',
            f'role="img" aria-labelledby={name} font-family="{FONT}" font-size="{TEXT}" fill="{INK}">',
            f"<title id={quoteattr(f'{key}-title')}>{escape(title)}</title>",
            f"<desc id={quoteattr(f'{key}-desc')}>{escape(desc)}</desc>",
            _rect(0, 0, WIDTH, high, fill="#ffffff"),
            *parts,
            "</svg>\n",
        )
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'


def _rect(x: float, y: float, width: float, high: float, *, fill: str, stroke: str = "none") -> str:
    place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(high)}"'
    return f'<rect {place} fill="{fill}" stroke="{stroke}"/>'


def _line(x: float, y: float, to_x: float, to_y: float, *, stroke: str, width: float = 1, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{_n(x)}" y1="{_n(y)}" x2="{_n(to_x)}" y2="{_n(to_y)}"'
    return f'<line {ends} stroke="{stroke}" stroke-width="{width:g}"{dashed}/>'


def _n(value: float) -> str:
    return f"{round(value, 1):g}"
