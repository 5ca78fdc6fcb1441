"""Ofsted's Annex A: the lists of children that an authority keeps ready for an inspection.

A snapshot of one day, the day of the extract. Lists 1 and 3 to 5 speak for the six months before it, list 10
for twelve. Lists 6 to 9 have one row a child, of the latest episode, plan or period and of what was
last done in it. Lists 2 and 11 are known, and set aside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from alertd.cases.accounts import Ledger
from alertd.cases.kinds import LATEST_ONLY, unfilled
from alertd.cases.reading import Progress
from alertd.cases.records import CaseFile, Record, Snapshot, Unreadable, Window, case_file, local_day
from alertd.cases.sources import annex_a_cells as v
from alertd.cases.sources.annex_a_facts import Facts
from alertd.cases.sources.annex_a_files import Extract, Row, Table, read_extract
from alertd.cases.sources.annex_a_lists import FILLS, LISTS
from alertd.cases.sources.annex_a_records import is_of_short_breaks, records_of

__all__ = ["FILLS", "LATEST", "read"]

LATEST: Final = LATEST_ONLY["annex_a"]
"""The kinds of which no more than the latest of each child is held."""
OWN_PLANS: Final = "every child protection plan is taken to be this authority's own: the list does not say"

_DATED_BY: Final = {
    1: ("contact_date",),
    3: ("referral_date",),
    4: ("assessment_start", "authorised"),
    5: ("s47_start", "conference"),
    6: ("last_seen",),
    7: ("cp_visit", "cp_review"),
    8: ("review", "visit", "iro"),
    9: ("leaver_contact",),
}
"""Columns of days that are never ahead, the latest of which is about the day of the extract."""
_LATER_SHARE: Final = 0.05
"""The share of such days after the day that a file name gives, beyond which that is not the extract's."""
_ENOUGH: Final = 200
"""Days from which on it can be told whether the latest stands alone: fewer than 3 within 14 days. Our own choice."""
_NEAR: Final = 14
_TOGETHER: Final = 3
_HEADINGS: Final = "headings that stand among the rows again"
_REPEATED: Final = "repeat another row of the same list"
_ZEROS: Final = "children whose references differ from another's by leading zeros alone: likely one child twice"
_SHORT_BREAKS: Final = "short breaks (V3, V4)"


def read(path: Path, *, as_of: datetime, progress: Progress | None = None) -> Snapshot:
    """Read an extract: a workbook (.xlsx, .xlsm, .xls), a CSV file, or a folder with one or more of these.

    ``as_of`` bounds the day of the extract where no file name or line above a list gives it.
    ``progress`` is told each list and its rows. Raises InputError (with the file) for what cannot be read.
    """
    found = read_extract(path, progress)
    today = local_day(as_of)
    extracted, how = _day_of_extract(found, today)
    ledger = Ledger()
    tally: Counter[str] = Counter()
    children = _by_child(found.tables, ledger)
    given = frozenset(table.of.number for table in found.tables if table.rows)
    holds, notes = _holds(found.tables)
    tally[_ZEROS] += sum(n > 1 for n in Counter(child.lstrip("0") for child in children).values())
    spans = _Spans(extracted or today, given)
    cases = []
    for child, rows in sorted(children.items()):
        facts = Facts(child, rows, extracted or today, given, tally)
        made = records_of(facts)
        cases.append(_case(child, made, spans, frozenset(rows), holds))
    return Snapshot(
        source=f"annex_a:{path.as_posix()}",
        cases=tuple(cases),
        holds=holds,
        window=spans.front,
        accounts=ledger.accounts,
        rejects=tuple(ledger.rejects),
        notes=(
            how,
            *found.notes,
            *(note for table in found.tables for note in table.notes),
            *notes,
            *ledger.notes(),
            *(f"{n:,} {what}" for what, n in tally.items() if n),
        ),
        lacks=_lacks(found.tables, holds),
        as_at=extracted,
        latest=LATEST,
    )


def _by_child(tables: Iterable[Table], ledger: Ledger) -> dict[str, dict[int, list[Row]]]:
    """The rows that say something of a child, by child and list; what becomes of all others is entered."""
    children: dict[str, dict[int, list[Row]]] = {}
    for table in tables:
        account = ledger.of(table.name)
        account.rows += table.total
        if table.repeated:
            account.aside[_HEADINGS] += table.repeated
        if table.of.aside:
            if rest := table.total - table.repeated:
                account.aside[table.of.aside] += rest
            continue
        heading = table.heading("child")
        others = [at for column, at in table.order.items() if column != "child"]
        seen: set[tuple[object, ...]] = set()
        for row in table.rows:
            child = v.ident(row.cell("child"))
            if child is None:
                ledger.reject(table.name, row.where, f"has no {heading}", heading)
            elif isinstance(child, Unreadable):
                ledger.reject(table.name, row.where, child.why, heading)
            elif all(v.text(row.cells[at]) is None and not isinstance(row.cells[at], Unreadable) for at in others):
                ledger.reject(table.name, row.where, f"holds nothing that is read but the {heading}")
            elif (same := (child, *(_told(row, at) for at in others))) in seen:
                account.aside[_REPEATED] += 1
            elif is_of_short_breaks(row):
                account.aside[_SHORT_BREAKS] += 1
            else:
                seen.add(same)
                account.used += 1
                children.setdefault(child, {}).setdefault(table.of.number, []).append(row)
    return children


