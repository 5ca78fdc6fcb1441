"""School days: the working days in a term on which schools are open, and never a guess beyond the terms known."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.calendars.calendar import Calendar, NoTermsError, Term, calendar_for
from alertd.calendars.clock import count, due, shift
from alertd.calendars.durations import Duration
from alertd.errors import InputError

AUTUMN = (
    Term(date(2026, 9, 2), date(2026, 10, 23), closed=(date(2026, 9, 2), date(2026, 9, 3))),
    Term(date(2026, 11, 2), date(2026, 12, 18)),
)
SPRING = (Term(date(2027, 1, 4), date(2027, 2, 12)), Term(date(2027, 2, 22), date(2027, 3, 26)))
SCHOOL = calendar_for("england-and-wales", (*SPRING, *AUTUMN))  # the order they are given in does not matter
DAY = timedelta(days=1)
in_reach = st.dates(date(2026, 9, 2), date(2027, 3, 26))


def days(n: int) -> Duration:
    return Duration(n, "school day")


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2026, 9, 2), "school closed"),
        (date(2026, 9, 4), None),
        (date(2026, 9, 5), "Saturday"),
        (date(2026, 10, 23), None),
        (date(2026, 10, 26), "school holiday"),
        (date(2026, 11, 2), None),
        (date(2026, 12, 25), "Christmas Day"),
        (date(2027, 3, 26), "Good Friday"),
    ],
)
def test_what_is_a_school_day_and_why_not(day: date, why: str | None) -> None:
    assert SCHOOL.why_no_school(day) == why
    assert SCHOOL.is_school_day(day) is (why is None)


@pytest.mark.parametrize(
    ("start", "n", "end"),
    [
        ("2026-10-21", 2, "2026-10-23"),
        ("2026-10-21", 3, "2026-11-02"),  # over the half term
        ("2026-10-28", 1, "2026-11-02"),  # from a day of the holiday
        ("2026-09-02", 1, "2026-09-04"),  # over the days on which schools were closed to pupils
        ("2026-12-18", 1, "2027-01-04"),  # over Christmas
        ("2026-12-18", 0, "2026-12-18"),
        ("2026-12-25", 0, "2026-12-25"),
    ],
)
def test_school_days_after_a_day(start: str, n: int, end: str) -> None:
    assert due(date.fromisoformat(start), days(n), SCHOOL) == date.fromisoformat(end)


@pytest.mark.parametrize(
    ("start", "n", "end"),
    [
        ("2026-10-21", 3, "2026-10-23"),
        ("2026-10-28", 1, "2026-11-02"),
        ("2026-09-02", 1, "2026-09-04"),  # the day before the first term known is not asked about
        ("2026-09-04", 1, "2026-09-04"),
    ],
)
def test_beginning_with_a_day_counts_it_where_it_is_a_school_day(start: str, n: int, end: str) -> None:
    assert due(date.fromisoformat(start), days(n), SCHOOL, "same_day") == date.fromisoformat(end)


def test_school_days_before_a_day() -> None:
    assert shift(date(2026, 11, 3), days(2), SCHOOL, backwards=True) == date(2026, 10, 23)
    assert shift(date(2026, 11, 1), days(1), SCHOOL, backwards=True) == date(2026, 10, 23)


@pytest.mark.parametrize(
    ("start", "n", "backwards"),
    [
        ("2026-09-01", 0, False),
        ("2026-09-01", 1, False),
        ("2027-03-27", 1, True),
        ("2027-03-25", 1, False),
        ("2026-09-04", 1, True),
    ],
)
def test_no_sum_leaves_the_terms_known(start: str, n: int, backwards: bool) -> None:
    with pytest.raises(InputError, match="beyond the school terms known, 2026-09-02 to 2027-03-26"):
        shift(date.fromisoformat(start), days(n), SCHOOL, backwards=backwards)


def test_without_terms_nothing_is_counted_in_school_days() -> None:
    with pytest.raises(NoTermsError, match="no school terms are known"):
        due(date(2026, 11, 2), days(1), calendar_for("england-and-wales"))


def test_a_term_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(InputError, match="beyond the scotland calendar"):
        calendar_for("scotland", (Term(date(2250, 9, 1), date(2250, 12, 18)),))


def test_terms_change_no_working_day() -> None:
    plain = calendar_for("england-and-wales")
    assert SCHOOL.add_working_days(date(2026, 10, 23), 5) == plain.add_working_days(date(2026, 10, 23), 5)


def test_an_explanation_names_every_day_left_out() -> None:
    skipped = [(c.day, c.skipped_because) for c in count(date(2026, 10, 22), days(2), SCHOOL) if c.skipped_because]
    assert skipped[0] == (date(2026, 10, 24), "Saturday") and skipped[-1] == (date(2026, 11, 1), "Sunday")
    assert (date(2026, 10, 28), "school holiday") in skipped


def by_hand(calendar: Calendar, day: date, n: int) -> date:
    """The same sum, a day at a time."""
    while n:
        day += DAY
        n -= calendar.is_school_day(day)
    return day


@given(in_reach, st.integers(0, 30))
def test_counting_a_day_at_a_time_comes_to_the_same(day: date, n: int) -> None:
    try:
        found = SCHOOL.add_school_days(day, n)
    except InputError:
        with pytest.raises(InputError):
            by_hand(SCHOOL, day, n)
    else:
        assert by_hand(SCHOOL, day, n) == found
