"""How far the outbox has come, in the database and outside it: so that a restored database does not send again all
that was sent since its backup.

A number is counted up before and after every pass that sends, in the database first and then in a file outside it.
Where the file is further than the database, the database is older than what was sent. Then nothing is sent until a
person says what becomes of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Engine, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from alertd.db.engine import reading
from alertd.db.tables import Delivery, DeliveryEvent, OutboxEpoch
from alertd.errors import InputError

ROW: Final = 1


@dataclass(frozen=True, slots=True)
class Epoch:
    """How far an outbox has come: its ``name`` tells it from any other, ``at`` is when it was last counted up."""

    number: int
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """The epoch in the database, and outside it. ``unread`` says why the file could not be read."""

    inside: Epoch | None
    outside: Epoch | None
    unread: str = ""

    @property
    def held(self) -> str:
        """Why nothing may be sent; blank where it may."""
        return why_held(self.inside, self.outside)


def why_held(inside: Epoch | None, outside: Epoch | None) -> str:
    """Why nothing may be sent, by what the database and the file outside it say; blank where it may.

    A file that is not there says nothing: it is new, or lost, and to send nothing because of it would be worse.
    """
    if outside is None:
        return ""
    if inside is None:
        return "this database has never sent anything, and the epoch file says that this outbox has"
    if inside.name != outside.name:
        return "this database is another than the one that last sent, by the epoch file"
    if inside.number < outside.number:
        return (
            f"this database is older than what was sent: it has come to {inside.number}, and the epoch file to "
            f"{outside.number}"
        )
    return ""


def look(engine: Engine, file: Path | None) -> Standing:
    """How far the database and the file have come. The file first: what counts up meanwhile is no restore."""
    outside, unread = None, ""
    if file is not None:
        try:
            outside = read(file)
        except InputError as error:
            unread = str(error)
    with reading(engine).connect() as connection:
        return Standing(_inside(connection), outside, unread)


def count_up(engine: Engine, file: Path | None, now: datetime, new_name: Callable[[], str]) -> str:
    """One further, in the database and then in the file. What is wrong with the file, or blank.

    A file that cannot be read is left as it is, for a person to see.
    """
    with engine.begin() as connection:
        found = _counted(connection, now, new_name)
    if file is None:
        return ""
    try:
        before = read(file)
        if before is None or before.name != found.name or before.number < found.number:
            write(file, found)
    except InputError as error:
        return str(error)
    return ""


def anything_due(engine: Engine, now: datetime) -> bool:
    """Whether a pass would send something now: only then is it counted, or a database would seem old that knows of all
    that was sent."""
    due = select(literal(value=True)).where(Delivery.state == "due", Delivery.next_attempt_at <= now).limit(1)
    with reading(engine).connect() as connection:
        return connection.execute(due).first() is not None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What becomes of what waited in a restored database: how many go, and how many are taken back."""

    kept: int
    dropped: int


def accept(
    session: Session,
    file: Path,
    now: datetime,
    new_name: Callable[[], str],
    *,
    by: str,
    why: str,
    drop_before: datetime | None,
) -> Accepted:
    """Let a restored database send again, in the caller's transaction; :func:`settle` it when that is committed.

    What was made before ``drop_before`` and waits is taken back for good: it was sent before the restore. What seemed
    to be on its way in the backup is nobody's now. Raises InputError where nothing is held.
    """
    outside = read(file)
    inside = _inside(session.connection())
    if outside is None or not why_held(inside, outside):
        raise InputError("nothing is held: the database is as far as the epoch file", where=str(file))
    dropped = 0
    if drop_before is not None:
        dropped = _drop(session, drop_before, now, f"{by}: database restored, sent before: {why}")
    number = max(outside.number, inside.number if inside else 0)
    if inside is None:
        session.add(OutboxEpoch(id=ROW, number=number + 1, name=new_name(), at=now))
    else:
        session.execute(update(OutboxEpoch).where(OutboxEpoch.id == ROW).values(number=number + 1, at=now))
    session.flush()
    waiting = select(Delivery.id).where(Delivery.state.in_(("due", "sending")))
    return Accepted(len(session.scalars(waiting).all()), dropped)


