"""What the feed had said of a child by each day: late entries, cases that pass on, and words that must not leak.

The lives are those of the synthetic authority, so what workers did, and when, is its doing: mostly before the due
date, some of it late. Here is only when each thing could be read. The feed is refilled at night, so that what
happens on a day is seen on the next morning at the earliest.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from alertd.calendars.calendar import Calendar
from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record, Value, local_day
from alertd.rulebook.model import Rulebook

ON_THE_DAY: Final = 0.5
"""Share of visits, reviews and the like that are entered on the day itself; the others come after working days
that grow rarer by half a day's steps (see :data:`MORE`). An assumption: no figure is published. Manuals ask for
one to three working days."""

MORE: Final = 0.55
"""How likely it is, after each working day, that it takes another."""

LONGEST: Final = 15
"""Working days after which everything is entered."""

PASSED_ON: Final = ((0, 0.25), (2, 0.3), (5, 0.25), (10, 0.2))
"""Working days until the feed shows who has a leaver's case now, and how likely each is: an assumption."""

CANARY: Final = "Zqxvj"
"""Begins every planted word; no message may hold it."""

_ENTERED: Final = "_entered"
_FIELDS: Final = {"assessment": "authorised", "s47": "end"}
"""Fields that stop clocks and are entered late, of records that are there before."""

_EVENTS: Final = frozenset(k.name for k in KINDS.values() if k.ends is None and k.begins == "happened")


@dataclass(frozen=True, slots=True)
class FeedYear:
    """What is the same for all children: the span, who leaves and moves, and whom their cases go to.

    ``mates`` are the caseworkers of each team. ``free`` are the text fields, as ``kind.field``, that no rule reads.
    """

    seed: int
    first: date
    last: date
    calendar: Calendar
    leaves: Mapping[str, date]
    drawn: frozenset[str]
    """Leavers whose cases the synthetic authority does not pass on by itself."""
    moves: Mapping[str, tuple[date, str]]
    mates: Mapping[str, tuple[str, ...]]
    free: frozenset[str]


def free_fields(rulebook: Rulebook) -> frozenset[str]:
    """The text fields that no rule reads and that link nothing, as ``kind.field``."""
    read = {need for rule in rulebook.rules for need in rule.needs}
    found = (
        f"{kind.name}.{field.name}"
        for kind in KINDS.values()
        if kind.name != "allocation"
        for field in kind.fields
        if field.type == "text" and field.links is None
    )
    return frozenset(found) - read


def as_it_went(case: CaseFile, year: FeedYear) -> CaseFile:
    """The child's records with when each could be read, the cases of leavers passed on, and canaries in them."""
    records: list[Record] = []
    for record in case.records:
        if record.kind == "allocation":
            records += _allocations(record, year)
        else:
            records.append(_late(record, year))
    records = _handed(records, year)
    return replace(case, records=tuple(_with_canaries(r, year.free) for r in records))


class Known:
    """What could be read of one child at each moment. Only what is entered late is looked at again."""

    def __init__(self, case: CaseFile) -> None:
        late = [any(name.startswith(_ENTERED) for name in r.values) for r in case.records]
        self._records = [(r, is_late) for r, is_late in zip(case.records, late, strict=True)]

    def __call__(self, case: CaseFile, at: datetime) -> CaseFile:
        """The case file as it stood at ``at``."""
        return replace(case, records=tuple(self._by(local_day(at))))

    def _by(self, today: date) -> Iterator[Record]:
        for record, is_late in self._records:
            if not is_late:
                yield record
            elif (known := _known(record, today)) is not None:
                yield known


def _known(record: Record, today: date) -> Record | None:
    values: dict[str, Value] = {}
    hidden: set[str] = set()
    for name, value in record.values.items():
        if not name.startswith(_ENTERED):
            values[name] = value
        elif isinstance(value, date) and value > today:
            hidden.add(name.removeprefix(_ENTERED + "."))
    if _ENTERED in hidden:
        return None
    return replace(record, values={k: v for k, v in values.items() if k not in hidden})


