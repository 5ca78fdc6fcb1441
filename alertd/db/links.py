"""Links nobody can guess: to acknowledge a notification, to follow a calendar. Kept as hashes, and revocable."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alertd.db.tables import Link


def secret() -> str:
    """256 random bits, fit for an address."""
    return secrets.token_urlsafe(32)


def new_link(session: Session, purpose: str, subject: str, now: datetime, make: Callable[[], str] = secret) -> str:
    """The secret of a new link, in the caller's transaction. It is not kept, so it cannot be shown again."""
    made = make()
    session.add(Link(digest=_digest(made), purpose=purpose, subject=subject, at=now))
    session.flush()
    return made


def find_link(session: Session, purpose: str, given: str) -> str | None:
    """The subject of a link in force; None for one that never was or was revoked."""
    found = select(Link.subject).where(
        Link.digest == _digest(given), Link.purpose == purpose, Link.revoked_at.is_(None)
    )
    return session.scalar(found)


def revoke_links(session: Session, purpose: str, subject: str, now: datetime) -> int:
    """End every link of a subject for a purpose; how many were in force."""
    in_force = (Link.purpose == purpose, Link.subject == subject, Link.revoked_at.is_(None))
    return session.connection().execute(update(Link).where(*in_force).values(revoked_at=now)).rowcount


def _digest(given: str) -> str:
    return hashlib.sha256(given.encode()).hexdigest()
