"""The Apprise channel against a service of our own (fault rows F24, F30)."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alertd.errors import InputError
from alertd.outbox.channel import Letter, Message, Notifier, Outcome
from alertd_notifiers.apprise import channel as channel_module
from alertd_notifiers.apprise import notifier

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # what Apprise imports

LETTER = Letter(
    str(uuid4()), "alertd@council.example", "Duty", "duty-team", datetime(2026, 11, 24, 8, tzinfo=UTC),
    "Overdue: ref C1", "preview C1", "C1 is overdue", "<p>C1</p>", urgent=True, about=(7, 9),
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1") as made:
        yield made


@pytest.fixture
def service(server: HTTPServer) -> Iterator[HTTPServer]:
    yield server
    server.clear()


def channel(folder: Path, service: HTTPServer, *, url: str = "", **settings: object) -> Notifier:
    (folder / "url").write_text(url or f"json://user:tok3n@127.0.0.1:{service.port}/hook")
    (folder / "url").chmod(0o600)
    target = {"file": folder / "url"} | {k: v for k, v in settings.items() if k == "full_text"}
    more = {k: v for k, v in settings.items() if k != "full_text"}
    return notifier({"targets": {"duty-team": target}, "timeout_seconds": 5} | more)


def send(made: Notifier) -> Outcome:
    return asyncio.run(made.send(Message(LETTER.id, "duty-team", made.write(LETTER))))


def test_a_service_hears_that_something_waits_and_nothing_of_a_child(service: HTTPServer, tmp_path: Path) -> None:
    service.expect_request("/hook").respond_with_data("")
    assert send(channel(tmp_path, service)).result == "delivered"
    [(request, _)] = service.log
    said = json.loads(request.get_data())
    assert said["title"] == "alertd: urgent, a message waits"
    assert said["message"] == "Alerts it tells of: 2. alertd says which."
    assert "C1" not in json.dumps(said)


def test_the_whole_text_goes_only_where_the_authority_wants_it(service: HTTPServer, tmp_path: Path) -> None:
    service.expect_request("/hook").respond_with_data("")
    assert send(channel(tmp_path, service, full_text=True)).result == "delivered"
    assert json.loads(service.log[0][0].get_data())["message"] == "C1 is overdue"


def test_ours_is_the_pace_and_nothing_waits_between_messages(service: HTTPServer, tmp_path: Path) -> None:
    made = channel(tmp_path, service, url=f"ntfy://127.0.0.1:{service.port}/duty", per_minute=7)  # would wait 5.5 s
    assert made.pace.per_minute == 7
    assert all(one.request_rate_per_sec == 0 for one in made._services.values())  # type: ignore[attr-defined]


def test_f24_a_service_that_refuses_is_tried_again(service: HTTPServer, tmp_path: Path) -> None:
    service.expect_request("/hook").respond_with_data("", status=500)
    outcome = send(channel(tmp_path, service))
    assert (outcome.result, outcome.scope) == ("later", "destination")
    assert len(service.log) == 1, "no retries of its own"


def test_f30_a_service_that_does_not_answer_in_time_may_have_it(service: HTTPServer, tmp_path: Path) -> None:
    stop = threading.Event()

    def late(_: Request) -> Response:
        stop.wait(5)
        return Response(status=200)

    service.expect_request("/hook").respond_with_handler(late)
    outcome = send(channel(tmp_path, service, timeout_seconds=0.3))
    stop.set()
    assert outcome.result == "unknown"


def test_nothing_of_the_url_is_logged(service: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    service.expect_request("/hook").respond_with_data("", status=500)
    send(channel(tmp_path, service))
    assert "tok3n" not in caplog.text and "apprise" not in {record.name for record in caplog.records}


def test_a_target_nobody_knows_and_a_url_that_is_none_are_said(service: HTTPServer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none that Apprise knows"):
        channel(tmp_path, service, url="gopher-of-old://tok3n")
    made = channel(tmp_path, service)
    outcome = asyncio.run(made.send(Message(LETTER.id, "gone", made.write(LETTER))))
    assert (outcome.result, outcome.scope) == ("refused", "destination")


def test_a_real_service_of_its_own_protocol_hears_it_too(service: HTTPServer, tmp_path: Path) -> None:
    """ntfy, as one runs it oneself."""
    service.expect_request("/").respond_with_data('{"id": "x"}')
    assert send(channel(tmp_path, service, url=f"ntfy://127.0.0.1:{service.port}/duty")).result == "delivered"
    assert json.loads(service.log[0][0].get_data())["topic"] == "duty"


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("ntfy://127.0.0.1/tok3n/other", "has 2 recipients"),
        ("jsons://127.0.0.1/tok3n?verify=no", "switches the check of certificates off"),
        ("json://127.0.0.1/tok3n\njson://127.0.0.1/other", "more than one line"),
    ],
)
def test_a_target_is_one_recipient_of_a_service_that_proves_who_it_is(
    service: HTTPServer, tmp_path: Path, url: str, what: str
) -> None:
    with pytest.raises(InputError, match=what) as caught:
        channel(tmp_path, service, url=url)
    assert "tok3n" not in str(caught.value) and caught.value.where == str(tmp_path / "url")


def test_f30_a_redirect_is_not_followed(service: HTTPServer, tmp_path: Path) -> None:
    """What is followed becomes a GET, and the 200 to that is no message taken."""
    service.expect_request("/hook").respond_with_data("", status=302, headers={"location": service.url_for("/new")})
    service.expect_request("/new").respond_with_data("")
    assert send(channel(tmp_path, service)).result == "later"
    assert [request.path for request, _ in service.log] == ["/hook"]


def test_a_long_text_is_one_message_that_says_that_it_is_cut(service: HTTPServer, tmp_path: Path) -> None:
    """Whatever its URL says of parts: of two parts one can arrive and the other not."""
    service.expect_request("/hook").respond_with_data("")
    url = f"json://127.0.0.1:{service.port}/hook?overflow=split"
    made = channel(tmp_path, service, url=url, full_text=True)
    for language, end in (("en", "The rest is in alertd."), ("cy", "yn alertd.")):
        letter = replace(LETTER, subject="s" * 300, text="word " * 20_000, language=language)
        made_before = made.write(letter)
        assert asyncio.run(made.send(Message(LETTER.id, "duty-team", made_before))).result == "delivered"
        said = json.loads(service.log[-1][0].get_data())["message"]
        assert said.startswith("word word") and said.endswith(end) and len(said) <= 32768
    assert len(service.log) == 2
    for one in made._services.values():  # type: ignore[attr-defined]
        one.body_maxlen = 300  # it says less by now than when the text was written
    assert asyncio.run(made.send(Message(LETTER.id, "duty-team", made_before))).result == "delivered"
    assert len(service.log) == 3


@pytest.mark.parametrize("server_there", [True, False])
def test_no_token_in_a_path_is_logged_by_what_it_is_sent_with(
    service: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, server_there: bool
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = service.port if server_there else free.getsockname()[1]
        made = channel(tmp_path, service, url=f"json://127.0.0.1:{port}/tok3n")
        caplog.set_level(logging.DEBUG)
        assert send(made).result == "later"
    ours = [record for record in caplog.records if record.name != "werkzeug"]  # the service's own
    assert ours and not any("tok3n" in record.getMessage() for record in ours)


def test_a_service_that_drips_is_given_up_on_and_what_waited_behind_it_was_not_sent(
    service: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apprise waits for each byte anew. The attempts that hang keep their threads and nobody else's."""
    monkeypatch.setattr(channel_module, "CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(channel_module, "SPARE_SECONDS", 0.1)
    stop = threading.Event()

    def drip(_: Request) -> Response:
        stop.wait(5)
        return Response(status=200)

    service.expect_request("/hook").respond_with_handler(drip)
    made = channel(tmp_path, service, timeout_seconds=0.3)
    for one in made._services.values():  # type: ignore[attr-defined]
        one.socket_read_timeout = 5  # as if each byte came in time

    async def all_at_once() -> list[Outcome]:
        sends = [made.send(Message(f"d{n}", "duty-team", made.write(LETTER))) for n in range(6)]
        outcomes = await asyncio.gather(*sends)
        stop.set()
        return outcomes

    results = [(one.result, one.scope) for one in asyncio.run(all_at_once())]
    assert results == [("unknown", "destination")] * 4 + [("later", "channel")] * 2
