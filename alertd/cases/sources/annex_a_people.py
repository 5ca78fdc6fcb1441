"""Who a child is, and who has the case, from all lists that say so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from alertd.cases.records import Unreadable
from alertd.cases.sources import annex_a_cells as v
from alertd.cases.sources.annex_a_facts import Day, Facts, day, name, yes_no
from alertd.cases.sources.annex_a_files import Row

DIFFERENT_WORKERS: Final = (
    "children for whom lists name different workers or teams: list 8 was taken before 7, 6, 9, 4, 5 and 3"
)
_LONGEST_AHEAD: Final = timedelta(days=310)
"""The longest time before a birth that anybody expects it; a later day is an error. Our own choice."""


def person(facts: Facts) -> None:
    """The child's own record. Before the birth (age -1, or a day yet to come) the day of birth is the due date."""
    born: list[tuple[Day, Row]] = []
    expected: list[tuple[Day, Row]] = []
    first: Row | None = None
    for rows in facts.rows.values():
        for row in rows:
            first = first or row
            found = day(row, "born")
            ahead = isinstance(found, date) and found > facts.extracted
            if ahead and isinstance(found, date) and found - facts.extracted > _LONGEST_AHEAD:
                found = Unreadable("Date of Birth lies too far ahead even for a birth to come")
            if found is not None:
                (expected if ahead or v.is_unborn(row.cell("age")) else born).append((found, row))
    if first is None:
        return
    birth, due = _agreed(born, "dates of birth"), _agreed(expected, "due dates")
    raw = {"born": birth, "expected": None if birth else due, "died": _death(facts)}
    facts.put("child", facts.child, born[0][1] if born else first, raw)


def _agreed(said: list[tuple[Day, Row]], what: str) -> Day:
    days = {found: row for found, row in reversed(said) if isinstance(found, date)}
    if len(days) > 1:
        return Unreadable(f"{what} differ, see {' and '.join(sorted(row.where for row in days.values()))}", "conflict")
    return next(iter(days), None) or next((found for found, _ in said), None)


def _death(facts: Facts) -> Day:
    days = {found for found in facts.died if isinstance(found, date)}
    if len(days) > 1:
        return Unreadable("lists give different days of death", "conflict")
    return next(iter(days), None) or next(iter(facts.died), None)


def allocations(facts: Facts) -> None:
    """Who has the case on the day of the extract, of the rows that are open then; and a care leaver's adviser.

    Lists 6 to 9 name who has it now, lists 3 to 5 who took in the referral or did the piece of work.
    """
    taken: tuple[object, object] | None = None
    differ = False
    for row in _open_rows(facts):
        worker, team = name(row, "worker"), name(row, "team")
        if worker is None and team is None:
            continue
        if taken is None:
            taken = (worker, team)
            raw = {"worker": worker, "team": team, "role": "CW" if worker else None}
            facts.put("allocation", "case", row, raw)
        elif row.table.of.number in (6, 7, 8, 9):
            differ = differ or (worker, team) != taken
    if differ:
        facts.tally[DIFFERENT_WORKERS] += 1
    for row in facts.rows.get(9, ()):
        if adviser := name(row, "adviser"):
            raw = {"worker": adviser, "team": name(row, "team"), "role": "personal adviser"}
            facts.put("allocation", "adviser", row, raw)


def _open_rows(facts: Facts) -> Iterator[Row]:
    """The rows of cases that are open, those that say best who has it now first."""
    ends = {8: "care_end", 7: "plan_end", 6: "closed", 9: "", 4: "authorised", 5: "conference", 3: ""}
    for number, end in ends.items():
        rows = [row for row in facts.rows.get(number, ()) if not end or row.cell(end) is None or day(row, end) is None]
        for row in sorted(rows, key=_newest_first):
            if number == 5 and yes_no(row, "no_conference") is True:
                continue
            if number == 3 and not _still_open(facts, row):
                continue
            yield row


def _newest_first(row: Row) -> int:
    begun = {3: "referral_date", 4: "assessment_start", 5: "s47_start"}.get(row.table.of.number)
    found = v.day(row.cell(begun)) if begun else None
    return -found.toordinal() if isinstance(found, date) else 0


def _still_open(facts: Facts, row: Row) -> bool:
    begun = day(row, "referral_date")
    untold = 6 not in facts.given and yes_no(row, "nfa") is not True
    return untold or any(raw.get("start") == begun and raw.get("end") is None for raw in facts.of("referral"))
