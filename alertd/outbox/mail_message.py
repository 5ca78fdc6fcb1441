"""The bytes of a mail: plain text and HTML of the same content, as RFC 5322 has them."""

from __future__ import annotations

import re
import unicodedata
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from alertd.addresses import is_address
from alertd.errors import InputError
from alertd.outbox.channel import Letter

SENDER_NAME: Final = "alertd"
LONGEST_LINE: Final = 998
"""Characters in one line of a message without its end: RFC 5322, section 2.1.1."""


def to_bytes(letter: Letter) -> bytes:
    """An RFC 5322 message: multipart/alternative, UTF-8, quoted-printable; the same bytes each time.

    The letter's id is a UUID and the local part of the Message-ID, at the sender's domain; its date is
    timezone-aware. Raises :class:`InputError` for a control character or line break in any
    header value, and for an address that is none.
    """
    _check_headers(
        subject=letter.subject, sender=letter.sender, name=letter.to_name, address=letter.address, id=letter.id
    )
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(SENDER_NAME, letter.sender, letter.id)
    message["To"] = _address(letter.to_name, letter.address, letter.id)
    message["Subject"] = letter.subject
    message["Date"] = letter.date
    message["Message-ID"] = f"<{letter.id}@{letter.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = "cy" if letter.language == "cy" else "en-GB"
    message.set_boundary(f"=_{letter.id}")  # never occurs in quoted-printable text
    content = message.as_bytes()
    if max(map(len, content.split(b"\r\n"))) > LONGEST_LINE:
        raise InputError("a line of the message is too long to send", where=f"delivery {letter.id}")
    return content


def _check_headers(**values: str) -> None:
    for name, value in values.items():
        if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value):
            raise InputError(f"the {name} of a message holds a line break or control character", where="message")
    if not re.fullmatch(r"[A-Za-z0-9-]{1,60}", values["id"]):
        raise InputError("a delivery id is letters, digits and hyphens", where="message")


def _address(name: str, address: str, delivery_id: str) -> Address:
    if not is_address(address):
        raise InputError(
            "a sender or recipient is not an e-mail address",
            where=f"delivery {delivery_id}",
            fix="Correct it in the staff directory or the mail settings.",
        )
    return Address(display_name=name, addr_spec=address)


class PlainMail:
    """Writes letters as plain mail: all that composing needs of the e-mail channel."""

    def write(self, letter: Letter) -> bytes:
        """The mail."""
        return to_bytes(letter)

    def destination(self, address: str) -> str:
        """Its domain."""
        return address.rpartition("@")[2].lower()
