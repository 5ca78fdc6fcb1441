"""The files are read again while the daemon runs, good ones and broken ones: F64. A real process, and one with a relay
that hangs."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path
from unittest.mock import Mock

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd import daemon
from alertd.bootstrap import House, build
from alertd.cases.records import LONDON
from alertd.cli.demo import adopt_all
from alertd.db.tables import Delivery
from alertd.engine import sweep as sweeping
from alertd.errors import InputError
from alertd.outbox.channel import Message, Outcome
from alertd.reloading import rebuilt
from alertd.settings import load
from tests.faults import run_daemon
from tests.faults.conftest import ON_SQLITE, MakePlace
from tests.faults.harness import PATIENCE, Place
from tests.support.council import Council, Inline, Mail, council_at
from tests.support.fed import nov

OVERLAY = """\
overlay: example.council
edition: "practice standards of 2026"
level: authority
rules:
  - id: own.worker.slip
    title: Each child has had a plan since the referral
    why: To see a rule come into force.
    law: {cite: "Practice standard 4.2", confidence: P}
    for: referral
    clock: {from: start, within: 5 working days}
    until: {record: cp_plan}
    clears: a plan is recorded
    warn: M3
    escalate: L1
"""


@ON_SQLITE
@pytest.mark.fault("F64")
@pytest.mark.usefixtures("long_run")
def test_a_new_rule_is_at_work_after_sighup_and_a_broken_one_leaves_it_so_and_is_told(
    make_place: MakePlace,
) -> None:
    place = make_place()
    config, overlay = place.folder / "alertd.toml", place.folder / "own.overlay.yaml"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place.folder / "notify"))
        systemd.setblocking(False)
        daemon_ = _started(place)
        try:
            _wait_until(
                place, lambda: place.readings() == 1 and place.count("delivery") > 0 and place.is_sent(), daemon_
            )
            assert place.count("alert where rule = 'own.worker.slip'") == 0
            before = place.log()

            overlay.write_text(OVERLAY)
            text = config.read_text().replace(
                'packs = ["england"]', 'packs = ["england"]\noverlays = ["own.overlay.yaml"]'
            )
            config.write_text(text.replace("[people]", '[log]\nlevel = "error"\n\n[people]'))
            adopt_all(config, date(2026, 11, 24))
            _drained(systemd)
            _hup(place)
            told = "alert where rule = 'own.worker.slip' and muted = ''"
            _wait_until(place, lambda: place.count(told) > 0, daemon_)
            heard = _drained(systemd)
            assert re.search(r"RELOADING=1\nMONOTONIC_USEC=\d+", heard)
            assert heard.index("RELOADING=1") < heard.index("READY=1")
            since = place.log().removeprefix(before).partition('"event": "reloaded"')[2]
            assert '"event": "evaluated"' not in since, "it is quieter now"

            overlay.write_text(OVERLAY.replace("escalate: L1", "escalate: L77"))
            _hup(place)
            reported = "delivery where digest_for like '%reload%' and state = 'delivered'"
            _wait_until(place, lambda: place.count(reported) > 0, daemon_)
            assert '"event": "reload_refused"' in place.log() and "own.overlay.yaml:14" in place.log()
            assert place.count(told) > 0, "the rule that was in force still is"
            assert _drained(systemd).rstrip().endswith("READY=1"), "it is as ready as it was"

            overlay.write_text(OVERLAY)
            config.write_text(config.read_text().replace(place.url, place.url.replace("alertd.db", "other.db")))
            _hup(place)
            _wait_until(place, lambda: place.log().count("reload_refused") == 2, daemon_)
            assert "database.url: cannot be changed while alertd runs. Put it back, or restart alertd" in place.log()
            daemon_.terminate()
            assert daemon_.wait(PATIENCE) == 0, place.log()
        finally:
            daemon_.kill()
            daemon_.wait()


def _started(place: Place) -> subprocess.Popen[bytes]:
    environment = os.environ | {"NOTIFY_SOCKET": str(place.folder / "notify")}
    with (place.folder / "alertd.log").open("ab") as log:
        command = [sys.executable, run_daemon.__file__, *place.arguments("daemon")]
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def _wait_until(place: Place, true: Callable[[], bool], daemon_: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert daemon_.poll() is None and time.monotonic() < until, place.log()
        time.sleep(0.05)


def _hup(place: Place) -> None:
    os.kill(int((place.folder / "daemon.pid").read_text()), signal.SIGHUP)


def _drained(systemd: socket.socket) -> str:
    heard = []
    while True:
        try:
            heard.append(systemd.recv(4096).decode())
        except BlockingIOError:
            return "\n".join(heard)


class HangingMail(Mail):
    """A relay that takes a message and does not answer until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.has, self.go, self.closed = asyncio.Event(), asyncio.Event(), False

    async def send(self, message: Message) -> Outcome:
        self.closed = False  # a pass that finds nothing closes it too, and the next message opens it again
        self.has.set()
        await self.go.wait()
        assert not self.closed, "closed under its own message"
        return await super().send(message)

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Council]:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    monkeypatch.setattr("alertd.engine.worker.signal", Mock())  # a pool inline, in a thread that may have no handlers
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}")
    yield found
    found.house.engine.dispose()


