"""What the kill tests share: one authority a session, evaluated once a database, and a fresh place for each test."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from alertd import synth
from tests.faults import checker
from tests.faults.harness import MORNING, Place, copy_database
from tests.faults.plugin import Measured
from tests.support.databases import new_database, postgres_server

__all__ = ["postgres_server"]


@dataclass(frozen=True)
class World:
    """``folder`` holds the authority; ``composed`` is the address of its database, evaluated, with nothing sent yet.

    ``server`` is the address of the PostgreSQL server that new databases are made on; blank for SQLite.
    """

    folder: Path
    server: str
    composed: str
    promised: Counter[checker.Promise]
    deliveries: int

    def empty(self) -> str:
        """The address of a new database; blank for the place's own file."""
        return new_database(self.server) if self.server else ""

    def put_composed(self, folder: Path) -> str:
        """The address of a copy of the composed database; blank for the place's own file, which then is one."""
        if self.server:
            return new_database(self.server, like=self.composed)
        copy_database(Path(self.composed.removeprefix("sqlite:///")), folder / "alertd.db")
        return ""


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About a hundred children and their staff."""
    folder = tmp_path_factory.mktemp("authority")
    made = {"la": "350", "children": 60, "seed": 2, "as_of": MORNING.date()}
    synth.make(str(folder / "authority.db"), **made)
    synth.write_people(folder, **made)
    return folder


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, authority: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The authority on one of the databases, and what an undisturbed evaluation promises there."""
    server = ""
    if request.param == "postgresql":
        request.getfixturevalue("long_run")
        server = request.getfixturevalue("postgres_server")
    with Place(tmp_path_factory.mktemp("composed"), authority, new_database(server) if server else "") as place:
        place.start_mail()
        assert place.ended(place.start("evaluate"), time.monotonic()) == 0, place.log()
        deliveries = place.count("delivery")
        promised = checker.promises(place.url)
        assert place.count("delivery where state = 'due'") == deliveries >= 8
        assert promised and set(promised.values()) == {1}
        return World(authority, server, place.url, promised, deliveries)


MakePlace = Callable[..., Place]

ON_POSTGRESQL = pytest.mark.parametrize("world", ["postgresql"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("world", ["sqlite"], indirect=True)


@pytest.fixture
def make_place(world: World, tmp_path: Path, measured: Measured) -> Iterator[MakePlace]:
    """A place with its mail server; ``composed`` gives it deliveries that are due."""
    with ExitStack() as stack:

        def make(*mail: str, composed: bool = False, url: str = "", log: Path | None = None) -> Place:
            folder = tmp_path / f"place-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            url = url or (world.put_composed(folder) if composed else world.empty())
            place = stack.enter_context(Place(folder, world.folder, url, measured=measured, log_file=log))
            place.start_mail(*mail)
            return place

        yield make
