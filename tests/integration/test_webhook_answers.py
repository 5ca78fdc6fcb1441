"""What endpoints answer, and what that means: those that behave and those that do not (fault row F30)."""

from __future__ import annotations

import asyncio
import socket
import threading
from datetime import timedelta
from pathlib import Path

import httpcore
import pytest
import trustme
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook
from werkzeug import Request, Response

from alertd.outbox.channel import Awaited, Outcome
from alertd_notifiers.webhook import notifier, reach
from tests.support.webhooks import LETTER, NEW, Box, Raw, channel, post, resolves_to, tls

pytest_plugins = ["tests.support.webhooks"]


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {}, Outcome("delivered", "the endpoint has it")),
        (302, {"location": "http://127.0.0.1:1/"}, "refused"),
        (410, {}, "refused"),
        (400, {}, "later"),
        (500, {}, "later"),
        (429, {"retry-after": "120"}, timedelta(seconds=120)),
        (503, {"retry-after": "soon"}, "later"),
        (503, {"retry-after": "²"}, "later"),
    ],
)
def test_f30_only_2xx_is_success_and_nothing_is_followed(
    endpoint: HTTPServer, tmp_path: Path, status: int, headers: dict[str, str], expected: object
) -> None:
    endpoint.expect_request("/hook").respond_with_data("x" * 100_000, status=status, headers=headers)
    outcome = post(channel(tmp_path, endpoint.url_for("/hook")))
    if isinstance(expected, timedelta):
        assert (outcome.result, outcome.retry_after) == ("later", expected)
    elif isinstance(expected, Outcome):
        assert outcome == expected
    else:
        assert (outcome.result, outcome.scope, outcome.retry_after) == (expected, "destination", None)
    assert len(endpoint.log) == 1


def test_f30_an_answer_that_does_not_come_in_time_leaves_it_unknown(endpoint: HTTPServer, tmp_path: Path) -> None:
    def late(_: Request) -> Response:
        stop.wait(5)
        return Response(status=200)

    stop = threading.Event()
    endpoint.expect_request("/hook").respond_with_handler(late)
    outcome = post(channel(tmp_path, endpoint.url_for("/hook"), seconds=0.3))
    stop.set()
    assert outcome.result == "unknown"


