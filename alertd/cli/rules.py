"""``alertd rules``: what the packs hold, whether their cases hold, and what is wrong with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from alertd.bootstrap import now_utc
from alertd.cases.records import local_day
from alertd.cli.output import console, progress_bar
from alertd.errors import InputError
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.describe import clock_in_words, nation_of
from alertd.rulebook.lint import Problem, lint, shows_firing
from alertd.rulebook.model import Rule
from alertd.rulebook.packs import TEST_SUFFIX
from alertd.rulebook.shelf import Shelf, shelves
from alertd.rulebook.testing import Outcome, Runner

rules_app = typer.Typer(
    help="List, compare, write, test and lint rule packs; adopt them.", no_args_is_help=True, rich_markup_mode=None
)

MoreRules = Annotated[
    list[Path] | None, typer.Option("--rules", help="A pack or overlay to add, folder or file. Repeatable.")
]
PackPaths = Annotated[
    list[Path] | None,
    typer.Argument(help="Packs and overlays, folders or files; the England and Wales packs if left out."),
]


class ListFormat(StrEnum):
    """How rules are listed."""

    table = "table"
    jsonl = "jsonl"


@rules_app.command("list")
def list_rules(
    format_: Annotated[ListFormat, typer.Option("--format", help="table or jsonl.")] = ListFormat.table,
    rules: MoreRules = None,
) -> None:
    """List every rule, sorted by id; rules of Wales beside those of England they stand in for."""
    found = [(rule, shelf) for shelf in _shelves(None, rules) for rule in shelf.rules]
    found.sort(key=lambda pair: pair[0].id)
    if format_ is ListFormat.table:
        console().print(_table([rule for rule, _ in found]))
        return
    today = local_day(now_utc())
    for rule, shelf in found:
        print(json.dumps(_as_json(rule, shelf, today), ensure_ascii=False))


@rules_app.command("test")
def run_tests(paths: PackPaths = None, rules: MoreRules = None) -> None:
    """Run the test cases of packs and overlays; exit code 1 when one does not hold."""
    found = [(Runner(shelf.rulebook), case) for shelf in _shelves(paths, rules) for case in shelf.cases]
    if not found:
        named = ", ".join(map(str, (*(paths or ()), *(rules or ()))))
        raise InputError(f"there is no test case ({TEST_SUFFIX}) beside these packs", where=named)
    failed: list[Outcome] = []
    with progress_bar() as bar:
        task = bar.add_task("Testing rules", total=len(found))
        for runner, case in found:
            outcome = runner.run(case)
            if not outcome.passed:
                failed.append(outcome)
            bar.advance(task)
    for outcome in failed:
        print(f"{outcome.case.place}: {outcome.case.rule}: {outcome.case.name}")
        for line in outcome.differences:
            print(f"    {line}")
    print(f"{len(found)} cases, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@rules_app.command("lint")
def lint_packs(paths: PackPaths = None, rules: MoreRules = None) -> None:
    """Look for what loading cannot refuse; exit code 1 when there is a problem in a pack.

    What each authority still has to decide is said as a note and is no problem.
    """
    on_shelves, today = _shelves(paths, rules), local_day(now_utc())
    found = [problem for shelf in on_shelves for problem in _lint(shelf, today)]
    for problem in found:
        note = "note: " if problem.for_authority else ""
        print(f"{problem.place}: {problem.rule}: {note}{problem.text}")
    mend = [p for p in found if not p.for_authority]
    rules_seen = sum(len(shelf.rules) for shelf in on_shelves)
    print(f"{rules_seen} rules, {len(mend)} problems", file=sys.stderr)
    if mend:
        raise typer.Exit(1)


def _lint(shelf: Shelf, today: date) -> list[Problem]:
    """The problems of what the shelf holds or changes."""
    own = {rule.id for rule in shelf.rules} | shelf.changed
    return [p for p in lint(shelf.rulebook, shelf.every_case, today) if p.rule in own]


def _shelves(paths: Sequence[Path] | None, more: Sequence[Path] | None) -> list[Shelf]:
    """What is named, or else the built-in packs."""
    chosen = list(paths) if paths else [builtin_pack("england"), builtin_pack("wales")]
    return shelves([*chosen, *(more or ())])


def _as_json(rule: Rule, shelf: Shelf, today: date) -> dict[str, object]:
    own = [case for case in shelf.cases if case.rule == rule.id]
    return {
        "id": rule.id,
        "title": rule.title,
        "kind": rule.kind,
        "nation": nation_of(rule),
        "pack": rule.pack,
        "edition": rule.edition,
        "cite": rule.law.cite,
        "confidence": rule.law.confidence,
        "clock": clock_in_words(rule, shelf.rulebook, today),
        "tells": [list(step.tell) for step in shelf.rulebook.ladders[rule.escalate].steps],
        "needs": sorted(rule.needs),
        "enabled": rule.enabled,
        "disabled_because": rule.disabled_because,
        "shadow": rule.shadow,
        "owner": rule.owner,
        "review_by": rule.review_by.isoformat() if rule.review_by else None,
        "replaces": rule.replaces,
        "difference": rule.difference,
        "tests": rule.tests,
        "fires": any(shows_firing(rule, case) for case in own),
        "silent": any(case.stays_silent for case in own),
    }


def _table(rules: Sequence[Rule]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("id", "enabled", "tests", "conf.", "title", "source"):
        table.add_column(name, no_wrap=name not in ("title", "source"))
    for rule in rules:
        enabled = "yes" if rule.enabled else "no"
        table.add_row(rule.id, enabled, str(rule.tests), rule.law.confidence, rule.title, rule.law.cite)
    return table
