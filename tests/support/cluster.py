"""A Dask cluster of processes of its own on this machine: a scheduler, and workers with their nanny."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import trustme

from alertd.cases.records import CaseFile
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding

PATIENCE = 60.0
SETTINGS = Path(__file__).parents[2] / "config/dask.yaml"
"""Those that the documentation tells operators to use."""


@dataclass
class Certificates:
    """Those of one authority, as files."""

    folder: Path
    ca: Path = field(init=False)
    cert: Path = field(init=False)
    key: Path = field(init=False)

    def __post_init__(self) -> None:
        authority = trustme.CA()
        mine = authority.issue_cert("127.0.0.1")
        self.ca, self.cert, self.key = (self.folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
        authority.cert_pem.write_to_path(str(self.ca))
        mine.cert_chain_pems[0].write_to_path(str(self.cert))
        mine.private_key_pem.write_to_path(str(self.key))

    def options(self) -> list[str]:
        """For the scheduler's command, and the worker's."""
        return ["--tls-ca-file", str(self.ca), "--tls-cert", str(self.cert), "--tls-key", str(self.key)]


class DaskProcesses:
    """The processes of a cluster, and how to end them."""

    def __init__(self, folder: Path, certificates: Certificates | None, settings: Mapping[str, str]) -> None:
        self.folder, self._certificates, self._logs = folder, certificates, 0
        self._settings = {"DASK_DISTRIBUTED__" + name: value for name, value in settings.items()}
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        scheme = "tls" if certificates else "tcp"
        options += [] if certificates else ["--protocol", "tcp"]
        self.scheduler = self._start("scheduler", *options)
        self.address = self._said(self.scheduler, rf"Scheduler at:\s+({scheme}://127.0.0.1:\d+)")
        self._workers: list[subprocess.Popen[bytes]] = []

    @property
    def port(self) -> int:
        """The scheduler's."""
        return int(self.address.rpartition(":")[2])

    def add_workers(self, count: int, *, threads: int = 1) -> None:
        """Start some, and wait until the scheduler has them."""
        options = ["--nworkers", str(count), "--nthreads", str(threads), "--no-dashboard"]
        folder = self.folder / f"workers{len(self._workers)}"
        nanny = self._start("worker", self.address, *options, "--local-directory", str(folder))
        self._workers.append(nanny)
        self._said(nanny, r"Registered to:", count)

    def processes(self) -> list[int]:
        """The process ids of the workers themselves, which their nannies start again."""
        found = []
        for nanny in self._workers:
            there = Path(f"/proc/{nanny.pid}/task").glob("*/children")
            found += [int(pid) for file in there for pid in file.read_text().split()]
        return [pid for pid in found if b"multiprocessing.spawn" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def stop(self) -> None:
        """End them all."""
        for process in (*self._workers, self.scheduler):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in (*self._workers, self.scheduler):
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        certificates = self._certificates.options() if self._certificates else []
        self._logs += 1
        with self._log().open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", what, *options, *certificates],
                stderr=log,
                stdout=log,
                cwd=Path(__file__).parents[2],  # so that the workers know what the tests hand them
                env={**os.environ, "DASK_CONFIG": str(SETTINGS), **self._settings},
            )

    def _log(self) -> Path:
        return self.folder / f"{self._logs}.log"

    def _said(self, process: subprocess.Popen[bytes], pattern: str, times: int = 1) -> str:
        """Wait until the log of what was started last has a line so many times; the line."""
        until = time.monotonic() + PATIENCE
        while len(found := re.findall(pattern, said := self._log().read_text())) < times:
            assert process.poll() is None and time.monotonic() < until, said
            time.sleep(0.05)
        return str(found[0])


@contextmanager
def dask_processes(
    folder: Path, workers: int, *, certificates: Certificates | None = None, **settings: str
) -> Iterator[DaskProcesses]:
    """A scheduler with so many workers; ``settings`` are Dask's own, below ``distributed``."""
    found = DaskProcesses(folder, certificates, settings)
    try:
        if workers:
            found.add_workers(workers)
        yield found
    finally:
        found.stop()


def falls_over(evaluator: Evaluator, case: CaseFile, as_of: datetime) -> tuple[Finding, ...]:
    """Evaluates, except that one child ends the process, one never ends, and one raises."""
    if case.child == "C29":
        os.kill(os.getpid(), signal.SIGKILL)
    while case.child == "C25":
        pass
    if case.child == "C27":
        raise KeyError("a private detail")
    return evaluator.evaluate(case, as_of)


def takes_a_while(evaluator: Evaluator, case: CaseFile, as_of: datetime) -> tuple[Finding, ...]:
    """Evaluates, in a time in which something can happen."""
    time.sleep(0.3)
    return evaluator.evaluate(case, as_of)
