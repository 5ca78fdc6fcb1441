"""The address at which the API payload is delivered: what is taken, what is refused, and what is on disk after."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from alertd.cases.sources import csc_api_inbox
from alertd.cases.sources.csc_api_inbox import STATE
from alertd.errors import InputError
from alertd.web.receive import Limits, app
from alertd.web.tokens import Tokens, add_token, read_tokens
from tests.unit.sources.csc_api_payloads import child, episode, of, plan, read_all

PATH = "/children_social_care_data/350/children"
NOW = datetime(2026, 11, 28, 6, 30, 0, 120_000, tzinfo=UTC)


class Place:
    """An inbox with its application, and a sender who has a token."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.tokens = folder / "tokens"
        self.token = add_token(self.tokens, "supplier")
        self.now = NOW
        made = app(self.inbox, la_code=350, who=Tokens(self.tokens), clock=lambda: self.now, limits=limits)
        self.transport = httpx.ASGITransport(made, raise_app_exceptions=False)

    def post(self, payload: object, path: str = PATH, **headers: str) -> httpx.Response:
        content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        sent = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        return self.send("POST", path, sent, content)

    def send(
        self, method: str, path: str, headers: dict[str, str] | None = None, content: bytes | AsyncIterator[bytes] = b""
    ) -> httpx.Response:
        async def sent() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.transport, base_url="https://alertd.example") as client:
                return await client.request(method, path, headers=headers, content=content)

        return asyncio.run(sent())

    @property
    def files(self) -> list[str]:
        return sorted(os.listdir(self.inbox))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def test_a_delivery_answered_with_200_is_on_disk_and_is_read(place: Place) -> None:
    answer = place.post([child(episode(child_protection_plans=[plan()])), child(id_="C2")])
    assert answer.status_code == 200
    first, second = answer.json()  # a receipt for each child
    assert first == second and first.startswith("2026-11-28_06:30:00.12_") and first.endswith(".json")
    (file,) = place.files
    assert file == f"20261128T063000120000Z-{first.split('_')[2]}"
    snapshot = read_all(place.inbox)
    assert [case.child for case in snapshot.cases] == ["C1", "C2"]
    assert len(of(snapshot, "cp_plan")) == 1


def test_names_and_addresses_never_reach_the_disk(place: Place) -> None:
    personal = {"first_name": "Jo", "surname": "Bloggs", "postcode": "AB1 2CD", "unique_pupil_number": "A" * 13}
    misplaced = episode(start=" ".join(["Jo Bloggs"] * 10), closure_date={"of": "Jo Bloggs"})
    delivered = [child(misplaced, child_details={"date_of_birth": "2015-06-15", **personal})]
    assert place.post(delivered).status_code == 200
    (file,) = place.files
    kept = (place.inbox / file).read_text()
    assert "2015-06-15" in kept
    assert not [value for value in personal.values() if value in kept]


def test_the_same_delivery_twice_says_the_same_twice(place: Place) -> None:
    payload = [child(episode(child_protection_plans=[plan()]))]
    place.post(payload)
    once = read_all(place.inbox)
    assert place.post(payload).status_code == 200
    assert read_all(place.inbox).cases == once.cases and read_all(place.inbox).counts == once.counts


def test_a_delivery_without_children_is_answered_with_204_and_leaves_nothing(place: Place) -> None:
    answer = place.post([])
    assert (answer.status_code, answer.content, place.files) == (204, b"", [])


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({"authorization": ""}, PATH, 401),
        ({"authorization": "Bearer "}, PATH, 401),
        ({"authorization": "Bearer wrong"}, PATH, 401),
        ({"authorization": "Basic c3VwcGxpZXI6eA=="}, PATH, 401),
        ({}, "/children_social_care_data/351/children", 403),
        ({}, "/children_social_care_data/x/children", 404),
        ({}, "/", 404),
        ({}, "/docs", 404),
        ({"content_type": "text/plain"}, PATH, 415),
        ({"content_type": ""}, PATH, 415),
        ({"content_type": "application/json; charset=iso-8859-1"}, PATH, 415),
        ({"content_encoding": "gzip"}, PATH, 415),
        ({"content_type": 'Application/JSON; charset="UTF-8"'}, PATH, 200),
    ],
)
def test_what_does_not_come_as_it_should_is_refused(
    place: Place, headers: dict[str, str], path: str, status: int
) -> None:
    answer = place.post([child()], path, **headers)
    assert (answer.status_code, bool(place.files)) == (status, status == 200)
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", [PATH, "/", "/health", "/.receiving", f"{PATH}/../../inbox"])
def test_there_is_nothing_to_read_but_whether_it_is_receiving_and_no_answer_may_be_kept(
    place: Place, path: str
) -> None:
    answer = place.send("GET", path)
    assert answer.status_code == (200 if path == "/health" else 405 if path == PATH else 404)
    for name in ("cache-control", "content-security-policy", "x-content-type-options", "referrer-policy"):
        assert name in answer.headers
    assert "server" not in answer.headers and len(answer.content) < 30


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", {"error": "is not JSON (Input is a zero-length, empty document)", "line": 1}),
        (b"[{]", {"line": 1}),
        (b"{}", {"error": "is not a list of children", "line": None}),
        (b'[{"la_child_id": "C1", "purge": NaN}]', {"line": 1}),
        (b'[{"la_child_id": "C1", "la_child_id": "C2"}]', {"error": "gives a field twice in one object"}),
    ],
)
def test_what_is_no_payload_is_answered_with_400(place: Place, payload: bytes, said: dict[str, object]) -> None:
    answer = place.post(payload)
    assert (answer.status_code, place.files) == (400, [])
    assert said.items() <= answer.json().items()


