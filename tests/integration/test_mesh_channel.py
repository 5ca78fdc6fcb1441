"""NHS MESH through mesh-client, against what its API description promises."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import trustme
from pytest_httpserver import HTTPServer

from alertd.errors import InputError
from alertd.outbox.channel import Awaited, Letter, Message, Notifier, Outcome
from alertd_notifiers.mesh import notifier
from tests.support.fake_mesh import MAILBOX, PASSWORD, SHARED_KEY, THEIRS, Answer, FakeMesh

LETTER = Letter(
    str(uuid4()), "alertd@council.example", "School nursing", THEIRS, datetime.now(UTC), "Notification AB12", "p",
    "A child moved to your area.\n", "<p>x</p>", reference="AB12",
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    """One for all tests: each takes half a second to stop."""
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield server


@pytest.fixture
def mesh(server: HTTPServer) -> FakeMesh:
    server.clear()
    return FakeMesh(server)


def channel(folder: Path, url: str, *, password: str = PASSWORD, **settings: object) -> Notifier:
    for name, secret in (("password", password), ("shared", SHARED_KEY)):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    usual = {
        "url": url, "mailbox": MAILBOX, "workflow_id": "ALERTD_NOTIFY", "timeout_seconds": 5,
        "password_file": folder / "password", "shared_key_file": folder / "shared",
    }  # fmt: skip
    return notifier(usual | settings)


def send(made: Notifier, *, again: bool = False) -> Outcome:
    return asyncio.run(made.send(Message(LETTER.id, THEIRS, made.write(LETTER), again)))


def test_a_message_is_in_their_mailbox_under_our_id_with_nothing_in_the_open(mesh: FakeMesh, tmp_path: Path) -> None:
    made = channel(tmp_path, mesh.url)
    outcome = send(made)
    [taken] = mesh.taken
    assert (outcome.result, outcome.reference) == ("delivered", taken["id"])
    assert (taken["to"], taken["workflow"], taken["local"]) == (THEIRS, "ALERTD_NOTIFY", LETTER.id)
    assert taken["subject"] == "alertd notification"
    assert taken["body"] == "Notification AB12\n\nA child moved to your area.\n"
    assert "AB12" not in str(taken["headers"]) and "School" not in str(taken["headers"])
    assert asyncio.run(made.check()).result == "delivered"


@pytest.mark.fault("F23")
def test_a_wrong_password_stops_the_whole_channel_and_refuses_no_message(mesh: FakeMesh, tmp_path: Path) -> None:
    made = channel(tmp_path, mesh.url, password="other")
    for outcome in (asyncio.run(made.check()), send(made)):
        assert (outcome.result, outcome.scope) == ("later", "channel") and "password" in outcome.reason
    assert mesh.taken == []


@pytest.mark.fault("F12", "F13")
@pytest.mark.parametrize("lost", ["no answer in time", "502", "504"])
def test_i2_after_a_lost_answer_it_is_asked_first_and_nothing_goes_twice(
    mesh: FakeMesh, tmp_path: Path, lost: str
) -> None:
    if lost.isdigit():
        mesh.loses = [int(lost)]
    else:
        mesh.hangs = [1.0]
    made = channel(tmp_path, mesh.url, timeout_seconds=0.3)
    assert send(made).result == "unknown"
    assert len(mesh.taken) == 1, "nothing is repeated here"
    outcome = send(made, again=True)
    assert (outcome.result, outcome.reference) == ("delivered", mesh.taken[0]["id"])
    assert len(mesh.taken) == 1
    mesh.taken.clear()
    assert send(made, again=True).result == "delivered" and len(mesh.taken) == 1, "it never had it"


def test_where_it_has_two_copies_already_no_third_is_sent(mesh: FakeMesh, tmp_path: Path) -> None:
    made = channel(tmp_path, mesh.url)
    send(made), send(made)
    outcome = send(made, again=True)
    assert (outcome.result, outcome.reference) == ("delivered", "") and len(mesh.taken) == 2


@pytest.mark.fault("F13")
def test_i2_while_it_cannot_be_asked_whether_it_has_a_message_nothing_is_sent_and_no_attempt_is_lost(
    mesh: FakeMesh, tmp_path: Path
) -> None:
    mesh.deaf = 502
    outcome = send(channel(tmp_path, mesh.url), again=True)
    assert (outcome.result, outcome.scope) == ("later", "channel")
    assert mesh.asked == 1 and mesh.taken == []


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        ((417, "12", "Unregistered to address"), ("refused", "destination"), "12"),
        ((417, "17", "Workflow ID not registered for mailbox"), ("refused", "destination"), "workflow_id"),
        ((400, "08", "TO_DTS missing"), ("refused", "destination"), "08"),
        ((503, "", "Unavailable"), ("later", "channel"), "503"),
        ((500, "", "Internal"), ("later", "channel"), "500"),
        pytest.param((429, "", "Slow down"), ("later", "channel"), "too much", marks=pytest.mark.fault("F31")),
    ],
)
def test_what_mesh_answers_decides(
    mesh: FakeMesh, tmp_path: Path, answer: Answer, expected: tuple[str, str], said: str
) -> None:
    mesh.fails = [answer]
    outcome = send(channel(tmp_path, mesh.url))
    assert (outcome.result, outcome.scope) == expected and said in outcome.reason
    assert mesh.taken == [] and (not answer[2] or answer[2] not in outcome.reason)


@pytest.mark.fault("F11")
def test_nobody_there_means_later_for_the_whole_channel(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        outcome = send(channel(tmp_path, f"http://127.0.0.1:{free.getsockname()[1]}"))
    assert (outcome.result, outcome.scope) == ("later", "channel")


def test_i4_a_message_follows_no_redirect(tmp_path: Path) -> None:
    with HTTPServer(host="127.0.0.1") as asked, HTTPServer(host="127.0.0.1") as elsewhere:
        where = f"/messageexchange/{MAILBOX}/outbox"
        asked.expect_request(where).respond_with_json({}, 307, headers={"Location": elsewhere.url_for(where)})
        outcome = send(channel(tmp_path, asked.url_for("")))
        assert (outcome.result, outcome.scope) == ("later", "channel") and elsewhere.log == []


@contextmanager
def sealed(certificate: trustme.LeafCert, ours: trustme.CA | None = None) -> Iterator[FakeMesh]:
    """A MESH by TLS, which wants a certificate of ``ours`` where that is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if ours:
        ours.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    with HTTPServer(host="localhost", ssl_context=context, threaded=True) as server:
        yield FakeMesh(server)


