"""The authority's school terms: what the file may hold, and what is refused with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from alertd.calendars.calendar import Term, calendar_for
from alertd.calendars.clock import due
from alertd.calendars.durations import Duration
from alertd.calendars.terms import read_terms
from alertd.errors import InputError

HEAD = "start,end,closed\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "terms.csv"
    path.write_text(text, "utf-8")
    return path


def test_terms_are_read_in_order_with_their_closed_days(tmp_path: Path) -> None:
    text = HEAD + "2027-01-05,2027-02-12,\n2026-09-02,2026-10-23,2026-09-02 2026-10-05\n"
    terms = read_terms(written(tmp_path, text))
    assert terms == (
        Term(date(2026, 9, 2), date(2026, 10, 23), (date(2026, 9, 2), date(2026, 10, 5))),
        Term(date(2027, 1, 5), date(2027, 2, 12)),
    )
    # Wed 21 Oct: Thu and Fri count, then the holidays pass, and Tue 5 January is the third.
    calendar = calendar_for("england-and-wales", terms)
    assert due(date(2026, 10, 21), Duration(3, "school day"), calendar) == date(2027, 1, 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("start,end\n", "terms.csv:1: the columns are not start, end and closed"),
        (HEAD + "2026-09-31,2026-10-23,\n", "terms.csv:2: start: '2026-09-31' is not a day. Write it as 2026-09-02"),
        (HEAD + "2026-09-02,,\n", "terms.csv:2: end: '' is not a day"),
        (HEAD + "2026-09-02,2026-08-23,\n", "terms.csv:2: end: it ends before it starts, on 2026-08-23"),
        (HEAD + "2026-09-02,2026-10-23,2026-12-01\n", "terms.csv:2: closed: 2026-12-01 is not in the term"),
        (HEAD + "2026-09-02,2026-10-23,2026-09-02,2026-09-03\n", "terms.csv:2: there are more than three columns"),
        (HEAD + f"2026-09-02,2026-10-23,{'x' * 200_000}\n", "terms.csv: is not a table: field larger"),
        (
            HEAD + "2026-09-02,2026-10-23,\n2026-10-20,2026-12-18,\n",
            "the term from 2026-10-20 begins before the one before it ends",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as told:
        read_terms(written(tmp_path, text))
    assert words in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_terms(tmp_path / "none.csv")
