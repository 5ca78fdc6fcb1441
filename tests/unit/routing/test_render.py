"""The mail as it leaves: what it looks like, and that nothing gets in or out that should not."""

from __future__ import annotations

import email.policy
import re
from dataclasses import asdict, replace
from datetime import date
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from routing_samples import (
    CALENDAR,
    DIRECTORY,
    OVERDUE_VISIT,
    REVIEW,
    REVIEW_TOMORROW,
    SENT,
    TODAY,
    item,
    unmeasured,
    worker_items,
)

from alertd.cases.holding import Holding
from alertd.errors import InputError
from alertd.outbox.channel import Letter
from alertd.outbox.mail_message import to_bytes
from alertd.routing.digest import compose_digest, compose_urgent
from alertd.routing.mails import ClearedItem
from alertd.routing.render import Rendered, render_digest, render_urgent
from alertd.rulebook.model import Loosening

ID = "7c1f0a3e-5d1b-4a77-9d0e-0d7f1c2b3a4d"
HERE = Path(__file__).parent


def mails() -> dict[str, Rendered]:
    """One of each kind of mail."""
    common = {"today": TODAY, "calendar": CALENDAR, "directory": DIRECTORY}
    load = [(Holding("P1"), "overdue"), (Holding("P2"), "due")]
    up = [item(1, OVERDUE_VISIT, role="team_manager", how="team manager of T1")]
    feed = [item(1, unmeasured("feed"), role="data_owner", how="data owner")]
    changed = {"48213": "stage", "51007": "new"}
    family = {"48213": "F1", "49950": "F1"}
    own = [
        replace(i, change=changed.get(i.finding.child, ""), household=family.get(i.finding.child))
        for i in worker_items()
    ]
    met = ClearedItem(replace(REVIEW_TOMORROW, child="40117", stage="met", met=date(2026, 11, 25)), REVIEW, "met")
    return {
        "worker": render_digest(compose_digest(own, cleared=[met], **common)),  # type: ignore[arg-type]
        "manager": render_digest(compose_digest(up, load=load, **common)),  # type: ignore[arg-type]
        "data owner": render_digest(compose_digest(feed, **common)),  # type: ignore[arg-type]
        "urgent": render_urgent(compose_urgent(item(1, OVERDUE_VISIT), today=TODAY, calendar=CALENDAR)),
    }


MAILS = mails()
each_mail = pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS.keys())


def send(mail: Rendered, **more: object) -> bytes:
    values = {
        "id": ID,
        "sender": "alertd@council.example",
        "to_name": "Siân O'Brien, North (duty)",
        "address": "sian@council.example",
        "date": SENT,
    } | asdict(mail)
    return to_bytes(Letter(**values | more))  # type: ignore[arg-type]


def read(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=email.policy.strict.clone(linesep="\r\n"))  # type: ignore[call-overload]
    assert isinstance(found, EmailMessage)
    return found


def test_a_workers_digest_reads_so() -> None:
    """The golden text. After an intended change, read the new text, then copy it over the file."""
    assert MAILS["worker"].text == (HERE / "worker_digest.txt").read_text(encoding="utf-8")


def parse(html: str) -> ElementTree.Element:
    """The mail as XML: stricter than any reader of HTML."""
    doctype, _, rest = html.strip().partition("\n")
    assert doctype == "<!DOCTYPE html>"
    return ElementTree.fromstring(rest)  # noqa: S314 -- our own templates


def words(text: str) -> list[str]:
    return re.findall(r"\w[\w/.]*", text.casefold().replace(". ", " ").replace(".\n", " "))


@each_mail
def test_the_html_says_all_that_the_text_says(mail: Rendered) -> None:
    shown = set(words(" ".join(parse(mail.html).itertext())))
    only_in_text = {"held", "by", "coming", "up", "today", "measured"}
    assert {w for w in words(mail.text) if w not in shown} <= only_in_text


@each_mail
def test_html_parses_strictly_and_fetches_nothing(mail: Rendered) -> None:
    root = parse(mail.html)
    assert root.get("lang") == "en-GB"
    tags = {e.tag.rpartition("}")[2] for e in root.iter()}
    assert not tags & {"img", "link", "script", "a", "iframe", "form", "base", "object", "svg"}
    assert not re.search(r"url\(|@import|src=|href=|https?://(?!www\.w3\.org/1999/xhtml)", mail.html)


@each_mail
def test_the_hidden_preview_holds_counts_only(mail: Rendered) -> None:
    hidden = re.search(r'<div style="display:none[^>]*>([^<]*)</div>', mail.html)
    assert hidden and hidden[1] == mail.preview
    assert re.fullmatch(
        r"(\d+ (overdue|due today|due by \w+|coming up|unknown|cannot be measured)(, )?)+", mail.preview
    )


