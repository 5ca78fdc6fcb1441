"""The file channel: a message is a file, whole and on disk, or it is not there."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from alertd.outbox.channel import Letter, Message, Notifier, Outcome
from alertd.outbox.mail_message import to_bytes
from alertd_notifiers.file.config import FileConfig


class FileNotifier(Notifier):
    """Writes ``<delivery id>.eml``. The same message written twice is one file, so nothing arrives twice."""

    name = "file"

    def __init__(self, config: FileConfig) -> None:
        self._folder = config.folder
        self._threads = ThreadPoolExecutor(self.pace.at_once, "file")
        """Its own: a folder on a server that hangs must hold up no other channel."""

    def write(self, letter: Letter) -> bytes:
        """The mail, addressed to an e-mail address."""
        return to_bytes(letter)

    def destination(self, address: str) -> str:
        """None: what fails, fails for all."""
        del address
        return ""

    async def send(self, message: Message) -> Outcome:
        """Write it beside its place, and move it there when it is on disk."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._send, message)

    async def check(self) -> Outcome:
        """Write, and take away, a file that is no message."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._check)

    def _send(self, message: Message) -> Outcome:
        try:
            _drop(self._folder, f"{message.id}.eml", message.content)
        except OSError as fault:
            return self._failed(fault)
        return Outcome("delivered", "the file is in the folder")

    def _check(self) -> Outcome:
        try:
            _drop(self._folder, ".check", b"")
            (self._folder / ".check").unlink()
        except OSError as fault:
            return self._failed(fault)
        return Outcome("delivered", "the folder can be written to")

    def _failed(self, fault: OSError) -> Outcome:
        reason = os.strerror(fault.errno).lower() if fault.errno else type(fault).__name__
        return Outcome("later", f"not written: the drop folder says: {reason}", "channel")


def _drop(folder: Path, name: str, content: bytes) -> None:
    """A file that is there whole, and stays there when the power goes."""
    beside = folder / f".{name}.part"
    try:
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        with os.fdopen(file, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(folder / name)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
