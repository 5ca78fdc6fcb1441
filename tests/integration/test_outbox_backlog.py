"""A long backlog: what is due is found in its order without reading the rest, and a start looks at no row of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, event, insert, text
from sqlalchemy.orm import Session

from alertd.db.engine import open_engine, upgrade
from alertd.db.tables import Delivery
from alertd.outbox import store
from alertd.outbox.had import last_digests, urgent_today

pytest_plugins = ["tests.support.databases"]
NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = open_engine(database_url)
    upgrade(made)
    yield made
    made.dispose()


def row(id_: str, **changed: Any) -> dict[str, Any]:
    return {
        "id": id_, "person": "W1", "address": "ade@council.example", "resolved_by": "test", "channel": "email",
        "message": b"x", "state": "due", "next_attempt_at": NOW, "created_at": NOW, "destination": "council.example",
        "urgent": False, "attempts": 0, **changed,
    }  # fmt: skip


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "urgent": st.booleans(),
            "attempts": st.integers(0, 2),
            "state": st.sampled_from(["due", "due", "due", "delivered"]),
            "channel": st.sampled_from(["email", "email", "text"]),
            "destination": st.sampled_from(["a.example", "b.example"]),
            "next_attempt_at": st.integers(-5, 300).map(lambda m: NOW + timedelta(minutes=m - 2)),
            "created_at": st.integers(-60, 60).map(lambda m: NOW + timedelta(minutes=m)),
        }
    ),
    max_size=14,
)


def by_hand(rows: list[dict[str, Any]], leave_out: set[str]) -> list[str]:
    """What is due, in words: its time has come, or its time was set before the clock went back."""

    def is_due(one: dict[str, Any]) -> bool:
        back = one["next_attempt_at"] > NOW + timedelta(hours=3) or (not one["attempts"] and one["created_at"] > NOW)
        its_own = one["state"] == "due" and one["channel"] == "email" and one["destination"] not in leave_out
        return its_own and (one["next_attempt_at"] <= NOW or back)

    found: list[str] = []
    for urgent in (True, False):
        here = sorted(
            (one for one in rows if is_due(one) and one["urgent"] == urgent),
            key=lambda one: (one["next_attempt_at"], one["id"]),
        )
        fresh, again = ([one["id"] for one in here if bool(one["attempts"]) == tried] for tried in (False, True))
        while fresh or again:
            found += fresh[:1] + again[:1]
            del fresh[:1], again[:1]
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(ROWS, st.sets(st.sampled_from(["a.example"])))
def test_what_is_due_comes_urgent_first_and_new_and_repeated_by_turns(
    engine: Engine, rows: list[dict[str, Any]], leave_out: set[str]
) -> None:
    rows = [row(f"d{n:02}", **one) for n, one in enumerate(rows)]
    with Session(engine) as session, session.begin():
        session.execute(delete(Delivery))
        if rows:
            session.execute(insert(Delivery), rows)
    wanted = by_hand(rows, leave_out)
    assert [one.id for one in store.due(engine, NOW, "email", leave_out=leave_out)] == wanted
    assert [one.id for one in store.due(engine, NOW, "email", leave_out=leave_out, limit=3)] == wanted[:3]


def test_a_backlog_is_read_by_its_index_alone(engine: Engine) -> None:
    """Else each look at 200,000 that wait reads all of them, messages and all, once a second."""
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL chooses by the size of the table, and this one is small")
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *seen: asked.append((seen[2], seen[3])))
    store.due(engine, NOW, "email")
    looks = [(statement, values) for statement, values in asked if "delivery" in statement]
    assert len(looks) == 4, "urgent or not, new or repeated"
    with engine.connect() as connection:
        for statement, values in looks:
            plan = [step[3] for step in connection.exec_driver_sql(f"explain query plan {statement}", values)]
            assert "USING COVERING INDEX ix_delivery_due" in plan[0], plan
            assert len(plan) == 1 or ".attempts > ?" in statement, "new ones need not even be sorted"


def test_a_start_at_the_schema_of_today_looks_at_no_row(engine: Engine) -> None:
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *seen: asked.append(seen[2]))
    upgrade(engine)
    assert not [one for one in asked if "foreign_key_check" in one or "delivery" in one]
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '0004'"))
    with pytest.raises(Exception, match=r"sign_in|already exists"):
        upgrade(engine)


def test_what_people_had_lately_is_found_without_reading_what_they_had_in_all_the_years(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL chooses by the size of the table, and this one is small")
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *seen: asked.append((seen[2], seen[3])))
    with Session(engine) as session:
        urgent_today(session, NOW.date())
        last_digests(session, NOW.date() - timedelta(days=14), NOW.date())
    with engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"explain query plan {one}", values).first() for one, values in asked[-2:]]
    assert ["SEARCH" in str(plan) for plan in plans] == [True, True], plans
