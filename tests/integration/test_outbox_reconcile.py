"""What ought not to be is counted: nothing while all works, and each thing once it is broken by hand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from alertd import sending
from alertd.db.tables import Delivery, DeliveryEvent, Notice
from alertd.engine import sweep as sweeping
from alertd.outbox import store
from alertd.outbox.channel import Letter, Outcome
from alertd.outbox.reconcile import odds
from tests.support.council import Council, Inline, council_at
from tests.support.outbox import NOW, finish, next_claimed, put

pytest_plugins = ["tests.support.databases"]
TODAY = date(2026, 11, 27)
LEASE = timedelta(minutes=4)


@pytest.fixture
def council(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = council_at(tmp_path, database_url)
    found.looked_after("C1")
    yield found
    found.house.engine.dispose()


def found_at(council: Council, now: datetime) -> dict[str, int]:
    with Session(council.house.engine) as session:
        return {one.kind: one.n for one in odds(session, council.house.composer_now(), now)}


def change(council: Council, *statements: object) -> None:
    with Session(council.house.engine) as session, session.begin():
        for statement in statements:
            session.execute(statement)  # type: ignore[call-overload]


def test_nothing_is_odd_before_during_and_after_a_whole_fortnight(council: Council) -> None:
    for day in range(14):
        on = TODAY - timedelta(days=3) + timedelta(days=day)
        council.evaluate(on)
        assert found_at(council, council.now) == {}
        council.send()
        for later in (timedelta(), timedelta(hours=3), timedelta(hours=20)):
            assert found_at(council, council.now + later) == {}


def test_alerts_that_nobody_was_ever_to_be_told_of_are_counted(council: Council) -> None:
    council.evaluate(TODAY)
    change(council, delete(Notice))
    assert found_at(council, council.now) == {}, "it may be being written"
    assert found_at(council, council.now + timedelta(hours=1)) == {"alerts_nobody_owed": 1}


def test_what_is_urgent_and_has_no_message_is_counted(council: Council) -> None:
    council.evaluate(TODAY)
    change(council, update(Notice).values(urgent=True))
    assert found_at(council, council.now + timedelta(hours=1)) == {}
    assert found_at(council, council.now + timedelta(hours=2)) == {"urgent_not_composed": 1}
    council.now += timedelta(hours=2)
    sending.compose_once(council.house)
    assert "urgent_not_composed" not in found_at(council, council.now)


def _due(engine: Engine) -> None:
    put(engine, "d1")


def _claimed(engine: Engine) -> None:
    put(engine, "d1")
    next_claimed(engine, NOW, 1, LEASE)


def _forgotten(engine: Engine) -> None:
    put(engine, "d1")
    letter = Letter("d2-copy", "a@council.example", "", "duty-team", NOW, "", "", "", "")
    with Session(engine) as session, session.begin():
        store.put(session, letter, b"{}", person="d1", resolved_by="", channel="apprise", stands_in_for="d1")
    [one] = next_claimed(engine, NOW, 1, LEASE)
    finish(engine, one, Outcome("refused", "no such mailbox"), NOW, random.Random(1))


def _unknown(engine: Engine) -> None:
    put(engine, "d1")
    with Session(engine) as session, session.begin():
        session.get_one(Delivery, "d1").state = "unknown"
        session.add(DeliveryEvent(delivery_id="d1", at=NOW, from_state="due", to_state="unknown", attempt=1))


def _by_hand(engine: Engine) -> None:
    put(engine, "d1")
    with Session(engine) as session, session.begin():
        session.get_one(Delivery, "d1").state = "delivered"


@pytest.mark.parametrize(
    ("breaks", "kind"),
    [
        (_due, "due_not_tried"),
        (_claimed, "claim_outlived"),
        (_forgotten, "stand_in_forgotten"),
        (_unknown, "left_unknown"),
        (_by_hand, "moved_without_event"),
    ],
)
def test_each_thing_that_ought_not_to_be_is_counted(
    council: Council, breaks: Callable[[Engine], None], kind: str
) -> None:
    breaks(council.house.engine)
    with Session(council.house.engine) as session:
        [one] = odds(session, council.house.composer_now(), NOW + timedelta(minutes=30))
    assert (one.kind, one.n, str(one)) == (kind, 1, f"1 {one.what}") and one.do


def test_what_is_still_so_at_the_next_look_is_told_to_the_data_owner_once_a_day(
    council: Council, capsys: pytest.CaptureFixture[str]
) -> None:
    council.evaluate(TODAY)
    change(council, delete(Notice))
    council.now += timedelta(hours=1)
    for n in range(4):
        assert [one.kind for one in sending.reconcile_once(council.house)] == ["alerts_nobody_owed"]
        assert _told(council) == (["D1"] if n else []), "one look may find what is under way"
        asyncio.run(sending.dispatch(council.house))
        council.now += timedelta(minutes=10)
    assert "alerts_nobody_owed=1" in capsys.readouterr().out
    council.now += timedelta(days=1)
    sending.reconcile_once(council.house)
    assert _told(council) == ["D1", "D1"]
    council.reviewed(TODAY)
    council.evaluate(TODAY + timedelta(days=1))
    assert sending.reconcile_once(council.house) == []
    assert not council.house.failing, "what is over begins anew"


def _told(council: Council) -> list[str]:
    with Session(council.house.engine) as session:
        told = session.scalars(select(Delivery.person).where(Delivery.digest_for.endswith(":odd")))
        return list(told)
