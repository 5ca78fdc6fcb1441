"""Renders mail and builds the message bytes: plain text and HTML of the same content."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from alertd.errors import InputError
from alertd.people.load import is_address
from alertd.routing.lint import Known
from alertd.routing.mails import Digest, Page, Rendered, Urgent
from alertd.routing.wording import shipped

__all__ = ["Rendered", "render_digest", "render_page", "render_urgent", "to_message"]

SENDER_NAME: Final = "alertd"
LONGEST_LINE: Final = 998
"""Characters in one line of a message without its end: RFC 5322, section 2.1.1."""


def render_digest(digest: Digest, language: str = "en") -> Rendered:
    """The digest as text and HTML, by the templates that come with alertd."""
    return shipped().digest(digest, language)


def render_urgent(urgent: Urgent, language: str = "en") -> Rendered:
    """The urgent mail as text and HTML, by the template that comes with alertd."""
    return shipped().urgent(urgent, language)


def render_page(what: str, page: Page, language: str = "en", *, known: Known | None = None) -> Rendered:
    """A ``notification``, ``operator`` or ``subscription`` mail, by the template that comes with alertd."""
    return shipped().page(what, page, language, known=known)


def to_message(
    mail: Rendered,
    *,
    delivery_id: str,
    sender: str,
    to_name: str,
    to_address: str,
    date: datetime,
    language: str = "en",
) -> bytes:
    """An RFC 5322 message: multipart/alternative, UTF-8, quoted-printable; the same bytes each time.

    ``delivery_id`` is a UUID and the local part of the Message-ID, at the sender's domain. ``date``
    is timezone-aware. Raises :class:`InputError` for a control character or line break in any
    header value, and for an address that is none.
    """
    _check_headers(subject=mail.subject, sender=sender, name=to_name, address=to_address, id=delivery_id)
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(SENDER_NAME, sender, delivery_id)
    message["To"] = _address(to_name, to_address, delivery_id)
    message["Subject"] = mail.subject
    message["Date"] = date
    message["Message-ID"] = f"<{delivery_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = "cy" if language == "cy" else "en-GB"
    message.set_boundary(f"=_{delivery_id}")  # never occurs in quoted-printable text
    content = message.as_bytes()
    if max(map(len, content.split(b"\r\n"))) > LONGEST_LINE:
        raise InputError("a line of the message is too long to send", where=f"delivery {delivery_id}")
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
