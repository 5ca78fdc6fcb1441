"""When lengths run out, what they are counted through, and the days people come of age."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.calendars.calendar import NATIONS, Calendar, calendar_for
from alertd.calendars.clock import CountedDay, CountFrom, age_on, begin_of, birthday, count, due, end_of, plan_by, shift
from alertd.calendars.durations import Duration, Unit
from alertd.errors import InputError

pytestmark = pytest.mark.fault("F48")

ENGLAND = calendar_for("england-and-wales")
WED = date(2026, 12, 2)
DAY = timedelta(days=1)
days = st.dates(date(2000, 1, 1), date(2080, 12, 31))
moments = st.datetimes(datetime(2000, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC))
nations = st.sampled_from(NATIONS).map(calendar_for)
conventions = st.sampled_from(["next_day", "same_day"])
day_units = st.sampled_from(["working day", "calendar day", "week", "month"])


def at(text: str) -> date | datetime:
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "within", "end"),
    [
        ("2026-12-02", "20 working days", "2027-01-04"),  # over Christmas, Boxing Day's substitute and New Year
        ("2026-12-05", "1 working day", "2026-12-07"),  # from a Saturday
        ("2026-12-05", "0 working days", "2026-12-05"),
        ("2026-12-02", "28 calendar days", "2026-12-30"),
        ("2026-12-02", "1 calendar day", "2026-12-03"),
        ("2026-12-02", "1 week", "2026-12-09"),
        ("2026-12-02", "26 weeks", "2027-06-02"),
        ("2026-08-31", "6 months", "2027-02-28"),  # Dodds v Walker
        ("2027-08-31", "6 months", "2028-02-29"),
        ("2026-02-28", "1 month", "2026-03-28"),  # not the end of March
        ("2026-01-31", "2 months", "2026-03-31"),  # from the anchor, not by way of 28 February
        ("2026-11-30", "18 months", "2028-05-30"),
        ("2024-02-29", "1 year", "2025-02-28"),
        ("2026-10-31", "1 month", "2026-11-30"),
        ("2026-12-06", "1 month", "2027-01-06"),
    ],
)
def test_the_day_after_the_start_is_day_one(start: str, within: str, end: str) -> None:
    assert due(at(start), Duration.parse(within), ENGLAND) == at(end)


@pytest.mark.parametrize(
    ("start", "within", "end"),
    [
        ("2026-12-02", "26 weeks", "2027-06-01"),
        ("2026-12-02", "1 calendar day", "2026-12-02"),
        ("2026-12-02", "28 calendar days", "2026-12-29"),
        ("2026-12-02", "20 working days", "2026-12-31"),
        ("2026-12-02", "1 working day", "2026-12-02"),
        ("2026-12-05", "1 working day", "2026-12-07"),  # a Saturday: day 1 is the first working day
        ("2026-12-05", "2 working days", "2026-12-08"),
        ("2026-12-02", "6 months", "2027-06-01"),
        ("2026-03-01", "1 month", "2026-03-31"),
        ("2026-08-31", "6 months", "2027-02-28"),  # no 31 February: all of February is within
        ("2026-02-28", "1 month", "2026-03-27"),
        ("2026-12-02", "0 weeks", "2026-12-02"),
        ("2026-12-02T09:00:00+00:00", "24 hours", "2026-12-03T09:00:00+00:00"),  # hours are elapsed either way
    ],
)
def test_beginning_with_the_day_makes_the_start_day_one(start: str, within: str, end: str) -> None:
    assert due(at(start), Duration.parse(within), ENGLAND, "same_day") == at(end)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-27T22:15:00+00:00", "2026-03-30T23:15:00+01:00"),  # clocks go forward on the 29th
        ("2026-10-23T23:40:00+01:00", "2026-10-26T22:40:00+00:00"),  # and back on the 25th
        ("2026-03-28", "2026-03-31T01:00:00+01:00"),  # no time of day: from 00:00
        ("2026-06-01", "2026-06-04T00:00:00+01:00"),
    ],
)
def test_72_hours_are_72_real_hours_across_both_clock_changes(start: str, end: str) -> None:
    answer = due(at(start), Duration(72, "hour"), ENGLAND)
    assert answer == at(end)
    assert isinstance(answer, datetime) and answer.tzinfo is UTC


def test_a_moment_counts_from_its_london_day() -> None:
    """23:30 UTC in summer is the next day in London; so is 20:30 in New York."""
    late = datetime(2026, 6, 3, 23, 30, tzinfo=UTC)
    assert due(late, Duration(1, "working day"), ENGLAND) == date(2026, 6, 5)
    assert due(late.astimezone(timezone(-4 * timedelta(hours=1))), Duration(1, "week"), ENGLAND) == date(2026, 6, 11)
    assert due(late, Duration(1, "month"), ENGLAND, "same_day") == date(2026, 7, 3)


def test_a_moment_without_an_offset_is_refused() -> None:
    for unit in ("hour", "working day"):
        with pytest.raises(ValueError, match="offset"):
            due(datetime(2026, 6, 3, 12), Duration(1, unit), ENGLAND)


def test_the_nation_decides() -> None:
    ends = [due(date(2026, 11, 27), Duration(1, "working day"), calendar_for(nation)) for nation in NATIONS]
    assert ends == [date(2026, 11, 30), date(2026, 12, 1), date(2026, 11, 30)]


def test_school_days_say_that_school_terms_are_needed() -> None:
    for convention in ("next_day", "same_day"):
        with pytest.raises(InputError, match="no school terms are known"):
            due(WED, Duration(5, "school day"), ENGLAND, convention)


@pytest.mark.parametrize(
    ("start", "within"),
    [
        ("2100-12-20", "20 working days"),
        ("2101-01-04", "1 working day"),
        ("1871-12-29", "5 working days"),
        ("9999-12-31", "1 month"),
        ("9999-12-31", "1 week"),
        ("9999-12-31", "48 hours"),
        ("2026-12-02", f"{10**30} calendar days"),
        ("2026-12-02", f"{10**30} months"),
    ],
)
def test_a_date_that_cannot_be_worked_out_is_an_error(start: str, within: str) -> None:
    for convention in ("next_day", "same_day"):
        with pytest.raises(InputError):
            due(at(start), Duration.parse(within), ENGLAND, convention)


@pytest.mark.parametrize(
    ("value", "span", "moved"),
    [
        ("2027-01-04", "20 working days", "2026-12-02"),
        ("2027-01-04", "2 working days", "2026-12-30"),  # the due day is day 0
        ("2027-01-02", "1 working day", "2026-12-31"),
        ("2027-03-31", "1 month", "2027-02-28"),
        ("2027-01-15", "2 months", "2026-11-15"),
        ("2027-01-04", "8 weeks", "2026-11-09"),
        ("2027-01-04", "10 calendar days", "2026-12-25"),
        ("2027-01-04", "12 hours", "2027-01-03T12:00:00+00:00"),
        ("2026-10-26T06:00:00+00:00", "36 hours", "2026-10-24T19:00:00+01:00"),
        ("2026-10-26T06:00:00+00:00", "1 working day", "2026-10-23"),
    ],
)
def test_warnings_count_backwards_from_the_due_date(value: str, span: str, moved: str) -> None:
    assert shift(at(value), Duration.parse(span), ENGLAND, backwards=True) == at(moved)


def test_ladder_steps_count_forwards_from_the_due_date() -> None:
    assert shift(date(2026, 12, 24), Duration(1, "working day"), ENGLAND) == date(2026, 12, 29)
    assert shift(date(2026, 7, 1), Duration(4, "hour"), ENGLAND) == at("2026-07-01T04:00:00+01:00")


def test_a_count_shows_each_day_its_number_or_why_it_was_skipped() -> None:
    counted = count(date(2026, 12, 24), Duration(2, "working day"), ENGLAND)
    assert counted == [
        CountedDay(date(2026, 12, 24), 0),
        CountedDay(date(2026, 12, 25), None, "Christmas Day"),
        CountedDay(date(2026, 12, 26), None, "Saturday"),
        CountedDay(date(2026, 12, 27), None, "Sunday"),
        CountedDay(date(2026, 12, 28), None, "Boxing Day (substitute day)"),
        CountedDay(date(2026, 12, 29), 1),
        CountedDay(date(2026, 12, 30), 2),
    ]


def test_a_count_beginning_with_the_day_numbers_or_skips_the_start() -> None:
    assert count(date(2026, 12, 5), Duration(1, "working day"), ENGLAND, "same_day") == [
        CountedDay(date(2026, 12, 5), None, "Saturday"),
        CountedDay(date(2026, 12, 6), None, "Sunday"),
        CountedDay(date(2026, 12, 7), 1),
    ]


@pytest.mark.parametrize(
    ("within", "end", "number"),
    [("6 months", "2027-06-02", 6), ("2 weeks", "2026-12-16", 2), ("30 hours", "2026-12-03", 30)],
)
def test_a_count_in_larger_units_is_its_start_and_end(within: str, end: str, number: int) -> None:
    assert count(WED, Duration.parse(within), ENGLAND) == [CountedDay(WED, 0), CountedDay(at(end), number)]


def test_a_count_beginning_with_the_day_starts_at_one_except_for_elapsed_hours() -> None:
    starts = [count(WED, Duration(n, u), ENGLAND, "same_day")[0].number for n, u in ((2, "week"), (30, "hour"))]
    assert starts == [1, 0]


def test_calendar_days_skip_nothing() -> None:
    counted = count(date(2026, 12, 24), Duration(3, "calendar day"), ENGLAND)
    assert [(c.number, c.skipped_because) for c in counted] == [(0, None), (1, None), (2, None), (3, None)]


@given(nations, days, st.integers(1, 70), conventions)
def test_a_count_ends_on_the_due_day_and_misses_no_day(
    calendar: Calendar, start: date, n: int, convention: CountFrom
) -> None:
    within = Duration(n, "working day")
    counted = count(start, within, calendar, convention)
    assert counted[-1] == CountedDay(due(start, within, calendar, convention), n)
    assert [c.day for c in counted] == [start + DAY * i for i in range(len(counted))]
    numbers = [c.number for c in counted if c.number is not None]
    assert numbers == list(range(convention == "same_day", n + 1))
    assert all((c.number is None) == (c.skipped_because is not None) for c in counted)


@pytest.mark.parametrize(("day", "length"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_london_day_is_as_long_as_its_clock_says(day: str, length: int) -> None:
    assert end_of(at(day)) - begin_of(at(day)) == timedelta(hours=length)


def test_days_begin_and_end_at_midnight_in_london() -> None:
    assert begin_of(date(2026, 6, 1)) == datetime(2026, 5, 31, 23, tzinfo=UTC)
    assert end_of(date(2026, 6, 1)) == datetime(2026, 6, 1, 23, tzinfo=UTC)
    moment = datetime(2026, 6, 1, 9, tzinfo=UTC)
    assert begin_of(moment) == end_of(moment) == moment


@pytest.mark.parametrize(
    ("born", "years", "day"),
    [
        ("2008-02-29", 18, "2026-03-01"),
        ("2008-02-29", 20, "2028-02-29"),
        ("2008-02-28", 18, "2026-02-28"),
        ("2010-12-31", 16, "2026-12-31"),
    ],
)
def test_a_leap_day_birthday_falls_on_1_march_in_a_common_year(born: str, years: int, day: str) -> None:
    turned = birthday(at(born), years)
    assert turned == at(day)
    assert age_on(at(born), turned) == years
    assert age_on(at(born), turned - DAY) == years - 1


def test_an_unborn_child_is_younger_than_nought() -> None:
    assert age_on(date(2027, 3, 1), date(2026, 12, 2)) == -1


def test_a_birthday_past_the_last_year_is_an_error() -> None:
    with pytest.raises(InputError, match="date of birth"):
        birthday(date(9999, 1, 1), 18)


@given(days, st.integers(0, 17))
def test_age_and_birthday_agree(born: date, years: int) -> None:
    assert age_on(born, birthday(born, years)) == years
    assert birthday(born, years) <= birthday(born, years + 1) - 365 * DAY


@pytest.mark.parametrize(
    ("end", "plan"),
    [
        ("2026-12-28", "2026-12-24"),
        ("2026-12-29", "2026-12-29"),
        ("2026-12-27T09:00:00+00:00", "2026-12-24"),
        ("2026-07-05T23:30:00+00:00", "2026-07-06"),
    ],
)
def test_the_day_to_plan_for_is_a_working_day_not_after_the_due_day(end: str, plan: str) -> None:
    assert plan_by(at(end), ENGLAND) == at(plan)


@given(nations, days, st.integers(1, 500), conventions)
def test_working_days_never_run_out_on_another_day(
    calendar: Calendar, start: date, n: int, convention: CountFrom
) -> None:
    end = due(start, Duration(n, "working day"), calendar, convention)
    assert calendar.is_working(end)


@given(nations, days, st.integers(0, 400), day_units, conventions)
def test_a_longer_length_never_runs_out_sooner(
    calendar: Calendar, start: date, n: int, unit: Unit, convention: CountFrom
) -> None:
    shorter, longer = (due(start, Duration(m, unit), calendar, convention) for m in (n, n + 1))
    assert shorter <= longer
    assert start <= shorter


@given(nations, days, st.integers(0, 40), st.integers(0, 120), day_units, conventions)
def test_a_later_start_never_runs_out_sooner(
    calendar: Calendar, start: date, later: int, n: int, unit: Unit, convention: CountFrom
) -> None:
    first, second = (due(s, Duration(n, unit), calendar, convention) for s in (start, start + later * DAY))
    assert first <= second


@given(nations, days, st.integers(1, 120), day_units)
def test_the_two_conventions_are_at_most_one_step_apart(calendar: Calendar, start: date, n: int, unit: Unit) -> None:
    usual, early = due(start, Duration(n, unit), calendar), due(start, Duration(n, unit), calendar, "same_day")
    assert early <= usual
    if unit == "working day":
        assert calendar.working_days_between(early, usual) == calendar.is_working(start)
    elif unit != "month":
        assert usual - early == DAY


@given(days, st.integers(0, 120))
def test_months_never_skip_a_month_and_keep_the_number_of_the_day(start: date, n: int) -> None:
    end = due(start, Duration(n, "month"), ENGLAND)
    assert isinstance(end, date)
    assert end.year * 12 + end.month == start.year * 12 + start.month + n
    assert end.day == start.day or (end.day < start.day and (end + DAY).day == 1)


@given(days, st.integers(0, 30))
def test_months_backwards_never_skip_a_month_either(start: date, n: int) -> None:
    end = shift(start, Duration(n, "month"), ENGLAND, backwards=True)
    assert end.year * 12 + end.month == start.year * 12 + start.month - n


@given(moments, st.integers(0, 500))
def test_hours_are_real_elapsed_hours(start: datetime, n: int) -> None:
    assert due(start, Duration(n, "hour"), ENGLAND) - start == timedelta(hours=n)
    assert shift(due(start, Duration(n, "hour"), ENGLAND), Duration(n, "hour"), ENGLAND, backwards=True) == start
