"""The dispatcher beside the ways people send mail from Python, and beside Postfix's own source: one sink, same words.

Ours writes each message's bytes, claims it, looks once more whether it may go, sends it, and stores the outcome on
disk. The peers build each message with ``EmailMessage`` and send it, and keep nothing.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from uuid import uuid4

import aiosmtplib
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.cli.demo import free_port
from alertd.db.engine import open_engine, reading, upgrade
from alertd.outbox import store
from alertd.outbox.channel import Letter, Message, Notifier, Outcome
from alertd.outbox.dispatch import WhyNot, dispatch_once
from alertd.outbox.mail_message import to_bytes
from alertd.outbox.recheck import why_not_now_all
from alertd.people.directory import Directory, Person
from alertd_notifiers.email import notifier
from tests.bench.figures import Figures, timed

MESSAGES = 3000
PEOPLE = 300
HTML = "<p style='margin:0'>Visit a child on a plan: due 20 November £</p>\n"
TODAY = date(2026, 11, 24)
SENDER = "alertd@council.example"
DIRECTORY = Directory(
    {f"P{n}": Person(f"P{n}", f"Siân Person {n}", f"p{n}@council.example", "worker") for n in range(PEOPLE)},
    {},
    "duty@council.example",
)


def letters(number: int = MESSAGES) -> list[Letter]:
    """Digests of about the usual length: 6 KB, text and HTML, a name that is not ASCII."""
    text = "Overdue\n" + "Visit a child on a plan: due 20 November, counted from 6 November £ –\n" * 25
    html = (
        "<html><body>" + "<p style='margin:0'>Visit a child on a plan: due 20 November £</p>\n" * 50 + "</body></html>"
    )
    people = list(DIRECTORY.people.values())
    now = datetime.now(UTC)
    return [
        Letter(
            str(uuid4()), SENDER, one.name, one.address, now, f"{n} overdue · 2 due this week", "preview", text, html
        )
        for n, one in ((n, people[n % PEOPLE]) for n in range(number))
    ]


@contextmanager
def sink() -> Iterator[int]:
    """A mail server that takes everything, in a process of its own: Postfix's, where it is installed."""
    port = free_port()
    program = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin")
    own = [sys.executable, "-c", f"import tests.bench.dispatch as d; d.serve({port})"]
    command = [program, "-u", "nobody", f"127.0.0.1:{port}", "500"] if program else own
    with subprocess.Popen(command) as process:
        _wait_for(port)
        try:
            yield port
        finally:
            process.terminate()


def serve(port: int) -> None:
    """aiosmtpd, where there is no Postfix."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Sink

    Controller(Sink(), hostname="127.0.0.1", port=port).start()
    while True:
        time.sleep(60)


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the sink does not start")


@contextmanager
def outbox(
    folder: Path, name: str, written: Sequence[tuple[Letter, bytes]], channel: str = "email"
) -> Iterator[Engine]:
    """An outbox on disk in which all of these are due."""
    engine = open_engine(f"sqlite:///{folder / name}.db")
    upgrade(engine)
    with Session(engine) as session, session.begin():
        for n, (letter, content) in enumerate(written):
            store.put(
                session, letter, content, person=f"P{n % PEOPLE}", resolved_by="worker", channel="email",
                destination=letter.address.rpartition("@")[2],
            )  # fmt: skip
    try:
        yield engine
    finally:
        engine.dispose()


def looking(engine: Engine) -> WhyNot:
    """The last look, as the daemon has it."""

    def why_not(ids: Sequence[str]) -> Mapping[str, str]:
        with Session(reading(engine)) as session:
            return why_not_now_all(session, DIRECTORY, ids, TODAY)

    return why_not


def dispatched(engine: Engine, channels: Mapping[str, Notifier], number: int) -> None:
    """Send everything, and see that it was sent."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731
    done = asyncio.run(dispatch_once(engine, channels, clock, random.Random(1), why_not=looking(engine)))
    assert done.results["delivered"] == number, done


def ours(folder: Path, port: int, words: Sequence[Letter]) -> tuple[float, float]:
    """Seconds for writing the bytes, and for claiming, looking, sending and storing."""
    channel = notifier({"host": "127.0.0.1", "port": port, "tls": "none", "sender": SENDER})
    written: list[tuple[Letter, bytes]] = []
    writing = timed(lambda: written.extend((one, to_bytes(one)) for one in words))
    with outbox(folder, "ours", written) as engine:
        return writing, timed(lambda: dispatched(engine, {"email": channel}, len(words)))


