"""A Debian of its own with nothing on it, booted under its own systemd: made by debootstrap, run by systemd-nspawn."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

T = TypeVar("T")

PROGRAMS = ("debootstrap", "systemd-nspawn", "nsenter", "apt-get")
PASSING = ("proc", "sys", "dev", "run", "tmp", "var/tmp", "var/log", "var/cache", "var/lib/apt", "var/lib/dpkg")
"""Folders whose files nobody expects to stay as they are."""


def lacking() -> str:
    """Why there can be none here; blank where there can."""
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        return f"there is no {missing[0]} here"
    if os.geteuid() != 0:
        return "only root may make a Debian"
    return "" if "bookworm" in _release() else "the packages of Debian 12 are made and tried on Debian 12"


class CleanDebian:
    """Debian 12 in a folder. It shares the network with this machine, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self._said = folder / "console"

    def __enter__(self) -> Self:
        _do(
            "debootstrap", "--variant=minbase", "--include=dbus,systemd-sysv,faketime", "bookworm", self.root, _mirror()
        )
        command = ["systemd-nspawn", "--register=no", "--keep-unit", "--quiet", "-D", str(self.root), "--boot"]
        with self._said.open("wb") as said:
            self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        self._first = wait_for(lambda: children.read_text().split(), "its first process")[0]
        wait_for(lambda: self("systemctl", "is-system-running", ok=False) in ("running", "degraded"), "its systemd")
        return self

    def __exit__(self, *_: object) -> None:
        self("systemctl", "poweroff", ok=False)
        try:
            self._nspawn.wait(60)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
        shutil.rmtree(self.root)

    def __call__(self, *command: str | Path, ok: bool = True, **environment: str) -> str:
        """Run a command in it, as its root. What it printed, without the end of the line; all of it where it failed."""
        into = ("nsenter", "-t", self._first, "-m", "-u", "-i", "-p", "-C", "--wd=/")
        clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
        return _do(*into, *command, ok=ok, env=clean | {"LC_ALL": "C.UTF-8"} | environment)

    def install(self, package: Path, *options: str) -> None:
        """Install a package that is a file here."""
        shutil.copy(package, self.root / "root" / package.name)
        self("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *options, f"/root/{package.name}")
        (self.root / "root" / package.name).unlink()

    def files(self) -> set[str]:
        """Every file, folder and link in it that is expected to stay."""
        found = set()
        for folder, folders, files in os.walk(self.root):
            at = os.path.relpath(folder, self.root).removeprefix("./")
            folders[:] = [one for one in folders if os.path.normpath(f"{at}/{one}") not in PASSING]
            found |= {os.path.normpath(f"{at}/{one}") for one in (*folders, *files)}
        return found


def wait_for(found: Callable[[], T], what: str, seconds: float = 900) -> T:
    """What ``found`` returns once it is anything."""
    until = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < until, f"{what} did not come"
        time.sleep(0.2)
    return answer


def _do(*command: str | Path, ok: bool = True, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=env,
    )
    if ok:
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}"
    return done.stdout.strip()


def _mirror() -> str:
    """Where this machine has its own packages from."""
    listed = _do("apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages")
    found = re.search(r"(?m)^bookworm (\S+)$", listed)
    assert found, f"no source of bookworm: {listed}"
    return found[1]


def _release() -> str:
    return Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
