"""GOV.UK Notify: e-mails, texts and letters through its own client, against what its documentation promises."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import time_machine
import trustme
from hypothesis import example, given
from hypothesis import strategies as st
from notifications_python_client.authentication import create_jwt_token
from pytest_httpserver import HTTPServer

from alertd.errors import InputError
from alertd.outbox.channel import Awaited, Letter, Message, Notifier, Outcome
from alertd_notifiers.govuk_notify import notifier
from alertd_notifiers.govuk_notify.callback import receipt_called_back
from alertd_notifiers.govuk_notify.written import plain, sort_of
from tests.support.fake_notify import KEY, TEMPLATES, Answer, FakeNotify

LETTER = Letter(
    str(uuid4()), "alertd@council.example", "Siân", "sian@council.example", datetime.now(UTC), "3 overdue", "p",
    "Overdue: ref C1\n# not a heading\n", "<p>C1</p>", urgent=True, about=(7, 9),
)  # fmt: skip
SHORT_KEY = KEY[20:]
MOBILE, POST = "07700 900123", "The Duty Desk; 1 Example Street; Exampleton; EX1 1AA"


def _serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    """One for all tests: each takes half a second to stop."""
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield server


@pytest.fixture
def notify(server: HTTPServer) -> FakeNotify:
    server.clear()
    return FakeNotify(server)


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
    assert text["phone_number"] == MOBILE and "sms_sender_id" not in text
    assert letter["personalisation"]["address_line_4"] == "EX1 1AA"
    assert asyncio.run(made.check()).result == "delivered"


def test_text_messages_come_from_the_sender_that_is_named(notify: FakeNotify, tmp_path: Path) -> None:
    sender = str(uuid4())
    send(channel(tmp_path, notify.url, sms_sender=sender), MOBILE)
    assert notify.taken[0]["sms_sender_id"] == sender


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "alertd: urgent, a message waits. Alerts it tells of: 2. alertd says which."),
        ({"urgent": False, "about": ()}, "alertd: a message waits."),
        ({"urgent": False, "about": (), "reference": "AB12"}, "alertd: a message waits. (AB12)"),
        (
            {"language": "cy"},
            "alertd: mae [brys] neges yn aros. Rhybuddion ynddi: 2. Mae alertd yn dweud pa rai.",
        ),
    ],
)
def test_a_text_message_is_one_part_that_says_something_waits_and_nothing_of_a_child(
    tmp_path: Path, changed: dict[str, object], expected: str
) -> None:
    letter = replace(LETTER, address=MOBILE, **changed)  # type: ignore[arg-type]
    says = json.loads(channel(tmp_path, "http://127.0.0.1:1").write(letter))["says"]["message"]
    assert says == expected and len(says) <= 160 and says.isascii()


@pytest.mark.fault("F12", "F13")
@pytest.mark.parametrize("lost", ["no answer in time", "502", "504"])
def test_i2_after_a_lost_answer_it_is_asked_first_and_nothing_goes_twice(
    notify: FakeNotify, tmp_path: Path, lost: str
) -> None:
    if lost.isdigit():
        notify.loses = [int(lost)]
    else:
        notify.hangs = [1.0]
    made = channel(tmp_path, notify.url, timeout_seconds=0.3)
    assert send(made).result == "unknown"
    outcome = send(made, again=True)
    assert (outcome.result, outcome.reference) == ("delivered", notify.taken[0]["id"])
    assert len(notify.taken) == 1
    notify.taken.clear()
    assert send(made, again=True).result == "delivered" and len(notify.taken) == 1, "it never had it"


@pytest.mark.fault("F13")
def test_i2_while_it_cannot_be_asked_whether_it_has_a_message_nothing_is_sent_and_no_attempt_is_lost(
    notify: FakeNotify, tmp_path: Path
) -> None:
    notify.deaf = 503
    outcome = send(channel(tmp_path, notify.url), again=True)
    assert (outcome.result, outcome.scope) == ("later", "channel")
    assert notify.asked == 1 and notify.taken == []


TEAM: Answer = (400, "BadRequestError", "Can’t send to this recipient using a team-only API key")
NUMBER: Answer = (400, "InvalidPhoneError", "phone_number 07700900123 Not a valid phone number")
TEMPLATE: Answer = (400, "BadRequestError", "Missing personalisation: manager")
MINUTE: Answer = (429, "RateLimitError", "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds")
DAY: Answer = (429, "TooManyRequestsError", "Exceeded send limits (sms: 250) for today")


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (NUMBER, ("refused", "message", None), "number is not right"),
        (TEAM, ("refused", "message", None), "team"),
        (TEMPLATE, ("later", "channel", None), "template"),
        ((403, "AuthError", "Invalid token"), ("later", "channel", None), "key"),
        pytest.param(MINUTE, ("later", "channel", timedelta(minutes=1)), "minute", marks=pytest.mark.fault("F31")),
        pytest.param(DAY, ("later", "channel", timedelta(hours=1)), "day", marks=pytest.mark.fault("F31")),
        ((500, "Exception", "of 07700900123"), ("later", "channel", None), "500"),
        ((503, "Exception", "of 07700900123"), ("later", "channel", None), "503"),
    ],
)
def test_what_notify_answers_decides_and_its_words_are_not_repeated(
    notify: FakeNotify,
    tmp_path: Path,
    answer: Answer,
    expected: object,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "notifications_python_client")
    notify.fails = [answer]
    outcome = send(channel(tmp_path, notify.url), MOBILE)
    assert (outcome.result, outcome.scope, outcome.retry_after) == expected and said in outcome.reason
    ours = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("werkzeug"))
    assert "900123" not in (outcome.reason + ours).replace(" ", "")
    assert notify.taken == []


@pytest.mark.fault("F23")
def test_a_wrong_key_stops_the_whole_channel(notify: FakeNotify, tmp_path: Path) -> None:
    made = channel(tmp_path, notify.url, key=KEY[:-4] + "0000")
    for outcome in (send(made), asyncio.run(made.check())):
        assert (outcome.result, outcome.scope) == ("later", "channel") and "key" in outcome.reason
    assert notify.taken == []


def test_a_clock_that_is_a_minute_off_stops_the_whole_channel_and_is_named(
    notify: FakeNotify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1), tick=False):
        token = create_jwt_token(KEY[-36:], KEY[-73:-37])
    monkeypatch.setattr("notifications_python_client.base.create_jwt_token", lambda *_: token)
    outcome = send(channel(tmp_path, notify.url))
    assert (outcome.result, outcome.scope) == ("later", "channel") and "clock" in outcome.reason
    assert notify.taken == []


@pytest.mark.fault("F11")
def test_nobody_there_means_later_for_the_whole_channel(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        outcome = send(channel(tmp_path, f"http://127.0.0.1:{free.getsockname()[1]}"))
    assert (outcome.result, outcome.scope) == ("later", "channel")


@pytest.mark.fault("F22")
def test_nothing_is_sent_to_a_server_whose_certificate_is_of_nobody_we_trust(tmp_path: Path) -> None:
    context = trustme.CA().issue_cert("localhost")
    with HTTPServer(host="localhost", ssl_context=_serving(context), threaded=True) as server:
        notify = FakeNotify(server)
        outcome = send(channel(tmp_path, notify.url))
        assert notify.url.startswith("https:") and notify.taken == []
    assert (outcome.result, outcome.scope) == ("later", "channel") and "certificate" in outcome.reason


def test_i4_a_message_follows_no_redirect(tmp_path: Path) -> None:
    with HTTPServer(host="127.0.0.1") as asked, HTTPServer(host="127.0.0.1") as elsewhere:
        where = "/v2/notifications/email"
        asked.expect_request(where).respond_with_json({}, 307, headers={"Location": elsewhere.url_for(where)})
        outcome = send(channel(tmp_path, asked.url_for("")))
        assert (outcome.result, outcome.scope) == ("later", "channel") and elsewhere.log == []


@pytest.mark.fault("F20")
def test_a_server_that_answers_a_byte_at_a_time_holds_up_neither_the_attempt_nor_the_end_of_the_process(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        channel(tmp_path, "http://127.0.0.1:1")
        script = _SEND_AND_END.format(
            folder=str(tmp_path), port=listening.getsockname()[1], template=TEMPLATES["email"]
        )
        child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        taken, _ = listening.accept()
        with taken:
            taken.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            for _ in range(300):
                with suppress(OSError):  # it hung up
                    taken.sendall(b"b")
                with suppress(subprocess.TimeoutExpired):
                    child.wait(0.1)
                    break
            child.kill()
        out, _ = child.communicate()
    assert out.strip() == b"unknown" and child.returncode == 0


_SEND_AND_END = """
import asyncio
from alertd.outbox.channel import Message
from alertd_notifiers.govuk_notify import notifier
made = notifier({{
    "api_key_file": {folder!r} + "/key", "base_url": "http://127.0.0.1:{port}",
    "email_template": {template!r}, "timeout_seconds": 0.5,
}})
content = b'{{"sort": "email", "says": {{"subject": "s", "body": "b"}}}}'
print(asyncio.run(made.send(Message("1", "sian@council.example", content))).result)
"""


def test_what_became_of_a_message_is_asked_for_and_each_answer_counts_once(notify: FakeNotify, tmp_path: Path) -> None:
    made, now = channel(tmp_path, notify.url), datetime.now(UTC)
    notify.statuses = {"n1": "delivered", "n2": "permanent-failure", "n3": "sending", "n4": "temporary-failure"}
    awaited = [Awaited(f"d{id_}", id_, now) for id_ in ("gone", *notify.statuses)]
    first, second = asyncio.run(made.receipts(awaited)), asyncio.run(made.receipts(awaited))
    assert [(r.delivery, r.kind) for r in first] == [("dn1", "arrived"), ("dn2", "failed"), ("dn4", "failed")]
    assert [r.key for r in first] == [r.key for r in second] and len({r.key for r in first}) == 3


@pytest.mark.parametrize("code", [500, 429, 403])
def test_when_it_cannot_answer_for_one_message_it_is_not_asked_for_two_hundred(
    notify: FakeNotify, tmp_path: Path, code: int
) -> None:
    notify.deaf = code
    awaited = [Awaited(f"d{n}", f"n{n}", datetime.now(UTC)) for n in range(200)]
    assert asyncio.run(channel(tmp_path, notify.url).receipts(awaited)) == []
    assert notify.asked == 1


CALLED = {"id": "n1", "reference": LETTER.id, "to": "07700900123", "status": "permanent-failure"}


def test_a_callback_is_the_same_receipt_as_the_one_asked_for(notify: FakeNotify, tmp_path: Path) -> None:
    notify.statuses = {"n1": "permanent-failure"}
    awaited = [Awaited(LETTER.id, "n1", datetime.now(UTC))]
    [asked] = asyncio.run(channel(tmp_path, notify.url).receipts(awaited))
    headers = {"authorization": "Bearer secret"}
    assert receipt_called_back("secret", headers, json.dumps(CALLED).encode()) == asked
    assert receipt_called_back("secret", headers, json.dumps(CALLED | {"status": "sending"}).encode()) is None


@pytest.mark.parametrize(
    ("token", "headers", "body"),
    [
        ("secret", {"Authorization": "Bearer other"}, json.dumps(CALLED)),
        ("secret", {"Authorization": "secret"}, json.dumps(CALLED)),
        ("secret", {}, json.dumps(CALLED)),
        ("", {"Authorization": "Bearer "}, json.dumps(CALLED)),
        ("secret", {"Authorization": "Bearer secret"}, "no JSON"),
        ("secret", {"Authorization": "Bearer secret"}, "[]"),
        ("secret", {"Authorization": "Bearer secret"}, json.dumps(CALLED | {"reference": None})),
    ],
)
def test_a_callback_that_is_forged_or_none_is_not_believed(token: str, headers: dict[str, str], body: str) -> None:
    with pytest.raises(InputError) as caught:
        receipt_called_back(token, headers, body.encode())
    assert "07700" not in str(caught.value)


@pytest.mark.parametrize(
    ("sort", "holds", "said"),
    [
        ("email", {"subject"}, "((body))"),
        ("sms", {"message", "name"}, "1 placeholders that alertd does not fill"),
        ("letter", {"Subject", "BODY", "address_line_1"}, ""),
    ],
)
def test_a_template_that_would_leave_the_message_out_is_found_by_check(
    notify: FakeNotify, tmp_path: Path, sort: str, holds: set[str], said: str
) -> None:
    notify.holds[sort] = holds
    outcome = asyncio.run(channel(tmp_path, notify.url).check())
    assert (said in outcome.reason and outcome.result == "refused") if said else outcome.result == "delivered"


def test_check_finds_a_template_that_is_not_there_or_of_another_sort(notify: FakeNotify, tmp_path: Path) -> None:
    gone = asyncio.run(channel(tmp_path, notify.url, text_template=str(uuid4())).check())
    assert gone.result == "refused" and "text_template" in gone.reason
    other = asyncio.run(channel(tmp_path, notify.url, text_template=TEMPLATES["email"]).check())
    assert other.result == "refused" and "text_template" in other.reason


@pytest.mark.parametrize("address", ["", "Siân", "0123 456", "+1 202 555 0100", "Only; Two", "1; 2; 3; not a postcode"])
def test_an_address_that_is_none_cannot_be_written_to(tmp_path: Path, address: str) -> None:
    with pytest.raises(InputError, match="no address that Notify can send to"):
        channel(tmp_path, "http://127.0.0.1:1").write(replace(LETTER, address=address))


@pytest.mark.parametrize(
    ("address", "sort"),
    [
        ("+447700900123", "text"), ("(07700) 900-123", "text"), (POST, "letter"), ("a.b@c.example", "email"),
        (POST.replace("; ", "\n"), "letter"),
    ],
)  # fmt: skip
def test_an_address_is_known_by_its_form(address: str, sort: str) -> None:
    assert sort_of(address) == sort


@given(st.text(st.sampled_from("#^-*_=|[]()\\`1. \nab"), max_size=40))
@example("See [here](https://other.example) [^1] [x]: y")
@example("a | b\n--- | ---\nc | d")
@example("```\ncode\n~~~\nmore")
@example("12. is the day\n- ^ not an inset\n-5 days\n    code")
def test_no_line_is_changed_by_what_notify_would_take_for_its_own_marks(text: str) -> None:
    shown = plain(text)
    assert shown.replace("\u200b", "").replace("\u00a0", " ") == text, "nothing is lost"
    for line in shown.split("\n"):
        begins = line[2:].lstrip(" ") if line.startswith("- ") else line
        assert not begins.startswith((" ", "#", "^", "```", "~~~", "*", "•")), line
        assert not (begins[:1].isdigit() and begins.lstrip("0123456789").startswith(".")), line
        assert line.startswith("- ") or not line.startswith("-"), line
        assert not line.strip() or line.strip("-=*_:|\u00a0 "), line
    assert not any(mark in shown for mark in ("](", "[^", "]:", "]["))


def test_a_message_without_a_template_for_it_is_refused(notify: FakeNotify, tmp_path: Path) -> None:
    outcome = send(channel(tmp_path, notify.url, text_template=None), MOBILE)
    assert outcome == Outcome("refused", "not sent: the settings have no text_template")


def test_what_is_written_is_the_same_each_time(tmp_path: Path) -> None:
    made = channel(tmp_path, "http://127.0.0.1:1")
    assert made.write(LETTER) == made.write(LETTER) and json.loads(made.write(LETTER))["sort"] == "email"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_url": "http://notify.example"}, "https"),
        ({"email_template": "x"}, "is not of the form that is wanted"),
        ({"key": SHORT_KEY}, "no whole key"),
    ],
)
def test_a_wrong_setting_is_said_at_the_start_and_no_key_with_it(
    tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        channel(tmp_path, **({"url": "http://127.0.0.1:1"} | settings))  # type: ignore[arg-type]
    assert KEY[-20:-5] not in str(caught.value)


@pytest.mark.fault("F64")
def test_a_key_that_every_user_can_read_is_not_used(tmp_path: Path) -> None:
    channel(tmp_path, "http://127.0.0.1:1")
    (tmp_path / "key").chmod(0o604)
    with pytest.raises(InputError, match="open to every user"):
        notifier({"api_key_file": tmp_path / "key", "email_template": TEMPLATES["email"]})


def test_without_its_package_the_channel_says_which_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "alertd_notifiers.govuk_notify.channel", None)
    with pytest.raises(InputError) as caught:
        notifier({"api_key_file": tmp_path / "key"})
    assert "alertd[govuk-notify]" in str(caught.value.fix)
