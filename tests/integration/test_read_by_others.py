"""What is sent, read by programs that are not ours: Postfix's server, mutt in a terminal of its own."""

from __future__ import annotations

import asyncio
import email
import email.policy
import mailbox
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from alertd.cli.demo import free_port
from alertd.outbox.channel import Letter, Message
from alertd_notifiers.email import notifier
from tests.support.smtp_server import SmtpServer

SINK = [found] if (found := shutil.which("smtp-sink", path="/usr/sbin:/usr/bin")) else []
LETTER = Letter(
    str(uuid4()), "alertd@council.example", "Siân O'Brien, North (duty)", "sian@council.example",
    datetime(2026, 11, 24, 8, 5, tzinfo=UTC), "3 overdue · 2 due – see why, with a subject that is long enough to fold",
    "preview", "Overdue: £5\n.\nFrom here on\n" + "long " * 60 + "\n", "<p>Overdue: £5</p>\n",
)  # fmt: skip


def sent() -> bytes:
    """A letter as a mail server has it, after the whole of sending."""
    with SmtpServer(offers=("8BITMIME", "SIZE 1000000", "PIPELINING")) as server:
        send(server.port, [LETTER])
    [taken] = server.taken
    return taken.content


def send(port: int, letters: list[Letter]) -> None:
    """Send them one after another on one connection."""
    settings = {"host": "localhost", "port": port, "tls": "none", "sender": LETTER.sender}
    channel = notifier(settings | {"bounces": "bounces@council.example"})

    async def one_by_one() -> None:
        for letter in letters:
            outcome = await channel.send(Message(letter.id, letter.address, channel.write(letter)))
            assert outcome.result == "delivered", outcome.reason
        await channel.close()

    asyncio.run(one_by_one())


@contextmanager
def postfix(folder: Path) -> Iterator[int]:
    """Postfix's own server, which takes commands together and reports, and keeps each message in a file."""
    folder.chmod(0o777)  # as root it becomes nobody
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with subprocess.Popen([*SINK, *user, "-d", "%M.", f"127.0.0.1:{port}", "10"], cwd=folder) as process:
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


@pytest.mark.skipif(not SINK, reason="Postfix's smtp-sink is not installed")
def test_postfix_takes_messages_one_after_another_with_what_is_asked_and_their_words_whole(tmp_path: Path) -> None:
    texts = ["Overdue: £5\n.\n", "..\n.\nFrom x\n", "=\n" + "x" * 3000 + " \n"]
    letters = [replace(LETTER, id=str(uuid4()), text=text) for text in texts]
    with postfix(tmp_path) as port:
        send(port, letters)
    kept = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in tmp_path.iterdir()]
    found = {str(one["Message-ID"]).strip("<>").partition("@")[0]: one for one in kept}
    for letter in letters:
        one = found.pop(letter.id)
        body = one.get_body(("plain",))
        assert body is not None and body.get_content().replace("\r\n", "\n") == letter.text
        assert one["Subject"] == LETTER.subject
        assert one["X-Mail-Args"].startswith(f"<bounces+{letter.id.replace('-', '')}@council.example>")
        assert f"ENVID={letter.id}" in one["X-Mail-Args"] and "NOTIFY=FAILURE,DELAY" in one["X-Rcpt-Args"]
    assert not found


@pytest.mark.skipif(
    shutil.which("mutt") is None or shutil.which("script") is None, reason="mutt and script are not installed"
)
def test_mutt_shows_the_subject_the_sender_and_the_words(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "box")
    box.add(sent())
    box.close()
    out = tmp_path / "out"
    settings = (
        f'set folder="{tmp_path}"; set copy=no; set confirmappend=no; set wait_key=no; set pipe_decode=yes; '
        f'set charset="utf-8"; set header_cache=""; set move=no; set markers=no; ignore *; '
        "unignore from to subject date; hdr_order from to subject date; alternative_order text/plain; "
        f'push "<pipe-message>cat > {out}<enter><exit>"'
    )
    command = shlex.join(["mutt", "-n", "-F", "/dev/null", "-e", settings, "-f", str(tmp_path / "box")])
    done = subprocess.run(
        ["script", "--quiet", "--return", "--command", command, "/dev/null"],  # mutt wants a terminal
        env={"TERM": "xterm", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert out.exists(), done.stdout
    shown = out.read_text("utf-8")
    assert f"Subject: {LETTER.subject}" in " ".join(shown.split()).replace(" - ", " – ")
    assert "Siân O'Brien, North (duty)" in shown and "alertd@council.example" in shown
    assert "Overdue: £5\n.\n" in shown and "From here on" in shown
