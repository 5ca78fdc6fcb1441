"""``alertd check``: whether the daemon could run, connection by connection."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import typer
from rich.progress import Progress

from alertd.bootstrap import channel_of, checks_of, now_utc, place_of, rulebook_of, traces_of, wording_of
from alertd.calendars.calendar import calendar_for
from alertd.cases.holding import holding
from alertd.cases.records import Snapshot, local_day
from alertd.cases.sources.readers import read
from alertd.cli import check_reach as reach
from alertd.cli.daemon import ConfigOption
from alertd.cli.notify import test_letter
from alertd.cli.output import progress_bar
from alertd.db.engine import check_schema, open_engine, open_to_look, reading, revision, revisions
from alertd.engine.evaluate import measurable
from alertd.errors import InputError, did_you_mean
from alertd.following import opened
from alertd.intake.kept import held_together
from alertd.intake.whole import Whole
from alertd.language import LANGUAGES
from alertd.outbox import epoch
from alertd.outbox.deliver import EMAIL
from alertd.partners.policy import read_policy
from alertd.people.directory import Directory
from alertd.routing.lint import nhs_number
from alertd.rulebook.model import Rulebook
from alertd.settings import Feed, Mailbox, Settings, Traces, Watchdog, load
from alertd.settings.web import Oidc
from alertd.staffing import directory_of


def check(config: ConfigOption) -> None:
    """Check the settings and try each connection; sends and evaluates nothing. Exit code 2 when something fails."""
    settings = load(config)
    failed = 0
    with progress_bar() as bar:
        for what, try_it in checks(settings, bar):
            task = bar.add_task(f"Trying {what}", total=None)
            try:
                said = try_it()
            except InputError as error:
                failed += 1
                print(f"FAIL  {what}: {error}", file=sys.stderr)
            else:
                print(f"ok    {what}: {said}")
            bar.remove_task(task)
    if failed:
        raise typer.Exit(2)


def checks(settings: Settings, bar: Progress | None = None) -> Iterator[tuple[str, Callable[[], str]]]:
    """What is tried, and how: each says what it found, or raises InputError. ``bar`` shows how far a feed is read."""
    loaded: list[Rulebook] = []
    yield "calendar", lambda: calendar_for(settings.authority.nation).describe()
    yield "rules", lambda: _rules(settings, loaded)
    staff: list[Directory] = []
    yield "people", lambda: _people(settings, loaded, staff)
    if policy := settings.partners.policy:
        yield "partners", lambda: _policy(policy, loaded)
    yield "templates", lambda: _templates(settings)
    yield "database", lambda: _database(settings)
    read_: list[Snapshot] = []
    for feed in settings.feed:
        name = f"feed {feed.name}" if len(settings.feed) > 1 else "feed"
        yield name, partial(_feed, settings, feed, loaded, staff, read_, bar)
    for name in (EMAIL, *settings.channels):
        yield "e-mail" if name == EMAIL else f"channel {name}", partial(_channel, settings, name)
    if mailbox := settings.mailbox:
        yield "mailbox", lambda: _mailbox(mailbox)
    if settings.web and (oidc := settings.web.oidc):
        yield "council accounts", lambda: _accounts(oidc)
    if file := settings.outbox.epoch:
        yield "epoch", lambda: _epoch(settings, file)
    yield "backup", lambda: reach.folder(settings.backup.folder, settings.place("backup.folder"))
    if beat := settings.heartbeat:
        yield "heartbeat", lambda: reach.monitors(checks_of(settings), beat.timeout_seconds)
    if traced := settings.traces:
        yield "traces", partial(_traces, settings, traced)
    if cluster := settings.engine.cluster:
        yield "cluster", partial(reach.scheduler, cluster, settings.place("engine.executor"))
    for section in ("metrics", "web", "receive"):
        if listening := getattr(settings, section):
            yield section, partial(reach.port, listening, settings.place(f"{section}.port"), section)
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
    with settings.placed("database.url"):
        engine = open_engine(settings.database.url)
    try:
        check_schema(engine)
        with reading(engine).connect() as connection:
            at = revision(connection)
    finally:
        engine.dispose()
    newest = revisions()[-1]
    version = f"at version {at}" if at == newest else f"at version {at or 'none'}; alertd run brings it to {newest}"
    unnoticed = "" if settings.outbox.epoch else "; without [outbox] epoch nobody notices that it was restored"
    return f"can be opened, {version}{unnoticed}"


def _policy(file: Path, loaded: list[Rulebook]) -> str:
    if not loaded:
        raise InputError("not tried: it names rules, and they cannot be loaded")
    return f"{len(read_policy(file, loaded[0]).sent)} notifications are sent to agencies"


def _feed(
    settings: Settings,
    feed: Feed,
    loaded: list[Rulebook],
    staff: list[Directory],
    read_: list[Snapshot],
    bar: Progress | None,
) -> str:
    """What one feed holds; with the last of them, what all hold together."""
    now = now_utc()

    def further(what: str, n: int) -> None:
        if bar is not None:
            bar.update(bar.task_ids[-1], description=f"Reading {what}", completed=n)

    snapshot = read(place_of(feed), now, further)
    _references(snapshot.source, [case.child for case in snapshot.cases])
    read_.append(snapshot)
    said = [f"{len(snapshot.cases)} children"]
    if feed is not settings.feed[-1]:
        return said[0]
    if len(read_) < len(settings.feed):
        return f"{said[0]}; what all feeds measure together shows when each can be read"
    if staff:
        said += _workers(settings, read_, staff[0], local_day(now))
    if loaded:
        _, unable = measurable(loaded[0], *held_together([Whole(snapshot) for snapshot in read_]))
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


def _traces(settings: Settings, traced: Traces) -> str:
    traces_of(settings).close()
    return reach.collector(traced.endpoint, traced.timeout_seconds)


def _watchdog(settings: Settings, watched: Watchdog) -> str:
    where = settings.place("watchdog.channel")
    if watched.channel not in (EMAIL, *settings.channels):
        fix = did_you_mean(watched.channel, [EMAIL, *settings.channels]) or "Name one of the settings"
        raise InputError(f"there is no channel {watched.channel!r}", where=where, fix=fix)
    channel = channel_of(settings, watched.channel)
    try:
        channel.write(test_letter(settings, watched.address))
    except InputError as error:
        raise InputError(error.what, where=settings.place("watchdog.address"), fix=error.fix) from None
    return f"by {watched.channel}; alertd watchdog --now tries the whole road"
