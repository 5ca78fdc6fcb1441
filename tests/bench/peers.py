"""The sweep beside other ways to find the same: SQL by hand on DuckDB, and the rules engine CLIPS.

Three rules: a child and family assessment in 45 working days, a looked-after review every six months, a child
protection visit every ten working days; on a clean authority, since neither peer says anything of doubt. That all
three find the same clocks, with the same stage and due date, is looked at first. Each is in this process on one
processor with everything in memory: alertd begins from case files, DuckDB from the tables, CLIPS from the records of
the case files. Seconds are of processor time, and of the best of some rounds, because what else runs on the machine
only ever makes them more.

    python -m tests.bench.peers
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from alertd import synth
from alertd.calendars.calendar import calendar_for
from alertd.cases.records import Snapshot, local_day
from alertd.cases.sources import ssd
from alertd.cli.sources import parse_as_of
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.rulebook.builtin import england
from alertd.rulebook.load import load_rulebook
from tests.bench.by_clips import ByClips
from tests.bench.by_sql import Found, by_sql, loaded
from tests.bench.figures import AS_OF, Figures, busy

WHEN = parse_as_of(str(AS_OF))
RULES = ("assess.cfa", "cla.review.next", "cp.visit")
CHILDREN = 4000
ROUNDS = 3
HISTORY_YEARS = 10
"""More than the made-up authority's: what lies outside the days a feed speaks for is unknown, and SQL cannot say so."""


@dataclass(frozen=True)
class Three:
    """The same children put to alertd, to SQL and to CLIPS, each asked for the clocks it finds."""

    snapshot: Snapshot
    evaluator: Evaluator
    duck: duckdb.DuckDBPyConnection
    clips: ByClips

    @classmethod
    def over(cls, folder: Path, children: int) -> Three:
        """Over a clean made-up authority of so many children in need, made in the folder."""
        database = folder / "clean.db"
        synth.make(database, la="350", children=children, seed=1, as_of=AS_OF, dirty=0)
        calendar = calendar_for("england-and-wales")
        book = load_rulebook([england()], settings={"cp.visit.interval": "10 working days"})
        return cls(
            ssd.read(str(database), as_of=WHEN, timeframe_years=HISTORY_YEARS),
            Evaluator.of(book.without({rule.id for rule in book.rules} - set(RULES))),
            loaded(database, calendar, AS_OF),
            ByClips(calendar, AS_OF),
        )

    def findings(self) -> list[Finding]:
        """What alertd finds."""
        return [f for case in self.snapshot.cases for f in self.evaluator.evaluate(case, WHEN)]

    def by_sql(self) -> Found:
        """What SQL finds."""
        return by_sql(self.duck, AS_OF)

    def by_clips(self) -> Found:
        """What CLIPS finds."""
        return self.clips.find(self.snapshot.cases)


def beside_peers(folder: Path, say: Callable[[str], None] = lambda _: None) -> Figures:
    """Seconds of alertd (a) and of the peer (b), and how many times longer alertd takes."""
    three = Three.over(folder, CHILDREN)
    say("Looking whether all three find the same")
    ours = clocks(three.findings())
    same("SQL", ours, three.by_sql())
    same("CLIPS", ours, three.by_clips())
    say(f"Finding {ours.total():,} clocks in three ways")
    took = best(three.findings)
    return {"sweep_vs_sql": _beside(took, best(three.by_sql)), "sweep_vs_clips": _beside(took, best(three.by_clips))}


def clocks(findings: Iterable[Finding]) -> Found:
    """How often each (rule, child, stage, due date) is among the findings."""
    return Counter((f.rule, f.child, f.stage, local_day(f.due)) for f in findings if f.due)


def same(peer: str, ours: Found, theirs: Found) -> None:
    """Nothing is compared in speed that does not find the same."""
    if ours != theirs:
        more, less = theirs - ours, ours - theirs
        some = [*more.items()][:3], [*less.items()][:3]
        raise SystemExit(f"{peer} finds {more.total()} clocks more and {less.total()} fewer than alertd: {some}")


def best(work: Callable[[], object]) -> float:
    """Processor seconds of the quickest of some rounds."""
    return min(busy(work) for _ in range(ROUNDS))


def _beside(ours: float, theirs: float) -> dict[str, float | str]:
    return {"ratio": round(ours / theirs, 2), "a": round(ours, 3), "b": round(theirs, 3)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(beside_peers(Path(name), print), indent=1))
