"""The units of systemd: as confined as they can be, started again for ever, and a person hears that they fail."""

from __future__ import annotations

import configparser
import os
import shlex
import shutil
import subprocess
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from alertd.cli.notify import MEANS
from tests.support.cli import Here
from tests.support.smtp_server import SmtpServer

UNITS = Path(__file__).parents[2] / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
LASTING = [unit for unit in SERVICES if "Restart=always" in unit.read_text()]
PROGRAM = "/opt/alertd/bin/alertd"
THRESHOLD = 15
"""Tenths, as systemd-analyze has it."""


def _analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def _copied(unit: Path, folder: Path, text: str | None = None) -> Path:
    """A unit with a program that is there; one of a template as that of some instance."""
    made = folder / unit.name.replace("@", "@alertd")
    made.write_text((text or unit.read_text()).replace(PROGRAM, "/bin/true"))
    return made


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_each_is_confined(unit: Path, tmp_path: Path) -> None:
    found = _analyze("security", "--offline=true", f"--threshold={THRESHOLD}", _copied(unit, tmp_path))
    assert found.returncode == 0, found.stdout.splitlines()[-1]


@pytest.mark.parametrize("unit", [*SERVICES, *sorted(UNITS.glob("*.timer"))], ids=lambda unit: unit.name)
def test_systemd_can_read_each(unit: Path, tmp_path: Path) -> None:
    for other in SERVICES:
        _copied(other, tmp_path)
    found = _analyze("verify", "--man=no", _copied(unit, tmp_path))
    assert (found.returncode, found.stderr) == (0, "")
    wrong = _copied(unit, tmp_path, unit.read_text().replace("[Unit]", "[Unit]\nOnFailyure=x.service"))
    assert "OnFailyure" in _analyze("verify", "--man=no", wrong).stderr


@pytest.mark.parametrize("unit", LASTING, ids=lambda unit: unit.name)
@pytest.mark.fault("F83")
def test_each_is_started_again_for_ever_and_somebody_hears_of_each_failure(unit: Path, tmp_path: Path) -> None:
    said = configparser.RawConfigParser(strict=False, interpolation=None)
    said.optionxform = str  # type: ignore[assignment,method-assign]
    said.read_string(unit.read_text())
    assert said["Unit"]["StartLimitIntervalSec"] == "0"
    command = said["Service"]["ExecStopPost"]
    assert command.startswith("-+")
    assert _started(command, unit.stem, "success", tmp_path) == ""
    for result in ("exit-code", "watchdog", "oom-kill"):
        asked = _started(command, unit.stem, result, tmp_path)
        assert asked == f"start --no-block alertd-failed@{unit.stem}.service\n"


def _started(command: str, unit: str, result: str, folder: Path) -> str:
    """What systemctl was asked by a line of a unit, once systemd has read it: its %N and its $$."""
    told = folder / "told"
    told.unlink(missing_ok=True)
    (folder / "systemctl").write_text(f'#!/bin/sh\necho "$@" >> {told}\n')
    (folder / "systemctl").chmod(0o755)
    words = shlex.split(command.removeprefix("-+").replace("%N", unit).replace("$$", "$"))
    env = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "SERVICE_RESULT": result}
    subprocess.run(words, env=env, check=False)
    return told.read_text() if told.exists() else ""


@pytest.mark.fault("F83")
def test_duty_hears_by_mail_though_neither_database_nor_feed_nor_staff_can_be_read(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = tmp_path / "credentials"
    passed.mkdir()
    password = passed / "alertd_email.password_file"  # as the unit has it
    password.write_text("secret")
    password.chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(passed))
    with SmtpServer(login=("alertd", "secret"), offers=("8BITMIME", "AUTH PLAIN")) as server:
        config = tmp_path / "alertd.toml"
        config.write_text(SETTINGS.format(port=server.port))
        for unit, means in MEANS.items():
            done = here("notify", "failed", unit, "--config", config)
            assert done.code == 0, done
            (taken,) = server.taken
            server.taken.clear()
            assert taken.recipients == ("duty@council.example",)
            mail = message_from_bytes(taken.content, policy=default)
            assert mail["Subject"] == f"{unit} has failed"
            body = mail.get_body(("plain",))  # type: ignore[attr-defined]
            assert " ".join(means.split()) in " ".join(body.get_content().split())
    assert here("notify", "failed", "alertd", "--config", config).code == 1, "nobody listens any more"


def test_there_are_words_for_each_unit() -> None:
    units = {unit.stem for unit in SERVICES if "alertd-failed@%N" in unit.read_text()}
    assert units == set(MEANS) == {unit.stem for unit in SERVICES} - {"alertd-failed@"}


SETTINGS = """\
[feed]
kind = "ssd"
url = "sqlite:///gone/feed.db"
[people]
people = "gone.csv"
teams = "gone.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[database]
url = "sqlite:///gone/alertd.db"
[email]
host = "127.0.0.1"
port = {port}
tls = "none"
sender = "alertd@council.example"
username = "alertd"
password_file = "smtp-password"
"""
