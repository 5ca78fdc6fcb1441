"""Lint finds what loading cannot refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertd.rulebook.lint import Problem, lint
from alertd.rulebook.load import load_rulebook
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


def problems(tmp_path: Path, rule: str = RULE, cases: str = FIRES + QUIET) -> list[Problem]:
    pack, sheet = tmp_path / "local.yaml", tmp_path / "local.test.yaml"
    pack.write_text(rule)
    sheet.write_text("cases:\n" + cases)
    return lint(load_rulebook([pack]), read_cases(sheet))


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
