"""Each check of the records: what it asks about, and what it must leave alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from alertd.calendars.calendar import calendar_for
from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Dispute, Record, Window, case_files
from alertd.insight.check import Feed, Look, Query
from alertd.insight.checks_of_records import FOLLOWS, MAY_BE_UNDATED, OF_GROWN_UPS
from alertd.insight.data_quality import CHECKS
from tests.unit.engine.engine_samples import record
from tests.unit.insight.check_samples import FIRE, HELD, QUIET, at, child

TODAY = date(2026, 11, 20)
"""A Friday."""
FEED = Feed(frozenset(KINDS), frozenset(), TODAY)


def asked(case: CaseFile, feed: Feed = FEED, only: str = "", today: date = TODAY) -> list[Query]:
    """What all checks ask about a child; or one of them."""
    look = Look.at(case, feed, today, calendar_for("england-and-wales"))
    return [q for check in CHECKS.values() if only in ("", check.name) for q in check.queries(look)]


def case(*records: Record, window: Window = Window(), latest: frozenset[str] = frozenset()) -> CaseFile:
    """The child's records as a feed hands them over."""
    (found,) = case_files(records, window, latest=latest)
    return found


@pytest.mark.parametrize(("check", "records", "about", "field"), FIRE, ids=[f"{n} {f[0]}" for n, f in enumerate(FIRE)])
def test_it_is_asked_about(check: str, records: list[Record], about: str, field: str) -> None:
    (found,) = asked(case(*records), only=check)
    assert (found.check, found.child, found.record, found.field) == (check, "C1", about, field)
    assert found.where and found.why and found.kind in KINDS
    assert found.why == found.why.strip() and not found.why.endswith(".")


def test_every_check_has_a_case_in_which_it_fires() -> None:
    assert {fired[0] for fired in FIRE} | {"feeds_disagree"} == set(CHECKS)


@pytest.mark.parametrize(("check", "records"), QUIET, ids=[f"{n} {q[0]}" for n, q in enumerate(QUIET)])
def test_it_is_left_alone(check: str, records: list[Record]) -> None:
    assert asked(case(*records), only=check) == []


def test_a_sound_child_is_not_asked_about() -> None:
    sound = case(
        child(),
        HELD,
        at("referral", "F1", start="2026-01-05"),
        at("assessment", start="2026-01-05", authorised="2026-02-03", child_seen=True, referral="F1"),
        at("s47", "S1", start="2026-02-03", end="2026-02-17", referral="F1"),
        at("icpc", happened="2026-02-20", s47="S1"),
        at("cp_plan", start="2026-02-20", conference="2026-02-20", other_authority=False),
        at("cp_visit", happened="2026-03-02", child_seen=True, seen_alone=True),
        at("cp_review", happened="2026-05-16", quorate=True),
    )
    assert asked(sound) == []


def test_a_feed_is_not_asked_for_what_it_cannot_hold() -> None:
    blank = case(
        child(),
        at("referral", start="2026-05-05"),
        at("cp_visit", happened="2026-05-05"),
        at("care_leaver"),
        at("allocation", worker="W1"),
    )
    lacking = replace(FEED, holds=FEED.holds - {"icpc"}, lacks=frozenset({"cp_visit.child_seen", "allocation.start"}))
    assert {q.check for q in asked(blank)} == {"seen_unanswered", "undated"}
    assert asked(blank, lacking) == []
    unheld = replace(FEED, holds=FEED.holds - {"allocation"})
    assert asked(case(child(), at("referral", start="2026-05-05")), unheld, "nobody_allocated") == []


def test_nothing_is_known_after_the_day_the_feed_was_drawn_up() -> None:
    """A census of March does not hold what a child turned since, nor a visit of April."""
    seventeen = case(
        child("2008-06-01"),
        HELD,
        at("care_period", start="2020-01-01"),
        at("cla_visit", happened="2026-04-01", child_seen=True),
    )
    assert [q.check for q in asked(seventeen)] == ["open_at_18"]
    (late,) = asked(seventeen, replace(FEED, drawn=date(2026, 3, 31)), "in_future")
    assert late.why == "happened, Wed 1 Apr 2026, is after the feed's last day, Tue 31 Mar 2026"
    assert asked(seventeen, replace(FEED, drawn=date(2026, 3, 31)), "open_at_18") == []
    of_a_year = replace(seventeen, window=Window(date(2025, 4, 1), date(2026, 3, 31)))
    assert asked(of_a_year, only="open_at_18") == []


def test_a_day_beyond_the_year_that_a_return_speaks_for_is_not_in_the_future() -> None:
    """The year was inferred: thousands of later days show that it is another, and that none of them is impossible."""
    later = case(child(), at("cla_review", happened="2026-04-28"))
    of_a_year = replace(later, window=Window(date(2025, 4, 1), date(2026, 3, 31)))
    assert asked(of_a_year, only="in_future") == []


def test_lists_that_name_no_children_are_not_asked_for_the_child_of_each() -> None:
    listed = case(at("case_supervision", happened="2026-05-05"))
    assert [q.check for q in asked(listed, only="no_child")] == ["no_child"]
    assert asked(listed, replace(FEED, holds=FEED.holds - {"child"}), "no_child") == []


def test_a_feed_that_holds_only_the_latest_is_not_asked_where_the_earlier_ones_are() -> None:
    latest = case(
        child(),
        at("cp_plan", start="2026-05-05"),
        at("cp_review", happened="2026-05-05"),
        latest=frozenset({"cp_plan"}),
    )
    assert asked(latest, only="review_before_plan") == []


def test_what_feeds_dispute_names_both_places() -> None:
    disputed = replace(
        case(child(), at("cp_plan", start="2026-05-05")),
        disputes=(
            Dispute("cp_plan", "R1", "end", "cp_plan R1", "plans.csv:7"),
            Dispute("cp_plan", "R2", "", "plans.csv:9", "ssd"),
        ),
    )
    field, whole = asked(disputed, only="feeds_disagree")
    assert (field.record, field.field, field.where, field.other) == ("cp_plan:R1", "end", "cp_plan R1", "plans.csv:7")
    assert (whole.record, whole.field, whole.where) == ("cp_plan:R2", "start", "plans.csv:9")
    assert "ssd" in whole.why


def test_the_day_of_birth_and_what_a_cell_holds_are_never_repeated() -> None:
    for _, records, _, _ in FIRE:
        born = next((r.day("born") for r in records if r.kind == "child"), None)
        for query in asked(case(*records)):
            assert born is None or (str(born) not in query.why and f"{born:%-d %b %Y}" not in query.why)


@pytest.mark.parametrize("far", [date.min, date.max])
def test_no_date_is_too_far_for_any_check(far: date) -> None:
    for born in (far, date(2015, 6, 3)):
        days = {kind: {KINDS[kind].begins: far} for kind in KINDS if kind != "child"}
        records = [at(kind, **values) for kind, values in days.items()]
        asked(case(record("child", "C1", born=born, expected=far, died=far), *records))
        asked(case(record("child", "C1", expected=far), *records))


def test_the_tables_of_the_checks_name_kinds_and_fields_that_there_are() -> None:
    assert KINDS.keys() >= MAY_BE_UNDATED | OF_GROWN_UPS | FOLLOWS.keys()
    for kind, pairs in FOLLOWS.items():
        for name in (name for pair in pairs for name in pair):
            field = KINDS[kind].field(name)
            assert field and field.type in ("date", "moment"), (kind, name)
