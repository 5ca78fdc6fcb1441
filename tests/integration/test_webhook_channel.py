"""The webhook channel: what it posts, and where it may go (fault row F25)."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook, WebhookVerificationError

from alertd.errors import InputError
from alertd.outbox.channel import Message, Outcome
from alertd_notifiers.webhook import reach
from tests.support.webhooks import LETTER, NEW, OLD, channel, post, resolves_to

pytest_plugins = ["tests.support.webhooks"]


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
    "host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "[::ffff:10.0.0.1]"]
)
def test_f25_an_endpoint_in_a_private_network_is_not_called_unless_it_is_allowed(
    tmp_path: Path, endpoint: HTTPServer, host: str
) -> None:
    made = channel(tmp_path, f"https://{host}:{endpoint.port}/", allow_private=False)
    outcome = post(made)
    assert outcome.result == "refused" and "private network" in outcome.reason
    assert endpoint.log == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2a00:1450:4009::1", True),
        ("0.0.0.0", False),  # noqa: S104
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::7f00:1", False),
        ("::ffff:127.0.0.1", False),
        ("fe80::1", False),
        ("fe80::1%2", False),
        ("fd00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
    ],
)
def test_f25_what_counts_as_public(address: str, public: bool) -> None:
    assert reach.is_public(address) is public


def test_where_one_address_of_a_name_does_not_answer_the_next_is_tried(
    tmp_path: Path, endpoint: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.expect_request("/hook").respond_with_data("")
    made = channel(tmp_path, f"http://hooks.example:{endpoint.port}/hook")
    resolves_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    assert post(made).result == "delivered"
    assert endpoint.log[0][0].headers["host"] == f"hooks.example:{endpoint.port}", "the name, not its address"


def test_f25_a_name_server_that_is_silent_or_knows_no_such_name_means_later(
    tmp_path: Path, endpoint: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = channel(tmp_path, "https://hooks.example/", seconds=0.2, allow_private=False)
    answer = threading.Event()

    def silent(*_: object, **__: object) -> None:
        answer.wait(30)
        raise socket.gaierror

    async def others_use_threads_meanwhile() -> list[Outcome]:
        posts = [made.send(Message(str(n), "cases", made.write(LETTER))) for n in range(40)]
        outcomes = asyncio.gather(*posts)
        await asyncio.sleep(0.1)
        try:
            assert await asyncio.wait_for(asyncio.to_thread(int, "7"), 10) == 7
            return await outcomes
        finally:
            answer.set()

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    outcomes = asyncio.run(others_use_threads_meanwhile())
    assert {(one.result, one.scope) for one in outcomes} == {("later", "destination")}
    outcome = post(channel(tmp_path, "https://hooks.example/"))
    assert outcome == Outcome("later", "not sent: the endpoint's name could not be looked up", "destination")


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
        ({"url": "https://hooks.example:99999/"}, "endpoints.cases.url"),
        ({"url": "https://höoks.example/"}, "endpoints.cases.url"),
        ({"url": "https://hooks.example/a b"}, "endpoints.cases.url"),
        ({"secrets": "x"}, "endpoints.cases.secrets"),
    ],
)
def test_a_wrong_setting_names_its_key_and_not_its_value(tmp_path: Path, settings: dict[str, Any], key: str) -> None:
    with pytest.raises(InputError) as caught:
        channel(tmp_path, **({"url": "https://hooks.example/"} | settings))
    assert caught.value.where == f"webhook.{key}" and "user:word" not in str(caught.value)
