"""Reading ``--source KIND:PLACE``, ``--as-of`` and ``--window``, the same for every command."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Final

from alertd.bootstrap import merged_numbers
from alertd.cases.reading import Progress
from alertd.cases.records import LONDON, Snapshot, Window
from alertd.cases.sources.own_sql import queries_of
from alertd.cases.sources.readers import FEED_KINDS, Place, kind_of, read
from alertd.db.engine import open_to_look
from alertd.errors import InputError
from alertd.intake.kept import Named, kept_snapshot
from alertd.settings import load

YEARS: Final = range(1900, 2100)
"""The years anybody asks about: the calendar reaches a little further at both ends."""

SOURCE_HELP: Final = "KIND:PLACE, as ssd:URL, ssda903:FOLDER, annex_a:WORKBOOK, csv:FOLDER; kept:alertd.toml."
KEPT: Final = "kept:"
KNOWN_HELP: Final = "With kept: what had been read by the end of that day, whatever came in later."


def read_source(
    source: str,
    as_of: datetime,
    window: Window | None,
    progress: Progress | None = None,
    *,
    known_on: datetime | None = None,
) -> Snapshot:
    """Read ``KIND:PLACE``, of any kind of feed; ``kept:FILE`` is what the daemon of that settings file has kept.

    Raises InputError for what cannot be used.
    """
    if source.startswith(KEPT):
        if window:
            raise InputError("--window goes with ssda903", fix="What is kept says itself what days it speaks for")
        return kept(Path(source.removeprefix(KEPT)), known_on)
    if known_on:
        fix = "Only what the daemon has kept is known as of an earlier day: --source kept:alertd.toml"
        raise InputError("--as-known-on goes with a source that is kept", fix=fix)
    return read(place_of_source(source, window), as_of, progress)


def kept(config: Path, known_on: datetime | None = None) -> Snapshot:
    """What the daemon of a settings file had read by ``known_on``, or has read by now. Changes nothing."""
    settings = load(config)
    engine = open_to_look(settings.database.url)
    return kept_snapshot(
        engine,
        [Named(feed.name, feed.authority) for feed in settings.feed],
        precedence=settings.precedence,
        merged=merged_numbers(settings),
        known_on=known_on,
    )


def place_of_source(source: str, window: Window | None = None) -> Place:
    """What ``KIND:PLACE`` means; of ``sql`` the place is ``FOLDER@URL``, the folder that of the queries."""
    name, colon, place = source.partition(":")
    if not colon or name not in FEED_KINDS or not place:
        # What was typed is not repeated: without its kind, an address shows its password.
        if colon and name not in FEED_KINDS:
            kind_of(name)
        raise InputError("the source is not KIND:PLACE", fix=f"Write {SOURCE_HELP}")
    kind = kind_of(name)
    if window and kind != "ssda903":
        raise InputError("--window goes with ssda903", fix="Any other feed says itself what days it speaks for")
    if kind != "sql":
        return Place(kind=kind, url=place, window=window)
    folder, at, url = place.partition("@")
    if not at:
        raise InputError("the source is not sql:FOLDER@URL", fix="FOLDER holds the queries, as need.sql")
    return Place(kind=kind, url=url, queries=queries_of(Path(folder)))


def parse_known_on(text: str | None) -> datetime | None:
    """As :func:`parse_as_of`; nothing is all that is known now."""
    return parse_as_of(text, "--as-known-on") if text else None


def parse_as_of(text: str | None, option: str = "--as-of") -> datetime:
    """An instant: ISO 8601 with offset; a day is its end in Europe/London; nothing is now."""
    if text is None:
        return datetime.now(LONDON)
    try:
        if len(text) == 10:
            moment = datetime.combine(date.fromisoformat(text), time(23, 59, 59), LONDON)
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option} {text!r} is not a date", fix="Write it as 2026-11-24") from None
    if moment.tzinfo is None:
        raise InputError(f"{option} {text!r} has no offset", fix="Write a day, or a time with its offset")
    if moment.year not in YEARS:
        raise InputError(f"{option} {text!r} is not in {YEARS[0]} to {YEARS[-1]}", fix="Check the year")
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
