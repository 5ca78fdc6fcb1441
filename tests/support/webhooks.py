"""Endpoints of webhooks, and what calls them."""

from __future__ import annotations

import asyncio
import base64
import random
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import trustme
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.db.tables import Delivery
from alertd.outbox import store
from alertd.outbox.channel import Letter, Message, Outcome
from alertd.outbox.dispatch import dispatch_once
from alertd_notifiers.webhook import WebhookNotifier, notifier
from tests.support.databases import opened

OLD, NEW = (f"whsec_{base64.b64encode(bytes([n]) * 24).decode()}" for n in (1, 2))
LETTER = Letter(
    str(uuid4()), "alertd@council.example", "Case system", "cases", datetime(2026, 11, 24, 8, tzinfo=UTC),
    "Overdue: ref C1 Jane", "preview C1", "Jane C1 is overdue", "<p>Jane C1</p>", urgent=True, about=(7, 9),
)  # fmt: skip


@pytest.fixture(scope="module")
def webhook_server() -> Iterator[HTTPServer]:
    """One for all tests of a file: each takes half a second to end."""
    with HTTPServer(host="127.0.0.1") as made:
        yield made


@pytest.fixture
def endpoint(tmp_path: Path, webhook_server: HTTPServer) -> Iterator[HTTPServer]:
    """An endpoint that knows nothing yet, and the secrets beside it."""
    (tmp_path / "secret").write_text(f"{NEW}\n{OLD}\n")
    (tmp_path / "secret").chmod(0o600)
    yield webhook_server
    webhook_server.clear()


def channel(folder: Path, url: str, *, seconds: float = 10, **settings: object) -> WebhookNotifier:
    one = {"url": url, "secret_file": folder / "secret", "allow_private": True} | settings
    return notifier({"endpoints": {"cases": one}, "timeout_seconds": seconds})


def post(made: WebhookNotifier, message: Message | None = None) -> Outcome:
    return asyncio.run(made.send(message or Message(LETTER.id, "cases", made.write(LETTER))))


def resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name leads to these."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


class Raw:
    """An endpoint that reads a request and then says just these bytes; and after them, where it is to, nothing."""

    def __init__(self, *answer: bytes, hang: bool = False) -> None:
        self._answer, self._hang, self.requests = answer, hang, 0
        self._end = threading.Event()

    def __enter__(self) -> Raw:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while not self._end.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.requests += b"POST" in connection.recv(65536)
                try:
                    for piece in self._answer:
                        connection.sendall(piece)
                except OSError:
                    continue  # it does not want to hear more
                if self._hang:
                    self._end.wait(10)


class Box:
    """An outbox with a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.engine = opened(f"sqlite:///{folder / 'outbox.db'}")
        self.now = LETTER.date

    def put(self, made: WebhookNotifier, id_: str, address: str) -> None:
        letter = replace(LETTER, id=id_, address=address)
        with Session(self.engine) as session, session.begin():
            where = made.destination(address)
            store.put(
                session,
                letter,
                made.write(letter),
                person=address,
                resolved_by="",
                channel="webhook",
                destination=where,
            )

    def send(self, made: WebhookNotifier) -> None:
        asyncio.run(dispatch_once(self.engine, {"webhook": made}, lambda: self.now, random.Random(1)))

    def rows(self) -> list[Delivery]:
        with Session(self.engine) as session:
            return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context
