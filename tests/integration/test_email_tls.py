"""No TLS, no trust, no login: no mail, and the whole channel waits (fault rows F21 to F23)."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
import trustme
from test_email_outcomes import MESSAGE, attempts, channel

from alertd.errors import InputError
from alertd_notifiers.email import notifier
from tests.support.smtp_server import Behaviour, SmtpServer

LOGIN = ("alertd", "s3cret")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def served(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def good(authority: trustme.CA) -> ssl.SSLContext:
    return served(authority.issue_cert("localhost"))


@pytest.mark.parametrize("how", ["starttls", "implicit"])
def test_with_tls_and_login_the_message_arrives(
    how: Literal["starttls", "implicit"], good: ssl.SSLContext, ca_file: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text(LOGIN[1] + "\n")
    secret.chmod(0o600)
    with SmtpServer(tls=good, implicit=how == "implicit", login=LOGIN) as server:
        outcomes = attempts(
            server.port, MESSAGE, MESSAGE, tls=how, ca_file=ca_file, username=LOGIN[0], password_file=secret
        )
    assert [outcome.result for outcome in outcomes] == ["delivered", "delivered"]
    assert server.connections == 1
    assert ("STARTTLS" in server.heard) == (how == "starttls")
    assert server.heard.index("AUTH") < server.heard.index("MAIL")


@pytest.mark.parametrize("how", ["starttls", "implicit"])
def test_who_watches_hears_each_step_with_the_end_of_the_certificate_and_no_password(
    how: Literal["starttls", "implicit"], authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    end = datetime.now(UTC) + timedelta(days=20)
    secret, heard = tmp_path / "password", []
    secret.write_text(LOGIN[1] + "\n")
    secret.chmod(0o600)

    async def watched(port: int) -> None:
        email = channel(port, tls=how, ca_file=ca_file, username=LOGIN[0], password_file=secret)
        email.hears = heard.append
        assert (await email.send(MESSAGE)).result == "delivered"
        await email.close()

    certificate = served(authority.issue_cert("localhost", not_after=end))
    with SmtpServer(tls=certificate, implicit=how == "implicit", login=LOGIN) as server:
        asyncio.run(watched(server.port))
    encrypted = f"encrypted with TLSv1.3; the certificate of the other side holds until {end:%Y-%m-%d}"
    assert heard[0].startswith("looked up localhost: ")
    answers = heard.index("localhost answers")
    assert heard.index(encrypted) == answers + (1 if how == "starttls" else -1)
    assert heard[-5:] == [
        f"logged in as {LOGIN[0]}",
        "the sender is accepted",
        "the recipient is accepted",
        "the message may come",
        "the message was taken: 250 stored",
    ]
    assert not any(LOGIN[1] in step for step in heard)


def test_f21_without_starttls_on_offer_nothing_is_sent(ca_file: Path) -> None:
    with SmtpServer() as server:
        [outcome] = attempts(server.port, MESSAGE, tls="starttls", ca_file=ca_file)
    assert (outcome.result, outcome.scope) == ("later", "channel")
    assert "TLS is required and the server does not offer it" in outcome.reason
    assert server.heard == ["EHLO"]


def _expired(authority: trustme.CA) -> ssl.SSLContext:
    return served(authority.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1)))


def _wrong_name(authority: trustme.CA) -> ssl.SSLContext:
    return served(authority.issue_cert("elsewhere.example"))


def _untrusted(_authority: trustme.CA) -> ssl.SSLContext:
    return served(trustme.CA().issue_cert("localhost"))


def _old(authority: trustme.CA) -> ssl.SSLContext:
    context = served(authority.issue_cert("localhost"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


@pytest.mark.parametrize("how", ["starttls", "implicit"])
@pytest.mark.parametrize(
    ("flaw", "word"),
    [(_expired, "expired"), (_wrong_name, "mismatch"), (_untrusted, "issuer"), (_old, "connection")],
)
def test_f22_a_relay_that_cannot_prove_itself_gets_nothing(
    flaw: object, word: str, how: Literal["starttls", "implicit"], authority: trustme.CA, ca_file: Path
) -> None:
    assert callable(flaw)
    with SmtpServer(tls=flaw(authority), implicit=how == "implicit") as server:
        [outcome] = attempts(server.port, MESSAGE, tls=how, ca_file=ca_file)
    assert (outcome.result, outcome.scope) == ("later", "channel")
    assert word.lower() in outcome.reason.lower(), outcome.reason
    assert "MAIL" not in server.heard


@pytest.mark.parametrize("behaviour", ["reply 454 no TLS now", "reply 501 what", "hang", "close", "reset", "garbage"])
def test_f22_a_failed_starttls_never_falls_back_to_plain_text(
    behaviour: str, good: ssl.SSLContext, ca_file: Path
) -> None:
    with SmtpServer({"STARTTLS": behaviour}, tls=good) as server:
        [outcome] = attempts(server.port, MESSAGE, tls="starttls", ca_file=ca_file)
    assert (outcome.result, outcome.scope) == ("later", "channel")
    assert server.heard[-1] == "STARTTLS"


@pytest.mark.parametrize("stage", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", ["starttls", "implicit"])
def test_a_hang_inside_tls_is_given_up_without_leaving_a_socket(
    stage: str, how: Literal["starttls", "implicit"], good: ssl.SSLContext, ca_file: Path
) -> None:
    with SmtpServer({stage: "hang"}, tls=good, implicit=how == "implicit") as server:
        [outcome] = attempts(server.port, MESSAGE, tls=how, ca_file=ca_file)
    assert outcome.result == "later"
    assert server.taken == []


def test_a_connection_to_a_frozen_server_is_closed_at_once(good: ssl.SSLContext, ca_file: Path) -> None:
    """A polite TLS close waits for the other side's part in it, which a frozen server never does."""

    def freeze_after_ehlo() -> None:
        accepted, _ = listening.accept()
        with good.wrap_socket(accepted, server_side=True) as secure:
            secure.sendall(b"220 relay.example\r\n")
            secure.recv(1000)
            secure.sendall(b"250 relay.example\r\n")
            over.wait(10)

    async def sockets_left() -> int:
        before = len(os.listdir("/proc/self/fd"))
        email = channel(listening.getsockname()[1], tls="implicit", ca_file=ca_file)
        assert (await email.send(MESSAGE)).result == "later"
        await asyncio.sleep(0.05)
        return len(os.listdir("/proc/self/fd")) - before

    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=freeze_after_ehlo)
        server.start()
        try:
            assert asyncio.run(sockets_left()) == 1, "the server's own end only"
        finally:
            over.set()
            server.join()


