"""``alertd sources sync`` and ``alertd sources changes``: take the feeds in once, and what that brought."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.orm import Session

from alertd.bootstrap import now_utc
from alertd.cases.records import LONDON, in_words
from alertd.cli.output import Format, console
from alertd.cli.sources import parse_as_of
from alertd.db.engine import open_engine, open_to_look, reading, upgrade
from alertd.evaluation import read_in
from alertd.insight.downloads import plain
from alertd.intake.changes import Change, changes
from alertd.intake.sync import Taken
from alertd.settings import Feed, load

ConfigOption = Annotated[Path, typer.Option(help="The settings file.")]


def sync(
    config: ConfigOption,
    accept_feed: Annotated[bool, typer.Option("--accept-feed", help="Whatever is gone is meant to be gone.")] = False,
) -> None:
    """Read every feed once and keep what changed; evaluate nothing and tell nobody.

    Exit code 1 where a feed was refused: the reading before it stays in force.
    """
    settings = load(config)
    engine = open_engine(settings.database.url)
    upgrade(engine)
    refused = 0
    for feed in settings.feed:
        began = time.monotonic()
        with _Rows(feed) as rows:
            taken = read_in(engine, feed, now_utc(), accept=accept_feed, on_read=rows.read, on_children=rows.children)
        refused += bool(taken.refused)
        print(_in_a_line(taken, time.monotonic() - began))
    engine.dispose()
    raise typer.Exit(1 if refused else 0)


class _Rows:
    """The progress of one feed on standard error: rows by table, all rows, rows a second, children done."""

    def __init__(self, feed: Feed) -> None:
        self._by_table: dict[str, int] = {}
        self._children = 0
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._name = feed.name
        self._began = time.monotonic()

    def __enter__(self) -> _Rows:
        self._bar.start()
        self._task = self._bar.add_task(f"Reading {self._name}")
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def read(self, what: str, n: int) -> None:
        """So many rows of a table or file have been read."""
        self._by_table[what] = n
        self._show()

    def children(self, n: int) -> None:
        """So many more children are done."""
        self._children += n
        self._show()

    def _show(self) -> None:
        rows = sum(self._by_table.values())
        speed = rows / max(time.monotonic() - self._began, 0.001)
        said = f"Reading {self._name}: {rows:,} rows, {speed:,.0f} a second; {self._children:,} children"
        self._bar.update(self._task, description=said)


def _in_a_line(taken: Taken, seconds: float) -> str:
    if taken.refused:
        return f"{taken.feed}: refused: {taken.refused}"
    if taken.overtaken:
        return f"{taken.feed}: another alertd has taken it in meanwhile, and that reading stands"
    rows = sum(taken.counts.values())
    speed = f"{rows:,} rows in {seconds:.1f} s, {rows / max(seconds, 0.001):,.0f} a second"
    what = f"{taken.first_seen:,} first seen, {taken.changed:,} changed, {taken.vanished:,} vanished"
    unread = f"; {len(taken.unread):,} could not be read and stay as they were" if taken.unread else ""
    return f"{taken.feed}: {taken.children:,} children: {what}{unread}; {speed}"


def show_changes(
    config: ConfigOption,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="After that day; a week if left out.")] = None,
    child: Annotated[str | None, typer.Option(metavar="REF", help="Only this child's.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="table, jsonl or csv.")] = Format.table,
) -> None:
    """What the readings brought, record by record: first seen, changed, vanished.

    Vanished says that the row is gone from the feed, not that a need was met.
    """
    settings = load(config)
    after = parse_as_of(since, "--since") if since else now_utc() - timedelta(weeks=1)
    engine = open_to_look(settings.database.url)
    with Session(reading(engine)) as session:
        rows = ((feed.name, one) for feed in settings.feed for one in changes(session, feed.name, after, child))
        _print(rows, format_)
    engine.dispose()


_COLUMNS = ("read", "feed", "child", "record", "how", "fields", "where")


def _print(rows: Iterable[tuple[str, Change]], form: Format) -> None:
    if form is Format.jsonl:
        for feed, one in rows:
            print(json.dumps({"feed": feed, **asdict(one), "at": one.at.isoformat()}, ensure_ascii=False))
    elif form is Format.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows([plain(cell) for cell in cells] for cells in _cells(rows))
    else:
        table = Table(*_COLUMNS, box=None, header_style="bold")
        for cells in _cells(rows):
            table.add_row(*cells)
        console().print(table)


def _cells(rows: Iterable[tuple[str, Change]]) -> Iterator[tuple[str, ...]]:
    for feed, one in rows:
        at: datetime = one.at.astimezone(LONDON)
        yield in_words(at), feed, one.child, one.record, one.how, " ".join(one.fields), one.where
