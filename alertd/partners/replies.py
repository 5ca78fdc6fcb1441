"""Answers by mail: an agency acknowledges by quoting the reference, from an address of its own.

Both must be right, and a person must have written it: what a machine answered proves that a mailbox exists and no
more. Anything else is told to the data owner and never guessed.

The sender of a mail can be forged. What stands behind this: it comes in through the authority's own mail server,
which checks senders; and all it can do is acknowledge a notification whose reference its writer has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.cases.records import local_day
from alertd.db.partner_tables import Notification
from alertd.outbox.deliver import Composer, tell_operator
from alertd.partners import store
from alertd.partners.notes import Note, tell_staff
from alertd.people.agencies import EMAIL, Agencies

THANKS: Final = 12
"""Words that an answer may have and still be read as no more than "thank you, we have it"."""
Result = Literal["acknowledged", "known", "not_taken"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a message says of itself. ``sender`` is the one address it is from, blank where there is none or several;
    ``machine`` says why it was not written by a person; ``digest`` tells this message from others. ``words`` counts
    what its writer said, without what is quoted."""

    sender: str
    references: frozenset[str]
    machine: str = ""
    digest: str = ""
    words: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a reply, and why; no personal data in ``why``."""

    result: Result
    why: str
    reference: str = ""


def take_reply(session: Session, composer: Composer, reply: Reply, now: datetime) -> Taken:
    """Take one message in, in the caller's transaction."""
    taken = _answer(session, composer.directory.agencies, reply, now)
    if taken.result == "not_taken":
        # A message is told of once, however often the mail server hands it over in a day; what machines send once a
        # day together, or the data owner's own mail server and alertd would write to each other without end.
        lines = [
            "A mail came to the address of alertd and acknowledges nothing:",
            f"{taken.why}.",
            "Look at it in the mailbox. Where an agency meant to acknowledge: alertd partners told REFERENCE",
        ]
        tell_operator(
            session,
            composer,
            now,
            about="reply:machine" if reply.machine else f"reply:{reply.digest[:16]}",
            subject="alertd could not take an answer of an agency",
            lines=lines,
        )
    if taken.result in ("acknowledged", "known") and reply.words > THANKS:
        # That they have it is certain. What else they say, perhaps that it is not their child, a person must read.
        row = store.by_reference(session, taken.reference)
        tell_staff(session, composer, [Note(row.id, role, "wrote") for role in ("worker", "team_manager")], now)
    return taken


def _answer(session: Session, agencies: Agencies, reply: Reply, now: datetime) -> Taken:
    if reply.machine:
        return Taken("not_taken", reply.machine)
    if not reply.references:
        return Taken("not_taken", "no reference stands in it")
    rows = session.scalars(select(Notification).where(Notification.reference.in_(reply.references))).all()
    if len(rows) != 1:
        what = "it quotes a reference that nobody has" if not rows else "it quotes several references"
        return Taken("not_taken", what)
    row = rows[0]
    if not reply.sender or reply.sender not in _addresses(agencies, row.agency, local_day(now)):
        return Taken("not_taken", f"{row.reference}: it is not from an address of {row.agency or 'an agency'}")
    if row.state == "acknowledged":
        return Taken("known", "it was acknowledged before", row.reference)
    if store.acknowledge(session, row, f"agency:{row.agency} by mail", now, "answered from an address of theirs"):
        return Taken("acknowledged", "answered from an address of theirs", row.reference)
    return Taken(
        "not_taken", f"{row.reference}: it is {row.state.replace('_', ' ')}, and nothing was to be acknowledged"
    )


def _addresses(agencies: Agencies, agency: str, today: date) -> frozenset[str]:
    """The mail addresses of whoever is there still. Who is only away may answer."""
    found = agencies.agencies.get(agency)
    there = [c for c in found.contacts if c.channel == EMAIL and not c.has_left(today)] if found else []
    return frozenset(c.address.lower() for c in there)
