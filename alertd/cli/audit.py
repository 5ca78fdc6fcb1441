"""``alertd audit``: who looked at which child, and whether anybody changed what is kept of it."""

from __future__ import annotations

import json
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.audit.chain import verify as verify_chain
from alertd.cases.records import in_words
from alertd.cli.desk import desk
from alertd.cli.output import console
from alertd.db.access_tables import AuditEntry
from alertd.db.engine import reading

audit_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Who looked at which child, when and by what right."
)

Config = Annotated[Path, typer.Option(help="The settings file.")]


class AuditFormat(StrEnum):
    """How entries are printed."""

    table = "table"
    json = "json"


@audit_app.command("verify")
def verify(
    config: Config,
    kept: Annotated[str, typer.Option(help="A digest that was printed before and kept elsewhere.")] = "",
) -> None:
    """Go through the chain: nothing in it was changed, dropped or slipped in. Exit code 1 where something was.

    Keep the digest that is printed outside alertd's database; given back with --kept it also shows that the end of
    the chain was not cut off.
    """
    with desk(config) as here, Session(reading(here.engine)) as session:
        found = verify_chain(session, kept)
    if found.broken:
        print(f"The audit is not whole: {found.broken}. {found.entries} entries before it stand as they were written.")
        raise typer.Exit(1)
    print(f"{found.entries} entries stand as they were written. The digest of the last:")
    print(found.last)


@audit_app.command("list")
def list_entries(
    config: Config,
    child: Annotated[str, typer.Option(help="Only of this child; lists that showed it too.")] = "",
    by: Annotated[str, typer.Option(help="Only what this person did.")] = "",
    what: Annotated[str, typer.Option(help="Only this, as 'broke the glass'.")] = "",
    last: Annotated[int, typer.Option(min=1, help="How many, the latest.")] = 50,
    format_: Annotated[AuditFormat, typer.Option("--format", help="table or json.")] = AuditFormat.table,
) -> None:
    """List who did what, the latest last. What people gave as a reason is shown, and may hold personal data."""
    with desk(config) as here, Session(reading(here.engine)) as session:
        wanted = select(AuditEntry).order_by(AuditEntry.id.desc())
        for column, given in ((AuditEntry.by, by), (AuditEntry.what, what)):
            if given:
                wanted = wanted.where(column == given)
        if not child:
            found = list(session.scalars(wanted.limit(last)))
        else:
            every = session.scalars(wanted)
            showed = (row for row in every if row.child == child or child in row.detail.get("children", ()))
            found = list(islice(showed, last))
            every.close()
    found.reverse()
    if format_ is AuditFormat.json:
        shown = ("id", "by", "what", "child", "why", "detail")
        rows = [{"at": row.at.isoformat(), **{name: getattr(row, name) for name in shown}} for row in found]
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table("when", "who", "what", "child", "by what right", box=None)
    for row in found:
        children = row.child or f"{len(row.detail.get('children', ()))} children" * ("children" in row.detail)
        table.add_row(in_words(row.at), row.by, row.what, children, row.why)
    console().print(table)
