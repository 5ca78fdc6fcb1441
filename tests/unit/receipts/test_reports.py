"""Reports of mail servers as Postfix, Exchange, Exim and Gmail shape them; and bytes that are none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.receipts.dsn import ACTIONS, Recipient
from alertd.receipts.read import read
from tests.support.reports import SHAPES, postfix

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ADDRESS = "ade@council.example"


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_report_says_of_which_message_and_address_it_is_and_what_became_of_it(shape: str, action: str) -> None:
    found = read(SHAPES[shape](ID, ADDRESS, action, "5.2.2"))
    assert found.report is not None and found.machine is not None
    (one,) = found.report.recipients
    assert (one.action, one.final, one.status) == (action, ADDRESS, "5.2.2")
    assert one.words == "the mailbox is full (5.2.2)"
    assert found.report.returned == {ID}
    assert not found.machine.away, "a report is no word of somebody being away"


@pytest.mark.parametrize(
    "header", ["Delivered-To", "X-Original-To", "Envelope-To", "To"], ids=lambda name: name.lower()
)
def test_the_return_path_it_came_to_is_found_wherever_the_mail_server_puts_it(header: str) -> None:
    path = f"bounces+{ID.replace('-', '')}@council.example"
    raw = f"{header}: <{path.upper()}>\r\n".encode() + postfix("x", ADDRESS)
    assert read(raw).came_to == {ID}
    assert read(postfix(ID, ADDRESS)).came_to == frozenset()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("5.1.1", "there is no such mailbox"),
        ("5.1.10", "there is no such mailbox"),
        ("5.1.2", "there is no such domain"),
        ("5.1.8", "the address cannot be delivered to"),
        ("5.2.1", "the mailbox is not in use"),
        ("4.4.7", "their mail server could not be reached in time"),
        ("5.7.520", "their policy refuses it"),
        ("5.9.9", "their mail server does not say why"),
        ("", "their mail server does not say why"),
    ],
)
def test_the_words_are_alertds_own_for_the_code(status: str, words: str) -> None:
    assert Recipient("failed", ADDRESS, status=status).words.startswith(words)


def test_nothing_that_a_server_wrote_gets_into_the_words() -> None:
    found = read(postfix(ID, ADDRESS, "failed", "5.1.1 ade of 12 High Street"))
    assert found.report is not None
    assert found.report.recipients[0].words == "there is no such mailbox (5.1.1)"


def test_a_reports_id_must_be_a_whole_message_id() -> None:
    for wrong in (ID[:-1], ID.replace("-", ""), f"x{ID}"):
        found = read(postfix(wrong, ADDRESS))
        assert found.report is not None and found.report.returned == frozenset()


@pytest.mark.fault("F29")
@given(st.sampled_from(sorted(SHAPES)), st.data())
def test_a_report_that_was_cut_or_changed_anywhere_never_makes_it_fall_over(shape: str, data: st.DataObject) -> None:
    raw = SHAPES[shape](ID, ADDRESS, "failed", "5.1.1")
    at = data.draw(st.integers(0, len(raw)))
    junk = data.draw(st.binary(max_size=30))
    for changed in (raw[:at], raw[:at] + junk + raw[at:], raw[:at] + junk + raw[at + len(junk) :]):
        found = read(changed)
        if found.report:
            assert all(one.action in ACTIONS for one in found.report.recipients)
            assert all(re.fullmatch(r"[0-9a-f-]{36}", id_) for id_ in found.report.returned)


HARD = {
    "blocks": b"".join(b"Final-Recipient: rfc822; a@b.example\nAction: failed\n\n" for _ in range(40_000)),
    "fields": b"".join(b"Action: failed\n" for _ in range(130_000)),
    "wide": b"Final-Recipient: rfc822; " + b"a" * 1_900_000,
}


@pytest.mark.parametrize("kind", ["delivery-status", "global-delivery-status"])
@pytest.mark.parametrize("name", HARD)
def test_a_report_made_to_be_hard_to_read_is_read_and_bounded(name: str, kind: str) -> None:
    head = b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/" + kind.encode() + b"\n\n"
    found = read(head + b"Reporting-MTA: dns; a.example\n\n" + HARD[name] + b"\n--b--\n")
    assert found.report is None or len(found.report.recipients) <= 51
