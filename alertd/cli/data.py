"""``alertd data``: what is to be put right in the records of a feed."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table

from alertd.cases.holding import holding
from alertd.cases.records import Snapshot, local_day
from alertd.cli.evaluate import (
    AsOfOption,
    ConfigOption,
    NationOption,
    RulesOption,
    SetOption,
    SourceOption,
    WindowOption,
    choose_rulebook,
)
from alertd.cli.output import progress_bar
from alertd.cli.report import OutOption, Report, ReportFormat, WorkersOption, check_out, reading, say, write
from alertd.cli.sources import parse_as_of, parse_window
from alertd.engine.evaluate import measurable
from alertd.engine.sweep import each
from alertd.errors import InputError, did_you_mean
from alertd.insight.check import SEVERITIES
from alertd.insight.data_quality import (
    COLUMNS,
    TITLES,
    Item,
    by_team_and_kind,
    feed_of,
    in_order,
    items_of,
    items_of_rejects,
)
from alertd.insight.data_quality_page import data_quality_page

data_app = typer.Typer(help="What is to be put right in the data.", no_args_is_help=True)


class Form(StrEnum):
    """How the list is written."""

    table = "table"
    csv = "csv"
    jsonl = "jsonl"
    html = "html"


_REPORT: dict[Form, ReportFormat] = {
    Form.table: ReportFormat.table,
    Form.csv: ReportFormat.csv,
    Form.jsonl: ReportFormat.json,
    Form.html: ReportFormat.html,
}


@data_app.callback()
def _group() -> None:
    """Without this Typer would make a single command the group itself."""


@data_app.command("check")
def check(
    source: SourceOption,
    as_of: AsOfOption = None,
    window: WindowOption = None,
    team: Annotated[list[str] | None, typer.Option(help="Only children of this team. Repeatable.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind of item, or severity. Repeatable.")] = None,
    format_: Annotated[Form, typer.Option("--format", help="table, csv, jsonl (a line each) or html.")] = Form.table,
    out: OutOption = None,
    set_: SetOption = None,
    rules: RulesOption = None,
    nation: NationOption = "england-and-wales",
    config: ConfigOption = None,
    workers: WorkersOption = None,
) -> None:
    """List what is impossible, conflicting, missing or unreadable in a feed, by team and kind.

    Each item names the record, what is asked, and the rules that cannot be judged until it is put
    right. Exit code 0: nothing was found; 1: something was, and it is listed.
    """
    check_out(out)
    _check_kinds(kind or ())
    instant = parse_as_of(as_of)
    rulebook = choose_rulebook(rules, set_, nation, config)
    found: list[Item] = []
    failed: dict[str, str] = {}
    with progress_bar() as bar:
        snapshot = reading(bar, source, instant, parse_window(window))
        _check_teams(team or (), snapshot, local_day(instant))
        task = bar.add_task("Checking records", total=len(snapshot.cases))
        children = each(
            snapshot,
            rulebook,
            items_of,
            instant,
            feed_of(snapshot, local_day(instant)),
            workers=workers,
            progress=lambda n: bar.advance(task, n),
            failed=failed.__setitem__,
        )
        for _, items in children:
            found.extend(items)
    found.extend(items_of_rejects(snapshot.rejects))
    found = in_order(item for item in found if _wanted(item, team, kind))
    accounts = _accounts(snapshot)
    report = Report(
        tables=lambda: [_sums(found), _list(found), _rows(accounts)],
        columns=COLUMNS,
        rows=[_row(item, format_) for item in found],
        page=lambda: data_quality_page(found, accounts, as_of=instant, source=snapshot.source),
        further=accounts,
    )
    write(report, _REPORT[format_], out)
    say(snapshot, rulebook, [f.rule for f in measurable(rulebook, snapshot.holds, snapshot.lacks)[1]], failed)
    children_of = len({item.child for item in found if item.child})
    print(f"{len(snapshot.cases)} children read, {len(found)} items on {children_of} of them", file=sys.stderr)
    if found or failed:
        raise typer.Exit(1)


def _check_kinds(kinds: Collection[str]) -> None:
    known = (*TITLES, *SEVERITIES)
    for kind in kinds:
        if kind not in known:
            fix = did_you_mean(kind, known) or f"Write one of {', '.join(known)}"
            raise InputError(f"--kind {kind!r} is neither a kind of item nor a severity", fix=fix)


def _check_teams(teams: Collection[str], snapshot: Snapshot, today: date) -> None:
    """A team misspelt must not look like a team without faults."""
    if teams:
        known = {holding(case, today).team or "" for case in snapshot.cases}
        for team in teams:
            if team not in known:
                fix = did_you_mean(team, known) or "Write the team's key as the feed has it"
                raise InputError(f"--team {team!r} holds no child's case", fix=fix)


def _wanted(item: Item, teams: Sequence[str] | None, kinds: Sequence[str] | None) -> bool:
    return (not teams or item.team in teams) and (not kinds or item.kind in kinds or item.severity in kinds)


def _accounts(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [
        {
            "table": table,
            "rows": account.rows,
            "used": account.used,
            "aside": dict(account.aside),
            "rejected": account.rejected,
        }
        for table, account in snapshot.accounts.items()
    ]


def _row(item: Item, form: Form) -> dict[str, Any]:
    row = item.as_json()
    return {**row, "blocks": " ".join(item.blocks)} if form is Form.csv else row


def _sums(items: Sequence[Item]) -> Table:
    table = _table("team", "kind", "what it is")
    table.add_column("items", justify="right")
    for (team, kind), n in by_team_and_kind(items).items():
        table.add_row(team or "(none)", kind, TITLES[kind], str(n))
    table.add_row("all", "", "", str(len(items)), style="bold")
    return table


def _list(items: Sequence[Item]) -> Table:
    table = _table("team", "kind", "child", "record", "what is asked", "where", "see also", "blocks")
    for item in items:
        blocks = ", ".join(item.blocks)
        row = (item.kind, item.child, item.record, item.why, item.where, item.other, blocks)
        table.add_row(item.team or "(none)", *row)
    return table


def _rows(accounts: Sequence[dict[str, Any]]) -> Table:
    table = _table("rows of")
    for name in ("rows", "used", "set aside", "not readable"):
        table.add_column(name, justify="right")
    for a in accounts:
        table.add_row(a["table"], *(f"{n:,}" for n in (a["rows"], a["used"], sum(a["aside"].values()), a["rejected"])))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
