"""Every public sample, each found by looking: read, and every row of it accounted for.

What a sample becomes, the tests of its own reader say. Here its rows are counted by another road, so that a
sample that is added tomorrow is counted too.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from alertd.cases.records import Snapshot
from alertd.cases.sources.readers import Place
from alertd.cases.sources.recognise import recognise
from tests.fuzz.counts import rows_in
from tests.fuzz.feeds import AS_OF, SAMPLES

ENDINGS = {".csv", ".xml", ".xlsx", ".xls", ".json"}
NO_DATA = {".md", ".txt"}
FILES = sorted(path for path in SAMPLES.rglob("*") if path.is_file() and path.suffix not in NO_DATA)


@cache
def reading(path: Path) -> tuple[Place, Snapshot]:
    return recognise(str(path), AS_OF)


@pytest.mark.skipif(not FILES, reason="there are no samples beside this checkout")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SAMPLES).as_posix())
def test_every_row_of_every_sample_is_a_record_or_set_aside_or_rejected_with_its_place(path: Path) -> None:
    assert path.suffix in ENDINGS, "a sample of a kind that nobody reads"
    # a file of a return says little without the others of its folder
    place, snapshot = reading(path.parent if path.suffix == ".csv" else path)
    counted = rows_in(place.kind, {path.name: path.read_bytes()})
    assert counted, "nothing in it could be counted by another road"
    assert {name: snapshot.accounts[name].rows for name in counted} == {name: min(n) for name, n in counted.items()}
    assert all(len(n) == 1 for n in counted.values())
    for account in snapshot.accounts.values():
        assert account.rows == account.used + account.aside.total() + account.rejected
    assert sum(account.rejected for account in snapshot.accounts.values()) == len(snapshot.rejects)
    for reject in snapshot.rejects:
        assert re.match(r".+[:!\[]\d+", reject.where) and reject.why
        assert reject.column or re.match(r"has \d+ columns|holds nothing", reject.why)
    assert snapshot.cases


@pytest.mark.skipif(not FILES, reason="there are no samples beside this checkout")
def test_a_row_more_in_a_sample_is_seen_in_its_account(tmp_path: Path) -> None:
    """The count above would notice a row that is passed over."""
    path = next(path for path in FILES if path.name.endswith("episodes.csv") and "sw_" not in path.name)
    data = path.read_bytes()
    copy = tmp_path / path.name
    copy.write_bytes(data.rstrip() + b"\n" + data.rstrip().splitlines()[-1] + b"\n")
    _, snapshot = recognise(str(copy), AS_OF)
    assert snapshot.accounts[path.name].rows == min(rows_in("ssda903", {path.name: data})[path.name]) + 1
