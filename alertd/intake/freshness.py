"""Whether a feed still says anything new. Pure."""

from __future__ import annotations

from datetime import datetime

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import end_of, shift
from alertd.calendars.durations import Duration
from alertd.cases.records import in_words, local_day


def why_stale(feed: str, fresh_at: datetime, stale_after: Duration | None, now: datetime, calendar: Calendar) -> str:
    """The sentence that says a feed is stale; blank while it is not.

    ``fresh_at`` is when it last said anything new. A feed that is read and always the same is as
    silent as one that cannot be read: its refresh has stopped.
    """
    if stale_after is None:
        return ""
    since = fresh_at if stale_after.unit == "hour" else local_day(fresh_at)
    if now <= end_of(shift(since, stale_after, calendar)):
        return ""
    return f"the feed {feed} has said nothing new since {in_words(local_day(fresh_at))}, longer than {stale_after}"
