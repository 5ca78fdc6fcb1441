"""A child is evaluated whatever characters its reference and its records' keys are made of."""

from __future__ import annotations

from datetime import date

import pytest
from engine_samples import found, rule

from alertd.cases.records import CaseFile, make_record

VISIT = rule("a.visit", "cp_plan", clock={"within": "10 working days", "from": "start"}, until={"record": "cp_visit"})


def told(text: str) -> list[tuple[str, str]]:
    plan = make_record("cp_plan", text, text, "here", {"start": date(2026, 11, 2)})
    visit = make_record("cp_visit", text, text, "here", {"happened": date(2026, 11, 5)})
    return [(finding.rule, finding.stage) for finding in found(VISIT, CaseFile(text, (plan, visit)), "2026-11-26")]


@pytest.mark.parametrize("text", ["É12", 'a"b', "a\\b", "O'Neil-1", "a/b c", "١٢", "𝔘1", "%s", "x" * 100])
def test_an_odd_reference_is_evaluated_as_a_plain_one_is(text: str) -> None:
    assert told(text) == told("C1") == [("a.visit", "met")]
