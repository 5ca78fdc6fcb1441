"""Another house takes the place of the one in force: nothing is cut off, nothing is left open, nothing bad gets in."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from alertd import reloading
from alertd.errors import InputError
from alertd.reloading import Live, reload


class House:
    """What a house keeps open, and how often each was closed."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.notifiers = {"email": SimpleNamespace(close=self._close)}
        self.heartbeats = SimpleNamespace(close=lambda: self.closed.append("heartbeats"))
        self.traces = SimpleNamespace(close=lambda: self.closed.append("traces"))
        self.log = structlog.get_logger()
        self.rulebook = SimpleNamespace(enabled=())

    async def _close(self) -> None:
        self.closed.append("email")


def a_house() -> Any:
    return House()


WHOLE = ["email", "heartbeats", "traces"]


def test_work_that_began_stays_in_its_house_which_is_closed_when_the_last_of_it_ends() -> None:
    first, second = a_house(), a_house()

    async def lives() -> None:
        live = Live(first)
        async with live.work() as one:
            async with live.work() as other:
                assert one is other is first
                await live.succeed(second)
                assert live.house is second
                async with live.work() as next_:
                    assert next_ is second
                assert (first.closed, second.closed) == ([], []), "something is still under way"
            assert first.closed == []
        assert (first.closed, second.closed) == (WHOLE, [])

    asyncio.run(lives())


def test_a_house_in_which_nothing_is_under_way_is_closed_at_once() -> None:
    first = a_house()
    asyncio.run(Live(first).succeed(a_house()))
    assert first.closed == WHOLE


def test_that_a_house_ends_is_heard_in_it_and_not_in_the_next() -> None:
    async def lives() -> None:
        live = Live(a_house())
        before = live.ends
        await live.succeed(a_house())
        assert before.is_set() and not live.ends.is_set()

    asyncio.run(lives())


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (InputError("is not a setting", where="a.toml:3: feed.ulr"), "a.toml:3: feed.ulr: is not a setting"),
        (ZeroDivisionError("Zoe Field"), "alertd itself failed (ZeroDivisionError): please report it"),
    ],
)
@pytest.mark.fault("F64")
def test_files_that_cannot_be_used_leave_the_house_in_force_and_are_told(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, said: str
) -> None:
    told: list[str] = []
    monkeypatch.setattr(reloading, "_tell_of_refused", lambda _, why: told.append(why))
    first = a_house()

    def reread(_: object) -> Any:
        raise fault

    async def lives() -> None:
        live = Live(first)
        assert not await reload(live, reread)
        assert live.house is first and not live.ends.is_set()

    with capture_logs() as logs:
        asyncio.run(lives())
    assert told == [said] and first.closed == []
    assert [(one["event"], one["log_level"], one["why"]) for one in logs] == [("reload_refused", "error", said)]


def test_a_daemon_that_is_told_to_stop_meanwhile_takes_nothing_new() -> None:
    first = a_house()

    async def lives() -> None:
        live = Live(first)
        live.ends.set()
        assert not await reload(live, lambda _: a_house())
        assert live.house is first

    asyncio.run(lives())
