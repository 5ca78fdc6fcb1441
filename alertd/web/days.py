"""A day as a form asks for it, in three parts, so that nobody has to guess which comes first. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

Part = Literal["day", "month", "year"]
PARTS: Final[tuple[Part, ...]] = ("day", "month", "year")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a day, and the parts that have to be mended, the first of them first."""

    text: str
    parts: tuple[Part, ...]


def day_of(given: Mapping[Part, str]) -> date | Wrong:
    """The day that somebody typed; the month may be a word."""
    missing = tuple(part for part in PARTS if not given[part])
    if len(missing) == len(PARTS):
        return Wrong("Give the day", PARTS)
    if missing:
        return Wrong(f"The date must have a {' and a '.join(missing)}", missing)
    numbers = {part: _number(given[part]) for part in PARTS}
    numbers["month"] = numbers["month"] or _named(given["month"])
    if len(given["year"]) != 4 or not numbers["year"]:
        return Wrong("The year must have 4 digits, as 2026", ("year",))
    if not 1 <= numbers["month"] <= len(_MONTHS):
        return Wrong("The month must be from 1 to 12, or its name", ("month",))
    try:
        return date(numbers["year"], numbers["month"], numbers["day"])
    except ValueError:
        return Wrong("There is no such day in that month", ("day",))


def _number(text: str) -> int:
    """The number that a text is; none for what is no number that a date can have."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0


def _named(text: str) -> int:
    short = text.lower()[:3]
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0
