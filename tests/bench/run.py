"""``make bench``: each figure beside its limit or a peer, measured in one run on this machine.

The last line is one JSON object; each value holds the ratio and what it was made of. Nothing here
fails: figures are for reading.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import datetime
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
from tests.bench.dispatch import dispatching
from tests.bench.figures import AS_OF, Figures, against, timed
from tests.bench.pages import paging
from tests.bench.sync import taking_in
from tests.reference.evaluator import reference

SAMPLE = Path(__file__).parents[3] / "shared" / "samples" / "ssda903-csc-validator"


def command(*words: str) -> tuple[float, float]:
    """Wall seconds and peak memory in MB (the largest process) of one `alertd` command."""
    seconds = timed(lambda: subprocess.run([sys.executable, "-m", "alertd", *words], check=True, capture_output=True))
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def evaluating(database: Path) -> Figures:
    """Whole commands against their limits, and the engine against a plain-Python evaluator."""
    found: Figures = {}
    if SAMPLE.is_dir():
        seconds, memory = command(
            "evaluate", "--source", f"ssda903:{SAMPLE}", "--as-of", "2018-03-31", "--format", "jsonl"
        )
        found["evaluate_903_seconds_vs_10"] = against(10, seconds)
        found["evaluate_903_mb_vs_300"] = against(300, memory)
    seconds, _ = command("evaluate", "--source", f"ssd:{database}", "--as-of", str(AS_OF), "--format", "jsonl")
    found["evaluate_ssd_4000_seconds_vs_20"] = against(20, seconds)
    as_of = parse_as_of(str(AS_OF))
    snapshot = ssd.read(str(database), as_of=as_of)
    book = load_rulebook([england()], settings={"cp.visit.interval": "10 working days"})
    found["whole_rulebook_4000_seconds_vs_40"] = against(40, timed(lambda: whole(snapshot, book, as_of)))
    rulebook, _ = measurable(book, snapshot.holds, snapshot.lacks)
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


def rules() -> Figures:
    """The rule packs of both nations: loading and linting them, and running their cases. The command
    takes longer than what it does, because it first imports the whole program."""
    return {
        "rules_load_and_lint_seconds_vs_1.5": against(1.5, timed(load_and_lint)),
        "rules_lint_command_seconds": {"value": round(command("rules", "lint")[0], 2)},
        "rules_test_seconds_vs_20": against(20, command("rules", "test")[0]),
    }


def main() -> None:
    """Measure everything and print it."""
    console = Console()
    with tempfile.TemporaryDirectory() as name, console.status("Making an authority of 4,000 children") as status:
        folder = Path(name)
        database = folder / "authority.db"
        made = timed(lambda: synth.make(database, la="350", children=4000, seed=1, as_of=AS_OF))
        status.update("Evaluating")
        figures: Figures = {"synth_4000_seconds": {"value": round(made, 2)}, **evaluating(database)}
        status.update("Loading, linting and testing rules")
        figures |= rules()
        status.update("Sending")
        figures |= dispatching(folder, status.update)
        status.update("Asking for pages")
        figures |= paging()
        status.update("Taking in 2.5 million rows (some ten minutes)")
        figures |= taking_in(78_000)
    table = Table("figure", "ratio", "a", "b", box=None)
    for key, value in figures.items():
        figure = {"a": value["value"]} if "value" in value else value
        table.add_row(key, *(f"{figure[c]:.2f}" if c in figure else "" for c in ("ratio", "a", "b")))
    console.print(table)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
