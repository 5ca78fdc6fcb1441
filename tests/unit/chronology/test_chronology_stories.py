"""Whole stories, as a person reads them. After an intended change, read the new text, then copy it over the file."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from alertd.cases.records import CaseFile
from alertd.chronology.chronology import chronology
from tests.unit.chronology.chronology_samples import GOLDEN, TODAY, of_the_return, on_paper, synthetic

STORIES = {
    "child_protection_then_care": "1000077",
    "child_in_need_with_services": "1000039",
    "short_breaks": "1000086",
    "care_leaver": "1000103",
}
"""Children of the synthetic authority by what their story is."""


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CaseFile]:
    return synthetic(tmp_path_factory.mktemp("chronology"))


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", STORIES)
def test_a_synthetic_child_s_story(name: str, children: dict[str, CaseFile], tmp_path: Path) -> None:
    text = on_paper(chronology(children[STORIES[name]], TODAY))
    (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    assert text == golden(name)


def test_the_story_of_a_return(tmp_path: Path) -> None:
    """From a yearly return, which holds care and nothing else."""
    text = on_paper(chronology(of_the_return(), date(2019, 4, 1)))
    (tmp_path / "return.txt").write_text(text, encoding="utf-8")
    assert text == golden("return")


def test_every_record_of_every_child_is_told_once(children: dict[str, CaseFile]) -> None:
    for case in children.values():
        told = Counter(ref for entry in chronology(case, TODAY) if not entry.closes for ref in entry.records)
        assert told == Counter(record.ref for record in case.records)
