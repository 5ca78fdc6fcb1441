"""How fast children are evaluated: by two workers beside one, and on a cluster of two beside a pool of two.

    python -m tests.bench.workers [--children 20000]

The children are those of a made-up authority as they are kept in a database, several times over under different
numbers, and judged by all of England's rules that are enabled, as if the feed held every kind of record. The clock
starts at the first answer, so that starting workers does not count, and stops at the last.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from alertd import synth
from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Snapshot, Window
from alertd.cases.sources.readers import Place, opened
from alertd.cli.sources import parse_as_of
from alertd.db.engine import open_engine, upgrade
from alertd.engine.cluster import Cluster
from alertd.engine.look import look
from alertd.engine.sweep import Pools, Processes, each
from alertd.intake.kept import KeptCases, Named
from alertd.intake.packed import PackedCase
from alertd.intake.store import standing
from alertd.intake.sync import take_in
from alertd.looking import PATIENCE
from alertd.rulebook.builtin import england
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook
from tests.bench.figures import AS_OF, Figures
from tests.support.cluster import dask_processes

AUTHORITY: Final = 2500
"""Children in need in the year of the made-up authority; it has some 4,000 with those before."""


class Many(Sequence[CaseFile]):
    """The kept cases several times over, each time under other numbers."""

    def __init__(self, kept: KeptCases, children: int) -> None:
        self._kept, self._children = kept, children

    def __len__(self) -> int:
        return self._children

    def __getitem__(self, at: int | slice) -> CaseFile | list[CaseFile]:  # type: ignore[override]
        some = self.packed(at if isinstance(at, slice) else slice(at, at + 1))
        return [case.opened() for case in some] if isinstance(at, slice) else some[0].opened()

    def packed(self, at: slice) -> list[PackedCase]:
        """As they are kept."""
        found: list[PackedCase] = []
        first, last, _ = at.indices(self._children)
        while first < last:
            copy, begin = divmod(first, len(self._kept))
            some = self._kept.packed(slice(begin, begin + last - first))
            found += [replace(case, child=f"{copy}-{case.child}") for case in some]
            first += len(some)
        return found


def kept_authority(folder: Path, children: int) -> Snapshot:
    """So many children as they are kept, of a feed that is said to hold every kind of record."""
    feed = folder / "authority.db"
    synth.make(feed, la="350", children=AUTHORITY, seed=1, as_of=AS_OF)
    as_of = parse_as_of(str(AS_OF))
    engine = open_engine(f"sqlite:///{folder / 'alertd.db'}")
    upgrade(engine)
    with opened(Place(kind="ssd", url=str(feed)), as_of) as reading:
        take_in(engine, "ssd", reading, as_of, max_loss=1)
    with Session(engine) as session:
        found = standing(session, "ssd")
    assert found
    cases = Many(KeptCases(engine, [(Named("ssd"), found)]), children)
    return Snapshot("ssd", cases, frozenset(KINDS), Window(), {})


def speed(pools: Pools, snapshot: Snapshot, book: Rulebook) -> float:
    """Children a second, from the first answer to the last."""
    failed: dict[str, str] = {}
    swept = each(
        snapshot, book, look, parse_as_of(str(AS_OF)), (), pools=pools, patience=PATIENCE, failed=failed.__setitem__
    )
    next(swept)
    began = time.perf_counter()
    answered = sum(1 for _ in swept)
    assert not failed and answered == len(snapshot.cases) - 1
    return answered / (time.perf_counter() - began)


def working(children: int = 20_000) -> Figures:
    """The speeds beside each other."""
    book = load_rulebook([england()], settings={"cp.visit.interval": "10 working days"})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        snapshot = kept_authority(folder, children)
        one, two = speed(Processes(1), snapshot, book), speed(Processes(2), snapshot, book)
        with dask_processes(folder, 2) as dask:
            cluster = speed(Cluster(dask.address), snapshot, book)
    said = (
        f"{children:,} children: {one:.0f} a second by one worker, {two:.0f} by two, {cluster:.0f} by a cluster's two"
    )
    print(f"  {said}", file=sys.stderr)
    return {
        "two_workers_vs_one": _beside(two, one, children),
        "dask_vs_pool": _beside(cluster, two, children),
    }


def _beside(a: float, b: float, children: int) -> dict[str, float]:
    return {"ratio": round(a / b, 3), "a": round(a, 1), "b": round(b, 1), "children": children}


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--children", type=int, default=20_000)
    print(json.dumps(working(asked.parse_args().children)))