def _told(row: Row, at: int) -> str | None:
    """A cell as rows are compared by it: one whose day is in doubt for its order is like no other row's."""
    cell = row.cells[at]
    return row.where if isinstance(cell, Unreadable) and cell is not v.UNCALCULATED else v.text(cell)


def _day_of_extract(found: Extract, today: date) -> tuple[date | None, str]:
    """The day of the extract, and how it is known: as given, else the latest day on which something was done."""
    days = Counter(
        day
        for table in found.tables
        for column in _DATED_BY.get(table.of.number, ())
        for row in table.rows
        if isinstance(day := v.day(row.cell(column)), date) and day <= today
    )
    for stated, where in found.stated:
        later = sum(n for day, n in days.items() if day > stated)
        if stated <= today and later <= _LATER_SHARE * days.total():
            return stated, f"extract of {stated.isoformat()}, by {where}"
    if not days:
        return (
            None,
            "the day of the extract is not given, and no row has a date to tell it by: nothing is proved absent",
        )
    latest = _latest(days)
    return latest, (
        f"extract of {latest.isoformat()}, the latest day on which something was done; "
        "put the day into the file's name (2026-03-31) to be sure"
    )


def _latest(days: Counter[date]) -> date:
    """The latest of many days that does not stand alone: a lone later one is more likely a slip of the pen."""
    if days.total() < _ENOUGH:
        return max(days)
    for day in sorted(days, reverse=True):
        if sum(days[day - timedelta(days=back)] for back in range(_NEAR)) >= _TOGETHER:
            return day
    return max(days)


def _holds(tables: Iterable[Table]) -> tuple[frozenset[str], list[str]]:
    """The kinds held, and which lists there are none of. Of a list without a row, silence proves nothing."""
    held = {"child"}
    notes: list[str] = []
    full = {table.of.number: table for table in tables if table.rows}
    for each in LISTS:
        if each.aside:
            continue
        if table := full.get(each.number):
            held |= {
                kind
                for kind, fields in each.fills.items()
                if all(column in table.order for column in next(iter(fields.values())))
                or (kind == "allocation" and "team" in table.order)
                or (kind == "health_assessment" and "dental" in table.order)
            }
        else:
            what = "has no rows" if any(t.of.number == each.number for t in tables) else "is not here"
            notes.append(f"list {each.number} ({each.title}) {what}, so nothing is measured from it")
    if "cp_plan" in held:
        notes.append(OWN_PLANS)
    return frozenset(held), notes


def _lacks(tables: Iterable[Table], holds: frozenset[str]) -> frozenset[str]:
    """The fields that these lists leave out, though they hold the kind."""
    filled: dict[str, set[str]] = {}
    for table in tables:
        if table.rows:
            for kind, fields in table.of.fills.items():
                here = {name for name, columns in fields.items() if all(column in table.order for column in columns)}
                filled.setdefault(kind, set()).update(here)
    left = {f"{kind}.{name}" for kind, names in FILLS.items() for name in names - filled.get(kind, set())}
    return frozenset(each for each in unfilled(FILLS) | left if each.partition(".")[0] in holds)


class _Spans:
    """The days for which silence is proof, by the lists that a child is in.

    Lists 1 and 3 to 5 have everything of six months: contacts and referrals that came in, assessments and
    enquiries that began or were still open. Of a child in one of lists 6 to 9 the latest of each kind is
    there, so nothing came after it, nor ever where there is none; that an earlier one is hidden by it is
    what ``LATEST`` says. A child who is not in lists 6, 7 and 8 had no case, plan or period that was open in those
    six months, and in list 10 no authority to place in twelve; list 9 and who has the case are of the day alone.
    """

    def __init__(self, extracted: date, given: frozenset[int]) -> None:
        self.front = Window(_months_before(extracted, 6), extracted)
        self._day = Window(extracted, extracted)
        self._year = Window(_months_before(extracted, 12), extracted)
        self._ever = Window(None, extracted)
        self._given = given
        self._known: dict[tuple[frozenset[int], date | None], Mapping[str, Window]] = {}

    def of(self, lists: frozenset[int], enquiry: date | None) -> Mapping[str, Window]:
        """The windows of the kinds that differ from ``front``, for a child in these lists.

        ``enquiry`` is the day of the earliest enquiry held: its row says of itself whether there was a conference.
        """
        key = (lists, enquiry if enquiry and self.front.start and enquiry < self.front.start else None)
        if key not in self._known:
            self._known[key] = self._made(*key)
        return self._known[key]

    def _made(self, lists: frozenset[int], enquiry: date | None) -> Mapping[str, Window]:
        windows = {"allocation": self._day}
        if 3 not in self._given:
            windows["referral"] = self._day
        if enquiry:
            windows["icpc"] = Window(enquiry, self.front.end)
        for each in LISTS:
            for kind in each.fills.keys() & LATEST:
                if each.number in lists:
                    windows[kind] = self._ever
                elif each.number in (9, 10):
                    windows[kind] = self._year if each.number == 10 else self._day
        return windows


def _case(child: str, made: list[Record], spans: _Spans, lists: frozenset[int], holds: frozenset[str]) -> CaseFile:
    enquiries = [day for record in made if record.kind == "s47" and (day := record.day("start"))]
    windows = spans.of(lists, min(enquiries, default=None))
    return case_file(child, made, spans.front, of_kinds=windows, latest=LATEST, holds=holds)


def _months_before(day: date, months: int) -> date:
    """The same day so many months earlier; the last of the month where it has no such day."""
    whole = day.year * 12 + day.month - 1 - months
    year, month = divmod(whole, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has a 28th")
