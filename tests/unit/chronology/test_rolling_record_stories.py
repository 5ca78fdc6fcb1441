"""Whole rolling records, as a person reads them. After an intended change, read the new text, then copy it over."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertd.cases.records import CaseFile, in_words
from alertd.chronology.rolling_record import CHAIN, RollingRecord, rolling_record
from tests.unit.chronology.chronology_samples import GOLDEN, TODAY, of_the_return, synthetic

NEEDS = {"needs_in_need": "1000039", "needs_short_breaks": "1000086"}
"""Children of the synthetic authority whose needs were followed."""


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CaseFile]:
    return synthetic(tmp_path_factory.mktemp("needs"))


def on_paper(found: RollingRecord) -> str:
    lines = [f"Cannot tell: {text}" for text in found.cannot_tell]
    for need in found.needs:
        lines += ["", f"{need.what}: {need.standing}{' (followed)' if need.followed else ''}"]
        for step in need.steps:
            day = in_words(step.day) if step.day else "no day"
            until = f" to {in_words(step.until)}" if step.until else ""
            lines.append(f"  {day}{until}: {step.what} [{step.state}; {step.who}]")
        lines += [
            f"  BREAKS: {one.text}" + (f", since {in_words(one.since)}" if one.since else "") for one in need.breaks
        ]
        lines += [f"  cannot tell: {text}" for text in need.cannot_tell]
    return "\n".join(lines).strip() + "\n"


@pytest.mark.parametrize("name", NEEDS)
def test_a_synthetic_child_s_needs(name: str, children: dict[str, CaseFile], tmp_path: Path) -> None:
    text = on_paper(rolling_record(children[NEEDS[name]], TODAY, holds=frozenset(CHAIN)))
    (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    assert text == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_a_return_holds_no_needs_and_says_so(tmp_path: Path) -> None:
    assert "no feed holds" in on_paper(rolling_record(of_the_return(), TODAY, holds=frozenset({"care_period"})))