def test_an_element_that_cannot_be_used_refuses_the_delivery_naming_its_place_and_no_value(
    place: Place, logged: list[Any]
) -> None:
    bad = [child(), child(episode(child_protection_plans=[{"child_protection_plan_id": "Jo Bloggs"}]))]
    answer = place.post(bad)
    assert (answer.status_code, place.files) == (400, [])
    (element,) = answer.json()["elements"]
    assert element["at"] == "[1].social_care_episodes[0].child_protection_plans[0]"
    assert element["field"] == "child_protection_plan_id"
    assert "Bloggs" not in answer.text + repr(logged)
    many = place.post([{"la_child_id": None}] * 90).json()
    assert (len(many["elements"]), many["of"]) == (20, 90)


def test_a_value_that_cannot_be_read_is_taken_and_becomes_a_doubt(place: Place) -> None:
    assert place.post([child(episode(start="yesterday"))]).status_code == 200
    assert of(read_all(place.inbox), "referral")[0].doubt("start")


def test_more_than_a_hundred_children_or_too_many_bytes_are_too_much(tmp_path: Path) -> None:
    place = Place(tmp_path, Limits(max_bytes=20_000))
    assert place.post([child(id_=f"C{n}") for n in range(100)]).status_code == 200
    assert place.post([child(id_=f"C{n}") for n in range(101)]).status_code == 413
    assert place.post(b" " * 20_001).status_code == 413
    assert place.post(b"[]", content_length="20001").status_code == 413  # before any of it is read

    async def without_length() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1000

    sent = {"authorization": f"Bearer {place.token}", "content-type": "application/json"}
    assert place.send("POST", PATH, sent, without_length()).status_code == 413
    assert len(place.files) == 1


def test_too_many_deliveries_in_a_minute_wait(tmp_path: Path) -> None:
    place = Place(tmp_path, Limits(per_minute=2))
    assert [place.post([child()]).status_code for _ in range(3)] == [200, 200, 429]
    assert place.post([child()]).headers["retry-after"] == "60"
    place.now += timedelta(seconds=61)
    assert place.post([child()]).status_code == 200


def test_old_deliveries_are_folded_and_nothing_is_lost(tmp_path: Path) -> None:
    place = Place(tmp_path, Limits(fold_above=5))
    for number in range(13):
        assert place.post([child(id_=f"C{number}")]).status_code == 200
    assert STATE in place.files and len(place.files) < 7
    assert len(read_all(place.inbox).cases) == 13


def test_what_cannot_be_written_is_not_acknowledged(
    place: Place, monkeypatch: pytest.MonkeyPatch, logged: list[Any]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(csc_api_inbox.os, "fsync", _full)
        answer = place.post([child()])
    assert answer.status_code == 503 and "retry-after" in answer.headers
    assert not [name for name in place.files if not name.startswith(".")]
    assert logged[-2]["event"] == "delivery cannot be kept" and logged[-2]["why"] == "No space left on device"
    assert place.post([child()]).status_code == 200


def _full(_: int) -> None:
    raise OSError(28, os.strerror(28))


def test_what_keeps_old_deliveries_from_being_folded_keeps_no_delivery_out(tmp_path: Path, logged: list[Any]) -> None:
    place = Place(tmp_path, Limits(fold_above=1))
    (place.inbox / STATE).write_text("damaged")
    assert [place.post([child()]).status_code for _ in range(3)] == [200, 200, 200]
    assert "deliveries cannot be folded" in [line["event"] for line in logged]


def test_the_log_says_who_delivered_how_many_and_neither_tokens_nor_children(place: Place, logged: list[Any]) -> None:
    place.post([child(id_="C77")])
    place.post([child(id_="C77")], authorization="Bearer guess")
    assert [(line["event"], line["sender"]) for line in logged] == [
        ("delivery received", "supplier"),
        ("delivery refused", ""),
    ]
    assert logged[0]["children"] == 1
    for secret in ("C77", "guess", place.token):
        assert secret not in repr(logged)


def test_a_token_lets_in_until_its_line_is_taken_away(place: Place) -> None:
    other = add_token(place.tokens, "other")
    assert place.post([child()], authorization=f"Bearer {other}").status_code == 200
    kept = [line for line in place.tokens.read_text().splitlines() if not line.startswith("other ")]
    place.tokens.write_text("\n".join(kept) + "\n")
    assert place.post([child()], authorization=f"Bearer {other}").status_code == 401
    assert place.post([child()]).status_code == 200
    place.tokens.chmod(0o644)
    assert place.post([child()]).status_code == 503
    place.tokens.unlink()
    assert place.post([child()]).status_code == 503


def test_the_file_of_tokens_holds_hashes_alone_and_is_closed_to_others(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    tokens = [add_token(file, name) for name in ("a", "b")]
    assert file.stat().st_mode & 0o777 == 0o600
    assert not [token for token in tokens if token in file.read_text() or len(token) < 43]
    assert list(read_tokens(file)) == ["a", "b"] and len(set(read_tokens(file).values())) == 2
    for name, why in (("a", "has a token"), ("two words", "a name is"), ("", "a name is")):
        with pytest.raises(InputError, match=why):
            add_token(file, name)
    for text, why in (("a b\n", r"tokens:1: is not a name"), (file.read_text() * 2, "tokens:3: names somebody")):
        file.write_text(text)
        with pytest.raises(InputError, match=why):
            read_tokens(file)
