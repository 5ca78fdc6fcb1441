"""``alertd sources probe``: what a place holds, and which rules can be measured from it."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from alertd.cases.records import Snapshot
from alertd.cases.sources.readers import Place
from alertd.cases.sources.recognise import recognise
from alertd.cli.demo import example_config
from alertd.cli.evaluate import AsOfOption, NationOption, SetOption, choose_rulebook
from alertd.cli.output import console, progress_bar
from alertd.cli.sources import parse_as_of
from alertd.engine.sweep import sweep
from alertd.errors import InputError
from alertd.insight.reach import EXTENTS, Reach, reaches


class ProbeFormat(StrEnum):
    """How the answer is printed."""

    table = "table"
    json = "json"


def probe(
    place: Annotated[str, typer.Argument(metavar="URL|PATH", help="A database address, a file or a folder.")],
    out: Annotated[Path | None, typer.Option(help="Also begin a settings file there.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Each rule, not only how many.")] = False,
    format_: Annotated[ProbeFormat, typer.Option("--format", help="table or json.")] = ProbeFormat.table,
    as_of: AsOfOption = None,
    set_: SetOption = None,
    nation: NationOption = "england-and-wales",
) -> None:
    """Recognise what is there, read it once, and say which rules can be measured from it and which cannot.

    Nothing is changed and nothing is kept but the settings file that is asked for.
    """
    if out and out.exists():
        raise InputError("is there already", where=str(out), fix="Give the name of a new file")
    instant = parse_as_of(as_of)
    rulebook = choose_rulebook(None, set_, nation)
    with progress_bar() as bar:
        task = bar.add_task("Reading", total=None)
        found, snapshot = recognise(
            place, instant, lambda what, n: bar.update(task, description=f"Reading {what}", completed=n)
        )
        bar.remove_task(task)
        task = bar.add_task("Evaluating children", total=len(snapshot.cases))
        swept = sweep(snapshot, rulebook, instant, progress=lambda n: bar.advance(task, n))
    each = reaches(rulebook, snapshot, swept.findings)
    if format_ is ProbeFormat.json:
        print(json.dumps(_as_json(found, snapshot, each), ensure_ascii=False, indent=2))
    else:
        _print(found, snapshot, each, everything=everything)
    if out:
        _begin_settings(out, found)
        print(f"{out} is begun: look through it, then alertd check --config {out}", file=sys.stderr)


def _print(place: Place, snapshot: Snapshot, each: list[Reach], *, everything: bool) -> None:
    screen = console()
    window = snapshot.window
    screen.print(f"{snapshot.source}: read as {place.kind}, {len(snapshot.cases):,} children")
    screen.print(f"speaks for {window.start or 'any day'} to {window.end or 'now'}")
    rows = Table(box=None, header_style="bold")
    for name in ("table or file", "rows", "used", "set aside", "rejected"):
        rows.add_column(name, justify="left" if name.startswith("table") else "right")
    for table, account in snapshot.accounts.items():
        figures = (account.rows, account.used, account.aside.total(), account.rejected)
        rows.add_row(table, *(f"{n:,}" for n in figures))
    screen.print(rows)
    for note in snapshot.notes:
        screen.print(f"note: {note}")
    counted = Counter(reach.extent for reach in each)
    screen.print("\nrules: " + ", ".join(f"{counted[extent]} {_IN_WORDS[extent]}" for extent in EXTENTS))
    if everything:
        rules = Table("rule", "measurable", "why not, or not wholly", box=None, header_style="bold")
        for reach in each:
            rules.add_row(reach.rule.id, "yes" if reach.extent == "measurable" else reach.extent, reach.why)
        screen.print(rules)
    else:
        for why, n in Counter(reach.why for reach in each if reach.extent == "no").most_common(10):
            screen.print(f"  {n} not: {why}")
        screen.print("  --all names them all")


_IN_WORDS = {"measurable": "measurable", "partly": "partly", "no": "not"}


def _as_json(place: Place, snapshot: Snapshot, each: list[Reach]) -> dict[str, Any]:
    return {
        "kind": place.kind,
        "source": snapshot.source,
        "schema": place.schema,
        "prefix": place.prefix if place.kind == "ssd" else None,
        "children": len(snapshot.cases),
        "window": [str(day) if day else None for day in (snapshot.window.start, snapshot.window.end)],
        "as_at": str(snapshot.as_at) if snapshot.as_at else None,
        "rows": {
            table: {"rows": a.rows, "used": a.used, "set_aside": dict(a.aside), "rejected": a.rejected}
            for table, a in snapshot.accounts.items()
        },
        "notes": list(snapshot.notes),
        "rules": [{"id": r.rule.id, "measurable": r.extent, "why": r.why} for r in each],
    }


def _begin_settings(out: Path, place: Place) -> None:
    """The example's settings with this feed in it. A password stays out of the file."""
    example = example_config()
    lines = ["[feed]", f'kind = "{place.kind}"', f"url = {json.dumps(_without_password(place.url))}"]
    if place.kind == "ssd":
        lines += [f"schema = {json.dumps(place.schema)}"] if place.schema else []
        lines.append(f"prefix = {json.dumps(place.prefix)}")
    if "***" in lines[2]:
        lines.append("# the password: put the whole address into ALERTD_FEED__URL in the environment")
    text = re.sub(r"(?ms)^\[feed\][^\n]*\n.*?(?=^\[)", lambda _: "\n".join(lines) + "\n\n", example, count=1)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(out)) from None


def _without_password(url: str) -> str:
    if "://" not in url:
        return str(Path(url).absolute())
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)
