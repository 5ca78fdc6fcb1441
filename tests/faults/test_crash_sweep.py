"""alertd is killed at the first write that must reach the disk, the second, and so on until it gets through."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys

import pytest

from tests.faults import run_daemon
from tests.faults.conftest import ON_SQLITE, MakePlace, World
from tests.faults.harness import LEASE, Place

pytestmark = [pytest.mark.usefixtures("long_run"), ON_SQLITE]  # whose syncs are the daemon's own

MOST = 60
"""Far more syncs than any one thread makes; reaching it means the sweep does not end."""


def _at_sync(place: Place, work: str, nth: int) -> int:
    """Run, killed at the n-th sync of any thread; how it ended."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    inject = f"inject=fdatasync,fsync:signal=KILL:when={nth}"
    command = [strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", inject]
    command += [sys.executable, run_daemon.__file__, *place.arguments(work)]
    with (place.folder / "alertd.log").open("ab") as log:
        code = subprocess.run(command, stdout=log, stderr=log, timeout=120).returncode
    place.at += LEASE
    return code


@pytest.mark.parametrize("work", ["evaluate", "send"])
def test_f02_f04_killed_at_every_sync(make_place: MakePlace, world: World, work: str) -> None:
    """Both alerts and notices or neither, and of a reading all or nothing; then, started again, everything goes."""
    for nth in range(1, MOST):
        place = make_place(composed=work == "send")
        code = _at_sync(place, work, nth)
        assert code in (0, -signal.SIGKILL, 128 + signal.SIGKILL), f"sync {nth}: ended with {code}\n{place.log()}"
        there = {table: bool(place.count(table)) for table in ("alert", "alert_event", "notice")}
        assert len(set(there.values())) == 1, f"killed at sync {nth}, of one commit only a part is there: {there}"
        accepted = "feed_run where outcome = 'accepted'"
        assert place.count(accepted) or not there["alert"], f"killed at sync {nth}, alerts are there of no reading"
        in_part = f"{accepted} and children <> (select count(*) from case_version)"
        assert not place.count(in_part), f"killed at sync {nth}, a reading was accepted that is not whole"
        place.run_until_sent("evaluate", "send")
        place.check(world.promised)
        if code == 0:
            assert nth > 5, "nothing was killed: does strace inject?"
            return
        place.stop()
        shutil.rmtree(place.folder)
    raise AssertionError(f"still killed at sync {MOST}")