@pytest.mark.fault("F64", database="sqlite")
def test_what_is_under_way_keeps_its_channel_and_holds_up_nothing_of_the_new_one(council: Council) -> None:
    """The relay of the old settings hangs with a message. The new settings name another relay."""
    council.looked_after("C1")
    council.evaluate(nov(13))
    council.now = datetime(2026, 11, 13, 8, 5, tzinfo=LONDON)

    async def lives() -> tuple[HangingMail, Mail]:
        old, new = HangingMail(), Mail()
        house = replace(council.house, notifiers={"email": old})

        def reread(before: House) -> House:
            return replace(before, notifiers={"email": new}, paces={})

        running = asyncio.create_task(daemon.run(house, reread=reread))
        await old.has.wait()
        council.looked_after("C2", worker="W2")
        os.kill(os.getpid(), signal.SIGHUP)
        await _until(lambda: bool(new.sent), running)
        assert not old.sent and not old.closed, "it is still waited for"
        old.go.set()
        await _until(lambda: bool(old.sent), running)
        await _until(lambda: old.closed, running)
        os.kill(os.getpid(), signal.SIGTERM)
        await running
        return old, new

    old, new = asyncio.run(asyncio.wait_for(lives(), 120))
    assert [to for to, _, _ in old.sent] == ["ade"], "once, and by the relay that had it"
    assert "bo" in {to for to, _, _ in new.sent} and "ade" not in {to for to, _, _ in new.sent}
    with Session(council.house.engine) as session:
        assert set(session.scalars(select(Delivery.state))) == {"delivered"}


async def _until(true: object, running: asyncio.Task[None]) -> None:
    while not true():  # type: ignore[operator]
        assert not running.done(), running
        await asyncio.sleep(0.02)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A daemon as the files in its folder say."""
    (tmp_path / "own.yaml").write_text(OVERLAY.replace("overlay:", "pack:").replace("level: authority\n", ""))
    (tmp_path / "people.csv").write_text("id,name,email,role,team,deputy,away_from,away_to,leaves\n")
    (tmp_path / "teams.csv").write_text("id,name,parent,inbox\n")
    (tmp_path / "password").write_text("secret")
    (tmp_path / "password").chmod(0o600)
    (tmp_path / "alertd.toml").write_text(SETTINGS)
    made = build(load(tmp_path / "alertd.toml"))
    yield made
    made.engine.dispose()


SETTINGS = """\
[database]
url = "sqlite:///alertd.db"
[feed]
kind = "ssd"
url = "ssd.db"
[rules]
packs = ["./own.yaml"]
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[email]
sender = "alertd@council.example"
host = "127.0.0.1"
username = "alertd"
password_file = "password"
"""


def test_rules_words_people_channels_and_times_are_read_again_and_what_it_knows_stays(
    house: House, tmp_path: Path
) -> None:
    pack, config = tmp_path / "own.yaml", tmp_path / "alertd.toml"
    pack.write_text(pack.read_text().replace("within: 5 working days", "within: 9 working days"))
    (tmp_path / "people.csv").write_text(
        (tmp_path / "people.csv").read_text() + "d1,Gus,gus@council.example,data_owner,,,,,\n"
    )
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "urgent.md.j2").write_text("# Ours\n")
    (tmp_path / "drop").mkdir()
    more = '[channels.file]\nfolder = "drop"\n[schedule]\ndigest = "09:15"\n[templates]\nfolder = "words"\n'
    config.write_text(SETTINGS + more)
    house.failing["mailbox"] = house.clock()
    again = rebuilt(house)
    assert "n=9" in str(again.rulebook.rules[0].clock.length)
    assert "d1" in again.staff.directory.people and again.notifiers.keys() == {"email", "file"}
    assert again.composer.digest_at == again.settings.schedule.digest == clock_time(9, 15)
    assert again.composer.wording.version != house.composer.wording.version
    assert again.engine is house.engine and again.metrics is house.metrics and again.failing == house.failing
    assert "n=5" in str(house.rulebook.rules[0].clock.length), "what is under way keeps its own"


def _open_secret(folder: Path) -> None:
    (folder / "password").chmod(0o644)


def _no_secret(folder: Path) -> None:
    (folder / "password").unlink()


def _other_database(folder: Path) -> None:
    (folder / "alertd.toml").write_text(SETTINGS.replace("alertd.db", "other.db"))


def _no_staff(folder: Path) -> None:
    (folder / "people.csv").unlink()


@pytest.mark.fault("F64")
@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (_open_secret, "the password file is open to every user. Run: chmod o= "),
        (_no_secret, "the password file cannot be read (FileNotFoundError)"),
        (_other_database, "alertd.toml:2: database.url: cannot be changed while alertd runs. Put it back, or restart"),
        (_no_staff, "people.csv: there is no such file"),
    ],
)
def test_what_may_not_come_into_force_is_refused_by_name(
    house: House, tmp_path: Path, breaks: Callable[[Path], None], said: str
) -> None:
    breaks(tmp_path)
    with pytest.raises(InputError) as refused:
        rebuilt(house)
    assert said in str(refused.value) and "secret" not in str(refused.value)
    assert not (tmp_path / "other.db").exists()


def test_a_house_that_came_from_no_file_cannot_be_read_again(council: Council) -> None:
    with pytest.raises(InputError, match="were read from no file"):
        rebuilt(council.house)
