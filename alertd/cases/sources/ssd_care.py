"""Periods of care, put together from their episodes, and told apart from series of short breaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from alertd.cases.records import Unreadable

Day = date | Unreadable | None
Raw = dict[str, object]


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode, a row of its own; a period of care has one or several. ``iro_contact`` is the reviewing
    officer's latest."""

    start: Day
    ceased: Day
    rolls_on: bool
    entered: Day
    referral: str | None
    iro_contact: Day


@dataclass(frozen=True, slots=True)
class Status:
    """A legal status. ``dated``: its first day is known; if not, it may hold from any day until its end."""

    start: date
    end: date
    short_break: bool
    dated: bool


def period(episodes: Sequence[Episode], statuses: Iterable[Status]) -> Raw | None:
    """The fields of a period of care; None for a series of short breaks, of which other rules speak (reg 48)."""
    raw: Raw = {"start": _start(episodes), "end": _end(episodes), "referral": _referral(episodes)}
    held = {(s.short_break, s.dated) for s in statuses if _overlaps(s, raw)}
    if held == {(True, True)}:
        return None
    if {short for short, _ in held} == {True, False}:
        raw["start"] = Unreadable("short-break and other legal statuses overlap in this period", "conflict")
    elif (True, False) in held:
        raw["start"] = Unreadable("a legal status of short breaks has no start date that can be used")
    return raw


def _start(episodes: Sequence[Episode]) -> Day:
    """The day care began: as recorded, else the earliest episode's."""
    entered = {e.entered for e in episodes if e.entered is not None}
    starts = [e.start for e in episodes if isinstance(e.start, date)]
    doubtful = [d for d in (*entered, *(() if entered else (e.start for e in episodes))) if isinstance(d, Unreadable)]
    if doubtful:
        return doubtful[0]
    if len(entered) > 1:
        return Unreadable("episodes of one period give different days of entering care", "conflict")
    recorded = next((d for d in entered if isinstance(d, date)), None)
    if recorded and starts and min(starts) < recorded:
        return Unreadable("an episode began before the day of entering care", "conflict")
    return recorded or min(starts, default=None)


def _end(episodes: Sequence[Episode]) -> Day:
    """The day care ended, None while it lasts; an episode that rolls on into another (X1) ends nothing."""
    doubtful = [e.ceased for e in episodes if isinstance(e.ceased, Unreadable)]
    if doubtful:
        return doubtful[0]
    ceased = [e.ceased for e in episodes if isinstance(e.ceased, date)]
    final = [e.ceased for e in episodes if isinstance(e.ceased, date) and not e.rolls_on]
    still_open = len(ceased) < len(episodes)
    if still_open and not final:
        return None
    if still_open or (final and min(final) < max(ceased)):
        return Unreadable("one episode ended care but another of the period is open or later", "conflict")
    return final[0] if final else Unreadable("the last episode rolls on (X1) but no later one is recorded", "conflict")


def _referral(episodes: Sequence[Episode]) -> str | None:
    ordered = sorted(episodes, key=lambda e: e.start if isinstance(e.start, date) else date.max)
    return next((e.referral for e in ordered if e.referral), None)


def _overlaps(status: Status, period: Raw) -> bool:
    """Whether a legal status held during a period; one that ends as the other begins did not."""
    start, end = period["start"], period["end"]
    start = start if isinstance(start, date) else date.min
    end = end if isinstance(end, date) else date.max
    first, last = max(status.start, start), min(status.end, end)
    return first < last or first == last == start == end
