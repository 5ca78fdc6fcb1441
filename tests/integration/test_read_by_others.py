"""What is sent, read by a mail program that is not ours: mutt, in a terminal of its own."""

from __future__ import annotations

import asyncio
import mailbox
import shlex
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from alertd.outbox.channel import Letter, Message
from alertd_notifiers.email import notifier
from tests.support.smtp_server import SmtpServer

LETTER = Letter(
    str(uuid4()), "alertd@council.example", "Siân O'Brien, North (duty)", "sian@council.example",
    datetime(2026, 11, 24, 8, 5, tzinfo=UTC), "3 overdue · 2 due – see why, with a subject that is long enough to fold",
    "preview", "Overdue: £5\n.\nFrom here on\n" + "long " * 60 + "\n", "<p>Overdue: £5</p>\n",
)  # fmt: skip


def sent() -> bytes:
    """A letter as a mail server has it, after the whole of sending."""
    with SmtpServer(offers=("8BITMIME", "SIZE 1000000", "PIPELINING")) as server:
        email = notifier({"host": "localhost", "port": server.port, "tls": "none", "sender": "alertd@council.example"})

        async def send() -> None:
            outcome = await email.send(Message(LETTER.id, LETTER.address, email.write(LETTER)))
            assert outcome.result == "delivered"
            await email.close()

        asyncio.run(send())
    [taken] = server.taken
    return taken.content


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
