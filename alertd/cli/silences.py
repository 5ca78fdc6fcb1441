"""``alertd silences``: a planned quiet for an event such as a system migration."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from alertd.alerts import silence_store
from alertd.alerts.silences import Silenced
from alertd.calendars.clock import begin_of, end_of
from alertd.cases.records import in_words
from alertd.cli.alerts import Config, ListFormat
from alertd.cli.desk import desk
from alertd.cli.output import console
from alertd.db.engine import reading

silences_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Be silent about rules and teams for a planned event: add, list and end a silence.",
)

As = Annotated[str, typer.Option("--as", help="Who asks for it: an id of the staff directory.")]
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day of it.")]


@silences_app.command("add")
def add(
    config: Config,
    as_: As,
    team: Annotated[list[str], typer.Option(help="A team; those under it are meant too. Repeatable.")],
    until: Day,
    reason: Annotated[str, typer.Option(help="Which event. It is kept, and goes into no mail.")],
    rule: Annotated[list[str] | None, typer.Option(help="A rule's id; all rules if left out. Repeatable.")] = None,
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day of it; now if left out.")
    ] = None,
) -> None:
    """Tell nobody of these rules and teams until a day is over; what waited is told then. At most 14 days."""
    with desk(config) as here, Session(here.engine) as session, session.begin():
        starts = max(begin_of(from_.date()), here.now) if from_ else here.now
        asked = Silenced(tuple(rule or ()), tuple(team), starts, end_of(until.date()), as_, reason)
        made = silence_store.add(session, asked, here.directory, here.rulebook, here.now)
    print(f"silence {made.id}: from {in_words(made.starts)} until {made.ends_in_words} is over")


@silences_app.command("list")
def list_silences(
    config: Config,
    all_: Annotated[bool, typer.Option("--all", help="Those that have ended too.")] = False,
    format_: Annotated[ListFormat, typer.Option("--format", help="table or json.")] = ListFormat.table,
) -> None:
    """List the silences that stand or are to come, with who asked for them and why."""
    with desk(config) as here, Session(reading(here.engine)) as session:
        found = [one for one in silence_store.every(session) if all_ or one.ends > here.now]
        now = here.now
    if format_ is ListFormat.json:
        rows = [{**asdict(one), "stands": one.stands(now)} for one in found]
        print(json.dumps(rows, ensure_ascii=False, indent=1, default=_text))
        return
    table = Table("id", "stands", "rules", "teams", "from", "until", "by", "why", box=None)
    for one in found:
        until = f"ended {in_words(one.ended_at)}" if one.ended_at else one.ends_in_words
        stands = "yes" if one.stands(now) else "no"
        rules, teams = ", ".join(one.rules) or "all", ", ".join(one.teams)
        table.add_row(str(one.id), stands, rules, teams, in_words(one.starts), until, one.by, one.reason)
    console().print(table)


@silences_app.command("end")
def end(
    silence: Annotated[int, typer.Argument(metavar="ID", help="Its number, as `alertd silences list` has it.")],
    config: Config,
    as_: As,
) -> None:
    """End a silence before its time; the next evaluation tells what waited."""
    with desk(config) as here, Session(here.engine) as session, session.begin():
        silence_store.end(session, silence, as_, here.directory, here.now)
    print(f"silence {silence}: ended; what waited is told after the next evaluation")


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
