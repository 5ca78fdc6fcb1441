"""The power goes: what was written and not yet synced is gone, and nothing that was said to be stored is missing.

strace writes down each write to the database, and each sync; from those, the files are put together as a disk would
have them that kept nothing but what was synced by then.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults import run_daemon
from tests.faults.conftest import ON_SQLITE, MakePlace, World
from tests.faults.harness import PATIENCE, Place

pytestmark = [pytest.mark.usefixtures("long_run"), ON_SQLITE]

CALL = re.compile(
    r"^(?P<at>[\d.]+) (?P<name>\w+)\(\d+<(?P<file>[^>]+)>"
    r'(?:, "(?P<data>[^"]*)", (?P<size>\d+))?(?:, (?P<offset>\d+))?\)'
    r" += (?P<result>\d+) <(?P<took>[\d.]+)>$"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One system call on one file; ``offset`` is where it wrote, or how long the file became."""

    at: float
    until: float
    name: str
    file: str
    data: bytes
    offset: int


def _traced(place: Place) -> list[Call]:
    """Evaluate and send from nothing; the calls, in their order."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    files = [place.folder / name for name in ("alertd.db", "alertd.db-wal", "daemon.jsonl")]
    command = [strace, "-ff", "-qq", "-ttt", "-T", "-y", "-xx", "-s", "1000000", "-o", str(place.folder / "trace")]
    command += ["-e", "trace=pwrite64,write,fdatasync,fsync,ftruncate"]
    command += [word for file in files for word in ("-P", str(file))]
    command += [sys.executable, run_daemon.__file__, *place.arguments("evaluate", "send")]
    with (place.folder / "alertd.log").open("ab") as log:
        assert subprocess.run(command, stdout=log, stderr=log, timeout=PATIENCE).returncode == 0, place.log()
    return sorted(_calls(place.folder), key=lambda call: call.at)


def _calls(folder: Path) -> Iterator[Call]:
    for file in folder.glob("trace.*"):
        for line in file.read_text().splitlines():
            if line.endswith(("+++", "---")):
                continue
            found = CALL.match(line)
            assert found, f"strace says something new: {line[:80]} … {line[-80:]}"
            data = _bytes(found["data"] or "")
            assert not found["data"] or len(data) == int(found["size"]) == int(found["result"])
            at = float(found["at"])
            name = Path(_bytes(found["file"]).decode()).name
            yield Call(at, at + float(found["took"]), found["name"], name, data, int(found["offset"] or 0))


def _bytes(hexadecimal: str) -> bytes:
    return bytes.fromhex(hexadecimal.replace(r"\x", ""))


def _after_power_loss(calls: list[Call], at: float, folder: Path) -> sqlite3.Connection:
    """The database as it is found when the power went at a moment."""
    synced: dict[str, float] = defaultdict(float)
    for call in calls:
        if call.name in ("fdatasync", "fsync") and call.until < at:
            synced[call.file] = call.at
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    images: dict[str, bytearray] = defaultdict(bytearray)
    for call in calls:
        if call.at >= synced[call.file]:
            continue
        image = images[call.file]
        if call.name == "ftruncate":
            del image[call.offset :]
        elif call.name == "pwrite64":
            image.extend(bytes(max(0, call.offset - len(image))))
            image[call.offset : call.offset + len(call.data)] = call.data
    for name in ("alertd.db", "alertd.db-wal"):
        (folder / name).write_bytes(images[name])
    return sqlite3.connect(folder / "alertd.db")


def test_f38_what_was_said_to_be_stored_is_there_after_the_power_went_at_any_moment(
    make_place: MakePlace, world: World, tmp_path: Path
) -> None:
    place = make_place()
    calls = _traced(place)
    passed: Counter[str] = Counter()
    for call in calls:
        if call.file != "daemon.jsonl":
            continue
        point = json.loads(call.data)["event"]
        passed[point] += 1
        if point not in ("evaluate.after_commit", "outbox.after_claim", "send.after_record"):
            continue
        found = _after_power_loss(calls, call.at, tmp_path / "after")
        assert found.execute("pragma integrity_check").fetchall() == [("ok",)]
        [notices] = found.execute("select count(*) from notice").fetchone()
        [claimed] = found.execute("select count(*) from delivery where attempts > 0").fetchone()
        [delivered] = found.execute("select count(*) from delivery where state = 'delivered'").fetchone()
        found.close()
        assert notices == len(world.promised), f"at {point} {passed[point]}"
        assert claimed >= max(passed["outbox.after_claim"], passed["send.before_record"]), f"{point} {passed[point]}"
        assert delivered >= passed["send.after_record"], f"at {point} {passed[point]}"
    assert passed["send.after_record"] == world.deliveries and passed["evaluate.after_commit"] == 1
