"""Reading ``--source KIND:PLACE``, ``--as-of`` and ``--window``, the same for every command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Final

from alertd.cases.records import LONDON, Snapshot, Window
from alertd.cases.sources import ssd, ssda903
from alertd.errors import InputError

KINDS = ("ssd", "ssda903")
YEARS: Final = range(1900, 2100)
"""The years anybody asks about: the calendar reaches a little further at both ends."""
Progress = Callable[[str, int], None]


def read_source(source: str, as_of: datetime, window: Window | None, progress: Progress | None = None) -> Snapshot:
    """Read ``ssd:URL`` or ``ssda903:FOLDER``. Raises InputError for what cannot be used."""
    kind, colon, place = source.partition(":")
    if not colon or kind not in KINDS or not place:
        # What was typed is not repeated: without its kind, an address shows its password.
        what = f"{kind!r} is not a kind of source" if colon and kind not in KINDS else "the source is not KIND:PLACE"
        raise InputError(what, fix="Write ssd:authority.db, ssd:URL or ssda903:FOLDER")
    if kind == "ssda903":
        return ssda903.read(Path(place), window=window, progress=progress)
    if window:
        raise InputError("--window goes with ssda903", fix="An SSD speaks for the years up to now")
    return ssd.read(place, as_of=as_of, progress=progress)


def parse_as_of(text: str | None) -> datetime:
    """An instant: ISO 8601 with offset; a day is its end in Europe/London; nothing is now."""
    if text is None:
        return datetime.now(LONDON)
    try:
        if len(text) == 10:
            moment = datetime.combine(date.fromisoformat(text), time(23, 59, 59), LONDON)
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--as-of {text!r} is not a date", fix="Write it as 2026-11-24") from None
    if moment.tzinfo is None:
        raise InputError(f"--as-of {text!r} has no offset", fix="Write a day, or a time with its offset")
    if moment.year not in YEARS:
        raise InputError(f"--as-of {text!r} is not in {YEARS[0]} to {YEARS[-1]}", fix="Check the year")
    return moment


def parse_window(text: str | None) -> Window | None:
    """``FROM:TO``, both days included."""
    if text is None:
        return None
    first, _, last = text.partition(":")
    try:
        window = Window(date.fromisoformat(first), date.fromisoformat(last))
    except ValueError:
        raise InputError(f"--window {text!r} is not a span", fix="Write it as 2018-04-01:2019-03-31") from None
    if window.start and window.end and window.end < window.start:
        raise InputError(f"--window {text!r} ends before it starts")
    return window


def parse_settings(pairs: list[str]) -> dict[str, str]:
    """``NAME=LENGTH`` pairs, as ``cp.visit.interval=10 working days``."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise InputError(f"--set {pair!r} is not NAME=LENGTH", fix="As cp.visit.interval='10 working days'")
        found[name.strip()] = value.strip()
    return found
