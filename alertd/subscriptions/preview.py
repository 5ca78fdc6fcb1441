"""What a subscription would have sent in the last month, worked out from what is kept of that month. Pure.

The same code that tells subscribers is run for each moment at which it would have told. Who has a child is
known as it is now; who had it then is not kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from alertd.calendars.calendar import Calendar
from alertd.cases.records import LONDON, local_day
from alertd.people.directory import Directory
from alertd.routing.disclosure import reference
from alertd.subscriptions.history import History, Line, due_lines
from alertd.subscriptions.model import Wanted, hearing

MONTH: Final = timedelta(days=30)
TOO_MANY: Final = 20
"""Lines on a working day from which on nobody reads them: our own choice."""
EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """What would have been sent. ``messages`` and ``lines`` count by day, in London.

    ``since`` is the first moment looked at: a month ago, or when alertd began to watch. ``warning`` is blank
    unless that is more than somebody reads.
    """

    since: datetime
    whole_month: bool
    messages: dict[date, int]
    lines: dict[date, int]
    examples: tuple[tuple[str, str, str], ...]
    """(reference, title of the rule, why) of the latest."""
    warning: str


def preview(
    wanted: Wanted,
    histories: Sequence[History],
    directory: Directory,
    calendar: Calendar,
    now: datetime,
    *,
    digest_at: time,
    watched_since: datetime | None,
) -> Preview:
    """What ``wanted`` would have sent in the 30 days before ``now``, had it been asked for before them.

    ``digest_at`` is the digest's time of day in London; ``watched_since`` when alertd took its first reading in.
    """
    since = max(now - MONTH, watched_since or now)
    at_once = wanted.every == "at_once"
    days = _days(since, now)
    working = [day for day in days if calendar.is_working(day)]
    if at_once:
        moments = sorted({change.at for history in histories for change in history.changes})
    else:
        moments = [datetime.combine(day, digest_at, LONDON) for day in working]
    ear = hearing(replace(wanted, since=since), directory, local_day(now))
    by_id = {history.alert_id: history for history in histories}
    told: dict[int, int] = {}
    messages: Counter[date] = Counter()
    lines: Counter[date] = Counter()
    latest: list[tuple[str, str, str]] = []
    for moment in (moment for moment in moments if since <= moment <= now):
        found = due_lines(ear, histories, told, moment, calendar, digest=not at_once)
        day = local_day(moment)
        messages[day] += len(found) if at_once else bool(found)
        lines[day] += len(found)
        told |= {line.alert_id: line.change for line in found}
        latest = [*latest, *(_example(by_id[line.alert_id], line) for line in found)][-EXAMPLES:]
    return Preview(
        since,
        since == now - MONTH,
        dict(+messages),
        dict(+lines),
        tuple(reversed(latest)),
        _warning(sum(lines.values()), len(working)),
    )


def _days(since: datetime, now: datetime) -> list[date]:
    first = local_day(since)
    return [first + timedelta(days=n) for n in range((local_day(now) - first).days + 1)]


def _example(history: History, line: Line) -> tuple[str, str, str]:
    return reference(history.about.child), history.title, line.why


def _warning(lines: int, working_days: int) -> str:
    a_day = lines / max(1, working_days)
    if a_day <= TOO_MANY:
        return ""
    return (
        f"That is {a_day:.0f} lines on a working day, more than anybody reads: ask for fewer rules, for your own "
        "teams alone, or only for what is escalated"
    )
