"""Who is not told: rules in shadow, floods that wait to be confirmed, alerts that another speaks for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from alert_samples import FINDING, finding

from alertd.alerts.muting import HELD, Flood, Guard, floods, why_muted
from alertd.engine.findings import Finding
from tests.support.council import RULES

RULE = next(r for r in RULES.rules if r.id == "cla.review.first")
SHADOWED = RULE.model_copy(update={"shadow": "the pack england.looked_after is not adopted"})
SPOKEN_FOR = replace(FINDING, spoken_for_by="cp.visit")
GUARD = Guard(share=0.2, at_least=3)


def of_children(n: int) -> list[Finding]:
    return [replace(FINDING, child=f"C{i}") for i in range(n)]


def held_back(
    findings: Sequence[Finding], has_told: Collection[str], open_children: int, guard: Guard = GUARD
) -> dict[str, Flood]:
    def muted(finding: Finding, held: Collection[str]) -> str:
        rule = RULE.model_copy(update={"id": finding.rule})
        return why_muted(finding, rule, held, RULE.model_copy(update={"id": finding.spoken_for_by}))

    return floods(findings, has_told, open_children, guard, muted)


def test_a_rule_that_would_tell_of_too_many_at_its_first_telling_is_held_with_the_numbers() -> None:
    (flood,) = held_back(of_children(5), (), 20).values()
    assert str(flood) == "cla.review.first would tell of 5 of 20 open children (25%)"


def test_a_rule_that_told_before_or_was_confirmed_or_tells_of_few_is_not_held() -> None:
    assert held_back(of_children(5), {"cla.review.first"}, 20) == {}
    assert held_back(of_children(5), (), 20, replace(GUARD, confirmed=frozenset({"cla.review.first"}))) == {}
    assert held_back(of_children(4), (), 20) == {}  # no more than the share
    assert held_back(of_children(2), (), 2) == {}  # every child, and they are two


def test_children_count_once_and_only_where_somebody_would_be_told() -> None:
    twice = [*of_children(4), *(replace(f, occurrence="R1") for f in of_children(4))]
    quiet = [finding("met", child="C8"), replace(SPOKEN_FOR, child="C9")]
    assert held_back([*twice, *quiet], (), 20) == {}


def test_a_child_of_an_authority_with_nobody_open_is_no_division_by_nought() -> None:
    (flood,) = held_back(of_children(3), (), 0).values()
    assert str(flood).endswith("3 of 0 open children")


def test_a_flood_of_alerts_that_a_rule_held_back_would_have_spoken_for_is_held_back_as_well() -> None:
    lesser = [replace(f, rule="cin.visit", spoken_for_by="cp.visit") for f in of_children(5)]
    worse = [replace(f, rule="cp.visit") for f in of_children(5)]
    assert list(held_back([*worse, *lesser], (), 20)) == ["cin.visit", "cp.visit"]
    assert held_back([*worse, *lesser], {"cp.visit"}, 20) == {}  # it is told, and speaks for them


def test_shadow_and_flood_mute_and_say_why() -> None:
    assert why_muted(FINDING, RULE, (), None) == ""
    assert why_muted(FINDING, SHADOWED, (), None) == "shadow: the pack england.looked_after is not adopted"
    assert why_muted(FINDING, RULE, {RULE.id}, None) == HELD
    assert len(HELD) <= 120


def test_an_alert_speaks_for_another_only_while_people_hear_it() -> None:
    speaker = RULE.model_copy(update={"id": "cp.visit"})
    assert why_muted(SPOKEN_FOR, RULE, (), speaker) == "spoken for by cp.visit"
    assert why_muted(SPOKEN_FOR, RULE, {"cp.visit"}, speaker) == ""
    assert why_muted(SPOKEN_FOR, RULE, (), speaker.model_copy(update={"shadow": "not adopted"})) == ""
    assert why_muted(SPOKEN_FOR, RULE, (), None) == ""
