"""``alertd backup`` and ``alertd restore``: a copy of what alertd keeps, and back from it."""

from __future__ import annotations

import getpass
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

import typer
from sqlalchemy.engine import make_url

from alertd.bootstrap import now_utc, packs_of
from alertd.cases.records import in_words
from alertd.cli.output import progress_bar
from alertd.db.engine import check_schema, open_engine
from alertd.errors import InputError
from alertd.keeping import backup as backups
from alertd.keeping import restore as restoring
from alertd.keeping.restore import Wanted
from alertd.rulebook.packs import pack_files
from alertd.settings import Settings, load

Config = Annotated[Path, typer.Option(help="The settings file.")]

MOST: Final = 20
"""Messages that are listed one by one."""

SHOWN_AFTER: Final = 2.0
"""Seconds after which one wants to see how far it is."""


def backup(
    config: Config,
    to: Annotated[Path | None, typer.Option(help="The folder it goes to; [backup] folder if left out.")] = None,
    keep: Annotated[int | None, typer.Option(min=1, help="How many are kept; [backup] keep if left out.")] = None,
) -> None:
    """Copy the database while the daemon runs, restore the copy to see that it can be, and keep the latest.

    Exit code 1 where no backup could be made, or where it is a true copy of a database that is not as it should be:
    then no older one is removed.
    """
    settings = load(config)
    file = _sqlite_file(settings)
    if file is not None and not file.exists():
        raise InputError("nothing has been kept here yet", where=str(file), fix="alertd run makes the database")
    engine = open_engine(settings.database.url)
    try:
        check_schema(engine)
        with _shown("Copying") as progress:
            made = backups.backup(
                engine,
                to or settings.backup.folder,
                now_utc(),
                keep=keep or settings.backup.keep,
                files=_files(settings),
                progress=progress,
            )
    except InputError as error:
        print(f"alertd: no backup was made, and none was removed: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    finally:
        engine.dispose()
    rows = sum(made.manifest.rows.values())
    print(f"{made.file}: {made.manifest.bytes} bytes, {rows} rows; {made.manifest.verified}")
    for old in made.removed:
        print(f"removed {old}")
    if made.wrong:
        print(f"alertd: {made.wrong}. No older backup was removed", file=sys.stderr)
        raise typer.Exit(1)


def restore(
    file: Annotated[Path, typer.Argument(help="The backup, with its manifest beside it.")],
    config: Config,
    replace: Annotated[
        bool, typer.Option("--replace", help="Though something is there: it is kept under another name.")
    ] = False,
    as_: Annotated[str | None, typer.Option("--as", help="Who does it; your login name if left out.")] = None,
) -> None:
    """Put a backup in the place of the database, while no daemon runs. Nothing is sent until somebody answers.

    That is: until alertd outbox accept-restore was told what becomes of what waits.
    """
    settings = load(config)
    outside = settings.outbox.epoch
    if outside is None:
        fix = "Name a file outside the database, on another disk: it holds what would be sent again"
        what = "a restored database would send again what it sent since its backup"
        raise InputError(what, where=settings.place("outbox.epoch"), fix=fix)
    by = as_ or getpass.getuser()
    wanted = Wanted(file, settings.database.url, outside, by, now_utc(), lambda: str(uuid4()), replace=replace)
    done = restoring.restore(wanted)
    print(f"Restored {file}, made {in_words(done.manifest.made)}: {sum(done.manifest.rows.values())} rows.")
    if done.aside:
        print(f"What was there is kept as {done.aside}; remove it when you are sure.")
    print(f"{len(done.waiting)} messages wait in it, and may have been sent since:")
    for one in done.waiting[:MOST]:
        print(f"  {one.id} to {one.person} by {one.channel}, made {in_words(one.made)}")
    if len(done.waiting) > MOST:
        print(f"  and {len(done.waiting) - MOST} more: alertd outbox list --state due --limit {len(done.waiting)}")
    print("Nothing is sent until alertd outbox accept-restore is told what becomes of them.")


def _files(settings: Settings) -> list[Path]:
    """The settings and all files of rules: what a restored database has to be read with."""
    own = [settings.file] if settings.file else []
    adopted = [settings.rules.adopted] if settings.rules.adopted and settings.rules.adopted.exists() else []
    return [*own, *pack_files(packs_of(settings)), *settings.rules.overlays, *adopted]


def _sqlite_file(settings: Settings) -> Path | None:
    """The file of a SQLite database; None on PostgreSQL."""
    address = make_url(settings.database.url)
    return Path(str(address.database)) if address.get_backend_name() == "sqlite" else None


@contextmanager
def _shown(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for what takes longer than one likes to wait in the dark; of pg_dump only that it goes on."""
    bar = progress_bar()
    task = bar.add_task(what, total=None)
    later = threading.Timer(SHOWN_AFTER, bar.start)
    later.start()
    try:
        yield lambda done, total: bar.update(task, completed=done, total=total)
    finally:
        later.cancel()
        later.join()  # or it might begin after it was stopped
        bar.stop()
