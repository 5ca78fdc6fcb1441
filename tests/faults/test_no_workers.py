"""A cluster that cannot be used: nothing is settled of anybody, the data owner hears of it, and all are looked at once
it can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alertd.engine import sweep as sweeping
from alertd.engine.sweep import NoWorkersError, Pool, Processes
from alertd.rulebook.model import Rulebook
from tests.support.council import Council, Inline, council_at
from tests.support.fed import nov


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    yield found
    found.house.engine.dispose()


GONE = NoWorkersError("the cluster was lost", where="tls://10.0.0.2:8786", fix="See that the scheduler runs")


class NotThere(Processes):
    """A cluster whose scheduler does not answer."""

    def pool(self, rulebook: Rulebook, patience: float, workers: int) -> AbstractContextManager[Pool]:
        raise GONE


class GoneHalfWay(Processes):
    """A cluster that is lost after its first answer."""

    @contextmanager
    def pool(self, rulebook: Rulebook, patience: float, workers: int) -> Iterator[Any]:
        yield self
        raise AssertionError("it went on")

    def submit(self, do: Any, cases: Any, args: Any) -> Any:
        raise GONE


@pytest.mark.parametrize("pools", [NotThere(), GoneHalfWay()])
def test_nothing_is_settled_while_the_cluster_is_gone_and_nothing_is_lost_when_it_is_back(
    council: Council, pools: Processes
) -> None:
    council.looked_after("C1")
    council.house = replace(council.house, pools=pools)
    done = council.evaluate(nov(13))
    assert (done.refused, done.changes, done.notices) == (str(GONE), {}, 0)
    council.evaluate(nov(13))
    council.send()
    assert not council.alerts()
    ((to, subject, body),) = council.mail.sent
    assert (to, subject) == ("gus", "alertd cannot evaluate")
    assert "tls://10.0.0.2:8786: the cluster was lost. See that the scheduler runs" in body
    council.house = replace(council.house, pools=Processes())
    assert not council.evaluate(nov(13)).refused
    assert [(rule, child) for rule, child, _, _ in council.alerts()] == [("cla.review.first", "C1")]
