"""``alertd rules precision``: how often each rule was right, by what people said of its alerts."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.cli.alerts import Config, ListFormat
from alertd.cli.output import console
from alertd.db.engine import open_to_look, reading
from alertd.db.tables import Alert, DeliveryAlert, Handling, Notice
from alertd.insight.precision import ToldAlert, precision
from alertd.settings import load


def show_precision(
    config: Config,
    format_: Annotated[ListFormat, typer.Option("--format", help="table or json.")] = ListFormat.table,
) -> None:
    """Show for each rule what it told, which disputes were upheld, and what was recorded late or withdrawn."""
    engine = open_to_look(load(config).database.url)
    try:
        with Session(reading(engine)) as session:
            found = precision(_told(session))
    finally:
        engine.dispose()
    if format_ is ListFormat.json:
        print(json.dumps([one.as_json() for one in found], ensure_ascii=False, indent=1))
        return
    names = ("rule", "told", "upheld", "rejected", "open", "precision", "recorded late", "withdrawn")
    table = Table(*names, box=None)
    for one in found:
        shares = (one.precision, one.recorded_late_share, one.withdrawn_share)
        figures = (one.told, one.upheld, one.rejected, one.open)
        table.add_row(one.rule, *map(str, figures), *("" if share is None else f"{share:.0%}" for share in shares))
    console().print(table)


def _told(session: Session) -> Iterator[ToldAlert]:
    """Every alert that a message told somebody of, with how its disputes stand."""
    disputes: dict[int, list[str]] = defaultdict(list)
    rows = session.execute(select(Handling.alert_id, Handling.ended_why).where(Handling.kind == "dispute"))
    for alert_id, why in rows:
        if why in (None, "upheld", "rejected"):  # one that was taken back says nothing
            disputes[alert_id].append(why or "open")
    told = select(Notice.alert_id).where(Notice.composed_into.is_not(None)).union(select(DeliveryAlert.alert_id))
    for alert_id, rule, closed_as in session.execute(
        select(Alert.id, Alert.rule, Alert.closed_as).where(Alert.id.in_(told))
    ):
        yield ToldAlert(rule, closed_as, tuple(disputes[alert_id]))
