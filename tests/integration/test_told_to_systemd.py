"""What systemd hears of a daemon: that it is ready, that work moves, and nothing more once it does not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from alertd.watched import tell_systemd
from alertd.watching.pulse import Bounds, Pulse
from alertd.watching.systemd import Systemd

WITHIN = 0.03


class Listens:
    """The other side of the socket."""

    def __init__(self, address: str) -> None:
        self._in = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._in.bind(address)
        self._in.setblocking(False)

    async def hear(self) -> dict[str, str]:
        """The next thing that is said; waits for it."""
        said = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._in, 4096), 30)
        return dict(line.split("=", 1) for line in said.decode().splitlines())

    def close(self) -> None:
        self._in.close()


@pytest.fixture(params=["a file", "no file"])
def listens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Systemd, Listens]]:
    """At a path, and at a name that is in no folder, as systemd may have either."""
    path = str(tmp_path / "notify")
    made = Listens(path if request.param == "a file" else f"\0{path}")
    yield Systemd(path if request.param == "a file" else f"@{path}", WITHIN), made
    made.close()


async def _until(other: Listens, true: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """What is said first of which something is true."""
    for _ in range(200):
        if true(heard := await other.hear()):
            return heard
    raise AssertionError(f"the last of 200 is {heard}")


def _house(pulse: Pulse) -> Any:
    return SimpleNamespace(pulse=pulse, log=structlog.get_logger())


def test_it_hears_that_all_is_well_until_a_loop_is_stuck(listens: tuple[Systemd, Listens]) -> None:
    systemd, other = listens
    now = 0.0
    pulse = Pulse(lambda: now)
    pulse.expect("send", Bounds(working=60, resting=600))
    pulse.begins("send")

    async def lives() -> None:
        nonlocal now
        telling = asyncio.create_task(tell_systemd(_house(pulse), systemd, asyncio.Event()))
        first = await other.hear()
        assert (first["READY"], first["WATCHDOG"]) == ("1", "1")
        again = await other.hear()
        assert "READY" not in again and again["WATCHDOG"] == "1"
        assert again["STATUS"] == "send works since 0 s"
        now = 61
        heard = await _until(other, lambda heard: "WATCHDOG" not in heard)
        assert heard == {"STATUS": "send has got no further for 1 minutes"}
        pulse.further("send")
        await _until(other, lambda heard: "WATCHDOG" in heard)
        telling.cancel()

    with capture_logs() as logs:
        asyncio.run(lives())
    assert [(one["event"], one["log_level"]) for one in logs] == [("stuck", "error")], "said once"


def test_while_it_stops_it_is_still_waited_for(listens: tuple[Systemd, Listens]) -> None:
    systemd, other = listens

    async def lives() -> None:
        stopping = asyncio.Event()
        telling = asyncio.create_task(tell_systemd(_house(Pulse()), systemd, stopping))
        await other.hear()
        stopping.set()
        heard = await _until(other, lambda heard: "STOPPING" in heard)
        assert heard["WATCHDOG"] == "1"
        after = await other.hear()
        assert after["WATCHDOG"] == "1" and "STOPPING" not in after
        telling.cancel()

    asyncio.run(lives())


def test_a_systemd_that_does_not_listen_ends_nothing(tmp_path: Path) -> None:
    async def lives() -> None:
        telling = asyncio.create_task(
            tell_systemd(_house(Pulse()), Systemd(str(tmp_path / "nobody"), WITHIN), asyncio.Event())
        )
        while sum(one["event"] == "systemd_not_told" for one in logs) < 2:
            await asyncio.sleep(0.01)
        assert not telling.done()
        telling.cancel()

    with capture_logs() as logs:
        asyncio.run(lives())


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "90000000"}, None),
        ({"NOTIFY_SOCKET": "/run/n"}, Systemd("/run/n", None)),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "90000000"}, Systemd("/run/n", 90)),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "7"}, Systemd("/run/n", 90)),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "8"}, Systemd("/run/n", None)),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "0"}, Systemd("/run/n", None)),
    ],
)
def test_what_the_environment_says(environment: dict[str, str], found: Systemd | None) -> None:
    assert Systemd.of(environment, 7) == found
