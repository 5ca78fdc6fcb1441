"""What the e-mail channel makes of a server's misbehaviour (fault rows F11 to F20, F26, F28)."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace

import pytest

from alertd.outbox.channel import Message, Outcome
from alertd_notifiers.email import EmailConfig, EmailNotifier, notifier
from tests.support import smtp_server
from tests.support.smtp_server import Behaviour, SmtpServer

SENDER = "alertd@council.example"
MESSAGE = Message(
    "d1",
    "worker@council.example",
    b"From: alertd@council.example\r\nTo: worker@council.example\r\nMessage-ID: <d1@council.example>\r\n\r\nText.\r\n",
)


@pytest.fixture(autouse=True, params=[(), ("PIPELINING",)], ids=["one by one", "together"])
def offers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the server takes several commands at once."""
    monkeypatch.setattr(smtp_server, "OFFERS", (*smtp_server.OFFERS, *request.param))


BEFORE = ("connect", "EHLO", "MAIL", "RCPT", "DATA")
LOSSES = ("hang", "close", "reset")


def channel(port: int, **settings: object) -> EmailNotifier:
    """A channel to a port here: plain unless said otherwise, and with little patience."""
    usual = {"host": "localhost", "tls": "none", "timeout_seconds": 0.5, "answer_seconds": 0.5}
    return notifier(EmailConfig.model_validate(usual | {"port": port, "sender": "alertd@council.example"} | settings))


def attempts(port: int, *messages: Message, **settings: object) -> list[Outcome]:
    """The outcomes of sending messages one after the other on one channel."""

    async def send_all() -> list[Outcome]:
        email = channel(port, **settings)
        try:
            return [await email.send(message) for message in messages]
        finally:
            await email.close()

    return asyncio.run(send_all())


def attempt(behave: dict[str, Behaviour]) -> tuple[Outcome, SmtpServer]:
    with SmtpServer(behave) as server:
        [outcome] = attempts(server.port, MESSAGE)
    return outcome, server


def test_a_message_the_server_takes_is_delivered_byte_for_byte() -> None:
    outcome, server = attempt({})
    assert outcome.result == "delivered"
    [taken] = server.taken
    assert taken.content == MESSAGE.content
    assert (taken.sender, taken.recipients) == (SENDER, (MESSAGE.recipient,))
    assert server.heard[-1] == "QUIT"


def test_f11_a_closed_port_means_later_for_the_whole_channel() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        [outcome] = attempts(unheard.getsockname()[1], MESSAGE, host="127.0.0.1")
    assert (outcome.result, outcome.scope == "channel") == ("later", True)
    assert "refused" in outcome.reason


@pytest.mark.parametrize("stage", BEFORE)
@pytest.mark.parametrize("behaviour", [*LOSSES, "garbage", "endless", "long", "drip"])
def test_f19_f20_a_loss_before_the_message_is_handed_over_means_later(stage: str, behaviour: str) -> None:
    outcome, server = attempt({stage: behaviour})
    assert outcome.result == "later"
    assert (outcome.scope == "channel") == (stage in ("connect", "EHLO"))
    assert server.taken == []


@pytest.mark.parametrize("behaviour", [*LOSSES, "garbage", "endless", "long", "drip", "reply 354 what"])
def test_f12_f13_a_loss_after_the_message_was_handed_over_means_unknown(behaviour: str) -> None:
    outcome, server = attempt({".": behaviour})
    assert (outcome.result, outcome.scope == "channel") == ("unknown", False)
    assert len(server.taken) == 1


