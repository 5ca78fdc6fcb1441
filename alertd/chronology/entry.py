"""One line of a chronology."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from alertd.chronology.groups import Group


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened, as a person would tell it.

    ``day`` is None where no usable date is recorded: such entries stand at the end and their ``detail`` says
    why. One that lies after the reader's today is booked or planned. ``records`` are what it is told from, as
    ``kind:key``. Each record of the child is told in one entry; where its end is told in an entry of its own,
    that entry ``closes``. ``until`` is the day it ended, and ``recorded_late`` the days from when it happened
    to when it was entered: None where that is not known or was the same day.
    """

    day: date | None
    group: Group
    kind: str
    headline: str
    detail: str = ""
    records: tuple[str, ...] = ()
    until: date | None = None
    recorded_late: int | None = None
    closes: bool = False
    at: datetime | None = None
    """The moment, where the records hold a time of day."""
