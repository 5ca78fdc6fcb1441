"""What commands of one person in the office work with: the settings, the rules, the directory and the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from alertd.bootstrap import now_utc, rulebook_of
from alertd.db.engine import open_to_look
from alertd.people.directory import Directory
from alertd.rulebook.model import Rulebook
from alertd.settings import Settings, load
from alertd.staffing import directory_of


@dataclass(frozen=True, slots=True)
class Desk:
    """What these commands work with."""

    settings: Settings
    rulebook: Rulebook
    directory: Directory
    engine: Engine
    now: datetime


@contextmanager
def desk(config: Path) -> Iterator[Desk]:
    """Everything a command needs, from the settings. Raises InputError while no daemon has made the database."""
    settings = load(config)
    rulebook = rulebook_of(settings)
    directory = directory_of(settings, rulebook)
    engine = open_to_look(settings.database.url)
    try:
        yield Desk(settings, rulebook, directory, engine, now_utc())
    finally:
        engine.dispose()
