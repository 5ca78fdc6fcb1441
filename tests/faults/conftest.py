"""What the kill tests share: one authority a session, evaluated once, and a fresh place for each test."""

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


@dataclass(frozen=True)
class World:
    """``folder`` holds the authority; ``composed`` is its database, evaluated, with nothing sent yet."""

    folder: Path
    composed: Path
    promised: Counter[checker.Promise]
    deliveries: int


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """About a hundred children and their staff, and what an undisturbed evaluation promises."""
    folder = tmp_path_factory.mktemp("authority")
    made = {"la": "350", "children": 60, "seed": 2, "as_of": MORNING.date()}
    synth.make(str(folder / "authority.db"), **made)
    synth.write_people(folder, **made)
    with Place(folder, folder) as place:
        place.start_mail()
        assert place.ended(place.start("evaluate"), time.monotonic()) == 0, place.log()
        deliveries = place.count("delivery")
        promised = checker.promises(place.url)
        assert place.count("delivery where state = 'due'") == deliveries >= 8
        assert promised and set(promised.values()) == {1}
        return World(folder, folder / "alertd.db", promised, deliveries)


MakePlace = Callable[..., Place]


@pytest.fixture
def make_place(world: World, tmp_path: Path) -> Iterator[MakePlace]:
    """A place with its mail server; ``composed`` gives it deliveries that are due."""
    with ExitStack() as stack:

        def make(*mail: str, composed: bool = False, url: str = "") -> Place:
            folder = tmp_path / f"place-{len(list(tmp_path.iterdir()))}"
            place = stack.enter_context(Place(folder, world.folder, url))
            if composed:
                copy_database(world.composed, place.folder / "alertd.db")
            place.start_mail(*mail)
            return place

        yield make
