"""A new version takes over from the one before, beside it and after it: nothing is repeated and nothing is lost.

The older program is made from git's history where that is there. Where it is not, a database as it left it is made by
going back to its schema.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import checker
from tests.faults.conftest import ON_POSTGRESQL, MakePlace, World
from tests.faults.filling import fill_outbox
from tests.faults.harness import LEASE, PATIENCE, Place
from tests.faults.two import leader, passed, told_to_stop, until
from tests.support.older import BASELINE, environment, go_back, older_program

pytestmark = pytest.mark.usefixtures("long_run")

_ADOPT = """
import sys
from datetime import date
from pathlib import Path
from alertd.cli.demo import adopt_all
adopt_all(Path(sys.argv[1]), date(2026, 11, 24))
"""


def version(place: Place) -> str:
    return str(checker.read(place.url, "select version_num from alembic_version")[0]["version_num"])


@pytest.mark.fault("F54")
def test_f54_with_open_alerts_and_messages_half_sent_the_schema_is_brought_up_and_all_goes_once(
    make_place: MakePlace, world: World
) -> None:
    """As an older program left it: messages due, under way with a lease that has run out, delivered and laid aside."""
    place = make_place(composed=True)
    place.killed("send", kill="send.before_record:4")
    heard = {one["id"] for one in checker.history(place.history)}
    states = {row["state"] for row in checker.read(place.url, "select distinct state from delivery")}
    assert {"sending"} < states
    under_way = place.count("delivery where state = 'sending'")
    go_back(place.url)
    assert version(place) == BASELINE
    place.run_until_sent()
    assert version(place) > BASELINE
    verdict = place.check(world.promised)
    assert len(verdict.copies) == world.deliveries
    assert sum(copies - 1 for copies in verdict.copies.values()) <= min(under_way, len(heard))


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return older_program(tmp_path_factory.mktemp("older"))


class Older:
    """The older program at work in a place, by settings and an adoption of its own."""

    def __init__(self, place: Place, tree: Path) -> None:
        self._place, self._tree = place, tree
        self._folder = place.folder / "older"
        self._folder.mkdir()
        for name in ("agencies.yaml", "restrictions.csv"):
            shutil.copy(place.folder / name, self._folder)
        self._config = self._folder / "alertd.toml"
        self._config.write_text(place.settings((tree / "config" / "alertd.toml").read_text()))
        adopt = [sys.executable, "-c", _ADOPT, str(self._config)]
        subprocess.run(adopt, env=environment(tree), cwd=tree, check=True)

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        arguments = [str(self._config), "--at", self._place.at.isoformat(), *more]
        command = [sys.executable, str(self._tree / "tests" / "faults" / "run_daemon.py"), *arguments]
        with (self._folder / "alertd.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=environment(self._tree), cwd=self._tree)

    def log(self) -> str:
        return (self._folder / "alertd.log").read_text()

    def points(self) -> list[str]:
        path = self._folder / "daemon.jsonl"
        return [json.loads(line)["event"] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    return make_place()


@pytest.fixture
def before(place: Place, older: Path) -> Older:
    return Older(place, older)


@pytest.mark.fault("F54")
def test_f54_killed_while_it_sends_the_older_program_is_followed_by_this_one(
    place: Place, before: Older, world: World
) -> None:
    dies = before.start("--kill", "send.before_record:3")
    assert dies.wait(PATIENCE) == -signal.SIGKILL, before.log()
    assert version(place) == BASELINE
    under_way = place.count("delivery where state = 'sending'")
    assert under_way
    place.at += LEASE
    place.run_until_sent()
    assert version(place) > BASELINE
    verdict = place.check(world.promised)
    assert sum(copies - 1 for copies in verdict.copies.values()) <= under_way


@ON_POSTGRESQL
@pytest.mark.fault("F54")
def test_f54_the_older_program_and_this_one_work_side_by_side_until_the_older_one_is_stopped(
    place: Place, before: Older, world: World
) -> None:
    """The older one knows of no leader and evaluates too; what it does not know of, it leaves alone."""
    old = before.start()
    try:
        _side_by_side(place, before, old, world)
    finally:
        old.kill()
        old.wait()


def _side_by_side(place: Place, before: Older, old: subprocess.Popen[bytes], world: World) -> None:
    def lives() -> bool:
        assert old.poll() is None, before.log()[-5000:]
        return True

    until(place, lambda: lives() and place.count("delivery where state = 'delivered'") > 3)
    assert version(place) == BASELINE
    new = place.start()  # a little behind the clock of the older one, as hosts are
    until(place, lambda: lives() and passed(place, "evaluate.after_commit")[new.pid or 0] > 0, new)
    assert version(place) > BASELINE
    assert leader(place) == (1, new.pid)
    events, rounds = place.count("alert_event"), before.points().count("compose.before_commit")
    fill_outbox(place, 2000, random.Random(5))
    until(place, lambda: lives() and place.is_sent(), new)
    until(place, lambda: lives() and before.points().count("compose.before_commit") > rounds + 2, new)
    assert before.points().count("send.after_record") and passed(place, "send.after_record")[new.pid or 0], "both send"
    assert place.count("alert_event") == events
    old.terminate()
    assert old.wait(PATIENCE) == 0, before.log()[-5000:]
    assert "Traceback" not in before.log()
    told_to_stop(place, new)
    assert set(place.check(world.promised).copies.values()) == {1}
