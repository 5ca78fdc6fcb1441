"""When a subscription tells what it covers: once, while it stands, at once or with the digest it was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from subscription_samples import CALENDAR, DIRECTORY, PEOPLE, about, at, change, history, wanted

from alertd.cases.records import LONDON
from alertd.subscriptions.asked import Asked, asked_now
from alertd.subscriptions.history import History, first_working_day, told_up_to
from alertd.subscriptions.model import Change, Wanted

OVERDUE = history(1, change(1, at(20), "upcoming", "new", before=None), change(2, at(25), "overdue", before="upcoming"))


def told(
    now: datetime,
    *histories: History,
    asked: Sequence[Wanted] = (),
    known: dict[int, int] | None = None,
    digests: bool = True,
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(alert, change) told at once and with the digest."""
    asked = asked or [wanted()]
    found = asked_now(asked, histories, {("S1", "email"): known or {}}, DIRECTORY, CALENDAR, now, digests=digests)
    assert len(found) < 2
    one = found[0] if found else Asked("S1", "email")
    return [(line.alert_id, line.change) for line in one.at_once], [(line.alert_id, line.change) for line in one.digest]


def test_a_daily_digest_tells_the_latest_change_of_each_alert() -> None:
    assert told(at(25, 8), OVERDUE) == ([], [(1, 2)])
    assert told(at(25, 8), OVERDUE, digests=False) == ([], [])


def test_a_change_that_was_told_is_not_told_again_and_the_next_one_is() -> None:
    assert told(at(26, 8), OVERDUE, known={1: 2}) == ([], [])
    assert told(at(26, 8), OVERDUE, known={1: 1}) == ([], [(1, 2)])


def test_what_was_told_is_known_by_the_change_its_row_names_else_by_what_there_was_then() -> None:
    rows = [(1, "subscriber:7", 9), (1, "subscriber:5", 9), (2, "subscriber", 4), (3, "subscriber:x", 2)]
    assert told_up_to(rows) == {1: 7, 2: 4, 3: 2}


def test_only_what_still_stands_is_told() -> None:
    moved = replace(OVERDUE, changes=(*OVERDUE.changes, change(3, at(25, 7), "upcoming", before="overdue")))
    only_overdue = [wanted(stages=("overdue",))]
    assert told(at(25, 8), OVERDUE, asked=only_overdue) == ([], [(1, 2)])
    assert told(at(25, 8), moved, asked=only_overdue) == ([], [])
    closed = replace(OVERDUE, changes=(*OVERDUE.changes, change(3, at(25, 7), "closed", "met_late", before="overdue")))
    assert told(at(25, 8), closed) == ([], [])
    given_on = replace(
        OVERDUE, changes=(*OVERDUE.changes, change(3, at(25, 7), "overdue", "handed_over", before="overdue"))
    )
    assert told(at(25, 8), given_on) == ([], [(1, 2)])


def test_what_happened_before_it_was_asked_for_is_not_told() -> None:
    assert told(at(25, 8), OVERDUE, asked=[wanted(since=at(25, 7))]) == ([], [])


def test_nobody_hears_of_what_is_in_shadow_or_spoken_for() -> None:
    assert told(at(25, 8), replace(OVERDUE, quiet=True)) == ([], [])


def test_at_once_is_at_once_and_what_was_missed_for_days_comes_with_the_digest() -> None:
    asked = [wanted(every="at_once")]
    assert told(at(25, 6, 31), OVERDUE, asked=asked, digests=False) == ([(1, 2)], [])
    assert told(at(25, 8), OVERDUE, asked=asked, known={1: 2}) == ([], [])
    assert told(at(29, 8), OVERDUE, asked=asked) == ([], [(1, 2)])


def test_told_by_two_subscriptions_it_is_told_once_and_at_once_comes_first() -> None:
    both = [wanted(), wanted(id=2, every="at_once", rules=("plain.*",))]
    assert told(at(25, 8), OVERDUE, asked=both) == ([(1, 2)], [])
    (one,) = asked_now([wanted(), wanted(id=2)], [OVERDUE], {}, DIRECTORY, CALENDAR, at(25, 8), digests=True)
    assert [line.subscription for line in one.digest] == [1]
    assert [(line.role, line.why) for line in one.digest] == [("subscriber:2", "you subscribe to *: overdue")]


def test_a_weekly_digest_is_that_of_the_weeks_first_working_day() -> None:
    weekly = [wanted(every="weekly")]
    assert [day for day in range(25, 31) if told(at(day, 8), OVERDUE, asked=weekly)[1]] == [30]
    monday = history(2, change(3, at(30), "due", "new", before=None))
    assert told(at(30, 8), OVERDUE, monday, asked=weekly) == ([], [(1, 2), (2, 3)])


