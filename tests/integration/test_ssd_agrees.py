"""alertd and a script that shares no code with it agree on the clocks of a synthetic authority."""

import runpy
from collections import Counter
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest

from alertd import synth
from alertd.calendars.clock import end_of
from alertd.cases.records import local_day
from alertd.cases.sources.ssd import read
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.rulebook.builtin import england
from alertd.rulebook.load import load_rulebook

BY_HAND = runpy.run_path(str(Path(__file__).resolve().parents[1] / "ssd_by_hand.py"))
RULES = {
    "assess.cfa",
    "cp.icpc",
    "cp.visit",
    "cp.review.first",
    "cp.review.next",
    "cla.review.first",
    "cla.review.second",
    "cla.review.next",
    "cla.visit.first",
    "cla.visit.year1",
    "cla.iha",
    "lc.review",
}
LAST_DAY = date(2026, 11, 20)
DAYS = (LAST_DAY, date(2026, 5, 4), date(2026, 1, 6))  # the second is a bank holiday

Key = tuple[str, str, str, str]
Told = tuple[str, date | None, date | None, date | None]


def authority(folder: Path, dirty: float) -> str:
    path = folder / "ssd.db"
    synth.make(path, la="350", children=400, seed=1, as_of=LAST_DAY, dirty=dirty)
    return str(path)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> str:
    return authority(tmp_path_factory.mktemp("clean"), 0)


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> str:
    return authority(tmp_path_factory.mktemp("dirty"), 0.02)


@cache  # an authority stays as it was made, and more than one test asks what is said of it on a day
def by_alertd(path: str, today: date) -> dict[Key, Told]:
    book = load_rulebook([england()], settings={"cp.visit.interval": "10 working days"})
    book = book.model_copy(update={"rules": tuple(r for r in book.rules if r.id in RULES)})
    assert {r.id for r in book.enabled} == RULES
    at = end_of(today) - timedelta(seconds=1)
    engine = Evaluator.of(book)
    found = [f for case in read(path, as_of=at).cases for f in engine.evaluate(case, at)]
    told = {f.identity: _told(f) for f in found}
    assert len(told) == len(found)
    return told


def _told(finding: Finding) -> Told:
    stage = "open" if finding.stage in ("running", "upcoming") else finding.stage
    return (stage, *(local_day(at) if at else None for at in (finding.start, finding.due, finding.met)))  # type: ignore[return-value]


def by_hand(path: str, today: date) -> dict[Key, Told]:
    return {key: tuple(clock) for key, clock in BY_HAND["clocks"](path, today, visits_every=10).items()}


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_they_agree_on_every_clock_of_an_authority_whose_records_are_in_order(clean: str, today: date) -> None:
    ours, theirs = by_alertd(clean, today), by_hand(clean, today)
    differ = {key: (theirs.get(key), ours.get(key)) for key in theirs.keys() | ours if theirs.get(key) != ours.get(key)}
    assert not differ, f"{len(differ)} of {len(theirs)} differ, as {next(iter(differ.items()))}"
    assert len(theirs) > 2000


def test_they_agree_on_something_of_everything(clean: str) -> None:
    """The agreement is not of empty hands: every rule and every stage there is."""
    seen = Counter(part for d in DAYS for key, told in by_alertd(clean, d).items() for part in (key[0], told[0]))
    assert seen.keys() == RULES | {"met", "met_late", "overdue", "due", "open", "ended", "unknown"}


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_where_records_are_spoilt_whatever_alertd_can_tell_is_so(dirty: str, today: date) -> None:
    theirs = by_hand(dirty, today)
    sure = {key: told for key, told in by_alertd(dirty, today).items() if told[0] != "unknown"}
    wrong = {key: (theirs.get(key), told) for key, told in sure.items() if theirs.get(key) != told}
    assert not wrong, f"{len(wrong)} of {len(sure)} differ, as {next(iter(wrong.items()))}"
    assert len(sure) > 0.95 * len(theirs)


@pytest.mark.parametrize("today", DAYS, ids=str)
def test_where_records_are_spoilt_nothing_overdue_is_passed_over_in_silence(dirty: str, today: date) -> None:
    ours = by_alertd(dirty, today)
    late = [key for key, told in by_hand(dirty, today).items() if told[0] == "overdue"]
    passed_over = [
        (key, ours.get(key)) for key in late if key not in ours or ours[key][0] not in ("overdue", "unknown")
    ]
    assert not passed_over
    assert late


@pytest.mark.parametrize(
    ("start", "n", "due"),
    [
        (date(2026, 12, 2), 20, date(2027, 1, 4)),  # over Christmas, the substitute for Boxing Day and New Year
        (date(2023, 4, 28), 10, date(2023, 5, 16)),  # over early May and the coronation
        (date(2022, 9, 16), 1, date(2022, 9, 20)),  # over the day of the state funeral
    ],
)
def test_the_script_steps_over_the_published_bank_holidays(start: date, n: int, due: date) -> None:
    assert BY_HAND["working_days"](n)(start) == due
