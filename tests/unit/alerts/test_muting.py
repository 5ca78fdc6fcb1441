"""Who is not told: rules in shadow, floods that wait to be confirmed, alerts that another speaks for."""

from __future__ import annotations

from dataclasses import replace

from alert_samples import FINDING, finding

from alertd.alerts.muting import HELD, Guard, floods, why_muted
from alertd.engine.findings import Finding
from tests.support.council import RULES

RULE = next(r for r in RULES.rules if r.id == "cla.review.first")
SHADOWED = RULE.model_copy(update={"shadow": "the pack england.looked_after is not adopted"})
SPOKEN_FOR = replace(FINDING, spoken_for_by="cp.visit")
GUARD = Guard(share=0.2, at_least=3)


def of_children(n: int) -> list[Finding]:
    return [replace(FINDING, child=f"C{i}") for i in range(n)]


def test_a_rule_that_would_tell_of_too_many_at_its_first_telling_is_held_with_the_numbers() -> None:
    (flood,) = floods(of_children(5), (), 20, GUARD).values()
    assert str(flood) == "cla.review.first would tell of 5 of 20 open children (25%)"


def test_a_rule_that_told_before_or_was_confirmed_or_tells_of_few_is_not_held() -> None:
    assert floods(of_children(5), {"cla.review.first"}, 20, GUARD) == {}
    assert floods(of_children(5), (), 20, replace(GUARD, confirmed=frozenset({"cla.review.first"}))) == {}
    assert floods(of_children(4), (), 20, GUARD) == {}  # no more than the share
    assert floods(of_children(2), (), 2, GUARD) == {}  # every child, and they are two


def test_children_count_once_and_only_where_somebody_would_be_told() -> None:
    twice = [*of_children(4), *(replace(f, occurrence="R1") for f in of_children(4))]
    quiet = [finding("met", child="C8"), replace(SPOKEN_FOR, child="C9")]
    assert floods([*twice, *quiet], (), 20, GUARD) == {}


def test_a_child_of_an_authority_with_nobody_open_is_no_division_by_nought() -> None:
    (flood,) = floods(of_children(3), (), 0, GUARD).values()
    assert str(flood).endswith("3 of 0 open children")


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
