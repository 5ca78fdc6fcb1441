"""A day of two daemons on one database, in twenty minutes: the feed changes, they evaluate by the clock, messages come
and go, and at moments drawn by a seed one of them is killed or stands still for a while.

``make soak`` lives through the whole day, ``make faults`` through its first hour. The seed is printed where it fails;
``--kill-seed`` draws the same again.
"""

from __future__ import annotations

import random
import re
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from alertd.outbox.store import UNKNOWN_RETRIES
from tests.faults import checker
from tests.faults.conftest import ON_POSTGRESQL, MakePlace, World
from tests.faults.filling import fill_outbox
from tests.faults.harness import MORNING, Place
from tests.faults.test_random_kills import LATE, POINTS
from tests.faults.two import go_on, leader, passed, stop, told_to_stop, until
from tests.support.databases import new_database

pytestmark = [pytest.mark.usefixtures("long_run"), ON_POSTGRESQL]

FASTER = 72.0
"""Seconds of the daemons' clock in a second: a day in twenty minutes."""

BEGINS = MORNING - timedelta(minutes=15)
"""Before the hour of the digests."""

AT_ONCE = 1000
"""Messages that somebody has to be sent at once, beside those of the feed."""

HEALING = 3.0
"""Seconds of their clock in a second once nothing fails any more: five minutes must be enough for a busy machine."""

HEALS_WITHIN = 600.0
"""Real seconds that a busy machine may take, once nothing fails any more, until all is sent."""

HELD = ("cla_reviews", "cla_visits", "cp_visits", "cin_visits")
"""What happens every day: the feed's tables of it."""


