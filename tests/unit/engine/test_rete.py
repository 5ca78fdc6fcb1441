"""The rules engine, where its own ways of telling facts apart show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alertd.engine import rete
from alertd.engine.rete import EngineError
from tests.support.evaluating import ready
from tests.unit.engine.engine_samples import book, case, end_of, record, rule

ALIKE = "059-1000991"
"""A made-up child of whom the engine takes what it says of the child itself for the tick: both have the hash
1532375204."""
VISIT = rule("a.visit", "cp_plan", clock={"from": "start", "within": "10 calendar days"}, until={"record": "cp_visit"})


def found(child: str) -> list[str]:
    """The stages of a plan that was visited in time, and of one that was not."""
    of = case(
        record("cp_plan", "Q1", start="2026-03-02", end="2026-03-20"),
        record("cp_plan", "Q2", start="2026-04-02"),
        record("cp_visit", "V1", happened="2026-03-04"),
    )
    renamed = replace(of, child=child, records=tuple(replace(r, child=child) for r in of.records))
    return [f.stage for f in ready(book(VISIT)).evaluate(renamed, end_of("2026-05-20"))]


def test_a_child_two_of_whose_facts_are_alike_to_the_engine_is_judged_like_any_other() -> None:
    assert found(ALIKE) == found("C1") == ["met", "overdue"]


def test_facts_that_are_alike_by_whatever_names_cost_that_child_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rete, "_SALTS", ("",))
    with pytest.raises(EngineError, match="two are alike to the engine"):
        found(ALIKE)
    assert found("C1") == ["met", "overdue"]
