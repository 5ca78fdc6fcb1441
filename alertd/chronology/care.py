"""Being looked after: entering care, moves and legal statuses that begin on one day are one entry.

Feeds write a new row for each change of placement or status. A person tells what changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

from alertd.cases.records import Record
from alertd.chronology.entry import Entry
from alertd.chronology.groups import GROUP_OF
from alertd.chronology.telling import Telling
from alertd.chronology.words import change_reason, place, status

KINDS_OF_CARE: Final = ("care_period", "placement", "legal_status")
TOLD: Final = frozenset({"type", "status", "change_reason"})
"""Fields of these that the headline says, or the remark on the next placement."""

_ONE_DAY: Final = timedelta(days=1)


class _Change(NamedTuple):
    """What of one kind begins on a day, and what of it went before."""

    now: list[Record]
    before: Record | None


def care(telling: Telling) -> Iterator[Entry]:
    """An entry for each day on which care, a placement or a legal status began."""
    changes = {kind: _changes(telling, kind) for kind in KINDS_OF_CARE}
    followed = {c.before.ref for c in changes["placement"].values() if c.before}
    for day in sorted({day for found in changes.values() for day in found}):
        period, placed, legal = (changes[kind].get(day, _Change([], None)) for kind in KINDS_OF_CARE)
        records = [*period.now, *placed.now, *legal.now]
        headline, remarks = _told(bool(period.now), placed, legal)
        for record in records:
            remarks += [*telling.timing(record), *telling.remarks(record, TOLD)]
            remarks += [] if record.ref in followed else ended_because(record)
        yield Entry(
            day,
            GROUP_OF["care_period"],
            records[0].kind,
            headline,
            " ".join(dict.fromkeys(remarks)),
            tuple(record.ref for record in records),
            until=records[0].day("end"),
        )


def ended_because(record: Record) -> list[str]:
    """Why a placement ended, as a sentence; none where it is not recorded."""
    why = change_reason(record) if record.kind == "placement" else ""
    if record.day("end") is None:
        return [f"The reason recorded for the placement's end: {why}."] if why else []
    return [f"The placement ended because {why}."] if why else []


def alone(record: Record) -> str:
    """The headline of one of these records by itself, where no day says what it came with."""
    if record.kind == "placement":
        return f"Placed: {place(record)}"
    return f"Legal status: {status(record)}" if record.kind == "legal_status" else "In care"


def _changes(telling: Telling, kind: str) -> dict[date, _Change]:
    """What begins, by day. What went before lasted until then, or nobody says that it ended."""
    found: dict[date, _Change] = {}
    latest: Record | None = None
    for day, record in telling.dated(kind):
        if day not in found:
            end = latest.day("end") if latest else None
            joins = latest is not None and (end is None or end >= day - _ONE_DAY)
            found[day] = _Change([], latest if joins else None)
        found[day].now.append(record)
        latest = record
    return found


def _told(enters: bool, placed: _Change, legal: _Change) -> tuple[str, list[str]]:
    """The headline of one day's changes, and what was before them."""
    places = " and ".join(place(r) for r in placed.now)
    statuses = " and ".join(status(r) for r in legal.now)
    if enters:
        within = "; ".join(part for part in (statuses, places) if part)
        return f"Came into care ({within})" if within else "Came into care", []
    remarks = []
    if placed.now and placed.before:
        was, why = place(placed.before), change_reason(placed.before)
        again = was == places
        headline = f"Moved to another placement of the same kind: {places}" if again else f"Moved: {places}"
        ended = f"; it ended because {why}" if why else ""
        remarks.append(f"Placement before: {'of the same kind' if again else was}{ended}.")
    elif placed.now:
        headline = f"Placed: {places}"
    else:
        headline = ""
    if legal.now:
        changed = "Legal status changed" if legal.before else "Legal status"
        headline = f"{headline}. {changed}: {statuses}" if headline else f"{changed}: {statuses}"
        if legal.before:
            remarks.append(f"Legal status before: {status(legal.before)}.")
    return headline, remarks
