"""The webhook channel against endpoints that behave and that do not (fault rows F25, F30)."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug import Request, Response

from alertd.errors import InputError
from alertd.outbox.channel import Letter, Message, Outcome
from alertd_notifiers.webhook import WebhookNotifier, notifier

OLD, NEW = (f"whsec_{base64.b64encode(bytes([n]) * 24).decode()}" for n in (1, 2))
LETTER = Letter(
    str(uuid4()), "alertd@council.example", "Case system", "cases", datetime(2026, 11, 24, 8, tzinfo=UTC),
    "Overdue: ref C1 Jane", "preview C1", "Jane C1 is overdue", "<p>Jane C1</p>", urgent=True, about=(7, 9),
)  # fmt: skip


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[HTTPServer]:
    (tmp_path / "secret").write_text(f"{NEW}\n{OLD}\n")
    (tmp_path / "secret").chmod(0o600)
    with HTTPServer(host="127.0.0.1") as server:
        yield server


def channel(folder: Path, url: str, *, seconds: float = 10, **settings: object) -> WebhookNotifier:
    one = {"url": url, "secret_file": folder / "secret", "allow_private": True} | settings
    return notifier({"endpoints": {"cases": one}, "timeout_seconds": seconds})


def post(made: WebhookNotifier, message: Message | None = None) -> Outcome:
    return asyncio.run(made.send(message or Message(LETTER.id, "cases", made.write(LETTER))))


def test_a_receiver_with_the_old_or_the_new_secret_believes_it(endpoint: HTTPServer, tmp_path: Path) -> None:
    endpoint.expect_request("/hook", method="POST").respond_with_data("", status=204)
    made = channel(tmp_path, endpoint.url_for("/hook"))
    assert post(made).result == post(made).result == "delivered"
    requests = [request for request, _ in endpoint.log]
    for request in requests:
        for secret in (OLD, NEW):
            said: dict[str, Any] = Webhook(secret).verify(request.get_data(), dict(request.headers))
            assert said["data"] == {"alerts": [7, 9], "id": LETTER.id, "reference": None, "urgent": True}
        with pytest.raises(WebhookVerificationError):
            Webhook(base64.b64encode(b"3" * 24).decode()).verify(request.get_data(), dict(request.headers))
    assert {request.headers["webhook-id"] for request in requests} == {LETTER.id}, "the same at each attempt"


def test_what_is_posted_says_nothing_of_any_child(endpoint: HTTPServer, tmp_path: Path) -> None:
    written = channel(tmp_path, endpoint.url_for("/")).write(LETTER)
    assert written == channel(tmp_path, endpoint.url_for("/")).write(LETTER)
    assert not any(word in written.decode() for word in ("Jane", "C1", "Overdue", "Case system"))
    assert json.loads(written)["timestamp"] == "2026-11-24T08:00:00Z"


def test_a_letter_to_an_endpoint_nobody_knows_cannot_be_written(endpoint: HTTPServer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no webhook endpoint of that name"):
        channel(tmp_path, endpoint.url_for("/")).write(replace(LETTER, address="case"))


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

    import threading

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


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "[::ffff:10.0.0.1]"]
)
def test_f25_an_endpoint_in_a_private_network_is_not_called_unless_it_is_allowed(
    tmp_path: Path, endpoint: HTTPServer, host: str
) -> None:
    made = channel(tmp_path, f"https://{host}:{endpoint.port}/", allow_private=False)
    outcome = post(made)
    assert outcome.result == "refused" and "private network" in outcome.reason
    assert endpoint.log == []


def test_f30_a_name_that_leads_elsewhere_at_the_second_look_is_called_where_it_was_checked(
    tmp_path: Path, endpoint: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked up once: public at first and then private, it is the public one that would be called, and the private
    one that is not."""
    answers = iter(["203.0.113.9", "127.0.0.1"])
    asked: list[str] = []

    async def lookup(_loop: object, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    called: list[str] = []

    async def connect(_self: object, host: str, *_: object, **__: object) -> object:
        called.append(host)
        raise OSError("not here")

    import httpcore

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", lookup)
    monkeypatch.setattr("ipaddress.IPv4Address.is_global", property(lambda a: str(a).startswith("203.")))
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    made = channel(tmp_path, "https://hooks.example/", allow_private=False)
    assert post(made).result == "later" and called == ["203.0.113.9"] and asked == ["hooks.example"]
    assert post(made).result == "refused" and len(called) == 1


def tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


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
        outcome, checked = post(made), asyncio.run(made.check())
        assert (outcome.result, checked.result) == (result, result)
        assert len(server.log) == (result == "delivered")


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda s: s.write_text("not base64!"), "cannot be used"),
        (lambda s: s.write_text(""), "is empty"),
        (lambda s: s.chmod(0o644), "open to every user"),
        (lambda s: s.unlink(), "cannot be read"),
    ],
)
def test_a_secret_that_cannot_be_used_is_said_at_the_start(
    endpoint: HTTPServer, tmp_path: Path, spoil: Callable[[Path], object], what: str
) -> None:
    spoil(tmp_path / "secret")
    with pytest.raises(InputError, match=what):
        channel(tmp_path, endpoint.url_for("/"))


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": "http://hooks.example/", "allow_private": False}, "endpoints.cases"),
        ({"url": "ftp://hooks.example/"}, "endpoints.cases.url"),
        ({"url": "https://user:word@hooks.example/"}, "endpoints.cases.url"),
        ({"secrets": "x"}, "endpoints.cases.secrets"),
    ],
)
def test_a_wrong_setting_names_its_key_and_not_its_value(tmp_path: Path, settings: dict[str, Any], key: str) -> None:
    with pytest.raises(InputError) as caught:
        channel(tmp_path, **({"url": "https://hooks.example/"} | settings))
    assert caught.value.where == f"webhook.{key}" and "user:word" not in str(caught.value)
