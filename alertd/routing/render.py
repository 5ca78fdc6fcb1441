"""Renders mail and builds the message bytes: plain text and HTML of the same content."""

from __future__ import annotations

import hashlib
import re
import textwrap
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from functools import lru_cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from alertd.errors import InputError
from alertd.people.load import is_address
from alertd.routing.mails import Digest, Urgent

SENDER_NAME: Final = "alertd"
LONGEST_LINE: Final = 998
"""Characters in one line of a message without its end: RFC 5322, section 2.1.1."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail in both forms. ``preview`` is what a phone shows beside the subject."""

    subject: str
    preview: str
    text: str
    html: str


def render_digest(digest: Digest) -> Rendered:
    """The digest as text and HTML."""
    return _render("digest", digest)


def render_urgent(urgent: Urgent) -> Rendered:
    """The urgent mail as text and HTML."""
    return _render("urgent", urgent)


def to_message(
    mail: Rendered,
    *,
    delivery_id: str,
    sender: str,
    to_name: str,
    to_address: str,
    date: datetime,
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


def _render(template: str, mail: Digest | Urgent) -> Rendered:
    environment = _environment()
    text, html = (environment.get_template(f"{template}.{form}.j2").render(mail=mail) for form in ("txt", "html"))
    return Rendered(mail.subject, mail.preview, text, html)


@lru_cache(maxsize=1)
def template_version() -> str:
    """The version of the templates, twelve hexadecimal digits: it changes when one of them does."""
    folder = files("alertd.routing") / "templates"
    content = [file.read_bytes() for file in sorted(folder.iterdir(), key=lambda f: f.name) if file.is_file()]
    return hashlib.sha256(b"\0".join(content)).hexdigest()[:12]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("alertd.routing"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["indented"] = _indented
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    return environment


def _indented(text: str, width: int = 76) -> str:
    """A paragraph four spaces in, wrapped."""
    return textwrap.fill(text, width, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
