"""The connection to the relay: its name is looked up beside everything else, and each address has its turn."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from alertd_notifiers.email import reach


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def found(*addresses: tuple[str, int]) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port: int = gone.getsockname()[1]
    return port


def test_f25_the_next_address_is_tried_where_one_refuses(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    two = found(("127.0.0.1", closed_port()), ("127.0.0.1", port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: two)
    with asyncio.run(reach.connected("relay.example", 25, 5)) as made:
        assert made.getpeername() == ("127.0.0.1", port)


def test_f25_the_fault_of_the_last_address_is_the_one_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found(("127.0.0.1", closed_port())))
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(reach.connected("relay.example", 25, 5))


def test_f25_a_silent_name_server_is_a_name_not_found_out_and_keeps_no_thread_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers.wait())

    async def tried() -> str:
        with pytest.raises(socket.gaierror, match="does not answer"):
            await asyncio.gather(*(reach.connected("relay.example", 25, 0.05) for _ in range(40)))
        return await asyncio.to_thread(lambda: "the database's threads are free")

    assert asyncio.run(tried()) == "the database's threads are free"
    answers.set()
