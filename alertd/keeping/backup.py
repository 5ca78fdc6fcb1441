"""Making a backup: copied while the daemon runs, restored to see that it can be, and only then given its name."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from alertd import __version__
from alertd.errors import InputError
from alertd.keeping import postgres_copy, sqlite_copy
from alertd.keeping.contents import Audit, Contents
from alertd.keeping.files import PART, discard, draft, settle, sha256_of
from alertd.keeping.manifest import ENDINGS, SUFFIX, Kind, Manifest, beside, write
from alertd.keeping.sqlite_copy import Progress

BEGINS: Final = "alertd-"
RESTORED: Final = "restored into a scratch database, and its rows and audit gone through"
LISTED: Final = "listed only: this user may not make a scratch database"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup, and those before it that were removed. ``wrong`` is what is the matter with what it is a true copy
    of: then nothing older is removed."""

    file: Path
    manifest: Manifest
    removed: tuple[Path, ...] = ()
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class _Copied:
    """A copy that was found to be whole."""

    contents: Contents
    audit: Audit | None
    verified: str


def backup(
    engine: Engine, folder: Path, now: datetime, *, keep: int, files: Iterable[Path], progress: Progress
) -> Made:
    """Make one into a folder. Raises InputError, and leaves all that is there, where it fails or is not whole."""
    with _alone_in(folder):
        kind: Kind = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
        name = folder / f"{BEGINS}{now.astimezone(UTC):%Y%m%dT%H%M%SZ}{ENDINGS[kind]}"
        if name.exists():
            raise InputError("a backup of this second is there", where=str(name), fix="Try again")
        with _told_plainly(folder), ExitStack() as unfinished:
            part = draft(folder)
            unfinished.callback(discard, part)
            unfinished.callback(discard, name)
            copied = _copied(engine, part, now, progress)
            manifest = Manifest(
                made=now,
                alertd=__version__,
                kind=kind,
                schema=copied.contents.schema,
                rows=copied.contents.rows,
                audit=copied.audit.as_json() if copied.audit else {},
                bytes=part.stat().st_size,
                sha256=sha256_of(part),
                verified=copied.verified,
                files={str(file): sha256_of(file) for file in files},
            )
            settle(part, name)
            write(manifest, name)
            unfinished.pop_all()
        if copied.audit and copied.audit.broken:
            return Made(name, manifest, wrong=f"the audit in the database is not whole: {copied.audit.broken}")
        return Made(name, manifest, tuple(_remove_all_but(folder, keep, kind)))


@contextmanager
def _told_plainly(folder: Path) -> Iterator[None]:
    """What disks and databases say, as an InputError that somebody can act on."""
    try:
        yield
    except (OSError, sqlite3.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        said = (cause.strerror if isinstance(cause, OSError) else next(iter(str(cause).splitlines()), "")) or cause
        fix = "See that the disk is not full, and that alertd's user may read the database and write there"
        raise InputError(f"the backup cannot be made: {said}", where=str(folder), fix=fix) from error


def made_before(folder: Path) -> list[Path]:
    """The finished backups in a folder, the latest first."""
    names = (one.with_name(one.name.removesuffix(SUFFIX)) for one in folder.glob(f"{BEGINS}*{SUFFIX}"))
    return sorted((one for one in names if one.suffix in ENDINGS.values() and one.exists()), reverse=True)


def _copied(engine: Engine, part: Path, now: datetime, progress: Progress) -> _Copied:
    if engine.dialect.name == "sqlite":
        there = sqlite_copy.copy(engine, part, progress)
        found, audit = sqlite_copy.look_over(part)
    else:
        there = postgres_copy.copy(engine, part)
        scratch = f"alertd_verify_{now.astimezone(UTC):%Y%m%d_%H%M%S}_{os.getpid()}"
        looked = postgres_copy.look_over(engine, part, scratch)
        if looked is None:
            return _Copied(there, None, LISTED)
        found, audit = looked
    if lacks := there.unlike(found):
        raise InputError(f"the copy is not the database: {lacks}", where=str(part.parent))
    return _Copied(there, audit, RESTORED)


def _remove_all_but(folder: Path, keep: int, kind: Kind) -> Iterable[Path]:
    """Remove the oldest, manifest first, so that none without its file is ever taken for one."""
    for old in [one for one in made_before(folder) if one.suffix == ENDINGS[kind]][keep:]:
        beside(old).unlink()
        old.unlink()
        yield old


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """One backup at a time in a folder; what one that was killed has left is cleared away."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        fix = "Let alertd's user write there, or name another with --to"
        raise InputError(f"the folder cannot be used: {error.strerror}", where=str(folder), fix=fix) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in folder.glob(f"{PART}*"):
            left.unlink()
        yield
    except BlockingIOError:
        raise InputError("another backup is being made there", where=str(folder), fix="Wait until it is done") from None
    finally:
        os.close(handle)