def test_a_weekly_digest_that_could_not_be_made_on_its_day_is_made_on_the_next() -> None:
    weekly = [wanted(every="weekly")]
    tuesday = at(30, 8) + timedelta(days=1)
    later = history(2, change(3, at(30, 12), "due", "new", before=None))
    assert told(tuesday, OVERDUE, later, asked=weekly) == ([], [(1, 2)])


def test_a_week_begins_on_the_day_after_a_bank_holiday() -> None:
    assert first_working_day(date(2026, 12, 29), CALENDAR) == date(2026, 12, 29)  # Boxing Day is given on the Monday
    assert first_working_day(date(2026, 12, 28), CALENDAR) == date(2026, 12, 21)
    assert first_working_day(date(2026, 12, 31), CALENDAR) == date(2026, 12, 29)


@pytest.mark.parametrize(
    "gone", [{"away_from": date(2026, 11, 25), "away_to": date(2026, 11, 26)}, {"leaves": date(2026, 11, 25)}]
)
def test_who_is_away_or_has_left_gets_nothing_and_who_is_back_hears_of_what_still_stands(gone: dict[str, date]) -> None:
    directory = replace(DIRECTORY, people=PEOPLE | {"S1": replace(PEOPLE["S1"], **gone)})

    def hears(now: datetime, every: str) -> list[Asked]:
        return asked_now([wanted(every=every)], [OVERDUE], {}, directory, CALENDAR, now, digests=True)

    for every in ("at_once", "daily"):
        assert hears(at(25, 8), every) == hears(at(26, 8), every) == []
    back = hears(at(28, 8), "at_once")
    assert [len(one.digest) for one in back] == ([] if "leaves" in gone else [1])


def test_the_past_of_an_alert_says_when_people_heard_of_it() -> None:
    turns = (
        change(1, at(2), "due", "new", before=None),
        change(2, at(3), "overdue"),
        change(3, at(4), "overdue", "muted", before="overdue"),
        change(4, at(5), "overdue", "unmuted", before="overdue"),
        change(5, at(6), "closed", "met_late"),
        change(6, at(7), "due", "reopened", before=None),
        change(7, at(8), "overdue"),
    )
    heard = [history(1, *turns).heard(turns[:n]) for n in range(1, 8)]
    assert heard == [True, True, False, True, True, True, True]
    opened_quiet = (turns[0], turns[1], turns[3])
    assert [history(1, *opened_quiet).heard(opened_quiet[:n]) for n in (1, 2, 3)] == [False, False, True]
    never = (turns[0], turns[4])
    assert not history(1, *never, told=False).heard(never[:1])
    assert history(1, *never).heard(never[:1])
    still_quiet = history(1, *turns[:2], quiet=True)
    assert not still_quiet.heard(turns[:1]) and not still_quiet.heard(turns[:2])


_STAGES = ("upcoming", "due", "overdue", "closed")


@st.composite
def _pasts(draw: st.DrawFn) -> list[History]:
    id_, found = 0, []
    for alert_id in range(draw(st.integers(1, 3))):
        changes: list[Change] = []
        when, stage = at(2), None
        for _ in range(draw(st.integers(1, 5))):
            id_ += 1
            when += timedelta(hours=draw(st.integers(1, 90)))
            now = draw(st.sampled_from([s for s in _STAGES if s != stage]))
            reason = "met" if now == "closed" else "reopened" if stage == "closed" else "stage"
            changes.append(Change(id_, when, stage, now, now == "overdue" and draw(st.booleans()), reason))
            stage = now
        found.append(history(alert_id, *changes, of=about(child=f"C{alert_id}")))
    return found


@given(_pasts(), st.sampled_from(["at_once", "daily", "weekly"]), st.lists(st.integers(1, 30), min_size=1, max_size=40))
def test_each_change_is_told_at_most_once_however_often_one_looks(
    pasts: list[History], every: str, waits: list[int]
) -> None:
    """Looked at any times: never the same change twice, never older after newer, only where the alert then stood."""
    known: dict[int, int] = {}
    now = at(2)
    for hours in waits:
        now += timedelta(hours=hours)
        digests = now.astimezone(LONDON).time() >= time(8)
        at_once, digest = told(now, *pasts, asked=[wanted(every=every)], known=known, digests=digests)
        for alert_id, change_id in (*at_once, *digest):
            assert change_id > known.get(alert_id, 0)
            known[alert_id] = change_id
            past = pasts[alert_id].until(now)
            this = next(c for c in past if c.id == change_id)
            assert past[-1].to_stage == this.to_stage != "closed"


@given(_pasts())
def test_whoever_looks_every_minute_misses_no_stage_that_stands_at_a_digest(pasts: list[History]) -> None:
    known: dict[int, int] = {}
    for day in range(2, 31):
        now = at(day, 8)
        if not CALENDAR.is_working(now.date()):
            continue
        _, digest = told(now, *pasts, known=known)
        known |= dict(digest)
        for past in pasts:
            so_far = past.until(now)
            if so_far and so_far[-1].to_stage != "closed":
                assert known.get(past.alert_id) == so_far[-1].id
