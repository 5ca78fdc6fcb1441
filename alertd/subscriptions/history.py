"""The past of an alert, and what of it a subscription tells at a moment. Pure: now and in a preview the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from alertd.alerts.lifecycle import CLOSING
from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import begin_of
from alertd.cases.records import local_day
from alertd.subscriptions.model import About, Change, Hearing

AT_ONCE_FOR: Final = timedelta(days=2)
"""What is older than this is not sent at once any more but with the next digest: somebody was away."""
LOOK_BACK: Final = timedelta(days=35)
"""What changed longer ago than this, and was not told for so long, is not told any more."""
_SUBSCRIBER: Final = "subscriber"
TURNS: Final = ("muted", "unmuted")
"""The changes by which an alert falls silent, and speaks again."""


@dataclass(frozen=True, slots=True)
class History:
    """One alert with all its changes, at least one, oldest first. ``title`` is its rule's.

    ``quiet``: nobody is told of it now. ``told``: somebody was told of it once, or waits to be.
    """

    alert_id: int
    title: str
    about: About
    changes: tuple[Change, ...]
    quiet: bool
    told: bool

    def until(self, moment: datetime) -> tuple[Change, ...]:
        """What had happened by a moment."""
        if self.changes[-1].at <= moment:
            return self.changes
        return tuple(change for change in self.changes if change.at <= moment)

    def heard(self, so_far: Sequence[Change]) -> bool:
        """Whether people heard of it after these first of its changes: not while it was in shadow, held back
        or spoken for. Of the past only the turns are kept; what never turned was told once, or never."""
        here = len(so_far)
        if here == len(self.changes):
            return not self.quiet
        begins = max((n for n in range(here) if self.changes[n].reason in ("new", "reopened")), default=0)
        ends = (n for n in range(here, len(self.changes)) if self.changes[n].reason in (*CLOSING, "reopened"))
        end = next(ends, None)
        turns = [change.reason for change in self.changes[begins:here] if change.reason in TURNS]
        if turns:
            return turns[-1] == "unmuted"
        later = [change.reason for change in self.changes[here:end] if change.reason in TURNS]
        if later:
            return later[0] == "muted"
        return self.told if end is not None else not self.quiet


@dataclass(frozen=True, slots=True)
class Line:
    """One alert to tell one subscriber of. ``role`` and ``why`` are for the row that says it was told."""

    alert_id: int
    subscription: int
    change: int
    why: str
    urgent: bool

    @property
    def role(self) -> str:
        """As what they are told, and up to which change: by this it is told once."""
        return f"{_SUBSCRIBER}:{self.change}"


def told_up_to(rows: Iterable[tuple[int, str, int]]) -> dict[int, int]:
    """The last change told, by alert, from (alert, role, the latest change by then) of what subscribers were told.

    The role names the change told (:attr:`Line.role`). Where it does not, it was the latest by then: nearly right,
    but an evaluation that was under way is dated before a message made meanwhile.
    """
    found: dict[int, int] = {}
    for alert_id, role, latest in rows:
        name, _, change = role.partition(":")
        exact = name == _SUBSCRIBER and change.isdecimal()
        found[alert_id] = max(found.get(alert_id, 0), int(change) if exact else latest)
    return found


def due_lines(
    ear: Hearing,
    histories: Iterable[History],
    told: Mapping[int, int],
    now: datetime,
    calendar: Calendar,
    *,
    digest: bool,
) -> list[Line]:
    """What one subscription tells now: with today's digest, or at once.

    Of each alert the latest change asked for, if that is where the alert still stands. ``told`` is the last
    change told of each alert.
    """
    since, until = _span(ear.wanted.every, now, calendar, digest=digest)
    lines = []
    for history in histories:
        after = told.get(history.alert_id, 0)
        if history.changes[-1].id <= after:
            continue
        so_far = history.until(now)
        if not so_far or so_far[-1].reason in CLOSING or not history.heard(so_far):
            continue
        for change in reversed(so_far):
            if change.id <= after or change.at < ear.wanted.since:
                break
            if change.to_stage != so_far[-1].to_stage or not since <= change.at < until:
                continue
            if why := ear.matches(history.about, change):
                lines.append(Line(history.alert_id, ear.wanted.id, change.id, why, history.about.urgent))
                break
    return lines


def first_working_day(day: date, calendar: Calendar) -> date:
    """The latest day up to ``day`` that was the first working day of its week."""
    monday = day - timedelta(days=day.weekday())
    first = calendar.add_working_days(monday - timedelta(days=1), 1)
    return first if first <= day else first_working_day(monday - timedelta(days=1), calendar)


def _span(every: str, now: datetime, calendar: Calendar, *, digest: bool) -> tuple[datetime, datetime]:
    """The changes told now: from the one moment until before the other."""
    ever, never = now - LOOK_BACK, datetime.max.replace(tzinfo=UTC)
    if every == "at_once":
        return (ever, now - AT_ONCE_FOR) if digest else (now - AT_ONCE_FOR, never)
    if not digest:
        return never, never
    today = local_day(now)
    first = today if every == "daily" else first_working_day(today, calendar)
    return ever, never if first == today else begin_of(first)
