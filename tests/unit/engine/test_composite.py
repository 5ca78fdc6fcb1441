"""What is said over other rules' findings: rules about rules, who speaks for whom, and each team's own rules."""

from __future__ import annotations

from datetime import date

import pytest

from alertd.cases.records import Record
from alertd.engine.evaluate import measurable
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.engine.subject import Slack
from alertd.rulebook.model import Rule, Rulebook
from tests.support.evaluating import ready
from tests.unit.engine.engine_samples import ODD, book, case, end_of, found, record, rule, told


def within(id_: str, days: int, kind: str = "cp_visit", **keys: object) -> Rule:
    clock = {"from": "start", "within": f"{days} calendar days"}
    return rule(id_, "cp_plan", clock=clock, until={"record": kind}, **keys)


def over(**keys: object) -> Rule:
    return rule("gap.over", "child", others={"rules": ["a.*"], **keys})


def about(rules: Rulebook, of: object, day: str, name: str = "gap.over") -> list[Finding]:
    """What one rule finds at the end of a day."""
    return [f for f in found(rules, of, day) if f.rule == name]  # type: ignore[arg-type]


CHILD = record("child", "C1", born="2015-05-05")
PLAN = record("cp_plan", "Q1", start="2026-03-02")
TWO_LATE = book(within("a.one", 10), within("a.two", 20, "core_group"), over(at_least=2))

# --- others -------------------------------------------------------------------------------------------------------


def test_so_many_other_rules_at_a_stage_hold_since_the_day_of_the_last_that_made_the_number() -> None:
    assert about(TWO_LATE, case(CHILD, PLAN), "2026-03-22") == []
    (finding,) = about(TWO_LATE, case(CHILD, PLAN), "2026-03-23")
    assert (finding.stage, finding.start, finding.due) == ("overdue", date(2026, 3, 22), date(2026, 3, 22))
    assert (finding.record, finding.where, finding.occurrence) == ("child:C1", "child C1", "start")
    assert finding.evidence == ("cp_plan Q1", "cp_plan Q1")


def test_a_child_without_a_record_of_its_own_is_named_all_the_same() -> None:
    (finding,) = about(TWO_LATE, case(PLAN), "2026-03-23")
    assert (finding.record, finding.where) == ("child:C1", "")


def test_nothing_is_said_of_a_child_who_has_died() -> None:
    rules = book(
        within("a.one", 10),
        rule("a.two", "child", clock={"from": {"birthday": 5}, "within": "1 week"}, until={"record": "sdq"}),
        over(),
    )
    died = record("child", "C1", born="2015-05-05", died="2026-03-20")
    assert about(rules, case(died, PLAN), "2026-03-19")
    assert about(rules, case(died, PLAN), "2026-03-20") == []


def test_one_that_cannot_be_told_may_make_the_number() -> None:
    unsure = record("core_group", "G1", happened=ODD)
    (finding,) = about(TWO_LATE, case(CHILD, PLAN, unsure), "2026-03-23")
    assert told(finding) == ("unreadable", "happened")
    one = book(within("a.one", 10), over())
    visit = record("cp_visit", "V1", happened=ODD)
    assert told(about(one, case(CHILD, PLAN, visit), "2026-03-23")[0]) == ("unreadable", "happened")


def test_one_that_asks_nobody_does_not() -> None:
    """A clock that was stopped, nobody knows whether in time, is nobody's to mend."""
    one = book(within("a.one", 10), over())
    late = record("cp_visit", "V1", happened="2026-03-20")
    assert about(one, case(CHILD, PLAN, late, since="2026-03-15"), "2026-03-23") == []


def test_rules_over_rules_do_not_look_at_each_other() -> None:
    rules = book(
        within("a.one", 10), over(), rule("a.over", "child", others={"rules": ["a.*", "gap.*"], "at_least": 2})
    )
    assert [f.rule for f in found(rules, case(CHILD, PLAN), "2026-03-23")] == ["a.one", "gap.over"]


def test_a_clock_of_its_own_gives_it_time() -> None:
    rules = book(
        within("a.one", 10), rule("gap.over", "child", clock={"within": "5 working days"}, others={"rules": "a.one"})
    )
    (finding,) = about(rules, case(CHILD, PLAN), "2026-03-16")
    assert (finding.stage, finding.due, finding.limit) == ("running", date(2026, 3, 19), "5 working days")


def test_unknown_for_one_cause_is_counted_and_stays_unknown() -> None:
    rules = book(
        within("a.one", 10),
        rule("a.two", "assessment", clock={"from": "start", "within": "1 week"}, until={"own": "authorised"}),
        over(stages=["unknown"], because="missing"),
    )
    blank, odd = record("assessment", "A1"), record("assessment", "A1", start=ODD)
    (finding,) = about(rules, case(CHILD, PLAN, blank), "2026-03-23")
    assert told(finding) == ("missing", "start")
    assert (finding.start, finding.due, finding.evidence) == (None, None, ("assessment A1",))
    assert about(rules, case(CHILD, PLAN, odd), "2026-03-23") == []


