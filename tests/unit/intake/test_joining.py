"""One child from several feeds: what to believe of a feed that lacks the child, has not heard yet, or is silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from alertd.cases.merge import Part, joined
from alertd.cases.records import CaseFile, Record, Window, case_file
from tests.unit.intake.feeds import HOLDS, child, record

TODAY = date(2026, 11, 23)
NEVER = Window()


def part(
    feed: str,
    *records: Record,
    window: Window = NEVER,
    latest: Sequence[str] = (),
    holds: frozenset[str] = HOLDS,
    lacks: Sequence[str] = (),
    said_on: date = TODAY,
    silent: bool = False,
) -> Part:
    case = case_file("1", records, window, of_kinds={}, latest=frozenset(latest), holds=holds) if records else None
    return Part(feed, holds, window, {}, frozenset(latest), case, frozenset(lacks), said_on, silent)


def together(*parts: Part) -> CaseFile:
    return joined("1", parts, {})


def plan(key: str, start: date | None, end: date | None = None) -> Record:
    return record("1", "cp_plan", key, start=start, end=end)


def visit(key: str, day: date, **more: object) -> Record:
    return record("1", "cp_visit", key, happened=day, **more)


YEAR = Window(date(2025, 4, 1), date(2026, 3, 31))


# Windows: whose silence is proof


def test_the_silence_of_a_feed_that_does_not_have_the_child_proves_nothing_where_another_has_it() -> None:
    case = together(part("ssd"), part("cin", child("1"), window=YEAR))
    assert case.window_of(["cp_visit"]) == YEAR


def test_a_kind_that_no_feed_with_the_child_holds_is_spoken_for_by_the_feed_that_holds_it() -> None:
    case = together(part("ssd", window=YEAR), part("own", child("1"), holds=frozenset({"child"})))
    assert case.window_of(["cp_visit"]) == YEAR


def test_a_silent_feed_speaks_for_no_day_after_it_last_said_anything_new() -> None:
    case = together(part("ssd"), part("api", child("1"), said_on=date(2026, 11, 9), silent=True))
    assert case.window_of(["cp_visit"]) == Window(None, date(2026, 11, 9))


# Which kinds are held latest only


def test_a_return_of_an_ended_year_does_not_make_whole_what_the_first_feed_holds_the_latest_of() -> None:
    first = part("annex", child("1"), latest=["cp_visit"], window=Window(None, TODAY))
    assert together(first, part("cin", child("1"), window=YEAR)).latest == {"cp_visit"}
    assert together(first, part("ssd", child("1"))).latest == frozenset()


def test_a_whole_feed_that_does_not_have_the_child_does_not_make_its_history_whole() -> None:
    assert together(part("annex", child("1"), latest=["cp_visit"]), part("ssd")).latest == {"cp_visit"}


# States: what the first feed should hold


def test_a_plan_that_began_after_the_first_feed_last_spoke_is_believed() -> None:
    new = plan("P2", date(2026, 11, 20))
    assert [r.day("start") for r in together(part("ssd", child("1")), part("own", child("1"), new)).records[1:]] == []
    late = together(part("ssd", child("1"), said_on=date(2026, 11, 20)), part("own", child("1"), new))
    assert [r.day("start") for r in late.of("cp_plan")] == [date(2026, 11, 20)] and not late.disputes


def test_f73_a_plan_that_is_open_in_the_first_feed_is_not_ended_by_a_later_one() -> None:
    first, later = plan("P", date(2026, 9, 1)), plan("Q", date(2026, 9, 1), date(2026, 10, 1))
    case = together(part("ssd", child("1"), first), part("cin", child("1"), later))
    assert next(case.of("cp_plan")).get("end") is None
    assert [(d.kind, d.key, d.field) for d in case.disputes] == [("cp_plan", "P", "end")]


def test_an_end_that_the_first_feed_cannot_hold_or_cannot_have_heard_of_is_filled_in() -> None:
    first, later = plan("P", date(2026, 9, 1)), plan("Q", date(2026, 9, 1), date(2026, 10, 1))
    for of in (
        part("ssd", child("1"), first, lacks=["cp_plan.end"]),
        part("ssd", child("1"), first, said_on=date(2026, 10, 1)),
        part("ssd", child("1"), first, window=Window(None, date(2026, 9, 30))),
    ):
        case = together(of, part("cin", child("1"), later))
        assert next(case.of("cp_plan")).day("end") == date(2026, 10, 1) and not case.disputes


def test_a_state_without_its_first_day_that_is_left_out_is_in_dispute_unless_it_is_the_open_one() -> None:
    undated = plan("Q", None)
    ended = together(
        part("ssd", child("1"), plan("P", date(2020, 9, 1), date(2021, 1, 1))), part("own", child("1"), undated)
    )
    assert [(d.kind, d.field) for d in ended.disputes] == [("cp_plan", "")]
    running = together(part("ssd", child("1"), plan("P", date(2026, 9, 1))), part("own", child("1"), undated))
    assert not running.disputes


# Keys


def test_a_record_of_a_later_feed_keeps_its_key_whatever_the_first_one_comes_to_hold() -> None:
    """Else the alerts of the one would pass to the other."""
    later = part("own", child("1"), visit("2", date(2026, 11, 9)))
    before = together(part("ssd", child("1"), visit("1", date(2026, 11, 3))), later)
    after = together(part("ssd", child("1"), visit("1", date(2026, 11, 3)), visit("2", date(2026, 11, 16))), later)
    keys = [{r.day("happened"): r.key for r in case.of("cp_visit")}[date(2026, 11, 9)] for case in (before, after)]
    assert keys == ["own:2", "own:2"]
    assert [r.key for r in together(part("ssd"), later).of("cp_visit")] == ["own:2"], "nor whether it has the child"


def test_a_link_to_a_record_that_was_left_out_leads_to_no_other_of_that_key() -> None:
    holds = HOLDS | {"missing"}
    own = holds | {"return_interview"}
    interview = record("1", "return_interview", "I", happened=date(2026, 11, 9), missing="1")
    case = together(
        part("ssd", child("1"), record("1", "missing", "1", start=date(2026, 11, 2)), holds=holds),
        part("own", child("1"), record("1", "missing", "1", start=date(2026, 11, 7)), interview, holds=own),
    )
    (found,) = case.of("return_interview")
    assert found.get("missing") is None and found.doubt("missing") is not None


def test_of_two_visits_on_one_day_the_one_that_says_the_same_is_the_same() -> None:
    seen = visit("B", date(2026, 11, 3), child_seen=True)
    two = [visit("1", date(2026, 11, 3), child_seen=False), visit("2", date(2026, 11, 3), child_seen=True)]
    assert not together(part("ssd", child("1"), *two), part("own", child("1"), seen)).disputes
