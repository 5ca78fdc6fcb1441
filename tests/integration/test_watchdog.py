"""The rule that always fires: through engine, outbox and channel, and its silence is an alarm (ring three)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd import watchdog
from alertd.bootstrap import House, build
from alertd.db.tables import Alert, Delivery
from alertd.engine.sweep import Sweep
from alertd.errors import InputError
from alertd.outbox.afterwards import note
from alertd.settings import load
from tests.support.cli import Done, Here
from tests.support.smtp_server import SmtpServer

NOW = datetime(2026, 11, 24, 6, 31, tzinfo=UTC)
SETTINGS = """
[authority]
name = "Example Council"
[feed]
kind = "ssda903"
url = "return"
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[database]
url = "sqlite:///alertd.db"
[rules.settings]
"cp.visit.interval" = "10 working days"
[email]
host = "127.0.0.1"
port = {port}
tls = "none"
sender = "alertd@council.example"
[watchdog]
address = "watch@outside.example"
expect_every = 26
"""


@dataclass
class Town:
    folder: Path
    server: SmtpServer

    def house(self, now: datetime = NOW) -> House:
        return build(load(self.folder / "alertd.toml"), clock=lambda: now)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    (tmp_path / "people.csv").write_text("id,name,email,role,team,deputy,away_from,away_to,leaves\n")
    (tmp_path / "teams.csv").write_text("id,name,parent,inbox\n")
    with SmtpServer() as server:
        (tmp_path / "alertd.toml").write_text(SETTINGS.format(port=server.port))
        yield Town(tmp_path, server)


def test_it_goes_the_whole_road_and_no_child_is_counted_for_it(town: Town) -> None:
    house = town.house()
    steps = list(watchdog.at_once(house))
    assert [(step.what, step.well) for step in steps] == [("evaluate", True), ("compose", True), ("send", True)], steps
    [taken] = town.server.taken
    assert taken.recipients == ("watch@outside.example",)
    assert b"Subject: =?utf-8?" in taken.content or b"Subject: alertd is alive" in taken.content
    with Session(house.engine) as session:
        assert session.scalar(select(func.count()).select_from(Alert)) == 0
        assert watchdog.silent(session, house.settings.watchdog, NOW + timedelta(hours=26)) == ""  # type: ignore[arg-type]
        late = watchdog.silent(session, house.settings.watchdog, NOW + timedelta(hours=27))  # type: ignore[arg-type]
    assert "more than 26 hours ago" in late
    house.engine.dispose()


def test_what_is_heard_of_it_later_is_no_sign_of_life(town: Town) -> None:
    house = town.house()
    list(watchdog.at_once(house))
    with Session(house.engine) as session, session.begin():
        sent = session.scalars(select(Delivery)).one()
        note(session, sent.id, NOW + timedelta(hours=27), "an automatic answer: away")
    with Session(house.engine) as session:
        assert watchdog.last_delivered(session) == NOW
    house.engine.dispose()


def test_an_engine_that_does_not_fire_makes_no_message(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> Sweep:
        return replace(watchdog_sweep(*_), findings=())  # type: ignore[arg-type]

    watchdog_sweep = watchdog.sweep
    monkeypatch.setattr(watchdog, "sweep", nothing)
    house = town.house()
    [step] = watchdog.fire(house)
    assert not step.well and "did not" in step.said
    with Session(house.engine) as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0
        assert watchdog.silent(session, house.settings.watchdog, NOW) == "the watchdog was never delivered"  # type: ignore[arg-type]
    house.engine.dispose()


def test_two_evaluations_in_one_minute_send_one(town: Town) -> None:
    house = town.house()
    watchdog.fire(house)
    watchdog.fire(house)
    with Session(house.engine) as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 1
    house.engine.dispose()


def test_the_command_says_so_and_ends_with_1_for_a_timer(town: Town, here: Here) -> None:
    town.house().engine.dispose()
    config = ("--config", town.folder / "alertd.toml")
    done: Done = here("watchdog", *config)
    assert (done.code, done.out) == (1, "the watchdog was never delivered\n")
    done = here("watchdog", "--now", *config)
    assert done.code == 0 and [line[:4] for line in done.out.splitlines() if line[:4] != "2026"] == ["ok  "] * 3, done
    assert here("watchdog", *config).code == 0


def test_without_one_in_the_settings_that_is_said(town: Town, here: Here) -> None:
    text = SETTINGS.format(port=1)
    (town.folder / "alertd.toml").write_text(text[: text.index("[watchdog]")])
    assert "there is no [watchdog]" in here("watchdog", "--config", town.folder / "alertd.toml").one_line
    house = town.house()
    assert watchdog.fire(house) == []
    with pytest.raises(InputError, match="no \\[watchdog\\]"):
        list(watchdog.at_once(house))
    house.engine.dispose()
