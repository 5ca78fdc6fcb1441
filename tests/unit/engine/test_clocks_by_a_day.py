"""Clocks that run out by a day, that several kinds stop, that roll forward, and of children not yet born."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from alertd.cases.records import Unreadable
from tests.support.evaluating import evaluate
from tests.unit.engine.engine_samples import ODD, book, case, found, only, record, rule, stages, told

VISITED = {"record": "cp_visit"}
PLAN = record("cp_plan", "P1", start="2026-11-02")
PAPERS = rule(
    "r.papers",
    "icpc",
    clock={"by": "due_on", "before": "5 working days"},
    until={"record": "agency_notice", "where": {"about": "this.id"}, "early": "4 weeks"},
)
BOOKED = record("icpc", "I1", due_on="2026-11-27", s47="S1")
EXPECTED = record("child", "C1", expected="2027-03-01")
PRE_BIRTH = rule("r.prebirth", "child", clock={"by": {"gestation": 34}}, until={"record": "icpc", "early": "20 weeks"})


def sent(day: str | None, key: str = "N1", **values: object) -> object:
    return record("agency_notice", key, **{"about": "I1", "happened": day, **values})


def test_papers_are_due_so_many_working_days_before_the_meeting_and_the_day_of_the_meeting_is_day_nought() -> None:
    finding = only(PAPERS, case(BOOKED), "2026-11-20")
    assert (finding.stage, finding.due, finding.binding, finding.limit) == (
        "due",
        date(2026, 11, 20),
        "statutory",
        "5 working days before",
    )


def test_the_stages_of_a_clock_without_a_start_turn_on_their_own_days() -> None:
    wanted = {"2026-11-17": "running", "2026-11-18": "upcoming", "2026-11-20": "due", "2026-11-21": "overdue"}
    assert stages(PAPERS, case(BOOKED), wanted) == wanted
    assert only(PAPERS, case(BOOKED), "2026-11-21").start is None


@pytest.mark.parametrize(
    ("day", "stage"),
    [("2026-10-22", "overdue"), ("2026-10-23", "met"), ("2026-11-20", "met"), ("2026-11-21", "met_late")],
)
def test_it_may_be_done_so_early_as_the_rule_allows_and_is_in_time_on_the_last_day(day: str, stage: str) -> None:
    assert only(PAPERS, case(BOOKED, sent(day)), "2026-11-24").stage == stage


def test_the_first_day_of_all_as_systems_write_for_none_leaves_one_clock_untold_and_not_the_child() -> None:
    care_plan = rule(
        "r.plan",
        "care_period",
        clock={"from": "start", "within": "10 working days"},
        until={"record": "care_plan", "early": "4 weeks"},
    )
    finding = only(care_plan, case(record("care_period", "L1", start="0001-01-01")), "2026-11-20")
    assert told(finding) == ("unreadable", "start")


def test_what_is_dated_ahead_has_not_happened() -> None:
    assert only(PAPERS, case(BOOKED, sent("2026-11-22")), "2026-11-21").stage == "overdue"


def test_a_day_that_is_blank_or_in_doubt_cannot_be_run_out_by() -> None:
    assert told(only(PAPERS, case(record("icpc", "I1", s47="S1")), "2026-11-20")) == ("missing", "due_on")
    doubted = only(PAPERS, case(record("icpc", "I1", due_on=ODD)), "2026-11-20")
    assert told(doubted) == ("unreadable", "due_on") and doubted.asks_for_action


def test_a_day_outside_what_the_feed_can_say_asks_nobody_once_the_clock_was_stopped() -> None:
    outside = record("icpc", "I1", due_on=Unreadable("before the feed begins", "window"))
    finding = only(PAPERS, case(outside, sent("2026-11-02")), "2026-11-20")
    assert told(finding) == ("window", "due_on")
    assert finding.met == date(2026, 11, 2) and not finding.asks_for_action


def test_a_notice_that_may_be_about_it_leaves_it_untold() -> None:
    assert told(only(PAPERS, case(BOOKED, sent("2026-11-02", about=ODD)), "2026-11-21")) == ("unreadable", "about")
    assert told(only(PAPERS, case(BOOKED, sent(None, happened=ODD)), "2026-11-21")) == ("unreadable", "happened")


def test_silence_before_the_window_leaves_it_untold_from_the_earliest_day_it_might_have_been_done() -> None:
    assert only(PAPERS, case(BOOKED, since="2026-10-23"), "2026-11-21").stage == "overdue"
    assert only(PAPERS, case(BOOKED, since="2026-10-24"), "2026-11-21").stage == "unknown"
    assert only(PAPERS, case(BOOKED, since="2026-10-24"), "2026-11-17").stage == "running"


def test_a_record_that_has_begun_gives_the_clock_its_start() -> None:
    held = record("icpc", "I1", due_on="2026-11-27", happened="2026-11-10")
    assert only(PAPERS, case(held), "2026-11-16").start == date(2026, 11, 10)
    assert found(PAPERS, case(held), "2026-11-09") == []


def test_a_field_of_the_record_itself_stops_it_however_early() -> None:
    own = rule("r.own", "icpc", clock={"by": "due_on"}, until={"own": "happened"})
    assert (
        only(own, case(record("icpc", "I1", due_on="2026-11-27", happened="2026-03-01")), "2026-11-28").stage == "met"
    )
    late = only(own, case(record("icpc", "I1", due_on="2026-11-27", happened="2026-11-28")), "2026-11-28")
    assert (late.stage, late.limit) == ("met_late", "")


def test_a_field_of_the_record_itself_stops_it_even_before_the_record_began() -> None:
    own = rule("r.signed", "assessment", clock={"by": "end"}, until={"own": "authorised"})
    signed = record("assessment", "A1", start="2026-11-10", end="2026-11-20", authorised="2026-11-02")
    assert only(own, case(signed), "2026-11-24").stage == "met"


def test_a_share_of_the_way_to_a_day_already_past_is_rounded_down_to_the_day_before() -> None:
    """Due the day before it began: half of minus one day is the day before, and is reached in time."""
    at = [{"at_share": 0.5}]
    rules = book(
        rule("r.past", "icpc", clock={"by": "due_on"}, until={"record": "cp_visit"}),
        warnings={"D2": {"title": "t", "at": at}},
    )
    held = record("icpc", "I1", happened="2026-11-10", due_on="2026-11-09")
    assert only(rules, case(held), "2026-11-10").warned == 1


def test_a_booking_before_the_record_began_is_not_of_it() -> None:
    clock = {"from": {"birthday": 5}, "within": "3 months", "plan": "due_on"}
    first = rule("r.booked", "cp_plan", clock=clock, until={"record": "cp_review"})
    of = [record("child", "C1", born="2021-10-01"), PLAN]
    before, after = (record("cp_review", "R1", due_on=day) for day in ("2026-11-01", "2026-11-02"))
    assert only(first, case(*of, before), "2026-11-20").binding == "statutory"
    assert only(first, case(*of, after), "2026-11-20").binding == "plan"


def test_a_moment_runs_out_at_that_moment() -> None:
    expiry = rule("r.back", "missing", clock={"by": "end"}, until={"record": "return_interview"})
    away = record("missing", "M1", start="2026-11-01", end=datetime(2026, 11, 5, 17, tzinfo=UTC))
    rules = book(expiry)
    at = {h: evaluate(case(away), rules, datetime(2026, 11, 5, h, 1, tzinfo=UTC))[0].stage for h in (16, 17)}
    assert at == {16: "due", 17: "overdue"}


def test_a_local_day_is_the_authority_s_own() -> None:
    local = rule(
        "r.local", "icpc", law={"cite": "c", "confidence": "P"}, clock={"by": "due_on"}, until={"own": "happened"}
    )
    finding = only(local, case(BOOKED), "2026-11-27")
    assert (finding.binding, finding.statutory, finding.local) == ("local", None, date(2026, 11, 27))


def test_steps_and_warnings_counted_from_a_start_are_left_out_where_there_is_none() -> None:
    steps = [{"tell": ["worker"], "at_share": 0.5}, {"tell": ["worker"]}]
    at = [{"at_start": True}, {"after": "1 week"}, {"at_share": 0.5}, {"before": "1 week"}]
    rules = book(PAPERS, ladders={"L": {"title": "t", "steps": steps}}, warnings={"D2": {"title": "t", "at": at}})
    finding = only(rules, case(BOOKED), "2026-11-20")
    assert (finding.warned, finding.level) == (1, 1)


# --- before birth -------------------------------------------------------------------------------------------------


def test_weeks_of_gestation_are_counted_back_from_the_expected_day() -> None:
    assert only(PRE_BIRTH, case(EXPECTED), "2026-12-01").due == date(2027, 1, 18)  # six weeks before


def test_it_moves_with_the_expected_day() -> None:
    assert only(PRE_BIRTH, case(record("child", "C1", expected="2027-03-08")), "2026-12-01").due == date(2027, 1, 25)


def test_weeks_past_the_expected_day_lie_after_it() -> None:
    after = rule("r.after", "child", clock={"by": {"gestation": 42}}, until={"record": "icpc"})
    assert only(after, case(EXPECTED), "2026-12-01").due == date(2027, 3, 15)


def test_there_is_no_such_clock_from_the_day_the_child_is_born() -> None:
    born = record("child", "C1", born="2027-01-30", expected="2027-03-01")
    assert found(PRE_BIRTH, case(born), "2027-01-30") == []


def test_without_an_expected_day_it_cannot_be_told() -> None:
    assert told(only(PRE_BIRTH, case(record("child", "C1")), "2026-12-01")) == ("missing", "expected")
    assert told(only(PRE_BIRTH, case(record("child", "C1", expected=ODD)), "2026-12-01")) == ("unreadable", "expected")


def test_a_child_not_yet_born_has_no_age_and_no_birthdays() -> None:
    under_5 = rule("r.age", "cp_plan", age={"under": 5}, clock={"from": "start", "within": "1 week"}, until=VISITED)
    first = rule("r.birthday", "cp_plan", clock={"from": {"birthday": 1}, "within": "1 week"}, until=VISITED)
    plan = record("cp_plan", "P1", start="2026-11-02")
    for one in (under_5, first):
        assert found(one, case(EXPECTED, plan), "2026-12-01") == []
        assert told(only(one, case(record("child", "C1"), plan), "2026-12-01")) == ("missing", "born")
        doubtful = record("child", "C1", born=ODD, expected="2027-03-01")
        assert told(only(one, case(doubtful, plan), "2026-12-01")) == ("unreadable", "born")


# --- several kinds, and rolling forward ---------------------------------------------------------------------------

SEEN = rule(
    "r.seen",
    "cp_plan",
    clock={"from": "start", "every": "10 working days"},
    until={"record": ["cp_visit", "cin_visit"], "where": {"child_seen": True}},
)


def test_an_event_of_any_of_the_kinds_stops_the_clock() -> None:
    for kind in ("cp_visit", "cin_visit"):
        visit = record(kind, "V1", happened="2026-11-10", child_seen=True)
        first, second = sorted(found(SEEN, case(PLAN, visit), "2026-11-12"), key=lambda f: str(f.start))
        assert (first.stage, first.met_by, second.stage, second.start) == (
            "met",
            f"{kind} V1",
            "running",
            date(2026, 11, 10),
        )


def test_events_of_two_kinds_with_one_key_are_two_clocks() -> None:
    visits = [
        record("cp_visit", "V1", happened="2026-11-10", child_seen=True),
        record("cin_visit", "V1", happened="2026-11-12", child_seen=True),
    ]
    found_ = found(SEEN, case(PLAN, *visits), "2026-11-13")
    assert {f.occurrence for f in found_} == {"start", "cp_visit:V1", "cin_visit:V1"}


def test_of_several_on_one_day_the_first_by_key_and_then_by_kind_stands_for_all() -> None:
    visits = [
        record("cp_visit", "V2", happened="2026-11-10", child_seen=True),
        record("cp_visit", "V1", happened="2026-11-10", child_seen=True),
        record("cin_visit", "V1", happened="2026-11-10", child_seen=True),
    ]
    for order in (visits, visits[::-1]):
        first = next(f for f in found(SEEN, case(PLAN, *order), "2026-11-12") if f.occurrence == "start")
        assert first.met_by == "cin_visit V1"


def test_a_doubt_about_an_event_of_any_of_the_kinds_counts() -> None:
    visit = record("cin_visit", "V1", happened="2026-11-10")
    assert told(only(SEEN, case(PLAN, visit), "2026-12-01")) == ("missing", "child_seen")


@pytest.mark.parametrize(
    ("roll", "start", "due"),
    [
        ("forward", "2026-11-07", "2026-11-16"),  # a Saturday, to the Monday
        (None, "2026-11-07", "2026-11-14"),
        ("forward", "2026-12-18", "2026-12-29"),  # Christmas Day, over the weekend and Boxing Day's substitute
        ("forward", "2026-11-09", "2026-11-16"),  # a Monday stays
    ],
)
def test_a_last_day_that_is_no_working_day_moves_only_where_the_rule_says_so(
    roll: str | None, start: str, due: str
) -> None:
    rolled = rule(
        "r.roll",
        "cp_plan",
        clock={"from": "start", "within": "7 calendar days", "roll": roll},
        until=VISITED,
    )
    assert only(rolled, case(record("cp_plan", "P1", start=start)), start).due == date.fromisoformat(due)


def test_moments_and_bookings_do_not_roll() -> None:
    hours = rule(
        "r.hours",
        "cp_plan",
        clock={"from": "start", "within": "24 hours", "roll": "forward"},
        until=VISITED,
    )
    due = only(hours, case(record("cp_plan", "P1", start="2026-11-06")), "2026-11-06").due
    assert due == datetime(2026, 11, 7, tzinfo=UTC)
    booked = {"from": "start", "roll": "forward", "within": "4 weeks", "plan": "due_on"}
    plan = rule("r.plan", "cp_plan", clock=booked, until={"record": "cp_review"})
    saturday = record("cp_review", "R1", due_on="2026-11-14")
    finding = only(plan, case(PLAN, saturday), "2026-11-10")
    assert (finding.binding, finding.due) == ("plan", date(2026, 11, 14))


# --- explained, and out of the calendar's reach -------------------------------------------------------------------

VISIT = rule(
    "r.visit",
    "cp_plan",
    clock={"from": "start", "within": "10 working days"},
    until=VISITED,
    explained_by=[{"record": "missing", "where": {"type": "missing"}}],
)


def away(key: str = "M1", start: object = "2026-11-03", **values: object) -> object:
    return record("missing", key, **{"start": start, "type": "missing", **values})


@pytest.mark.parametrize(
    ("episode", "explained"),
    [
        (away(), "missing episode since Tue 3 Nov 2026"),
        (away(end="2026-11-18"), "missing episode since Tue 3 Nov 2026"),  # still open then
        (away(end="2026-11-17"), ""),
        (away(start="2026-11-18"), ""),
        (away(start=None), "missing episode"),
        (away(end=ODD), ""),
        (away(type="away"), ""),
        (away(type=None), ""),
    ],
)
def test_an_open_state_explains_a_late_date_and_moves_nothing(episode: object, explained: str) -> None:
    alone = only(VISIT, case(PLAN), "2026-11-17")
    finding = only(VISIT, case(PLAN, episode), "2026-11-17")
    assert finding.explained == explained
    assert (
        (finding.stage, finding.due, finding.level)
        == (alone.stage, alone.due, alone.level)
        == ("overdue", date(2026, 11, 16), 2)
    )


def test_the_earliest_state_explains_it_whatever_the_order() -> None:
    episodes = [away("M2", "2026-11-05"), away("M1", "2026-11-04")]
    for order in (episodes, episodes[::-1]):
        assert only(VISIT, case(PLAN, *order), "2026-11-17").explained == "missing episode since Wed 4 Nov 2026"


def test_a_clock_that_asks_nothing_needs_no_explanation() -> None:
    assert only(VISIT, case(PLAN, away()), "2026-11-05").explained == ""


def test_one_clock_beyond_the_calendar_leaves_the_others_told() -> None:
    far = rule("r.far", "cp_plan", clock={"from": "start", "every": "20000 working days"}, until=VISITED)
    visit = record("cp_visit", "V1", happened="2026-11-10")
    findings = found(far, case(record("cp_plan", "P1", start="1975-01-01"), visit), "2026-11-17")
    by_name = {f.occurrence: f for f in findings}
    assert by_name["start"].stage == "met"
    assert told(by_name["V1"]) == ("unreadable", "start") and by_name["V1"].start == date(2026, 11, 10)


# --- school days --------------------------------------------------------------------------------------------------

TERM = {"start": "2026-09-02", "end": "2026-12-18", "closed": ["2026-11-06"]}
AT_SCHOOL = rule("r.school", "cp_plan", clock={"from": "start", "every": "10 school days"}, until=VISITED)


def test_school_days_are_counted_in_the_authority_s_terms() -> None:
    rules = book(AT_SCHOOL, terms=[TERM])
    finding = only(rules, case(PLAN), "2026-11-05")
    assert (finding.due, finding.limit) == (date(2026, 11, 17), "10 school days")  # the 6th is a day of closure


def test_without_terms_the_setting_is_told() -> None:
    assert told(only(AT_SCHOOL, case(PLAN), "2026-11-05")) == ("setting", "school terms")


def test_only_the_clock_that_leaves_the_terms_is_untold() -> None:
    visits = [record("cp_visit", "V1", happened="2026-11-10"), record("cp_visit", "V2", happened="2026-12-10")]
    by_name = {f.occurrence: f for f in found(book(AT_SCHOOL, terms=[TERM]), case(PLAN, *visits), "2026-12-11")}
    assert (by_name["start"].stage, by_name["V1"].stage) == ("met", "met_late")
    assert told(by_name["V2"]) == ("unreadable", "start")
    assert by_name["V2"].start == date(2026, 12, 10) and by_name["V2"].asks_for_action
