"""``alertd run`` and ``alertd check``: the daemon, and whether it could run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from alertd import daemon, log
from alertd.bootstrap import build, directory_of, email_of, now_utc, read_feed, rulebook_of
from alertd.calendars.calendar import calendar_for
from alertd.db.engine import check_schema, open_engine
from alertd.engine.evaluate import measurable
from alertd.errors import InputError
from alertd.settings import Settings, load

ConfigOption = Annotated[Path, typer.Option(help="The settings file.")]


def run(config: ConfigOption) -> None:
    """Run the daemon until it is told to stop."""
    log.configure()
    house = build(load(config))
    asyncio.run(daemon.run(house))


def check(config: ConfigOption) -> None:
    """Check the settings and try each connection; sends and evaluates nothing. Exit code 2 when something fails."""
    settings = load(config)
    failed = 0
    for what, try_it in _checks(settings):
        try:
            print(f"ok    {what}: {try_it()}")
        except InputError as error:
            failed += 1
            print(f"FAIL  {what}: {error}", file=sys.stderr)
    if failed:
        raise typer.Exit(2)


def _checks(settings: Settings) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "calendar", lambda: calendar_for(settings.authority.nation).describe()
    yield "rules", lambda: _rules(settings)
    yield "people", lambda: _people(settings)
    yield "database", lambda: _database(settings)
    yield "feed", lambda: _feed(settings)
    yield "e-mail", lambda: _email(settings)


def _rules(settings: Settings) -> str:
    rulebook = rulebook_of(settings)
    return f"{len(rulebook.enabled)} of {len(rulebook.rules)} rules enabled"


def _people(settings: Settings) -> str:
    directory = directory_of(settings, rulebook_of(settings))
    return f"{len(directory.people)} people in {len(directory.teams)} teams"


def _database(settings: Settings) -> str:
    engine = open_engine(settings.database.url)
    try:
        check_schema(engine)
    finally:
        engine.dispose()
    return "can be opened and is not newer than this program"


def _feed(settings: Settings) -> str:
    snapshot = read_feed(settings.feed, now_utc())
    _, unable = measurable(rulebook_of(settings), snapshot.holds)
    cannot = ", ".join(f"{f.rule} ({f.occurrence})" for f in unable)
    return f"{len(snapshot.cases)} children; cannot be measured from it: {cannot or 'nothing'}"


def _email(settings: Settings) -> str:
    notifier = email_of(settings)
    return asyncio.run(_connect(notifier))


async def _connect(notifier: object) -> str:
    check_connection = getattr(notifier, "check", None)
    if check_connection is None:
        return "the settings are whole"
    await check_connection()
    return "the relay answers, with the security asked for"
