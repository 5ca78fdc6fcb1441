"""``alertd calendar``: addresses at which a calendar program follows what is due."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.cases.records import local_day
from alertd.cli.desk import Desk, desk
from alertd.cli.output import console
from alertd.cli.subscriptions import As, Config, address
from alertd.db.engine import reading
from alertd.db.links import new_link, revoke_links
from alertd.db.tables import Link
from alertd.errors import InputError, did_you_mean
from alertd.routing.words import day_words
from alertd.subscriptions import feeds

calendar_app = typer.Typer(
    no_args_is_help=True, help="Calendar feeds of what is due: make, show and revoke their addresses."
)

TeamOption = Annotated[str | None, typer.Option(help="The calendar of this team, for who answers for it.")]


@calendar_app.command("link")
def link(config: Config, person: As, team: TeamOption = None) -> None:
    """Make the address of a calendar and print it, this once. An earlier one of the same calendar stops."""
    with desk(config) as at:
        address(at.settings, "")  # before anything is kept
        subject = _subject(person, team, at)
        with Session(at.engine) as session, session.begin():
            calendar, why = feeds.shown(session, subject, at.directory, local_day(at.now))
            if calendar is None:
                raise InputError(why, fix="A calendar is for staff; a team's for its managers and those above")
            before = revoke_links(session, feeds.PURPOSE, subject, at.now)
            secret = new_link(session, feeds.PURPOSE, subject, at.now)
        print(address(at.settings, secret))
        print("Whoever has this address sees the calendar. It is not kept and cannot be shown again.")
        if before:
            print("The address given out before no longer works.")


@calendar_app.command("revoke")
def revoke(config: Config, person: As, team: TeamOption = None) -> None:
    """Stop a calendar's address. Who follows it sees it no more at the next look."""
    with desk(config) as at, Session(at.engine) as session, session.begin():
        ended = revoke_links(session, feeds.PURPOSE, _subject(person, team, at, known=False), at.now)
        if not ended:
            raise InputError("no such address is in force", fix="alertd calendar list shows them")
        print("The address no longer works.")


@calendar_app.command("list")
def show(config: Config) -> None:
    """The calendars with an address in force, and whether each still answers. No address is shown."""
    with desk(config) as at, Session(reading(at.engine)) as session:
        found: list[tuple[str, datetime]] = [
            (subject, made)
            for subject, made in session.execute(
                select(Link.subject, Link.at)
                .where(Link.purpose == feeds.PURPOSE, Link.revoked_at.is_(None))
                .order_by(Link.id)
            )
        ]
        table = Table("calendar", "since", "now", box=None)
        today = local_day(at.now)
        for subject, made in found:
            _, why = feeds.shown(session, subject, at.directory, today)
            table.add_row(subject, day_words(local_day(made), today), f"does not answer: {why}" if why else "answers")
        console().print(table if found else "No calendar has an address.")


def _subject(person: str, team: str | None, at: Desk, *, known: bool = True) -> str:
    for what, name, names in (("person", person, at.directory.people), ("team", team, at.directory.teams)):
        if known and name is not None and name not in names:
            raise InputError(f"there is no {what} {name!r}", fix=did_you_mean(name, names) or "See the staff files")
    return feeds.of_team(team, person) if team else feeds.of_person(person)
