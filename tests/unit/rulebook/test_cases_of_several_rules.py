"""Cases of rules that look at other rules, that others speak for, and that count school days."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertd.errors import InputError
from alertd.rulebook.model import Rule
from alertd.rulebook.testing import Outcome, Runner, read_cases
from tests.unit.engine.engine_samples import book, rule


def clock(id_: str, days: str, **keys: object) -> Rule:
    return rule(id_, "cp_plan", clock={"from": "start", "within": days}, until={"record": "cp_visit"}, **keys)


MISSING = [{"record": "missing"}]
BOOK = book(
    clock("a.one", "10 calendar days", explained_by=MISSING),
    clock("a.two", "10 calendar days", enabled=False),
    clock("b.loud", "5 calendar days", speaks_for=["a.one"]),
    clock("b.school", "5 school days"),
    rule("gap.over", "child", others={"rules": ["a.*"]}),
    rule("gap.two", "child", others={"rules": ["a.*"], "at_least": 2}),
)
PLAN = "    records: [{kind: cp_plan, key: Q1, start: 2026-03-02}]\n"


def run(tmp_path: Path, name: str, text: str) -> Outcome:
    path = tmp_path / "x.test.yaml"
    path.write_text(f"cases:\n  - name: A case\n    rule: {name}\n    as_of: 2026-03-16\n{text}")
    return Runner(BOOK).run(read_cases(path)[0])


def test_the_rules_that_a_rule_looks_at_are_judged_along_and_not_shown(tmp_path: Path) -> None:
    assert run(tmp_path, "gap.over", PLAN + "    expect: [{stage: overdue, start: 2026-03-12}]\n").passed


def test_of_those_the_ones_that_do_not_run_count_only_where_the_case_names_them(tmp_path: Path) -> None:
    assert run(tmp_path, "gap.two", PLAN + "    expect: nothing\n").passed
    assert run(tmp_path, "gap.two", PLAN + "    also: [a.two]\n    expect: [{stage: overdue}]\n").passed


def test_a_rule_is_spoken_for_only_where_the_case_names_the_one_that_speaks(tmp_path: Path) -> None:
    assert run(tmp_path, "a.one", PLAN + "    expect: [{stage: overdue, spoken_for_by: null}]\n").passed
    spoken = "    also: [b.loud]\n    expect: [{stage: overdue, spoken_for_by: b.loud}]\n"
    assert run(tmp_path, "a.one", PLAN + spoken).passed
    alone = run(tmp_path, "a.one", PLAN + "    expect: [{stage: overdue, spoken_for_by: b.loud}]\n")
    assert alone.differences[0] == "expected  overdue  spoken_for_by b.loud"


def test_what_explains_and_the_limit_are_compared(tmp_path: Path) -> None:
    records = PLAN.replace("]\n", ", {kind: missing, start: 2026-03-10}]\n")
    told = "explained: missing episode since Tue 10 Mar 2026, limit: 10 calendar days"
    assert run(tmp_path, "a.one", records + f"    expect: [{{stage: overdue, {told}}}]\n").passed
    assert not run(tmp_path, "a.one", records + "    expect: [{stage: overdue, explained: null}]\n").passed
    assert not run(tmp_path, "a.one", PLAN + f"    expect: [{{stage: overdue, {told}}}]\n").passed


def test_a_case_gives_the_school_terms_it_counts_in(tmp_path: Path) -> None:
    terms = "    terms: [{start: 2026-02-23, end: 2026-03-27, closed: [2026-03-04]}]\n"
    assert run(tmp_path, "b.school", PLAN + terms + "    expect: [{stage: overdue, due: 2026-03-10}]\n").passed
    untold = "    expect: [{stage: unknown, because: setting, cannot_tell: school terms}]\n"
    assert run(tmp_path, "b.school", PLAN + untold).passed


def test_a_rule_named_beside_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no rule .b\.lout."):
        run(tmp_path, "a.one", PLAN + "    also: [b.lout]\n    expect: nothing\n")
