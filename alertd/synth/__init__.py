"""A synthetic authority: a Standard Safeguarding Dataset of children who do not exist.

Its size and ratios follow the published figures of a real authority (``volumes.csv``: Department
for Education, "Characteristics of children in need" 2024; contains public sector information
licensed under the Open Government Licence v3.0). Nothing else about that authority is in it, and
every name is an invented token.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

from alertd.errors import InputError
from alertd.synth.authority import Progress, begin, tell_lives, version_row
from alertd.synth.dirty import spoil
from alertd.synth.feeds import FEEDS, make_feed, make_feeds
from alertd.synth.manifest import Figure, Manifest, figures, row_counts
from alertd.synth.staff import write_staff
from alertd.synth.world import UNRECORDED_DAYS, UNRECORDED_SHARE
from alertd.synth.write import write

__all__ = ["FEEDS", "Figure", "Manifest", "make", "make_feed", "make_feeds", "write_people"]

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
    made = tell_lives(la, children, seed, as_of, progress)
    rows, wanted, calendar = made.rows, made.wanted, made.world.calendar
    found = figures(rows, wanted, calendar, as_of)
    spoilt = spoil(made.dice, calendar, rows, as_of, dirty)
    rows["ssd_version_log"] = [version_row(seed, as_of)]
    write(url_or_path, rows, progress)
    notes: tuple[str, ...] = _NOTES
    if wanted.national:
        notes = (f"England's ratio stands in for suppressed figures: {', '.join(wanted.national)}.", *notes)
    return Manifest(
        la, wanted.name, children, seed, as_of, found, row_counts(rows), spoilt, made.world.unrecorded, notes
    )


def write_people(folder: str | Path, *, la: str, children: int, seed: int, as_of: date) -> None:
    """Write the files of people, teams and restrictions, for the staff that :func:`make` gives the same arguments."""
    _, _, staff = begin(la, children, seed, as_of)
    write_staff(Path(folder), staff)
