"""The drop folder: whole files, once, or none (fault row F36)."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from alertd.outbox.channel import Letter, Message
from alertd_notifiers.file import notifier

LETTER = Letter(
    str(uuid4()), "alertd@council.example", "Siân", "sian@council.example", datetime.now(UTC), "Overdue", "p", "T", "H"
)


def test_a_message_is_one_file_however_often_it_is_written(tmp_path: Path) -> None:
    channel = notifier({"folder": tmp_path})
    message = Message(LETTER.id, LETTER.address, channel.write(LETTER))
    assert [asyncio.run(channel.send(message)).result for _ in range(2)] == ["delivered", "delivered"]
    [file] = tmp_path.iterdir()
    assert file.name == f"{LETTER.id}.eml" and file.read_bytes() == message.content
    assert email.message_from_bytes(file.read_bytes(), policy=email.policy.strict)["Subject"] == "Overdue"  # type: ignore[arg-type]
    assert not file.stat().st_mode & 0o007


def test_a_folder_that_is_not_there_is_a_fault_of_the_whole_channel(tmp_path: Path) -> None:
    channel = notifier({"folder": tmp_path / "gone"})
    for outcome in (asyncio.run(channel.check()), asyncio.run(channel.send(Message(LETTER.id, "a@b.example", b"x")))):
        assert (outcome.result, outcome.scope) == ("later", "channel") and "no such file" in outcome.reason


def test_f36_a_disk_that_is_full_leaves_no_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    outcome = asyncio.run(notifier({"folder": tmp_path}).send(Message(LETTER.id, "a@b.example", b"x")))
    assert (outcome.result, outcome.scope) == ("later", "channel") and "no space" in outcome.reason
    assert list(tmp_path.iterdir()) == []


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    assert asyncio.run(notifier({"folder": tmp_path}).check()).result == "delivered"
    assert list(tmp_path.iterdir()) == []
