"""Children from several feeds: one case file each, and what the feeds do not agree on is said."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.cases.packed import packed
from alertd.cases.records import Window
from alertd.errors import InputError
from alertd.intake.kept import KeptCases, Named, Silence, followed, kept_snapshot, numbers_of, snapshot_of
from alertd.intake.numbers import read_merged
from alertd.intake.store import changed_since, standing
from tests.unit.intake.feeds import HOLDS, Breaking, by_child, child, kept, record, snapshot, take

YEAR = Window(date(2025, 4, 1), date(2026, 3, 31))

pytest_plugins = ["tests.support.databases"]


def refs(cases: KeptCases, number: str) -> list[str]:
    return [record_.ref for record_ in by_child(cases)[number].records]


def test_one_child_of_two_feeds_is_one_case_file_and_the_first_feeds_keys_stand(engine: Engine) -> None:
    take(engine, snapshot(child("1"), record("1", "cp_plan", "P1", start=date(2026, 9, 1))), feed="ssd")
    annex = snapshot(
        child("1"),
        record("1", "cp_plan", "2026-09-01", start=date(2026, 9, 1)),
        record("1", "cp_visit", "2026-11-03", happened=date(2026, 11, 3)),
    )
    take(engine, annex, feed="annex")
    assert refs(kept(engine, "ssd", "annex"), "1") == ["child:1", "cp_plan:P1", "cp_visit:annex:2026-11-03"]


def test_a_blank_is_filled_from_the_next_feed_and_a_difference_is_in_dispute(engine: Engine) -> None:
    take(engine, snapshot(child("1"), record("1", "cp_visit", "V", happened=date(2026, 11, 3))), feed="a")
    seen = record("1", "cp_visit", "W", happened=date(2026, 11, 3), child_seen=True)
    take(engine, snapshot(child("1", date(2015, 1, 2)), seen), feed="b")
    case = by_child(kept(engine, "a", "b"))["1"]
    assert next(case.of("cp_visit")).get("child_seen") is True
    assert next(case.of("child")).day("born") == date(2015, 1, 1)
    assert [(d.kind, d.field) for d in case.disputes] == [("child", "born")]


def test_an_event_only_one_feed_has_is_added_for_it_happened(engine: Engine) -> None:
    take(engine, snapshot(child("1"), record("1", "cp_visit", "V", happened=date(2026, 11, 3))), feed="a")
    take(engine, snapshot(child("1"), record("1", "cp_visit", "V", happened=date(2026, 11, 9))), feed="b")
    assert refs(kept(engine, "a", "b"), "1") == ["child:1", "cp_visit:V", "cp_visit:b:V"]


def test_a_plan_that_only_an_old_return_keeps_open_is_in_dispute_and_not_taken(engine: Engine) -> None:
    """The SSD knows the child, and knows of no such plan: the return's opens no clock."""
    take(engine, snapshot(child("1"), record("1", "cp_plan", "P1", start=date(2026, 9, 1))), feed="ssd")
    old = snapshot(child("1"), record("1", "cp_plan", "2024-02-01", start=date(2024, 2, 1)))
    take(engine, old, feed="cin")
    case = by_child(kept(engine, "ssd", "cin"))["1"]
    assert [r.key for r in case.of("cp_plan")] == ["P1"]
    assert [(d.kind, d.field, d.where, d.other) for d in case.disputes] == [
        ("cp_plan", "", "cp_plan 2024-02-01", "ssd")
    ]


def test_history_from_before_the_first_feeds_window_is_added(engine: Engine) -> None:
    since_2020 = Window(date(2020, 1, 1), None)
    take(
        engine, snapshot(child("1"), record("1", "cp_plan", "P", start=date(2026, 9, 1)), window=since_2020), feed="ssd"
    )
    old = snapshot(child("1"), record("1", "cp_plan", "2014", start=date(2014, 2, 1), end=date(2014, 9, 1)))
    take(engine, old, feed="old")
    assert refs(kept(engine, "ssd", "old"), "1") == ["child:1", "cp_plan:old:2014", "cp_plan:P"]


