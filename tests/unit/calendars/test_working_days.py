"""Working days per nation."""

import sys
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.calendars.calendar import NATIONS, Calendar, calendar_for
from alertd.errors import InputError

pytestmark = pytest.mark.fault("F48")

ENGLAND = calendar_for("england-and-wales")
DAY = timedelta(days=1)
days = st.dates(date(2000, 1, 1), date(2090, 12, 31))
nations = st.sampled_from(NATIONS).map(calendar_for)


@pytest.mark.parametrize(
    ("nation", "day", "why"),
    [
        ("england-and-wales", date(2026, 12, 24), None),
        ("england-and-wales", date(2026, 12, 25), "Christmas Day"),
        ("england-and-wales", date(2026, 12, 26), "Saturday"),
        ("england-and-wales", date(2026, 12, 27), "Sunday"),
        ("england-and-wales", date(2026, 12, 28), "Boxing Day (substitute day)"),
        ("england-and-wales", date(2020, 5, 4), None),  # the early May holiday moved to VE Day
        ("england-and-wales", date(2020, 5, 8), "May Day"),
        ("england-and-wales", date(2023, 5, 8), "Coronation of Charles III"),
        ("england-and-wales", date(2026, 4, 6), "Easter Monday"),
        ("scotland", date(2026, 4, 6), None),
        ("scotland", date(2026, 1, 2), "New Year Holiday"),
        ("scotland", date(2026, 8, 3), "Summer Bank Holiday"),
        ("scotland", date(2026, 8, 31), None),
        ("scotland", date(2026, 11, 30), "Saint Andrew's Day"),
        ("england-and-wales", date(2026, 11, 30), None),
        ("northern-ireland", date(2026, 3, 17), "Saint Patrick's Day"),
        ("northern-ireland", date(2026, 7, 13), "Battle of the Boyne (substitute day)"),
        ("scotland", date(2026, 7, 13), None),
    ],
)
def test_each_nation_has_its_own_published_holidays_and_says_why(nation: str, day: date, why: str | None) -> None:
    calendar = calendar_for(nation)
    assert calendar.why_not_working(day) == why
    assert calendar.is_working(day) is (why is None)


def test_scotland_has_the_world_cup_holiday_that_only_one_source_knows() -> None:
    """Royal proclamation of 3 February 2026: a bank holiday in Scotland and nowhere else."""
    day = date(2026, 6, 15)
    assert [calendar_for(nation).is_working(day) for nation in NATIONS] == [True, False, True]
    assert "differs on 2026-06-15 (Scotland's participation" in calendar_for("scotland").describe()


@pytest.mark.parametrize("nation", ["england-and-wales", "northern-ireland"])
def test_the_two_sources_agree_on_every_other_nation(nation: str) -> None:
    """When this goes red one source has changed: find out which is right before going on."""
    assert calendar_for(nation).describe().endswith("differs on no working day")


def test_scotland_differs_on_that_one_day_only() -> None:
    assert calendar_for("scotland").describe().count("; there ") == 1


def test_describe_names_the_library_its_version_and_its_reach() -> None:
    text = ENGLAND.describe()
    assert "holidays 0." in text and "1872 to 2100" in text and "2012 to 2028" in text and "\n" not in text


def test_a_holiday_only_the_second_source_knows_is_shown() -> None:
    bare = Calendar("england-and-wales", {}, 2000, 2040)
    assert "2026-12-25 (a working day; there Christmas Day)" in bare.describe()


def test_the_second_source_is_read_from_disk_without_its_downloader() -> None:
    ENGLAND.describe()
    assert "govuk_bank_holidays.bank_holidays" not in sys.modules


def test_an_unknown_nation_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="england-and-wales, scotland, northern-ireland"):
        calendar_for("wales")


@pytest.mark.parametrize("year", [1871, 2101])
def test_a_year_out_of_reach_is_an_error_for_every_question(year: int) -> None:
    day = date(year, 6, 1)
    for ask in (
        lambda: ENGLAND.is_working(day),
        lambda: ENGLAND.why_not_working(day),
        lambda: ENGLAND.add_working_days(day, 0),
        lambda: ENGLAND.working_days_between(day, date(2026, 1, 1)),
        lambda: ENGLAND.working_days_between(date(2026, 1, 1), day),
    ):
        with pytest.raises(InputError, match=f"a day in {year} is beyond .* from 1872 to 2100"):
            ask()


def test_a_sum_that_runs_out_of_the_calendar_is_an_error_not_a_gap() -> None:
    small = Calendar("scotland", {}, 2026, 2026)
    assert small.add_working_days(date(2026, 12, 30), 1) == date(2026, 12, 31)
    with pytest.raises(InputError, match="reaches from 2026 to 2026"):
        small.add_working_days(date(2026, 12, 30), 2)
    assert small.add_working_days(date(2026, 1, 2), -1) == date(2026, 1, 1)
    with pytest.raises(InputError, match="reaches from 2026 to 2026"):
        small.add_working_days(date(2026, 1, 2), -2)


def test_a_moment_is_refused_because_its_day_depends_on_the_zone() -> None:
    with pytest.raises(TypeError, match="not moments"):
        ENGLAND.is_working(datetime(2026, 12, 2, 23, 30))


@given(nations, days, st.integers(-300, 300))
def test_adding_agrees_with_walking_day_by_day(calendar: Calendar, day: date, n: int) -> None:
    walked, left = day, abs(n)
    while left:
        walked += DAY if n > 0 else -DAY
        left -= calendar.is_working(walked)
    assert calendar.add_working_days(day, n) == walked


@given(nations, days, st.integers(0, 2000))
def test_adding_then_removing_comes_back_to_a_working_day(calendar: Calendar, day: date, n: int) -> None:
    start = calendar.add_working_days(day, 1)
    assert calendar.add_working_days(calendar.add_working_days(start, n), -n) == start


@given(nations, days, st.integers(0, 400))
def test_days_between_undoes_adding(calendar: Calendar, day: date, n: int) -> None:
    end = calendar.add_working_days(day, n)
    assert calendar.working_days_between(day, end) == n
    assert calendar.working_days_between(end, day) == -n


@given(st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=30), st.data())
def test_a_new_holiday_never_makes_a_due_date_earlier(closed: set[date], data: st.DataObject) -> None:
    new = data.draw(st.dates(date(2026, 1, 1), date(2026, 12, 31)))
    start = data.draw(st.dates(date(2025, 12, 1), date(2026, 12, 31)))
    n = data.draw(st.integers(1, 65))
    before = Calendar("scotland", dict.fromkeys(closed, "closed"), 2025, 2027).add_working_days(start, n)
    after = Calendar("scotland", dict.fromkeys({*closed, new}, "closed"), 2025, 2027).add_working_days(start, n)
    assert after >= before
    # And it moves the date exactly when it takes away a day that was counted.
    counted = new.weekday() < 5 and new not in closed and start < new <= before
    assert (after > before) is counted


@pytest.mark.parametrize("nation", NATIONS)
def test_no_year_within_reach_is_without_bank_holidays(nation: str) -> None:
    """A year has 260 to 262 weekdays; 8 to 12 bank holidays fall on them in every year since 1978."""
    calendar = calendar_for(nation)
    for year in range(1978, 2101):
        assert 246 <= calendar.working_days_between(date(year - 1, 12, 31), date(year, 12, 31)) <= 255
