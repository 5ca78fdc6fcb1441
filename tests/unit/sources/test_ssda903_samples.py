"""The public fake returns, as they are: every row is part of a record, rejected, or set aside for a reason."""

import csv
import time
import tracemalloc
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from alertd.cases.records import Record, Snapshot, Window
from alertd.cases.sources.ssda903 import read
from alertd.cases.sources.ssda903_episodes import RESTATED, SHORT_BREAK

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"


def sample(name: str) -> Path:
    folder = SAMPLES / name
    if not folder.is_dir():
        pytest.skip(f"the sample {name} is not beside this checkout")
    return folder


def rows(folder: Path, pattern: str) -> list[dict[str, str]]:
    found = []
    for path in sorted(folder.glob(pattern)):
        with path.open(encoding="utf-8-sig", newline="") as file:
            found += list(csv.DictReader(file))
    return found


def of(snapshot: Snapshot, kind: str) -> list[Record]:
    return [r for case in snapshot.cases for r in case.of(kind)]


def aside(snapshot: Snapshot, reason: str) -> int:
    return sum(account.aside[reason] for account in snapshot.accounts.values())


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("ssda903-csc-validator", Window(date(2017, 4, 1), date(2018, 3, 31))),
        ("ssda903-demand-model", Window(date(2017, 4, 1), date(2019, 3, 31))),
        ("ssda903-liia", Window(date(2019, 4, 1), date(2020, 3, 31))),
    ],
)
def test_every_row_is_accounted_for(name: str, window: Window) -> None:
    folder = sample(name)
    snapshot = read(folder)
    assert snapshot.window == window
    assert snapshot.rejects == ()
    assert snapshot.counts == {p.name: len(rows(folder, p.name)) for p in folder.glob("*.csv")}

    episodes = {(r["CHILD"], r["DECOM"]): r["LS"] for r in rows(folder, "*episodes.csv") if "RNE" in r}
    stated = sum(n for name, n in snapshot.counts.items() if name.endswith("episodes.csv") and "sw_" not in name)
    assert stated - aside(snapshot, RESTATED) == len(episodes)
    assert aside(snapshot, SHORT_BREAK) == sum(ls in ("V3", "V4") for ls in episodes.values())
    cared_for = {child for (child, _), ls in episodes.items() if ls not in ("V3", "V4")}
    assert {r.child for r in of(snapshot, "care_period")} == cared_for

    reviews = rows(folder, "*reviews.csv")
    assert Counter((r["CHILD"], r["REVIEW"]) for r in reviews).keys() == {
        (r.child, f"{r.day('happened'):%d/%m/%Y}") for r in of(snapshot, "cla_review")
    }
    assert len(of(snapshot, "cla_review")) + aside(snapshot, "stand again (same child and day)") == len(reviews)
    children = {r["CHILD"] for r in rows(folder, "*.csv") if "DOB" in r}
    assert {r.child for r in of(snapshot, "child")} == children
    assert all(account.adds_up for account in snapshot.accounts.values())
    used = sum(account.used for name, account in snapshot.accounts.items() if name.endswith("reviews.csv"))
    assert used == len(of(snapshot, "cla_review"))


def test_each_year_of_the_demand_model_speaks_for_its_own_year(tmp_path: Path) -> None:
    folder = sample("ssda903-demand-model")
    for year in (2017, 2018):
        own = tmp_path / str(year)
        own.mkdir()
        for path in folder.glob(f"{year}-*.csv"):
            (own / path.name).write_bytes(path.read_bytes())
        assert read(own).window == Window(date(year, 4, 1), date(year + 1, 3, 31))


def test_episodes_open_in_2017_take_their_end_from_2018() -> None:
    folder = sample("ssda903-demand-model")
    snapshot = read(folder)
    assert aside(snapshot, RESTATED) == 346
    assert snapshot.accounts["2017-episodes.csv"].aside[RESTATED] == 346, "the later return is taken"


def test_a_county_is_read_quickly_in_little_memory() -> None:
    """2,675 children, 12,582 reviews: under 2 s and 120 MB were asked; tracing memory slows it several times."""
    folder = sample("ssda903-csc-validator")
    begun = time.process_time()
    read(folder)
    assert time.process_time() - begun < 2
    tracemalloc.start()
    try:
        read(folder)
        assert tracemalloc.get_traced_memory()[1] < 80_000_000
    finally:
        tracemalloc.stop()