def test_precedence_may_differ_for_one_kind(engine: Engine) -> None:
    take(engine, snapshot(child("1"), record("1", "cp_visit", "A", happened=date(2026, 11, 3))), feed="a")
    take(engine, snapshot(child("1"), record("1", "cp_visit", "B", happened=date(2026, 11, 3))), feed="b")
    assert refs(kept(engine, "a", "b"), "1")[1] == "cp_visit:A"
    assert refs(kept(engine, "a", "b", precedence={"cp_visit": ["b"]}), "1")[1] == "cp_visit:B"


def test_links_follow_a_record_that_goes_by_another_feeds_key(engine: Engine) -> None:
    holds = HOLDS | {"missing"}
    take(engine, snapshot(child("1"), record("1", "missing", "M7", start=date(2026, 11, 1)), holds=holds), feed="ssd")
    own = snapshot(
        record("1", "missing", "list-1", start=date(2026, 11, 1)),
        record("1", "return_interview", "I", happened=date(2026, 11, 3), missing="list-1"),
        holds=frozenset({"missing", "return_interview"}),
    )
    take(engine, own, feed="own")
    (interview,) = by_child(kept(engine, "ssd", "own"))["1"].of("return_interview")
    assert interview.get("missing") == "M7" and not interview.doubts


def test_a_list_names_the_other_feeds_record_by_its_day(engine: Engine) -> None:
    holds = HOLDS | {"missing"}
    take(engine, snapshot(child("1"), record("1", "missing", "M7", start=date(2026, 11, 1)), holds=holds), feed="ssd")
    held = record("1", "return_interview", "I", happened=date(2026, 11, 3), missing="2026-11-01")
    lost = record("1", "return_interview", "J", happened=date(2026, 11, 3), missing="2026-10-01")
    take(engine, snapshot(held, lost, holds=frozenset({"return_interview"})), feed="own")
    found = {r.key: r for r in by_child(kept(engine, "ssd", "own"))["1"].of("return_interview")}
    assert found["I"].get("missing") == "M7"
    assert found["J"].get("missing") is None and found["J"].doubt("missing") is not None


def test_a_case_file_is_made_elsewhere_of_what_was_kept_and_of_nothing_about_other_children(engine: Engine) -> None:
    records = [record(n, "cp_visit", "V", happened=date(2026, 11, 3)) for n in ("1", "2", "3")]
    take(engine, snapshot(*(child(n) for n in "123"), *records), feed="a")
    take(engine, snapshot(child("1"), record("1", "cp_visit", "W", happened=date(2026, 11, 9))), feed="b")
    cases = kept(engine, "a", "b", precedence={"cp_visit": ["b"]})
    a, b = cases.feeds
    standing = replace(a[1], said=replace(a[1].said, unread={"3": "why"}, rejects=(("row 3", "why", ""),)))
    cases = KeptCases(engine, [(a[0], standing), b], precedence=MappingProxyType({"cp_visit": ["b"]}))
    there = pickle.dumps(packed(cases, slice(0, 2)))
    assert b"why" not in there and b"cp_visit:V" not in there
    engine.dispose()
    assert [case.opened() for case in pickle.loads(there)] == list(cases)[:2]  # noqa: S301 - our own bytes


def test_two_authorities_children_of_one_number_are_two_children(engine: Engine) -> None:
    take(engine, snapshot(child("1")), feed="ours")
    take(engine, snapshot(child("1", date(2019, 1, 1))), feed="theirs")
    feeds = [Named("ours"), Named("theirs", "351")]
    cases = kept_snapshot(engine, feeds).cases
    assert [(case.child, next(case.of("child")).child) for case in cases] == [("1", "1"), ("351/1", "351/1")]


