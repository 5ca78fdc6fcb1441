"""An authority to run alertd in: a folder, a mail server of its own, and a clock that only goes forward."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self

from alertd.cases.records import LONDON
from alertd.cli.demo import adopt_all, example_config
from tests.faults import checker
from tests.faults.checker import Promise, Verdict
from tests.faults.plugin import Measured
from tests.faults.run_daemon import run_in_own_process

HERE = Path(__file__).parent
MORNING = datetime(2026, 11, 24, 8, 5, tzinfo=LONDON)
"""A Tuesday, a little after the digest hour."""

LEASE = timedelta(minutes=25)
"""Longer than a claim is good for."""

FAST = 600.0
"""Ten minutes of the daemon's clock in a second, so that retries need not be waited for."""

WARM = multiprocessing.get_context("forkserver")
"""Makes processes from one that has imported alertd, which takes a second each time otherwise."""
WARM.set_forkserver_preload(["__main__", "alertd.daemon", "alertd.bootstrap", "tests.faults.run_daemon"])

PATIENCE = 90.0
"""Seconds after which a process is taken to be stuck; a healthy one on a busy machine needs ten."""


@dataclass
class Place:
    """One authority's folder. ``at`` is what the clock shows when the next process starts."""

    folder: Path
    authority: Path
    url: str = ""
    at: datetime = MORNING
    kills: int = 0
    mail: subprocess.Popen[str] | None = None
    mail_port: str = ""
    running: list[BaseProcess] = field(default_factory=list)
    recovered_seconds: float | None = None
    """How long it took, the last time, from the start until all that was due had gone."""
    measured: Measured | None = None
    log_file: Path | None = None
    began: float | None = None
    """Where several daemons share a clock: when, by the machine's steady one, it showed ``at``."""

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.url = self.url or f"sqlite:///{self.folder / 'alertd.db'}"
        self.log_file = self.log_file or self.folder / "alertd.log"
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End whatever still runs here."""
        while self.running:
            end(self.running.pop())
        if self.mail:
            self.mail.kill()
            self.mail.communicate()
            self.mail = None

    @property
    def history(self) -> Path:
        return self.folder / "mail.jsonl"

    def start_mail(self, *told: str) -> None:
        """Start the mail server, told how to misbehave, and write the settings that name it."""
        command = [sys.executable, str(HERE / "mail_server.py"), str(self.history), *told]
        command += ["--victim", str(self.folder / "daemon.pid")]
        self.mail = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.mail.stdout
        self.mail_port = self.mail.stdout.readline().strip()
        (self.folder / "agencies.yaml").write_text(example_config("agencies.yaml"))
        # Alerts of a restricted child wait for somebody to be named, and here everything must have been told.
        (self.folder / "restrictions.csv").write_text("child,only,never,reason,until\n")
        config = self.folder / "alertd.toml"
        config.write_text(self.settings(example_config()))
        adopt_all(config, date(2026, 11, 24))

    def settings(self, example: str) -> str:
        """The settings of this place, made from an example of some version."""
        text = example.replace("sqlite:///alertd.db", self.url)
        text = re.sub(r"(?m)^port = .*", f"port = {self.mail_port}", text)
        text = re.sub(r"(?m)^dispatch_seconds = .*", "dispatch_seconds = 1", text)
        for name in ("authority.db", "people.csv", "teams.csv"):
            text = text.replace(f'"{name}"', f'"{self.authority / name}"')
        return text.replace("sqlite:///authority.db", f"sqlite:///{self.authority / 'authority.db'}")

    def arguments(self, *work: str, kill: str = "", pause: str = "", speed: float = 1) -> list[str]:
        """The launcher's; ``kill`` and ``pause`` as ``send.before_record:3``."""
        arguments = [str(self.folder / "alertd.toml"), "--work", *(work or ("daemon",)), "--kill", kill]
        arguments += ["--pause", pause, "--at", self.at.isoformat(), "--speed", str(speed)]
        return arguments if self.began is None else [*arguments, "--began", str(self.began)]

    def start(
        self, *work: str, kill: str = "", pause: str = "", speed: float = 1, more: Sequence[str] = ()
    ) -> BaseProcess:
        """Start alertd in a process of its own."""
        arguments = [*self.arguments(*work, kill=kill, pause=pause, speed=speed), *more]
        process = WARM.Process(target=run_in_own_process, args=(arguments, str(self.log_file)))
        process.start()
        self.running.append(process)
        return process

    def ended(self, process: BaseProcess, began: float, speed: float = 1, rest: timedelta = LEASE) -> int | None:
        """Wait for a process's end; the next one starts ``rest`` later, when its leases have run out."""
        process.join(PATIENCE)
        code = process.exitcode
        self.running.remove(process)
        end(process)
        if self.began is None:
            self.at += timedelta(seconds=speed * (time.monotonic() - began)) + rest
        return code

    def share_clock(self) -> None:
        """From now on daemons show the same time, whenever they start; their schedule is by it, and a leader that is
        silent for six seconds leads no more."""
        self.began = time.monotonic()

    def killed(self, *work: str, kill: str = "") -> None:
        """Run until it is killed, at ``kill`` or by the mail server."""
        began = time.monotonic()
        code = self.ended(self.start(*work, kill=kill), began)
        assert code == -signal.SIGKILL, f"not killed at {kill or 'the mail server'}: ended with {code}\n{self.log()}"
        self.kills += 1

    def run_until_sent(self, *work: str) -> None:
        """Start again as if nothing had been, until everything due is sent."""
        began = time.monotonic()
        readings, before = self.readings(), len(self.points())
        process = self.start(*work, kill="", speed=FAST)
        if "send" not in work:

            def done() -> bool:
                # Two passes after the reading, so that the first of them has been sent.
                new = self.points()[before:]
                after = new[new.index("evaluate.after_commit") :] if "evaluate.after_commit" in new else []
                return self.readings() > readings and after.count("compose.before_commit") > 1 and self.is_sent()

            weekend = timedelta(days=3).total_seconds() / FAST  # what missed Friday's digest waits for Monday's
            self.wait_until(done, process, PATIENCE + weekend)
            process.terminate()
        else:
            process.join(PATIENCE)
        self.recovered_seconds = time.monotonic() - began
        code = self.ended(process, began, FAST)
        assert code == 0, f"ended with {code}\n{self.log()}"

    def paused(self, *work: str, at: str, speed: float = 1) -> BaseProcess:
        """Start, and wait until it stands still at a point."""
        process = self.start(*work, pause=at, speed=speed)
        self.wait_until(lambda: _state(process.pid) == "T", process)
        return process

    def goes_on(self, process: BaseProcess) -> None:
        """Let it go on from where it stands still."""
        assert process.pid
        os.kill(process.pid, signal.SIGCONT)

    def runs_until_sent(self, process: BaseProcess, promises: int, began: float, speed: float) -> None:
        """Wait until everything that is promised is sent, since ``began``, and end the process."""
        self.wait_until(lambda: self.count("notice") == promises and self.is_sent(), process)
        self.recovered_seconds = time.monotonic() - began
        process.terminate()
        assert self.ended(process, began, speed) == 0, self.log()

    def wait_until(
        self, true: Callable[[], bool], process: BaseProcess, patience: float = PATIENCE, every: float = 0.05
    ) -> None:
        """Wait for something to become true while a process runs, and look ``every`` so many seconds."""
        until = time.monotonic() + patience
        while not true():
            assert process.is_alive(), f"ended with {process.exitcode}\n{self.log()}"
            assert time.monotonic() < until, f"nothing happened in {patience} s\n{self.log()}"
            time.sleep(every)

    def readings(self) -> int:
        """How many readings of the feed were accepted."""
        return self.count("feed_run where outcome = 'accepted'")

    def is_sent(self) -> bool:
        """Whether nothing is left to be sent."""
        waiting = """notice n join alert a on a.id = n.alert_id
                     where n.composed_into is null and n.dropped is null and a.state = 'open'"""
        return not self.count(waiting) and not self.count("delivery where state in ('due', 'sending', 'unknown')")

    def count(self, what: str) -> int:
        """How many rows of ``what``; none before there is a schema."""
        if not checker.has_schema(self.url):
            return 0
        return int(checker.read(self.url, f"select count(*) as n from {what}")[0]["n"])

    def points(self) -> list[str]:
        """Every named point passed so far, by all processes."""
        path = self.folder / "daemon.jsonl"
        return [json.loads(line)["event"] for line in path.read_text().splitlines()] if path.exists() else []

    def log(self) -> str:
        """The end of what every process said so far."""
        path = self.log_file
        return path.read_text(errors="replace")[-20_000:] if path and path.exists() else ""

    def check(self, promised: dict[Promise, int] | None = None) -> Verdict:
        """The checker's verdict, after asserting that it found nothing."""
        verdict = checker.check(self.history, self.url, promised or {})
        assert not verdict.faults, "\n".join(verdict.faults)
        if self.measured:
            self.measured(copies=max(verdict.copies.values(), default=0), recovered_seconds=self.recovered_seconds)
        return verdict


def end(process: BaseProcess) -> None:
    """End a process of ours and what it left running: it leads a group of its own."""
    process.kill()
    process.join()
    assert process.pid
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.close()


def _state(process: int | None) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def members(group: int | None) -> list[int]:
    """The processes of a group that still live."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
            if int(of) == group and state != "Z":
                found.append(int(path.parent.name))
    return found


def copy_database(source: Path, target: Path) -> None:
    """A closed SQLite database, with what its log still holds."""
    for suffix in ("", "-wal"):
        if (source.parent / f"{source.name}{suffix}").exists():
            shutil.copy(f"{source}{suffix}", f"{target}{suffix}")
