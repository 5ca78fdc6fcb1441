"""Pages served beside the daemon: a process of their own that comes back, and ends with the daemon."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from alertd.cli import beside
from alertd.cli.beside import pages_beside


def program(tmp_path: Path, does: str) -> tuple[str, ...]:
    """In place of ``alertd``: notes each start with its number, then does something."""
    noted = f"import os, sys, time; open({str(tmp_path / 'starts')!r}, 'a').write(str(os.getpid()) + chr(10))"
    return (sys.executable, "-c", f"{noted}; {does}")


def starts(tmp_path: Path) -> list[int]:
    file = tmp_path / "starts"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]


async def until(true: object) -> None:
    for _ in range(2000):
        if true():  # type: ignore[operator]
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


def test_pages_that_end_are_served_again_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "AGAIN", (0.0, 0.0))

    async def tried() -> None:
        task = asyncio.create_task(
            pages_beside(tmp_path / "a.toml", structlog.get_logger(), program(tmp_path, "sys.exit(3)"))
        )
        await until(lambda: len(starts(tmp_path)) >= 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with structlog.testing.capture_logs() as logs:
        asyncio.run(tried())
    assert [(one["event"], one["code"]) for one in logs[:2]] == [("pages_ended", 3)] * 2


def test_pages_end_with_the_daemon(tmp_path: Path) -> None:
    async def tried() -> int:
        task = asyncio.create_task(
            pages_beside(tmp_path / "a.toml", structlog.get_logger(), program(tmp_path, "time.sleep(600)"))
        )
        await until(lambda: starts(tmp_path))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return starts(tmp_path)[0]

    assert not alive(asyncio.run(tried()))


def test_pages_end_even_when_the_daemon_is_killed(tmp_path: Path) -> None:
    code = (
        "import asyncio, structlog; from pathlib import Path; from alertd.cli.beside import pages_beside; "
        f"asyncio.run(pages_beside(Path('a.toml'), structlog.get_logger(), {program(tmp_path, 'time.sleep(600)')!r}))"
    )
    daemon = subprocess.Popen([sys.executable, "-c", code])
    asyncio.run(until(lambda: starts(tmp_path)))
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
    asyncio.run(until(lambda: not alive(starts(tmp_path)[0])))
