"""Connections that ask for nothing keep out nobody, and are ended (fault rows F76 and F77)."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from alertd.web import patience
from alertd.web.patience import Impatient, open_more_files

HALF_OPEN = 1000


async def _hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@dataclass
class Served:
    port: int

    def ask(self, body: bytes | None = None) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", body, timeout=60) as answer:
            return str(answer.read().decode())

    def connect(self, said: bytes = b"") -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        made.sendall(said)
        return made


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    app = Starlette(routes=[Route("/health", _hello, methods=["GET", "POST"])])
    config = uvicorn.Config(
        app, http=Impatient, ws="none", lifespan="off", log_config=None, access_log=False, backlog=1024
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as bound:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield Served(bound.getsockname()[1])
        server.should_exit = True
        thread.join()


def ends(one: socket.socket) -> bool:
    """Whether the other side ends it, after whatever it still says: waits as long as the socket's own time."""
    return until(one, None)[1]


def until(one: socket.socket, last: bytes | None) -> tuple[bytes, bool]:
    """What the other side says, up to ``last``, and whether it ended the connection: an answer may come in pieces."""
    heard = b""
    while last is None or not heard.endswith(last):
        try:
            piece = one.recv(1000)
        except ConnectionResetError:
            piece = b""
        if not piece:
            return heard, True
        heard += piece
    return heard, False


def test_f76_a_thousand_half_open_connections_keep_out_nobody(served: Served) -> None:
    open_more_files()
    with ExitStack() as stack:
        for n in range(HALF_OPEN):
            said = (b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ")[n % 3]
            stack.enter_context(served.connect(said))
        assert served.ask() == "0"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /health HTTP/1.1\r\nHost: x\r\n",
        b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    ],
)
def test_f76_a_request_that_does_not_come_ends_its_connection(
    served: Served, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.2)
    with served.connect(said) as one:
        assert ends(one)


def test_f76_the_second_request_of_a_connection_may_not_dawdle_either(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.3)
    with served.connect(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n") as one:
        heard, ended = until(one, b"\r\n\r\n0")
        assert heard.startswith(b"HTTP/1.1 200") and not ended
        one.sendall(b"GET /hea")
        assert ends(one)


def test_who_asks_as_one_does_is_answered_with_a_body_too(served: Served) -> None:
    assert served.ask(b"x" * 50_000) == "50000"


def test_f76_beyond_the_most_connections_new_ones_are_sent_away(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "MOST", 3)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(served.connect(b"GET /health"))
        with served.connect() as one:
            assert ends(one)


@pytest.mark.parametrize(
    "head", [b"X-Long: " + b"y" * 200_000, b"\r\n".join(b"Cookie: a%d=b" % n for n in range(20_000))]
)
def test_f77_a_head_without_end_is_refused(served: Served, head: bytes) -> None:
    with served.connect() as one:
        try:
            one.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n" + head)
            heard, ended = until(one, None)
            assert (ended and heard.startswith(b"HTTP/1.1 4")) or not heard
        except (ConnectionResetError, BrokenPipeError):
            pass  # it ended before all of it was sent
    assert served.ask() == "0"
