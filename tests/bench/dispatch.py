"""The dispatcher beside the ways people send mail from Python, and beside Postfix's own source: one sink, same words.

Ours writes each message's bytes, claims it, looks once more whether it may go, sends it, and stores the outcome on
disk. The peers build each message with ``EmailMessage`` and send it, and keep nothing. Every figure of seconds is the
best of some rounds in turns, because what else runs on the machine only ever makes it longer.
"""

from __future__ import annotations

import asyncio
import math
import os
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
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from uuid import uuid4

import aiosmtplib
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.bootstrap import now_utc
from alertd.cli.demo import free_port
from alertd.db.engine import open_engine, reading, upgrade
from alertd.db.tables import Alert, DeliveryAlert
from alertd.outbox import store
from alertd.outbox.channel import Letter, Message, Notifier, Outcome
from alertd.outbox.dispatch import WhyNot, dispatch_once
from alertd.outbox.mail_message import to_bytes
from alertd.outbox.recheck import why_not_now
from alertd.people.directory import Directory, Person
from alertd_notifiers.email import notifier
from tests.bench.figures import Figures, timed

MESSAGES = 3000
MANY = 20_000
ROUNDS = 3
PEOPLE = 300
ALERTS = 3
"""That each message tells of, and that are looked at again before it goes."""
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
    as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = [program, *as_nobody, f"127.0.0.1:{port}", "500"] if program else own
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
    now = datetime.now(UTC)
    with Session(engine) as session, session.begin():
        for n in range(PEOPLE * ALERTS):
            session.add(
                Alert(
                    id=n + 1, rule="cp.visit", child=f"C{n}", record=f"R{n}", occurrence="1", state="open",
                    stage="overdue", finding={}, worker=f"P{n % PEOPLE}", opened_at=now, changed_at=now,
                )
            )  # fmt: skip
        for n, (letter, content) in enumerate(written):
            store.put(
                session, letter, content, person=f"P{n % PEOPLE}", resolved_by="worker", channel="email",
                destination=letter.address.rpartition("@")[2],
            )  # fmt: skip
            session.add_all(
                DeliveryAlert(
                    delivery_id=letter.id, alert_id=n % PEOPLE + PEOPLE * k + 1, kind="told", role="worker", how="bench"
                )
                for k in range(ALERTS)
            )
    try:
        yield engine
    finally:
        engine.dispose()


def looking(engine: Engine) -> WhyNot:
    """The last look, as the daemon has it."""

    def why_not(ids: Sequence[str]) -> Mapping[str, str]:
        with Session(reading(engine)) as session:
            return why_not_now(session, DIRECTORY, ids, TODAY)

    return why_not


def dispatched(engine: Engine, channels: Mapping[str, Notifier], number: int) -> None:
    """Send everything, and see that it was sent."""
    done = asyncio.run(dispatch_once(engine, channels, now_utc, random.Random(1), why_not=looking(engine)))
    assert done.results == {"delivered": number}, done


def ours(folder: Path, port: int, words: Sequence[Letter], name: str = "ours") -> tuple[float, float]:
    """Seconds for writing the bytes, and for claiming, looking, sending and storing."""
    channel = notifier({"host": "127.0.0.1", "port": port, "tls": "none", "sender": SENDER})
    written: list[tuple[Letter, bytes]] = []
    writing = timed(lambda: written.extend((one, to_bytes(one)) for one in words))
    with outbox(folder, name, written) as engine:
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
    """Sends by the relay, except to one domain, which does not answer until all else has gone."""

    def __init__(self, relay: Notifier, others: int) -> None:
        self.name, self.pace, self._relay, self._others = "email", relay.pace, relay, others
        self._gone = asyncio.Event()
        self.last = 0.0

    def write(self, letter: Letter) -> bytes:
        return self._relay.write(letter)

    async def check(self) -> Outcome:
        return await self._relay.check()

    async def send(self, message: Message) -> Outcome:
        if message.recipient.endswith("@hangs.example"):
            await self._gone.wait()
            return Outcome("later", "no answer", "destination")
        outcome = await self._relay.send(message)
        self._others -= 1
        if not self._others:
            self.last = time.perf_counter()
            self._gone.set()
        return outcome

    async def close(self) -> None:
        await self._relay.close()


def beside_one_that_hangs(folder: Path, port: int, words: Sequence[Letter]) -> dict[str, float | str]:
    """How much longer one domain's messages take while as many to another, which were due before them, hang: in per
    cent."""
    took = dict.fromkeys(("alone", "beside"), math.inf)
    for n, name in ((n, name) for n in range(ROUNDS) for name in took):
        due = [(replace(one, id=str(uuid4())), to_bytes(one)) for one in words]
        if name == "beside":
            early = words[0].date - timedelta(minutes=1)
            due += [
                (replace(one, id=str(uuid4()), address="x@hangs.example", date=early), content) for one, content in due
            ]
        relay = notifier({"host": "127.0.0.1", "port": port, "tls": "none", "sender": SENDER})
        channel = Hanging(relay, len(words))
        with outbox(folder, f"{name}{n}", due) as engine:
            began = time.perf_counter()
            asyncio.run(dispatch_once(engine, {"email": channel}, now_utc, random.Random(1)))
            took[name] = min(took[name], channel.last - began)
    return {"value": round(100 * (took["beside"] / took["alone"] - 1), 1), **took}


def dispatching(folder: Path, say: Callable[[str], None] = lambda _: None) -> Figures:
    """All of it, with one sink."""
    words = letters()
    with sink() as port:
        by_aiosmtplib(port, words[:50])  # warm
        parts, loops, reuses, sources = [], [], [], []
        for n in range(ROUNDS):
            say(f"Sending {MESSAGES:,} messages in four ways, round {n + 1} of {ROUNDS}")
            parts.append(ours(folder, port, words, f"ours{n}"))
            loops.append(by_aiosmtplib(port, words))
            reuses.append(by_smtplib(port, words))
            sources.append(by_smtp_source(port, MESSAGES, len(to_bytes(words[0]))))
        say("Sending beside a domain that hangs")
        hangs = beside_one_that_hangs(folder, port, words[:2000])
        say(f"Sending {MANY:,} messages")
        many = sum(ours(folder, port, letters(MANY), "many"))
    writing, sending = min(parts, key=sum)
    library = min(timed(lambda: [built(one).as_bytes() for one in words]) for _ in range(ROUNDS))
    rate = MESSAGES / (writing + sending)
    others = {"aiosmtplib": loops, "smtplib": reuses, "smtp_source": [one for one in sources if one is not None]}
    return {
        **{
            f"dispatch_vs_{name}": beside(rate, MESSAGES / min(took))
            if took
            else {"missing": "smtp-source is not installed (Debian has it in postfix)"}
            for name, took in others.items()
        },
        "hanging_domain_slowdown_percent": hangs,
        "dispatch_ms_writing_vs_email_message": {
            "ratio": round(writing / library, 3),
            "a": round(1000 * writing / MESSAGES, 3),
            "b": round(1000 * library / MESSAGES, 3),
        },
        "dispatch_ms_claim_look_send_store": {"value": round(1000 * sending / MESSAGES, 3)},
        "dispatch_20000_seconds": {"value": round(many, 1)},
    }


def beside(ours: float, theirs: float) -> dict[str, float | str]:
    """Messages a second of both."""
    return {"ratio": round(ours / theirs, 3), "a": round(ours, 1), "b": round(theirs, 1)}


if __name__ == "__main__":
    import json
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(dispatching(Path(name), print), indent=1))
