"""The bytes of a mail say what the letter says, to a strict reader."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime, timedelta, timezone
from email.headerregistry import Address
from email.message import EmailMessage
from uuid import uuid4

from hypothesis import example, given
from hypothesis import strategies as st

from alertd.outbox.channel import Letter
from alertd.outbox.mail_message import LONGEST_LINE, to_bytes

ID = str(uuid4())
WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn", "Co")), max_size=200)
BODIES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), include_characters="\n\t"), max_size=600)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(lambda m: m.replace(tzinfo=UTC))


def letter(**changes: object) -> Letter:
    usual = Letter(ID, "alertd@council.example", "Siân", "sian@council.example", datetime.now(UTC), "s", "p", "t", "h")
    return usual.__class__(**{name: getattr(usual, name) for name in usual.__slots__} | changes)  # type: ignore[arg-type]


def read(content: bytes) -> EmailMessage:
    found = email.message_from_bytes(content, policy=email.policy.strict.clone(linesep="\r\n"))  # type: ignore[call-overload]
    assert isinstance(found, EmailMessage)
    return found


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@given(WORDS, WORDS, BODIES, BODIES, MOMENTS)
@example("=?utf-8?q?=0d=0aBcc:_x@y.example?=", "=?utf-8?b?WA==?=", ".\n..\nFrom x\n", "a" * 5000, datetime.now(UTC))
@example("x" * 200, 'O"Brien\\, (night) <a@b.example>', " \t \n ends with spaces   ", "=3D", datetime.now(UTC))
def test_a_strict_reader_finds_the_words_that_were_written(
    subject: str, name: str, text: str, html: str, date: datetime
) -> None:
    content = to_bytes(letter(subject=subject, to_name=name, text=text, html=html, date=date))
    assert (
        content.isascii() and b"\r" not in content.replace(b"\r\n", b"") and b"\n" not in content.replace(b"\r\n", b"")
    )
    assert max(map(len, content.split(b"\r\n"))) <= LONGEST_LINE
    message = read(content)
    assert sorted(set(message.keys())) == sorted(message.keys()), "no header twice, and none smuggled in"
    assert len(message.keys()) == 10
    assert " ".join(str(message["Subject"]).split()) == " ".join(subject.split())
    [to] = message["To"].addresses
    assert to.addr_spec == "sian@council.example"
    # The reader here shows a space between the encoded words of a long name, where RFC 2047, 6.2 has none.
    assert "".join(to.display_name.split()) == "".join(name.split())
    assert (body(message, "plain"), body(message, "html")) == (_ended(text), _ended(html))
    assert message["Date"].datetime == date.replace(microsecond=0)
    assert message["Message-ID"] == f"<{ID}@council.example>"


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def test_the_same_letter_makes_the_same_bytes_and_a_summer_date_keeps_its_offset() -> None:
    summer = datetime(2026, 7, 1, 9, tzinfo=timezone(timedelta(hours=1)))
    assert to_bytes(letter(date=summer)) == to_bytes(letter(date=summer))
    assert b"Date: Wed, 01 Jul 2026 09:00:00 +0100\r\n" in to_bytes(letter(date=summer))


def test_it_reads_as_the_librarys_own_message_of_the_same_words() -> None:
    words = {"subject": "Overdue · 3 of 40 – see why", "to_name": "Siân O'Brien, North (duty)", "text": "£5\n=20\n"}
    made, own = read(to_bytes(letter(**words))), EmailMessage(policy=email.policy.SMTP)
    own["Subject"], own["To"] = words["subject"], Address(words["to_name"], addr_spec="sian@council.example")
    own.set_content(words["text"])
    theirs = read(own.as_bytes())
    assert (made["Subject"], made["To"]) == (theirs["Subject"], theirs["To"])
    assert body(made, "plain") == body(theirs, "plain")