@each_mail
def test_small_print_is_not_small_and_stages_have_words_not_only_colour(mail: Rendered) -> None:
    body = mail.html.partition("<table")[2]
    assert min(int(px) for px in re.findall(r"font-size:(\d+)px", body)) >= 16


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_at_least_that_of_wcag_aa_in_light_and_dark() -> None:
    """4.5 to 1: WCAG 2.2, success criterion 1.4.3."""
    head, _, body = "".join(m.html for m in MAILS.values()).partition("</style>")
    for colour in set(re.findall(r"[;\"]color:(#\w{6})", body)):
        assert _contrast(colour, "#ffffff") >= 4.5 and _contrast(colour, "#f3f2f1") >= 4.5, colour
    for colour in set(re.findall(r"[{ ]color: (#\w{6}) !important", head)):
        assert _contrast(colour, "#22272b") >= 4.5 and _contrast(colour, "#15181b") >= 4.5, colour


@each_mail
def test_a_message_comes_back_as_it_was(mail: Rendered) -> None:
    content = send(mail)
    found = read(content)
    assert not found.defects and found.get_content_type() == "multipart/alternative"
    assert found["Subject"] == mail.subject
    assert found["To"].addresses[0].display_name == "Siân O'Brien, North (duty)"
    assert found["To"].addresses[0].addr_spec == "sian@council.example"
    assert found["From"].addresses[0].addr_spec == "alertd@council.example"
    assert found["Message-ID"] == f"<{ID}@council.example>"
    assert found["Date"].datetime == SENT
    assert found["Auto-Submitted"] == "auto-generated" and "OOF" not in found["X-Auto-Response-Suppress"]
    assert not [h for h in found if h.lower().startswith("list-")]
    text, html = found.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == mail.text  # type: ignore[attr-defined]
    assert html.get_content().replace("\r\n", "\n") == mail.html  # type: ignore[attr-defined]
    assert [p["Content-Transfer-Encoding"] for p in (text, html)] == ["quoted-printable"] * 2
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.isascii() and b"\n" not in content.replace(b"\r\n", b"")


def test_the_same_mail_is_the_same_bytes() -> None:
    assert send(MAILS["worker"]) == send(mails()["worker"])


@pytest.mark.parametrize("bad", ["\r\nBcc: x@y.example", "\n", "\r", "\0", "\u2028", "\u2029", "\x85", "\x0b"])
@pytest.mark.parametrize("where", ["subject", "sender", "to_name", "address", "id"])
def test_no_header_takes_a_line_break(where: str, bad: str) -> None:
    plain = {"subject": "Overdue", "to_name": "Siân", "id": ID}.get(where, "a@council.example")
    more = {where: plain[:1] + bad + plain[1:]}
    mail = replace(MAILS["urgent"], subject=more.pop("subject", "Overdue"))
    with pytest.raises(InputError):
        send(mail, **more)


@pytest.mark.parametrize(
    "address", ["", "sian", "a@b@c", "a b@council.example", "siân@council.example", "a@", "<a@b.example"]
)
def test_a_bad_address_is_refused(address: str) -> None:
    with pytest.raises(InputError):
        send(MAILS["urgent"], address=address)


@given(name=st.text(max_size=80), subject=st.text(max_size=300))
def test_whatever_name_and_subject_the_message_is_whole_or_refused(name: str, subject: str) -> None:
    mail = Rendered(subject, "1 overdue", "text\n", "<p>text</p>\n")
    try:
        content = send(mail, to_name=name)
    except InputError:
        return
    head = content.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    assert len(names) == len(set(names)) == 10
    assert [a.addr_spec for a in read(content)["To"].addresses] == ["sian@council.example"]


def test_markup_in_data_stays_text() -> None:
    odd = item(1, replace(REVIEW_TOMORROW, child="<b>1&2</b>", where='"><img src=x>'))
    mail = render_digest(compose_digest([odd], today=TODAY, calendar=CALENDAR, directory=DIRECTORY))
    assert "&lt;b&gt;1&amp;2&lt;/b&gt;" in mail.html and "<img" not in mail.html
    assert "<b>1&2</b>" in mail.text


@pytest.mark.parametrize("role", ["worker", "team_manager"])
def test_what_explains_loosens_or_stands_behind_a_date_is_read_beside_it_by_everybody(role: str) -> None:
    late = item(1, replace(OVERDUE_VISIT, explained="missing episode since Tue 3 Nov 2026"), role=role)
    by = Loosening(officer="Director", reason="Agreed by the board", date_=date(2026, 9, 1))
    rule = late.rule.model_copy(update={"loosened_by": by})
    told = replace(late, rule=rule, stands_for=("Child in need visit", "No contact of any kind"))
    mail = render_digest(compose_digest([told], today=TODAY, calendar=CALENDAR, directory=DIRECTORY))
    for form in (" ".join(mail.text.split()), mail.html):
        assert "Known: missing episode since Tue 3 Nov 2026. The date stands." in form
        assert "Longer than the limit as published: Agreed by the board (Director, Tue 1 Sep)." in form
        assert "Stands also for: Child in need visit and No contact of any kind." in form
