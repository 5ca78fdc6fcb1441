"""Days as people type them into three fields."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.web.days import PARTS, Wrong, day_of


def typed(day: str, month: str, year: str) -> date | Wrong:
    return day_of({"day": day, "month": month, "year": year})


@pytest.mark.parametrize("month", ["12", "December", "dec", "DEC"])
def test_a_month_is_a_number_or_its_name(month: str) -> None:
    assert typed("24", month, "2026") == date(2026, 12, 24)
    assert typed("04", "02", "2028") == date(2028, 2, 4)


@pytest.mark.parametrize(
    ("given", "says", "parts"),
    [
        (("", "", ""), "Give the day", PARTS),
        (("24", "", "2026"), "must have a month", ("month",)),
        (("", "12", ""), "must have a day and a year", ("day", "year")),
        (("24", "12", "26"), "4 digits", ("year",)),
        (("24", "12", "0000"), "4 digits", ("year",)),
        (("24", "13", "2026"), "from 1 to 12", ("month",)),
        (("24", "soon", "2026"), "from 1 to 12", ("month",)),
        (("31", "11", "2026"), "no such day", ("day",)),
        (("29", "2", "2027"), "no such day", ("day",)),
        (("first", "2", "2027"), "no such day", ("day",)),
    ],
)
def test_what_is_wrong_is_said_of_the_part_that_is(
    given: tuple[str, str, str], says: str, parts: tuple[str, ...]
) -> None:
    found = typed(*given)
    assert isinstance(found, Wrong) and says in found.text and found.parts == parts


@given(st.dates(min_value=date(1000, 1, 1)))
def test_every_day_can_be_typed(day: date) -> None:
    assert typed(str(day.day), str(day.month), f"{day:%Y}") == day


@given(st.text(), st.text(), st.text())
def test_whatever_is_typed_is_a_day_or_an_answer(day: str, month: str, year: str) -> None:
    assert isinstance(typed(day, month, year), date | Wrong)
