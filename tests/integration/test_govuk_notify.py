"""GOV.UK Notify: e-mails, texts and letters through its own client, against what its documentation promises."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from alertd.errors import InputError
from alertd.outbox.channel import Awaited, Letter, Message, Notifier, Outcome
from alertd_notifiers.govuk_notify import notifier
from alertd_notifiers.govuk_notify.written import plain, sort_of
from tests.support.fake_notify import KEY, TEMPLATES, FakeNotify

LETTER = Letter(
    str(uuid4()), "alertd@council.example", "Siân", "sian@council.example", datetime.now(UTC), "3 overdue", "p",
    "Overdue: ref C1\n# not a heading\n", "<p>C1</p>", urgent=True, about=(7, 9),
)  # fmt: skip
MOBILE, POST = "07700 900123", "The Duty Desk; 1 Example Street; Exampleton; EX1 1AA"


@pytest.fixture
def notify() -> Iterator[FakeNotify]:
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield FakeNotify(server)


def channel(folder: Path, url: str, *, key: str = KEY, **settings: object) -> Notifier:
    (folder / "key").write_text(key)
    (folder / "key").chmod(0o600)
    templates = {f"{sort}_template": TEMPLATES[name] for sort, name in (("email", "email"), ("text", "sms"))}
    usual = {"api_key_file": folder / "key", "base_url": url, "letter_template": TEMPLATES["letter"], **templates}
    return notifier(usual | {"timeout_seconds": 5} | settings)


def send(made: Notifier, address: str = LETTER.address, *, again: bool = False) -> Outcome:
    content = made.write(replace(LETTER, address=address))
    return asyncio.run(made.send(Message(LETTER.id, address, content, again)))


def test_each_address_is_reached_in_its_own_way(notify: FakeNotify, tmp_path: Path) -> None:
    made = channel(tmp_path, notify.url)
    outcomes = [send(made, address) for address in (LETTER.address, MOBILE, POST)]
    assert [(o.result, o.reference) for o in outcomes] == [("delivered", one["id"]) for one in notify.taken]
    email, text, letter = notify.taken
    assert email["email_address"] == LETTER.address and email["reference"] == LETTER.id
    assert email["personalisation"] == {"subject": "3 overdue", "body": "Overdue: ref C1\n\u200b# not a heading\n"}
    assert text["phone_number"] == MOBILE
    assert letter["personalisation"]["address_line_4"] == "EX1 1AA"
    assert asyncio.run(made.check()).result == "delivered"


def test_a_text_message_says_that_something_waits_and_nothing_of_a_child(notify: FakeNotify, tmp_path: Path) -> None:
    send(channel(tmp_path, notify.url), MOBILE)
    says = notify.taken[0]["personalisation"]["message"]
    assert says == "alertd: urgent, a message waits. Alerts it tells of: 2. Your e-mail and alertd say which."
    assert len(says) <= 160


def test_i2_after_a_lost_answer_it_is_asked_first_and_nothing_goes_twice(notify: FakeNotify, tmp_path: Path) -> None:
    notify.hangs = [1.0]
    made = channel(tmp_path, notify.url, timeout_seconds=0.3)
    assert send(made).result == "unknown"
    outcome = send(made, again=True)
    assert (outcome.result, outcome.reference) == ("delivered", notify.taken[0]["id"])
    assert len(notify.taken) == 1
    notify.taken.clear()
    assert send(made, again=True).result == "delivered" and len(notify.taken) == 1, "it never had it"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (400, ("refused", "message", None)),
        (403, ("later", "channel", None)),
        (429, ("later", "channel", timedelta(minutes=1))),
        (500, ("later", "channel", None)),
        (503, ("later", "channel", None)),
    ],
)
def test_what_notify_answers_decides_and_its_words_are_not_repeated(
    notify: FakeNotify, tmp_path: Path, code: int, expected: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "notifications_python_client")
    notify.fails = [code]
    outcome = send(channel(tmp_path, notify.url), MOBILE)
    assert (outcome.result, outcome.scope, outcome.retry_after) == expected
    assert "900123" not in outcome.reason.replace(" ", "") and "900123" not in caplog.text
    assert notify.taken == []


def test_a_wrong_key_stops_the_whole_channel(notify: FakeNotify, tmp_path: Path) -> None:
    made = channel(tmp_path, notify.url, key=KEY[:-4] + "0000")
    for outcome in (send(made), asyncio.run(made.check())):
        assert (outcome.result, outcome.scope) == ("later", "channel") and "key" in outcome.reason


def test_nobody_there_means_later_for_the_whole_channel(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        outcome = send(channel(tmp_path, f"http://127.0.0.1:{free.getsockname()[1]}"))
    assert (outcome.result, outcome.scope) == ("later", "channel")


def test_what_became_of_a_message_is_asked_for_and_each_answer_counts_once(notify: FakeNotify, tmp_path: Path) -> None:
    made, now = channel(tmp_path, notify.url), datetime.now(UTC)
    said = {"n1": "delivered", "n2": "permanent-failure", "n3": "sending", "n4": "temporary-failure"}
    for id_, status in said.items():
        notify.expect_status(id_, status)
    awaited = [Awaited(f"d{id_}", id_, now) for id_ in (*said, "gone")]
    first, second = asyncio.run(made.receipts(awaited)), asyncio.run(made.receipts(awaited))
    assert [(r.delivery, r.kind) for r in first] == [("dn1", "arrived"), ("dn2", "failed"), ("dn4", "failed")]
    assert [r.key for r in first] == [r.key for r in second] and len({r.key for r in first}) == 3


@pytest.mark.parametrize("address", ["", "Siân", "0123 456", "+1 202 555 0100", "Only; Two", "1; 2; 3; not a postcode"])
def test_an_address_that_is_none_cannot_be_written_to(tmp_path: Path, address: str) -> None:
    with pytest.raises(InputError, match="no address that Notify can send to"):
        channel(tmp_path, "http://127.0.0.1:1").write(replace(LETTER, address=address))


@pytest.mark.parametrize(
    ("address", "sort"),
    [("+447700900123", "text"), ("(07700) 900-123", "text"), (POST, "letter"), ("a.b@c.example", "email")],
)
def test_an_address_is_known_by_its_form(address: str, sort: str) -> None:
    assert sort_of(address) == sort


@given(st.text(st.sampled_from("#^-*_ \nab"), max_size=40))
def test_no_line_begins_what_notify_would_take_for_its_own_marks(text: str) -> None:
    shown = plain(text)
    assert shown.replace("\u200b", "") == text
    assert not any(line.lstrip().startswith(("#", "^", "---", "***", "___")) for line in shown.split("\n"))


def test_a_message_without_a_template_for_it_is_refused(notify: FakeNotify, tmp_path: Path) -> None:
    outcome = send(channel(tmp_path, notify.url, text_template=None), MOBILE)
    assert outcome == Outcome("refused", "not sent: the settings have no text_template")


def test_what_is_written_is_the_same_each_time(tmp_path: Path) -> None:
    made = channel(tmp_path, "http://127.0.0.1:1")
    assert made.write(LETTER) == made.write(LETTER) and json.loads(made.write(LETTER))["sort"] == "email"