@pytest.fixture
def minutes(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--soak-minutes"))


class Office:
    """Those who record: each time something is held, found out to have been on another day, or handed over."""

    def __init__(self, feed: Path, rng: random.Random) -> None:
        self._feed, self._rng = feed, rng
        self.recorded = 0

    def records(self, now: datetime) -> None:
        """One thing more, as of now."""
        table = f"ssd_{self._rng.choice(HELD)}"
        with closing(sqlite3.connect(self._feed, timeout=60)) as feed, feed:
            names = [(row[1], row[2]) for row in feed.execute(f"pragma table_info({table})")]
            rows = feed.execute(f"select * from {table} order by random() limit 1").fetchall()
            if not rows:
                return
            self.recorded += 1
            row = dict(zip((name for name, _ in names), rows[0], strict=True))
            key = names[0][0]
            held = [name for name, _ in names if name.endswith("date") and row[name]]
            day = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
            if self._rng.random() < 0.7:
                new = {**row, key: f"S{self.recorded}", **{name: str(day) for name in held}}
                places = ", ".join("?" for _ in new)
                feed.execute(f"insert into {table} values ({places})", list(new.values()))
            elif held:
                other = day - timedelta(days=self._rng.randint(1, 60))
                feed.execute(f"update {table} set {held[0]} = ? where {key} = ?", [str(other), row[key]])


def shown(place: Place, speed: float) -> datetime:
    """What the daemons' clock shows."""
    assert place.began is not None
    return place.at + timedelta(seconds=speed * (time.monotonic() - place.began))


@dataclass
class Day:
    """Two daemons at work, and what befalls them."""

    place: Place
    rng: random.Random
    office: Office
    running: list[BaseProcess] = field(default_factory=list)
    befell: Counter[str] = field(default_factory=Counter)

    def live_through(self, seconds: float) -> None:
        """Until so many seconds have passed."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            while len(self.running) < 2:
                self._start()
            time.sleep(self.rng.uniform(0.5, 4))
            self._go_wrong()
            self._ended_by_themselves()
        for process in self.running:
            process.kill()
        self._ended_by_themselves()

    def _start(self) -> None:
        kill = f"{self.rng.choice(POINTS)}:{self.rng.randint(1, 40)}" if self.rng.random() < 0.5 else ""
        self.running.append(self.place.start(kill=kill, speed=FASTER))

    def _go_wrong(self) -> None:
        self.office.records(shown(self.place, FASTER))
        what = self.rng.choices(("kill", "pause", "messages", "nothing"), (2, 2, 1, 3))[0]
        self.befell[what] += 1
        victim = self.rng.choice(self.running)
        if what == "kill":
            victim.kill()
        elif what == "pause":
            stop(victim)
            time.sleep(self.rng.uniform(0.1, 12))  # a leader that is silent for six seconds leads no more
            go_on([victim])
        elif what == "messages" and checker.has_schema(self.place.url):
            fill_outbox(replace(self.place, at=shown(self.place, FASTER)), AT_ONCE, self.rng)

    def _ended_by_themselves(self) -> None:
        for process in [one for one in self.running if not one.is_alive()]:
            self.running.remove(process)
            code = self.place.ended(process, time.monotonic())
            if code == 2 and "the database cannot be used" in self.place.log():
                self.befell["refused at its start"] += 1  # it stood still while it looked at the schema
                continue
            assert code == -signal.SIGKILL, f"ended with {code}\n{self.place.log()}"
            self.place.kills += 1


@pytest.fixture
def place(make_place: MakePlace, world: World, tmp_path: Path) -> Place:
    """With a feed of its own, which is read each half hour; every six minutes it is looked whose clock has moved."""
    authority = tmp_path / "authority"
    shutil.copytree(world.folder, authority)
    found = make_place()
    config = found.folder / "alertd.toml"
    text = config.read_text().replace(str(world.folder), str(authority))
    times = ", ".join(f'"{hour:02}:{minute}"' for hour in range(24) for minute in ("00", "30"))
    config.write_text(re.sub(r"(?m)^evaluate = .*", f"evaluate = [{times}]\ntick_seconds = 5", text))
    found.authority, found.at = authority, BEGINS
    return found


@pytest.mark.fault("F51")
@pytest.mark.fault("F52")
def test_f10_a_day_of_two_daemons_that_are_killed_and_stand_still_loses_repeats_and_misdirects_nothing(
    place: Place, world: World, kill_seed: int, minutes: float
) -> None:
    print(f"repeat with --soak-minutes {minutes} --kill-seed {kill_seed}; all is kept in {place.folder}")
    rng = random.Random(kill_seed)
    place.share_clock()
    day = Day(place, rng, Office(place.authority / "authority.db", rng))
    day.live_through(60 * minutes)
    place.at = shown(place, FASTER)
    print(f"{minutes:g} minutes, until {place.at:%d %b %H:%M}: {dict(day.befell)}, {place.kills} daemons were killed")
    evaluated, sent = passed(place, "evaluate.after_commit").total(), len(checker.history(place.history))
    last_looked = _heals(place)
    verdict = place.check()
    copies = sum(verdict.copies.values()) - len(verdict.copies)
    parked = place.count("delivery where state = 'parked'")
    print(f"{day.office.recorded} things recorded, {place.readings()} readings, {evaluated} commits of evaluations")
    print(f"{leader(place)[0]} terms, {len(verdict.copies)} messages arrived ({sent} before it healed)")
    print(f"{copies} copies more, {verdict.recovered} recovered, {parked} parked after three lost answers")
    assert parked == place.count(f"delivery where state = 'parked' and unknown_attempts = {1 + UNKNOWN_RETRIES}")
    assert place.kills >= 2 and leader(place)[0] >= 2
    _found_as_by_one_that_saw_only_the_end(replace(place, at=last_looked), world)


def _heals(place: Place) -> datetime:
    """Two daemons at work that nothing befalls, until all is sent; none of it later than it may be, counted from when
    one of them leads. When they ended."""
    place.share_clock()
    before, (term, _) = place.readings(), leader(place)
    both = [place.start(speed=HEALING) for _ in range(2)]
    until(place, lambda: leader(place)[0] > term, *both)
    healed = shown(place, HEALING)
    waiting = checker.due(place.url, healed)
    print(f"{len(waiting)} messages wait")

    def done() -> bool:
        return (
            place.readings() > before
            and passed(place, "compose.before_commit")[leader(place)[1]] > 2
            and not checker.begun_late(place.url, waiting, healed, None)
            and place.is_sent()
        )

    until(place, done, *both, patience=HEALS_WITHIN)
    late = checker.begun_late(place.url, waiting, healed, LATE)
    assert not late, "\n".join(late)
    told_to_stop(place, *both)
    ended = place.at = shown(place, HEALING)
    place.began = None
    place.run_until_sent("send")  # what was made while they were told to stop
    return ended


def _found_as_by_one_that_saw_only_the_end(place: Place, world: World) -> None:
    """What is open is what one evaluation finds that never saw the day before it."""
    fresh = replace(place, url=new_database(world.server), began=None, running=[])
    config = place.folder / "alertd.toml"
    config.write_text(config.read_text().replace(place.url, fresh.url))
    process = fresh.start("evaluate")
    assert fresh.ended(process, time.monotonic()) == 0, place.log()
    found, expected = ({tuple(one) for one in _open(url)} for url in (place.url, fresh.url))
    assert found == expected, f"missing {expected - found}, too many {found - expected}"


def _open(url: str) -> Iterator[list[str]]:
    query = "select rule, child, record, occurrence, stage from alert where state = 'open'"
    for row in checker.read(url, query):
        yield [str(value) for value in row.values()]
