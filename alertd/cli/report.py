"""Reports, as a table, CSV, JSON lines or a page: to standard output, or into a file."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from alertd.cases.records import Snapshot, Window
from alertd.cli.output import console
from alertd.cli.sources import read_source
from alertd.errors import InputError
from alertd.insight.downloads import plain
from alertd.rulebook.model import Rulebook


class ReportFormat(StrEnum):
    """How a report is written."""

    table = "table"
    csv = "csv"
    json = "json"
    html = "html"


FormatOption = Annotated[ReportFormat, typer.Option("--format", help="table, csv, json (a line each) or html.")]
OutOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write into this file and print nothing.")]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Worker processes; one a processor if left out.")]

A_FEW = 10
"""Children handed to a worker at a time where each takes long: the bar moves, and nobody waits for the last batch."""


@dataclass(frozen=True, slots=True)
class Report:
    """What each form shows: ``tables`` for people; ``rows`` with the ``columns`` in CSV and, with
    ``further`` lines, as JSON; ``page`` makes the HTML."""

    tables: Callable[[], Sequence[Table]]
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    page: Callable[[], str]
    further: Sequence[Mapping[str, Any]] = ()

    def text(self, form: ReportFormat, out: Console) -> str:
        """The report in one of its forms; the tables are drawn as ``out`` does."""
        if form is ReportFormat.html:
            return self.page()
        if form is ReportFormat.json:
            return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in (*self.rows, *self.further))
        if form is ReportFormat.csv:
            return _csv(self.columns, self.rows)
        with out.capture() as drawn:
            for table in self.tables():
                out.print(table)
        return drawn.get()


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([plain(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def check_out(out: Path | None) -> None:
    """Say before the work begins, and not after it, that its report cannot be written."""
    if out is not None:
        there = out if out.exists() else out.parent
        if out.is_dir() or not out.parent.is_dir() or not os.access(there, os.W_OK):
            raise InputError("cannot be written", where=str(out), fix="Name a file in a folder you may write to")


def write(report: Report, form: ReportFormat, out: Path | None) -> None:
    """Print the report, or write it into the file."""
    if out is None:
        sys.stdout.write(report.text(form, console()))
        return
    text = report.text(form, Console(file=io.StringIO(), width=10_000, markup=False, emoji=False, highlight=False))
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(out)) from None


def reading(
    bar: Progress, source: str, as_of: datetime, window: Window | None, known_on: datetime | None = None
) -> Snapshot:
    """Read the feed, with a bar while it takes."""
    task = bar.add_task("Reading the feed", total=None)
    snapshot = read_source(
        source, as_of, window, lambda what, n: bar.update(task, description=what, completed=n), known_on=known_on
    )
    bar.remove_task(task)
    return snapshot


def say(snapshot: Snapshot, rulebook: Rulebook, unmeasured: Sequence[str], failed: Mapping[str, str]) -> None:
    """What the reader should know beside the report, on standard error."""
    lines = [f"note: {note}" for note in snapshot.notes]
    if snapshot.rejects:
        lines.append(f"left out: {len(snapshot.rejects)} rows; `alertd evaluate` says which")
    if unmeasured:
        lines.append(f"note: this feed cannot measure {len(unmeasured)} of {len(rulebook.enabled)} rules")
    lines += [f"left out: ref {child}: could not be evaluated: {why}" for child, why in sorted(failed.items())]
    for line in lines:
        print(line, file=sys.stderr)
