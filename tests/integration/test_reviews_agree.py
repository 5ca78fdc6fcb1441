"""alertd and a script that shares no code with it agree on every looked-after review."""

import runpy
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest

from alertd.calendars.clock import end_of
from alertd.cases.records import CaseFile, local_day
from alertd.cases.sources.ssda903 import read
from alertd.engine.findings import Finding
from alertd.rulebook.builtin import england
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook
from tests.support.evaluating import evaluate

TESTS = Path(__file__).resolve().parents[1]
SAMPLES = TESTS.parents[1] / "shared" / "samples"
BY_HAND = runpy.run_path(str(TESTS / "reviews_by_hand.py"))
RULES = ("cla.review.first", "cla.review.second", "cla.review.next")

Key = tuple[str, str, str, str]
Told = tuple[str, date | None, date | None, date | None, str]


@cache
def rulebook() -> Rulebook:
    book = load_rulebook([england()])
    book = book.model_copy(update={"rules": tuple(r for r in book.rules if r.id in RULES)})
    assert len(book.enabled) == len(RULES)
    return book


@cache
def cases(folder: Path) -> tuple[CaseFile, ...]:
    """What a return holds, which is the same on every day it is looked at."""
    return tuple(read(folder).cases)


def by_alertd(folder: Path, today: date) -> dict[Key, Told]:
    at = end_of(today) - timedelta(seconds=1)
    found = [f for case in cases(folder) for f in evaluate(case, rulebook(), at)]
    told = {(f.rule, f.child, f.record.removeprefix("care_period:"), f.occurrence): _told(f) for f in found}
    assert len(told) == len(found)
    return told


def _told(finding: Finding) -> Told:
    days = (local_day(at) if at else None for at in (finding.start, finding.due, finding.met))
    return (finding.stage, *days, finding.cannot_tell.cause if finding.cannot_tell else "")  # type: ignore[return-value]


@pytest.fixture(scope="module")
def returns(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A folder with the returns of the years named."""
    return cache(lambda *years: copied(tmp_path_factory.mktemp("returns"), *years))


def copied(folder: Path, *years: str) -> Path:
    sample = SAMPLES / "ssda903-demand-model"
    if not sample.is_dir():
        pytest.skip("the sample ssda903-demand-model is not beside this checkout")
    for path in (p for year in years for p in sample.glob(f"{year}-*.csv")):
        shutil.copy(path, folder)
    return folder


@pytest.mark.parametrize("years", [("2017",), ("2018",), ("2017", "2018")], ids="+".join)
@pytest.mark.parametrize(
    "today",
    [
        date(2017, 4, 1),
        date(2017, 10, 18),
        date(2018, 3, 31),
        date(2018, 4, 1),
        date(2018, 12, 27),
        date(2019, 3, 31),
        date(2019, 9, 1),
    ],
    ids=str,
)
def test_they_agree(returns: Callable[..., Path], years: tuple[str, ...], today: date) -> None:
    folder = returns(*years)
    by_hand = {key: tuple(clock) for key, clock in BY_HAND["review_clocks"](folder, today).items()}
    told = by_alertd(folder, today)
    differ = {
        key: (by_hand.get(key), told.get(key)) for key in by_hand.keys() | told if by_hand.get(key) != told.get(key)
    }
    assert not differ, f"{len(differ)} of {len(by_hand)} differ, as {next(iter(differ.items()))}"
    assert len(by_hand) > 300


def test_they_agree_on_something_of_everything(returns: Callable[..., Path]) -> None:
    """The agreement is not of empty hands: the merged returns show every stage there is."""
    folder = returns("2017", "2018")
    seen = Counter(c[0] for d in (date(2019, 3, 31), date(2018, 12, 27)) for c in by_alertd(folder, d).values())
    assert {"met", "met_late", "overdue", "upcoming", "running", "ended", "unknown"} <= seen.keys()
