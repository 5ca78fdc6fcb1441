"""A country on one machine: 700,000 children with some ten million records, swept for the first time, and a day later.

    python -m tests.bench.country [--children 700000] [--keep FOLDER] [--prepare]

The feed is a real one, an SSD database of authorities beside each other, read from end to end. The country is made
first (``--prepare`` ends there) and is kept in ``FOLDER`` for the next time; alertd's own database is made anew. Each
step runs in a process of its own, as the daemon runs it, and the memory of that process and of its workers is looked at
while it goes. The last line is one JSON object; each figure is also in ``FOLDER/figures.json`` as soon as it is known.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psutil

from alertd.bootstrap import build
from alertd.cases.records import LONDON
from alertd.evaluation import read_feeds
from alertd.sending import compose_once
from alertd.settings import load
from alertd.turn import ticks
from tests.bench.country_feed import AS_OF, a_day_passes, make_country, rows
from tests.bench.figures import Figures, against
from tests.bench.made import write_settings

CHILDREN = 700_000
FIRST_SECONDS, TICK_SECONDS, MEGABYTES = 600, 60, 2048
STEPS = {
    "first": datetime(AS_OF.year, AS_OF.month, AS_OF.day, 18, tzinfo=LONDON),
    "day": datetime(AS_OF.year, AS_OF.month, AS_OF.day, 7, tzinfo=LONDON) + timedelta(1),
    "words": datetime(AS_OF.year, AS_OF.month, AS_OF.day, 9, tzinfo=LONDON) + timedelta(1),
}
"""When each step is, on the clock of the house: the last is when digests are due."""
SAID_EVERY = 15.0
"""Seconds between two lines of progress."""


def say(what: str) -> None:
    """Progress, with the time, on standard error."""
    print(f"{datetime.now().strftime('%H:%M:%S')}  {what}", file=sys.stderr, flush=True)


@dataclass
class Telling:
    """Progress, at most every so many seconds."""

    said: float = 0.0

    def rows(self, what: str, n: int) -> None:
        """Of reading the feed."""
        self._say(f"reading {what}: {n:,} rows")

    def children(self, done: int, of: int) -> None:
        """Of looking at children."""
        self._say(f"looked at {done:,} of {of:,} children")

    def _say(self, what: str) -> None:
        if time.perf_counter() - self.said > SAID_EVERY:
            self.said = time.perf_counter()
            say(f"  {what}")


def step(folder: Path, name: str) -> dict[str, float]:
    """Of the last step, what is owed put into words; of others the feed read, and ticks until nobody waits: seconds of
    each, and how much.

    As ``alertd.evaluation.evaluate_once`` does it, but that it says what took how long.
    """
    began = time.perf_counter()
    house = build(
        load(folder / "alertd.toml"), clock=lambda: STEPS[name] + timedelta(seconds=time.perf_counter() - began)
    )
    telling, found = Telling(), {}
    began = time.perf_counter()
    if name == "words":
        composed = compose_once(house)
        seconds = round(time.perf_counter() - began, 1)
        return {"composing": seconds, "urgent": composed.urgent, "digests": composed.digests}
    if refused := read_feeds(house, on_read=telling.rows):
        raise SystemExit(f"the feed was refused: {refused}")
    found["reading"] = time.perf_counter() - began
    found |= {f"reading_{what}": seconds for what, seconds in processor_seconds().items()}
    say(f"  read: {found}")
    with house.pools.staying():
        done = ticks(house, on_evaluated=telling.children)
    if done.refused:
        raise SystemExit(f"nobody could be looked at: {done.refused}")
    found["evaluating"] = time.perf_counter() - began - found["reading"]
    found |= {f"until_then_{what}": seconds for what, seconds in processor_seconds().items()}
    say(f"  evaluated: {found}")
    return {
        **{what: round(seconds, 1) for what, seconds in found.items()},
        "looked_at": done.children,
        "failed": done.failed,
        "changes": sum(done.changes.values()),
        "notices": done.notices,
    }


def processor_seconds() -> dict[str, float]:
    """What the process and its workers took so far: on a machine that does other things too, truer than wall time."""
    own, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "processor_of_the_daemon": round(own.ru_utime + own.ru_stime, 1),
        "processor_of_the_workers": round(workers.ru_utime + workers.ru_stime, 1),
    }


@dataclass
class Memory:
    """The most that the process held at any time, the largest of its workers, and all at one instant, in MB."""

    own: float = 0.0
    worker: float = 0.0
    together: float = 0.0

    def look(self, process: psutil.Process) -> None:
        try:
            own = process.memory_info().rss / 2**20
            workers = [one.memory_info().rss / 2**20 for one in process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        self.own = max(self.own, own)
        self.worker = max([self.worker, *workers])
        self.together = max(self.together, own + sum(workers))


def in_its_own_process(folder: Path, name: str) -> tuple[dict[str, float], Memory]:
    """A step, and the memory it took."""
    # What is sorted on the way lies in the folder too: else /tmp may be too small.
    env = {**os.environ, "SQLITE_TMPDIR": str(folder), "TMPDIR": str(folder)}
    words = [sys.executable, "-m", "tests.bench.country", "--keep", str(folder), "--step", name]
    memory = Memory()
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            memory.look(watched)
            time.sleep(0.2)
        assert process.stdout is not None
        said = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"the step {name!r} failed, see above")
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found, memory


def running(folder: Path, children: int, *, only_prepare: bool = False) -> Figures:
    """Make the country unless it is there, sweep it, let a day pass, and sweep what that changed."""
    make_country(folder, children, say)
    counted = dict(rows(folder / "country.db"))
    known, records = counted["ssd_person"], sum(counted.values())
    say(f"{known:,} children, {records:,} rows")
    if only_prepare:
        return {}
    today = folder / "today.db"
    write_settings(folder, today)
    say("copying the feed, so that the country stays as it was")
    subprocess.run(["cp", "--reflink=auto", str(folder / "country.db"), str(today)], check=True)
    figures: Figures = {"country_children": {"value": known}, "country_rows": {"value": records}}
    for name, limit in (("first", FIRST_SECONDS), ("day", TICK_SECONDS)):
        if name == "day":
            figures["country_day_changed"] = {"value": a_day_passes(today)}
        say(f"the step {name!r}")
        found, memory = in_its_own_process(folder, name)
        say(f"{name}: {found}, {memory}")
        figures |= {f"country_{name}_{what}": {"value": value} for what, value in found.items()}
        figures[f"country_{name}_seconds_vs_{limit}"] = against(limit, found["evaluating"])
        figures[f"country_{name}_mb_vs_{MEGABYTES}"] = against(MEGABYTES, memory.together)
        figures[f"country_{name}_mb_of_the_daemon"] = {"value": round(memory.own)}
        figures[f"country_{name}_mb_of_a_worker"] = {"value": round(memory.worker)}
        (folder / "figures.json").write_text(json.dumps(figures, indent=1))
    say("the step 'words'")
    found, memory = in_its_own_process(folder, "words")
    figures |= {f"country_words_{what}": {"value": value} for what, value in found.items()}
    figures["country_words_mb_of_the_daemon"] = {"value": round(memory.own)}
    (folder / "figures.json").write_text(json.dumps(figures, indent=1))
    return figures


def main() -> None:
    """Read what is asked, run it and print the figures."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--children", type=int, default=CHILDREN)
    asked.add_argument("--keep", type=Path, help="The folder for everything; what is made in it is used again.")
    asked.add_argument("--prepare", action="store_true", help="Make the country in the folder, and nothing more.")
    asked.add_argument("--step", choices=list(STEPS), help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.step:
        print(json.dumps(step(given.keep.resolve(), given.step)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = (given.keep or Path(name)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        print(json.dumps(running(folder, given.children, only_prepare=given.prepare)))


if __name__ == "__main__":
    main()