@pytest.mark.parametrize("behaviour", LOSSES)
@pytest.mark.parametrize("stage", ["250", "QUIT"])
def test_f14_trouble_after_the_250_changes_nothing(stage: str, behaviour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alertd_notifiers.email.connection._QUIT_SECONDS", 0.2)
    outcome, server = attempt({stage: behaviour})
    assert outcome.result == "delivered"
    assert len(server.taken) == 1


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(
    ("reply", "result"), [("451 4.7.1 greylisted", "later"), ("452 full", "later"), ("550 5.1.1 no", "refused")]
)
def test_f15_f17_a_4xx_means_later_and_a_5xx_refused(stage: str, reply: str, result: str) -> None:
    outcome, server = attempt({stage: f"reply {reply}"})
    assert (outcome.result, outcome.scope == "channel") == (result, False)
    assert reply in outcome.reason
    assert server.taken == []


@pytest.mark.parametrize("stage", [*BEFORE, "."])
def test_f18_a_421_anywhere_means_later(stage: str) -> None:
    outcome, server = attempt({stage: "reply 421 4.3.2 shutting down"})
    assert (outcome.result, outcome.scope == "channel") == ("later", False)
    assert server.taken == []


@pytest.mark.parametrize("stage", ["connect", "EHLO"])
def test_a_relay_that_will_not_serve_us_loses_no_message(stage: str) -> None:
    outcome, _server = attempt({stage: "reply 554 no service for you"})
    assert (outcome.result, outcome.scope == "channel") == ("later", True)


def test_authentication_demanded_at_mail_stops_the_channel_not_the_message() -> None:
    outcome, _server = attempt({"MAIL": "reply 530 5.7.0 Authentication required"})
    assert (outcome.result, outcome.scope == "channel") == ("later", True)


def test_f16_one_refused_recipient_does_not_touch_the_others_and_the_connection_is_kept() -> None:
    recipients = [f"{name}@council.example" for name in ("one", "two", "three")]
    with SmtpServer({"RCPT two@council.example": "reply 550 no such user"}) as server:
        outcomes = attempts(server.port, *(replace(MESSAGE, recipient=r) for r in recipients))
    assert [outcome.result for outcome in outcomes] == ["delivered", "refused", "delivered"]
    assert [taken.recipients for taken in server.taken] == [(recipients[0],), (recipients[2],)]
    assert server.connections == 1
    assert server.heard.count("RSET") == 1


def test_a_kept_connection_that_died_is_replaced_unnoticed() -> None:
    with SmtpServer({"250": ["close"], "MAIL": [None, None, "reply 421 idle too long"]}) as server:
        outcomes = attempts(server.port, MESSAGE, MESSAGE, MESSAGE, MESSAGE)
    assert [outcome.result for outcome in outcomes] == ["delivered"] * 4
    assert server.connections == 3


def test_concurrent_messages_have_a_connection_each() -> None:
    async def send_three(port: int) -> list[Outcome]:
        email = channel(port)
        sent = await asyncio.gather(*(email.send(MESSAGE) for _ in range(3)))
        await email.close()
        return sent

    with SmtpServer({"MAIL": "slow"}) as server:
        outcomes = asyncio.run(send_three(server.port))
    assert [outcome.result for outcome in outcomes] == ["delivered"] * 3
    assert server.connections == 3


def test_f20_slow_answers_each_in_time_end_at_the_limit_for_the_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alertd_notifiers.email.channel.BEFORE_THE_MESSAGE", 2)
    began = time.monotonic()
    outcome, server = attempt(dict.fromkeys(BEFORE, "slow"))
    assert outcome.result == "later"
    assert "in time" in outcome.reason
    assert time.monotonic() - began < 1.5
    assert server.taken == []


def test_f26_eight_bit_text_goes_only_to_a_server_that_offers_to_carry_it() -> None:
    eight_bit = replace(MESSAGE, content="Subject: x\r\n\r\nÀ bientôt.\r\n".encode())
    with SmtpServer() as able, SmtpServer(offers=()) as unable:
        assert [o.result for o in attempts(able.port, eight_bit)] == ["delivered"]
        assert able.taken[0].content == eight_bit.content
        [outcome] = attempts(unable.port, eight_bit)
    assert outcome.result == "refused"
    assert "ASCII" in outcome.reason
    assert unable.taken == []


@pytest.mark.parametrize("address", ["", "no-at-sign", "é@council.example", "a@b.example>\r\nRSET", "a b@c.example"])
def test_f26_f27_an_address_that_cannot_be_written_in_an_envelope_is_refused_before_connecting(address: str) -> None:
    with SmtpServer() as server:
        outcomes = attempts(server.port, replace(MESSAGE, recipient=address))
    assert [outcome.result for outcome in outcomes] == ["refused"]
    assert server.connections == 0
    assert not address or address not in outcomes[0].reason


@pytest.mark.parametrize("ends", [b"\n.\n", b"\r.\r", b"\r\n.\r\n", b"\n.\r\n", b"\r\n.\n"])
def test_f28_a_dot_on_its_own_line_stays_inside_the_message(ends: bytes) -> None:
    smuggled = b"Subject: x\r\n\r\nText" + ends + b"MAIL FROM:<a@b.example>\r\n..two dots\r\nend"
    with SmtpServer() as server:
        assert [o.result for o in attempts(server.port, replace(MESSAGE, content=smuggled))] == ["delivered"]
    [taken] = server.taken
    assert taken.content == b"Subject: x\r\n\r\nText\r\n.\r\nMAIL FROM:<a@b.example>\r\n..two dots\r\nend\r\n"


def test_a_reason_is_one_short_printable_line_without_addresses() -> None:
    text = "550-<worker@council.example>: unknown\x07\n550 \xe9" + "x" * 500
    outcome, _server = attempt({"RCPT": f"reply {text}"})
    assert outcome.result == "refused"
    assert "worker@council.example" not in outcome.reason
    assert "(address)" in outcome.reason
    assert outcome.reason.isprintable(), "bytes that are not text cannot be stored"
    assert len(outcome.reason) < 280