def _draws(year: FeedYear, *of: object) -> random.Random:
    return random.Random("/".join(map(str, (year.seed, *of))))  # noqa: S311 - draws a made-up year


def _late(record: Record, year: FeedYear) -> Record:
    field = "happened" if record.kind in _EVENTS else _FIELDS.get(record.kind)
    day = record.day(field) if field else None
    if day is None or not year.first - timedelta(60) <= day <= year.last:
        return record
    rng = _draws(year, record.child, record.ref)
    lag = 0
    if rng.random() >= ON_THE_DAY:
        lag = 1
        while lag < LONGEST and rng.random() < MORE:
            lag += 1
    seen = year.calendar.add_working_days(day, lag) + timedelta(1)
    is_whole = field == "happened" and "due_on" not in record.values
    return _marked(record, _ENTERED if is_whole else f"{_ENTERED}.{field}", seen)


def _marked(record: Record, name: str, seen: date) -> Record:
    return replace(record, values={**record.values, name: seen})


def _allocations(record: Record, year: FeedYear) -> list[Record]:
    """The allocation, split where its worker leaves or moves and the synthetic authority says nothing of it."""
    worker, start = record.get("worker"), record.day("start")
    if not isinstance(worker, str) or start is None:
        return [record]
    end = record.day("end") or date.max
    day, next_worker, team = date.max, worker, record.get("team")
    if worker in year.drawn and start < year.leaves[worker] < end:
        day, team = year.leaves[worker], record.get("team")
        next_worker = _successor(worker, str(team), day, year, record.child) or worker
    elif worker in year.moves and start < year.moves[worker][0] < end:
        day, team = year.moves[worker]
    if day == date.max or (next_worker == worker and worker in year.drawn):
        return [record]
    before = replace(record, values={**record.values, "end": day})
    values = {**record.values, "start": day, "worker": next_worker}
    if team is not None:
        values["team"] = team
    after = replace(record, key=f"{record.key}-{len(record.key.split('-'))}", values=values)
    return [before, *([after] if next_worker == worker else _allocations(after, year))]


def _successor(worker: str, team: str, day: date, year: FeedYear, child: str) -> str | None:
    fit = [m for m in year.mates.get(team, ()) if m != worker and year.leaves.get(m, date.max) > day]
    return _draws(year, "successor", worker, child).choice(fit) if fit else None


def _handed(records: list[Record], year: FeedYear) -> list[Record]:
    """Where a worker left or moved, both rows of the change are entered later, on one day."""
    seen: dict[date, date] = {}
    for record in records:
        if record.kind == "allocation":
            worker, end = str(record.get("worker")), record.day("end")
            moved = year.moves.get(worker, (None, ""))[0]
            if end is not None and year.first <= end <= year.last and end in (year.leaves.get(worker), moved):
                days, weights = [n for n, _ in PASSED_ON], [share for _, share in PASSED_ON]
                lag = _draws(year, "passed on", record.child, worker).choices(days, weights)[0]
                seen[end] = year.calendar.add_working_days(end, lag) + timedelta(1)
    found = []
    for record in records:
        start, end = record.day("start"), record.day("end")
        if record.kind == "allocation" and end in seen:
            record = _marked(record, f"{_ENTERED}.end", seen[end])
        if record.kind == "allocation" and start in seen:
            record = _marked(record, _ENTERED, seen[start])
        found.append(record)
    return found


def _with_canaries(record: Record, free: frozenset[str]) -> Record:
    """A planted word in every text that no rule reads, and in fields that no kind declares: name, address, note."""
    planted = {name: f"{CANARY}{record.kind}{name}" for name in ("name", "address", "note")}
    planted |= {name: f"{CANARY}{record.kind}{name}" for name in record.values if f"{record.kind}.{name}" in free}
    return replace(record, values={**record.values, **planted})
