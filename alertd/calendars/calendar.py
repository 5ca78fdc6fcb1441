"""Working days, one calendar a nation: the only door to the bank holidays.

The bank holidays in use are those of the ``holidays`` library, taken per nation as published
(substitute days included). A second source, the copy of the GOV.UK list that the package
``govuk-bank-holidays`` carries, is compared with it and never overrides it: its data file is
read from disk, so nothing here can reach the network.

Where they differ, decided in the open: on Monday 15 June 2026 ``holidays`` has a bank holiday in
Scotland and the copy (release 0.19) has none. ``holidays`` is right: the day was appointed by
royal proclamation on 3 February 2026 under section 1(3) of the Banking and Financial Dealings
Act 1971, and the live GOV.UK list has it; the copy was not refreshed. No other working day
differs in 2012 to 2028. :meth:`Calendar.describe` shows the comparison as it stands today.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from importlib import metadata, resources
from typing import Final, Literal, get_args

import holidays

from alertd.errors import InputError

Nation = Literal["england-and-wales", "scotland", "northern-ireland"]
NATIONS: Final[tuple[Nation, ...]] = get_args(Nation)

_SUBDIVISION: Final[Mapping[Nation, str]] = {"england-and-wales": "ENG", "scotland": "SCT", "northern-ireland": "NIR"}
_WEEKEND: Final = {5: "Saturday", 6: "Sunday"}
_SECOND_SOURCE: Final = "govuk-bank-holidays"


@dataclass(frozen=True, slots=True)
class Term:
    """A school term or half term: its first and last day, and the days inside it on which schools are
    closed to pupils. School days are Monday to Friday in a term, but for those and bank holidays."""

    start: date
    end: date
    closed: tuple[date, ...] = ()


class Calendar:
    """The working days of one nation: Monday to Friday without its bank holidays.

    ``bank_holidays`` maps each bank holiday to its name and speaks for whole years, ``first_year``
    to ``last_year``. A sum that leaves those years raises :class:`InputError`: a calendar with a
    silent gap would make due dates wrong. All sums are a binary search over the working days.
    """

    def __init__(self, nation: Nation, bank_holidays: Mapping[date, str], first_year: int, last_year: int) -> None:
        self.nation, self.first_year, self.last_year = nation, first_year, last_year
        self._names = {day.toordinal(): name for day, name in bank_holidays.items()}
        first, last = date(first_year, 1, 1).toordinal(), date(last_year, 12, 31).toordinal()
        # Ordinal 1 was a Monday, so weekday = (ordinal - 1) % 7.
        self._working = [o for o in range(first, last + 1) if (o - 1) % 7 not in _WEEKEND and o not in self._names]

    def is_working(self, day: date) -> bool:
        """Whether ``day`` is a working day. Raises InputError for a year out of reach."""
        return self.why_not_working(day) is None

    def why_not_working(self, day: date) -> str | None:
        """Why ``day`` is no working day ("Saturday", "Boxing Day (substitute day)"), or None if it
        is one. Raises InputError for a year out of reach."""
        self._check(day)
        return _WEEKEND.get(day.weekday()) or self._names.get(day.toordinal())

    def add_working_days(self, day: date, n: int) -> date:
        """The ``n``-th working day after ``day``, which is day 0 whether it is working or not;
        before it when ``n`` is negative; ``day`` itself when ``n`` is 0. Raises InputError when
        the sum leaves the years in reach."""
        self._check(day)
        if n == 0:
            return day
        ordinal = day.toordinal()
        at = bisect_right(self._working, ordinal) + n - 1 if n > 0 else bisect_left(self._working, ordinal) + n
        if not 0 <= at < len(self._working):
            raise self._out_of_reach(f"{n} working days from a day in {day.year}")
        return date.fromordinal(self._working[at])

    def working_days_between(self, start: date, end: date) -> int:
        """How many working days lie after ``start`` up to and including ``end``; negative when
        ``end`` is the earlier. Raises InputError for a year out of reach."""
        self._check(start)
        self._check(end)
        return bisect_right(self._working, end.toordinal()) - bisect_right(self._working, start.toordinal())

    def describe(self) -> str:
        """Which calendar this is, its library's version, how far it reaches, and every day on which
        the second source calls a working day a bank holiday or the reverse. One line."""
        published = _published(self.nation)
        first, last = min(published).year, max(published).year
        days = {date.fromordinal(o) for o in self._names} | set(published)
        differ = [
            f"{day} ({self.why_not_working(day) or 'a working day'}; there {published.get(day, 'a working day')})"
            for day in sorted(days)
            if first <= day.year <= last and day.weekday() not in _WEEKEND
            if (day.toordinal() in self._names) != (day in published)
        ]
        return (
            f"{self.nation}: bank holidays of holidays {metadata.version('holidays')}, "
            f"{self.first_year} to {self.last_year} (one-off holidays as far as announced); "
            f"{_SECOND_SOURCE} {metadata.version(_SECOND_SOURCE)}, "
            f"{first} to {last}, differs on {', '.join(differ) or 'no working day'}"
        )

    def _check(self, day: date) -> None:
        if isinstance(day, datetime):  # its day depends on the time zone, so a guess could be a day out
            raise TypeError("a calendar takes days, not moments: use local_day first")
        if not self.first_year <= day.year <= self.last_year:
            raise self._out_of_reach(f"a day in {day.year}")

    def _out_of_reach(self, what: str) -> InputError:
        return InputError(
            f"{what} is beyond the {self.nation} calendar, which reaches from {self.first_year} to {self.last_year}",
            fix="Check the date; if it is right, install a newer release of holidays",
        )


@lru_cache(maxsize=len(NATIONS))
def calendar_for(nation: str) -> Calendar:
    """The calendar of a nation: ``england-and-wales``, ``scotland`` or ``northern-ireland``.
    It reaches as far as the ``holidays`` library does. Raises InputError for another name."""
    known = next((n for n in NATIONS if n == nation), None)
    if known is None:
        raise InputError("no calendar is held for the nation named", fix=f"Write one of {', '.join(NATIONS)}")
    probe = holidays.country_holidays("GB")
    first, last = probe.start_year, probe.end_year
    found = holidays.country_holidays(
        "GB", subdiv=_SUBDIVISION[known], years=range(first, last + 1), expand=False, language="en_GB"
    )
    names = {day: name.replace("(observed)", "(substitute day)") for day, name in found.items()}
    return Calendar(known, names, first, last)


def _published(nation: Nation) -> dict[date, str]:
    """The second source's bank holidays of a nation, by day."""
    text = (resources.files("govuk_bank_holidays") / "bank-holidays.json").read_text(encoding="utf-8")
    return {date.fromisoformat(event["date"]): event["title"] for event in json.loads(text)[nation]["events"]}
