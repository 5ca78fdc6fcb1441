"""How long each loop of the daemon may rest follows from how often the settings have it woken."""

from __future__ import annotations

from datetime import time
from types import SimpleNamespace
from typing import Any

import pytest

from alertd.settings import Mailbox, Schedule
from alertd.watched import expect_loops
from alertd.watching.pulse import Pulse

HOUR = 3600.0


@pytest.mark.parametrize(
    ("schedule", "mailbox", "after", "stuck"),
    [
        (Schedule(), None, HOUR - 1, set()),
        (Schedule(), None, HOUR + 1, {"compose", "send", "follow", "count"}),
        (Schedule(), Mailbox(maildir="m", every=3600), 2 * HOUR - 1, {"compose", "send", "count", "tick"}),  # type: ignore[arg-type]
        (Schedule(tick_seconds=3600), None, 2 * HOUR - 1, {"compose", "send", "follow", "count"}),
        (Schedule(), None, 25 * HOUR + 1, {"evaluate", "compose", "send", "follow", "count", "tick"}),
        (Schedule(evaluate=()), None, 99 * HOUR, {"compose", "send", "follow", "count", "tick"}),
        (Schedule(evaluate=(time(6), time(18))), None, 24 * HOUR, {"compose", "send", "follow", "count", "tick"}),
    ],
)
def test_a_loop_at_rest_is_stuck_once_it_should_have_been_woken_an_hour_ago(
    schedule: Schedule, mailbox: Mailbox | None, after: float, stuck: set[str]
) -> None:
    now = 0.0
    pulse = Pulse(lambda: now)
    house: Any = SimpleNamespace(pulse=pulse, settings=SimpleNamespace(schedule=schedule, mailbox=mailbox))
    expect_loops(house)
    now = after
    assert set(pulse.stuck()) == stuck
