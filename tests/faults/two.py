"""What tests of two daemons on one database look at: which leads, and what each has done."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess

from tests.faults import checker
from tests.faults.harness import PATIENCE, Place

LONG = 4 * PATIENCE
"""Seconds for what two daemons do with thousands of messages, on a busy machine."""


def leader(place: Place) -> tuple[int, int]:
    """The latest term, and the id of the process that took it; noughts before there is any."""
    if not checker.has_schema(place.url):
        return 0, 0
    rows = checker.read(place.url, "select term, process from leader")
    return (rows[0]["term"], rows[0]["process"]) if rows else (0, 0)


def until(place: Place, true: object, *processes: BaseProcess, patience: float = LONG) -> None:
    """Wait for something to become true while all of these processes live."""
    assert callable(true)
    give_up = time.monotonic() + patience
    while not true():
        for process in processes:
            assert process.is_alive(), f"ended with {process.exitcode}\n{place.log()}"
        assert time.monotonic() < give_up, f"nothing happened in {patience} s\n{place.log()}"
        time.sleep(0.05)


def sorted_out(place: Place, *processes: BaseProcess) -> tuple[BaseProcess, BaseProcess]:
    """The one of two that leads, and the other, once one does."""
    until(place, lambda: leader(place)[1] in {one.pid for one in processes}, *processes)
    pid = leader(place)[1]
    leads, follows = sorted(processes, key=lambda one: one.pid != pid)
    return leads, follows


def passed(place: Place, point: str) -> Counter[int]:
    """How often each process passed a point."""
    path = place.folder / "daemon.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return Counter(line["process"] for line in lines if line["event"] == point)


def said(place: Place, event: str) -> int:
    """How often any of them said something in the log."""
    path = place.log_file
    text = path.read_text(errors="replace") if path and path.exists() else ""
    return text.count(f'"event": "{event}"')


def stop(process: BaseProcess) -> None:
    """Let it stand still, wherever it is, if it still lives."""
    assert process.pid
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGSTOP)


def go_on(processes: Sequence[BaseProcess]) -> None:
    """Let those that stand still go on."""
    for process in processes:
        with suppress(ProcessLookupError):
            assert process.pid
            os.kill(process.pid, signal.SIGCONT)


def told_to_stop(place: Place, *processes: BaseProcess) -> None:
    """End them as systemd does, and see that they end well."""
    for process in processes:
        process.terminate()
    for process in processes:
        assert place.ended(process, time.monotonic()) == 0, place.log()
