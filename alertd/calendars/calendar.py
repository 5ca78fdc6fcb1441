"""Working days and school days, one calendar a nation: the only door to the bank holidays.

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
from collections.abc import Mapping, Sequence
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
_GIVE_TERMS: Final = "Give the school terms up to a year ahead"


@dataclass(frozen=True, slots=True)
class Term:
    """A school term or half term: its first and last day, and the days inside it on which schools are
    closed to pupils. School days are Monday to Friday in a term, but for those and bank holidays."""

    start: date
    end: date
    closed: tuple[date, ...] = ()


class NoTermsError(InputError):
    """School days were to be counted, and no school terms are known."""


class Calendar:
    """The working days of one nation: Monday to Friday without its bank holidays; and its school days,
    where school terms are given: the working days in a term on which schools are not closed.

    ``bank_holidays`` maps each bank holiday to its name and speaks for whole years, ``first_year``
    to ``last_year``. A sum that leaves those years, or the terms, raises :class:`InputError`: a
    calendar with a silent gap would make due dates wrong. All sums are a binary search over the days.
    """

    def __init__(
        self,
        nation: Nation,
        bank_holidays: Mapping[date, str],
        first_year: int,
        last_year: int,
        terms: Sequence[Term] = (),
    ) -> None:
        self.nation, self.first_year, self.last_year = nation, first_year, last_year
        self._names = {day.toordinal(): name for day, name in bank_holidays.items()}
        first, last = date(first_year, 1, 1).toordinal(), date(last_year, 12, 31).toordinal()
        # Ordinal 1 was a Monday, so weekday = (ordinal - 1) % 7.
        self._working = [o for o in range(first, last + 1) if (o - 1) % 7 not in _WEEKEND and o not in self._names]
        self.terms = tuple(sorted(terms, key=lambda term: (term.start, term.end)))
        for term in self.terms:
            self._check(term.start)
            self._check(term.end)
        self._school = [o for o in self._working if self._in_term(date.fromordinal(o))] if terms else []

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

    def is_school_day(self, day: date) -> bool:
        """Whether ``day`` is a school day. Raises InputError for a day that the terms do not reach."""
        return self.why_no_school(day) is None

    def why_no_school(self, day: date) -> str | None:
        """Why ``day`` is no school day ("Saturday", "school holiday", "school closed"), or None if it
        is one. Raises InputError for a day that the terms do not reach."""
        self._check_terms(day)
        closed = any(day in term.closed for term in self.terms)
        if self.why_not_working(day) or self._in_term(day):
            return self.why_not_working(day)
        return "school closed" if closed else "school holiday"

    def add_school_days(self, day: date, n: int) -> date:
        """The ``n``-th school day after ``day``, as :meth:`add_working_days` counts. Raises InputError
        when the sum leaves the terms that are known; :class:`NoTermsError` when none is."""
        self._check_terms(day)
        if n == 0:
            return day
        ordinal = day.toordinal()
        at = bisect_right(self._school, ordinal) + n - 1 if n > 0 else bisect_left(self._school, ordinal) + n
        if not 0 <= at < len(self._school):
            raise self._beyond_terms(f"{n} school days from a day in {day.year}")
        return date.fromordinal(self._school[at])

    def working_days_between(self, start: date, end: date) -> int:
        """How many working days lie after ``start`` up to and including ``end``; negative when
        ``end`` is the earlier. Raises InputError for a year out of reach."""
        self._check(start)
        self._check(end)
        return bisect_right(self._working, end.toordinal()) - bisect_right(self._working, start.toordinal())

    @property
    def bank_holidays(self) -> tuple[date, ...]:
        """The bank holidays it knows, in order."""
        return tuple(date.fromordinal(o) for o in sorted(self._names))

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

    def _in_term(self, day: date) -> bool:
        """Whether schools are open on a working day: it lies in a term, and no term calls it closed."""
        if any(day in term.closed for term in self.terms):
            return False
        return any(term.start <= day <= term.end for term in self.terms)

    def _check_terms(self, day: date) -> None:
        self._check(day)
        if not self.terms:
            raise NoTermsError("school days cannot be counted: no school terms are known", fix=_GIVE_TERMS)
        if not self.terms[0].start <= day <= max(term.end for term in self.terms):
            raise self._beyond_terms(f"a day in {day.year}")

    def _beyond_terms(self, what: str) -> InputError:
        first, last = self.terms[0].start, max(term.end for term in self.terms)
        return InputError(f"{what} is beyond the school terms known, {first} to {last}", fix=_GIVE_TERMS)

    def _out_of_reach(self, what: str) -> InputError:
        return InputError(
            f"{what} is beyond the {self.nation} calendar, which reaches from {self.first_year} to {self.last_year}",
            fix="Check the date; if it is right, install a newer release of holidays",
        )


def calendar_for(nation: str, terms: tuple[Term, ...] = ()) -> Calendar:
    """The calendar of a nation: ``england-and-wales``, ``scotland`` or ``northern-ireland``, with the
    school terms given. It reaches as far as the ``holidays`` library does. Raises InputError for
    another name, and for a term that it does not reach."""
    known = next((n for n in NATIONS if n == nation), None)
    if known is None:
        raise InputError("no calendar is held for the nation named", fix=f"Write one of {', '.join(NATIONS)}")
    return _calendar(known, terms)


@lru_cache(maxsize=16)
def _calendar(nation: Nation, terms: tuple[Term, ...]) -> Calendar:
    names, first, last = _bank_holidays(nation)
    return Calendar(nation, names, first, last, terms)


@lru_cache(maxsize=len(NATIONS))
def _bank_holidays(nation: Nation) -> tuple[Mapping[date, str], int, int]:
    """A nation's bank holidays by day, and the first and last year the library speaks for."""
    probe = holidays.country_holidays("GB")
    first, last = probe.start_year, probe.end_year
    found = holidays.country_holidays(
        "GB", subdiv=_SUBDIVISION[nation], years=range(first, last + 1), expand=False, language="en_GB"
    )
    return {day: name.replace("(observed)", "(substitute day)") for day, name in found.items()}, first, last


@lru_cache(maxsize=len(NATIONS))
def _published(nation: Nation) -> dict[date, str]:
    """The second source's bank holidays of a nation, by day."""
    text = (resources.files("govuk_bank_holidays") / "bank-holidays.json").read_text(encoding="utf-8")
    return {date.fromisoformat(event["date"]): event["title"] for event in json.loads(text)[nation]["events"]}
