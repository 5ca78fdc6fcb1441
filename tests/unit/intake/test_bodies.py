"""A case file comes back from its bytes as it went in, whatever it holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given

from alertd.cases.accounts import Ledger
from alertd.cases.reading import Made
from alertd.cases.records import CaseFile, Window
from alertd.intake.bodies import pack, rejects_of, unpack
from tests.reference.strategies import Example, examples

FEED = Window(date(2020, 4, 1), None)


@given(examples())
def test_every_record_value_and_doubt_comes_back(example: Example) -> None:
    case = replace(example.case, latest=frozenset())
    assert unpack(case.child, pack(Made(case), FEED, {}), FEED) == case


def test_a_childs_own_window_is_kept_and_the_feeds_moves_on() -> None:
    own = CaseFile("1", (), Window(date(2017, 4, 1), date(2018, 3, 31)))
    like_the_feed = CaseFile("2", (), FEED)
    later = Window(date(2020, 4, 2), None)
    assert unpack("1", pack(Made(own), FEED, {}), later).window == own.window
    assert unpack("2", pack(Made(like_the_feed), FEED, {}), later).window == later


def test_a_childs_own_windows_of_kinds_are_kept_and_the_feeds_move_on() -> None:
    feeds = {"cp_visit": Window(date(2026, 5, 1), date(2026, 11, 1))}
    later = {"cp_visit": Window(date(2026, 6, 1), date(2026, 12, 1))}
    own = CaseFile("1", (), FEED, {"cp_visit": Window()})
    like_the_feed = CaseFile("2", (), FEED, feeds)
    assert unpack("1", pack(Made(own), FEED, feeds), FEED, later).windows == own.windows
    assert unpack("2", pack(Made(like_the_feed), FEED, feeds), FEED, later).windows == later


def test_the_rows_that_became_no_records_come_back() -> None:
    ledger = Ledger()
    ledger.reject("visits", "visits 7", "has no date", "happened")
    assert rejects_of(pack(Made(CaseFile("1", ()), ledger), FEED, {})) == ledger.rejects
