"""GOV.UK Notify calls alertd back: believed with its token alone, once, and never before the message is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from pytest_httpserver import HTTPServer
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from starlette.applications import Starlette

from alertd.db.tables import Delivery, DeliveryReceipt
from alertd.engine import sweep as sweeping
from alertd.errors import InputError
from alertd.outbox.channel import Notifier
from alertd.web.app import app
from alertd.web.callback import LONGEST, routes
from alertd.web.per_minute import PerMinute
from alertd_notifiers.govuk_notify import notifier
from tests.support.council import Inline
from tests.support.fake_notify import KEY, TEMPLATES, FakeNotify
from tests.support.other_channels import Place
from tests.support.pages import Browser

TOKEN = "a-token-of-notifys-page"
PATH = "/callback/govuk-notify/text"


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield server


@pytest.fixture
def notify(server: HTTPServer) -> FakeNotify:
    server.clear()
    return FakeNotify(server)


def channel(folder: Path, url: str, **settings: object) -> Notifier:
    for name, text in (("key", KEY), ("token", TOKEN)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    usual = {"api_key_file": folder / "key", "base_url": url, "text_template": TEMPLATES["sms"], "timeout_seconds": 5}
    return notifier(usual | {"callback_token_file": folder / "token"} | settings)


@pytest.fixture
def place(tmp_path: Path, notify: FakeNotify, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A council whose worker has been told by a text of Notify, because their mailbox is gone."""
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    made = channel(tmp_path, notify.url)
    monkeypatch.setattr("tests.support.other_channels.Texts", lambda: made)
    found = Place(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    found.council.mail.refuses = "ade"
    found.on()
    found.follow()
    found.send()
    assert found.stand_in().state == "delivered" and found.stand_in().reference == notify.taken[0]["id"]
    yield found
    found.council.house.engine.dispose()


def post(
    place: Place, body: object, token: str = TOKEN, path: str = PATH, made: Starlette | None = None
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    browser = Browser(made or app(place.council.house))
    return browser.ask("POST", path, content=content, headers={"authorization": f"Bearer {token}"})


def said(place: Place, status: str, **more: Any) -> dict[str, Any]:
    sent = place.stand_in()
    return {"id": sent.reference, "reference": sent.id, "to": "07700900123", "status": status} | more


def receipts(place: Place) -> list[tuple[str, str]]:
    with Session(place.council.house.engine) as session:
        return [(one.delivery_id, one.kind) for one in session.scalars(select(DeliveryReceipt))]


def test_what_failed_is_refused_at_once_and_somebody_is_told(place: Place, notify: FakeNotify) -> None:
    with structlog.testing.capture_logs() as logged:
        answer = post(place, said(place, "permanent-failure"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert place.stand_in().state == "refused" and "does not exist" in place.stand_in().reason
    assert "07700" not in str(logged) and TOKEN not in str(logged)
    place.at(9, 5)
    assert place.follow(), "an hour after the mail nobody was reached"
    place.compose()
    assert len(place.told_duty()) == 1


def test_what_comes_both_ways_counts_once(place: Place, notify: FakeNotify) -> None:
    for _ in range(2):
        assert post(place, said(place, "delivered")).status_code == 204
    notify.statuses = {place.stand_in().reference: "delivered"}
    asked = notify.asked
    place.follow()
    assert receipts(place) == [(place.stand_in().id, "arrived")]
    assert notify.asked == asked, "what Notify has said is not asked for again"
    assert post(place, said(place, "sending")).status_code == 204 and len(receipts(place)) == 1


@pytest.mark.parametrize("state", ["sending", "due", "unknown"])
def test_what_comes_before_the_message_is_stored_as_taken_is_to_come_again(place: Place, state: str) -> None:
    id_, token = place.stand_in().id, "t" if state == "sending" else None
    change = update(Delivery).where(Delivery.id == id_)
    with Session(place.council.house.engine) as session, session.begin():
        session.execute(change.values(state=state, token=token))
    early = post(place, said(place, "permanent-failure"))
    assert early.status_code == 503 and int(early.headers["retry-after"]) > 0 and receipts(place) == []
    with Session(place.council.house.engine) as session, session.begin():
        session.execute(change.values(state="delivered", token=None))
    assert post(place, said(place, "permanent-failure")).status_code == 204
    assert place.stand_in().state == "refused"


def test_a_message_of_another_channel_or_none_is_not_touched_and_nobody_can_tell(place: Place) -> None:
    mail = place.mail()
    for reference in (mail.id, "00000000-0000-0000-0000-000000000000", "x' or 1=1"):
        answer = post(place, said(place, "permanent-failure", reference=reference))
        assert (answer.status_code, answer.content) == (204, b"")
    assert receipts(place) == [] and place.mail().state == mail.state


@pytest.mark.parametrize("path", [PATH, "/callback/govuk-notify/email", "/callback/govuk-notify/nothing"])
def test_without_the_token_nothing_is_believed(place: Place, path: str) -> None:
    tokens = ["", "other", TOKEN[:-1], f"{TOKEN}x"] if path == PATH else [TOKEN]
    assert {post(place, said(place, "permanent-failure"), token, path).status_code for token in tokens} == {403}
    assert receipts(place) == [] and place.stand_in().state == "delivered"


def test_a_channel_without_a_token_in_the_settings_believes_nobody(place: Place, tmp_path: Path) -> None:
    made = channel(tmp_path, place.texts._config.base_url, callback_token_file=None)  # type: ignore[attr-defined]
    place.council.house.notifiers["text"] = made  # type: ignore[index]
    for token in ("", "None", TOKEN):
        assert post(place, said(place, "permanent-failure"), token).status_code == 403
    assert receipts(place) == []


def test_what_is_no_receipt_or_too_long_is_not_read(place: Place) -> None:
    assert post(place, b"no JSON").status_code == post(place, [1]).status_code == 400
    assert post(place, b"x" * (LONGEST + 1)).status_code == 413
    assert Browser(app(place.council.house)).ask("GET", PATH).status_code == 405


def test_guessing_is_refused_for_a_minute_and_notify_is_heard_all_the_same(place: Place) -> None:
    made = Starlette(routes=list(routes(place.council.house, missed=PerMinute(3))))
    codes = [post(place, said(place, "delivered"), "guess", made=made).status_code for _ in range(5)]
    assert codes == [403, 403, 403, 429, 429]
    assert post(place, said(place, "delivered"), made=made).status_code == 204 and len(receipts(place)) == 1


def test_a_token_that_everybody_may_read_is_found_at_the_start(tmp_path: Path, notify: FakeNotify) -> None:
    channel(tmp_path, notify.url)
    (tmp_path / "token").chmod(0o644)
    with pytest.raises(InputError, match="token file is open"):
        notifier(
            {
                "api_key_file": tmp_path / "key", "base_url": notify.url, "text_template": TEMPLATES["sms"],
                "callback_token_file": tmp_path / "token",
            }
        )  # fmt: skip