def test_a_feed_of_another_authority_proves_nothing_about_a_child(engine: Engine) -> None:
    take(engine, snapshot(child("1")), feed="ours")
    take(engine, snapshot(child("7"), holds=frozenset({"child"})), feed="theirs")
    take(engine, snapshot(child("7"), window=YEAR), feed="their return")
    theirs = Named("theirs", "351")
    ours, other = kept_snapshot(engine, [Named("ours"), theirs]).cases
    assert ours.window_of(["cp_visit"]).covers(date(2026, 1, 1), date(2026, 11, 1))
    assert not other.window_of(["cp_visit"]).covers(date(2026, 1, 1), date(2026, 1, 1))
    _, other = kept_snapshot(engine, [Named("ours"), theirs, Named("their return", "351")]).cases
    assert other.window_of(["cp_visit"]) == YEAR


def test_a_feed_that_is_silent_speaks_for_no_day_since(engine: Engine) -> None:
    take(engine, snapshot(child("2")), feed="a")
    take(engine, snapshot(child("1")), feed="b")
    first, _ = kept(engine, "a", "b", silent={"b"})
    assert first.window_of(["cp_visit"]).end == date(2026, 11, 23)


def test_f66_what_was_recorded_under_a_merged_number_is_the_new_numbers(engine: Engine) -> None:
    old = [child("1"), record("1", "cp_visit", "V1", happened=date(2026, 11, 3))]
    new = [child("2"), record("2", "cp_plan", "P", start=date(2026, 9, 1))]
    take(engine, snapshot(*old, *new))
    assert refs(kept(engine, merged={"1": "2"}), "2") == ["child:2", "cp_plan:P", "cp_visit:V1"]
    assert kept(engine, merged={"1": "2"}).of("1") is None


def test_numbers_merged_again_and_in_a_circle() -> None:
    assert followed("1", {"1": "2", "2": "3"}) == "3"
    circle = {"1": "2", "2": "1", "0": "1"}
    assert [followed(number, circle) for number in ("0", "1", "2")] == ["0", "1", "2"]


@pytest.mark.parametrize("rows", ["1,2\n2,1\n", "1,1\n", "1,2\n2,3\n3,1\n"])
def test_numbers_merged_in_a_circle_are_refused_for_each_childs_records_would_be_the_others(
    tmp_path: Path, rows: str
) -> None:
    file = tmp_path / "merged.csv"
    file.write_text(f"old,new\n9,1\n{rows}")
    with pytest.raises(InputError, match=r"merged.csv:3: this number is merged into itself"):
        read_merged(file)


def test_f66_records_of_one_key_under_two_merged_numbers_are_both_the_childs(engine: Engine) -> None:
    """As where each child's records are numbered from 1."""
    old = [
        child("1"),
        record("1", "missing", "1", start=date(2020, 2, 3), end=date(2020, 2, 4)),
        record("1", "return_interview", "1", happened=date(2020, 2, 5), missing="1"),
        record("1", "cp_visit", "2026-11-03", happened=date(2026, 11, 3)),
    ]
    new = [
        child("2"),
        record("2", "missing", "1", start=date(2026, 9, 1)),
        record("2", "cp_visit", "2026-11-03", happened=date(2026, 11, 3)),
    ]
    take(engine, snapshot(*old, *new, holds=HOLDS | {"missing", "return_interview"}))
    (case,) = kept(engine, merged={"1": "2"})
    assert {r.day("start"): r.key for r in case.of("missing")} == {date(2020, 2, 3): "1:1", date(2026, 9, 1): "1"}
    assert [r.get("missing") for r in case.of("return_interview")] == ["1:1"]
    assert len(list(case.of("cp_visit"))) == 1, "the same on the same day is the same"


def test_of_a_kind_that_only_one_feed_holds_latest_only_it_is_said_and_history_elsewhere_lifts_it(
    engine: Engine,
) -> None:
    take(engine, snapshot(child("1"), latest=frozenset({"cp_visit"})), feed="annex")
    assert kept_snapshot(engine, [Named("annex")]).latest == {"cp_visit"}
    take(engine, snapshot(child("1"), window=YEAR), feed="old return")
    assert kept_snapshot(engine, [Named("annex"), Named("old return")]).latest == {"cp_visit"}
    take(engine, snapshot(child("1")), feed="ssd")
    assert kept_snapshot(engine, [Named("annex"), Named("ssd")]).latest == frozenset()


