"""``alertd rules diff``: what changes between two packs or overlays, by how many days, and for which children."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from alertd.cases.records import Snapshot, local_day
from alertd.cli.evaluate import AsOfOption, WindowOption
from alertd.cli.output import console, progress_bar
from alertd.cli.rules import ListFormat
from alertd.cli.sources import parse_as_of, parse_window, read_source
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.engine.sweep import sweep
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.diff import Difference, differences
from alertd.rulebook.model import Rulebook
from alertd.rulebook.shelf import rulebook_of

EXAMPLES: Final = 3
Side = Annotated[str, typer.Argument(help="An installed pack by name, or a pack or overlay: folder or file.")]


Judged = dict[tuple[str, str, str, str], tuple[str, str]]
"""Stage and due date of every clock that still runs, by its identity: rule, child, record, occurrence."""


def diff(
    before: Side,
    after: Side,
    over: Annotated[list[Path] | None, typer.Option(help="What an overlay is laid over; England if left out.")] = None,
    source: Annotated[
        str | None, typer.Option(help="A feed, as ssd:authority.db: also count the children it would affect today.")
    ] = None,
    as_of: AsOfOption = None,
    window: WindowOption = None,
    format_: Annotated[ListFormat, typer.Option("--format", help="table or jsonl.")] = ListFormat.table,
) -> None:
    """Compare two packs or overlays, rule by rule. Exit code 0, whether they differ or not."""
    instant = parse_as_of(as_of)
    (whole_before, own_before), (whole_after, own_after) = (_side(s, over or []) for s in (before, after))
    found = differences(own_before, own_after, local_day(instant))
    effects: dict[str, list[str]] | None = None
    if source:
        effects = _affected_in(source, window, instant, whole_before, whole_after)
        known = {difference.rule for difference in found}
        found += [Difference(rule, "", "affected") for rule in effects if rule not in known]
    if format_ is ListFormat.jsonl:
        for row in _rows(found, effects):
            print(json.dumps(row, ensure_ascii=False))
    else:
        _print(found, effects)


def _affected_in(
    source: str, window: str | None, instant: datetime, before: Rulebook, after: Rulebook
) -> dict[str, list[str]]:
    """Evaluate a feed by both rulebooks."""
    with progress_bar() as bar:
        task = bar.add_task("Reading the feed", total=None)
        snapshot = read_source(
            source, instant, parse_window(window), lambda what, n: bar.update(task, description=what, completed=n)
        )
        bar.update(task, description="Evaluating both", total=2 * len(snapshot.cases), completed=0)
        was, now = (_judged(snapshot, book, instant, lambda n: bar.advance(task, n)) for book in (before, after))
    return affected(was, now, after.replaced)


def _side(text: str, over: Sequence[Path]) -> tuple[Rulebook, Rulebook]:
    path = Path(text)
    return rulebook_of(path if path.exists() or "/" in text or "." in text else builtin_pack(text), over)


def _judged(snapshot: Snapshot, book: Rulebook, instant: datetime, progress: Callable[[int], None]) -> Judged:
    result = sweep(snapshot, book, instant, keep=_open, progress=progress)
    return {f.identity: (f.stage, str(f.due or "")) for f in result.findings}


def _open(finding: Finding) -> bool:
    return finding.child != WHOLE_FEED[0] and finding.stage not in ("met", "met_late", "ended")


def affected(before: Judged, after: Judged, replaced: Mapping[str, str]) -> dict[str, list[str]]:
    """The children whose stage or due date differs, by rule as it was named before."""
    was_named = {new: old for old, new in replaced.items()}
    now: Judged = {(was_named.get(clock[0], clock[0]), *clock[1:]): value for clock, value in after.items()}
    children: dict[str, set[str]] = {}
    for clock in before.keys() | now.keys():
        if before.get(clock) != now.get(clock):
            children.setdefault(clock[0], set()).add(clock[1])
    return {rule: sorted(found) for rule, found in sorted(children.items())}


def _rows(found: Iterable[Difference], effects: Mapping[str, list[str]] | None) -> Iterable[dict[str, object]]:
    for difference in found:
        row = difference.as_json()
        if effects is not None:
            children = effects.get(difference.rule, [])
            row |= {"children": len(children), "examples": children[:EXAMPLES]}
        yield row


def _print(found: Sequence[Difference], effects: Mapping[str, list[str]] | None) -> None:
    table = Table(box=None, header_style="bold")
    for name in (
        "rule",
        "change",
        "key",
        "before",
        "after",
        "days",
        *(("children", "such as") if effects is not None else ()),
    ):
        table.add_column(name, overflow="fold")
    for difference in found:
        counted = []
        if effects is not None:
            children = effects.get(difference.rule, [])
            counted = [str(len(children)), ", ".join(children[:EXAMPLES])]
        what = f"{difference.what}: {difference.instead}" if difference.instead else difference.what
        head = [difference.rule, what]
        days = _span(difference.days)
        for change in difference.keys or (None,):
            cells = [change.key, change.before or "", change.after or ""] if change else ["", "", ""]
            table.add_row(*head, *cells, days, *counted)
            head, days, counted = ["", ""], "", [""] * len(counted)
    console().print(table)
    print(f"{len(found)} rules differ" if found else "no rule differs")


def _span(days: tuple[float, float] | None) -> str:
    if days is None:
        return ""
    first, last = (f"{d:+g}" for d in days)
    return first if first == last else f"{first} to {last}"
