"""A child of whom no case file can be made costs nobody else anything, and is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.cases.reading import Made, Pending
from alertd.cases.records import Snapshot
from alertd.intake import store
from alertd.intake.sync import Taken
from alertd.intake.whole import Whole
from tests.unit.intake.feeds import by_child, child, kept, record, snapshot, take

pytest_plugins = ["tests.support.databases"]


class Broken(Whole):
    """A feed whose reader stumbles over some children."""

    numbers: frozenset[str] = frozenset()

    def children(self) -> Iterator[Pending]:
        for pending in super().children():
            yield replace(pending, make=_stumble) if pending.child in self.numbers else pending


def _stumble() -> Made:
    raise KeyError("Ann Example")


def taken_but(engine: Engine, of: Snapshot, *numbers: str, day: int) -> Taken:
    reading = Broken(of)
    object.__setattr__(reading, "numbers", frozenset(numbers))
    return take(engine, reading, day=day)


def test_a_child_that_cannot_be_read_stands_as_it_was_and_the_others_go_on(engine: Engine) -> None:
    take(engine, snapshot(child("1"), child("2"), child("3")))
    visit = [record(n, "cp_visit", "V", happened=date(2026, 11, 20)) for n in ("1", "2")]
    taken = taken_but(engine, snapshot(child("1"), child("2"), child("3"), *visit), "2", day=1)
    assert (taken.refused, taken.changed, taken.vanished) == ("", 1, 0)
    assert taken.unread == {"2": "KeyError in _stumble"}, "what a cell holds is not said"
    cases = kept(engine)
    assert [len(case.records) for case in cases] == [2, 1, 1]
    assert cases.unread() == {"2": "KeyError in _stumble"}
    mended = take(engine, snapshot(child("1"), child("2"), child("3"), *visit), day=2)
    assert (mended.changed, mended.unread, kept(engine).unread()) == (1, {}, {})


def test_a_new_child_that_cannot_be_read_is_named_though_nothing_of_it_is_kept(engine: Engine) -> None:
    take(engine, snapshot(child("1")))
    taken_but(engine, snapshot(child("1"), child("2")), "2", day=1)
    assert set(by_child(kept(engine))) == {"1"} and set(kept(engine).unread()) == {"2"}
    assert set(kept(engine, merged={"2": "9"}).unread()) == {"9"}


@pytest.mark.parametrize("children", [3, 200])
def test_a_feed_of_which_no_child_or_few_can_be_read_is_refused(engine: Engine, children: int) -> None:
    numbers = [str(n) for n in range(children)]
    stumbling = numbers if children == 3 else numbers[:101]
    taken = taken_but(engine, snapshot(*map(child, numbers)), *stumbling, day=0)
    assert taken.refused.startswith(f"{len(stumbling)} of {children} children cannot be read")
    with Session(engine) as session:
        assert store.standing(session, "feed") is None


def test_a_value_that_cannot_be_kept_costs_its_own_child_alone(engine: Engine) -> None:
    broken = record("1", "cp_visit", "V", happened=date(2026, 11, 3))
    broken = replace(broken, where="half of a character: \ud800")
    taken = take(engine, snapshot(child("1"), broken, child("2")))
    assert set(taken.unread) == {"1"} and set(by_child(kept(engine))) == {"2"}
