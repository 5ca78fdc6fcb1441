"""A child whose rows the reader stumbles over: its alerts stay, it is told of, and everybody else is evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from alertd.cases.sources import ssd
from alertd.engine import sweep as sweeping
from tests.support.council import Council, Inline, council_at


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    yield found
    found.house.engine.dispose()


def test_alerts_of_a_child_that_cannot_be_read_stay_and_the_others_are_evaluated(
    council: Council, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ref in ("C1", "C2"):
        council.looked_after(ref)
    council.day(date(2026, 11, 13))
    sound = ssd.case_of

    def stumbles(child: str, *rest: Any) -> Any:
        if child == "C1":
            raise ZeroDivisionError
        return sound(child, *rest)

    monkeypatch.setattr(ssd, "case_of", stumbles)
    for ref in ("C1", "C2"):
        council.reviewed(date(2026, 11, 14), ref)
    assert council.day(date(2026, 11, 16)) == ["gus"]
    assert {child: state for _, child, state, _ in council.alerts()} == {"C1": "open", "C2": "closed"}
    assert "ref C1" in council.mail.sent[-1][2] and "ref C2" not in council.mail.sent[-1][2]
    monkeypatch.setattr(ssd, "case_of", sound)
    council.day(date(2026, 11, 17))
    assert {state for _, _, state, _ in council.alerts()} == {"closed"}
