"""The Apprise channel against a service of our own (fault rows F24, F30)."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alertd.errors import InputError
from alertd.outbox.channel import Letter, Message, Notifier, Outcome
from alertd_notifiers.apprise import notifier

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # what Apprise imports

LETTER = Letter(
    str(uuid4()), "alertd@council.example", "Duty", "duty-team", datetime(2026, 11, 24, 8, tzinfo=UTC),
    "Overdue: ref C1", "preview C1", "C1 is overdue", "<p>C1</p>", urgent=True, about=(7, 9),
)  # fmt: skip


@pytest.fixture
def service() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1") as server:
        yield server


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
    assert said["message"] == "Alerts it tells of: 2. Your e-mail and alertd say which."
    assert "C1" not in json.dumps(said)


def test_the_whole_text_goes_only_where_the_authority_wants_it(service: HTTPServer, tmp_path: Path) -> None:
    service.expect_request("/hook").respond_with_data("")
    assert send(channel(tmp_path, service, full_text=True)).result == "delivered"
    assert json.loads(service.log[0][0].get_data())["message"] == "C1 is overdue"


def test_ours_is_the_pace_and_nothing_waits_between_messages(service: HTTPServer, tmp_path: Path) -> None:
    made = channel(tmp_path, service, per_minute=7)
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
