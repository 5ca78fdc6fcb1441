"""Findings as a table, JSON lines or CSV. Sorted; one finding each; days in ISO form."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from alertd.cases.records import in_words
from alertd.engine.findings import Finding
from alertd.insight.downloads import plain

COLUMNS = (
    "rule",
    "child",
    "record",
    "occurrence",
    "stage",
    "start",
    "due",
    "met",
    "binding",
    "statutory",
    "local",
    "plan",
    "limit",
    "level",
    "where",
    "basis",
)


class Format(StrEnum):
    """How findings are printed."""

    table = "table"
    jsonl = "jsonl"
    csv = "csv"


def console() -> Console:
    """Standard output, as wide as the terminal; into a file or a pipe nothing is folded or cut.

    Text is printed as it is: what comes from a feed is no markup.
    """
    width = None if sys.stdout.isatty() else 10_000
    return Console(width=width, markup=False, emoji=False, highlight=False)


def progress_bar() -> Progress:
    """A progress bar on standard error, so that what is printed can be piped; none without a terminal."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def write_findings(findings: Sequence[Finding], form: Format) -> None:
    """Print findings to standard output."""
    if form is Format.jsonl:
        for finding in findings:
            print(json.dumps(finding.as_json(), ensure_ascii=False))
    elif form is Format.csv:
        _write_csv(findings)
    else:
        console().print(_table(findings))


def _write_csv(findings: Iterable[Finding]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*COLUMNS, "cannot_tell"])
    for finding in findings:
        row = finding.as_json()
        told = finding.cannot_tell
        cells = [*(row[c] for c in COLUMNS), f"{told.field}: {told.text} ({told.where})" if told else ""]
        writer.writerow([plain(cell) for cell in cells])


def _table(findings: Iterable[Finding]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("rule", "child", "record", "stage", "start", "due", "met", "by", "reason"):
        table.add_column(name, overflow="fold")
    for f in findings:
        told = f"{f.cannot_tell.text} ({f.cannot_tell.where})" if f.cannot_tell else f.where
        table.add_row(
            f.rule,
            f.child,
            f.record,
            f.stage,
            *(in_words(d) if d else "" for d in (f.start, f.due, f.met)),
            f.binding or "",
            told,
        )
    return table
