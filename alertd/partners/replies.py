"""Answers by mail: an agency acknowledges by quoting the reference, from an address of its own.

Both must be right, and a person must have written it: what a machine answered proves that a mailbox exists and no
more. Anything else is told to the data owner and never guessed. A report that a message could not be delivered is
the bounce it is: the notification is held, with the address to mend.

The sender of a mail can be forged. What stands behind this: it comes in through the authority's own mail server,
which checks senders; and all it can do is acknowledge a notification whose reference its writer has seen.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from hashlib import sha256
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.cases.records import local_day
from alertd.db.tables import Notification
from alertd.outbox.deliver import Composer, tell_operator
from alertd.partners import store
from alertd.partners.notes import Note, tell_staff
from alertd.partners.reference import references_in
from alertd.people.agencies import Agencies

LARGEST: Final = 2_000_000
"""Bytes of a reply that are read; what is larger is not a word of thanks."""
_MACHINE_PRECEDENCE: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
_MACHINE_HEADERS: Final = (
    *("X-Autoreply", "X-Autorespond", "X-Auto-Reply", "X-Autoresponder"),
    "X-Auto-Response-Suppress",
)
_OUT_OF_OFFICE: Final = re.compile(
    r"^\s*(auto(matic)?[ -]?(reply|response)|out of (the )?office|ateb awtomatig|allan o'r swyddfa)", re.IGNORECASE
)
THANKS: Final = 12
"""Words that an answer may have and still be read as no more than "thank you, we have it"."""
_QUOTES_FROM_HERE: Final = re.compile(r"^\s*(-{3,}.*-{3,}|On .{1,200}wrote:|From:\s.*|Ar .{1,200}ysgrifennodd.*:)\s*$")
_TEXT_READ: Final = 100_000
_LONGEST_HEADER: Final = 1_000
_ADDRESS: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}"
_NAME: Final = r'"(?:[^"\\]|\\.)*"|[^"<>@,;:\\]*'
_FROM: Final = re.compile(rf"\s*(?:(?:{_NAME})\s*<(?P<named>{_ADDRESS})>|(?P<bare>{_ADDRESS}))\s*")
Result = Literal["acknowledged", "known", "bounced", "not_taken"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a message says of itself. ``sender`` is the one address it is from, blank where there is none or several;
    ``machine`` says why it was not written by a person; ``failed`` is the Message-ID that could not be delivered;
    ``digest`` tells this message from others. ``words`` counts what its writer said, without what is quoted."""

    sender: str
    references: frozenset[str]
    machine: str = ""
    failed: str = ""
    digest: str = ""
    words: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a reply, and why; no personal data in ``why``."""

    result: Result
    why: str
    reference: str = ""


class _Brief(Compat32):
    """Reads headers as they came, and none that is longer than a person's mail has: to take one apart can cost
    time that grows with the square of its length."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value if len(value) <= _LONGEST_HEADER else ""


def parsed(raw: bytes) -> Reply:
    """Read one message. Never raises for what it holds: what cannot be read says nothing."""
    digest = sha256(raw).hexdigest()
    try:
        message = email.message_from_bytes(raw[:LARGEST], policy=_Brief())
        said = references_in(_said(message))
        words = _words(_body(message))
        return Reply(_sender(message), said, _machine(message), _failed(message), digest, words)
    except Exception:  # noqa: BLE001 - the parser raises many things for headers that are none
        return Reply("", frozenset(), "it cannot be read as a mail", digest=digest)


def _sender(message: Message) -> str:
    """The address in ``From``, where it is written in the plain way; blank where two readers could see two in it."""
    written = message.get_all("From", [])
    found = _FROM.fullmatch(re.sub(r"\r?\n(?=[ \t])", "", str(written[0]))) if len(written) == 1 else None
    return (found["named"] or found["bare"]).lower() if found else ""


def _said(message: Message) -> str:
    subject = "".join(
        part.decode("latin-1") if isinstance(part, bytes) else part
        for part, _ in decode_header(str(message["Subject"] or ""))
    )
    return f"{subject}\n{_body(message)}"