def test_nobody_there_means_later(tmp_path: Path, endpoint: HTTPServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        made = channel(tmp_path, f"http://127.0.0.1:{free.getsockname()[1]}/")
        assert post(made).result == "later"
        assert asyncio.run(made.check()).result == "later"


def test_f30_a_name_that_leads_elsewhere_at_the_second_look_is_called_where_it_was_checked(
    tmp_path: Path, endpoint: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked up once: public at first and then private, it is the public one that would be called, and the private
    one that is not."""
    answers = iter(["203.0.113.9", "127.0.0.1"])
    asked: list[str] = []

    def lookup(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    called: list[str] = []

    async def connect(_self: object, host: str, *_: object, **__: object) -> object:
        called.append(host)
        raise OSError("not here")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(reach, "is_public", lambda address: address.startswith("203."))
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    made = channel(tmp_path, "https://hooks.example/", allow_private=False)
    assert post(made).result == "later" and called == ["203.0.113.9"] and asked == ["hooks.example"]
    assert post(made).result == "refused" and len(called) == 1


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("server", "result"),
    [
        (Raw(), "unknown"),
        (Raw(b"what?\r\n\r\n"), "unknown"),
        (Raw(OK, *[b"x: " + b"y" * 10_000 + b"\r\n"] * 10_000), "unknown"),
        (Raw(OK + b"\r\n", *[b"x" * 65536] * 10_000), "delivered"),
        (Raw(OK + b'content-length: 500\r\n\r\n{"ack'), "delivered"),
        (Raw(OK + b'content-length: 500\r\n\r\n{"ack', hang=True), "delivered"),
        (Raw(b"HTTP/1.1 503 No\r\ncontent-length: 500\r\n\r\n", hang=True), "later"),
    ],
    ids=["no answer", "nonsense", "headers without end", "body without end", "cut off", "hangs in body", "503 hangs"],
)
def test_f30_once_posted_only_the_status_says_what_became_of_it(tmp_path: Path, server: Raw, result: str) -> None:
    """Until it is heard nobody knows, and what comes after it, or does not, changes nothing."""
    (tmp_path / "secret").write_text(NEW)
    (tmp_path / "secret").chmod(0o600)
    with server:
        outcome = post(channel(tmp_path, server.url, seconds=1))
    assert (outcome.result, outcome.reference, server.requests) == (result, "", 1)


@pytest.mark.parametrize(
    ("answer", "acknowledged"),
    [
        ('{"acknowledged": true}', True),
        ('{"acknowledged": "true"}', False),
        ('{"acknowledged": false}', False),
        ('["acknowledged"]', False),
        ("<html>acknowledged</html>", False),
        ('{"acknowledged": true}' + " " * 5000, False),
        ("[" * 4000, False),
    ],
)
def test_an_answer_may_acknowledge(endpoint: HTTPServer, tmp_path: Path, answer: str, acknowledged: bool) -> None:
    """It is taken up when the channel is asked, as of every other channel, by what the outbox has kept."""
    endpoint.expect_request("/hook").respond_with_data(answer)
    outcome = post(channel(tmp_path, endpoint.url_for("/hook")))
    assert outcome.result == "delivered" and bool(outcome.reference) is acknowledged
    another = channel(tmp_path, endpoint.url_for("/hook"))  # as after a restart
    awaited = [Awaited(LETTER.id, outcome.reference, LETTER.date), Awaited("other", "", LETTER.date)]
    receipts = asyncio.run(another.receipts(awaited))
    assert [(one.delivery, one.kind) for one in receipts] == [(LETTER.id, "acknowledged")] * acknowledged


def test_f30_an_endpoint_that_is_gone_is_left_alone_and_said_and_another_is_not(
    tmp_path: Path, endpoint: HTTPServer
) -> None:
    """Through the dispatcher: two messages for the one that is gone, and one for another."""
    endpoint.expect_request("/gone").respond_with_data("", status=410)
    endpoint.expect_request("/hook").respond_with_data("")
    each = {"secret_file": tmp_path / "secret", "allow_private": True}
    urls = {"cases": endpoint.url_for("/gone"), "diary": endpoint.url_for("/hook")}
    made = notifier({"endpoints": {name: each | {"url": url} for name, url in urls.items()}, "at_once": 1})
    box = Box(tmp_path)
    for n, name in enumerate(("cases", "cases", "diary")):
        box.put(made, f"d{n}", name)
    box.send(made)
    assert [request.path for request, _ in endpoint.log].count("/gone") == 1
    rows = {row.id: row for row in box.rows()}
    assert [rows[f"d{n}"].state for n in range(3)] == ["refused", "refused", "delivered"]
    assert all("switched off" in rows[id_].reason for id_ in ("d0", "d1"))


def test_f30_an_endpoint_that_asks_for_patience_gets_it_and_then_the_same_id_with_its_own_time(
    tmp_path: Path, endpoint: HTTPServer
) -> None:
    endpoint.expect_ordered_request("/hook").respond_with_data("", status=429, headers={"retry-after": "1800"})
    endpoint.expect_ordered_request("/hook").respond_with_data("")
    made, box = channel(tmp_path, endpoint.url_for("/hook")), Box(tmp_path)
    box.put(made, "d0", "cases")
    box.send(made)
    box.now += timedelta(minutes=29)
    box.send(made)
    [row] = box.rows()
    assert len(endpoint.log) == 1 and row.state == "due" and "429" in row.reason
    box.now += timedelta(minutes=1)
    box.send(made)
    assert [row.state for row in box.rows()] == ["delivered"]
    assert [request.headers["webhook-id"] for request, _ in endpoint.log] == ["d0", "d0"]
    for request, _ in endpoint.log:
        Webhook(NEW).verify(request.get_data(), dict(request.headers))


@pytest.mark.parametrize(
    ("names", "known", "result"),
    [(["localhost"], True, "delivered"), (["other.example"], True, "later"), (["localhost"], False, "later")],
    ids=["right", "wrong name", "unknown authority"],
)
def test_f30_a_certificate_must_be_right(tmp_path: Path, names: list[str], known: bool, result: str) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "secret").write_text(NEW)
    (tmp_path / "secret").chmod(0o600)
    with HTTPServer(host="localhost", ssl_context=tls(authority, *names)) as server:
        server.expect_request("/hook").respond_with_data("")
        made = channel(tmp_path, server.url_for("/hook"), **({"ca_file": tmp_path / "ca.pem"} if known else {}))
        heard: list[str] = []
        made.hears = heard.append
        outcome, checked = post(made), asyncio.run(made.check())
        assert (outcome.result, checked.result) == (result, result)
        assert len(server.log) == (result == "delivered")
    steps = [step.partition(";")[0] for step in heard]
    sent = ["connected", "encrypted with TLSv1.3", "the message is sent, the answer is waited for"]
    assert steps == (sent if result == "delivered" else sent[:1]), "who watches hears how far it came"


def test_f30_the_certificate_must_be_of_the_name_though_its_address_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "secret").write_text(NEW)
    (tmp_path / "secret").chmod(0o600)
    with HTTPServer(host="127.0.0.1", ssl_context=tls(authority, "hooks.example")) as server:
        server.expect_request("/hook").respond_with_data("")
        resolves_to(monkeypatch, "127.0.0.1")
        for host, result in (("hooks.example", "delivered"), ("127.0.0.1", "later")):
            made = channel(tmp_path, f"https://{host}:{server.port}/hook", ca_file=tmp_path / "ca.pem")
            assert (post(made).result, asyncio.run(made.check()).result) == (result, result)
        assert [request.headers["host"] for request, _ in server.log] == [f"hooks.example:{server.port}"]
