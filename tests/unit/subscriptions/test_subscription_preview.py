"""What a subscription would have sent in the last month, by the code that sends."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st
from subscription_samples import CALENDAR, DIRECTORY, about, at, change, history, wanted

from alertd.cases.records import LONDON
from alertd.subscriptions.asked import asked_now
from alertd.subscriptions.history import History
from alertd.subscriptions.model import Wanted
from alertd.subscriptions.preview import TOO_MANY, Preview, preview

NOW = at(29, 12)
LONG_AGO = at(1)
PAST = [
    history(1, change(1, at(20), "upcoming", "new", before=None), change(2, at(24), "overdue", before="upcoming")),
    history(2, change(3, at(24), "overdue", "new", before=None), of=about("T2", "C2")),
    history(3, change(4, at(28), "overdue", "new", before=None), of=about("T3", "C3")),
]


def shown(*pasts: History, asked: Wanted | None = None, since: datetime | None = LONG_AGO) -> Preview:
    return preview(asked or wanted(), pasts or PAST, DIRECTORY, CALENDAR, NOW, digest_at=time(8), watched_since=since)


def test_a_digest_is_one_message_a_day_with_a_line_for_each_alert() -> None:
    found = shown()
    assert found.messages == {date(2026, 11, 20): 1, date(2026, 11, 24): 1}
    assert found.lines == {date(2026, 11, 20): 1, date(2026, 11, 24): 2}
    assert found.examples[0] == ("ref C2", "Review", "you subscribe to *: overdue")
    assert found.warning == ""


def test_at_once_each_change_is_a_message() -> None:
    found = shown(asked=wanted("X1", every="at_once"))
    assert found.messages == found.lines == {date(2026, 11, 20): 1, date(2026, 11, 24): 2, date(2026, 11, 28): 1}


def test_weekly_it_is_the_weeks_first_working_day_and_no_message_on_days_off() -> None:
    found = shown(asked=wanted(every="weekly"))
    assert found.messages == {date(2026, 11, 23): 1}, "those of the 24th come on the 30th"
    assert shown(asked=wanted("X1")).messages.keys() == {date(2026, 11, 20), date(2026, 11, 24)}


def test_it_says_since_when_alertd_has_watched() -> None:
    assert shown(since=at(24)).messages == {date(2026, 11, 24): 1}
    assert (shown(since=at(24)).since, shown(since=at(24)).whole_month) == (at(24), False)
    long_ago = shown(since=NOW - timedelta(days=90))
    assert (long_ago.since, long_ago.whole_month) == (NOW - timedelta(days=30), True)
    assert shown(since=None).messages == {}


def test_more_than_anybody_reads_is_warned_of() -> None:
    days = [day for day in range(2, 28) if CALENDAR.is_working(date(2026, 11, day))]
    flood = [
        history(n * 100 + day, change(n * 100 + day, at(day), "overdue", "new", before=None), of=about(child=f"C{n}"))
        for day in days
        for n in range(TOO_MANY + 2)
    ]
    assert shown(*flood).warning.startswith(f"That is {TOO_MANY + 2} lines on a working day, more than anybody reads")
    assert shown(*flood[: len(flood) // 2]).warning == ""


@given(
    st.lists(st.tuples(st.integers(2, 28), st.integers(0, 23), st.sampled_from(["due", "overdue"])), max_size=12),
    st.sampled_from(["at_once", "daily", "weekly"]),
)
def test_it_shows_what_the_daemon_would_have_sent(days: list[tuple[int, int, str]], every: str) -> None:
    """The same month lived through change by change, with a digest at eight on working days."""
    pasts = [
        history(n, change(n, at(day, hour), stage, "new", before=None)) for n, (day, hour, stage) in enumerate(days, 1)
    ]
    asked, known, lines = wanted(every=every), {}, 0
    eights = {at(day, 8, 0) for day in range(1, 30)}
    for moment in sorted(eights | {one.at for past in pasts for one in past.changes}):
        local = moment.astimezone(LONDON)
        digests = local.hour == 8 and local.minute == 0 and CALENDAR.is_working(local.date())
        told = {("S1", "email"): known}
        for one in asked_now([asked], pasts, told, DIRECTORY, CALENDAR, moment, digests=digests):
            for line in (*one.at_once, *one.digest):
                known = known | {line.alert_id: line.change}
                lines += 1
    assert sum(shown(*pasts, asked=asked).lines.values() if pasts else [0]) == lines
