"""The bytes of a mail: plain text and HTML of the same content, as RFC 5322 has them."""

from __future__ import annotations

import re
import unicodedata
from binascii import b2a_qp
from email.header import Header
from email.utils import format_datetime
from typing import Final

from alertd.addresses import is_address
from alertd.errors import InputError
from alertd.outbox.channel import Letter

SENDER_NAME: Final = "alertd"
_SHORT: Final = 60
"""Characters of a header that fit on its line, of the 78 that RFC 5322, 2.1.1 asks for, beside its name."""
_WIDTH: Final = 76
_FOLD: Final = "\r\n "
LONGEST_LINE: Final = 998
"""Characters in one line of a message without its end: RFC 5322, section 2.1.1."""


def to_bytes(letter: Letter) -> bytes:
    """An RFC 5322 message: multipart/alternative, UTF-8, quoted-printable; the same bytes each time.

    The letter's id is a UUID and the local part of the Message-ID, at the sender's domain; its date is
    timezone-aware. Raises :class:`InputError` for a control character or line break in any
    header value, and for an address that is none.

    Written line by line: the library's message object parses each header that it is given, which took most of the
    time of sending.
    """
    _check_headers(
        subject=letter.subject, sender=letter.sender, name=letter.to_name, address=letter.address, id=letter.id
    )
    boundary = f"=_{letter.id}"  # never occurs in quoted-printable text
    head = (
        f"From: {_mailbox(SENDER_NAME, letter.sender, letter.id)}",
        f"To: {_mailbox(letter.to_name, letter.address, letter.id)}",
        f"Subject: {_text(letter.subject, 'Subject')}",
        f"Date: {format_datetime(letter.date)}",
        f"Message-ID: <{letter.id}@{letter.sender.rpartition('@')[2]}>",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: RN, NRN, AutoReply",  # but not that somebody is away, nor that it came back
        "MIME-Version: 1.0",
        f"Content-Language: {'cy' if letter.language == 'cy' else 'en-GB'}",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
        "",
        "",
    )
    between = f"--{boundary}\r\n".encode()
    parts = [between + _part(kind, body) for kind, body in (("plain", letter.text), ("html", letter.html))]
    content = "\r\n".join(head).encode("ascii") + b"".join(parts) + f"--{boundary}--\r\n".encode()
    if max(map(len, content.split(b"\r\n"))) > LONGEST_LINE:
        raise InputError("a line of the message is too long to send", where=f"delivery {letter.id}")
    return content


def _part(kind: str, body: str) -> bytes:
    lines = re.sub(r"\r\n|\r|\n", "\r\n", body)
    lines = lines if lines.endswith("\r\n") else f"{lines}\r\n"
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return head.encode() + b2a_qp(lines.encode("utf-8"), istext=True) + b"\r\n"


def _text(text: str, header: str) -> str:
    """A header's text as it is, where it is short and plain and no reader could take it for encoded; else encoded
    (RFC 2047)."""
    if text.isascii() and "=?" not in text and len(text) <= _SHORT and text == text.strip():
        return text
    return Header(text, "utf-8", header_name=header, maxlinelen=_WIDTH).encode(linesep="\r\n")


def _check_headers(**values: str) -> None:
    for name, value in values.items():
        if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value):
            raise InputError(f"the {name} of a message holds a line break or control character", where="message")
    if not re.fullmatch(r"[A-Za-z0-9-]{1,60}", values["id"]):
        raise InputError("a delivery id is letters, digits and hyphens", where="message")


def _mailbox(name: str, address: str, delivery_id: str) -> str:
    if not is_address(address):
        raise InputError(
            "a sender or recipient is not an e-mail address",
            where=f"delivery {delivery_id}",
            fix="Correct it in the staff directory or the mail settings.",
        )
    written = _text(name, "Reply-To")
    if written == name:
        written = '"' + re.sub(r'([\\"])', r"\\\1", name) + '"' if re.search(r"[^A-Za-z0-9 \'_-]", name) else name
    lies_wide = len(written.rpartition("\n")[2]) + len(address) > _SHORT
    return f"{written}{_FOLD if lies_wide else ' '}<{address}>" if name else address


def return_path(bounces: str, delivery_id: str) -> str:
    """The address to which one message returns (a variable envelope return path): ``bounces+<32 digits>@domain``.

    The digits are the delivery's UUID. Whoever never had the message cannot guess them.
    """
    local, _, domain = bounces.rpartition("@")
    return f"{local}+{delivery_id.replace('-', '')}@{domain}"


def delivery_of(address: str) -> str | None:
    """The id of the delivery whose :func:`return_path` an address is; None for any other."""
    found = re.fullmatch(r"[^@]+\+([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})@[^@]+", address)
    return "-".join(found.groups()) if found else None


class PlainMail:
    """Writes letters as plain mail: all that composing needs of the e-mail channel."""

    def write(self, letter: Letter) -> bytes:
        """The mail."""
        return to_bytes(letter)

    def destination(self, address: str) -> str:
        """Its domain."""
        return address.rpartition("@")[2].lower()
