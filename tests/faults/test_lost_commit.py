"""The database commits, and the answer is lost on its way."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.faults.conftest import ON_POSTGRESQL, MakePlace, World
from tests.faults.cutting_proxy import CuttingProxy
from tests.support.databases import new_database

pytestmark = ON_POSTGRESQL


def test_f04_the_answer_to_the_commit_of_alerts_is_lost(
    make_place: MakePlace, world: World, postgres_server: str
) -> None:
    """What was committed is found again by its identity, not written a second time."""
    _loses_one_answer(make_place, world, postgres_server, b"INSERT INTO notice ")


@pytest.mark.usefixtures("long_run")
@pytest.mark.parametrize(
    "after",
    [pytest.param(b"SET composed_into", id="deliveries"), pytest.param(b"UPDATE delivery SET state", id="claim")],
)
def test_f04_the_answer_to_another_commit_is_lost(
    make_place: MakePlace, world: World, postgres_server: str, after: bytes
) -> None:
    """Notices are in one delivery each, and a claim nobody knows of runs out."""
    _loses_one_answer(make_place, world, postgres_server, after)


def _loses_one_answer(make_place: MakePlace, world: World, postgres_server: str, after: bytes) -> None:
    name = make_url(new_database(postgres_server)).database
    socket = Path(str(make_url(postgres_server).query["host"])) / ".s.PGSQL.5432"
    with CuttingProxy(socket, after) as proxy:
        place = make_place(url=f"postgresql+psycopg://postgres@127.0.0.1:{proxy.port}/{name}")
        began = time.monotonic()
        process = place.start()
        place.wait_until(lambda: "database_unreachable" in place.log(), process)
        process.terminate()
        assert place.ended(process, began) == 0
        assert proxy.cuts == 1
        assert place.count("notice") == len(world.promised)
        place.run_until_sent()
        verdict = place.check(world.promised)
    assert proxy.cuts == 1
    assert set(verdict.copies.values()) == {1}, "sent twice, though the mail server was heard each time"
