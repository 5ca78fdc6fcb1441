"""The page of alertd's own health, and the two addresses that machines ask."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.routing import Route

from alertd import status as status_room
from alertd.bootstrap import House
from alertd.db.partner_tables import Notification
from alertd.db.tables import Alert
from alertd.engine import sweep as sweeping
from alertd.status import Status
from alertd.views.system import KEPT, LatestSystem
from alertd.web.ready import Ready
from tests.support.council import Inline
from tests.support.pages import Pages, pages_at

pytest_plugins = ["tests.support.databases"]
TODAY = date(2026, 11, 27)
CHILD = "QX77-CANARY"


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = pages_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    found.council.mail.refuses = "ade"
    found.council.looked_after(CHILD)
    found.council.day(TODAY)
    yield found
    found.council.house.engine.dispose()


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_it_says_what_the_command_says_without_any_child(pages: Pages) -> None:
    with Session(pages.council.house.engine) as session, session.begin():
        alert = session.query(Alert).first()
        assert alert is not None and alert.child == CHILD
        session.add(
            Notification(
                alert_id=alert.id, kind="gp", agency="", reference="K7QF-2M9X", receipt="routine", state="held",
                why=f"placement:{CHILD} is not in the feed now", created_at=pages.council.now,
            )
        )  # fmt: skip
    said = status_room.status(pages.council.house)
    assert any(CHILD in one.what for one in said.waits)
    page = pages.sign_in("A1").get("/system")
    seen = words(page.text)
    assert page.status_code == 200 and CHILD not in page.text
    assert "Notification K7QF-2M9X is held" in seen and "Tell them another way, and mend the address" in seen
    for part in (said.feeds[0][1:], "email", "Did not arrive: 1", said.watchdog, said.epoch, "A message was tried"):
        assert part in seen, part
    for person in ("W1", "M1", "G1"):
        assert pages.sign_in(person).get("/system").status_code == 403


def test_nothing_that_waits_is_said_too(pages: Pages) -> None:
    found = LatestSystem(lambda house: Status(house.clock())).of(pages.council.house)
    assert found.waits == () and found.counted == ()


def test_it_is_found_anew_after_a_while_and_once_for_all_who_ask(pages: Pages) -> None:
    asked: list[int] = []

    def find(house: House) -> Status:
        asked.append(1)
        return Status(house.clock())

    latest, council = LatestSystem(find), pages.council
    together = [threading.Thread(target=latest.of, args=(council.house,)) for _ in range(8)]
    for one in together:
        one.start()
    for one in together:
        one.join()
    assert len(asked) == 1
    council.now += KEPT
    assert latest.of(council.house).at == council.now and len(asked) == 2
    council.now -= timedelta(hours=1)
    assert latest.of(council.house).at == council.now, "a clock that was put back makes nothing last for ever"


def test_health_asks_no_database_and_ready_does(pages: Pages) -> None:
    statements: list[str] = []
    event.listen(pages.council.house.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert (pages.get("/health").status_code, pages.get("/health").text, statements) == (200, "serving\n", [])
    answer = pages.get("/ready")
    assert (answer.status_code, answer.text) == (200, "ready\n") and statements
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("fault", [OperationalError("select", {}, Exception("gone")), NoConnectionLeft("gone")])
def test_it_is_not_ready_while_the_database_says_no(pages: Pages, fault: Exception) -> None:
    def fails(*_: object) -> None:
        raise fault

    event.listen(pages.council.house.engine, "begin", fails)
    answer = pages.get("/ready")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10") and "gone" not in answer.text
    assert pages.get("/health").status_code == 200
    event.remove(pages.council.house.engine, "begin", fails)
    assert pages.get("/ready").status_code == 200


def test_a_database_that_hangs_holds_one_thread_however_many_ask() -> None:
    asked, release = [], threading.Event()

    def hangs() -> bool:
        asked.append(1)
        return release.wait(10)

    async def ask_all() -> list[int]:
        made = Starlette(routes=[Route("/ready", Ready(hangs, within_seconds=0.05).show)])
        transport = httpx.ASGITransport(made)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            first = await asyncio.gather(*(client.get("/ready") for _ in range(20)))
            release.set()
            after = await client.get("/ready")
        return [*(one.status_code for one in first), after.status_code]

    answers = asyncio.run(ask_all())
    assert answers == [503] * 20 + [200] and len(asked) <= 2
