"""``make bench``: each figure beside its limit or a peer, measured in one run on this machine.

    python -m tests.bench.run [--only sweep,idle]

The last line is one JSON object; each value holds the ratio and what it was made of, or why there is none. Groups run
one after another, the longest last. One that fails loses nobody else's figures: it is said, and the exit code is 1.
Figures are for reading, so none of them fails for being large.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from alertd import synth
from alertd.cases.kinds import KINDS
from alertd.cases.records import Snapshot
from alertd.cases.sources import ssd
from alertd.cli.sources import parse_as_of
from alertd.engine.evaluate import Evaluator, measurable
from alertd.engine.sweep import sweep
from alertd.rulebook.builtin import england, wales
from alertd.rulebook.lint import lint
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rulebook
from alertd.rulebook.shelf import shelves
from tests.bench.figures import AS_OF, Figures, against, timed

SAMPLE = Path(__file__).parents[3] / "shared" / "samples" / "ssda903-csc-validator"

Say = Callable[[str], None]
Group = Callable[[Path, Say], Figures]
"""Measures something, in an empty folder of its own; says what it is doing."""


def command(*words: str) -> tuple[float, float]:
    """Wall seconds and peak memory in MB (the largest process) of one `alertd` command."""
    seconds = timed(lambda: subprocess.run([sys.executable, "-m", "alertd", *words], check=True, capture_output=True))
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def evaluating(folder: Path, _: Say) -> Figures:
    """Whole commands against their limits, and the engine against a plain-Python evaluator."""
    from tests.reference.evaluator import reference

    database = folder / "authority.db"
    made = timed(lambda: synth.make(database, la="350", children=4000, seed=1, as_of=AS_OF))
    found: Figures = {"synth_4000_seconds": {"value": round(made, 2)}}
    if SAMPLE.is_dir():
        seconds, memory = command(
            "evaluate", "--source", f"ssda903:{SAMPLE}", "--as-of", "2018-03-31", "--format", "jsonl"
        )
        found["evaluate_903_seconds_vs_10"] = against(10, seconds)
        found["evaluate_903_mb_vs_300"] = against(300, memory)
    seconds, _mb = command("evaluate", "--source", f"ssd:{database}", "--as-of", str(AS_OF), "--format", "jsonl")
    found["evaluate_ssd_4000_seconds_vs_20"] = against(20, seconds)
    as_of = parse_as_of(str(AS_OF))
    snapshot = ssd.read(str(database), as_of=as_of)
    book = load_rulebook([england()], settings={"cp.visit.interval": "10 working days"})
    found["whole_rulebook_4000_seconds_vs_40"] = against(40, timed(lambda: whole(snapshot, book, as_of)))
    rulebook, _unable = measurable(book, snapshot.holds, snapshot.lacks)
    evaluator, cases = Evaluator.of(rulebook), snapshot.cases[:1000]
    engine = timed(lambda: [evaluator.evaluate(case, as_of) for case in cases])
    plain = timed(lambda: [reference(case, rulebook, as_of) for case in cases])
    found["engine_vs_plain_python_1000_children"] = {"ratio": round(engine / plain, 3), "a": engine, "b": plain}
    return found


def whole(snapshot: Snapshot, book: Rulebook, as_of: datetime) -> None:
    """Every rule of England, the disabled ones too, as if the feed held every kind of record."""
    every = book.model_copy(update={"rules": tuple(r.model_copy(update={"enabled": True}) for r in book.rules)})
    sweep(replace(snapshot, holds=frozenset(KINDS), lacks=frozenset()), every, as_of)


def load_and_lint() -> None:
    """Every pack of both nations with its cases."""
    for shelf in shelves([england(), wales()]):
        lint(shelf.rulebook, shelf.every_case, AS_OF)


def rules(_folder: Path, _: Say) -> Figures:
    """The rule packs of both nations: loading and linting them, and running their cases. The command
    takes longer than what it does, because it first imports the whole program."""
    return {
        "rules_load_and_lint_seconds_vs_1.5": against(1.5, timed(load_and_lint)),
        "rules_lint_command_seconds": {"value": round(command("rules", "lint")[0], 2)},
        "rules_test_seconds_vs_20": against(20, command("rules", "test")[0]),
    }


def of(module: str, name: str) -> Group:
    """The group of another module, which is imported only when it is its turn: it may need what is not installed."""

    def group(folder: Path, say: Say) -> Figures:
        found: Figures = getattr(import_module(f"tests.bench.{module}"), name)(folder, say)
        return found

    return group


def alone(module: str, name: str, *args: object) -> Group:
    """The group of a function that makes its own folder, and says nothing."""

    def group(_folder: Path, _say: Say) -> Figures:
        found: Figures = getattr(import_module(f"tests.bench.{module}"), name)(*args)
        return found

    return group


GROUPS: Mapping[str, tuple[str, Group]] = {
    "evaluate": ("Evaluating", evaluating),
    "rules": ("Loading, linting and testing rules", rules),
    "sweep": ("Finding the same as SQL and CLIPS", of("peers", "beside_peers")),
    "idle": ("Watching a daemon that has nothing to do", of("living", "idling")),
    "accept": ("Changing the feed of a daemon", of("changing", "changing")),
    "workers": ("Evaluating with one worker, two, and a cluster", alone("workers", "working")),
    "dispatch": ("Sending", of("dispatch", "dispatching")),
    "pages": ("Asking for pages", alone("pages", "paging")),
    "tick": ("Ticks in a small authority and a large one", of("tick", "ticking")),
    "sync": ("Taking in 2.5 million rows (some ten minutes)", alone("sync", "taking_in", 78_000)),
}
"""By name: what is said of each, and how it is measured."""


def chosen(text: str) -> list[str]:
    """The groups named, in their order here."""
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in GROUPS]:
        raise SystemExit(f"there is no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    return [name for name in GROUPS if name in names]


def measured(name: str, console: Console) -> Figures:
    """The figures of one group."""
    title, group = GROUPS[name]
    with tempfile.TemporaryDirectory() as folder, console.status(title) as status:
        console.print(f"{datetime.now().strftime('%H:%M:%S')}  {name}: {title}")
        return group(Path(folder), lambda what: status.update(f"{title}: {what}"))


def shown(figures: Figures) -> Table:
    """For people."""
    table = Table("figure", "ratio", "a", "b", box=None)
    for key, value in figures.items():
        figure = {"a": value["value"]} if "value" in value else value
        if "missing" in figure:
            table.add_row(key, str(figure["missing"]))
        else:
            table.add_row(key, *(f"{figure[c]:.2f}" if c in figure else "" for c in ("ratio", "a", "b")))
    return table


def main() -> int:
    """Measure what is asked for and print it."""
    asked = argparse.ArgumentParser(description="Figures, as ratios within one run.")
    asked.add_argument("--only", type=chosen, default=list(GROUPS), help=f"Some of: {', '.join(GROUPS)}.")
    names, console = asked.parse_args().only, Console(stderr=True)
    figures: Figures = {}
    failed = []
    for name in names:
        try:
            figures |= measured(name, console)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - one group's fault; it is said, and the others go on
            failed.append(name)
            console.print(f"{name} failed: {error}", markup=False)
            traceback.print_exc()
    console.print(shown(figures))
    if failed:
        console.print(f"No figures of: {', '.join(failed)}. Why is said above.")
    print(json.dumps(figures))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
