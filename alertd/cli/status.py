"""``alertd status``: how an installation stands, and what waits for whom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from alertd.bootstrap import build
from alertd.cases.records import in_words
from alertd.cli.output import console
from alertd.db.engine import open_to_look
from alertd.settings import load
from alertd.status import Status
from alertd.status import status as status_of


def status(
    config: Annotated[Path, typer.Option(help="The settings file.")],
    format_: Annotated[str, typer.Option("--format", help="text, or json.")] = "text",
) -> None:
    """Show how everything stands and what waits for whom. Exit code 1 where anything waits."""
    settings = load(config)
    open_to_look(settings.database.url).dispose()  # never bring a running daemon's database up from here
    house = build(settings)
    try:
        found = status_of(house)
    finally:
        house.engine.dispose()
    if format_ == "json":
        print(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    else:
        _show(found)
    raise typer.Exit(1 if found.waits else 0)


def _show(found: Status) -> None:
    out = console()
    out.print(f"As of {in_words(found.at)}")
    for feed in found.feeds:
        out.print(feed)
    for name, numbers in (
        ("alerts open", found.alerts),
        ("told to nobody", found.muted),
        ("people said", found.handled),
        ("messages", found.deliveries),
        ("to agencies", found.notifications),
        ("what came back", found.answers),
    ):
        shown = ", ".join(f"{what.replace('_', ' ')} {n}" for what, n in numbers.items() if n)
        out.print(f"{name}: {shown or 'none'}")
    out.print(f"nobody to tell but duty: {found.nobody_to_tell}")
    for channel in found.channels:
        out.print(f"channel {channel}")
    work = ", ".join(f"{what} {in_words(at) if at else 'never'}" for what, at in found.at_work.items())
    out.print(f"last {work}")
    out.print(f"daemon: {found.leader}")
    out.print(f"watchdog: {found.watchdog}")
    out.print(f"restored: {found.epoch}")
    if not found.waits:
        out.print("Nothing waits for anybody.")
        return
    table = Table("what waits", "for whom", "what to do", title="\nWaits for somebody", title_justify="left", box=None)
    for one in found.waits:
        table.add_row(one.what, one.who, one.do)
    out.print(table)
