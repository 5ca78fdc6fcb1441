"""The chain: each entry holds the digest of the one before, so that to change, drop or slip in one breaks all after it.

What it cannot show by itself is that its end was cut off, so whoever watches keeps the last digest elsewhere
(``alertd audit verify`` prints it, and takes it back with ``--kept``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd.db.access_tables import AuditEntry

BEGINNING: Final = "0" * 64
"""What the first entry holds in place of a digest before it."""

_CHAINING: Final = 0x616C7264_61756469 & 0x7FFF_FFFF_FFFF_FFFF
"""PostgreSQL's advisory lock for writing to the chain; any number that nobody else uses."""


@dataclass(frozen=True, slots=True)
class Verified:
    """How many entries stand as they were written, and the digest of the last; ``broken`` says where and how one
    does not, and is blank for a whole chain."""

    entries: int
    last: str
    broken: str = ""


def record(
    session: Session,
    now: datetime,
    *,
    by: str,
    what: str,
    child: str | None = None,
    why: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry, in the caller's transaction, which has to be one that writes: SQLite lets one in at a time.

    ``what`` is a word for what was done, as ``saw child``; ``why`` the right by which; ``detail`` what else is needed
    to say what was seen, as the references of the children of a list. No names: they are in the directory.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_CHAINING)))
    before = session.scalar(select(AuditEntry.digest).order_by(AuditEntry.id.desc()).limit(1)) or BEGINNING
    row = AuditEntry(at=now, by=by, what=what, child=child, why=why, detail=dict(detail or {}), before=before)
    row.digest = digest_of(row)
    session.add(row)
    session.flush()


def digest_of(row: AuditEntry) -> str:
    """SHA-256 over everything in the entry and the digest before it."""
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    written = [at, row.by, row.what, row.child, row.why, row.detail, row.before]
    return hashlib.sha256(json.dumps(written, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def verify(session: Session, kept: str = "") -> Verified:
    """Go through the chain from its beginning. ``kept`` is a digest noted earlier: without it the chain was cut."""
    before, n, seen = BEGINNING, 0, not kept
    for row in _rows(session):
        if row.before != before:
            return Verified(n, before, f"entry {row.id} does not follow the one before it: some are gone or added")
        if row.digest != digest_of(row):
            return Verified(n, before, f"entry {row.id} was changed after it was written")
        before, n, seen = row.digest, n + 1, seen or row.digest == kept
    return Verified(n, before, "" if seen else "the digest that was kept is not in the chain: its end was cut off")


def _rows(session: Session) -> Iterator[AuditEntry]:
    last = 0
    while True:
        some = session.scalars(select(AuditEntry).where(AuditEntry.id > last).order_by(AuditEntry.id).limit(1000)).all()
        if not some:
            return
        yield from some
        last = some[-1].id
        session.expunge_all()