def settle(engine: Engine, file: Path) -> None:
    """Write into the file how far the database has come, whatever the file said."""
    with reading(engine).connect() as connection:
        found = _inside(connection)
    assert found is not None
    write(file, found)


def waiting_before(session: Session, moment: datetime) -> tuple[int, int]:
    """How many messages wait that were made before a moment, and how many made since. Reads only."""
    made = session.scalars(select(Delivery.created_at).where(Delivery.state.in_(("due", "sending")))).all()
    before = sum(at < moment for at in made)
    return before, len(made) - before


def _drop(session: Session, before: datetime, now: datetime, reason: str) -> int:
    waits = Delivery.state.in_(("due", "sending", "standing_by")) & (Delivery.created_at < before)
    rows = session.execute(select(Delivery.id, Delivery.state, Delivery.attempts).where(waits)).all()
    values: dict[str, Any] = {"state": "cancelled", "reason": reason, "token": None, "lease_until": None}
    session.execute(update(Delivery).where(waits).values(values).execution_options(synchronize_session=False))
    moves = [
        {"delivery_id": id_, "at": now, "from_state": state, "to_state": "cancelled", "attempt": n, "reason": reason}
        for id_, state, n in rows
    ]
    if moves:
        session.connection().execute(insert(DeliveryEvent), moves)
    return len(rows)


def _inside(connection: Connection) -> Epoch | None:
    row = connection.execute(
        select(OutboxEpoch.number, OutboxEpoch.name, OutboxEpoch.at).where(OutboxEpoch.id == ROW)
    ).first()
    return Epoch(*row) if row else None


def _counted(connection: Connection, now: datetime, new_name: Callable[[], str]) -> Epoch:
    further = (
        update(OutboxEpoch)
        .where(OutboxEpoch.id == ROW)
        .values(number=OutboxEpoch.number + 1, at=now)
        .returning(OutboxEpoch.number, OutboxEpoch.name, OutboxEpoch.at)
    )
    if (row := connection.execute(further).first()) is None:
        with suppress(IntegrityError), connection.begin_nested():  # two that start together: the other made it
            connection.execute(insert(OutboxEpoch).values(id=ROW, number=0, name=new_name(), at=now))
        row = connection.execute(further).one()
    return Epoch(*row)


def read(file: Path) -> Epoch | None:
    """What the file outside the database says; None where there is none. Raises InputError for one that cannot be
    read."""
    try:
        found = json.loads(file.read_text("utf-8"))
        return Epoch(int(found["number"]), str(UUID(found["name"])), datetime.fromisoformat(found["at"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        fix = "Let alertd's user read and write it and its folder"
        raise InputError(f"the epoch file cannot be read ({error.strerror})", where=str(file), fix=fix) from None
    except (ValueError, KeyError, TypeError):
        fix = "If this database was not restored from a backup, remove the file: alertd makes it anew"
        raise InputError("the epoch file is damaged", where=str(file), fix=fix) from None


def write(file: Path, epoch: Epoch) -> None:
    """Replace the file, whole or not at all, and on disk when this returns. Raises InputError where it cannot be."""
    text = json.dumps({"number": epoch.number, "name": epoch.name, "at": epoch.at.isoformat()})
    draft: Path | None = None
    try:
        with NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, prefix=".epoch-", delete=False) as opened:
            draft = Path(opened.name)
            opened.write(text + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        if draft is not None:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        fix = "Let alertd's user write to its folder, and see that the disk is not full"
        raise InputError(f"the epoch file cannot be written ({error.strerror})", where=str(file), fix=fix) from None
