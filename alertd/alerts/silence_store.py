"""Silences in the database: written, read, and ended; nothing is deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.alerts.silences import REMEMBERED, Silenced, why_no_silence, why_not_end
from alertd.db.tables import Silence
from alertd.errors import InputError
from alertd.people.directory import Directory
from alertd.rulebook.model import Rulebook


def add(session: Session, asked: Silenced, directory: Directory, rulebook: Rulebook, now: datetime) -> Silenced:
    """Write a silence. Raises :class:`InputError` where it is refused."""
    if why := why_no_silence(asked, directory, rulebook, now):
        raise InputError(why)
    row = Silence(
        rules=list(asked.rules),
        teams=list(asked.teams),
        starts=asked.starts,
        until=asked.until,
        by=asked.by,
        at=now,
        reason=asked.reason.strip(),
    )
    session.add(row)
    session.flush()
    return replace(asked, id=row.id)


def end(session: Session, silence_id: int, by: str, directory: Directory, now: datetime) -> None:
    """End a silence before its time. Raises :class:`InputError` where somebody may not."""
    row = session.get(Silence, silence_id, with_for_update=True)
    if row is None:
        raise InputError(f"there is no silence {silence_id}", fix="See: alertd silences list")
    if why := why_not_end(_silenced(row), by, directory, now):
        raise InputError(why, where=f"silence {silence_id}")
    row.ended_at, row.ended_by = now, by


def recent(session: Session, now: datetime) -> list[Silenced]:
    """Those that stand, are to come, or ended so lately that somebody may still have to hear of it."""
    rows = session.scalars(select(Silence).where(Silence.until > now - REMEMBERED).order_by(Silence.id))
    return [_silenced(row) for row in rows]


def every(session: Session) -> list[Silenced]:
    """All there ever were, in order."""
    return [_silenced(row) for row in session.scalars(select(Silence).order_by(Silence.id))]


def _silenced(row: Silence) -> Silenced:
    return Silenced(tuple(row.rules), tuple(row.teams), row.starts, row.until, row.by, row.reason, row.id, row.ended_at)
