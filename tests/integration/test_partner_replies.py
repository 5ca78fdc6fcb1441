"""Answers by mail: the right reference from an address of the agency, by a person. Nothing else acknowledges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.db.tables import Delivery
from alertd.engine import sweep as sweeping
from alertd.partners import store
from alertd.receipts.read import read
from alertd.receipts.take import Taken
from alertd.receipts.take import take as take_message
from tests.integration.test_partners_road import REVIEWERS, Town, nov
from tests.support.council import Inline


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = Town(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    found.day(nov(3))
    found.do(store.approve, "W1", found.at(nov(3)))
    found.council.send(time(9, 5))
    found.council.send(time(9, 6))
    yield found
    found.council.house.engine.dispose()


def answer(reference: str, sender: str = "Desk <desk@reviewers.example>", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "alertd@council.example"
    message["Subject"] = f"Re: Notification {reference}, to acknowledge by 6 November 2026"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Thank you, we have it.\n")
    return message


def take(town: Town, message: EmailMessage | bytes) -> Taken:
    raw = message if isinstance(message, bytes) else message.as_bytes()
    house = town.council.house
    with Session(house.engine) as session, session.begin():
        return take_message(session, house.composer_now(), read(raw), town.council.now)


def owner_was_told(town: Town) -> list[str]:
    before = len(town.council.mail.sent)
    town.council.send(time(10))
    return [body for to, subject, body in town.council.mail.sent[before:] if "answer of an agency" in subject]


def staff_were_told(town: Town) -> dict[str, str]:
    """Who heard that an agency wrote more than thanks, and what."""
    before = len(town.council.mail.sent)
    town.council.send(time(10))
    return {
        to: " ".join(b.split())
        for to, _, b in town.council.mail.sent[before:]
        if "more than thanks" in " ".join(b.split())
    }


def test_the_reference_from_an_address_of_theirs_acknowledges_once(town: Town) -> None:
    row = town.only()
    assert take(town, answer(row.reference)).result == "acknowledged"
    assert town.only().state == "acknowledged"
    assert take(town, answer(row.reference, "DESK@Reviewers.Example")).result == "known"
    assert owner_was_told(town) == []


NOT_TAKEN: tuple[tuple[dict[str, str], str], ...] = (
    ({"sender": "somebody@elsewhere.example"}, "not from an address"),
    ({"sender": "desk@reviewers.example, other@elsewhere.example"}, "not from an address"),
    ({"Auto_Submitted": "auto-replied"}, "sent automatically"),
    ({"Auto_Submitted": "auto-generated; owner=x"}, "sent automatically"),
    ({"Precedence": "auto_reply"}, "sent automatically"),
    ({"X_Autoreply": "yes"}, "sent automatically"),
    ({"Return_Path": "<>"}, "no return path"),
)


def test_who_writes_more_than_thanks_is_read_by_the_worker_and_the_manager(town: Town) -> None:
    """Perhaps it is not their child: the answer acknowledges, and a person must see what else it says."""
    reference = town.only().reference
    mail = answer(reference)
    mail.set_content(
        "We have received this but this child is not known to us, you may have the wrong service. Please ring.\n\n"
        "On Tue, 24 Nov 2026 alertd wrote:\n> Our reference " + reference + "\n"
    )
    assert take(town, mail).result == "acknowledged"
    told = staff_were_told(town)
    assert sorted(told) == ["ade", "cy"]
    assert all("not known" not in body for body in told.values()), "their words stay in the mailbox"


def test_thanks_above_a_long_quotation_and_a_signature_are_no_more_than_thanks(town: Town) -> None:
    mail = answer(town.only().reference)
    quoted = "\n".join(f"> {n} words of the mail that was sent" for n in range(30))
    mail.set_content(f"Thank you, we have it.\n\n{quoted}\n-- \n{'A long name of an office ' * 9}\n")
    assert take(town, mail).result == "acknowledged"
    assert staff_were_told(town) == {}


def test_anything_else_acknowledges_nothing_and_is_told(town: Town) -> None:
    reference = town.only().reference
    for change, why in NOT_TAKEN:
        taken = take(town, answer(reference, **change))
        assert taken.result == "not_taken" and why in taken.why, change
    for subject in ("Automatic reply: Notification {}", "Out of office: Re {}", "Ateb awtomatig: {}"):
        message = answer(reference)
        message.replace_header("Subject", subject.format(reference))
        assert take(town, message).why == "it is an out-of-office answer"
    assert town.only().state == "sent"
    told = owner_was_told(town)
    assert len(told) == 2 + 1, "what people wrote one by one, what machines sent together"
    assert not any("elsewhere" in body for body in told)


def test_no_reference_or_a_wrong_or_two_are_never_guessed(town: Town) -> None:
    right = town.only().reference
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    for said, why in ((wrong, "no reference"), ("2222-2222", ""), ("nothing", "no reference")):
        taken = take(town, answer(said))
        assert taken.result == "not_taken" and why in taken.why
    assert town.only().state == "sent"


def test_the_same_mail_handed_over_twice_is_told_once(town: Town) -> None:
    message = answer("nothing")
    take(town, message)
    take(town, message)
    assert len(owner_was_told(town)) == 1


def test_a_report_that_it_could_not_be_delivered_is_a_bounce(town: Town) -> None:
    with Session(town.council.house.engine) as session:
        id_ = session.scalar(select(Delivery.id).where(Delivery.person == "agency:reviewers"))
    report = (
        "From: MAILER-DAEMON@reviewers.example\nReturn-Path: <>\nAuto-Submitted: auto-replied\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nNo such user.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.reviewers.example\n\n"
        "Final-Recipient: rfc822; desk@reviewers.example\nAction: failed\nStatus: 5.1.1\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{id_}@council.example>\nSubject: x\n\n--b--\n"
    )
    assert take(town, report.replace("failed", "delayed").encode()).result == "delayed"
    assert town.only().state == "sent"
    assert take(town, report.encode()).result == "bounced"
    town.council.send(time(10))
    row = town.only()
    assert row.state == "held" and row.why.startswith("address: it came back: there is no such mailbox (5.1.1)")
    assert len(town.mails_to("desk")) == 1
    assert {to for to, _, body in town.council.mail.sent if "did not reach the agency" in body} == {"ade", "cy", "gus"}
    town.day(nov(4))
    assert town.alert("notify.n5") == ("open", None)


TWO_IN_ONE = (
    "desk@reviewers.example <somebody@elsewhere.example>",
    "desk@reviewers.example (Desk) <somebody@elsewhere.example>",
    "desk@reviewers.example> <somebody@elsewhere.example",
    "desk@reviewers.example; somebody@elsewhere.example",
    "<@elsewhere.example:desk@reviewers.example>",
    "=?utf-8?q?desk?=@reviewers.example",
    "somebody@elsewhere.example (desk@reviewers.example)",
    "DES\u212a@reviewers.example",
    '"desk@reviewers.example" <somebody@elsewhere.example>',
    "=?utf-8?q?desk=40reviewers.example?= <somebody@elsewhere.example>",
)


@pytest.mark.parametrize("written", TWO_IN_ONE)
def test_a_sender_that_two_mail_programs_read_differently_acknowledges_nothing(town: Town, written: str) -> None:
    reference = town.only().reference
    raw = f"From: {written}\r\nSubject: Re: {reference}\r\n\r\nThank you.\r\n".encode()
    assert "not from an address" in take(town, raw).why
    assert town.only().state == "sent"


@pytest.mark.parametrize(
    "written",
    [
        "desk@reviewers.example",
        "<desk@reviewers.example>",
        "Desk O'Neill (Reviewers) <Desk@reviewers.example>",
        '"Desk, The \\"first\\"" <desk@reviewers.example>',
        "=?utf-8?q?D=C3=AAsk?=\r\n <desk@reviewers.example>",
    ],
)
def test_a_sender_written_as_mail_programs_do_is_read(written: str) -> None:
    assert read(f"From: {written}\r\n\r\n".encode()).sender == "desk@reviewers.example"


def test_whoever_left_the_agency_acknowledges_nothing_and_whoever_is_away_may(town: Town) -> None:
    reference, (desk,) = town.only().reference, REVIEWERS.contacts
    town.agencies(replace(REVIEWERS, contacts=(replace(desk, leaves=nov(3)),)))
    assert "not from an address" in take(town, answer(reference)).why
    town.agencies(replace(REVIEWERS, contacts=(replace(desk, away_from=nov(3)),)))
    assert take(town, answer(reference)).result == "acknowledged"


@pytest.mark.fault("F32")
def test_machines_that_answer_our_word_to_the_data_owner_are_not_answered(town: Town) -> None:
    for n in range(5):
        take(town, f"From: mailer@council.example\nAuto-Submitted: auto-replied\nMessage-ID: <{n}>\n\nGone.\n".encode())
    assert owner_was_told(town) == []


HARD = {
    "words": b"From: " + b"a " * 100_000 + b"\n\n",
    "encoded": b"From: a@b.example\nSubject: " + b"=?utf-8?q?a?= " * 50_000 + b"\n\n",
    "parameters": b"From: a@b.example\nContent-Type: text/plain; " + b"a=b; " * 50_000 + b"\n\n",
    "parts": b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"
    + b"".join(b"--b\nContent-Type: text/plain; " + b"a=b; " * 180 + b"\n\nx\n" for _ in range(1_900)),
    "quotes": b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"
    + b"".join(b"--b\nContent-Type: text/plain; " + b'";' * 450 + b"\n\nx\n" for _ in range(1_900)),
}


@pytest.mark.parametrize("name", HARD)
def test_a_message_made_to_be_hard_to_read_is_read_soon(name: str) -> None:
    """Read with the whole parser each of these takes from half a minute to hours."""
    assert read(HARD[name]).reply.references == frozenset()


def test_a_reference_in_an_attached_message_is_not_the_writers_own(town: Town) -> None:
    message = answer(town.only().reference)
    outer = EmailMessage()
    outer["From"] = "desk@reviewers.example"
    outer.set_content("For you.")
    outer.add_attachment(message)
    assert take(town, outer).why == "no reference stands in it"


@given(st.binary(max_size=400))
def test_no_bytes_whatever_make_it_fall_over(raw: bytes) -> None:
    assert read(raw).reply.references == frozenset() or read(raw).sender == ""
    read(b"From: a@b.example\nContent-Type: multipart/report; boundary=x\n\n--x\n" + raw)
    read(b"From: " + raw + b"\nSubject: " + raw + b"\n\n" + raw)
