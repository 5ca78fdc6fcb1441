"""``alertd run`` and ``alertd check``: the daemon, and whether it could run."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from alertd import daemon, log
from alertd.bootstrap import (
    House,
    build,
    channel_of,
    checks_of,
    directory_of,
    now_utc,
    place_of,
    rulebook_of,
    wording_of,
)
from alertd.calendars.calendar import calendar_for
from alertd.cases.holding import holding
from alertd.cases.records import Snapshot, local_day
from alertd.cases.sources.readers import read
from alertd.cli.beside import pages_beside
from alertd.cli.notify import test_letter
from alertd.db.engine import check_schema, open_engine, open_to_look
from alertd.engine.evaluate import measurable
from alertd.errors import InputError, did_you_mean
from alertd.following import opened
from alertd.intake.kept import held_together
from alertd.intake.whole import Whole
from alertd.language import LANGUAGES
from alertd.outbox import epoch
from alertd.outbox.deliver import EMAIL
from alertd.people.directory import Directory
from alertd.routing.lint import nhs_number
from alertd.rulebook.model import Rulebook
from alertd.settings import Mailbox, Settings, Watchdog, load
from alertd.settings.web import Oidc
from alertd.watching.systemd import Systemd

ConfigOption = Annotated[Path, typer.Option(help="The settings file.")]


def run(
    config: ConfigOption,
    accept_feed: Annotated[
        bool, typer.Option("--accept-feed", help="Believe the first reading, whatever it has lost since the last.")
    ] = False,
) -> None:
    """Run the daemon until it is told to stop, and the pages beside it where [web] says so."""
    log.configure()
    if sys.stderr is not None:
        faulthandler.enable()  # where systemd ends a daemon that is stuck, its log says where: lines, and no values
    house = build(load(config))
    asyncio.run(_run(house, config, accept_feed=accept_feed))


async def _run(house: House, config: Path, *, accept_feed: bool) -> None:
    pages: list[asyncio.Task[None]] = []

    def end() -> None:
        if pages and not pages[-1].cancelling():
            pages[-1].cancel()

    def serve(house: House) -> None:
        """The pages begin anew with each house: they are a process of their own, and read the settings at its start."""
        end()
        earlier = [task for task in pages if not task.done()]
        pages[:] = earlier
        if (web := house.settings.web) and web.with_daemon:
            pages.append(asyncio.create_task(pages_beside(config, house.log, after=earlier)))

    serve(house)
    systemd = Systemd.of(os.environ, os.getpid())
    try:
        await daemon.run(house, accept_feed=accept_feed, systemd=systemd, reloaded=serve)
    finally:
        end()
        await asyncio.gather(*pages, return_exceptions=True)


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
    loaded: list[Rulebook] = []
    yield "calendar", lambda: calendar_for(settings.authority.nation).describe()
    yield "rules", lambda: _rules(settings, loaded)
    staff: list[Directory] = []
    yield "people", lambda: _people(settings, loaded, staff)
    yield "templates", lambda: _templates(settings)
    yield "database", lambda: _database(settings)
    yield "feed", lambda: _feed(settings, loaded, staff)
    for name in (EMAIL, *settings.channels):
        yield "e-mail" if name == EMAIL else f"channel {name}", partial(_channel, settings, name)
    if mailbox := settings.mailbox:
        yield "mailbox", lambda: _mailbox(mailbox)
    if settings.web and (oidc := settings.web.oidc):
        yield "council accounts", lambda: _accounts(oidc)
    if file := settings.outbox.epoch:
        yield "epoch", lambda: _epoch(settings, file)
    if settings.heartbeat:
        yield "heartbeat", lambda: _heartbeat(settings)
    if watched := settings.watchdog:
        yield "watchdog", lambda: _watchdog(settings, watched)


def _accounts(oidc: Oidc) -> str:
    from alertd.web.signing_in.oidc import tried  # nothing for the other commands to wait for

    return tried(oidc)


def _rules(settings: Settings, loaded: list[Rulebook]) -> str:
    rulebook = rulebook_of(settings)
    loaded.append(rulebook)
    shadow = sum(1 for rule in rulebook.enabled if rule.shadow)
    told = f"; {shadow} in shadow, told to nobody: alertd rules status says why" if shadow else ""
    return f"{len(rulebook.enabled)} of {len(rulebook.rules)} rules enabled{told}"


def _people(settings: Settings, loaded: list[Rulebook], staff: list[Directory]) -> str:
    if not loaded:
        raise InputError("not tried: the rules say which roles there are, and cannot be loaded")
    directory = directory_of(settings, loaded[0])
    staff.append(directory)
    return f"{len(directory.people)} people in {len(directory.teams)} teams"


def _templates(settings: Settings) -> str:
    wording = wording_of(settings)
    return f"{len(wording.templates())} templates, in {' and '.join(LANGUAGES)}"


def _database(settings: Settings) -> str:
    address = settings.database.url
    if address.startswith("sqlite:///"):
        file = Path(address.removeprefix("sqlite:///"))
        if file.is_absolute() and file.parent.is_dir() and not file.exists():
            if not os.access(file.parent, os.W_OK):
                raise InputError("the folder cannot be written to", where=str(file.parent), fix="Let alertd's user in")
            return "not there yet, the first run makes it"
    engine = open_engine(settings.database.url)
    try:
        check_schema(engine)
    finally:
        engine.dispose()
    unnoticed = "" if settings.outbox.epoch else "; without [outbox] epoch nobody notices that it was restored"
    return f"can be opened and is not newer than this program{unnoticed}"


def _feed(settings: Settings, loaded: list[Rulebook], staff: list[Directory]) -> str:
    now = now_utc()
    snapshots = [read(place_of(feed), now) for feed in settings.feed]
    for snapshot in snapshots:
        _references(snapshot.source, [case.child for case in snapshot.cases])
    named = [f"{feed.name}: " if len(settings.feed) > 1 else "" for feed in settings.feed]
    said = [f"{name}{len(snapshot.cases)} children" for name, snapshot in zip(named, snapshots, strict=True)]
    if staff:
        said += _workers(settings, snapshots, staff[0], local_day(now))
    if loaded:
        _, unable = measurable(loaded[0], *held_together([Whole(snapshot) for snapshot in snapshots]))
        lacking = Counter(f.occurrence for f in unable).most_common()
        waiting = ", ".join(f"{what} ({n})" for what, n in lacking)
        wait = f"{len(unable)} rules wait for what it does not hold: {waiting}" if unable else "measures every rule"
        said.append(wait)
    return "; ".join(said)


def _references(where: str, references: Sequence[str]) -> None:
    """Refuse a feed that knows children by their NHS numbers: references stand in mails, pages and logs.

    One number of ten digits in eleven has the check digit by chance.
    """
    theirs = sum(nhs_number(one) for one in references)
    if 2 * theirs > len(references):
        raise InputError(
            f"{theirs} of the {len(references)} references of children are NHS numbers, and references stand in mails",
            where=where,
            fix="Let the feed give the case system's own number of each child",
        )


def _workers(settings: Settings, snapshots: Sequence[Snapshot], directory: Directory, today: date) -> list[str]:
    """How many of the workers who hold children the staff files know, as a list for a sentence.

    Where they know none at all the ids are of another kind, and every mail would go to teams and duty.
    """
    holders = {worker for snapshot in snapshots for case in snapshot.cases if (worker := holding(case, today).worker)}
    known = [worker for worker in holders if worker in directory.people]
    if holders and not known:
        raise InputError(
            f"the staff files know none of the {len(holders)} workers who hold children in the feed",
            where=settings.place("people.people"),
            fix="Their ids must be the feed's own for its professionals",
        )
    return [f"{len(known)} of {len(holders)} workers who hold children are in the staff files"] if holders else []


def _channel(settings: Settings, name: str) -> str:
    outcome = asyncio.run(channel_of(settings, name).check())
    where = f"{EMAIL}.host" if name == EMAIL else f"channels.{name}"
    if outcome.result != "delivered":
        what = outcome.reason.removeprefix("not sent: ").rstrip(".")
        raise InputError(what, where=settings.place(where), fix=f"Check the [{where.removesuffix('.host')}] section")
    return outcome.reason


def _mailbox(settings: Mailbox) -> str:
    with opened(settings):
        return "can be opened"


def _epoch(settings: Settings, file: Path) -> str:
    """Whether the file can be written beside, and whether the database is as far as it says."""
    if (found := epoch.read(file)) is None and not os.access(file.parent, os.W_OK):
        raise InputError("the epoch file cannot be written", where=str(file.parent), fix="Let alertd's user in")
    if found is None:
        return "not there yet, the first message makes it"
    if not os.access(file, os.R_OK) or not os.access(file.parent, os.W_OK):
        raise InputError("the epoch file cannot be replaced", where=str(file.parent), fix="Let alertd's user in")
    engine = open_to_look(settings.database.url)
    try:
        held = epoch.look(engine, file).held
    finally:
        engine.dispose()
    if held:
        fix = "alertd outbox accept-restore says what waits, and lets it go"
        raise InputError(f"nothing is sent: {held}", where=str(file), fix=fix)
    return "the database is as far as the file"


def _heartbeat(settings: Settings) -> str:
    return f"{' and '.join(checks_of(settings))}: can be asked for, and are not now: that would say all is well"


def _watchdog(settings: Settings, watched: Watchdog) -> str:
    where = settings.place("watchdog.channel")
    if watched.channel not in (EMAIL, *settings.channels):
        fix = did_you_mean(watched.channel, settings.channels) or "Name one of the settings"
        raise InputError(f"there is no channel {watched.channel!r}", where=where, fix=fix)
    channel = channel_of(settings, watched.channel)
    try:
        channel.write(test_letter(settings, watched.address))
    except InputError as error:
        raise InputError(error.what, where=settings.place("watchdog.address"), fix=error.fix) from None
    return f"by {watched.channel}; alertd watchdog --now tries the whole road"
