"""One cell of an Annex A list, however an authority writes it."""

import csv
from datetime import date, datetime, time, timedelta
from importlib.resources import files

import pytest

from alertd.cases.records import Unreadable
from alertd.cases.sources import annex_a_cells as v

MARCH = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        (MARCH, MARCH),
        (datetime(2026, 3, 2, 14, 30), MARCH),
        ("02/03/2026", MARCH),  # the day first, and always so
        ("2/3/2026", MARCH),
        ("02-03-2026", MARCH),
        ("02.03.2026 00:00:00", MARCH),
        ("2026-03-02", MARCH),
        ("2026-03-02T09:15:00", MARCH),
        ("\xa002/03/2026 ", MARCH),
        (46083, MARCH),
        (46083.0, MARCH),
        (46083.6, MARCH),
        ("46083", MARCH),
        ("46083.0", MARCH),
        (36526, date(2000, 1, 1)),
        ("36526.0", date(2000, 1, 1)),
        *((blank, None) for blank in (None, "", "  ", "\xa0", "#N/A", "#VALUE!", "n/a", "NULL", 0, 0.0, time(0), "0")),
    ],
)
def test_a_day(cell: object, day: date | None) -> None:
    assert v.day(cell) == day


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "May be 8 Jan 2000",
            "31/02/2026",
            "13/13/2026",
            "03/02/26",
            "2026",
            2026,
            7,
            -5,
            1e20,
            float("nan"),
            "٣/٣/٢٠٢٦",
        ),
        *(True, time(9, 30), timedelta(days=3), date(1900, 1, 1), date(1899, 12, 31), "9999-12-31", "01/01/1900"),
        *("01/01/0001", date(1066, 10, 14), v.UNCALCULATED, "1" * 400, "0/0/0000"),
    ],
)
def test_no_day_is_guessed_and_why_repeats_no_cell(cell: object) -> None:
    found = v.day(cell)
    assert isinstance(found, Unreadable)
    assert "Jan" not in found.why


@pytest.mark.parametrize(
    ("column", "written", "means"),
    [
        *(("nfa", each, "yes") for each in ("a) Yes", "Yes", "YES", "y", "1 - Yes", True, 1.0, "a)Yes", "A)  yes\xa0")),
        *(("nfa", each, "no") for each in ("b) No", "no", "0 - No", "N", False, 0.0)),
        *(("seen_alone", each, None) for each in ("c) Unknown", "unknown", "", None, "#N/A")),
        ("seen_alone", "Child not seen alone", "no"),
        ("seen", "Seen alone", "yes"),
        ("status", "C2: FCO", "C2"),
        ("status", "C2", "C2"),
        ("status", "CLA - C1 - Interim Care Order", "C1"),
        ("status", "E1  [Placement Order Granted]", "E1"),
        ("status", "Interim care order", "C1"),
        ("status", "SINGLE PERIOD OF ACCOMMODATION UNDER SECTION 20 [V2]", "V2"),
        ("status", "V3: Short term breaks, episodes recorded", "V3"),
        ("placement_type", "f) U6: Foster placement - not FFA", "U6"),
        ("placement_type", "zz) T4: Temporary placement - seven days or less", "T4"),
        ("placement_type", "Foster placement with relative or friend – long term fostering", "U1"),
        ("placement_type", "h5", "H5"),
        ("ceased", "e) E4A: Returned home to live with parents or relatives - part of planning", "E4A"),
        ("ceased", "X1 - New Episode", "X1"),
        ("ceased", "c) E2: Died", "E2"),
        ("closure", "RC2:Died", "RC2"),
        ("closure", "RC5a - Transferred to services of another LA", "RC5"),
        ("eligibility", "b) Former relevant child", "former relevant"),
        ("eligibility", "Care Leaver - Former Relevant", "former relevant"),
        ("eligibility", "d) Eligible", "eligible"),
        ("case_status", "e) Closed episode", "closed"),
        ("in_touch", "c) Died", "died"),
    ],
)
def test_a_coded_answer_by_its_code_its_letter_or_its_words(column: str, written: object, means: str | None) -> None:
    assert v.coded(column, written) == means


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("nfa", "perhaps"),
        ("status", "C1 or C2"),  # two codes
        ("status", "XC2"),
        ("placement_type", "?"),
        ("eligibility", "e) Other"),
        ("closure", "U6"),  # a code of another column
        ("seen", "Child not seen alone"),  # whether the child was seen at all it does not say
    ],
)
def test_an_unknown_spelling_is_unreadable_and_not_repeated(column: str, written: str) -> None:
    found = v.coded(column, written)
    assert isinstance(found, Unreadable)
    assert written not in found.why


def test_no_spelling_in_the_table_means_two_things() -> None:
    with files("alertd.cases.sources").joinpath("annex_a_codes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    meanings: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        for written in row["written"].split("|"):
            assert written.strip() == written
            assert v._key(written)
            meanings.setdefault((row["column"], v._key(written)), set()).add(row["means"])
    assert [spelling for spelling, means in meanings.items() if len(means) > 1] == []


@pytest.mark.parametrize("age", [-1, -1.0, "-1", "-1.0", "Unborn", " unborn "])
def test_an_age_that_says_unborn(age: object) -> None:
    assert v.is_unborn(age)


@pytest.mark.parametrize("age", [0, 1, 6.61, "", None, "#N/A", "1-", v.UNCALCULATED])
def test_an_age_that_does_not(age: object) -> None:
    assert not v.is_unborn(age)
