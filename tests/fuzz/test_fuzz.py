"""A small share of ``make fuzz``, the same in every run: feeds broken in some 150 ways, each read in a worker."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from alertd.cases.accounts import Account, Reject
from alertd.cases.records import Snapshot, Window, case_files, make_record
from tests.fuzz import look as looking
from tests.fuzz.feeds import CANARY, Draft, Given
from tests.fuzz.look import LIMIT_MB, LIMIT_SECONDS, Result
from tests.fuzz.run import PER_SEED, fuzz

MUTATIONS = 150


@pytest.mark.slow
def test_no_broken_feed_ends_in_a_traceback_a_hang_too_much_memory_or_a_row_that_is_lost(tmp_path: Path) -> None:
    run = fuzz([PER_SEED + n for n in range(MUTATIONS)], tmp_path, workers=2)
    said = "\n".join(f"--only {r.seed}: {r.feed}, {', '.join(r.changes)}: {r.faults[0]}" for r in run.failed)
    assert not run.failed, said
    assert len(run.results) == MUTATIONS and run.made >= 13
    assert {r.outcome for r in run.results} == {"refused", "read", "read, some rejected"}
    assert sum(r.counted for r in run.results) > MUTATIONS, "few rows could be counted by another road"
    assert max(r.seconds for r in run.results) <= LIMIT_SECONDS and max(r.mb for r in run.results) <= LIMIT_MB


NEEDS = b"child,key,happened,closed\nC1,N1,2026-01-05,\nC2,N2,2026-01-06,\n"
GIVEN = Given("made by hand", "csv", {"need.csv": NEEDS}, False)


def snapshot(account: Account, *rejects: Reject, notes: tuple[str, ...] = ()) -> Snapshot:
    records = [make_record("need", child, f"N{child}", "need.csv:2", {}) for child in ("C1", "C2")]
    return Snapshot(
        "test", case_files(records, Window()), frozenset({"need"}), Window(), {"need.csv": account}, rejects, notes
    )


def faults(of: Snapshot, draft: Draft | None = None) -> list[str]:
    draft = draft or Draft(GIVEN, Random(1), dict(GIVEN.files))
    result = Result(0, "", "", [])
    return [
        *looking._faults_of_lines(looking._lines(of), "/somewhere/lists"),
        *looking._faults_of_accounts(of, draft, result),
        *looking._faults_of_cases(of),
    ]


def test_what_a_reader_must_not_do_is_seen() -> None:
    """The judge itself: a reader that did any of this would be found out."""
    assert faults(snapshot(Account(2, 2))) == []
    assert "the account has 1 rows, the file [2]" in faults(snapshot(Account(1, 1)))[0], "a row dropped unsaid"
    assert "does not add up" in faults(snapshot(Account(2, 1)))[0]
    assert "1 rows rejected, 0 named" in faults(snapshot(Account(2, 1, rejected=1)))[0]
    assert "without where or why" in faults(snapshot(Account(2, 1, rejected=1), Reject("", "is blank")))[0]
    assert "repeats a cell" in faults(snapshot(Account(2, 2), notes=(f"{CANARY} is odd",)))[0]
    assert "one plain line" in faults(snapshot(Account(2, 2), notes=("two\nlines",)))[0]
    assert "speaks Python" in faults(snapshot(Account(2, 2), notes=("ValueError",)))[0]
    gone = Draft(GIVEN, Random(1), {**GIVEN.files, "pep.csv": NEEDS})
    said = {"pep.csv is in the folder and not spoken of", "pep.csv has [2] rows and is not spoken of"}
    assert {*faults(snapshot(Account(2, 2)), gone)} == said


@pytest.mark.parametrize(("rows", "more"), [(1, -1), (3, 1)])
def test_rows_that_are_taken_away_or_added_must_show(rows: int, more: int) -> None:
    draft = Draft(GIVEN, Random(1), {}, rows={"need.csv": more}, sound={"need.csv": frozenset({2})})
    assert faults(snapshot(Account(rows, rows)), draft) == []
    assert faults(snapshot(Account(2, 2)), draft) == [f"need.csv: 2 rows and {more:+d} are 2"]
