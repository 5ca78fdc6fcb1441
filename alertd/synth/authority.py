"""One synthetic authority in memory: its size, its staff, and every row of its children's lives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from alertd.calendars.calendar import calendar_for
from alertd.errors import InputError
from alertd.synth.cohort import Cohort
from alertd.synth.dice import Dice
from alertd.synth.lives import tell
from alertd.synth.schema import MARK
from alertd.synth.staff import Staff, make_staff, set_caseloads, staff_tables
from alertd.synth.volumes import Volumes, volumes
from alertd.synth.world import World

Progress = Callable[[str, int, int], None]
"""``progress(step, done, total)``: rows or stories done of all."""

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Authority:
    """``rows`` by table of the Standard Safeguarding Dataset, clean, with the staff's."""

    dice: Dice
    wanted: Volumes
    world: World
    rows: Rows


def begin(la: str, children: int, seed: int, as_of: date) -> tuple[Dice, Volumes, Staff]:
    """The staff comes first from the dice, so that whoever asks gets the same people."""
    calendar = calendar_for("england-and-wales")
    first, last = calendar.first_year + 10, calendar.last_year - 40  # stories reach back six years and far ahead
    if not first <= as_of.year <= last:
        raise InputError(f"--as-of {as_of} is out of reach", fix=f"Give a day from {first} to {last}")
    wanted, dice = volumes(la, children), Dice(seed)
    return dice, wanted, make_staff(dice, wanted, as_of)


def tell_lives(la: str, children: int, seed: int, as_of: date, progress: Progress | None = None) -> Authority:
    """Every row of an authority up to ``as_of``. Raises InputError for arguments that cannot be used."""
    dice, wanted, staff = begin(la, children, seed, as_of)
    world = World(dice, calendar_for("england-and-wales"), as_of, staff)
    stories = Cohort(dice, world.calendar, wanted, as_of).make()
    for done, story in enumerate(stories, 1):
        tell(world, story)
        if progress and (done % 100 == 0 or done == len(stories)):
            progress("Telling lives", done, len(stories))
    rows: Rows = {**staff_tables(staff), **world.rows}
    set_caseloads(rows, as_of)
    return Authority(dice, wanted, world, rows)


def version_row(seed: int, as_of: date) -> dict[str, Any]:
    """What marks the dataset as synthetic."""
    return {
        "version_number": "1.4.5",
        "release_date": as_of,
        "description": f"Synthetic authority, seed {seed}: no child in it exists",
        "is_current": True,
        "created_at": as_of,
        "created_by": MARK,
    }
