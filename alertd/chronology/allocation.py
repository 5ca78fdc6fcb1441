"""Who has the case: each allocation told as what it changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from alertd.cases.records import Record, in_words
from alertd.chronology.entry import Entry
from alertd.chronology.groups import GROUP_OF
from alertd.chronology.telling import Telling
from alertd.chronology.words import counted, upper_first, worded

LEAD: Final = "CW"
_ROLES: Final = {"IRO": "independent reviewing officer", "PA": "personal adviser"}


TOLD: Final = frozenset({"worker", "team", "role", "team_only"})
"""Fields of an allocation that the headline says."""


def allocations(telling: Telling) -> Iterator[Entry]:
    """An entry for each allocation, and for each end of a lead worker's after which nobody has an open case."""
    before: Record | None = None
    dated = telling.dated("allocation")
    leads = [record for _, record in dated if _is_lead(record)]
    for day, record in dated:
        if _is_lead(record):
            headline, remark = _lead(record, before, day, telling)
            before = record
        else:
            headline, remark = _other(record, telling), ""
        said = [remark, *telling.timing(record), *telling.remarks(record, TOLD)]
        detail = " ".join(part for part in said if part)
        yield Entry(day, GROUP_OF["allocation"], "allocation", headline, detail, (record.ref,), until=record.day("end"))
    for record in leads:
        end = record.day("end")
        if end and end <= telling.today and not _goes_on(leads, end) and telling.case.is_open(end):
            headline = f"No lead worker from this day: {_holder(record, telling)} had the case until now"
            yield Entry(end, GROUP_OF["allocation"], "allocation", headline, "", (record.ref,), closes=True)


def allocated(record: Record, telling: Telling) -> str:
    """The headline of an allocation by itself, whatever went before."""
    return f"Allocated to {_holder(record, telling)}" if _is_lead(record) else _other(record, telling)


def lead_on(telling: Telling, day: date) -> str:
    """Who had the case on a day as the lead worker, the latest begun; blank where nobody is recorded."""
    there = [r for on, r in telling.dated("allocation") if _is_lead(r) and on <= day]
    open_ = [r for r in there if (end := r.day("end")) is None or end > day]
    return _holder(open_[-1], telling) if open_ else ""


def _is_lead(record: Record) -> bool:
    return record.get("role") in (LEAD, None)


def _goes_on(leads: list[Record], day: date) -> bool:
    """Whether somebody has the case on a day."""
    return any(
        (start := other.day("start")) and start <= day and ((end := other.day("end")) is None or end > day)
        for other in leads
    )


def _lead(record: Record, before: Record | None, day: date, telling: Telling) -> tuple[str, str]:
    if before is None:
        return allocated(record, telling), ""
    was, now = _holder(before, telling), _holder(record, telling)
    end = before.day("end")
    if end and end < day:
        gap = f"Nobody is recorded as the lead worker from {in_words(end)}, for {counted((day - end).days, 'day')}"
        return f"Allocated to {now}", f"{gap}; before that it was {was}."
    if was == now:
        return f"Allocated again to {now}", ""
    if record.get("worker") == before.get("worker") is not None:
        return f"{_worker(record, telling)} moved from {_team(before, telling)} to {_team(record, telling)}", ""
    return f"Worker changed from {was} to {now}", ""


def _other(record: Record, telling: Telling) -> str:
    role = str(record.get("role"))
    return f"{upper_first(_ROLES.get(role, worded(role)))}: {_holder(record, telling)}"


def _holder(record: Record, telling: Telling) -> str:
    worker, team = record.get("worker"), record.get("team")
    if worker and team:
        return f"{_worker(record, telling)} ({_team(record, telling)})"
    if worker:
        return _worker(record, telling)
    return f"{_team(record, telling)}, no worker" if team else "nobody who is named"


def _worker(record: Record, telling: Telling) -> str:
    return telling.named(str(record.get("worker")))


def _team(record: Record, telling: Telling) -> str:
    team = record.get("team")
    return f"team {telling.named(str(team))}" if team else "no team"
