"""SQLite looks for somebody's alerts by whose they are, and not through all that are open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from alertd.db.statistics import count_alerts
from alertd.engine import sweep as sweeping
from tests.support.council import Council, Inline, council_at

TODAY = date(2026, 11, 26)
OF_ONE = text(
    "explain query plan select * from alert where state = 'open' and child <> '*' "
    "and id in (select own.id from alert own where own.worker = 'W1' and own.state = 'open')"
)


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    found.looked_after("C1")
    yield found
    found.house.engine.dispose()


def test_an_evaluation_counts_the_alerts_and_nothing_else(council: Council) -> None:
    """What was counted of an outbox that is empty by now would send the dispatcher through all of it."""
    council.evaluate(TODAY)
    with council.house.engine.connect() as connection:
        counted = connection.execute(text("select distinct tbl from sqlite_stat1")).scalars().all()
    assert counted == ["alert"]


def test_once_counted_one_workers_alerts_are_found_by_an_index_that_finds_few(council: Council) -> None:
    """Of 3,000 open alerts one in 300 is W1's: the way in is the worker, whichever index was made first."""
    council.evaluate(TODAY)
    with council.house.engine.begin() as connection:
        columns = [row[1] for row in connection.execute(text("pragma table_info(alert)"))]
        of = {name: f'"{name}"' for name in columns if name != "id"}
        of |= {"child": "child || '-' || n", "worker": "'W' || (n % 300)"}
        connection.execute(
            text(
                f"with recursive counting(n) as (select 1 union all select n + 1 from counting where n < 3000) "
                f"insert into alert ({', '.join(map(repr, of))}) select {', '.join(of.values())} from alert, counting "
                "where alert.id = (select min(id) from alert)"
            )
        )
    count_alerts(council.house.engine)
    with council.house.engine.connect() as connection:
        plan = " ".join(row[3] for row in connection.execute(OF_ONE))
    assert "ix_alert_worker_state" in plan
    assert "ix_alert_state_child" not in plan
