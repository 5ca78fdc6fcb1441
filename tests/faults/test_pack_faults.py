"""A rule pack that is no good, at the start and while the daemon runs: F56 and F57; and settings: F64."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from alertd import daemon
from alertd.bootstrap import packs_of
from alertd.cases.records import LONDON
from alertd.engine import sweep as sweeping
from alertd.errors import InputError
from alertd.reloading import tell_if_unfit
from alertd.rulebook.load import load_rulebook
from alertd.rulebook.strict_yaml import read_yaml
from alertd.settings import load
from tests.support.cli import alertd
from tests.support.council import Council, Inline, council_at
from tests.support.fed import FIRST_REVIEW, nov

PACK = """\
pack: council.own
edition: "2026-11"
rules:
  - id: cla.review.first
    title: First looked-after review
    why: Someone independent must test the plan before it sets.
    law: {cite: SI 2010/959, confidence: V}
    for: care_period
    clock: {from: start, within: 20 working days}
    until: {record: cla_review}
    clears: A review is recorded.
    warn: M3
    escalate: L3
"""
BROKEN = Path(__file__).parents[1] / "unit" / "rulebook" / "broken"


def bad(name: str) -> str:
    """A broken pack: one of those that the unit tests know, each with its message in its first line."""
    return (BROKEN / f"{name}.yaml").read_text()


WAYS = {
    "duplicate key": ("duplicate_key", "duplicate key"),
    "empty": ("empty", "is empty"),
    "no": ("scalar_no", "No without quotes does not mean the same to everyone"),
    "alias bomb": ("alias_bomb", "anchors (&) and aliases (*) are not allowed"),
    "nested": ("too_deep", "this is nested more than 20 deep"),
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings that name a pack of the authority's own, good so far."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.yaml").write_text(PACK)
    (tmp_path / "people.csv").write_text("id,name,email,role,team,deputy,away_from,away_to,leaves\n")
    (tmp_path / "teams.csv").write_text("id,name,parent,inbox\n")
    file = tmp_path / "alertd.toml"
    file.write_text(
        f"""\
[database]
url = "sqlite:///{tmp_path}/started.db"
[feed]
kind = "ssd"
url = "{tmp_path}/ssd.db"
[rules]
packs = ["{tmp_path}/rules"]
[people]
people = "people.csv"
teams = "teams.csv"
duty = "duty@council.example"
allowed_domains = ["council.example"]
[email]
sender = "alertd@council.example"
host = "127.0.0.1"
port = 9
"""
    )
    return file


@pytest.fixture
def council(tmp_path: Path, config: Path) -> Iterator[Council]:
    """A daemon that has started with the good pack."""
    settings = load(config)
    # Adopted: nothing of it is in shadow.
    found = council_at(tmp_path, f"sqlite:///{tmp_path / 'alertd.db'}", load_rulebook(packs_of(settings)))
    found.house = replace(found.house, settings=settings)
    yield found
    found.house.engine.dispose()


@pytest.mark.fault("F57", "F56")
@pytest.mark.parametrize(("name", "says"), WAYS.values(), ids=WAYS.keys())
def test_a_pack_that_turns_bad_leaves_the_good_one_in_force_and_is_told(
    council: Council, config: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.setattr(sweeping, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(Inline, "dies_on", "")
    council.looked_after()
    council.evaluate(nov(13))
    tell_if_unfit(council.house)
    council.send()
    assert [to for to, _, _ in council.mail.sent] == ["ade"], "nothing is wrong so far"
    pack = config.parent / "rules" / "own.yaml"
    pack.write_text(bad(name))
    council.evaluate(nov(27))
    tell_if_unfit(council.house)
    tell_if_unfit(council.house)
    council.send()
    assert council.alerts() == [(FIRST_REVIEW, "C1", "open", None)]
    assert [e[0] for e in council.events()] == ["new", "stage"], "the good pack goes on"
    ((_, subject, body),) = [m for m in council.mail.sent if m[0] == "gus"]
    assert subject == "alertd could not start again"
    said = "".join(body.split())
    assert f"{pack}:".replace(" ", "") in said and says.replace(" ", "") in said
    pack.write_text(PACK)
    council.evaluate(nov(28))
    tell_if_unfit(council.house)
    council.send()
    assert len([m for m in council.mail.sent if m[0] == "gus"]) == 1, "put right, it is told no more"


def test_f64_settings_that_break_while_it_runs_change_nothing_and_are_told(council: Council, config: Path) -> None:
    council.now = datetime(2026, 11, 13, 8, 5, tzinfo=LONDON)
    config.write_text(config.read_text().replace("[people]", "[pepole]"))
    tell_if_unfit(council.house)
    council.send()
    ((to, subject, body),) = council.mail.sent
    assert (to, subject) == ("gus", "alertd could not start again")
    said = "".join(body.split())
    assert f"{config}:8:pepole:isnotasetting.Didyoumeanpeople?" in said


def test_f56_the_daemon_itself_looks_at_its_files_after_each_evaluation(council: Council, config: Path) -> None:
    council.looked_after()
    council.now = datetime(2026, 11, 13, 8, 5, tzinfo=LONDON)
    (config.parent / "rules" / "own.yaml").write_text(bad("duplicate_key"))

    async def until_told() -> None:
        running = asyncio.create_task(daemon.run(council.house))
        while not {"ade", "gus"} <= {to for to, _, _ in council.mail.sent}:
            assert not running.done(), running
            await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)
        await running

    asyncio.run(asyncio.wait_for(until_told(), 120))
    assert "alertd could not start again" in {subject for _, subject, _ in council.mail.sent}


@pytest.mark.fault("F56", "F57")
@pytest.mark.parametrize("name", ["duplicate_key", "alias_bomb"])
def test_a_start_with_a_bad_pack_is_refused_on_one_line_with_its_place_and_makes_nothing(
    config: Path, name: str
) -> None:
    (config.parent / "rules" / "own.yaml").write_text(bad(name))
    expected = bad(name).split("\n", 1)[0].removeprefix("# expect: ")
    done = alertd("run", "--config", config)
    assert done.one_line == f"{config.parent}/rules/own.yaml:{expected}"
    assert not (config.parent / "started.db").exists()


def _endless(folder: Path) -> Path:
    (folder / "endless.yaml").symlink_to("/dev/zero")
    return folder / "endless.yaml"


def _large(folder: Path) -> Path:
    with (folder / "large.yaml").open("wb") as file:
        file.truncate(10_000_000)
    return folder / "large.yaml"


@pytest.mark.fault("F57")
@pytest.mark.parametrize("make", [_endless, _large])
def test_a_file_without_end_is_read_no_further_than_a_pack_may_be_long(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    with pytest.raises(InputError, match="is more than 1000000 bytes"):
        read_yaml(make(tmp_path))
