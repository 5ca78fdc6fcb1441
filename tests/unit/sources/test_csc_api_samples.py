"""The DfE's own example of a payload, as it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from alertd.cases.sources.csc_api import FILLS
from tests.unit.sources.csc_api_payloads import doubts, of, read_all

SAMPLE = Path(__file__).resolve().parents[4] / "shared" / "samples" / "csc-api" / "example_payload.json"


def test_every_element_of_the_example_makes_a_record() -> None:
    if not SAMPLE.is_file():
        pytest.skip("the sample of the CSC API is not beside this checkout")
    snapshot = read_all(SAMPLE)
    (case,) = snapshot.cases
    assert {record.kind for record in case.records} == FILLS.keys()
    assert set(snapshot.counts.values()) == {1}
    assert not snapshot.rejects and not doubts(case.records)
    assert not [note for note in snapshot.notes if "does not know" in note]
    day = date(2022, 6, 14)
    (placement,) = of(snapshot, "placement", case.child)
    assert (placement.get("type"), placement.get("change_reason"), placement.day("end")) == ("K1", "CHILD", day)
    filled = {kind: {name for r in case.of(kind) for name in r.values} for kind in FILLS}
    assert {kind: filled[kind] | ({"died"} if kind == "child" else set()) for kind in FILLS} == FILLS
    for name in ("John", "Doe", "ABC0123456789", "AB12", "WBRI"):
        assert name not in repr(snapshot)
