"""The table of faults: a row without proof is said, and fails the run."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import BOTH, CATALOGUE, INVARIANTS, Row
from tests.faults.plugin import Result, lines

ROW = Row("F05", "killed", "I1", BOTH)


def result(*outcomes: str, databases: tuple[str, ...] = ("sqlite", "postgresql")) -> Result:
    found = Result()
    for outcome in outcomes:
        found.add(outcome, [("fault.database", name) for name in databases])
    return found


@pytest.mark.parametrize(
    ("found", "lacks"),
    [
        (result("passed"), ""),
        (result("passed", "skipped"), ""),
        (result(), "NO TEST"),
        (result("skipped"), "ONLY SKIPPED"),
        (result("passed", "failed"), "BROKEN: 1 of 2 tests"),
        (result("passed", databases=("sqlite",)), "NOT TRIED on postgresql"),
    ],
)
def test_a_row_is_proved_by_a_test_that_passed_on_each_of_its_databases(found: Result, lacks: str) -> None:
    assert found.lacks(ROW) == lacks


def test_what_a_skipped_test_would_have_tried_does_not_count() -> None:
    assert result("skipped", databases=("postgresql",)).lacks(ROW) == "ONLY SKIPPED"


def test_a_row_that_comes_later_needs_no_test_and_may_not_break() -> None:
    later = Row("F52", "asleep", comes_later=True)
    assert [result(*found).lacks(later) for found in ((), ("failed",))] == ["", "BROKEN: 1 of 1 tests"]


def test_the_table_names_what_lacks_proof_and_the_most_that_was_measured() -> None:
    found = result("passed")
    found.add("passed", [("fault.copies", 2), ("fault.recovered_seconds", 0.25), ("fault.copies", 1)])
    [row] = [line for line in lines({"F05": found}) if line.startswith("F05")]
    assert row.split()[-3:] == ["2", "0.2", "s"]
    assert "held, 2 tests" in row
    assert list(lines({}))[-1] == f"{sum(not row.comes_later for row in CATALOGUE.values())} rows lack proof"


def test_every_row_holds_something_that_is_explained() -> None:
    assert {inv for row in CATALOGUE.values() for inv in row.holds.split()} <= INVARIANTS.keys()
    assert all(row.holds for row in CATALOGUE.values())
