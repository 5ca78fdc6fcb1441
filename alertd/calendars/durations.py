"""Durations as the law writes them: "20 working days", "6 months", "72 hours"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

Unit = Literal["working day", "calendar day", "week", "month", "hour", "school day"]

UNITS: Final[tuple[Unit, ...]] = get_args(Unit)

_PATTERN: Final = re.compile(rf"\s*(\d+)\s+({'|'.join(UNITS)}|year)s?\s*")


@dataclass(frozen=True, slots=True)
class Duration:
    """A whole number of one unit. Years are held as twelve months each."""

    n: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``N unit``, singular or plural. Raises ValueError with the allowed units."""
        found = _PATTERN.fullmatch(text)
        if not found:
            raise ValueError(
                f"{text!r} is not a duration: write a whole number and working days, calendar days, "
                "weeks, months, years, hours or school days"
            )
        n = int(found[1])
        unit = next((unit for unit in UNITS if unit == found[2]), None)
        return cls(n, unit) if unit else cls(12 * n, "month")

    def __str__(self) -> str:
        return f"{self.n} {self.unit}" + ("" if self.n == 1 else "s")
