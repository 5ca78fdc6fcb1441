"""Sessions of the pages, kept here and not in the browser: each can be ended at once.

The browser holds 256 random bits; only their hash is kept, so that who reads the database can sign in as nobody.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from alertd.db.access_tables import SignIn

How = Literal["link", "oidc", "token"]

IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=10)
"""A working day and its overtime; NIST SP 800-63B asks for a new sign-in after 12 hours or 30 minutes without use."""

_NOTED: Final = timedelta(minutes=1)
"""How exactly it is kept when a session was last used: not every click writes to the database."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session in force. ``unseen`` says that its last use is to be noted."""

    id: int
    subject: str
    how: How
    unseen: bool


def begin(session: Session, subject: str, how: How, now: datetime, make: Callable[[], str] | None = None) -> str:
    """The secret of a new session, in the caller's transaction."""
    secret = make() if make else secrets.token_urlsafe(32)
    session.add(SignIn(digest=_digest(secret), subject=subject, how=how, at=now, seen_at=now))
    session.flush()
    return secret


def look(
    session: Session, secret: str, now: datetime, idle: timedelta = IDLE, most: timedelta = ABSOLUTE
) -> SignedIn | None:
    """The session of a secret, or None where there is none or it is over. A token of a program ends only by hand."""
    found = session.execute(
        select(SignIn.id, SignIn.subject, SignIn.how, SignIn.at, SignIn.seen_at).where(
            SignIn.digest == _digest(secret), SignIn.ended_at.is_(None)
        )
    ).first()
    if found is None or (found.how != "token" and (now - found.seen_at >= idle or now - found.at >= most)):
        return None
    return SignedIn(found.id, found.subject, found.how, unseen=now - found.seen_at >= _NOTED)


def seen(session: Session, id_: int, now: datetime) -> None:
    """Note that a session was used."""
    session.execute(update(SignIn).where(SignIn.id == id_, SignIn.seen_at < now).values(seen_at=now))


def end(session: Session, secret: str, now: datetime, why: str = "signed out") -> None:
    """End one session."""
    _end(session, SignIn.digest == _digest(secret), now, why)


def end_all(session: Session, subjects: Collection[str], now: datetime, why: str, *, programs: bool) -> int:
    """End every session of somebody in a browser, or the tokens that stand for them; how many were in force."""
    how = SignIn.how == "token" if programs else SignIn.how != "token"
    return _end(session, and_(SignIn.subject.in_(subjects), how), now, why)


@dataclass(frozen=True, slots=True)
class Open:
    """A session of a browser in force: since when, when it was last used, and whether it is the one that asks."""

    how: How
    at: datetime
    seen_at: datetime
    this: bool


def in_force(
    session: Session,
    subjects: Collection[str],
    secret: str,
    now: datetime,
    idle: timedelta = IDLE,
    most: timedelta = ABSOLUTE,
) -> list[Open]:
    """Where somebody is signed in with a browser, used last first."""
    found = select(SignIn.how, SignIn.at, SignIn.seen_at, SignIn.digest).where(
        SignIn.subject.in_(subjects), SignIn.ended_at.is_(None), SignIn.how != "token",
        SignIn.seen_at > now - idle, SignIn.at > now - most,
    )  # fmt: skip
    rows = session.execute(found.order_by(SignIn.seen_at.desc(), SignIn.id.desc()))
    return [Open(row.how, row.at, row.seen_at, row.digest == _digest(secret)) for row in rows]


@dataclass(frozen=True, slots=True)
class Token:
    """A program's token in force: not itself, which is kept nowhere."""

    id: int
    subject: str
    at: datetime
    seen_at: datetime


def tokens(session: Session) -> list[Token]:
    """The tokens in force, the oldest first."""
    found = select(SignIn.id, SignIn.subject, SignIn.at, SignIn.seen_at)
    rows = session.execute(found.where(SignIn.how == "token", SignIn.ended_at.is_(None)).order_by(SignIn.id))
    return [Token(row.id, row.subject, row.at, row.seen_at) for row in rows]


def revoke(session: Session, id_: int, now: datetime) -> str | None:
    """End a token; whom it stood for, or None where there is none in force of that number."""
    row = session.get(SignIn, id_, with_for_update=True)
    if row is None or row.how != "token" or row.ended_at is not None:
        return None
    row.ended_at, row.ended_why = now, "revoked"
    return row.subject


def csrf_of(secret: str) -> str:
    """What forms of a session carry, so that no other site can send them: it follows from the secret and says nothing
    of it."""
    return hashlib.sha256(f"form of {secret}".encode()).hexdigest()


def _end(session: Session, whose: ColumnElement[bool], now: datetime, why: str) -> int:
    statement = update(SignIn).where(whose, SignIn.ended_at.is_(None))
    return session.connection().execute(statement.values(ended_at=now, ended_why=why)).rowcount


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
