"""``alertd forecast``: what falls due in the coming weeks, by team and worker."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from typing import Annotated

import typer
from rich.table import Table

from alertd.cases.records import local_day
from alertd.cli.evaluate import (
    AsOfOption,
    ConfigOption,
    KnownOption,
    NationOption,
    RulesOption,
    SetOption,
    SourceOption,
    WindowOption,
    choose_rulebook,
)
from alertd.cli.output import progress_bar
from alertd.cli.report import (
    A_FEW,
    FormatOption,
    OutOption,
    Report,
    ReportFormat,
    WorkersOption,
    check_out,
    reading,
    say,
    write,
)
from alertd.cli.sources import parse_as_of, parse_known_on, parse_window
from alertd.engine.evaluate import measurable
from alertd.engine.sweep import each
from alertd.insight.forecast import COLUMNS, Coming, ahead_of, by_week, weeks_from
from alertd.insight.page import forecast_page, titles_of


def forecast(
    source: SourceOption,
    as_of: AsOfOption = None,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="How many weeks, this week being the first.")] = 8,
    window: WindowOption = None,
    as_known_on: KnownOption = None,
    format_: FormatOption = ReportFormat.table,
    out: OutOption = None,
    set_: SetOption = None,
    rules: RulesOption = None,
    nation: NationOption = "england-and-wales",
    config: ConfigOption = None,
    workers: WorkersOption = None,
) -> None:
    """Show what falls due in the coming weeks, by team, worker and week, if nothing new is recorded.

    Each child counts for whoever has the case now. What is overdue already is left to `evaluate`. CSV
    and JSON have a line for each clock.
    """
    check_out(out)
    instant = parse_as_of(as_of)
    mondays = weeks_from(local_day(instant), weeks)
    rulebook = choose_rulebook(rules, set_, nation, config)
    found: list[Coming] = []
    failed: dict[str, str] = {}
    untold = 0
    with progress_bar() as bar:
        snapshot = reading(bar, source, instant, parse_window(window), parse_known_on(as_known_on))
        task = bar.add_task("Looking ahead", total=len(snapshot.cases))
        children = each(
            snapshot,
            rulebook,
            ahead_of,
            instant,
            mondays,
            workers=workers,
            batch=A_FEW,
            progress=lambda n: bar.advance(task, n),
            failed=failed.__setitem__,
        )
        for _, ahead in children:
            found.extend(ahead.coming)
            untold += ahead.untold
    found.sort()
    report = Report(
        tables=lambda: [_table(found, mondays)],
        columns=COLUMNS,
        rows=[item.as_json() for item in found],
        page=lambda: forecast_page(
            found, mondays, titles_of(rulebook), as_of=instant, source=snapshot.source, untold=untold
        ),
    )
    write(report, format_, out)
    say(snapshot, rulebook, [f.rule for f in measurable(rulebook, snapshot.holds, snapshot.lacks)[1]], failed)
    print(f"{len(snapshot.cases)} children, {len(found)} clocks fall due, {untold} have no date", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


def _table(items: Sequence[Coming], mondays: Sequence[date]) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("team")
    table.add_column("worker")
    for monday in mondays:
        table.add_column(f"{monday.day} {monday:%b}", justify="right")
    table.add_column("all", justify="right")
    rows = by_week(items, lambda item: (item.team, item.worker))
    for (team, worker), counts in rows.items():
        table.add_row(team or "(none)", worker or "(none)", *(str(counts[m]) for m in mondays), str(counts.total()))
    sums = [sum(counts[monday] for counts in rows.values()) for monday in mondays]
    table.add_row("all", "", *map(str, sums), str(len(items)), style="bold")
    return table