def built(letter: Letter) -> EmailMessage:
    """The same words as anybody would write them."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = letter.sender, f'"{letter.to_name}" <{letter.address}>'
    message["Subject"], message["Date"] = letter.subject, letter.date
    message["Message-ID"] = f"<{letter.id}@council.example>"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def by_aiosmtplib(port: int, words: Sequence[Letter]) -> float:
    """A loop of ``aiosmtplib.send``."""

    async def loop() -> None:
        for one in words:
            await aiosmtplib.send(built(one), hostname="127.0.0.1", port=port, start_tls=False)

    return timed(lambda: asyncio.run(loop()))


def by_smtplib(port: int, words: Sequence[Letter]) -> float:
    """smtplib on one connection."""

    def loop() -> None:
        with smtplib.SMTP("127.0.0.1", port) as connection:
            for one in words:
                connection.send_message(built(one))

    return timed(loop)


def by_smtp_source(port: int, number: int, size: int) -> float | None:
    """Postfix's own source: one message of that size over and over, eight at a time, nothing kept."""
    program = shutil.which("smtp-source", path="/usr/sbin:/usr/bin")
    if program is None:
        return None
    command = [program, "-s", "8", "-m", str(number), "-l", str(size), "-d", "-f", SENDER, "-t", "p@council.example"]
    return timed(lambda: subprocess.run([*command, f"127.0.0.1:{port}"], check=True, capture_output=True))


class Hanging(Notifier):
    """Sends by the relay, except to one domain, which never answers."""

    def __init__(self, relay: Notifier) -> None:
        self.name, self.pace, self._relay = "email", relay.pace, relay
        self.last = 0.0

    def write(self, letter: Letter) -> bytes:
        return self._relay.write(letter)

    async def check(self) -> Outcome:
        return await self._relay.check()

    async def send(self, message: Message) -> Outcome:
        if message.recipient.endswith("@hangs.example"):
            await asyncio.sleep(20)
            return Outcome("later", "no answer", "destination")
        outcome = await self._relay.send(message)
        self.last = time.perf_counter()
        return outcome

    async def close(self) -> None:
        await self._relay.close()


def beside_one_that_hangs(folder: Path, port: int, words: Sequence[Letter]) -> dict[str, float]:
    """How much longer one domain's messages take while as many to another hang for 20 seconds each, in per cent."""
    took = {}
    for name in ("alone", "beside"):
        relay = notifier({"host": "127.0.0.1", "port": port, "tls": "none", "sender": SENDER})
        channel = Hanging(relay)
        due = [(one, b"From: a@council.example\r\n\r\nText.\r\n") for one in words]
        if name == "beside":
            due += [(replace(one, id=str(uuid4()), address="x@hangs.example"), content) for one, content in due[:200]]
        with outbox(folder, name, due) as engine:
            began = time.perf_counter()
            clock: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731
            asyncio.run(dispatch_once(engine, {"email": channel}, clock, random.Random(1)))
            took[name] = channel.last - began
    return {"value": round(100 * (took["beside"] / took["alone"] - 1), 1), **took}


def dispatching(folder: Path, say: Callable[[str], None] = lambda _: None) -> Figures:
    """All of it, with one sink."""
    words = letters()
    with sink() as port:
        by_aiosmtplib(port, words[:50])  # warm
        say("Sending with the dispatcher")
        writing, sending = ours(folder, port, words)
        say("Sending in a loop of aiosmtplib.send")
        loop = by_aiosmtplib(port, words)
        say("Sending with smtplib")
        reused = by_smtplib(port, words)
        say("Sending with smtp-source")
        source = by_smtp_source(port, MESSAGES, len(to_bytes(words[0])))
        say("Sending beside a domain that hangs")
        hangs = beside_one_that_hangs(folder, port, words)
    rate = MESSAGES / (writing + sending)
    found: Figures = {
        "dispatch_vs_aiosmtplib": {"ratio": round(loop * rate / MESSAGES, 2), "a": rate, "b": MESSAGES / loop},
        "dispatch_vs_smtplib": {"ratio": round(reused * rate / MESSAGES, 2), "a": rate, "b": MESSAGES / reused},
        "hanging_domain_slowdown_percent": hangs,
        "dispatch_ms_writing": {"value": round(1000 * writing / MESSAGES, 3)},
        "dispatch_ms_claim_look_send_store": {"value": round(1000 * sending / MESSAGES, 3)},
    }
    if source:
        ratio = round(source * rate / MESSAGES, 3)
        found["dispatch_vs_smtp_source"] = {"ratio": ratio, "a": rate, "b": MESSAGES / source}
    return found


if __name__ == "__main__":
    import json
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(dispatching(Path(name), print), indent=1))
