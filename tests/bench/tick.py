"""What a tick costs with the same 1,000 changed children, in an authority of 10,000 children and in one of 300,000.

    python -m tests.bench.tick [--small 10000] [--large 300000]

The children are those of a made-up authority, evaluated once and then written again and again under other numbers,
with all that is kept of them: case files, alerts, events, and when they are next looked at. Then a reading is accepted
in which 1,000 of them are otherwise, and one tick looks at them, with the workers it starts for that.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime, time
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from alertd import synth
from alertd.bootstrap import House, build
from alertd.cases.records import LONDON
from alertd.cli.demo import _write_config, adopt_all
from alertd.db.statistics import count_alerts
from alertd.evaluation import evaluate_once, tick
from alertd.settings import load
from tests.bench.figures import AS_OF, Figures, timed

SMALL, LARGE, CHANGED, ROUNDS = 10_000, 300_000, 1_000, 3
BASE: Final = 2_000
"""Children of the made-up authority: those who are written again."""

SAID_TWICE: Final = "-"
"""What stands in the number of a child who is another one's copy."""


def ticking(
    folder: Path | None = None, say: Callable[[str], None] = lambda _: None, small: int = SMALL, large: int = LARGE
) -> Figures:
    """``tick_300k_vs_10k``: processor seconds of the tick in the large authority, ``a``, over the small, ``b``."""
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        first = Path(inside) / "first"
        _authority(first, say)
        found = {
            size: _of(Path(shutil.copytree(first, Path(inside) / str(size))), size, say) for size in (small, large)
        }
    a, b = (statistics.median(found[size]) for size in (large, small))
    return {
        "tick_300k_vs_10k": {"ratio": round(a / b, 3), "a": round(a, 2), "b": round(b, 2)},
        "tick_children_per_second": {"value": round(CHANGED / a, 1)},
    }


def _of(folder: Path, size: int, say: Callable[[str], None]) -> list[float]:
    """Processor seconds of each of some ticks, every one of them with other changes."""
    house = _house(folder)
    with house.engine.begin() as connection:
        children = [row[0] for row in connection.execute(text("select child from agenda order by child"))]
    say(f"writing {size:,} children")
    _write_again(house, len(children), size)
    seconds = []
    for number in range(ROUNDS):
        changed = children[number :: max(len(children) // CHANGED, 1)][:CHANGED]
        with house.engine.begin() as connection:
            _read_again(connection, changed, number)
        before = _processor()
        wall = timed(partial(_tick, house, len(changed)))
        seconds.append(_processor() - before)
        say(f"{size:,} children: {seconds[-1]:.2f} s for {len(changed):,} of them, {wall:.2f} s by the clock")
    before = _processor()
    _tick(house, 0)
    say(f"{size:,} children: {_processor() - before:.2f} s for nobody")
    house.engine.dispose()
    return seconds


def _processor() -> float:
    """Seconds of processor time so far, of this process and of the workers it has ended: what else runs on the machine
    makes no difference to it."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _tick(house: House, children: int) -> None:
    done = tick(house)
    if (done.children, done.waiting) != (children, 0):
        raise SystemExit(f"the tick looked at {done.children} children and not at {children}; {done.waiting} wait")


def _authority(folder: Path, say: Callable[[str], None]) -> None:
    """A made-up authority that was evaluated this morning."""
    folder.mkdir()
    say("making an authority")
    synth.make(folder / "authority.db", la="350", children=BASE, seed=1, as_of=AS_OF)
    synth.write_people(folder, la="350", children=BASE, seed=1, as_of=AS_OF)
    adopt_all(_write_config(folder, 25, AS_OF), AS_OF)
    say("evaluating it")
    house = _house(folder)
    evaluate_once(house)
    house.engine.dispose()


def _house(folder: Path) -> House:
    return build(load(folder / "alertd.toml"), clock=lambda: datetime.combine(AS_OF, time(9, 30), LONDON))


def _write_again(house: House, there: int, size: int) -> None:
    """Write all that is kept of the children under further numbers, until there are so many."""
    with house.engine.begin() as connection:
        highest = connection.execute(text("select max(id) from alert")).scalar_one()
        for copy in range(1, size // there):
            values = {"copy": f"{SAID_TWICE}{copy}", "by": copy * highest}
            for statement in _COPIES:
                connection.execute(text(statement), values)
        rest = size - size // there * there
        values = {"copy": f"{SAID_TWICE}{size}", "rest": rest}
        connection.execute(text(f"{_COPIES[0]} and child in ({_FIRST})"), values)
        connection.execute(text(f"{_COPIES[-1]} and child in ({_FIRST})"), values)
    count_alerts(house.engine)
    with house.engine.begin() as connection:
        found = connection.execute(text("select count(*) from agenda")).scalar_one()
    if found != size:
        raise SystemExit(f"there are {found:,} children and not {size:,}")


_FIRST: Final = "select child from agenda where instr(child, '-') = 0 order by child limit :rest"
_COPIES: Final = (
    "insert into case_version (feed, child, run_id, digest, born, body) select feed, child || :copy, run_id, digest, "
    "born, body from case_version where instr(child, '-') = 0",
    "insert into alert (id, rule, child, record, occurrence, state, stage, level, closed_as, finding, worker, team, "
    "muted, timing, wording, template, opened_at, changed_at, household) select id + :by, rule, child || :copy, "
    "record, occurrence, state, stage, level, closed_as, json_set(finding, '$.child', child || :copy), worker, team, "
    "muted, timing, wording, template, opened_at, changed_at, household from alert "
    "where instr(child, '-') = 0 and child <> '*'",
    "insert into alert_event (alert_id, at, from_stage, to_stage, level, reason, late) select alert_id + :by, at, "
    "from_stage, to_stage, level, reason, late from alert_event where alert_id in "
    "(select id from alert where instr(child, '-') = 0 and child <> '*')",
    "insert into agenda (child, due_at, why, judged_at, judged_by, slack, is_open, failed, turn) select "
    "child || :copy, due_at, why, judged_at, judged_by, slack, is_open, failed, turn from agenda "
    "where instr(child, '-') = 0",
)
"""What is kept of each of the first children, written once more. SQLite's own functions: the bench is of SQLite."""


def _read_again(connection: Connection, changed: Iterable[str], number: int) -> None:
    """A reading in which each of these children is what another one was."""
    run = text(
        "insert into feed_run (source, at, outcome, counts, detail, feed, changed, children, said) select source, at, "
        "outcome, counts, detail, feed, :changed, children, said from feed_run order by id desc limit 1"
    )
    several = list(changed)
    connection.execute(run, {"changed": len(several)})
    version = text(
        "insert into case_version (feed, child, run_id, digest, born, body) select feed, :child, "
        "(select max(id) from feed_run), :digest, born, body from case_version where child = :as "
        "order by id desc limit 1"
    )
    others = [*several[1:], several[0]]
    for child, other in zip(several, others, strict=True):
        connection.execute(version, {"child": child, "as": other, "digest": f"{number}{child}".encode()})


def main() -> None:
    """Measure, and print the figures as the last line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--small", type=int, default=SMALL)
    parser.add_argument("--large", type=int, default=LARGE)
    wanted = parser.parse_args()
    began = datetime.now()

    def say(what: str) -> None:
        print(f"{datetime.now() - began} {what}", file=sys.stderr, flush=True)

    print(json.dumps(ticking(say=say, small=wanted.small, large=wanted.large)))


if __name__ == "__main__":
    main()
