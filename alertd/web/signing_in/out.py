"""Ending all by which somebody comes in: by themselves on the pages, or by whoever runs alertd."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from alertd.access import sessions
from alertd.audit import chain
from alertd.db.links import revoke_links
from alertd.people.directory import Directory
from alertd.subscriptions import feeds
from alertd.web.signing_in.links import BY_HAND, PURPOSE


@dataclass(frozen=True, slots=True)
class Ended:
    """How many of each were in force."""

    sessions: int
    links: int
    tokens: int = 0
    calendars: int = 0

    @property
    def words(self) -> str:
        """All of it, or that there was nothing."""
        counted = {"session": self.sessions, "link": self.links, "token": self.tokens, "calendar": self.calendars}
        return ", ".join(f"{n} {what}{'' if n == 1 else 's'}" for what, n in counted.items() if n) or "nothing"


def everywhere(session: Session, subjects: Collection[str], by: str, now: datetime) -> Ended:
    """Sign somebody out wherever they are signed in, and end their links to sign in, in the caller's transaction:
    what they themselves do who left a browser open."""
    found = Ended(sessions.end_all(session, subjects, now, "signed out everywhere", programs=False),
                  _links(session, subjects, now))  # fmt: skip
    detail = {"for": sorted(subjects), "sessions": found.sessions, "links": found.links}
    chain.record(session, now, by=by, what="signed out everywhere", detail=detail)
    return found


def shut_out(session: Session, subjects: Collection[str], by: str, reason: str, now: datetime) -> Ended:
    """End everything by which somebody is let in, tokens and calendars too, in the caller's transaction. They may sign
    in again for as long as the staff directory has them."""
    found = Ended(
        sessions.end_all(session, subjects, now, "ended by hand", programs=False),
        _links(session, subjects, now),
        sessions.end_all(session, subjects, now, "ended by hand", programs=True),
        sum(feeds.end_all(session, subject, now) for subject in subjects),
    )
    detail = {"for": sorted(subjects), "ended": found.words}
    chain.record(session, now, by=by, what="signed somebody out", why=reason, detail=detail)
    return found


def subjects_of(subject: str, directory: Directory) -> tuple[str, ...]:
    """All that a session of somebody may stand for: each of their ids in the directory. Who is in it no more keeps the
    one by which they are named."""
    ids = directory.ids_of(subject) if subject in directory.people else frozenset()
    return tuple(sorted({subject, *ids}))


def _links(session: Session, subjects: Collection[str], now: datetime) -> int:
    return sum(revoke_links(session, purpose, one, now) for one in subjects for purpose in (PURPOSE, BY_HAND))