def test_what_is_unknown_has_been_so_since_so_many_began_and_never_since_somebody_looked() -> None:
    rules = book(
        rule("a.one", "cp_plan", clock={"from": "start", "within": "1 week"}, until={"record": "cp_visit"}),
        rule("a.two", "assessment", clock={"from": "start", "within": "1 week"}, until={"own": "authorised"}),
        over(stages=["unknown"], at_least=2),
    )
    doubtful = record("cp_visit", "V1", happened=ODD)
    more = [record("cp_plan", key, start=day) for key, day in (("Q2", "2026-03-05"), ("Q3", "2026-03-10"))]
    for day in ("2026-03-23", "2026-03-24"):
        (finding,) = about(rules, case(CHILD, PLAN, *more, doubtful), day)
        assert (finding.start, len(finding.evidence)) == (date(2026, 3, 5), 3)
        (finding,) = about(rules, case(CHILD, PLAN, doubtful, record("assessment", "A1")), day)
        assert finding.start is None


LATE_TWICE = book(
    rule("a.visit", "cp_plan", clock={"from": "start", "every": "10 calendar days"}, until={"record": "cp_visit"}),
    over(stages=["met_late"], last="3 months", at_least=2),
)


def visits(*days: str) -> list[Record]:
    return [record("cp_visit", f"V{n}", happened=day) for n, day in enumerate(days)]


def test_clocks_met_late_count_for_so_long_as_the_rule_looks_back() -> None:
    of = case(CHILD, PLAN, *visits("2026-03-13", "2026-03-24", "2026-04-03"))
    assert about(LATE_TWICE, of, "2026-03-23") == []
    (finding,) = about(LATE_TWICE, of, "2026-04-10")
    assert (finding.stage, finding.start) == ("overdue", date(2026, 3, 24))
    assert str(finding.changes) == "2026-06-12 23:00:00+00:00"
    assert about(LATE_TWICE, of, "2026-06-12") != []
    assert about(LATE_TWICE, of, "2026-06-13") == []


def test_clocks_met_late_count_though_what_they_were_for_is_over_and_nobody_was_told_of_them() -> None:
    """A look leaves out what is over, but for what another rule counts."""
    ended = record("cp_plan", "Q1", start="2026-03-02", end="2026-04-05")
    of = case(CHILD, ended, *visits("2026-03-13", "2026-03-24", "2026-04-03"))
    (finding,) = about(LATE_TWICE, of, "2026-04-10")
    looked = ready(LATE_TWICE).look(of, end_of("2026-04-10"), Slack(), frozenset())
    assert [f for f in looked if f.asks_for_action] == [finding]


def test_clocks_met_late_say_nothing_of_a_child_who_has_died_since() -> None:
    died = record("child", "C1", born="2015-05-05", died="2026-04-09")
    of = case(died, PLAN, *visits("2026-03-13", "2026-03-24", "2026-04-03"))
    assert about(LATE_TWICE, of, "2026-04-08") != []
    assert about(LATE_TWICE, of, "2026-04-09") == []


# --- who speaks for whom ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mine", "theirs", "spoken"),
    [
        (10, 20, ""),  # the lesser is overdue, the speaker only near
        (20, 10, "z.loud"),
        (10, 10, "z.loud"),
        (60, 10, ""),  # running asks nothing, so it needs no voice
        (21, 20, "z.loud"),  # both near, the speaker due first
        (20, 20, "z.loud"),  # both near, and due on one day
        (20, 21, ""),  # both near, the lesser due first
    ],
)
def test_a_rule_speaks_for_one_no_more_pressing(mine: int, theirs: int, spoken: str) -> None:
    """At the end of 21 March, clocks of 10 days from 2 March are overdue and those of 20 days near."""
    rules = book(within("a.quiet", mine), within("z.loud", theirs, "core_group", speaks_for=["a.quiet"]))
    by_rule = {f.rule: f.spoken_for_by for f in found(rules, case(PLAN), "2026-03-21")}
    assert by_rule == {"a.quiet": spoken, "z.loud": ""}


def test_on_the_day_itself_due_speaks_for_due_and_not_for_overdue() -> None:
    rules = book(within("a.due", 19), within("a.late", 10), within("z.loud", 19, speaks_for=["a.*"]))
    by_rule = {f.rule: f.spoken_for_by for f in found(rules, case(PLAN), "2026-03-21")}
    assert by_rule == {"a.due": "z.loud", "a.late": "", "z.loud": ""}


