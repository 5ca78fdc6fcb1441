"""``alertd rules``: what the packs hold, whether their cases hold, and what is wrong with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
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
from alertd.rulebook.lint import lint
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.model import Rule
from alertd.rulebook.packs import TEST_SUFFIX, cases_file, pack_files
from alertd.rulebook.testing import Case, Outcome, Runner, read_cases

rules_app = typer.Typer(help="List, test and lint rule packs.", no_args_is_help=True, rich_markup_mode=None)

MoreRules = Annotated[list[Path] | None, typer.Option("--rules", help="A pack to add, folder or file. Repeatable.")]
PackPaths = Annotated[list[Path] | None, typer.Argument(help="Packs, folders or files; the England packs if left out.")]


class ListFormat(StrEnum):
    """How rules are listed."""

    table = "table"
    jsonl = "jsonl"


@rules_app.command("list")
def list_rules(
    format_: Annotated[ListFormat, typer.Option("--format", help="table or jsonl.")] = ListFormat.table,
    rules: MoreRules = None,
) -> None:
    """List every rule, sorted by id."""
    found = sorted(load_rulebook(_packs(None, rules)).rules, key=lambda r: r.id)
    if format_ is ListFormat.jsonl:
        for rule in found:
            print(json.dumps(_as_json(rule), ensure_ascii=False))
    else:
        console().print(_table(found))


@rules_app.command("test")
def run_tests(paths: PackPaths = None, rules: MoreRules = None) -> None:
    """Run the test cases of packs; exit code 1 when one does not hold.

    Cases of a rule that another pack's rule stands in for are left out.
    """
    packs = _packs(paths, rules)
    rulebook = load_rulebook(packs)
    runner, cases = Runner(rulebook), [case for case in _cases(packs) if case.rule not in rulebook.replaced]
    if not cases:
        raise InputError(f"there is no test case ({TEST_SUFFIX}) beside these packs", where=", ".join(map(str, packs)))
    failed: list[Outcome] = []
    with progress_bar() as bar:
        task = bar.add_task("Testing rules", total=len(cases))
        for case in cases:
            outcome = runner.run(case)
            if not outcome.passed:
                failed.append(outcome)
            bar.advance(task)
    for outcome in failed:
        print(f"{outcome.case.place}: {outcome.case.rule}: {outcome.case.name}")
        for line in outcome.differences:
            print(f"    {line}")
    print(f"{len(cases)} cases, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@rules_app.command("lint")
def lint_packs(paths: PackPaths = None, rules: MoreRules = None) -> None:
    """Look for what loading cannot refuse; exit code 1 when there is a problem in a pack.

    What each authority still has to decide is said as a note and is no problem.
    """
    packs = _packs(paths, rules)
    rulebook = load_rulebook(packs)
    found = lint(rulebook, _cases(packs), local_day(now_utc()))
    for problem in found:
        note = "note: " if problem.for_authority else ""
        print(f"{problem.place}: {problem.rule}: {note}{problem.text}")
    mend = [p for p in found if not p.for_authority]
    print(f"{len(rulebook.rules)} rules, {len(mend)} problems", file=sys.stderr)
    if mend:
        raise typer.Exit(1)


def _packs(paths: Sequence[Path] | None, more: Sequence[Path] | None) -> list[Path]:
    """The packs named, or the built-in ones; a test file stands for the rule file beside it."""
    chosen = list(paths) if paths else [builtin_pack("england")]
    return [_rule_file(path) for path in (*chosen, *(more or ()))]


def _rule_file(path: Path) -> Path:
    name = path.name
    return path.with_name(name.removesuffix(TEST_SUFFIX) + ".yaml") if name.endswith(TEST_SUFFIX) else path


def _cases(packs: Sequence[Path]) -> list[Case]:
    files = (cases_file(path) for path in pack_files(packs))
    return [case for file in files if file.exists() for case in read_cases(file)]


def _as_json(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "title": rule.title,
        "kind": rule.kind,
        "pack": rule.pack,
        "cite": rule.law.cite,
        "confidence": rule.law.confidence,
        "enabled": rule.enabled,
        "tests": rule.tests,
    }


def _table(rules: Sequence[Rule]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("id", "enabled", "tests", "conf.", "title", "source"):
        table.add_column(name, no_wrap=name not in ("title", "source"))
    for rule in rules:
        enabled = "yes" if rule.enabled else "no"
        table.add_row(rule.id, enabled, str(rule.tests), rule.law.confidence, rule.title, rule.law.cite)
    return table
