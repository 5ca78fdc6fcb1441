"""Somebody else's channel: a package with an entry point, installed beside alertd, and no change here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "docs" / "channels" / "README.md"
(CHANNEL,) = re.findall(r"^```python\n(.*?)^```$", README.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
"""The example that people read is the one that is tried."""

USE = """
import asyncio, random, sys
from datetime import UTC, datetime
from pathlib import Path
from sqlalchemy.orm import Session
from alertd.bootstrap import channels_of
from alertd.db.engine import open_engine, upgrade
from alertd.db.tables import Delivery
from alertd.errors import InputError
from alertd.outbox import store
from alertd.outbox.channel import Letter
from alertd.outbox.dispatch import dispatch_once
from alertd.settings import load

folder = Path(sys.argv[1])
try:
    channels = channels_of(load(folder / "alertd.toml"))
except InputError as error:
    sys.exit(str(error))
now = datetime.now(UTC)
engine = open_engine(f"sqlite:///{folder / 'alertd.db'}")
upgrade(engine)
letter = Letter("d1", "alertd@council.example", "Duty", "loft 3", now, "Overdue", "", "", "", about=(1, 2))
with Session(engine) as session, session.begin():
    store.put(session, letter, channels["pigeon"].write(letter), person="P1", resolved_by="worker", channel="pigeon")
asyncio.run(dispatch_once(engine, channels, lambda: now, random.Random(1)))
with Session(engine) as session:
    row = session.get_one(Delivery, "d1")
    print(row.state, row.reference)
"""

SETTINGS = """
[feed]
kind = "ssd"
url = "sqlite:///authority.db"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[email]
host = "127.0.0.1"
tls = "none"
sender = "alertd@council.example"
[channels.pigeon]
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A wheel of the package, installed into a folder of its own as pip does it."""
    wheel = tmp_path / "alertd_pigeon-1.0-py3-none-any.whl"
    info = "alertd_pigeon-1.0.dist-info"
    files = {
        "alertd_pigeon.py": CHANNEL,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: alertd-pigeon\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[alertd.notifiers]\npigeon = alertd_pigeon:notifier\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"]))
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", str(site), str(wheel)], check=True)
    return site


def use(folder: Path, settings: str, path: str) -> subprocess.CompletedProcess[str]:
    (folder / "alertd.toml").write_text(SETTINGS + settings)
    env = os.environ | {"PYTHONPATH": path}
    return subprocess.run([sys.executable, "-c", USE, str(folder)], env=env, capture_output=True, text=True)


def test_a_channel_from_another_package_is_found_and_delivers(installed: Path, tmp_path: Path) -> None:
    done = use(tmp_path, f'loft = "{tmp_path}"', str(installed))
    assert (done.returncode, done.stdout) == (0, "delivered ring 7\n"), done.stderr
    assert (tmp_path / "d1").read_text() == "Overdue: 2 alerts"


def test_what_it_cannot_use_is_said_with_its_line(installed: Path, tmp_path: Path) -> None:
    done = use(tmp_path, "", str(installed))
    assert done.returncode == 1
    assert "alertd.toml:14: channels.pigeon.loft: is missing. Name its loft" in done.stderr


def test_without_the_package_the_channels_there_are_are_named(tmp_path: Path) -> None:
    done = use(tmp_path, 'loft = "x"', "")
    assert done.returncode == 1
    assert "there is no channel of kind 'pigeon'" in done.stderr and "webhook" in done.stderr
