"""A mail server in a process of its own, which says 250 only after writing down what it took.

``mail_server.py HISTORY`` prints its port and serves until it is ended. It can be told to kill the
process whose id stands in a file, once: ``--kill body:N`` after N bytes of a message, of which it
then has nothing, as when the sender's machine loses power with the rest still in its buffers;
``--kill dot`` when it has the whole message, instead of answering.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

FIRST = 4
"""How many messages a slow server is slow with."""


class History:
    """JSON lines, each out of this process before the call returns: it is others that are killed."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, event: str, content: bytes, recipient: str) -> None:
        found = re.search(rb"(?im)^message-id:\s*<([^@>]+)@", content)
        line = {
            "event": event,
            "id": found[1].decode() if found else "",
            "recipient": recipient,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        os.write(self._file, json.dumps(line).encode() + b"\n")


class Victim:
    """The process to kill, and where; afterwards the server behaves."""

    def __init__(self, kill: str, pid_file: Path | None) -> None:
        at, _, number = kill.partition(":")
        self.at, self.after = at, int(number or 0)
        self._pid_file = pid_file

    def die(self) -> None:
        assert self._pid_file
        self.at = ""
        os.kill(int(self._pid_file.read_text()), signal.SIGKILL)


class Handler:
    """Takes responsibility for every message."""

    def __init__(self, history: History, victim: Victim, slow: float) -> None:
        self.history, self.victim, self.slow = history, victim, slow
        self.begun = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.history.add("whole", envelope.content, envelope.rcpt_tos[0])
        self.begun += 1
        if self.begun <= FIRST:
            await asyncio.sleep(self.slow)
        self.history.add("accepted", envelope.content, envelope.rcpt_tos[0])
        if self.victim.at == "dot":
            self.victim.die()
            await asyncio.sleep(3600)  # ends when the connection does
        return "250 stored"


class Relay(SMTP):
    """Sees the bytes of a message as they come, to stop in the middle."""

    body: bytes | None = None

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        self.body = b""
        await super().smtp_DATA(arg)
        self.body = None

    def data_received(self, data: bytes) -> None:
        victim: Victim = self.event_handler.victim
        if self.body is not None and victim.at == "body":
            self.body += data
            if len(self.body) >= victim.after:
                self.event_handler.history.add("cut", self.body[: victim.after], self.envelope.rcpt_tos[0])
                victim.die()
                self.transport.abort()
                return
        super().data_received(data)


async def serve(history: Path, kill: str, pid_file: Path | None, slow: float) -> None:
    """Serve on a free port, and say which."""
    handler = Handler(History(history), Victim(kill, pid_file), slow)
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {"hostname": "relay.example", "loop": loop}
    server = await loop.create_server(lambda: Relay(handler, **options), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("history", type=Path)
    parser.add_argument("--kill", default="", metavar="body:N|dot")
    parser.add_argument("--victim", type=Path, help="the file with the id of the process to kill")
    parser.add_argument("--slow", type=float, default=0, help="seconds before the first messages are answered")
    told = parser.parse_args()
    asyncio.run(serve(told.history, told.kill, told.victim, told.slow))
