"""Lint finds what loading cannot refuse."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from alertd.rulebook.lint import Problem, lint
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.profiles import Ladder
from alertd.rulebook.testing import read_cases

RULE = """\
pack: local.example
edition: "one"
rules:
  - id: local.review
    title: Local review
    why: It shows what lint finds.
    law: {cite: Local policy, confidence: P}
    for: care_period
    clock: {from: start, within: 20 working days}
    until: {record: cla_review}
    clears: A review is recorded.
    warn: D20
    escalate: L1
"""
FIRES = "  - {name: a, rule: local.review, as_of: 2026-11-28, expect: [{stage: overdue}]}\n"
QUIET = "  - {name: b, rule: local.review, as_of: 2026-11-28, expect: nothing}\n"


TODAY = date(2026, 11, 28)


def problems(tmp_path: Path, rule: str = RULE, cases: str = FIRES + QUIET, today: date = TODAY) -> list[Problem]:
    pack, sheet = tmp_path / "local.yaml", tmp_path / "local.test.yaml"
    pack.write_text(rule)
    sheet.write_text("cases:\n" + cases)
    return lint(load_rulebook([pack]), read_cases(sheet), today)


def test_a_rule_seen_to_fire_and_to_keep_quiet_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("warn: D20", "warn: M3", "begins 30 working days before due, but the limit is 20 working days"),
        ("within: 20 working days", "within: {setting: local.review.limit, default: 1 week}", "the limit is 1 week"),
        ("title: Local review", "title: Address of the child", "the title says 'Address'"),
        ("title: Local review", 'title: "Review for {child}"', "the title says '{'"),
        ("confidence: P", "confidence: K", "never read in a source (confidence K)"),
        ("    escalate: L1\n", "    escalate: L1\n    enabled: false\n", "disabled without saying why"),
    ],
)
def test_a_fault_is_found_and_placed(tmp_path: Path, old: str, new: str, said: str) -> None:
    found = problems(tmp_path, RULE.replace(old, new))
    assert found
    assert all(p.place == f"{tmp_path / 'local.yaml'}:4" and p.rule == "local.review" for p in found)
    assert any(said in p.text and not p.for_authority for p in found)


@pytest.mark.parametrize(("cases", "said"), [(FIRES, "keeping quiet"), (QUIET, "firing")])
def test_a_rule_needs_both_sorts_of_case(tmp_path: Path, cases: str, said: str) -> None:
    (problem,) = problems(tmp_path, cases=cases)
    assert said in problem.text


def test_a_setting_without_a_value_is_the_authoritys_to_decide(tmp_path: Path) -> None:
    unset = RULE.replace("within: 20 working days", "within: {setting: local.review.limit, no_default: true}")
    (problem,) = problems(tmp_path, unset)
    assert problem.for_authority
    assert "local.review.limit has no value" in problem.text


def second(text: str) -> str:
    """The pack with another rule, and cases for both."""
    return RULE + RULE.split("rules:\n")[1].replace("local.review", "local.second").replace("L1", text)


BOTH = FIRES + QUIET + (FIRES + QUIET).replace("local.review", "local.second")


def test_two_rules_that_tell_the_same_person_of_the_same_event_are_found_at_the_second(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, second("L1"), BOTH)
    assert problem.rule == "local.second"
    assert "head_of_service, service_manager, team_manager, worker would be told twice" in problem.text


@pytest.mark.parametrize(
    "apart",
    [
        "L1\n    speaks_for: [local.review]",
        "L1\n    enabled: false\n    disabled_because: Not yet.",
        "L1\n    where: {referral: R1}",
        "L1\n    age: {under: 5}",
    ],
)
def test_rules_that_differ_in_what_they_look_at_or_speak_for_each_other_are_not_twice(
    tmp_path: Path, apart: str
) -> None:
    assert problems(tmp_path, second(apart), BOTH) == []


def test_a_rule_is_past_its_review_on_the_day_after(tmp_path: Path) -> None:
    reviewed = RULE + "    review_by: 2026-09-30\n    owner: Principal Social Worker\n"
    assert problems(tmp_path, reviewed, today=date(2026, 9, 30)) == []
    (problem,) = problems(tmp_path, reviewed, today=date(2026, 10, 1))
    assert problem.for_authority
    assert "again by 2026-09-30, by Principal Social Worker" in problem.text


def test_a_pattern_has_no_warnings_to_look_at(tmp_path: Path) -> None:
    pattern = RULE.replace("    clock: {from: start, within: 20 working days}\n", "").replace("    warn: D20\n", "")
    pattern = pattern.replace("until: {record: cla_review}", "count: {record: placement, at_least: 3, last: 12 months}")
    assert problems(tmp_path, pattern) == []


def test_a_message_that_came_in_is_stopped_by_acting_on_it(tmp_path: Path) -> None:
    inbound = RULE.replace("care_period", "agency_inbound").replace("{from: start", "{from: happened")
    inbound = inbound.replace("{record: cla_review}", "{own: acted}") + "    tell: [responsible_team]\n"
    assert problems(tmp_path, inbound) == []


def test_the_first_step_of_a_ladder_may_come_with_the_first_warning(tmp_path: Path) -> None:
    assert problems(tmp_path, RULE.replace("escalate: L1", "escalate: L2")) == []


def test_a_rule_that_only_asks_for_a_correction_is_shown_asking_for_one(tmp_path: Path) -> None:
    corrects = RULE.replace("for: care_period", "for: child").replace("    warn: D20\n", "")
    corrects = corrects.replace("    clock: {from: start, within: 20 working days}\n", "")
    corrects = corrects.replace("until: {record: cla_review}", 'others: {rules: ["*"], stages: [unknown]}')
    said = [p.text for p in problems(tmp_path, corrects, QUIET)]
    assert said == ["no test case shows it asking for a correction (unknown)"]
    assert problems(tmp_path, corrects, QUIET + FIRES.replace("overdue", "unknown")) == []


def test_a_ladder_says_what_holds_its_steps_back(tmp_path: Path) -> None:
    pack = tmp_path / "local.yaml"
    pack.write_text(RULE)
    book = load_rulebook([pack])
    bare = book.model_copy(
        update={"ladders": {**book.ladders, "L1": book.ladders["L1"].model_copy(update={"held_by": None})}}
    )
    (said,) = [p.text for p in lint(bare, [], TODAY) if "held_by" in p.text]
    assert said == "ladder L1 does not say what a claim or an acceptance holds back: add `held_by:`"


def test_no_claim_holds_back_an_urgent_ladder_beyond_the_first_manager() -> None:
    steps = ({"tell": ["worker"]},)
    for claim in ("no step", "team_manager"):
        held = {"claim": claim, "accept": "own level", "because": "x"}
        assert Ladder.model_validate({"title": "t", "urgent": True, "steps": steps, "held_by": held})
    held = {"claim": "every step", "accept": "own level", "because": "x"}
    assert Ladder.model_validate({"title": "t", "steps": steps, "held_by": held})
    with pytest.raises(ValueError, match="up to team_manager, not beyond"):
        Ladder.model_validate({"title": "t", "urgent": True, "steps": steps, "held_by": held})
