"""Reading a message that came to alertd: what it is, and which of ours it is about. Pure; believes nothing.

``email``'s own parser of headers can be made to take hours; so headers are read as they came, and none that is
longer than a person's mail has.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Final

from alertd.outbox.mail_message import delivery_of
from alertd.partners.reference import references_in
from alertd.partners.replies import Reply
from alertd.receipts.automatic import Machine, machine
from alertd.receipts.dsn import Report, ids_in, report_of

LARGEST: Final = 2_000_000
"""Bytes of a message that are read."""
_CAME_TO: Final = ("Delivered-To", "X-Original-To", "X-Envelope-To", "Envelope-To", "To")
"""Where the address that a message came to may stand: mail servers do not agree on it."""
_QUOTES_FROM_HERE: Final = re.compile(r"^\s*(-{3,}.*-{3,}|On .{1,200}wrote:|From:\s.*|Ar .{1,200}ysgrifennodd.*:)\s*$")
_TEXT_READ: Final = 100_000
_LONGEST_HEADER: Final = 1_000
_ADDRESS: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}"
_NAME: Final = r'"(?:[^"\\]|\\.)*"|[^"<>@,;:\\]*'
_FROM: Final = re.compile(rf"\s*(?:(?:{_NAME})\s*<(?P<named>{_ADDRESS})>|(?P<bare>{_ADDRESS}))\s*")


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a message says of itself.

    ``sender`` is the one address it is from, blank where there is none or several. ``came_to`` are the deliveries
    whose return path it came to, and ``answers`` the one whose Message-ID it answers. ``report`` is what a mail
    server reports, ``machine`` why no person wrote it. ``digest`` tells this message from others.
    """

    digest: str
    sender: str = ""
    came_to: frozenset[str] = frozenset()
    answers: frozenset[str] = frozenset()
    report: Report | None = None
    machine: Machine | None = None
    said_at: datetime | None = None
    reply: Reply = field(default_factory=lambda: Reply("", frozenset()))


class _Brief(Compat32):
    """Reads headers as they came, and none that is longer than a person's mail has: to take one apart can cost
    time that grows with the square of its length."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value if len(value) <= _LONGEST_HEADER else ""


def read(raw: bytes) -> Incoming:
    """Read one message. Never raises for what it holds: what cannot be read says nothing."""
    digest = sha256(raw).hexdigest()
    try:
        return _read(email.message_from_bytes(raw[:LARGEST], policy=_Brief()), digest)
    except Exception:  # noqa: BLE001 - the parser raises many things for headers that are none
        unreadable = "it cannot be read as a mail"
        return Incoming(digest, machine=Machine(unreadable), reply=Reply("", frozenset(), unreadable, digest))


def _read(message: Message, digest: str) -> Incoming:
    sender, subject, body = _sender(message), _subject(message), _body(message)
    by = machine(message, subject)
    reply = Reply(
        sender, references_in(f"{subject}\n{body}"), machine=by.why if by else "", digest=digest, words=_words(body)
    )
    return Incoming(
        digest=digest,
        sender=sender,
        came_to=frozenset(_came_to(message)),
        answers=_answers(message),
        report=report_of(message),
        machine=by,
        said_at=_date(message),
        reply=reply,
    )


def _came_to(message: Message) -> Iterator[str]:
    for name in _CAME_TO:
        for value in message.get_all(name, []):
            for address in re.findall(_ADDRESS, str(value)):
                if id_ := delivery_of(address.lower()):
                    yield id_


def _answers(message: Message) -> frozenset[str]:
    """The delivery that it answers; of a whole thread, the last."""
    found = ids_in(str(message["In-Reply-To"] or "")) or ids_in(str(message["References"] or ""))
    return frozenset(found[-1:])


def _date(message: Message) -> datetime | None:
    try:
        said = parsedate_to_datetime(str(message["Date"]))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return said.replace(tzinfo=UTC) if said.tzinfo is None else said


def _sender(message: Message) -> str:
    """The address in ``From``, where it is written in the plain way; blank where two readers could see two in it."""
    written = message.get_all("From", [])
    found = _FROM.fullmatch(re.sub(r"\r?\n(?=[ \t])", "", str(written[0]))) if len(written) == 1 else None
    return (found["named"] or found["bare"]).lower() if found else ""


def _subject(message: Message) -> str:
    return "".join(
        part.decode("utf-8" if (charset or "").lower() == "utf-8" else "latin-1", "replace")
        if isinstance(part, bytes)
        else part
        for part, charset in decode_header(str(message["Subject"] or ""))
    )


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
