"""Patterns that should not be: so many records in a span, so many in a row, no state open."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.calendars.calendar import calendar_for
from alertd.calendars.clock import shift
from alertd.calendars.durations import Duration
from alertd.cases.records import Record, local_day
from alertd.engine.gaps import leaves
from tests.unit.engine.engine_samples import ODD, case, found, only, record, rule, stages, told

ENGLAND = calendar_for("england-and-wales")
CARE = record("care_period", "L1", start="2026-01-05")
MOVES = rule("gap.moves", "care_period", count={"record": "placement", "last": "12 months", "at_least": 3})


def moves(*days: str) -> list[Record]:
    return [record("placement", f"P{n}", start=day) for n, day in enumerate(days, 1)]


# --- count --------------------------------------------------------------------------------------------------------


def test_so_many_in_the_span_that_ends_today_hold_from_the_day_of_the_last_of_them() -> None:
    finding = only(MOVES, case(CARE, *moves("2026-02-02", "2026-03-02", "2026-06-01")), "2026-06-01")
    assert (finding.stage, finding.start, finding.due) == ("due", date(2026, 6, 1), date(2026, 6, 1))
    assert (finding.record, finding.occurrence) == ("care_period:L1", "start")
    assert finding.evidence == ("placement P1", "placement P2", "placement P3")
    assert (finding.limit, finding.warned, finding.met) == ("", 0, None)


def test_a_count_begins_and_ceases_on_its_days_and_is_late_the_day_after_it_begins() -> None:
    of = case(CARE, *moves("2026-02-02", "2026-03-02", "2026-06-01"))
    wanted = {
        "2026-05-31": None,
        "2026-06-01": "due",
        "2026-06-02": "overdue",
        "2027-02-01": "overdue",
        "2027-02-02": None,
    }
    assert stages(MOVES, of, wanted) == wanted
    assert str(only(MOVES, of, "2026-06-10").changes) == "2027-02-02 00:00:00+00:00"


def test_a_count_that_never_broke_holds_since_it_began() -> None:
    unbroken = moves("2026-02-02", "2026-03-02", "2026-06-01", "2027-01-04")
    assert only(MOVES, case(CARE, *unbroken), "2027-02-20").start == date(2026, 6, 1)


def test_a_count_that_broke_holds_since_it_began_again() -> None:
    broken = moves("2026-02-02", "2026-03-02", "2026-06-01", "2027-02-03")
    assert only(MOVES, case(CARE, *broken), "2027-02-20").start == date(2027, 2, 3)


def test_only_what_lies_in_the_record_s_own_time_counts() -> None:
    before = moves("2026-01-04", "2026-03-02", "2026-06-01")
    assert found(MOVES, case(CARE, *before), "2026-06-01") == []
    assert only(MOVES, case(CARE, *moves("2026-01-05", "2026-03-02", "2026-06-01")), "2026-06-01").stage == "due"


def test_what_is_dated_ahead_or_not_at_all_does_not_count() -> None:
    ahead = [*moves("2026-02-02", "2026-03-02", "2026-06-02"), record("placement", "P9")]
    assert found(MOVES, case(CARE, *ahead), "2026-06-01") == []


def test_what_has_ended_has_no_pattern() -> None:
    of = moves("2026-02-02", "2026-03-02", "2026-06-01")
    over = record("care_period", "L1", start="2026-01-05", end="2026-06-10")
    assert only(MOVES, case(over, *of), "2026-06-09").stage == "overdue"
    assert found(MOVES, case(over, *of), "2026-06-10") == []
    died = record("child", "C1", born="2015-01-01", died="2026-06-10")
    assert found(MOVES, case(CARE, died, *of), "2026-06-10") == []


def test_whether_it_has_ended_may_be_untold() -> None:
    unsure = record("care_period", "L1", start="2026-01-05", end=ODD)
    finding = only(MOVES, case(unsure, *moves("2026-02-02", "2026-03-02", "2026-06-01")), "2026-06-09")
    assert told(finding) == ("unreadable", "end")


def test_a_record_that_may_count_leaves_it_untold_only_where_it_would_make_the_number() -> None:
    undated = record("placement", "P9", start=ODD)
    finding = only(MOVES, case(CARE, undated, *moves("2026-02-02", "2026-03-02")), "2026-06-01")
    assert told(finding) == ("unreadable", "start") and finding.asks_for_action
    assert found(MOVES, case(CARE, undated, *moves("2026-02-02")), "2026-06-01") == []
    certain = only(MOVES, case(CARE, undated, *moves("2026-02-02", "2026-03-02", "2026-04-01")), "2026-06-01")
    assert certain.stage == "overdue"


def test_a_blank_condition_is_named_and_the_earliest_record_first() -> None:
    unseen = rule(
        "gap.unseen",
        "cp_plan",
        count={"record": "cp_visit", "where": {"child_seen": False}, "last": "3 months", "at_least": 2},
    )
    plan = record("cp_plan", "Q1", start="2026-02-02")
    visits = [record("cp_visit", f"V{n}", happened=f"2026-03-0{n}") for n in (2, 1)]
    for order in (visits, visits[::-1]):
        finding = only(unseen, case(plan, *order), "2026-04-01")
        assert told(finding) == ("missing", "child_seen")
        assert finding.cannot_tell and finding.cannot_tell.where == "cp_visit V1"
        assert str(finding.changes) == "2026-05-31 23:00:00+00:00"  # when the first of them is three months old


def test_silence_outside_the_window_leaves_a_count_untold_until_the_window_reaches_back_far_enough() -> None:
    of = case(record("care_period", "L1", start="2020-01-06"), *moves("2026-02-02"), since="2025-07-01")
    assert told(only(MOVES, of, "2026-06-29"))[0] == "window"
    assert str(only(MOVES, of, "2026-06-29").changes) == "2026-06-29 23:00:00+00:00"
    assert found(MOVES, of, "2026-06-30") == []


def test_a_count_in_the_record_s_own_time_needs_no_window_before_it_began() -> None:
    assert found(MOVES, case(CARE, *moves("2026-02-02"), since="2026-01-05"), "2026-06-29") == []


def test_what_is_certainly_there_needs_no_window() -> None:
    of = case(CARE, *moves("2026-02-02", "2026-03-02", "2026-06-01"), since="2026-05-01", until="2026-05-02")
    assert only(MOVES, of, "2026-06-01").stage == "due"


def test_the_end_of_a_month_and_a_weekend_count_the_same_from_either_side() -> None:
    """A day leaves the span when the span of that day no longer reaches back to it, and not before."""
    month = rule("gap.month", "care_period", count={"record": "placement", "last": "1 month", "at_least": 1})
    of = case(CARE, *moves("2026-01-31"))
    wanted = {"2026-02-28": "overdue", "2026-03-01": None}
    assert stages(month, of, wanted) == wanted
    assert str(only(month, of, "2026-02-28").changes) == "2026-03-01 00:00:00+00:00"
    working = rule("gap.wd", "care_period", count={"record": "placement", "last": "1 working day", "at_least": 1})
    friday = {"2026-01-09": "due", "2026-01-10": None}
    assert stages(working, case(CARE, *moves("2026-01-09")), friday) == friday
    saturday = {"2026-01-10": "due", "2026-01-12": "overdue", "2026-01-13": None}
    assert stages(working, case(CARE, *moves("2026-01-10")), saturday) == saturday


@given(
    st.dates(date(2024, 1, 1), date(2028, 1, 1)),
    st.builds(Duration, st.integers(1, 14), st.sampled_from(["working day", "calendar day", "week", "month"])),
)
def test_a_day_leaves_a_span_once_and_for_all(day: date, span: Duration) -> None:
    for later in range(-6, 7):
        on = local_day(shift(day, span, ENGLAND)) + timedelta(days=later)
        within = local_day(shift(on, span, ENGLAND, backwards=True)) < day <= on
        assert within is (day <= on < leaves(day, span, ENGLAND))


SAME_ENQUIRY = rule("gap.twice", "icpc", count={"record": "icpc", "where": {"s47": "this.s47"}, "at_least": 1})


def test_a_record_does_not_count_itself_and_one_that_names_no_link_may_be_the_same() -> None:
    one = record("icpc", "I1", happened="2026-03-02", s47="S1")
    assert found(SAME_ENQUIRY, case(one), "2026-03-20") == []
    other = record("icpc", "I2", happened="2026-03-03", s47="S2")
    assert found(SAME_ENQUIRY, case(one, other), "2026-03-20") == []
    same = record("icpc", "I3", happened="2026-03-04", s47="S1")
    assert {f.record for f in found(SAME_ENQUIRY, case(one, other, same), "2026-03-20")} == {"icpc:I1", "icpc:I3"}
    unlinked = record("icpc", "I4", happened="2026-03-05")
    untold = {
        f.record: f.cannot_tell and f.cannot_tell.where for f in found(SAME_ENQUIRY, case(one, unlinked), "2026-03-20")
    }
    assert untold == {"icpc:I1": "icpc I4", "icpc:I4": "icpc I4"}


AGAIN = rule("gap.again", "referral", count={"record": "referral", "before": "12 months", "at_least": 1})


def referral(key: str, start: object, **values: object) -> Record:
    return record("referral", key, start=start, **values)


@pytest.mark.parametrize(
    ("earlier", "holds"), [("2025-05-31", False), ("2025-06-01", True), ("2026-05-31", True), ("2026-06-01", False)]
)
def test_the_span_before_a_record_ends_the_day_before_it_began(earlier: str, holds: bool) -> None:
    """The same-numbered day a year before counts; another of the same day does not."""
    findings = found(AGAIN, case(referral("R1", earlier), referral("R2", "2026-06-01")), "2026-06-03")
    assert [(f.record, f.start) for f in findings] == ([("referral:R2", date(2026, 6, 1))] if holds else [])


def test_a_record_that_does_not_say_when_it_began_cannot_be_counted_from() -> None:
    findings = found(AGAIN, case(referral("R1", "2026-05-01"), referral("R2", None)), "2026-06-03")
    assert [told(f) for f in findings] == [("missing", "start")]


def test_a_span_before_that_the_feed_does_not_reach_is_untold() -> None:
    assert found(AGAIN, case(referral("R2", "2026-06-01"), since="2025-06-01"), "2026-06-03") == []
    assert told(only(AGAIN, case(referral("R2", "2026-06-01"), since="2025-06-02"), "2026-06-03"))[0] == "window"


def test_the_span_after_a_record_begins_with_its_day_and_waits_for_what_comes() -> None:
    after = rule(
        "gap.after",
        "referral",
        clock={"within": "5 working days"},
        count={"record": "missing", "after": "1 month", "at_least": 2},
    )
    of = [
        referral("R1", "2026-06-01"),
        *(record("missing", f"M{n}", start=d) for n, d in enumerate(("2026-06-01", "2026-07-01"))),
    ]
    assert found(after, case(*of), "2026-06-30") == []
    finding = only(after, case(*of), "2026-07-01")
    assert (finding.stage, finding.start, finding.due) == ("running", date(2026, 7, 1), date(2026, 7, 8))
    assert (finding.limit, finding.binding) == ("5 working days", "statutory")
    assert found(after, case(of[0], of[1], record("missing", "M9", start="2026-07-02")), "2026-07-03") == []


def test_without_a_span_all_count_and_no_window_is_needed() -> None:
    ever = rule("gap.ever", "care_period", count={"record": "missing", "at_least": 2})
    of = case(
        CARE,
        *(record("missing", f"M{n}", start=d) for n, d in enumerate(("2010-01-04", "2026-02-02"))),
        since="2026-01-01",
    )
    assert only(ever, of, "2026-02-03").start == date(2026, 2, 2)
    assert found(ever, of, "2026-02-01") == []


def test_the_age_is_that_of_the_day_since_when_it_holds() -> None:
    young = rule(
        "gap.young", "care_period", age={"under": 5}, count={"record": "placement", "last": "12 months", "at_least": 2}
    )
    of = moves("2026-02-02", "2026-06-01")
    assert only(young, case(CARE, record("child", "C1", born="2021-06-02"), *of), "2026-07-01").stage == "overdue"
    assert found(young, case(CARE, record("child", "C1", born="2021-06-01"), *of), "2026-07-01") == []
    assert told(only(young, case(CARE, record("child", "C1"), *of), "2026-07-01")) == ("missing", "born")
    assert found(young, case(CARE, record("child", "C1", expected="2026-12-01"), *of), "2026-07-01") == []


def test_a_record_of_which_it_is_not_known_whether_the_rule_is_for_it_is_told_once() -> None:
    for_seen = rule("gap.seen", "cp_plan", where={"other_authority": False}, count={"record": "missing", "at_least": 1})
    assert told(only(for_seen, case(record("cp_plan", "Q1", start="2026-02-02")), "2026-03-02")) == (
        "missing",
        "other_authority",
    )


# --- in a row -----------------------------------------------------------------------------------------------------

PLAN = record("cp_plan", "Q1", start="2026-02-02")
NOT_SEEN = rule("gap.not_seen", "cp_plan", in_a_row={"record": "cp_visit", "where": {"child_seen": False}, "times": 2})


def visits(*seen: object) -> list[Record]:
    """Visits on the 2nd, 3rd, … of March; whether the child was seen."""
    return [record("cp_visit", f"V{n}", happened=f"2026-03-0{n}", child_seen=s) for n, s in enumerate(seen, 2)]


def test_so_many_in_a_row_up_to_the_latest_hold_since_the_one_that_made_the_number() -> None:
    finding = only(NOT_SEEN, case(PLAN, *visits(True, False, False, False)), "2026-03-20")
    assert (finding.stage, finding.start) == ("overdue", date(2026, 3, 4))
    assert finding.evidence == ("cp_visit V3", "cp_visit V4", "cp_visit V5")


@pytest.mark.parametrize(
    "seen", [(False,), (False, False, True), (False, True, False), (True, None), (None, False, True)]
)
def test_too_few_in_a_row_say_nothing(seen: tuple[object, ...]) -> None:
    assert found(NOT_SEEN, case(PLAN, *visits(*seen)), "2026-03-20") == []


@pytest.mark.parametrize(
    ("seen", "named"),
    [
        ((False, None), "cp_visit V3"),
        ((False, None, False), "cp_visit V3"),
        ((None, False), "cp_visit V2"),
        ((None, None, True, None, None), "cp_visit V6"),
    ],
)
def test_the_latest_of_which_it_cannot_be_told_is_named_where_it_might_make_the_number(
    seen: tuple[object, ...], named: str
) -> None:
    finding = only(NOT_SEEN, case(PLAN, *visits(*seen)), "2026-03-20")
    assert told(finding) == ("missing", "child_seen")
    assert finding.cannot_tell and finding.cannot_tell.where == named


def test_a_visit_whose_date_is_in_doubt_may_be_the_latest() -> None:
    undated = record("cp_visit", "V9", happened=ODD, child_seen=True)
    assert told(only(NOT_SEEN, case(PLAN, undated, *visits(False, False)), "2026-03-20")) == ("unreadable", "happened")


def test_a_feed_that_stops_before_today_may_lack_a_later_visit() -> None:
    of = visits(False, False)
    assert only(NOT_SEEN, case(PLAN, *of, since="2026-03-03"), "2026-03-20").stage == "overdue"
    assert told(only(NOT_SEEN, case(PLAN, *of, since="2026-03-04"), "2026-03-20"))[0] == "window"
    assert told(only(NOT_SEEN, case(PLAN, *of, until="2026-03-19"), "2026-03-20"))[0] == "window"


def test_visits_before_the_plan_or_ahead_are_not_in_the_row() -> None:
    early = record("cp_visit", "V0", happened="2026-02-01", child_seen=False)
    assert found(NOT_SEEN, case(PLAN, early, *visits(False)), "2026-03-20") == []
    assert found(NOT_SEEN, case(PLAN, *visits(False, False)), "2026-03-02") == []


# --- none open ----------------------------------------------------------------------------------------------------

UNALLOCATED = rule(
    "gap.unallocated",
    "care_period",
    clock={"within": "1 working day"},
    no_open={"record": "allocation", "where": {"role": "CW"}},
)


def allocation(key: str = "A1", **values: object) -> Record:
    return record("allocation", key, **{"start": "2026-01-05", "role": "CW", "worker": "W1", **values})


def test_none_open_holds_since_the_last_one_ended() -> None:
    of = case(CARE, allocation(end="2026-03-02"), allocation("A2", start="2026-02-02", end="2026-03-05"))
    wanted = {"2026-03-04": None, "2026-03-05": "running", "2026-03-06": "due", "2026-03-07": "overdue"}
    assert stages(UNALLOCATED, of, wanted) == wanted
    assert only(UNALLOCATED, of, "2026-03-06").start == date(2026, 3, 5)


def test_where_there_was_none_since_the_record_began_it_holds_since_then() -> None:
    assert only(UNALLOCATED, case(CARE), "2026-01-05").start == date(2026, 1, 5)
    earlier = allocation(start="2025-01-06", end="2025-12-01")
    assert only(UNALLOCATED, case(CARE, earlier), "2026-01-09").start == date(2026, 1, 5)
    other = allocation(role="FW")
    assert only(UNALLOCATED, case(CARE, other), "2026-01-09").stage == "overdue"


def test_one_that_begins_or_ends_later_is_not_yet_open_or_still_open() -> None:
    assert only(UNALLOCATED, case(CARE, allocation(start="2026-01-10")), "2026-01-09").stage == "overdue"
    assert found(UNALLOCATED, case(CARE, allocation(start="2026-01-10")), "2026-01-10") == []
    assert found(UNALLOCATED, case(CARE, allocation(end="2026-01-10")), "2026-01-09") == []


@pytest.mark.parametrize(
    ("doubtful", "reason"),
    [
        ({"end": ODD}, ("unreadable", "end")),
        ({"start": None}, ("missing", "start")),
        ({"start": ODD}, ("unreadable", "start")),
        ({"role": None}, ("missing", "role")),
        ({"role": ODD, "start": ODD}, ("unreadable", "role")),
    ],
)
def test_one_that_may_be_open_leaves_it_untold(doubtful: dict[str, object], reason: tuple[str, str]) -> None:
    assert told(only(UNALLOCATED, case(CARE, allocation(**doubtful)), "2026-01-20")) == reason
    assert found(UNALLOCATED, case(CARE, allocation(**doubtful), allocation("A2")), "2026-01-20") == []


def test_one_that_is_over_for_certain_leaves_nothing_untold() -> None:
    over = allocation(role=None, end="2026-01-08")
    assert only(UNALLOCATED, case(CARE, over), "2026-01-20").start == date(2026, 1, 5)


def test_silence_outside_the_window_leaves_it_untold() -> None:
    assert only(UNALLOCATED, case(CARE, since="2026-01-05"), "2026-01-20").stage == "overdue"
    assert told(only(UNALLOCATED, case(CARE, since="2026-01-06"), "2026-01-20"))[0] == "window"
    assert (
        only(UNALLOCATED, case(CARE, allocation(end="2026-01-08"), since="2026-01-08"), "2026-01-20").stage == "overdue"
    )


def test_without_a_beginning_or_an_end_nobody_can_say_since_when() -> None:
    begun = record("care_period", "L1")
    assert told(only(UNALLOCATED, case(begun), "2026-01-20")) == ("missing", "start")
    assert only(UNALLOCATED, case(begun, allocation(end="2026-01-08")), "2026-01-20").start == date(2026, 1, 8)


def test_the_order_of_records_does_not_matter_to_any_pattern() -> None:
    records = [CARE, PLAN, *moves("2026-02-02", "2026-03-02", "2026-06-01"), *visits(False, False), allocation(end=ODD)]
    for one in (MOVES, NOT_SEEN, UNALLOCATED):
        assert found(one, case(*records), "2026-06-01") == found(one, case(*records[::-1]), "2026-06-01") != []
