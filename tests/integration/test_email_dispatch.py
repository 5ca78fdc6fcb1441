"""Outbox and e-mail channel together, against a server that misbehaves (fault rows F12 to F16, I2)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from alertd.outbox.dispatch import dispatch_once
from alertd_notifiers.email import EmailConfig, EmailNotifier
from tests.support.databases import opened
from tests.support.outbox import NOW, put, rows, states
from tests.support.smtp_server import Behaviour, SmtpServer


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = opened(f"sqlite:///{tmp_path / 'alertd.db'}")
    yield found
    found.dispose()


def passes(engine: Engine, server: SmtpServer, number: int) -> None:
    """Passes three hours apart, so that whatever is to be repeated is due again."""
    config = EmailConfig(
        host="localhost",
        port=server.port,
        tls="none",
        sender="alertd@council.example",
        timeout_seconds=0.5,
        answer_seconds=0.3,
    )
    for hours in range(0, 3 * number, 3):
        now = NOW + timedelta(hours=hours)
        asyncio.run(dispatch_once(engine, {"email": EmailNotifier(config)}, lambda now=now: now, random.Random(1)))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("behave", "copies", "unknown"),
    [
        ({".": ["hang"]}, 2, 1),
        ({".": ["reset"]}, 2, 1),
        ({".": ["close", "hang"]}, 3, 2),
        ({"250": ["reset"]}, 1, 0),
        ({"QUIT": ["hang"]}, 1, 0),
        ({"RCPT": ["reply 451 greylisted"]}, 1, 0),
        ({"DATA": ["reply 421 later"], ".": ["reply 452 full"]}, 1, 0),
    ],
)
def test_a_delivery_arrives_with_one_copy_more_only_for_each_lost_answer(
    behave: dict[str, Behaviour], copies: int, unknown: int, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alertd_notifiers.email.connection._QUIT_SECONDS", 0.2)
    put(engine, "d1")
    with SmtpServer(behave) as server:
        passes(engine, server, 5)
    assert states(engine) == {"d1": "delivered"}
    assert rows(engine)["d1"].unknown_attempts == unknown
    assert len(server.taken) == copies
    assert {taken.content for taken in server.taken} == {rows(engine)["d1"].message}


def test_answers_lost_three_times_park_the_delivery(engine: Engine) -> None:
    put(engine, "d1")
    with SmtpServer({".": "close"}) as server:
        passes(engine, server, 5)
    assert states(engine) == {"d1": "parked"}
    assert len(server.taken) == 3


def test_f16_one_of_many_refused_leaves_the_others_delivered_once_on_kept_connections(engine: Engine) -> None:
    for n in range(40):
        put(engine, f"d{n}")
    with SmtpServer({"RCPT d7@council.example": "reply 550 5.1.1 unknown"}) as server:
        passes(engine, server, 2)
    found = states(engine)
    assert found.pop("d7") == "refused"
    assert set(found.values()) == {"delivered"}
    assert sorted(taken.recipients[0] for taken in server.taken) == sorted(f"{id_}@council.example" for id_ in found)
    assert server.connections <= EmailConfig.model_fields["at_once_to_one"].default
