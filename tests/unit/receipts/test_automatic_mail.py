"""Which mails a machine wrote, and which of them say that somebody is away."""

from __future__ import annotations

from email.message import Message

import pytest

from alertd.receipts.automatic import machine
from alertd.receipts.read import read

AWAY = [
    {"Auto-Submitted": "auto-replied"},
    {"Auto-Submitted": "Auto-Replied; owner-email=x"},
    {"Auto-Submitted": "auto-replied (vacation)"},
    {"Auto-Submitted": "auto-generated", "Subject": "Automatic reply: Something"},
    {"X-Auto-Response-Suppress": "All", "Subject": "Out of Office: Something"},
    {"Subject": "Out of the office"},
    {"Subject": "Auto-reply: Something"},
    {"Subject": "Ateb awtomatig: Rhywbeth"},
    {"Subject": "Allan o'r swyddfa"},
    {"Subject": "=?utf-8?q?Allan_o=E2=80=99r_swyddfa=3A_Rhywbeth?="},
    {"X-Autoreply": "yes"},
    {"X-Autorespond": "Something"},
    {"Precedence": "auto_reply"},
]
MACHINES = [
    {"Auto-Submitted": "auto-generated"},
    {"Auto-Submitted": "auto-notified"},
    {"Precedence": "bulk", "Subject": "Out of office: a newsletter"},
    {"List-Id": "<news.example>", "Auto-Submitted": "auto-replied"},
    {"Return-Path": "<>"},
    {"X-Auto-Response-Suppress": "All"},
    {"Content-Type": "multipart/report; report-type=disposition-notification", "Auto-Submitted": "auto-replied"},
]
PEOPLE = [
    {"Subject": "Re: Something"},
    {"Auto-Submitted": "no"},
    {"Subject": "Re: your automatic reply"},
    {"Subject": "Re: out of office next week"},
    {"Return-Path": "<ade@council.example>"},
]


def made(headers: dict[str, str]) -> bytes:
    return "".join(f"{name}: {value}\n" for name, value in headers.items()).encode() + b"\nText.\n"


@pytest.mark.parametrize("headers", AWAY, ids=str)
def test_an_answer_for_somebody_who_is_away_is_known(headers: dict[str, str]) -> None:
    found = read(made(headers)).machine
    assert found is not None and found.away


@pytest.mark.parametrize("headers", MACHINES, ids=str)
def test_other_mail_of_machines_says_nothing_of_somebody_being_away(headers: dict[str, str]) -> None:
    found = read(made(headers)).machine
    assert found is not None and not found.away


@pytest.mark.parametrize("headers", PEOPLE, ids=str)
def test_what_a_person_may_have_written_is_not_taken_for_a_machines(headers: dict[str, str]) -> None:
    assert read(made(headers)).machine is None


def test_every_sign_has_a_reason_in_words() -> None:
    message = Message()
    message["Auto-Submitted"] = "auto-generated"
    found = machine(message, "")
    assert found is not None and found.why == "it says that it was sent automatically"
