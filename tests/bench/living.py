"""A real daemon over a made-up authority: what it takes while it has nothing to do.

    python -m tests.bench.living

The authority has 4,000 children, the daemon its usual settings. It is looked at once it has read the feed, evaluated,
sent what was urgent, and let a while pass.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from alertd import synth
from alertd.cli.demo import free_port
from alertd.db.engine import open_engine, upgrade
from alertd.settings import load
from tests.bench.figures import Figures
from tests.bench.made import write_settings

CHILDREN = 2400
"""In need in a year: some 4,000 are then known to the authority."""
WATCHED_SECONDS = 60
QUIET_SECONDS = 15
"""Without a message or a line of the log: it has nothing to do."""
PERCENT, MEGABYTES = 0.5, 150
PATIENCE_SECONDS = 900


@dataclass
class Sink:
    """A mail server that takes everything, and knows when it took what."""

    taken: list[tuple[float, str]] = field(default_factory=list)
    """The moment at which each message was accepted, as ``time.time`` has it, and the message."""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        said = envelope.content if isinstance(envelope.content, bytes) else b""
        self.taken.append((time.time(), said.decode("utf-8", "replace")))
        return "250 taken"


@dataclass
class Daemon:
    """``alertd run`` in a process of its own, with its log and its mail."""

    process: subprocess.Popen[bytes]
    config: Path
    feed: Path
    log: Path
    sink: Sink

    def events(self, name: str) -> list[dict[str, object]]:
        """The lines of the log that tell of such an event, in order."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [one for line in lines if line.startswith("{") and (one := json.loads(line))["event"] == name]

    def wait_for(self, what: str, happened: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Raise SystemExit with the end of the log where it does not happen in time, or the daemon ends."""
        give_up = time.monotonic() + seconds
        while not happened():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise SystemExit(f"{what} did not come about; the log ends: {self.log.read_text()[-2000:]}")
            time.sleep(0.1)

    def settle(self) -> None:
        """Wait until it has evaluated and has nothing to do."""
        self.wait_for("the first evaluation", lambda: bool(self.events("evaluated")))
        before, since = (0, 0), time.monotonic()

        def quiet() -> bool:
            nonlocal before, since
            now = len(self.sink.taken), self.log.stat().st_size
            if now != before:
                before, since = now, time.monotonic()
            return time.monotonic() - since > QUIET_SECONDS

        self.wait_for("quiet after the first evaluation", quiet)

    def processor_seconds(self) -> float:
        """What the process took since it began."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self, what: str) -> float:
        """Memory of the process: ``Rss`` or ``Pss`` (what it shares with others counted by its part)."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith(f"{what}:"))


@contextmanager
def living(folder: Path, schedule: str = "", today: date | None = None) -> Iterator[Daemon]:
    """A daemon over an authority made in the folder, whose records go up to today."""
    feed, as_of = folder / "authority.db", today or date.today()
    synth.make(feed, la="350", children=CHILDREN, seed=1, as_of=as_of)
    synth.write_people(folder, la="350", children=CHILDREN, seed=1, as_of=as_of)
    sink = Sink()
    mail = Controller(sink, hostname="127.0.0.1", port=free_port())
    mail.start()
    config = write_settings(folder, feed, port=mail.port, schedule=schedule)
    made = open_engine(load(config).database.url)
    upgrade(made)  # at the first start alone the daemon does it, and keeps in memory what that needs
    made.dispose()
    log = folder / "log"
    with log.open("wb") as out:
        words = [sys.executable, "-m", "alertd", "run", "--config", str(config)]
        process = subprocess.Popen(words, stdout=out, stderr=out)
        try:
            yield Daemon(process, config, feed, log, sink)
        finally:
            process.terminate()
            process.wait()
            mail.stop()


def idling(folder: Path, say: Callable[[str], None] = lambda _: None) -> Figures:
    """Per cent of a processor, and megabytes, each beside what it should stay under."""
    with living(folder) as daemon:
        say("Waiting until the daemon has nothing to do")
        daemon.settle()
        say(f"Watching it for {WATCHED_SECONDS} seconds")
        before, began = daemon.processor_seconds(), time.monotonic()
        time.sleep(WATCHED_SECONDS)
        percent = 100 * (daemon.processor_seconds() - before) / (time.monotonic() - began)
        return {
            "idle_cpu_percent": {"value": round(percent, 2), "limit": PERCENT},
            "idle_mb": {
                "value": round(daemon.megabytes("Rss"), 1),
                "limit": MEGABYTES,
                "pss": round(daemon.megabytes("Pss"), 1),
            },
        }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(idling(Path(name), print), indent=1))