@pytest.mark.parametrize("stage", [".", "250", "QUIT"])
def test_loss_inside_tls_after_the_message(
    stage: str, good: ssl.SSLContext, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alertd_notifiers.email.connection._QUIT_SECONDS", 0.2)
    with SmtpServer({stage: "hang"}, tls=good) as server:
        [outcome] = attempts(server.port, MESSAGE, ca_file=ca_file, tls="starttls")
    assert outcome.result == ("unknown" if stage == "." else "delivered")


def test_f23_a_wrong_password_is_tried_once_a_connection_and_stops_the_channel(
    good: ssl.SSLContext, ca_file: Path
) -> None:
    with SmtpServer(tls=good, login=LOGIN) as server:
        [outcome] = attempts(server.port, MESSAGE, tls="starttls", ca_file=ca_file, username=LOGIN[0], password="guess")
    assert (outcome.result, outcome.scope) == ("later", "channel")
    assert "535" in outcome.reason and "guess" not in outcome.reason
    assert server.heard.count("AUTH") == 1


@pytest.mark.parametrize("behaviour", ["reply 454 later", "reply 421 bye", "hang", "close", "garbage"])
def test_f23_trouble_while_logging_in_keeps_the_message(
    behaviour: Behaviour, good: ssl.SSLContext, ca_file: Path
) -> None:
    with SmtpServer({"AUTH": behaviour}, tls=good, login=LOGIN) as server:
        [outcome] = attempts(
            server.port, MESSAGE, tls="starttls", ca_file=ca_file, username=LOGIN[0], password=LOGIN[1]
        )
    assert outcome.result == "later"
    assert (outcome.scope == "channel") == (behaviour != "reply 421 bye")


def test_f23_a_relay_without_login_where_one_is_configured_stops_the_channel(
    good: ssl.SSLContext, ca_file: Path
) -> None:
    with SmtpServer(tls=good) as server:
        [outcome] = attempts(server.port, MESSAGE, tls="starttls", ca_file=ca_file, username="u", password="p")
    assert (outcome.result, outcome.scope) == ("later", "channel")
    assert "AUTH" in outcome.reason


CONFIG = {"host": "relay.council.example", "sender": "alertd@council.example"}


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"tls": "none"}, "only for a relay on this machine"),
        ({"sender": "council"}, "sender"),
        ({"sender": "a@b.example\r\nRCPT"}, "sender"),
        ({"username": "u"}, "go together"),
        ({"password": "hunter2"}, "go together"),
        ({"username": "u", "password": "hunter2", "password_file": "x"}, "not both"),
        ({"prot": 25}, "prot"),
        ({"port": 0}, "port"),
        ({"username": "u", "password_file": "no/such/file"}, "no/such/file"),
        ({"ca_file": "no/such/file"}, "no/such/file"),
    ],
)
def test_a_configuration_that_cannot_be_used_says_which_key_and_shows_no_secret(
    settings: dict[str, object], word: str
) -> None:
    with pytest.raises(InputError) as refused:
        notifier(CONFIG | settings)
    assert word in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(("mode", "text", "word"), [(0o604, "x", "open to every user"), (0o600, "\n", "empty")])
def test_f64_a_password_file_that_is_open_or_empty_is_refused(mode: int, text: str, word: str, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(text)
    secret.chmod(mode)
    with pytest.raises(InputError, match=word):
        notifier(CONFIG | {"username": "u", "password_file": secret})