def identity(folder: Path, ca: trustme.CA, *, ended: bool = False) -> dict[str, Path]:
    """The settings of a certificate of ours, and whom we trust."""
    until = datetime.now(UTC) - timedelta(days=1) if ended else None
    made = ca.issue_cert("alertd.council.example", not_after=until)
    files = {name: folder / name for name in ("certificate_file", "key_file", "ca_file")}
    made.cert_chain_pems[0].write_to_path(files["certificate_file"])
    made.private_key_pem.write_to_path(files["key_file"])
    files["key_file"].chmod(0o600)
    ca.cert_pem.write_to_path(files["ca_file"])
    return files


@pytest.mark.fault("F22")
def test_a_message_goes_by_tls_with_our_certificate(tmp_path: Path) -> None:
    ca = trustme.CA()
    with sealed(ca.issue_cert("localhost"), ca) as mesh:
        assert send(channel(tmp_path, mesh.url, **identity(tmp_path, ca))).result == "delivered"
        assert len(mesh.taken) == 1


@pytest.mark.fault("F22")
@pytest.mark.parametrize("wrong", ["of nobody we trust", "for another name", "ended"])
def test_nothing_is_sent_to_a_server_that_cannot_prove_who_it_is(tmp_path: Path, wrong: str) -> None:
    ca = trustme.CA()
    theirs = {
        "of nobody we trust": trustme.CA().issue_cert("localhost"),
        "for another name": ca.issue_cert("mesh.example"),
        "ended": ca.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1)),
    }
    with sealed(theirs[wrong]) as mesh:
        outcome = send(channel(tmp_path, mesh.url, **identity(tmp_path, ca)))
        assert mesh.taken == []
    assert (outcome.result, outcome.scope) == ("later", "channel") and "certificate" in outcome.reason


