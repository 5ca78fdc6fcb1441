"""Children are looked at and committed some at a time: while some are committed, the next are looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd import turn as turning
from alertd.cases.records import LONDON
from alertd.db.tables import Alert
from alertd.engine import sweep as sweeping
from alertd.engine.sweep import NoWorkersError
from alertd.evaluation import evaluate_once
from alertd.looking import Looked
from alertd.turn import Turn
from tests.support.council import Council, Inline, council_at

pytest_plugins = ["tests.support.databases"]

CHILDREN = ("C1", "C2", "C3", "C4", "C5")
PATIENCE = 20.0
"""Seconds."""


@pytest.fixture
def council(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    """Five children, each of whom something is overdue."""
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = council_at(tmp_path, database_url)
    for child in CHILDREN:
        found.looked_after(child)
    found.now = datetime(2026, 12, 18, 6, 30, tzinfo=LONDON)
    yield found
    found.house.engine.dispose()


def told_of(council: Council) -> set[str]:
    """The children of whom there are alerts."""
    with Session(council.house.engine) as session:
        return set(session.scalars(select(Alert.child))) - {"*"}


def looking(monkeypatch: pytest.MonkeyPatch, before: Callable[[int], None]) -> None:
    """Have something happen before each look, which is told how many there were."""
    look, looks = Turn.look, iter(range(1000))

    def looked(self: Turn, on_evaluated: turning.OnEvaluated) -> Looked:
        before(next(looks))
        return look(self, on_evaluated)

    monkeypatch.setattr(Turn, "look", looked)


def test_some_are_committed_while_the_next_are_looked_at(council: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    second = threading.Event()
    looking(monkeypatch, lambda n: second.set() if n == 1 else None)
    finish = Turn.finish

    def finished(self: Turn, looked: Looked) -> turning.Evaluated:
        assert second.wait(PATIENCE), "the next are looked at only when these were committed"
        return finish(self, looked)

    monkeypatch.setattr(Turn, "finish", finished)
    done = evaluate_once(council.house, most=2)
    assert (done.children, done.waiting) == (5, 0) and told_of(council) == set(CHILDREN)


def test_what_was_looked_at_is_said_as_it_grows(council: Council) -> None:
    said: list[tuple[int, int]] = []
    evaluate_once(council.house, most=2, on_evaluated=lambda n, of: said.append((n, of)))
    assert said == sorted(said) and set(said) == {(2, 5), (4, 5), (5, 5)}


def test_who_wants_no_more_has_what_was_looked_at_committed(council: Council, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    looking(monkeypatch, lambda n: stop.set() if n == 1 else None)
    done = evaluate_once(council.house, most=2, enough=stop.is_set)
    assert (done.children, done.waiting, len(told_of(council))) == (4, 1, 4)
    assert evaluate_once(council.house, most=2).children == 1 and told_of(council) == set(CHILDREN)


def test_a_commit_that_fails_is_raised_and_those_are_looked_at_again(
    council: Council, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Turn.finish

    def fails(self: Turn, looked: Looked) -> turning.Evaluated:
        raise ZeroDivisionError

    monkeypatch.setattr(Turn, "finish", fails)
    with pytest.raises(ZeroDivisionError):
        evaluate_once(council.house, most=2)
    assert told_of(council) == set()
    monkeypatch.setattr(Turn, "finish", finish)
    assert evaluate_once(council.house, most=2).children == 5 and told_of(council) == set(CHILDREN)


def test_where_there_are_no_workers_any_more_what_was_found_before_is_committed(
    council: Council, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(n: int) -> None:
        if n == 1:
            raise NoWorkersError("the cluster has had no workers")

    looking(monkeypatch, gone)
    done = evaluate_once(council.house, most=2)
    assert done.refused == "the cluster has had no workers"
    assert len(told_of(council)) == 2
    assert evaluate_once(council.house, most=2).children == 3 and told_of(council) == set(CHILDREN)
