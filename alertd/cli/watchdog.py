"""``alertd watchdog``: whether the rule that always fires is still heard."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy.orm import Session

from alertd import watchdog as road
from alertd.bootstrap import House, build, now_utc
from alertd.cases.records import in_words
from alertd.cli.alerts import Config
from alertd.db.engine import open_to_look, reading
from alertd.errors import InputError
from alertd.settings import load


def watchdog(
    config: Config,
    now: Annotated[bool, typer.Option("--now", help="Send it through the whole road at once, a line a step.")] = False,
) -> None:
    """Say when the watchdog was last delivered. Exit code 1 where that is too long ago: for a timer."""
    settings = load(config)
    if settings.watchdog is None:
        raise InputError("there is no [watchdog] in the settings", fix="Add it, with the address of whoever listens")
    engine = open_to_look(settings.database.url)
    try:
        if now:
            house = build(settings)
            try:
                steps = _shown(house)
            finally:
                house.engine.dispose()
            raise typer.Exit(0 if steps and all(steps) else 1)
        with Session(reading(engine)) as session:
            why, last = road.silent(session, settings.watchdog, now_utc()), road.last_delivered(session)
    finally:
        engine.dispose()
    print(why or f"the watchdog was last delivered {in_words(last) if last else ''}")
    raise typer.Exit(1 if why else 0)


def _shown(house: House) -> list[bool]:
    steps = []
    for step in road.at_once(house):
        print(f"{'ok  ' if step.well else 'FAIL'}  {step.what}: {step.said}")
        steps.append(step.well)
    return steps
