"""The way back from a backup. What was there is kept under another name, and nothing is sent until somebody answers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from alertd.agenda.entries import forget
from alertd.audit.chain import record
from alertd.db.engine import check_schema, open_engine, reading, upgrade
from alertd.db.tables import Delivery
from alertd.errors import InputError
from alertd.keeping import postgres_copy, sqlite_copy
from alertd.keeping.contents import Contents, contents_of
from alertd.keeping.files import discard, draft, settle, sha256_of
from alertd.keeping.manifest import Manifest, read
from alertd.outbox import epoch
from alertd.outbox.epoch import Epoch


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be restored, where to, and by whom. ``replace``: though something is there."""

    file: Path
    url: str
    epoch: Path
    by: str
    now: datetime
    new_name: Callable[[], str]
    replace: bool = False

    @property
    def stamp(self) -> str:
        """A part of a name, for what was there before."""
        return f"{self.now.astimezone(UTC):%Y%m%dt%H%M%Sz}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits in what was restored, and may have been sent since the backup."""

    id: str
    person: str
    channel: str
    made: datetime


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, how what was there is called now (blank where nothing was), and what waits."""

    manifest: Manifest
    aside: str
    waiting: tuple[Waiting, ...]


def restore(wanted: Wanted) -> Restored:
    """Put a backup in the place of the database. Raises InputError, with all as it was, where that cannot be."""
    manifest = read(wanted.file)
    address = make_url(wanted.url)
    kind = "sqlite" if address.get_backend_name() == "sqlite" else "postgresql"
    if manifest.kind != kind:
        what = f"this is a backup of {manifest.kind}, and the database is {kind}"
        raise InputError(what, where=str(wanted.file), fix="Name a backup of this database")
    _must_be_whole(wanted.file, manifest)
    outside = epoch.read(wanted.epoch)
    _must_be_ours(wanted.epoch)
    if kind == "sqlite":
        return _into_file(wanted, manifest, Path(str(address.database)), outside)
    return _into_postgres(wanted, manifest, outside)


def held_by(inside: Epoch | None, outside: Epoch | None, now: datetime, new_name: Callable[[], str]) -> Epoch:
    """What the epoch file must say so that nothing is sent from what was restored, whatever the file said.

    It may have been lost with the database; and where nothing was sent since the backup, that is for a person to say.
    """
    if outside is not None and epoch.why_held(inside, outside):
        return outside
    at = outside.at if outside else now
    return Epoch(inside.number + 1, inside.name, at) if inside else Epoch(1, new_name(), at)


def _into_file(wanted: Wanted, manifest: Manifest, file: Path, outside: Epoch | None) -> Restored:
    there = file.exists()
    _must_be_empty_or_replaced(wanted, str(file), there=there)
    _must_be_ours(file)
    try:
        with ExitStack() as held:
            if there:
                held.enter_context(sqlite_copy.alone(file))
            part = draft(file.parent)
            held.callback(discard, part)
            shutil.copyfile(wanted.file, part)
            found, _ = sqlite_copy.look_over(part)
            _must_be_as_said(found, manifest, wanted.file)
            aside = file.with_name(f"{file.name}.before-restore-{wanted.stamp}") if there else None
            engine = open_engine(f"sqlite:///{part}")
            try:
                waiting = _brought_up(engine, wanted, manifest, aside.name if aside else "")
                inside = epoch.look(engine, None).inside
            finally:
                engine.dispose()
            epoch.write(wanted.epoch, held_by(inside, outside, wanted.now, wanted.new_name))
            if there:
                sqlite_copy.keep_aside(file, wanted.stamp)
            settle(part, file)
    except OSError as error:
        fix = "See that the disk is not full, and that alertd's user may write there"
        raise InputError(f"nothing was restored: {error.strerror}", where=str(file.parent), fix=fix) from error
    return Restored(manifest, str(aside or ""), waiting)


def _into_postgres(wanted: Wanted, manifest: Manifest, outside: Epoch | None) -> Restored:
    engine = open_engine(wanted.url)
    where = engine.url.render_as_string()
    try:
        if n := postgres_copy.others(engine):
            fix = "Stop alertd run and alertd web, and whoever else uses it"
            raise InputError(f"{n} others are connected to the database", where=where, fix=fix)
        with engine.connect() as connection:
            there = bool(inspect(connection).get_table_names())
        _must_be_empty_or_replaced(wanted, where, there=there)
        with postgres_copy.moved_aside(engine, wanted.stamp) as schema:
            postgres_copy.restore(engine.url, wanted.file)
            with engine.connect() as connection:
                _must_be_as_said(contents_of(connection), manifest, wanted.file)
            aside = f"schema {schema}" if there else ""
            waiting = _brought_up(engine, wanted, manifest, aside)
            inside = epoch.look(engine, None).inside
            epoch.write(wanted.epoch, held_by(inside, outside, wanted.now, wanted.new_name))
        return Restored(manifest, aside, waiting)
    finally:
        engine.dispose()


def _brought_up(engine: Engine, wanted: Wanted, manifest: Manifest, aside: str) -> tuple[Waiting, ...]:
    """Bring what was restored to this version, put into its audit that it was restored, have every child looked at
    anew, and see what waits in it."""
    check_schema(engine)
    upgrade(engine)
    detail = {"made": manifest.made.isoformat(), "sha256": manifest.sha256, "aside": aside}
    with Session(engine) as session, session.begin():
        record(session, wanted.now, by=wanted.by, what="restored database", detail=detail)
        forget(session)
    waits = select(Delivery.id, Delivery.person, Delivery.channel, Delivery.created_at)
    waits = waits.where(Delivery.state.in_(("due", "sending"))).order_by(Delivery.created_at, Delivery.id)
    with Session(reading(engine)) as session:
        return tuple(Waiting(*row) for row in session.execute(waits))


def _must_be_whole(file: Path, manifest: Manifest) -> None:
    try:
        found = sha256_of(file)
    except OSError as error:
        raise InputError(f"the backup cannot be read: {error.strerror}", where=str(file)) from None
    if found != manifest.sha256:
        what = "the backup was changed or damaged since it was made: its SHA-256 is not that of its manifest"
        raise InputError(what, where=str(file), fix="Name another backup")


def _must_be_as_said(found: Contents, manifest: Manifest, file: Path) -> None:
    if lacks := Contents(manifest.schema, manifest.rows).unlike(found):
        raise InputError(f"the backup does not hold what its manifest says: {lacks}", where=str(file))


def _must_be_empty_or_replaced(wanted: Wanted, where: str, *, there: bool) -> None:
    if there and not wanted.replace:
        fix = "Give --replace: what is there is kept under another name"
        raise InputError("something is there already", where=where, fix=fix)


def _must_be_ours(file: Path) -> None:
    """A file made by root is one that the daemon cannot read, and then it would not see that it must hold."""
    if file.exists() and (owner := file.stat().st_uid) != os.geteuid():
        fix = "Run it as the user that alertd runs as"
        raise InputError(f"the file belongs to another user ({owner})", where=str(file), fix=fix)