def test_a_field_that_one_of_two_feeds_holds_is_not_lacking(engine: Engine) -> None:
    take(engine, snapshot(child("1"), lacks=frozenset({"cp_visit.child_seen"})), feed="a")
    assert kept_snapshot(engine, [Named("a")]).lacks == {"cp_visit.child_seen"}
    take(engine, snapshot(child("1")), feed="b")
    assert kept_snapshot(engine, [Named("a"), Named("b")]).lacks == frozenset()


def test_what_only_a_stale_feed_holds_is_silent_and_what_a_refused_one_holds_waits(engine: Engine) -> None:
    take(engine, snapshot(child("1"), holds=frozenset({"child", "cp_plan"})), feed="a")
    take(engine, snapshot(child("1"), holds=frozenset({"child", "cp_visit"})), feed="b")
    cases = kept(engine, "a", "b")
    stale = snapshot_of(cases, Silence(stale={"b": "b is stale"}))
    assert stale.silent == {"cp_visit": "b is stale"} and stale.holds == {"child", "cp_plan"}
    refused = snapshot_of(cases, Silence(refused={"b": "no"}))
    assert refused.silent == {} and refused.holds == {"child", "cp_plan"}


def test_children_come_in_order_and_in_parts(engine: Engine) -> None:
    take(engine, snapshot(*(child(str(n)) for n in range(1200))))
    cases = kept(engine)
    names = [case.child for case in cases]
    assert names == sorted(names) and len(names) == len(cases) == 1200
    assert [case.child for case in cases[3:6]] == names[3:6] and cases[7].child == names[7]


def test_some_children_are_the_same_whether_one_looks_at_all_or_only_at_them(engine: Engine) -> None:
    """Merged numbers, another authority's, a child who vanished, and one that nobody has."""
    plans = [record(n, "cp_plan", f"P{n}", start=date(2026, 9, 1)) for n in ("1", "2", "3", "4")]
    take(engine, snapshot(*map(child, ("1", "2", "3", "4")), *plans))
    take(engine, snapshot(*map(child, ("1", "2", "3")), *plans[:2]), day=1, accept=True)
    take(engine, snapshot(child("1"), child("7")), feed="other")
    with Session(engine) as session:
        found = [(Named("feed"), standing(session, "feed")), (Named("other", "E10"), standing(session, "other"))]
    feeds = [(named, one) for named, one in found if one]
    merged = {"1": "2", "8": "7"}
    whole = by_child(KeptCases(engine, feeds, merged=merged))
    assert whole.keys() == {"2", "3", "E10/1", "E10/7"}
    for wanted in ({"2"}, {"1", "3", "4", "9"}, {"E10/1", "2"}, set()):
        some = KeptCases(engine, feeds, merged=merged, only=wanted)
        assert by_child(some) == {number: case for number, case in whole.items() if number in wanted}
    assert numbers_of({"2", "7"}, merged) == {"1", "2", "7", "8"}


def test_who_changed_since_a_reading_is_found_by_the_readings_accepted_after_it(engine: Engine) -> None:
    take(engine, snapshot(child("1"), child("2"), child("3")))
    with Session(engine) as session:
        first = standing(session, "feed")
    assert first is not None
    take(engine, snapshot(child("1"), child("2", date(2015, 1, 2)), child("4")), day=1, accept=True)
    assert take(engine, Breaking(snapshot(child("1", date(2015, 1, 3)), child("5"))), day=2).refused
    with Session(engine) as session:
        assert changed_since(session, "feed", first.run) == {"2", "3", "4"}
        assert changed_since(session, "feed", 0) == {"1", "2", "3", "4"}
        assert changed_since(session, "other", 0) == set()
