"""An SMTP server that misbehaves to order, and keeps what it took responsibility for.

``SmtpServer({"RCPT": "reply 451 greylisted", ".": "hang"})`` runs in a thread of its own, so that
tests may be synchronous, asynchronous or other processes. Keys are stages: ``connect``, ``EHLO``,
``STARTTLS``, ``AUTH``, ``MAIL``, ``RCPT``, ``RCPT <address>``, ``DATA``, ``.`` (the whole message has
come), ``250`` (right after it was answered), ``RSET``, ``QUIT``. Values are what to do there:

``reply TEXT``   answer with TEXT (``\\n`` between lines)
``hang``         say nothing more
``close``        close the connection; ``reset`` does it rudely
``garbage``      bytes that are no answer; ``endless`` never stops a multi-line one, ``long`` a line
``drip``         a byte of an answer every tenth of a second, never reaching its end
``slow``         the right answer, 0.4 seconds late

A list is used up one connection or command at a time (None: behave), and then the server behaves.
At ``.`` the message counts as taken unless the answer is a 4xx or 5xx.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

OFFERS: tuple[str, ...] = ("8BITMIME", "SIZE 10000000")

Behaviour = str | list[str | None]


@dataclass(frozen=True)
class Taken:
    """A message the server has: bytes between DATA and the final dot, unstuffed."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


class _GoneError(Exception):
    """This connection is over."""


@dataclass
class SmtpServer:
    behave: Mapping[str, Behaviour] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    login: tuple[str, str] | None = None
    offers: tuple[str, ...] = field(default_factory=lambda: OFFERS)
    taken: list[Taken] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    """Every command, in order, without arguments of AUTH."""
    envelopes: list[str] = field(default_factory=list)
    """What followed MAIL and RCPT."""
    connections: int = 0
    port: int = 0

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        context = self.tls if self.implicit else None
        server = await asyncio.start_server(self._client, "127.0.0.1", self.port, ssl=context, limit=2**26)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self.connections += 1
        dialogue = _Dialogue(self, reader, writer)
        try:
            await dialogue.run()
        except (_GoneError, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    def behaviour(self, *stages: str) -> str | None:
        """What to do now, by the first stage named that has something left to do."""
        for stage in stages:
            found = self.behave.get(stage)
            if isinstance(found, list):
                found = found.pop(0) if found else None
            if found:
                return found
        return None


class _Dialogue:
    def __init__(self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.encrypted = server.implicit
        self.sender, self.recipients = "", list[str]()

    async def say(self, text: str, *stages: str) -> bool:
        """Answer with ``text``, unless told to misbehave at a stage. Whether the answer was positive."""
        return await self.act(self.server.behaviour(*stages), text)

    async def act(self, told: str | None, text: str) -> bool:
        match (told or "").partition(" "):
            case ("hang", _, _):
                await asyncio.sleep(3600)
            case ("slow", _, _):
                await asyncio.sleep(0.4)
            case ("close", _, _):
                self.writer.close()
                raise _GoneError
            case ("reset", _, _):
                self.writer.transport.abort()
                raise _GoneError
            case ("garbage", _, _):
                text = "\x00\xffwhat?"
            case ("reply", _, other):
                text = other
            case ("endless" | "long" | "drip" as kind, _, _):
                while True:
                    self.writer.write(b"250-x\r\n" if kind == "endless" else b"2" if kind == "drip" else b"2" * 4096)
                    await self.writer.drain()
                    await asyncio.sleep(0.1 if kind == "drip" else 0)
        self.writer.write(text.replace("\n", "\r\n").encode("latin-1") + b"\r\n")
        await self.writer.drain()
        if text.startswith("421"):
            self.writer.close()
            raise _GoneError
        return text[:1] in "23"

    async def run(self) -> None:
        await self.say("220 relay.example ESMTP", "connect")
        while line := await self.reader.readline():
            verb, _, argument = line.decode("latin-1").strip().partition(" ")
            self.server.heard.append(verb.upper())
            await getattr(self, f"do_{verb.lower()}", self.do_unknown)(argument)

    async def do_unknown(self, _argument: str) -> None:
        await self.say("502 not known here")

    async def do_ehlo(self, _argument: str) -> None:
        lines = [
            "relay.example",
            *self.server.offers,
            *(["STARTTLS"] if self.server.tls and not self.encrypted else []),
            *(["AUTH PLAIN LOGIN"] if self.server.login else []),
        ]
        await self.say("\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]), "EHLO")

    async def do_starttls(self, _argument: str) -> None:
        if await self.say("220 go ahead", "STARTTLS"):
            assert self.server.tls
            await self.writer.start_tls(self.server.tls)
            self.encrypted = True

    async def do_auth(self, argument: str) -> None:
        assert self.server.login
        right = base64.b64encode("\0".join(("", *self.server.login)).encode()).decode()
        await self.say("235 welcome" if argument == f"PLAIN {right}" else "535 5.7.8 wrong", "AUTH")

    async def do_mail(self, argument: str) -> None:
        self.server.envelopes.append(argument)
        if await self.say("250 ok", "MAIL"):
            self.sender, self.recipients = _address(argument), []

    async def do_rcpt(self, argument: str) -> None:
        self.server.envelopes.append(argument)
        address = _address(argument)
        if await self.say("250 ok", f"RCPT {address}", "RCPT"):
            self.recipients.append(address)

    async def do_rset(self, _argument: str) -> None:
        await self.say("250 ok", "RSET")

    async def do_data(self, _argument: str) -> None:
        if not self.recipients:
            await self.say("554 5.5.1 no valid recipients")
            return
        if not await self.say("354 go", "DATA"):
            return
        content = (await self.reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
        taken = Taken(self.sender, tuple(self.recipients), content.removeprefix(b"."))
        told = self.server.behaviour(".")
        if not (told or "").startswith(("reply 4", "reply 5")):
            self.server.taken.append(taken)
        await self.act(told, "250 stored")
        if told := self.server.behaviour("250"):
            await self.act(told, "")

    async def do_quit(self, _argument: str) -> None:
        await self.say("221 bye", "QUIT")
        raise _GoneError


def _address(argument: str) -> str:
    return argument.partition("<")[2].partition(">")[0]
