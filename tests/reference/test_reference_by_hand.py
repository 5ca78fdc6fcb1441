"""The reference evaluator against answers worked out by hand, one for each thing the rule language can say."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from alertd.calendars.calendar import Term
from alertd.cases.records import LONDON, CaseFile, Record, Unreadable, Window, make_record
from alertd.rulebook.model import Rule, Rulebook
from tests.reference.anchor import Judged
from tests.reference.composite import measured
from tests.reference.evaluator import reference

TERM = Term(date(2026, 1, 5), date(2026, 2, 13), closed=(date(2026, 1, 30),))


def rule(name: str = "a.one", for_: str = "care_period", **parts: Any) -> Rule:
    raw: dict[str, Any] = {"id": name, "title": "A rule", "why": "To test", "for": for_, "clears": "It is done"}
    raw |= {"law": {"cite": "none", "confidence": "V"}, "escalate": "L", "warn": "W" if "clock" in parts else ""}
    return Rule.model_validate(raw | parts)


def book(*rules: Rule, **parts: Any) -> Rulebook:
    steps = {"title": "L", "steps": [{"tell": ("worker",)}, {"tell": ("worker",), "after": "2 calendar days"}]}
    raw = {"rules": rules, "ladders": {"L": steps}, "warnings": {"W": {"title": "W", "at": [{"before": "1 week"}]}}}
    return Rulebook.model_validate(raw | parts)


def record(kind: str, key: str = "1", **values: Any) -> Record:
    """Days of 2026 are written (month, day)."""
    raw = {name: date(2026, *v) if isinstance(v, tuple) else v for name, v in values.items()}
    return make_record(kind, "C", key, f"{kind}:{key}", raw)


def on(month: int, day: int) -> date:
    return date(2026, month, day)


def said(rules: Rulebook, as_of: date, *records: Record, window: Window | None = None) -> list[Judged]:
    case = CaseFile("C", records, window or Window())
    moment = datetime.combine(as_of, time(23, 59, 59), LONDON)
    return sorted(reference(case, rules, moment), key=lambda f: f.identity)


def said_one(rules: Rulebook, as_of: date, *records: Record, window: Window | None = None) -> Judged:
    (found,) = said(rules, as_of, *records, window=window)
    return found


CARE = record("care_period", start=(1, 5))
SEEN = {"record": ["cla_visit", "cin_visit"], "where": {"child_seen": True}}


def test_any_of_several_kinds_stops_a_clock_and_starts_the_next() -> None:
    rules = book(rule(clock={"from": "start", "every": "2 weeks"}, until=SEEN))
    visits = (
        record("cla_visit", happened=(1, 12), child_seen=False),
        record("cin_visit", happened=(1, 19), child_seen=True),
    )
    first, second = said(rules, on(2, 10), CARE, *visits)
    assert (second.stage, second.met, second.due) == ("met", on(1, 19), on(1, 19))
    assert (first.occurrence, first.stage, first.due, first.level) == ("cin_visit:1", "overdue", on(2, 2), 2)


def test_a_clock_runs_out_by_a_day_or_before_it() -> None:
    papers = rule(for_="icpc", clock={"by": "due_on", "before": "5 working days"}, until={"record": "cin_visit"})
    booked = record("icpc", due_on=(1, 26))
    found = said_one(book(papers), on(1, 20), booked)
    assert (found.stage, found.due, found.start, found.limit) == ("overdue", on(1, 19), None, "5 working days before")
    assert said_one(book(papers), on(1, 13), booked).stage == "upcoming"
    assert said_one(book(papers), on(1, 20), booked, record("cin_visit", happened=(1, 19))).stage == "met"
    # With nothing known of a beginning, what happened before the last day is not for this meeting.
    assert said_one(book(papers), on(1, 20), booked, record("cin_visit", happened=(1, 16))).stage == "overdue"
    assert said_one(book(papers), on(1, 20), record("icpc")).field == "due_on"


def test_weeks_of_gestation_move_with_the_expected_date_and_end_with_the_birth() -> None:
    rules = book(rule(for_="referral", clock={"by": {"gestation": 38}}, until={"record": "icpc"}))
    referral = record("referral", start=(1, 5))
    assert said_one(rules, on(2, 1), referral, record("child", expected=(3, 16))).due == on(3, 2)
    assert said(rules, on(2, 1), referral, record("child", expected=(3, 16), born=(1, 31))) == []
    assert said_one(rules, on(2, 1), referral, record("child")).field == "expected"


def test_a_last_day_that_is_no_working_day_moves_only_where_the_rule_says_so() -> None:
    until = {"record": "cla_review"}
    still = book(rule(clock={"from": "start", "within": "5 calendar days"}, until=until))
    rolls = book(rule(clock={"from": "start", "within": "5 calendar days", "roll": "forward"}, until=until))
    assert said_one(still, on(1, 6), CARE).due == on(1, 10)  # a Saturday
    assert said_one(rolls, on(1, 6), CARE).due == on(1, 12)


def test_school_days_are_those_of_the_terms_known() -> None:
    counted = rule(clock={"from": "start", "within": "20 school days"}, until={"record": "cla_review"})
    # Five days a week from Tuesday 6 January, but for the closed 30 January: the 20th is Tuesday 3 February.
    assert said_one(book(counted, terms=(TERM,)), on(1, 6), CARE).due == on(2, 3)
    late = record("care_period", start=(1, 26))
    assert said_one(book(counted, terms=(TERM,)), on(1, 27), late).cause == "unreadable"
    unset = said_one(book(counted), on(1, 6), CARE)
    assert (unset.cause, unset.field) == ("setting", "school terms")


def test_an_unborn_child_is_of_no_age() -> None:
    under = rule(clock={"from": "start", "within": "1 week"}, until={"record": "cla_review"}, age={"under": 1})
    assert said(book(under), on(1, 6), CARE, record("child", expected=(3, 1))) == []
    assert said_one(book(under), on(1, 6), CARE, record("child")).field == "born"


def test_what_explains_a_late_date_changes_nothing_else() -> None:
    clock: dict[str, Any] = {"clock": {"from": "start", "within": "1 week"}, "until": {"record": "cla_review"}}
    plain, with_why = book(rule(**clock)), book(rule(**clock, explained_by=({"record": "missing"},)))
    gone = (record("missing", "1", start=(1, 9)), record("missing", "2", start=(1, 8), end=(1, 9)))
    found = said_one(with_why, on(1, 20), CARE, *gone)
    assert found.explained == "missing episode since Fri 9 Jan 2026"
    assert found._replace(explained="") == said_one(plain, on(1, 20), CARE, *gone)


def test_so_many_records_in_a_span() -> None:
    moves = [record("placement", str(n), start=(n, 10)) for n in (1, 2, 3, 5)]
    last = book(rule(count={"record": "placement", "at_least": 3, "last": "100 calendar days"}))
    found = said_one(last, on(5, 20), CARE, *moves)  # from 10 February to 20 May are 99 days
    assert (found.stage, found.start, found.due) == ("overdue", on(5, 10), on(5, 10))
    assert found.evidence == ("placement:2", "placement:3", "placement:5")
    assert said(last, on(5, 21), CARE, *moves) == []
    # From 10 March three were in the span until the first of them left it on 20 April.
    assert said_one(last, on(4, 19), CARE, *moves).start == on(3, 10)
    assert said(last, on(4, 20), CARE, *moves) == []
    assert said_one(last, on(5, 21), CARE, *moves, window=Window(on(3, 1))).cause == "window"
    undated = record("placement", "9", start=Unreadable("odd"))
    assert said_one(last, on(5, 21), CARE, *moves, undated).cause == "unreadable"
    before = book(rule(for_="referral", count={"record": "referral", "at_least": 1, "before": "1 year"}))
    again = [record("referral", "1", start=(1, 5)), record("referral", "2", start=(6, 1))]
    assert [(f.record, f.start) for f in said(before, on(6, 9), *again)] == [("referral:2", on(6, 1))]


def test_the_latest_records_in_a_row() -> None:
    rules = book(rule(in_a_row={"record": "cla_visit", "where": {"child_seen": False}, "times": 2}))

    def visits(*seen: object) -> list[Record]:
        return [record("cla_visit", str(n), happened=(1, 10 + n), child_seen=s) for n, s in enumerate(seen)]

    found = said_one(rules, on(1, 20), CARE, *visits(True, False, False, False))
    assert (found.start, found.evidence) == (on(1, 12), ("cla_visit:1", "cla_visit:2", "cla_visit:3"))
    assert said(rules, on(1, 20), CARE, *visits(False, False, True)) == []
    assert said_one(rules, on(1, 20), CARE, *visits(True, False, None)).field == "child_seen"
    assert said_one(rules, on(1, 20), CARE, *visits(False, False), window=Window(None, on(1, 19))).cause == "window"


def test_no_such_state_is_open() -> None:
    rules = book(rule(no_open={"record": "allocation"}, clock={"within": "5 working days"}, warn=""))
    ended = record("allocation", "1", start=(1, 5), end=(1, 12))
    found = said_one(rules, on(1, 20), CARE, ended)
    assert (found.stage, found.start, found.due, found.limit) == ("overdue", on(1, 12), on(1, 19), "5 working days")
    assert said(rules, on(1, 20), CARE, ended, record("allocation", "2", start=(1, 15))) == []
    assert said_one(rules, on(1, 20), CARE, ended, record("allocation", "2")).field == "start"


def test_so_many_other_findings_stand_at_a_stage() -> None:
    one, two = (rule(n, clock={"from": "start", "within": "1 week"}, until={"record": k}) for n, k in LATE)
    both = rule("c.both", "child", others={"rules": ["a.*"], "at_least": 2})
    found = said(book(one, two, both), on(1, 20), CARE)[-1]
    assert (found.rule, found.record, found.start, found.level) == ("c.both", "child:C", on(1, 12), 2)
    assert len(said(book(one, two, both), on(1, 20), CARE, record("cla_review", happened=(1, 9)))) == 2


LATE = (("a.one", "cla_review"), ("a.two", "cla_visit"))


def test_the_worse_alert_speaks_for_the_lesser() -> None:
    one = rule("a.one", clock={"from": "start", "within": "1 week"}, until={"record": "cla_visit"}, speaks_for="b.*")
    two = rule("b.two", clock={"from": "start", "within": "10 calendar days"}, until={"record": "cla_review"})
    spoken = [f.spoken_for_by for f in said(book(one, two), on(1, 14), CARE)]
    assert spoken == ["", "a.one"]
    assert [f.spoken_for_by for f in said(book(one, two), on(1, 11), CARE)] == ["", "a.one"]  # coming, and due first


def test_a_child_is_judged_by_the_rules_of_the_team_that_has_the_case() -> None:
    ours = book(rule(clock={"from": "start", "within": "1 week"}, until={"record": "cla_review"}))
    whole = ours.model_copy(update={"rules": (), "teams": {"T": ours}})
    assert said(whole, on(1, 6), CARE, record("allocation", start=(1, 5), team="other")) == []
    assert len(said(whole, on(1, 6), CARE, record("allocation", start=(1, 5), team="T"))) == 1


def test_a_feed_without_a_field_cannot_measure_the_rules_that_need_it() -> None:
    visit = rule("a.visit", clock={"from": "start", "within": "1 week"}, until=SEEN)
    over = rule("b.over", "child", others={"rules": "a.visit"})
    holds = frozenset({"care_period", "cla_visit", "cin_visit"})
    wanted = {"a.visit": "cin_visit.child_seen", "b.over": "a.visit"}
    assert measured(book(visit, over), holds, frozenset({"cin_visit.child_seen"})) == wanted
