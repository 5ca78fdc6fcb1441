"""What the e-mail channel asks of the relay beside sending: reports, return paths, TLS all the way."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.errors import InputError
from alertd.outbox.channel import Message, Outcome
from alertd.outbox.mail_message import delivery_of, return_path
from alertd_notifiers.email import notifier
from tests.support.smtp_server import OFFERS, SmtpServer

ID = str(uuid4())
MESSAGE = Message(ID, "o'brien+night@nhs.example", b"From: a@council.example\r\n\r\nText.\r\n")


def send(server: SmtpServer, *messages: Message, **settings: object) -> list[Outcome]:
    usual = {"host": "localhost", "port": server.port, "tls": "none", "sender": "alertd@council.example"}

    async def all_of_them() -> list[Outcome]:
        email = notifier(usual | {"timeout_seconds": 5} | settings)
        try:
            return [await email.send(message) for message in messages]
        finally:
            await email.close()

    return asyncio.run(all_of_them())


def test_reports_are_asked_for_where_they_are_offered() -> None:
    with SmtpServer(offers=(*OFFERS, "DSN")) as server:
        assert [o.result for o in send(server, MESSAGE)] == ["delivered"]
    mail, rcpt = server.envelopes
    assert mail.startswith("FROM:<alertd@council.example> SIZE=") and mail.endswith(f" RET=HDRS ENVID={ID}")
    assert rcpt == f"TO:<{MESSAGE.recipient}> NOTIFY=FAILURE,DELAY ORCPT=rfc822;o'brien+2Bnight@nhs.example"


def test_nothing_is_asked_of_a_relay_that_does_not_offer_it() -> None:
    with SmtpServer(offers=()) as server:
        send(server, MESSAGE)
    assert server.envelopes == ["FROM:<alertd@council.example>", f"TO:<{MESSAGE.recipient}>"]


def test_each_message_has_a_return_path_of_its_own() -> None:
    with SmtpServer() as server:
        send(server, MESSAGE, bounces="bounces@council.example")
    [taken] = server.taken
    assert taken.sender == f"bounces+{ID.replace('-', '')}@council.example"
    assert delivery_of(taken.sender) == ID


@given(st.uuids().map(str), st.sampled_from(["b@c.example", "alertd-bounces@a.b.example", "a+b@c.example"]))
def test_a_return_path_leads_back_to_its_delivery(delivery: str, bounces: str) -> None:
    assert delivery_of(return_path(bounces, delivery)) == delivery
    assert len(return_path(bounces, delivery).partition("@")[0]) <= 64


@given(st.text())
def test_any_other_address_leads_nowhere(text: str) -> None:
    assert delivery_of(text) is None


@pytest.mark.parametrize(
    ("domain", "written"),
    [("nhs.example", "nhs.example"), ("NHS.example", "nhs.example"), ("nhs.example", "NHS.Example"),
     ("trust.north.nhs.example", ".nhs.example")],
)  # fmt: skip
def test_i4_mail_to_a_domain_that_needs_tls_all_the_way_is_not_sent_where_the_relay_cannot_promise_it(
    domain: str, written: str
) -> None:
    message = Message(ID, f"duty@{domain}", MESSAGE.content)
    domains = {written: {"require_tls": True}}
    with SmtpServer() as server:
        [refused, other] = send(server, message, Message(ID, "x@other.example", MESSAGE.content), domains=domains)
    assert (refused.result, other.result) == ("refused", "delivered")
    assert "REQUIRETLS" in refused.reason and [t.recipients for t in server.taken] == [("x@other.example",)]
    with SmtpServer(offers=(*OFFERS, "REQUIRETLS")) as able:
        assert [o.result for o in send(able, message, domains=domains)] == ["delivered"]
    assert able.envelopes[0].endswith(" REQUIRETLS")


def test_a_recipient_that_is_refused_while_the_server_waits_for_a_message_costs_the_connection_and_no_more() -> None:
    """A server may say 354 though it took no recipient (RFC 2920, 3.1): what follows would be a message to nobody."""
    with SmtpServer(offers=(*OFFERS, "PIPELINING")) as server:
        server.behave = {"RCPT gone@nhs.example": "reply 550 no such user"}
        outcomes = send(server, Message(ID, "gone@nhs.example", MESSAGE.content), MESSAGE)
    assert [o.result for o in outcomes] == ["refused", "delivered"]
    assert [t.recipients for t in server.taken] == [(MESSAGE.recipient,)]


def test_what_is_said_of_one_domain_is_not_said_of_others_and_the_nearest_counts() -> None:
    with SmtpServer() as server:
        domains = {".nhs.example": {"require_tls": True}, "open.nhs.example": {"require_tls": False}}
        addresses = ["a@nhs.example", "a@xnhs.example", "a@open.nhs.example", "a@example", "a@in.open.nhs.example"]
        outcomes = send(server, *(Message(ID, one, MESSAGE.content) for one in addresses), domains=domains)
    assert [o.result for o in outcomes] == ["delivered"] * 4 + ["refused"]


@pytest.mark.parametrize("written", ["duty@nhs.example", "nhs", "*.nhs.example", ""])
def test_i4_a_domain_that_is_none_is_refused_because_it_would_hold_for_nobody(written: str) -> None:
    with pytest.raises(InputError, match="is no domain") as said:
        notifier({"host": "localhost", "tls": "none", "sender": "a@council.example",
                  "domains": {written: {"require_tls": True}}})  # fmt: skip
    assert (said.value.where or "").startswith("email.domains")
