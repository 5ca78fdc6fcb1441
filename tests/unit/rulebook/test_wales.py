"""The rules of Wales: each row that differs is there, takes the place of England's rule, and its cases hold."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import pytest

from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.lint import lint
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook
from alertd.rulebook.packs import cases_file, pack_files
from alertd.rulebook.testing import Case, Runner, read_cases

WALES = builtin_pack("wales")
CASES = [case for path in pack_files([WALES]) for case in read_cases(cases_file(path))]


@lru_cache
def rulebook() -> Rulebook:
    return load_rulebook([builtin_pack("england"), WALES])


@lru_cache
def runner() -> Runner:
    return Runner(rulebook())


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.rule}: {c.name}")
def test_case_holds(case: Case) -> None:
    outcome = runner().run(case)
    assert outcome.passed, "\n".join([case.place, *outcome.differences])


def test_every_rule_is_seen_to_fire_and_to_keep_quiet_and_has_no_other_problem() -> None:
    assert [p for p in lint(rulebook(), CASES, date(2026, 11, 23)) if p.rule.startswith("wales.")] == []


@pytest.mark.parametrize("row", range(1, 17))
def test_each_of_the_16_differences_is_a_rule(row: int) -> None:
    assert [r.id for r in rulebook().rules if r.difference == row]


def test_a_rule_of_wales_is_named_after_the_one_it_replaces_which_is_gone() -> None:
    book = rulebook()
    welsh = [r for r in book.rules if r.id.startswith("wales.")]
    assert all(r.difference and r.pack.startswith("wales.") for r in welsh)
    for rule in welsh:
        if rule.replaces:
            assert rule.id == f"wales.{rule.replaces}"
            assert book.rule(rule.replaces) is None
    assert book.replaced == {r.replaces: r.id for r in welsh if r.replaces}


def test_england_is_not_touched_where_wales_is_not_loaded() -> None:
    england = load_rulebook([builtin_pack("england")])
    assert england.replaced == {}
    assert {r.id for r in england.rules} >= set(rulebook().replaced)


def test_no_number_of_england_stays_in_force_where_wales_is_only_known_by_hearsay() -> None:
    book = rulebook()
    hearsay = {r.replaces for r in book.rules if r.id.startswith("wales.") and r.law.confidence == "K"}
    assert len(hearsay) >= 8
    assert not hearsay & {r.id for r in book.enabled}
