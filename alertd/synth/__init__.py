"""A synthetic authority: a Standard Safeguarding Dataset of children who do not exist.

Its size and ratios follow the published figures of a real authority (``volumes.csv``: Department
for Education, "Characteristics of children in need" 2024; contains public sector information
licensed under the Open Government Licence v3.0). Nothing else about that authority is in it, and
every name is an invented token.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Final

from alertd.calendars.calendar import calendar_for
from alertd.errors import InputError
from alertd.synth.cohort import Cohort
from alertd.synth.dice import Dice
from alertd.synth.dirty import spoil
from alertd.synth.lives import tell
from alertd.synth.manifest import Figure, Manifest, figures, row_counts
from alertd.synth.schema import MARK
from alertd.synth.staff import Staff, make_staff, set_caseloads, staff_tables, write_staff
from alertd.synth.volumes import Volumes, volumes
from alertd.synth.world import UNRECORDED_DAYS, UNRECORDED_SHARE, World
from alertd.synth.write import Progress, write

__all__ = ["Figure", "Manifest", "make", "write_people"]

_NOTES: Final = (
    f"The SSD holds no recording dates. Instead {UNRECORDED_SHARE:.0%} of the visits of the last "
    f"{UNRECORDED_DAYS} days are missing, as if not yet recorded: see unrecorded_visits.",
    "15% of the assessments now under way have no row, as in some case systems.",
    "Published figures are for the year to 31 March 2024; what was made is for the year to the as-of date.",
    "Looked after: no figure per authority is shipped; England's ratio to open cases is used.",
    "Open at the end of the year counts every open referral; late shares of visits and reviews are an assumption (5%).",
)


def make(
    url_or_path: str | Path,
    *,
    la: str,
    children: int,
    seed: int,
    as_of: date,
    dirty: float = 0.01,
    progress: Progress | None = None,
) -> Manifest:
    """Make a synthetic authority and write it to a SQLite file or any SQLAlchemy address.

    ``la`` is a DfE code, ``children`` the children in need at any point of the year up to
    ``as_of``, ``dirty`` the share of rows spoilt on purpose (0 to 0.5). The same arguments give
    the same file, byte for byte. Raises InputError for arguments or a target that cannot be used.
    """
    if not 0 <= dirty <= 0.5:
        raise InputError(f"--dirty {dirty} is not a share", fix="Give a number from 0 to 0.5")
    dice, wanted, staff = _begin(la, children, seed, as_of)
    world = World(dice, calendar_for("england-and-wales"), as_of, staff)
    stories = Cohort(dice, world.calendar, wanted, as_of).make()
    for done, story in enumerate(stories, 1):
        tell(world, story)
        if progress and (done % 100 == 0 or done == len(stories)):
            progress("Telling lives", done, len(stories))
    rows: dict[str, Any] = {**staff_tables(staff), **world.rows}
    set_caseloads(rows, as_of)
    made = figures(rows, wanted, world.calendar, as_of)
    spoilt = spoil(dice, world.calendar, rows, as_of, dirty)
    rows["ssd_version_log"] = [_version(seed, as_of)]
    write(url_or_path, rows, progress)
    notes: tuple[str, ...] = _NOTES
    if wanted.national:
        notes = (f"England's ratio stands in for suppressed figures: {', '.join(wanted.national)}.", *notes)
    return Manifest(la, wanted.name, children, seed, as_of, made, row_counts(rows), spoilt, world.unrecorded, notes)


def write_people(folder: str | Path, *, la: str, children: int, seed: int, as_of: date) -> None:
    """Write ``people.csv`` and ``teams.csv`` for the staff that :func:`make` gives the same arguments."""
    _, _, staff = _begin(la, children, seed, as_of)
    write_staff(Path(folder), staff)


def _begin(la: str, children: int, seed: int, as_of: date) -> tuple[Dice, Volumes, Staff]:
    """The staff comes first from the dice, so that both functions above make the same people."""
    calendar = calendar_for("england-and-wales")
    first, last = calendar.first_year + 10, calendar.last_year - 40  # stories reach back six years and far ahead
    if not first <= as_of.year <= last:
        raise InputError(f"--as-of {as_of} is out of reach", fix=f"Give a day from {first} to {last}")
    wanted, dice = volumes(la, children), Dice(seed)
    return dice, wanted, make_staff(dice, wanted, as_of)


def _version(seed: int, as_of: date) -> dict[str, Any]:
    return {
        "version_number": "1.4.5",
        "release_date": as_of,
        "description": f"Synthetic authority, seed {seed}: no child in it exists",
        "is_current": True,
        "created_at": as_of,
        "created_by": MARK,
    }
