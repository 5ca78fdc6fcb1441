"""NHS MESH through mesh-client, against what its API description promises."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_httpserver import HTTPServer

from alertd.errors import InputError
from alertd.outbox.channel import Awaited, Letter, Message, Notifier, Outcome
from alertd_notifiers.mesh import notifier
from tests.support.fake_mesh import MAILBOX, PASSWORD, SHARED_KEY, THEIRS, FakeMesh

LETTER = Letter(
    str(uuid4()), "alertd@council.example", "School nursing", THEIRS, datetime.now(UTC), "Notification AB12", "p",
    "A child moved to your area.\n", "<p>x</p>", reference="AB12",
)  # fmt: skip


@pytest.fixture
def mesh() -> Iterator[FakeMesh]:
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield FakeMesh(server)


def channel(folder: Path, url: str, *, password: str = PASSWORD, **settings: object) -> Notifier:
    for name, secret in (("password", password), ("shared", SHARED_KEY)):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    usual = {
        "url": url, "mailbox": MAILBOX, "workflow_id": "ALERTD_NOTIFY", "timeout_seconds": 5,
        "password_file": folder / "password", "shared_key_file": folder / "shared",
    }  # fmt: skip
    return notifier(usual | settings)


def send(made: Notifier) -> Outcome:
    return asyncio.run(made.send(Message(LETTER.id, THEIRS, made.write(LETTER))))


def test_a_message_is_in_their_mailbox_under_our_id_with_nothing_in_the_open(mesh: FakeMesh, tmp_path: Path) -> None:
    made = channel(tmp_path, mesh.url)
    outcome = send(made)
    [taken] = mesh.taken
    assert (outcome.result, outcome.reference) == ("delivered", taken["id"])
    assert (taken["to"], taken["workflow"], taken["local"]) == (THEIRS, "ALERTD_NOTIFY", LETTER.id)
    assert taken["subject"] == "alertd notification"
    assert taken["body"] == "Notification AB12\n\nA child moved to your area.\n"
    assert asyncio.run(made.check()).result == "delivered"


def test_a_wrong_password_stops_the_whole_channel(mesh: FakeMesh, tmp_path: Path) -> None:
    made = channel(tmp_path, mesh.url, password="other")
    checked = asyncio.run(made.check())
    assert (checked.result, checked.scope) == ("later", "channel") and "password" in checked.reason
    assert mesh.taken == []


def test_an_answer_that_does_not_come_leaves_it_unknown_and_nothing_is_repeated_here(
    mesh: FakeMesh, tmp_path: Path
) -> None:
    mesh.hangs = [1.0]
    assert send(channel(tmp_path, mesh.url, timeout_seconds=0.3)).result == "unknown"
    assert len(mesh.taken) == 1


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (417, {"errorCode": "12", "errorDescription": "Unregistered to address"}, ("refused", "destination")),
        (400, {"detail": [{"code": "12", "msg": "Unregistered"}]}, ("refused", "destination")),
        (503, {}, ("later", "channel")),
        (500, {}, ("later", "channel")),
    ],
)
def test_what_mesh_answers_decides(
    mesh: FakeMesh, tmp_path: Path, code: int, said: dict[str, object], expected: tuple[str, str]
) -> None:
    mesh.answers = [(code, said)]
    outcome = send(channel(tmp_path, mesh.url))
    assert (outcome.result, outcome.scope) == expected and mesh.taken == []


def test_nobody_there_means_later_for_the_whole_channel(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        outcome = send(channel(tmp_path, f"http://127.0.0.1:{free.getsockname()[1]}"))
    assert (outcome.result, outcome.scope) == ("later", "channel")


def test_tracking_says_who_took_theirs_and_what_came_back(mesh: FakeMesh, tmp_path: Path) -> None:
    mesh.statuses = {
        "m1": {"status": "Acknowledged", "status_success": True},
        "m2": {"status": "Accepted", "status_success": True},
        "m3": {"status": "Undeliverable", "status_code": "14", "status_success": False},
    }
    made, now = channel(tmp_path, mesh.url), datetime.now(UTC)
    found = asyncio.run(made.receipts([Awaited(f"d{n}", f"m{n}", now) for n in (1, 2, 3, 4)]))
    assert [(one.delivery, one.kind) for one in found] == [("d1", "acknowledged"), ("d3", "failed")]
    assert "its code 14" in found[1].reason and len({one.key for one in found}) == 2


@pytest.mark.parametrize("address", ["", "sian@council.example", "x26hc005", "X26 HC005"])
def test_an_address_that_is_no_mailbox_cannot_be_written_to(tmp_path: Path, address: str) -> None:
    with pytest.raises(InputError, match="no MESH mailbox"):
        channel(tmp_path, "http://127.0.0.1:1").write(replace(LETTER, address=address))


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": "http://mesh.example"}, "mesh"),
        ({"mailbox": "x"}, "mesh.mailbox"),
        ({"certificate_file": "cert.pem"}, "mesh"),
        ({"certificate_file": "/gone.pem", "key_file": "/gone.key"}, "/gone.key"),
    ],
)
def test_a_wrong_setting_is_said_at_the_start(tmp_path: Path, settings: dict[str, str], key: str) -> None:
    with pytest.raises(InputError) as caught:
        channel(tmp_path, **({"url": "http://127.0.0.1:1"} | settings))  # type: ignore[arg-type]
    assert caught.value.where == key