@pytest.mark.fault("F22")
def test_where_we_say_whom_to_trust_nobody_beside_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca, public = trustme.CA(), trustme.CA()
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(_written(public, tmp_path / "public")))
    with sealed(public.issue_cert("localhost")) as mesh:
        made = channel(tmp_path, mesh.url, **identity(tmp_path, ca))
        assert send(made).result == "later" and mesh.taken == []
        assert send(channel(tmp_path, mesh.url)).result == "delivered", "by the system's own"


@pytest.mark.fault("F22")
@pytest.mark.parametrize("ours", ["ended", "of another authority", "none"])
def test_where_our_certificate_is_not_accepted_nothing_is_taken_and_no_message_is_refused(
    tmp_path: Path, ours: str
) -> None:
    ca = trustme.CA()
    files = identity(tmp_path, ca, ended=ours == "ended")
    if ours == "of another authority":
        files = identity(tmp_path, trustme.CA()) | {"ca_file": _written(ca, tmp_path / "right")}
    if ours == "none":
        files = {"ca_file": files["ca_file"]}
    with sealed(ca.issue_cert("localhost"), ca) as mesh:
        made = channel(tmp_path, mesh.url, **files)
        first, checked, second = send(made), asyncio.run(made.check()), send(made, again=True)
        assert mesh.taken == []
    assert first.result in ("later", "unknown"), "by TLS 1.3 the alert may come after the request"
    assert (second.result, second.scope) == ("later", "channel")
    assert (checked.result, checked.scope) == ("later", "channel")


def _written(ca: trustme.CA, file: Path) -> Path:
    ca.cert_pem.write_to_path(file)
    return file


@pytest.mark.fault("F64")
def test_a_certificate_that_can_no_longer_be_read_stops_the_channel_and_no_message(tmp_path: Path) -> None:
    ca = trustme.CA()
    with sealed(ca.issue_cert("localhost"), ca) as mesh:
        made = channel(tmp_path, mesh.url, **identity(tmp_path, ca))
        (tmp_path / "certificate_file").write_text("no certificate")
        outcome = send(made)
        assert (outcome.result, outcome.scope) == ("later", "channel") and "certificate" in outcome.reason
        assert asyncio.run(made.check()).result == "later"
        assert asyncio.run(made.receipts([Awaited("d1", "m1", datetime.now(UTC))])) == []
        assert mesh.taken == []


@pytest.mark.fault("F64")
@pytest.mark.parametrize("secret", ["password", "shared", "key_file"])
def test_a_secret_that_every_user_can_read_is_not_used(tmp_path: Path, secret: str) -> None:
    files = identity(tmp_path, trustme.CA())
    channel(tmp_path, "https://mesh.example", **files)
    (tmp_path / secret).chmod(0o604)
    with pytest.raises(InputError, match="open to every user"):
        notifier(
            {
                "url": "https://mesh.example",
                "mailbox": MAILBOX,
                "workflow_id": "W",
                "password_file": tmp_path / "password",
                "shared_key_file": tmp_path / "shared",
                **files,
            }
        )


ACCEPTED = {"status": "Accepted", "status_success": True}


def test_tracking_says_who_took_theirs_and_what_came_back(mesh: FakeMesh, tmp_path: Path) -> None:
    mesh.statuses = {
        "m1": {"status": "Acknowledged", "status_success": True},
        "m2": ACCEPTED,
        "m3": {"status": "Undeliverable", "status_code": "14", "status_success": False},
    }
    made, now = channel(tmp_path, mesh.url), datetime.now(UTC)
    found = asyncio.run(made.receipts([Awaited(f"d{n}", f"m{n}", now) for n in (4, 1, 2, 3)]))
    assert [(one.delivery, one.kind) for one in found] == [("d1", "acknowledged"), ("d3", "failed")]
    assert "its code 14" in found[1].reason and "five days" in found[1].reason
    assert len({one.key for one in found}) == 2