def _body(message: Message) -> str:
    """The text of a message, or else its HTML as it stands; a reference is plain letters in any character set."""
    parts = list(_own(message))
    found = next((p for kind in ("text/plain", "text/html") for p in parts if p.get_content_type() == kind), None)
    content = found.get_payload(decode=True) if found is not None else b""
    return content[:_TEXT_READ].replace(b"\0", b"").decode("ascii", "replace") if isinstance(content, bytes) else ""


def _words(body: str) -> int:
    """How many words the writer put above what they quote, and above a signature."""
    count = 0
    for line in body.splitlines():
        if line.startswith("-- ") or line.rstrip() == "--" or _QUOTES_FROM_HERE.match(line):
            break
        count += 0 if line.startswith(">") else len(line.split())
    return count


def _own(part: Message) -> Iterator[Message]:
    """The parts that are the writer's: nothing attached, and no message within the message."""
    if part.get_content_disposition() == "attachment" or part.get_content_maintype() == "message":
        return
    inner = part.get_payload()
    if isinstance(inner, list):
        for one in inner:
            yield from _own(one)  # type: ignore[arg-type]
    else:
        yield part


def _machine(message: Message) -> str:
    """Why it was not written by a person (RFC 3834 and what machines wrote before it); blank where it may have been."""
    if any(str(said).partition(";")[0].strip().lower() != "no" for said in message.get_all("Auto-Submitted", [])):
        return "it says that it was sent automatically"
    if str(message["Precedence"] or "").strip().lower() in _MACHINE_PRECEDENCE:
        return "it says that it went to many, or by itself"
    if any(message[name] for name in _MACHINE_HEADERS) or "List-Id" in message:
        return "it says that it was sent automatically"
    if str(message["Return-Path"] or "?").strip() == "<>":
        return "it has no return path, as reports of mail servers"
    if message.get_content_type() in ("multipart/report", "message/delivery-status"):
        return "it is a report of a mail server"
    subject, _, _ = _said(message).partition("\n")
    return "it is an out-of-office answer" if _OUT_OF_OFFICE.match(subject) else ""


def _failed(message: Message) -> str:
    """The id of our message that a report of delivery says has failed for good; blank for any other message."""
    if message.get_content_type() != "multipart/report":
        return ""
    parts = list(message.walk())
    actions = {str(p["Action"]).strip().lower() for p in parts if p["Action"] is not None}
    if "failed" not in actions:
        return ""
    return next((id_ for part in parts for id_ in _returned(part)), "")


def _returned(part: Message) -> Iterator[str]:
    """The ids of our message that a report gives back, whole or by its headers."""
    kind, inner = part.get_content_type(), part.get_payload()
    found: list[str] = []
    if kind == "message/rfc822" and isinstance(inner, list):
        found = [str(m["Message-ID"]) for m in inner if isinstance(m, Message) and m["Message-ID"]]
    elif kind == "text/rfc822-headers" and isinstance(inner, str):
        found = re.findall(r"(?im)^message-id:\s*(\S+)", inner)
    for one in found:
        yield one.strip().strip("<>").partition("@")[0]


def take_reply(session: Session, composer: Composer, reply: Reply, now: datetime) -> Taken:
    """Take one message in, in the caller's transaction."""
    taken = _bounce(session, composer, reply, now) or _answer(session, composer.directory.agencies, reply, now)
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


def _bounce(session: Session, composer: Composer, reply: Reply, now: datetime) -> Taken | None:
    if not reply.failed:
        return None
    row = session.scalar(select(Notification).where(Notification.delivery_id == reply.failed))
    if row is None or row.state not in ("ready", "sent"):
        return None
    store.bounced(session, row, now, "their mail server sent it back")
    notes = [Note(row.id, role, "bounced") for role in ("worker", "team_manager", "data_owner")]
    tell_staff(session, composer, notes, now)
    return Taken("bounced", "the message was sent back", row.reference)


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
    """Those of whoever is there still. Who is only away may answer."""
    found = agencies.agencies.get(agency)
    there = [c for c in found.contacts if c.address and not c.has_left(today)] if found else []
    return frozenset(c.address.lower() for c in there)
