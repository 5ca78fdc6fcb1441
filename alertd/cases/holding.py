"""Who has a child's case, as the feed names them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from alertd.cases.records import CaseFile, Record


@dataclass(frozen=True, slots=True)
class Holding:
    """Who has the child now, as the feed names them; None where nobody is recorded."""

    worker: str | None = None
    team: str | None = None


def holding(case: CaseFile, today: date) -> Holding:
    """Who has the child today, from the open allocations: the lead case worker's (role CW) before
    others, then the latest begun, then by key."""
    found = [r for r in case.of("allocation") if _open(r, today) and (r.get("worker") or r.get("team"))]
    if not found:
        return Holding()
    best = min(found, key=lambda r: (r.get("role") != "CW", -(r.day("start") or date.min).toordinal(), r.key))
    worker, team = best.get("worker"), best.get("team")
    return Holding(str(worker) if worker else None, str(team) if team else None)


def _open(record: Record, today: date) -> bool:
    start, end = record.day("start"), record.day("end")
    return (start is None or start <= today) and (end is None or end > today)


def family(case: CaseFile, today: date) -> str | None:
    """The number of the family group the child belongs to today, so that brothers and sisters stand together."""
    found = [r for r in case.of("household") if _open(r, today) and r.get("family")]
    latest = max(found, key=lambda r: (r.day("start") or date.min, r.key), default=None)
    return str(latest.get("family")) if latest else None


def agency_links(case: CaseFile, today: date) -> dict[str, str]:
    """The agency of each kind that the child is linked with today, by its id.

    Where it is several of one kind, all their ids in words: that is no agency's id, so none is guessed.
    """
    found: dict[str, set[str]] = {}
    for record in (r for r in case.of("agency_link") if _open(r, today)):
        kind, agency = record.get("kind"), record.get("agency")
        if isinstance(kind, str) and isinstance(agency, str):
            found.setdefault(kind, set()).add(agency)
    return {kind: " and ".join(sorted(ids)) for kind, ids in found.items()}
