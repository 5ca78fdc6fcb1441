"""Children of whom only some people may hear, or of whom some people must not: their own family, above all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Restriction:
    """One row of ``restrictions.csv``. ``only`` and ``never`` are ids of people; ``until`` is its last day.

    ``only`` is in the order in which they are to be told where none of them stands on the way up; empty, it
    narrows nothing. ``where`` is the place of the row, for errors.
    """

    child: str
    only: tuple[str, ...] = ()
    never: frozenset[str] = frozenset()
    reason: str = ""
    until: date | None = None
    where: str = ""

    def in_force(self, today: date | None) -> bool:
        """Whether it binds on that day; on no day in particular, it does."""
        return self.until is None or today is None or today <= self.until