def test_of_several_voices_the_first_by_name_is_named_and_none_speaks_for_itself() -> None:
    rules = book(
        within("b.one", 10, speaks_for=["b.*"]), within("a.two", 10, speaks_for=["b.*"]), within("b.three", 10)
    )
    by_rule = {f.rule: f.spoken_for_by for f in found(rules, case(PLAN), "2026-03-21")}
    assert by_rule == {"a.two": "", "b.one": "a.two", "b.three": "a.two"}
    alone = found(book(within("b.one", 10, speaks_for=["b.*"])), case(PLAN), "2026-03-21")
    assert [f.spoken_for_by for f in alone] == [""]


def test_what_cannot_be_told_neither_speaks_nor_is_spoken_for() -> None:
    odd = record("cp_visit", "V1", happened=ODD)
    rules = book(within("a.one", 10), within("z.loud", 10, "core_group", speaks_for=["a.one"]))
    assert [f.spoken_for_by for f in found(rules, case(PLAN, odd), "2026-03-21")] == ["", ""]
    rules = book(within("a.one", 10, "core_group"), within("z.loud", 10, speaks_for=["a.one"]))
    assert [f.spoken_for_by for f in found(rules, case(PLAN, odd), "2026-03-21")] == ["", ""]


def test_a_rule_over_others_may_speak_for_them() -> None:
    rules = book(within("a.one", 10), rule("gap.over", "child", others={"rules": "a.one"}, speaks_for="a.one"))
    by_rule = {f.rule: f.spoken_for_by for f in found(rules, case(CHILD, PLAN), "2026-03-21")}
    assert by_rule == {"a.one": "gap.over", "gap.over": ""}


# --- teams --------------------------------------------------------------------------------------------------------


def test_a_child_is_judged_by_the_rules_of_the_team_that_has_the_case_that_day() -> None:
    rules = book(within("a.one", 20), teams={"T1": book(within("a.one", 10)), "T2": book()})
    moved = [
        record("allocation", "A1", start="2026-01-05", end="2026-03-14", team="T1"),
        record("allocation", "A2", start="2026-03-14", end="2026-03-17", team="T2"),
        record("allocation", "A3", start="2026-03-17", team="T3"),
    ]
    due = {
        day: [f.due for f in found(rules, case(PLAN, *moved), day)]
        for day in ("2026-03-13", "2026-03-14", "2026-03-17")
    }
    assert due == {"2026-03-13": [date(2026, 3, 12)], "2026-03-14": [], "2026-03-17": [date(2026, 3, 22)]}


# --- what a feed cannot hold --------------------------------------------------------------------------------------


def test_a_rule_is_not_measured_where_the_feed_lacks_a_kind_or_a_field_it_needs() -> None:
    seen = rule(
        "a.seen",
        "cp_plan",
        clock={"from": "start", "within": "1 week"},
        until={"record": "cp_visit", "where": {"child_seen": True}},
    )
    rules = book(seen, within("a.group", 10, "core_group"))
    holds = {"cp_plan", "cp_visit", "core_group"}
    able, unable = measurable(rules, holds, {"cp_visit.child_seen", "cp_visit.bedroom_seen"})
    assert [r.id for r in able.rules] == ["a.group"]
    assert [(f.rule, (f.child, f.record), *told(f)) for f in unable] == [
        ("a.seen", WHOLE_FEED, "feed", "cp_visit.child_seen")
    ]
    able, unable = measurable(rules, {"cp_plan"}, {"cp_visit.child_seen"})
    assert [(f.rule, f.occurrence) for f in unable] == [("a.seen", "cp_visit"), ("a.group", "core_group")]
    assert unable[0].cannot_tell and unable[0].cannot_tell.text == "this feed holds no cp_visit"


def test_all_that_is_missing_is_named() -> None:
    _, (finding,) = measurable(book(within("a.one", 10)), set())
    assert finding.cannot_tell and finding.cannot_tell.text == "this feed holds no cp_plan and no cp_visit"


def test_a_rule_over_others_is_not_measured_where_none_of_them_can_be() -> None:
    holds = {"cp_plan", "cp_visit"}
    _, unable = measurable(TWO_LATE, holds)
    assert [f.rule for f in unable] == ["a.two"]
    able, unable = measurable(TWO_LATE, set())
    assert [(f.rule, told(f)[1]) for f in unable] == [
        ("a.one", "cp_plan"),
        ("a.two", "core_group"),
        ("gap.over", "a.one"),
    ]
    assert able.rules == ()


def test_a_rule_over_others_that_bear_its_own_name_does_not_wait_for_itself() -> None:
    rules = book(within("gap.one", 10), rule("gap.over", "child", others={"rules": ["gap.*"]}))
    _, unable = measurable(rules, set())
    assert [f.rule for f in unable] == ["gap.one", "gap.over"]


def test_the_rules_of_teams_are_told_once_too() -> None:
    rules = book(within("a.one", 10), teams={"T1": book(within("a.one", 5), within("t.two", 5, "core_group"))})
    able, unable = measurable(rules, {"cp_plan"})
    assert [f.rule for f in unable] == ["a.one", "t.two"]
    assert able.teams["T1"].rules == ()
