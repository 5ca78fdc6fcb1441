"""Dates as returns write them: day first, always; nothing is guessed."""

from datetime import date

import pytest

from alertd.cases.records import Unreadable
from alertd.cases.sources.dates import uk_day


@pytest.mark.parametrize("text", ["03/02/2017", " 03/02/2017\u00a0", "03/02/2017 00:00:00"])
def test_the_day_comes_first(text: str) -> None:
    assert uk_day(text) == date(2017, 2, 3)


def test_blank_is_none() -> None:
    assert uk_day(" \u00a0") is None


@pytest.mark.parametrize(
    "text",
    [
        "2017-02-03",
        "3/2/2017",
        "03/02/17",
        "02/13/2017",
        "29/02/2017",
        "zz/02/2017",
        "42769.0",
        "03/02/2017 09:30:00",
        "01/01/1900",
        "31/12/9999",
        "٠٣/٠٢/٢٠١٧",
    ],
)
def test_anything_else_is_unreadable_and_the_reason_does_not_repeat_it(text: str) -> None:
    found = uk_day(text)
    assert isinstance(found, Unreadable)
    assert text not in found.why
