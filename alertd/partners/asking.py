"""A question of an agency about what it was told: kept for the staff to read, who hear that one waits and answer it.

What is asked goes into no mail: it is a stranger's own words, and may name anybody.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from alertd.db.partner_tables import Notification
from alertd.outbox.deliver import Composer
from alertd.partners import store
from alertd.partners.notes import Note, tell_staff

LONGEST: Final = 2000
"""Characters of a question."""

MOST_IN_A_DAY: Final = 5
"""Questions about one notification in a day: each is a mail to somebody. Whoever has more to ask should ring."""


def why_no_question(session: Session, row: Notification, text: str, now: datetime) -> str:
    """Why this cannot be asked; blank where it can. Reads only."""
    if not text.strip():
        return "Write what you want to know"
    if len(text) > LONGEST:
        return f"Write at most {LONGEST:,} characters: you have {len(text):,}"
    before = [one for one in store.questions(session, [row.id]).get(row.id, ()) if now - one.at < timedelta(days=1)]
    if len(before) >= MOST_IN_A_DAY and all(one.why != text for one in before):
        return f"You have asked {MOST_IN_A_DAY} questions about this since yesterday: please ring the council"
    return ""


def ask(session: Session, composer: Composer, row: Notification, contact: str, text: str, now: datetime) -> bool:
    """Keep a question and tell whoever answers for the child that it waits, in the caller's transaction. False where
    the same was asked before: then nobody is told again."""
    if not store.ask(session, row, contact, text, now):
        return False
    tell_staff(session, composer, [Note(row.id, "worker", "asked")], now)
    return True
