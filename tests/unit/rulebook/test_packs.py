"""The shipped packs: nothing in them is unfinished. Their cases are collected from the folder ``rules`` itself."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from alertd.people.directory import ROLES
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.lint import lint
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import AT_ONCE, Rulebook
from alertd.rulebook.packs import cases_file, pack_files
from alertd.rulebook.testing import read_cases

ENGLAND = builtin_pack("england")
CASES = [case for path in pack_files([ENGLAND]) for case in read_cases(cases_file(path))]


@lru_cache
def rulebook() -> Rulebook:
    return load_rulebook([ENGLAND])


def test_every_rule_is_seen_to_fire_and_to_keep_quiet_and_has_no_other_problem() -> None:
    problems = lint(rulebook(), CASES, date(2026, 11, 23))
    assert [p for p in problems if not p.for_authority] == []


def test_only_the_visit_interval_without_a_national_number_is_left_to_the_authority() -> None:
    assert [p.rule for p in lint(rulebook(), CASES, date(2026, 11, 23)) if p.for_authority] == [
        "cp.visit",
        "cp.visit.held",  # the same setting
    ]


def test_numbers_nobody_has_read_ship_disabled_with_a_reason() -> None:
    unread = [r for r in rulebook().rules if r.law.confidence in ("K", "K/P")]
    assert len(unread) >= 4
    assert all(not r.enabled and r.disabled_because for r in unread)


def test_local_numbers_are_settings_named_after_their_rule() -> None:
    for rule in rulebook().rules:
        if rule.law.confidence in ("P", "K/P") and rule.clock.by is None and rule.clock is not AT_ONCE:
            name = getattr(rule.clock.length, "setting", "")
            assert name in (f"{rule.id}.interval", f"{rule.id}.limit") or rule.id == "cp.visit.held"


def test_statutory_reviews_are_numbered_and_heed_a_booked_day() -> None:
    first, second, later = (rulebook().rule(f"cla.review.{n}") for n in ("first", "second", "next"))
    assert first and second and later
    assert [r.clock.plan for r in (first, second, later)] == ["due_on"] * 3


def test_ladders_tell_only_roles_the_directory_knows() -> None:
    told = {role for ladder in rulebook().ladders.values() for step in ladder.steps for role in step.tell}
    assert told <= ROLES


def test_profiles_and_ladders_are_complete_and_only_danger_is_urgent() -> None:
    book = rulebook()
    assert " ".join(book.warnings) == "H NOW D1 D5 D20 D45 W2 W6 M3 M6 M12 X G R T G0"
    assert {f"L{n}" for n in range(1, 9)} <= set(book.ladders)
    assert [name for name, ladder in book.ladders.items() if ladder.urgent] == ["L2", "L4", "G5"]