def test_a_report_in_our_inbox_says_that_a_message_came_back_and_goes_once_that_is_stored(
    mesh: FakeMesh, tmp_path: Path
) -> None:
    mesh.statuses = {"M1": ACCEPTED, "M2": ACCEPTED}
    report = {"Mex-MessageType": "REPORT", "Mex-LinkedMsgID": "M1", "Mex-StatusCode": "14"}
    mesh.inbox = {
        "R1": report,
        "R2": report | {"Mex-LinkedMsgID": "OTHERS"},
        "D1": {"Mex-MessageType": "DATA", "Mex-From": THEIRS},
    }
    made, now = channel(tmp_path, mesh.url), datetime.now(UTC)
    one, two = Awaited("d1", "M1", now), Awaited("d2", "M2", now)
    [first] = asyncio.run(made.receipts([one, two]))
    assert (first.delivery, first.kind) == ("d1", "failed") and "its code 14" in first.reason
    assert set(mesh.inbox) == {"R1", "R2", "D1"}, "it is not stored yet"
    assert asyncio.run(made.receipts([one, two])) == [first]
    assert asyncio.run(made.receipts([two])) == []
    assert set(mesh.inbox) == {"R2", "D1"}, "what is not ours is left there"
    mesh.statuses["M1"] = {"status": "Undeliverable"}
    [tracked] = asyncio.run(channel(tmp_path, mesh.url).receipts([one]))
    assert tracked.key == first.key
    assert "1 messages wait there that are not for alertd" in asyncio.run(made.check()).reason


@pytest.mark.parametrize("code", [500, 429, 403])
def test_when_it_cannot_answer_for_one_message_it_is_not_asked_for_two_hundred(
    mesh: FakeMesh, tmp_path: Path, code: int
) -> None:
    mesh.deaf = code
    awaited = [Awaited(f"d{n}", f"m{n}", datetime.now(UTC)) for n in range(200)]
    assert asyncio.run(channel(tmp_path, mesh.url).receipts(awaited)) == []
    assert mesh.asked == 1


def test_no_log_line_holds_what_was_sent(mesh: FakeMesh, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    mesh.fails = [(417, "12", "Unregistered to address")]
    made = channel(tmp_path, mesh.url)
    send(made), send(made)
    ours = "".join(record.getMessage() for record in caplog.records if record.name != "werkzeug")
    assert "A child moved" not in ours and PASSWORD not in ours and THEIRS not in ours


@pytest.mark.parametrize("address", ["", "sian@council.example", "x26hc005", "X26 HC005"])
def test_an_address_that_is_no_mailbox_cannot_be_written_to(tmp_path: Path, address: str) -> None:
    with pytest.raises(InputError, match="no MESH mailbox"):
        channel(tmp_path, "http://127.0.0.1:1").write(replace(LETTER, address=address))


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": "http://mesh.example"}, "mesh"),
        ({"mailbox": "x"}, "mesh.mailbox"),
        ({"certificate_file": "cert.pem"}, "mesh"),
        ({"certificate_file": "/gone.pem", "key_file": "/gone.key"}, "/gone.key"),
    ],
)
def test_a_wrong_setting_is_said_at_the_start(tmp_path: Path, settings: dict[str, str], key: str) -> None:
    with pytest.raises(InputError) as caught:
        channel(tmp_path, **({"url": "http://127.0.0.1:1"} | settings))  # type: ignore[arg-type]
    assert caught.value.where == key


def test_without_its_package_the_channel_says_which_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alertd_notifiers.mesh.channel", None)
    with pytest.raises(InputError) as caught:
        notifier({})
    assert "alertd[mesh]" in str(caught.value.fix)
