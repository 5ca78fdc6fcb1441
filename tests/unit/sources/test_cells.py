"""One cell at a time: dates, answers, labels and flags as case systems write them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.cases.records import LONDON, Unreadable
from alertd.cases.sources import cells as v


@pytest.mark.parametrize(
    "cell",
    [
        "2026-03-05",
        "2026-03-05 00:00:00",
        "2026-03-05T00:00:00.000",
        " 2026-03-05 00:00:00.000000\u00a0",
        "05/03/2026",
        "5/3/2026",
        "05/03/2026 00:00",
        date(2026, 3, 5),
        datetime(2026, 3, 5),
        datetime(2026, 3, 5, tzinfo=UTC),
    ],
)
def test_a_day_however_it_is_written_is_day_first_and_never_month_first(cell: object) -> None:
    assert v.moment(cell) == date(2026, 3, 5)
    assert type(v.moment(cell)) is date


@pytest.mark.parametrize(
    "cell", ["May be 8 Jan 2000", "36526.0", 36526, "2026-02-30", "03/13/2026", "20260305", "#N/A"]
)
def test_what_is_not_a_date_is_unreadable_and_is_not_repeated(cell: object) -> None:
    found = v.day(cell)
    assert isinstance(found, Unreadable)
    assert str(cell) not in found.why


def test_a_time_of_day_is_kept_as_london_time() -> None:
    assert v.moment("2026-07-01 23:30:00") == datetime(2026, 7, 1, 23, 30, tzinfo=LONDON)
    assert v.moment(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == datetime(2026, 7, 1, 23, 30, tzinfo=LONDON)


def test_midnight_is_judged_in_london_not_where_the_database_is() -> None:
    assert v.moment(datetime(2026, 6, 30, 23, tzinfo=UTC)) == date(2026, 7, 1)


@pytest.mark.parametrize("cell", ["1900-01-01", "9999-12-31 23:59:59", datetime(1900, 1, 1), date(9999, 12, 31)])
def test_a_filler_date_is_a_doubt_except_where_the_column_writes_none_that_way(cell: object) -> None:
    found = v.day(cell)
    assert isinstance(found, Unreadable)
    assert found.why.endswith("is a filler date")
    assert v.day_or_filler(cell) is None


def test_a_bad_date_is_still_unreadable_where_fillers_are_blank() -> None:
    assert isinstance(v.day_or_filler("soon"), Unreadable)


@pytest.mark.parametrize("read", [v.day, v.moment, v.yes_no, v.text, v.ident, v.score, v.health_type, v.eligibility])
@pytest.mark.parametrize("cell", [None, "", "  ", "\u00a0"])
def test_blank_is_none(read: object, cell: object) -> None:
    assert read(cell) is None  # type: ignore[operator]


@pytest.mark.parametrize(
    ("cell", "key"), [(12, "12"), (12.0, "12"), (Decimal("7.00"), "7"), (" 007 ", "007"), (-1, None)]
)
def test_keys_are_text_with_their_leading_zeros_and_without_a_decimal_point(cell: object, key: str | None) -> None:
    assert v.ident(cell) == key


@pytest.mark.parametrize(
    ("cell", "answer"), [("Y", True), ("yes ", True), (1, True), (False, False), ("n", False), ("NA", None)]
)
def test_yes_and_no(cell: object, answer: bool | None) -> None:
    assert v.yes_no(cell) is answer


def test_any_other_answer_is_unreadable() -> None:
    assert isinstance(v.yes_no("maybe"), Unreadable)


@pytest.mark.parametrize(
    ("cell", "answer"), [("Quorate", True), ("Y", True), ("Not quorate", False), ("Inquorate", False), (None, None)]
)
def test_quorate_is_read_from_words(cell: object, answer: bool | None) -> None:
    assert v.quorate(cell) is answer


@pytest.mark.parametrize(
    ("cell", "status"), [("C2", "C2"), ("c2 - Full care order", "C2"), ("Full care order", "Full care order")]
)
def test_the_code_is_taken_from_before_its_label(cell: str, status: str) -> None:
    assert v.code(cell) == status


@pytest.mark.parametrize(
    ("status", "short"),
    [("V3", True), ("V4", True), ("Agreed series of short-term breaks", True), ("Short breaks", True), ("V2", False)],
)
def test_short_breaks_are_known_by_code_or_label(status: str, short: bool) -> None:
    assert v.is_short_break(status) is short


@pytest.mark.parametrize(
    ("cell", "rolls"),
    [("X1", True), ("Episode ceases, and new episode begins on same day", True), ("E4", False), (None, False)],
)
def test_an_episode_that_rolls_on_is_known_by_code_or_label(cell: object, rolls: bool) -> None:
    assert v.rolls_on(cell) is rolls


@pytest.mark.parametrize(
    ("cell", "role"),
    [
        ("CW", "CW"),
        ("cw", "CW"),
        ("Allocated Case Worker", "CW"),
        ("ALLOCATEDWORKER", "CW"),
        ("Caseworker", "CW"),
        ("Unallocated", "Unallocated"),
        ("Not allocated", "Not allocated"),
        ("IRO", "IRO"),
    ],
)
def test_the_lead_worker_is_known_by_code_or_label(cell: str, role: str) -> None:
    assert v.role(cell) == role


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("IHA", "initial"),
        ("Initial Health Assessment", "initial"),
        ("Review Health Assessment", "review"),
        ("RHA (6 monthly)", "review"),
        ("Dental check", "dental"),
        ("Dental review", "dental"),
        ("Optician check", "other"),
    ],
)
def test_health_checks_are_told_apart_by_words(cell: str, kind: str) -> None:
    assert v.health_type(cell) == kind


@pytest.mark.parametrize("cell", ["Initial or review", "Health Assessment", "Annual Medical", "LAC Health Check"])
def test_an_assessment_that_does_not_say_which_is_in_doubt_and_neither_met_nor_missing(cell: str) -> None:
    assert isinstance(v.health_type(cell), Unreadable)


@pytest.mark.parametrize(
    ("cell", "status"),
    [("COMPLETE", "completed"), ("Planned", "planned"), ("Refused", "refused"), ("Cancelled", "cancelled")],
)
def test_health_status(cell: str, status: str) -> None:
    assert v.health_status(cell) == status
    assert isinstance(v.health_status("In hand"), Unreadable)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("Eligible child", "eligible"),
        ("Relevant", "relevant"),
        ("Former Relevant", "former relevant"),
        ("Qualifying", "qualifying"),
        ("No Current Eligibility", "none"),
    ],
)
def test_eligibility(cell: str, name: str) -> None:
    assert v.eligibility(cell) == name
    assert isinstance(v.eligibility("Something else"), Unreadable)


@pytest.mark.parametrize(("cell", "total"), [("17", 17), ("17.0", 17), (0, 0), (40, 40)])
def test_a_score(cell: object, total: int) -> None:
    assert v.score(cell) == total


@pytest.mark.parametrize("cell", ["41", "-1", "high", "12.5"])
def test_what_is_no_score_is_unreadable(cell: str) -> None:
    assert isinstance(v.score(cell), Unreadable)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("M", "missing"), ("Missing", "missing"), ("Away from placement", "away"), ("A", "away"), ("", None)],
)
def test_missing_or_away(cell: str, kind: str | None) -> None:
    assert v.missing_type(cell) == kind
    assert isinstance(v.missing_type("Lost"), Unreadable)


def test_flags_are_read_from_json_that_no_parser_would_take() -> None:
    broken = '{"NFA_FLAG": "", "CP_CONFERENCE_FLAG":"Y", "COMMENTS": "he said "no" and\nthen'
    assert v.flags(broken) == {"NFA_FLAG": False, "CP_CONFERENCE_FLAG": True}


def test_a_flag_cut_off_in_the_middle_was_not_read() -> None:
    assert v.flags('{"NFA_FLAG": "N", "CP_CONFERENCE_FLAG": "') == {"NFA_FLAG": False}


@given(
    st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.datetimes(), st.dates(), st.binary(), st.decimals())
)
def test_no_cell_whatever_stops_the_reading(cell: object) -> None:
    for read in (v.moment, v.day_or_filler, v.yes_no, v.quorate, v.ident, v.code, v.role, v.score, v.flags):
        read(cell)  # type: ignore[operator]
    for words in (v.health_type, v.health_status, v.missing_type, v.eligibility, v.rolls_on, v.flagged):
        words(cell)  # type: ignore[operator]
