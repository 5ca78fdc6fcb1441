"""The page on which an agency acknowledges: looking changes nothing, pressing once does, and a link says no more."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from starlette.applications import Starlette

from alertd.engine import sweep as sweeping
from alertd.partners import store
from alertd.people.agencies import Contact
from alertd.web.acknowledge import routes
from alertd.web.app import app
from alertd.web.per_minute import PerMinute
from tests.integration.test_partners_road import REVIEWERS, Town, nov
from tests.support.council import Inline

LINK = re.compile(r"https://alertd\.council\.example(/acknowledge/\S+)")


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    found = Town(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    found.day(nov(3))
    found.do(store.approve, "W1", found.at(nov(3)))
    found.council.send(time(9, 5))
    found.council.send(time(9, 6))
    yield found
    found.council.house.engine.dispose()


class Browser:
    """Asks the application as a browser does."""

    def __init__(self, town: Town, found: Starlette | None = None) -> None:
        self._transport = httpx.ASGITransport(found or app(town.council.house))

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="https://alertd.example") as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked())

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("POST", path, **more)


@pytest.fixture
def page(town: Town) -> Browser:
    return Browser(town)


def link(town: Town) -> str:
    found = LINK.search(town.mails_to("desk")[0][1])
    assert found
    return found[1]


@pytest.mark.fault("F78")
def test_looking_changes_nothing_however_often(town: Town, page: Browser) -> None:
    for _ in range(3):
        seen = page.get(link(town))
        assert seen.status_code == 200
    assert page.ask("HEAD", link(town)).status_code == 200
    assert town.only().state == "sent"
    assert town.only().reference in seen.text
    assert "Reviewing service" in seen.text and "Tuesday 3 November 2026" in seen.text
    assert not re.search(r"\bC1\b", seen.text) and "care order" not in seen.text


@pytest.mark.fault("F78")
def test_pressing_the_button_acknowledges_once(town: Town, page: Browser) -> None:
    first = page.post(link(town), data={"confirm": "yes"})
    when = town.only().acknowledged_at
    town.at(nov(9))
    again = page.post(link(town), data={"confirm": "yes"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert "Thank you" in first.text and "Thank you" in again.text
    assert town.only().state == "acknowledged" and town.only().acknowledged_at == when


def test_whoever_had_the_message_before_cannot_acknowledge_the_one_that_went_to_somebody_else(
    town: Town, page: Browser
) -> None:
    old = link(town)
    town.do(store.send_again, "W1", town.at(nov(4)), "the desk has moved")
    town.agencies(replace(REVIEWERS, contacts=(Contact("new", "New", "new@reviewers.example"),)))
    town.council.send(time(9, 5))
    town.council.send(time(9, 6))
    assert len(town.mails_to("new")) == 1
    assert page.post(old, data={"confirm": "yes"}).status_code == 404
    assert town.only().state == "sent"
    found = LINK.search(town.mails_to("new")[0][1])
    assert found and page.post(found[1], data={"confirm": "yes"}).status_code == 200
    assert town.only().state == "acknowledged"


def test_an_address_written_another_way_is_none_and_sends_nobody_elsewhere_with_the_secret(
    town: Town, page: Browser
) -> None:
    for path in (f"{link(town)}/", f"/{link(town)}", f"{link(town)}/../x", "/health/", "/calendar/x.ics/"):
        answer = page.ask("GET", path, headers={"host": "elsewhere.example"})
        assert answer.status_code == 404 and "location" not in answer.headers, path


def test_a_post_without_the_button_acknowledges_nothing(town: Town, page: Browser) -> None:
    for body in ({}, {"confirm": "no"}, {"other": "yes"}):
        assert page.post(link(town), data=body).status_code == 200
    assert page.post(link(town), content=b"x" * 2000).status_code == 413
    assert town.only().state == "sent"


def test_unknown_expired_and_withdrawn_links_say_what_to_do_with_one_status(town: Town, page: Browser) -> None:
    answers = {"unknown": page.get("/acknowledge/nobody-knows")}
    town.at(nov(3))
    town.council.now = town.council.now.replace(year=2027, month=3)
    answers["expired"] = page.get(link(town))
    pressed = page.post(link(town), data={"confirm": "yes"})
    town.at(nov(4))
    town.do(store.bounced, town.council.now, "gone")
    town.do(store.refuse, "W1", town.council.now, "told by telephone")
    answers["withdrawn"] = page.get(link(town))
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 404)
    assert pressed.status_code == 404
    assert "not known here" in answers["unknown"].text
    assert "expired" in answers["expired"].text
    assert "withdrawn" in answers["withdrawn"].text
    assert town.only().state == "withdrawn"
    assert all(town.only().reference not in answer.text for answer in answers.values())


def test_guessing_is_refused_for_a_minute_and_a_link_that_is_known_still_answers(town: Town) -> None:
    page = Browser(town, Starlette(routes=routes(town.council.house, missed=PerMinute(3))))
    with structlog.testing.capture_logs() as logged:
        asked = [
            page.get("/acknowledge/a"),
            page.post("/acknowledge/b", data={"confirm": "yes"}),
            page.get("/acknowledge/c"),
        ]
        assert [answer.status_code for answer in asked] == [404, 404, 404]
        for refused in (page.get("/acknowledge/guess"), page.post("/acknowledge/guess", data={"confirm": "yes"})):
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
            assert refused.headers["cache-control"] == "no-store"
        assert page.get(link(town)).status_code == 200
    assert [line["event"] for line in logged] == ["unknown_links_asked_for_too_often"] * 2
    assert "guess" not in "".join(str(value) for line in logged for key, value in line.items() if key != "next")
    town.council.now += timedelta(minutes=1)
    assert page.get("/acknowledge/guess").status_code == 404
    assert page.post(link(town), data={"confirm": "yes"}).status_code == 200
    assert town.only().state == "acknowledged"


def test_no_answer_may_be_kept_framed_scripted_or_told_of_elsewhere_and_no_secret_is_logged(
    town: Town, page: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for answer in (page.get(link(town)), page.post(link(town)), page.get("/acknowledge/x"), page.get("/nothing")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
    policy = page.get(link(town)).headers["content-security-policy"]
    assert "default-src 'none'" in policy and "form-action 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "script" not in policy and "unsafe" not in policy
    page.post(link(town), data={"confirm": "yes"})
    assert link(town).rpartition("/")[2] not in "".join(capsys.readouterr())


def test_a_welsh_contact_has_a_welsh_page(town: Town, page: Browser) -> None:
    desk = Contact("desk", "Desk", "desk@reviewers.example", "cy")
    town.agencies(replace(REVIEWERS, contacts=(desk,)))
    seen = Browser(town).get(link(town))
    assert '<html lang="cy">' in seen.text
    assert "Cydnabod hysbysiad" in seen.text
