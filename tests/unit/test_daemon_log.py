"""How loudly the daemon says what became of a pass of sending."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from alertd import sending
from alertd.outbox.dispatch import Summary
from alertd.watching.metrics import Metrics
from alertd.watching.pulse import Pulse


@pytest.mark.parametrize(
    ("summary", "level"),
    [
        (Summary(results=Counter(delivered=3)), "info"),
        (Summary(results=Counter(later=1), paused={"email": "not sent: connection refused"}), "error"),
    ],
)
def test_a_channel_that_is_down_is_logged_as_an_error(
    monkeypatch: pytest.MonkeyPatch, summary: Summary, level: str
) -> None:
    async def sent(*_: Any, **__: Any) -> Summary:
        return summary

    monkeypatch.setattr(sending, "dispatch_once", sent)
    monkeypatch.setattr(sending, "_may_send", lambda _: True)
    monkeypatch.setattr(sending, "_count_up", lambda _: None)
    monkeypatch.setattr(sending, "_tell_of_down", lambda *_: None)
    with structlog.testing.capture_logs() as logs:
        house: Any = SimpleNamespace(
            engine=None,
            notifiers={},
            clock=None,
            shared=None,
            rng=None,
            paces={},
            log=structlog.get_logger(),
            metrics=Metrics(),
            pulse=Pulse(),
        )
        asyncio.run(sending.dispatch(house))
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("dispatched", level)]
