"""Notify and MESH through the outbox: an answer is lost, and the recipient has one copy all the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.outbox.channel import Letter, Notifier
from alertd.outbox.dispatch import dispatch_once
from tests.integration.test_govuk_notify import channel as notify_channel
from tests.integration.test_mesh_channel import channel as mesh_channel
from tests.support.fake_mesh import THEIRS, FakeMesh
from tests.support.fake_notify import FakeNotify
from tests.support.outbox import NOW, add, moves, rows

pytest_plugins = ["tests.support.databases"]
ID = "6b1f0f0e-8f0e-4a3b-9b2c-0d6f2a1c7e55"

Make = Callable[..., Notifier]


@pytest.fixture(params=["govuk_notify", "mesh"])
def there(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Make, str]]:
    """The other side, what makes its channel, and an address there."""
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        if request.param == "mesh":
            yield FakeMesh(server), mesh_channel, THEIRS
        else:
            yield FakeNotify(server), notify_channel, "07700 900123"


@pytest.mark.fault("F12")
def test_an_outage_of_hours_that_began_with_a_lost_answer_costs_no_copy_and_parks_nothing(
    engine: Engine, there: tuple[Any, Make, str], tmp_path: Path
) -> None:
    other, make, address = there
    made = make(tmp_path, other.url)
    letter = Letter(ID, "alertd@council.example", "Siân", address, NOW, "3 overdue", "p", "Text.\n", "", about=(7,))
    with Session(engine) as session, session.begin():
        add(
            session,
            delivery_id=ID,
            person="W1",
            address=address,
            resolved_by="worker",
            channel=made.name,
            message=made.write(letter),
            now=NOW,
        )
    now = NOW

    def dispatch() -> str:
        asyncio.run(dispatch_once(engine, {made.name: made}, lambda: now, random.Random(1)))
        return rows(engine)[ID].state

    other.loses, other.deaf = [504], 502
    for _ in range(8):
        assert dispatch() == "due"
        now += timedelta(hours=1)
    assert other.asked >= 5 and len(other.taken) == 1
    other.deaf = 0
    assert dispatch() == "delivered"
    assert len(other.taken) == 1 and rows(engine)[ID].reference == other.taken[0]["id"]
    assert "had it already" in moves(engine, ID)[-1][1]
