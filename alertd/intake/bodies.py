"""A child's case file as bytes, to be kept; and back again.

JSON, because a backup has to be readable in ten years, and compressed, because most of it repeats.
What a value is, its kind's declaration says, so that nothing is stored twice.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

import orjson

from alertd.cases.accounts import Reject
from alertd.cases.kinds import KINDS
from alertd.cases.reading import Made
from alertd.cases.records import CaseFile, Doubt, Record, Value, Window

_LEVEL: Final = 1
"""zlib's quickest: a large authority's first reading packs a hundred thousand children."""

_DATES: Final = {kind.name: {f.name for f in kind.fields if f.type in ("date", "moment")} for kind in KINDS.values()}


def pack(made: Made, feed_window: Window, feed_windows: Mapping[str, Window]) -> bytes:
    """The bytes of a child's case file and of those of its rows that could not become records.

    What is the same for the whole feed is left out: its window, those of its kinds, and of which it
    holds only the latest. These move on with the days, while the child's records stay.
    """
    return zlib.compress(plain(made, feed_window, feed_windows), _LEVEL)


def plain(made: Made, feed_window: Window, feed_windows: Mapping[str, Window]) -> bytes:
    """As :func:`pack`, not compressed."""
    case = made.case
    body: dict[str, Any] = {"r": [_record(record) for record in case.records]}
    if case.window != feed_window:
        body["w"] = days_of(case.window)
    if case.windows != feed_windows:
        body["k"] = {kind: days_of(window) for kind, window in sorted(case.windows.items())}
    if made.ledger.rejects:
        body["x"] = [[r.where, r.why, r.column] for r in made.ledger.rejects]
    return orjson.dumps(body)


def unpack(
    child: str,
    body: bytes,
    feed_window: Window,
    windows: Mapping[str, Window] = MappingProxyType({}),
    latest: frozenset[str] = frozenset(),
) -> CaseFile:
    """The case file of :func:`pack` under the reference ``child``, with what is the same for the whole feed now."""
    held = orjson.loads(zlib.decompress(body))
    records = tuple(_as_record(child, row) for row in held["r"])
    if "k" in held:
        windows = {kind: window_of(days) for kind, days in held["k"].items()}
    return CaseFile(child, records, window_of(held["w"]) if "w" in held else feed_window, windows, latest)


def rejects_of(body: bytes) -> list[Reject]:
    """The child's rows that could not become records."""
    held = orjson.loads(zlib.decompress(body))
    return [Reject(*row) for row in held.get("x", ())]


def _record(record: Record) -> list[Any]:
    values = dict(record.values)
    row: list[Any] = [record.kind, record.key, record.where, values]
    if record.doubts:
        row.append([[d.field, d.why, d.cause] for d in record.doubts])
    return row


def _as_record(child: str, row: list[Any]) -> Record:
    kind, key, where, values, *doubts = row
    dates = _DATES.get(kind, set())
    typed: dict[str, Value] = {name: _as_date(v) if name in dates else v for name, v in values.items()}
    return Record(kind, child, key, where, typed, tuple(Doubt(*doubt) for doubt in (doubts[0] if doubts else ())))


def _as_date(text: str) -> date | datetime:
    return datetime.fromisoformat(text) if len(text) > len("2026-11-24") else date.fromisoformat(text)


def days_of(window: Window) -> list[str | None]:
    """A window as JSON: its first and last day."""
    return [day.isoformat() if day else None for day in (window.start, window.end)]


def window_of(days: Sequence[str | None]) -> Window:
    """The window of :func:`days_of`."""
    start, end = (date.fromisoformat(day) if day else None for day in days)
    return Window(start, end)
