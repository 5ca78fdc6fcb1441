"""The hour that is left out in spring and the one that comes twice in autumn, and days on which nothing ran."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from alertd.cases.records import LONDON
from alertd.daemon import OnceADay
from tests.faults import checker
from tests.faults.conftest import ON_SQLITE, MakePlace, World
from tests.faults.harness import PATIENCE, Place

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def _evaluations(first: date, days: int) -> dict[date, list[datetime]]:
    """When the daily evaluation of 01:30 is, in UTC, by the day in London."""
    trigger, found = OnceADay(hour=1, minute=30, timezone=LONDON), {}
    now = datetime.combine(first, datetime.min.time(), LONDON)
    until = now + timedelta(days=days)
    previous = None
    while (at := trigger.get_next_fire_time(previous, now)) < until:
        found.setdefault(at.date(), []).append(at.astimezone(UTC))
        previous, now = at, (at.astimezone(UTC) + timedelta(seconds=1)).astimezone(LONDON)
    return found


def test_f46_f47_every_day_of_the_year_has_one_evaluation() -> None:
    found = _evaluations(date(2026, 1, 1), 365)
    assert len(found) == 365
    assert {day: len(times) for day, times in found.items() if len(times) != 1} == {}


def test_f46_where_its_time_is_left_out_it_is_an_hour_later_by_the_clock() -> None:
    assert _evaluations(SPRING, 1) == {SPRING: [datetime(2026, 3, 29, 1, 30, tzinfo=UTC)]}  # 02:30 in London


def test_f47_where_its_time_comes_twice_it_is_the_first() -> None:
    assert _evaluations(AUTUMN, 1) == {AUTUMN: [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]}  # 01:30, still in summer


def test_f47_a_daemon_that_starts_between_the_two_does_not_wait_for_the_second() -> None:
    between = datetime(2026, 10, 25, 1, 0, tzinfo=UTC).astimezone(LONDON)
    found = OnceADay(hour=1, minute=30, timezone=LONDON).get_next_fire_time(None, between)
    assert found.date() == AUTUMN + timedelta(days=1)


@pytest.mark.usefixtures("long_run")
@ON_SQLITE
@pytest.mark.parametrize(
    "half_past",
    [
        pytest.param(datetime(2026, 3, 29, 1, 30, tzinfo=UTC), id="spring", marks=pytest.mark.fault("F46")),
        pytest.param(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), id="autumn", marks=pytest.mark.fault("F47")),
    ],
)
def test_a_daemon_evaluates_once_in_the_night_in_which_the_clocks_change(
    make_place: MakePlace, half_past: datetime
) -> None:
    """The whole program, by the clock of the machine: once at its start, and once by its schedule."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        pytest.skip("faketime is not installed")
    place = make_place()
    config = place.folder / "alertd.toml"
    config.write_text(re.sub(r"(?m)^evaluate = .*", 'evaluate = ["01:30"]', config.read_text()))
    clock = place.folder / "clock"
    faked = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
    faked |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}
    _show(clock, half_past - timedelta(minutes=50))
    with (place.folder / "alertd.log").open("ab") as log:
        command = [sys.executable, "-m", "alertd", "run", "--config", str(config)]
        daemon = subprocess.Popen(command, stdout=log, stderr=log, cwd=place.folder, env=os.environ | faked)
    try:
        _wait_until(lambda: _evaluated(place) == 1, daemon, place)
        _show(clock, half_past - timedelta(seconds=5))
        _wait_until(lambda: _evaluated(place) == 2, daemon, place)
        _show(clock, half_past + timedelta(minutes=59, seconds=55))
        time.sleep(15)
        assert _evaluated(place) == 2, place.log()
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(PATIENCE)


def _show(clock: Path, moment: datetime) -> None:
    """Let the machine's clock show a moment, and go on from there."""
    clock.write_text(f"{moment.timestamp() - time.time():+.3f}\n")


def _evaluated(place: Place) -> int:
    return place.log().count('"event": "evaluated"')


def _wait_until(true: Callable[[], bool], daemon: subprocess.Popen[bytes], place: Place) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert daemon.poll() is None and time.monotonic() < until, place.log()
        time.sleep(0.1)


@pytest.mark.usefixtures("long_run")
def test_f49_after_three_days_off_everything_is_evaluated_once_and_told_once(
    make_place: MakePlace, world: World
) -> None:
    place = make_place()
    place.run_until_sent()
    before = len(checker.history(place.history))
    place.at += timedelta(days=3)
    place.run_until_sent()
    assert place.readings() == 2, "an evaluation for each day that passed"
    verdict = place.check()
    assert set(verdict.copies.values()) == {1}
    after = checker.history(place.history)[before:]
    assert after, "in three days something has come due"
    twice = "delivery where digest_for is not null group by person, channel, digest_for having count(*) > 1"
    assert not checker.read(place.url, f"select person from {twice}")
    assert _told_of_days(place) >= {"2026-11-24", "2026-11-27"}


def _told_of_days(place: Place) -> set[str]:
    rows = checker.read(place.url, "select distinct digest_for from delivery where length(digest_for) = 10")
    return {row["digest_for"] for row in rows}
