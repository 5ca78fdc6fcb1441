"""What watches alertd: systemd ends a daemon whose event loop hangs, and a log that cannot be written is counted."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults import run_daemon
from tests.faults.conftest import ON_SQLITE, MakePlace, World
from tests.faults.harness import LEASE, PATIENCE, Place

pytestmark = pytest.mark.usefixtures("long_run")

WITHIN = 6.0
"""Seconds within which this systemd wants to hear: less would end a healthy daemon on a busy machine."""


def _started(place: Place, *more: str, close_output: bool = False, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, run_daemon.__file__, *place.arguments("daemon"), *more]
    if close_output:
        command = ["/bin/sh", "-c", 'exec "$0" "$@" >&-', *command]
    with (place.folder / "alertd.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})


def _until(true: Callable[[], bool], place: Place, daemon: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert daemon.poll() is None, place.log()
        assert time.monotonic() < until, place.log()
        time.sleep(0.05)


def _until_silent(systemd: socket.socket) -> None:
    with suppress(TimeoutError):
        while systemd.recv(4096):
            pass


@ON_SQLITE
def test_f82_a_daemon_whose_event_loop_hangs_is_ended_and_the_next_sends_what_it_held(
    make_place: MakePlace, world: World
) -> None:
    place = make_place(composed=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place.folder / "notify"))
        systemd.settimeout(WITHIN)
        asked = {"NOTIFY_SOCKET": str(place.folder / "notify"), "WATCHDOG_USEC": str(int(WITHIN * 1e6))}
        daemon = _started(place, "--block", "send.before_record:2", **asked)
        try:
            _until(lambda: "send.before_record" in place.points(), place, daemon)
            assert b"READY=1" in systemd.recv(4096)
            _until_silent(systemd)
            assert daemon.poll() is None, "it hangs, and does not end by itself"
            daemon.send_signal(signal.SIGABRT)  # as systemd does
            assert daemon.wait(PATIENCE) == -signal.SIGABRT
        finally:
            daemon.kill()
            daemon.wait()
    under_way = place.count("delivery where state = 'sending'")
    assert under_way > 0
    place.at += LEASE
    place.run_until_sent()
    verdict = place.check(world.promised)
    assert sum(copies - 1 for copies in verdict.copies.values()) <= under_way


@ON_SQLITE
def test_f80_with_standard_output_closed_all_goes_out_and_the_lines_lost_are_counted(
    make_place: MakePlace, world: World
) -> None:
    place = make_place(composed=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = place.folder / "alertd.toml"
    config.write_text(config.read_text() + f"\n[metrics]\nport = {port}\n")
    daemon = _started(place, close_output=True)
    try:
        _until(lambda: place.is_sent() and place.readings() == 2, place, daemon)
        assert _lines_lost(port) >= 3
        daemon.terminate()
        assert daemon.wait(PATIENCE) == 0, place.log()
    finally:
        daemon.kill()
        daemon.wait()
    assert place.log() == ""
    assert set(place.check(world.promised).copies.values()) == {1}


def _lines_lost(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        found = re.search(r"^alertd_log_lines_lost_total (\S+)$", answer.read().decode(), re.MULTILINE)
    assert found
    return float(found[1])


def test_f80_nothing_else_is_opened_where_standard_output_was(tmp_path: Path) -> None:
    """A file opened there would have all that is printed written into it."""
    opens = (
        "import os; from alertd.__main__ import _fill_closed; _fill_closed(); "
        "os.write(2, b'%d' % os.open('new', os.O_CREAT | os.O_WRONLY))"
    )
    command = ["/bin/sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, opens]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert int(done.stderr) > 2
