"""Reports of mail servers on what became of a message: delivery status notifications (RFC 3464, RFC 6533)."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.policy import compat32
from typing import Final

ACTIONS: Final = ("failed", "delayed", "delivered", "relayed", "expanded")
"""What may have become of it: RFC 3464, 2.3.3."""
MOST_RECIPIENTS: Final = 50
"""Recipients of a report that are read. What alertd sends has one."""

_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_ID: Final = re.compile(r"<([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})@[^<>\s]{1,255}>")
_BLOCKS: Final = ("message/delivery-status", "message/global-delivery-status")
_RETURNED: Final = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_LONGEST: Final = 100_000

_DETAIL: Final = {
    "1.1": "there is no such mailbox",
    "1.2": "there is no such domain",
    "1.10": "there is no such mailbox",
    "2.1": "the mailbox is not in use",
    "2.2": "the mailbox is full",
    "4.7": "their mail server could not be reached in time",
}
_SUBJECT: Final = {
    "1": "the address cannot be delivered to",
    "2": "the mailbox does not take it",
    "3": "their mail system does not take it",
    "4": "their mail server could not be reached",
    "5": "the mail servers could not agree how to pass it on",
    "6": "its form is not accepted",
    "7": "their policy refuses it",
}
"""What the second and third figures of a status mean: RFC 3463, 3, and the registry that it began."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """What became of a message for one recipient. Addresses are in small letters, and blank where none is given;
    ``status`` is an enhanced status code, or blank."""

    action: str
    final: str
    original: str = ""
    status: str = ""

    @property
    def words(self) -> str:
        """What the status says, without anything that somebody wrote."""
        _, subject, detail = self.status.split(".") if self.status else ("", "0", "0")
        said = _DETAIL.get(f"{subject}.{detail}") or _SUBJECT.get(subject, "their mail server does not say why")
        return f"{said} ({self.status})" if self.status else said


@dataclass(frozen=True, slots=True)
class Report:
    """A report: what became of a message for each recipient, and the ids of ours that it gives back."""

    recipients: tuple[Recipient, ...]
    returned: frozenset[str]


def report_of(message: Message) -> Report | None:
    """The report that a message is; None for any other."""
    parts = message.get_payload()
    if message.get_content_type() != "multipart/report" or not isinstance(parts, list):
        return None
    inner = [part for part in parts if isinstance(part, Message)]
    blocks = [block for part in inner if part.get_content_type() in _BLOCKS for block in _blocks(part)]
    if not blocks:
        return None
    found = [one for block in blocks[: MOST_RECIPIENTS + 1] if (one := _recipient(block))]
    return Report(tuple(found), frozenset(id_ for part in inner for id_ in _returned(part)))


def ids_in(header: str) -> list[str]:
    """The ids of deliveries whose Message-IDs stand in a header, in their order."""
    return _ID.findall(header.lower())


def _blocks(part: Message) -> list[Message]:
    """The groups of fields of a status part: of the message first, then of each recipient."""
    found = part.get_payload()
    if not isinstance(found, list):
        return []
    if part.get_content_type() == "message/delivery-status":
        return [block for block in found if isinstance(block, Message)]
    # Of its UTF-8 form the parser makes one message, whose body is all that follows the first group.
    whole = "".join(one.as_string() for one in found if isinstance(one, Message))[:_LONGEST]
    return [email.message_from_string(group, policy=compat32) for group in re.split(r"\n[ \t]*\r?\n", whole)]


def _recipient(block: Message) -> Recipient | None:
    action = str(block["Action"] or "").strip().lower()
    if action not in ACTIONS:
        return None
    status = _STATUS.search(str(block["Status"] or ""))
    return Recipient(
        action, _address(block["Final-Recipient"]), _address(block["Original-Recipient"]), status[0] if status else ""
    )


def _address(field: object) -> str:
    """The address of a field ``type; address``."""
    kind, _, address = str(field or "").partition(";")
    return address.strip().strip("<>").lower() if kind.strip().lower() in ("rfc822", "utf-8") else ""


def _returned(part: Message) -> Iterator[str]:
    if part.get_content_type() not in _RETURNED:
        return
    inner = part.get_payload()
    if isinstance(inner, list):
        for one in inner:
            if isinstance(one, Message):
                yield from ids_in(str(one["Message-ID"] or ""))
        return
    content = part.get_payload(decode=True)
    if isinstance(content, bytes):
        for line in re.findall(rb"(?im)^message-id:((?:[^\n]|\n[ \t])*)", content[:_LONGEST]):
            yield from ids_in(line.decode("ascii", "replace"))
