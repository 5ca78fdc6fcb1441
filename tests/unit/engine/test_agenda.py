"""The agenda: when something changes for a child, nothing new being recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertd.cases.records import LONDON, CaseFile, Window, local_day
from alertd.engine.agenda import AHEAD, Change, agenda, next_look
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.engine.subject import Slack
from alertd.rulebook.model import Rulebook
from tests.reference.strategies import Example, examples
from tests.support.evaluating import ready
from tests.unit.engine.engine_samples import book, case, end_of, record, rule

DAYS = 500
PLAN = record("cp_plan", "Q1", start="2026-03-02")
VISIT = rule("a.visit", "cp_plan", clock={"from": "start", "within": "10 calendar days"}, until={"record": "cp_visit"})


def ahead(rules: Rulebook, of: CaseFile, day: str, until: str) -> list[Change]:
    return list(agenda(ready(rules), of, end_of(day), end_of(until)))


def in_words(changes: list[Change]) -> list[str]:
    return [f"{c.at.astimezone(LONDON):%d %b %H:%M} {c.rule} {c.words}" for c in changes]


def test_every_warning_stage_and_step_is_told_once_at_its_moment() -> None:
    assert in_words(ahead(book(VISIT), case(PLAN), "2026-03-05", "2026-12-31")) == [
        "10 Mar 00:00 a.visit becomes upcoming",
        "12 Mar 00:00 a.visit becomes due",
        "13 Mar 00:00 a.visit becomes overdue",
    ]


def test_a_step_of_the_ladder_alone_is_a_change() -> None:
    steps = [{"tell": ["worker"]}, {"tell": ["team_manager"], "after": "1 week"}]
    rules = book(VISIT, ladders={"L": {"title": "t", "steps": steps}})
    assert in_words(ahead(rules, case(PLAN), "2026-03-14", "2026-12-31")) == ["19 Mar 00:00 a.visit escalation step 2"]


def test_what_is_recorded_ahead_comes_on_its_day() -> None:
    ends = record("cp_plan", "Q1", start="2026-03-02", end="2026-03-15")
    assert in_words(ahead(book(VISIT), case(ends), "2026-03-13", "2026-12-31")) == [
        "15 Mar 00:00 a.visit becomes ended"
    ]
    begins = record("cp_plan", "Q1", start="2026-03-20")
    first = ahead(book(VISIT), case(begins), "2026-03-13", "2026-03-20")
    assert in_words(first) == ["20 Mar 00:00 a.visit becomes running"] and first[0].before is None


def test_days_beyond_every_calendar_never_come_and_leave_the_rest_of_the_agenda_alone() -> None:
    filler = record("cp_plan", "Q1", start="2026-03-02", end="9999-12-31")
    born = record("child", "C1", born="9990-01-01")
    turning = rule(
        "a.birthday", "child", clock={"from": {"birthday": 16}, "within": "1 week"}, until={"record": "need"}
    )
    changes = ahead(book(VISIT, turning), case(born, filler), "2026-03-10", "2026-12-31")
    assert [c.words for c in changes] == ["becomes due", "becomes overdue"]


def test_a_clock_in_hours_is_overdue_the_moment_after_it_ran_out() -> None:
    hours = rule("a.hours", "cp_plan", clock={"from": "start", "within": "36 hours"}, until={"record": "cp_visit"})
    changes = ahead(book(hours), case(PLAN), "2026-03-02", "2026-03-06")
    late = next(c for c in changes if c.words == "becomes overdue")
    assert late.at == datetime(2026, 3, 3, 12, tzinfo=UTC) + timedelta(microseconds=1)


def test_a_birthday_and_the_end_of_the_window_are_instants_too() -> None:
    first = rule("a.first", "child", clock={"from": {"birthday": 5}, "within": "1 week"}, until={"record": "sdq"})
    of = case(record("child", "C1", born="2021-03-10"), until="2026-03-14")
    assert in_words(ahead(book(first), of, "2026-03-02", "2026-12-31")) == [
        "10 Mar 00:00 a.first becomes running",
        "13 Mar 00:00 a.first becomes upcoming",
        "15 Mar 00:00 a.first becomes unknown",
    ]


def test_a_count_that_runs_out_is_over() -> None:
    moves = rule("gap.moves", "cp_plan", count={"record": "cp_visit", "last": "1 month", "at_least": 1})
    visit = record("cp_visit", "V1", happened="2026-03-05")
    (*_, last) = ahead(book(moves), case(PLAN, visit), "2026-03-05", "2026-12-31")
    assert in_words([last]) == ["05 Apr 00:00 gap.moves is over"] and last.finding == last.before


def test_another_team_s_rules_begin_the_day_it_has_the_case() -> None:
    rules = book(VISIT, teams={"T2": book()})
    moves = [
        record("allocation", "A1", start="2026-01-05", team="T1"),
        record("allocation", "A2", start="2026-03-06", team="T2"),
    ]
    assert in_words(ahead(rules, case(PLAN, *moves), "2026-03-05", "2026-12-31")) == ["06 Mar 00:00 a.visit is over"]


def test_nothing_is_evaluated_beyond_what_is_asked_for() -> None:
    class Counting(Evaluator):
        times = 0

        def evaluate(self, case: CaseFile, as_of: datetime) -> tuple[Finding, ...]:
            Counting.times += 1
            return super().evaluate(case, as_of)

    changes = agenda(Counting.of(book(VISIT)), case(PLAN), end_of("2026-03-05"), end_of("2036-01-01"))
    assert Counting.times == 0
    next(changes)
    assert Counting.times == 2


def test_a_change_is_written_as_json() -> None:
    change = ahead(book(VISIT), case(PLAN), "2026-03-09", "2026-03-11")[0]
    written = json.loads(json.dumps(change.as_json()))
    assert written["at"] == "2026-03-10T00:00:00+00:00"
    assert (written["before"]["stage"], written["after"]["stage"]) == ("running", "upcoming")


def standing(findings: tuple[Finding, ...]) -> dict[tuple[str, ...], tuple[str, int, int]]:
    return {f.identity: (f.stage, f.warned, f.level) for f in findings}


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(examples(), st.integers(-300, 0), st.integers(0, 12), st.lists(st.integers(0, DAYS * 86_400), max_size=5))
def test_following_the_agenda_agrees_with_evaluating_on_any_day(
    example: Example, back: int, shift: int, seconds: list[int]
) -> None:
    evaluator, as_of = ready(example.book), example.as_of + timedelta(back)
    ahead = list(agenda(evaluator, example.case, as_of, as_of + timedelta(DAYS)))
    assert [c.at for c in ahead] == sorted(c.at for c in ahead)
    instants = [as_of + timedelta(n) for n in range(shift, DAYS, 13)] + [as_of + timedelta(seconds=n) for n in seconds]
    state = standing(evaluator.evaluate(example.case, as_of))
    for instant in sorted(instants):
        while ahead and ahead[0].at <= instant:
            change = ahead.pop(0)
            state.pop(change.finding.identity, None)
            if change.after:
                state |= standing((change.after,))
        assert state == standing(evaluator.evaluate(example.case, instant)), f"at {instant}"


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(examples(), st.integers(-300, 0), st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4))
def test_until_the_next_look_nothing_is_otherwise_in_any_part(example: Example, back: int, shares: list[float]) -> None:
    evaluator, as_of = ready(example.book), example.as_of + timedelta(back)
    findings = evaluator.evaluate(example.case, as_of)
    at = next_look(evaluator, example.case, as_of, findings)
    assert as_of < at <= as_of + AHEAD
    last = (at - as_of) // timedelta(microseconds=1) - 1
    for instant in (as_of + timedelta(microseconds=int(last * share)) for share in shares):
        assert plainly(evaluator.evaluate(example.case, instant)) == plainly(findings), f"at {instant}, before {at}"


def plainly(findings: tuple[Finding, ...]) -> list[Finding]:
    """Without the words on days that no feed speaks for, which name the day on which somebody looked."""
    return [replace(f, cannot_tell=f.cannot_tell and replace(f.cannot_tell, text="")) for f in findings]


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(examples(), st.integers(-700, 0), st.integers(1, 700), st.booleans(), st.booleans(), st.randoms())
def test_windows_may_move_as_far_as_the_slack_says_and_no_answer_is_another(
    example: Example,
    begins: int,
    days: int,
    starts: bool,
    ends: bool,
    random,  # type: ignore[no-untyped-def]
) -> None:
    """What was proved stays proved while they begin later, and what they end too soon for is not known earlier."""
    opens = local_day(example.as_of) + timedelta(begins)

    def moved(by: int) -> CaseFile:
        first, last = opens + timedelta(by), local_day(example.as_of) + timedelta(by - 20)
        window = Window(first if starts else None, last if ends else None)
        return replace(example.case, window=window, windows=dict.fromkeys(example.case.windows, window))

    evaluator, slack = ready(example.book), Slack()
    told = some_of(evaluator.evaluate(moved(0), example.as_of), random)
    before = wanted(evaluator.look(moved(0), example.as_of, slack, told), told)
    by = days if slack.days is None else min(days, slack.days)
    after = wanted(evaluator.evaluate(moved(by), example.as_of), told)
    assert roughly(after) == roughly(before), f"moved by {by} of {slack.days}"


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(examples(), st.randoms())
def test_what_is_over_may_be_left_out_and_nothing_that_is_wanted_is_otherwise(example: Example, random) -> None:  # type: ignore[no-untyped-def]
    """A look judges less than evaluating does, and finds the same of all that asks for something or is told."""
    evaluator = ready(example.book)
    findings = evaluator.evaluate(example.case, example.as_of)
    told = some_of(findings, random)
    looked = evaluator.look(example.case, example.as_of, Slack(), told)
    assert wanted(looked, told) == wanted(findings, told)
    assert next_look(evaluator, example.case, example.as_of, looked) >= next_look(
        evaluator, example.case, example.as_of, findings
    )


def some_of(findings: tuple[Finding, ...], random) -> frozenset[tuple[str, str, str, str]]:  # type: ignore[no-untyped-def]
    """The identities of about one in three, as if there were alerts of them."""
    return frozenset(f.identity for f in findings if random.random() < 1 / 3)


def wanted(findings: tuple[Finding, ...], told: frozenset[tuple[str, str, str, str]]) -> tuple[Finding, ...]:
    """Those that ask for something, or of which there is an alert."""
    return tuple(f for f in findings if f.asks_for_action or f.identity in told)


def test_a_look_leaves_out_what_is_over_and_nobody_was_told_of() -> None:
    """Or it would cost as much as evaluating does."""
    ended = record("cp_plan", "Q2", start="2025-03-02", end="2025-09-01")
    seen = record("cp_visit", "V1", happened="2026-03-04")
    evaluator, instant = ready(book(VISIT)), end_of("2026-03-20")
    of = case(PLAN, ended, seen)
    everything = evaluator.evaluate(of, instant)
    assert [f.stage for f in everything] == ["met", "ended"]
    assert evaluator.look(of, instant, Slack(), frozenset()) == ()
    for finding in everything:
        assert evaluator.look(of, instant, Slack(), {finding.identity}) == (finding,)


def roughly(findings: tuple[Finding, ...]) -> list[Finding]:
    """Without what is said of when a count whose beginning nobody saw may next change."""
    return [replace(f, changes=None) if f.stage == "unknown" else f for f in plainly(findings)]


def test_the_day_is_london_s() -> None:
    """In summer the day begins at 23:00 of the day before, by UTC."""
    of = case(record("cp_plan", "Q1", start="2026-06-01"))
    last = ahead(book(VISIT), of, "2026-06-10", "2026-06-30")[-1]
    assert last.at.astimezone(UTC) == datetime(2026, 6, 11, 23, tzinfo=UTC)
    assert last.after and last.after.due == date(2026, 6, 11)
