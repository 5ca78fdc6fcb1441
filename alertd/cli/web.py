"""``alertd web``: the pages and the API, and the tokens by which programs use it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from alertd import log
from alertd.access import sessions
from alertd.access.viewer import viewer_of
from alertd.audit import chain
from alertd.bootstrap import build
from alertd.cases.records import in_words, local_day
from alertd.cli.desk import desk
from alertd.cli.output import console
from alertd.db.engine import reading
from alertd.errors import InputError, did_you_mean
from alertd.settings import load

web_app = typer.Typer(
    invoke_without_command=True, rich_markup_mode=None, help="Serve the pages and the API; make and end tokens for it."
)

Config = Annotated[Path, typer.Option(help="The settings file.")]
By = Annotated[str, typer.Option(help="Who does it, for the audit; the user of this machine if left out.")]


@web_app.callback()
def web(context: typer.Context, config: Annotated[Path | None, typer.Option(help="The settings file.")] = None) -> None:
    """Serve the pages that people sign in to, those behind links in mails, calendars and the API, at the address in
    [web], until told to stop."""
    if context.invoked_subcommand is not None:
        return
    if config is None:
        raise InputError("Missing option '--config'", fix="See: alertd web --help")
    from alertd.web.app import app  # a web server is nothing for the other commands to wait for
    from alertd.web.serve import listen

    settings = load(config)
    if settings.web is None:
        fix = "Give the url by which people reach it, and host and port"
        raise InputError("there is no section [web]", where=str(config), fix=fix)
    log.configure()
    house = build(settings)
    try:
        listen(app(house), settings.web, "serving", impatient=True, url=settings.web.url)
    finally:
        house.engine.dispose()


@web_app.command("link")
def link(
    person: Annotated[
        str, typer.Argument(metavar="PERSON", help="An id of the staff directory, or agency:AGENCY:CONTACT.")
    ],
    config: Config,
) -> None:
    """Print a link by which somebody signs in, once and within 12 hours: for the day on which mail is down.

    Whoever has it can sign in as them, and the audit says that it was made.
    """
    from alertd.web.signing_in import links

    with desk(config) as here:
        print(links.made_for(here.engine, here.settings.web, here.directory, person, here.now))


@web_app.command("token")
def token(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Whom it stands for: an id of the staff directory.")],
    config: Config,
    by: By = "",
) -> None:
    """Make a token for a program, and print it this once. It sees what the person sees, until it is revoked.

    Give a case system a row of its own in people.csv, with the role that it needs and no more.
    """
    with desk(config) as here, Session(here.engine) as session, session.begin():
        if person not in here.directory.people or viewer_of(person, here.directory, local_day(here.now)) is None:
            fix = did_you_mean(person, here.directory.people) or "Give an id as people.csv has it"
            raise InputError(f"{person} is nobody of the staff directory who is here", fix=fix)
        secret = sessions.begin(session, person, "token", here.now)
        chain.record(session, here.now, by=by or getpass.getuser(), what="made a token", detail={"for": person})
    print(secret)
    typer.echo("It is kept nowhere in alertd, so keep it where the program reads it.", err=True)


@web_app.command("tokens")
def tokens(config: Config) -> None:
    """List the tokens in force: whom each stands for, and when it was last used."""
    with desk(config) as here, Session(reading(here.engine)) as session:
        found = sessions.tokens(session)
        table = Table("id", "stands for", "name", "made", "last used", box=None)
        for one in found:
            viewer = viewer_of(one.subject, here.directory, local_day(here.now))
            name = viewer.name if viewer else "nobody who is here: it lets nobody in"
            used = in_words(one.seen_at) if one.seen_at > one.at else "never"
            table.add_row(str(one.id), one.subject, name, in_words(one.at), used)
    console().print(table if found else "There are no tokens.")


@web_app.command("revoke")
def revoke(
    token_id: Annotated[int, typer.Argument(metavar="ID", help="Its number, as `alertd web tokens` has it.")],
    config: Config,
    by: By = "",
) -> None:
    """End a token at once."""
    with desk(config) as here, Session(here.engine) as session, session.begin():
        subject = sessions.revoke(session, token_id, here.now)
        if subject is None:
            fix = "`alertd web tokens` lists those that are in force"
            raise InputError(f"there is no token {token_id} in force", fix=fix)
        who = by or getpass.getuser()
        chain.record(session, here.now, by=who, what="revoked a token", detail={"for": subject})
    print(f"token {token_id}: revoked; {subject} has it no more")


@web_app.command("sign-out")
def sign_out(
    person: Annotated[
        str, typer.Argument(metavar="PERSON", help="An id of the staff directory, or agency:AGENCY:CONTACT.")
    ],
    config: Config,
    reason: Annotated[str, typer.Option(help="Why, for the audit: a telephone was lost.")],
    by: By = "",
) -> None:
    """End at once all by which somebody is let in: sessions, links to sign in, tokens, and addresses of calendars.

    They may sign in again. Who shall not is taken out of the staff files first.
    """
    from alertd.web.signing_in import out

    if not reason.strip():
        raise InputError("a reason is needed", fix="Say in a few words why: --reason 'a telephone was lost'")
    with desk(config) as here, Session(here.engine) as session, session.begin():
        subjects = out.subjects_of(person, here.directory)
        ended = out.shut_out(session, subjects, by or getpass.getuser(), reason.strip(), here.now)
        known = person in here.directory.people or viewer_of(person, here.directory, local_day(here.now))
        if ended.words == "nothing" and not known:  # and so nothing is kept of it
            fix = did_you_mean(person, here.directory.people) or "Give an id as people.csv has it, or as it had it"
            raise InputError(f"{person} is nobody of the staff directory, and had nothing to end", fix=fix)
    print(f"{person}: ended {ended.words}")
