"""What the rows about one child say, put together record by record.

Rows have no keys, so a record is keyed by the day it is anchored on. What two rows say of one
record is put together; where they say different things, the field is in doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from alertd.cases.records import Record, Unreadable, make_record
from alertd.cases.sources import annex_a_cells as v
from alertd.cases.sources.annex_a_files import Row
from alertd.cases.sources.cells import LONGEST

Day = date | Unreadable | None
Raw = dict[str, object]


@dataclass(slots=True)
class Facts:
    """One child's rows, by the number of their list, and the records they become.

    ``extracted`` is the day of the extract; ``given`` are the numbers of the lists that it holds, with
    rows. ``tally`` counts what an operator should hear of, over all children. ``died`` is what rows
    say of a death.
    """

    child: str
    rows: Mapping[int, Sequence[Row]]
    extracted: date
    given: frozenset[int]
    tally: Counter[str]
    found: dict[tuple[str, str], tuple[str, Raw]] = field(default_factory=dict)
    undated: Counter[str] = field(default_factory=Counter)
    died: list[Day] = field(default_factory=list)

    def put(self, kind: str, key: str, row: Row, raw: Mapping[str, object]) -> None:
        """Enter what a row says of a record, together with what others said of it."""
        _, known = self.found.setdefault((kind, key), (row.where, {}))
        for name, value in raw.items():
            before = known.get(name)
            if value is None or before == value:
                continue
            if before is None:
                known[name] = value
            elif not isinstance(before, Unreadable):
                known[name] = Unreadable(f"rows say different things of it, see also {row.where}", "conflict")

    def state(self, kind: str, start: Day, row: Row, raw: Mapping[str, object]) -> None:
        """Enter a record that begins on a day, which may be blank or in doubt."""
        self.put(kind, self.key(kind, start), row, {"start": start, **raw})

    def event(
        self, kind: str, row: Row, column: str, raw: Mapping[str, object] | None = None, suffix: str = ""
    ) -> None:
        """Enter a record of what was last done on a day; none where that day is blank."""
        if (happened := day(row, column)) is not None:
            self.put(kind, f"{self.key(kind, happened)}{suffix}", row, {"happened": happened, **(raw or {})})

    def key(self, kind: str, anchor: Day) -> str:
        """The key of a record anchored on a day; where that cannot be told, its number among such."""
        if isinstance(anchor, date):
            return anchor.isoformat()
        self.undated[kind] += 1
        return f"undated {self.undated[kind]}"

    def of(self, kind: str) -> list[Raw]:
        """What is known of the records of a kind, in the order of their rows."""
        return [raw for (name, _), (_, raw) in self.found.items() if name == kind]

    def records(self) -> list[Record]:
        """What was entered, as records."""
        return [make_record(kind, self.child, key, where, raw) for (kind, key), (where, raw) in self.found.items()]


def _headed(row: Row, column: str, found: Unreadable) -> Unreadable:
    return Unreadable(f"{row.table.heading(column)} {found.why}", found.cause)


def day(row: Row, column: str) -> Day:
    """A day; where it cannot be read, why, by the column's heading."""
    found = v.day(row.cell(column))
    return _headed(row, column, found) if isinstance(found, Unreadable) else found


def coded(row: Row, column: str) -> str | Unreadable | None:
    """What a coded answer means; where that is not known, why, by the column's heading."""
    found = v.coded(column, row.cell(column))
    return _headed(row, column, found) if isinstance(found, Unreadable) else found


def yes_no(row: Row, column: str) -> bool | Unreadable | None:
    """A coded answer that is yes or no; where that is not known, why, by the column's heading."""
    found = v.yes_no(column, row.cell(column))
    return _headed(row, column, found) if isinstance(found, Unreadable) else found


def name(row: Row, column: str) -> str | Unreadable | None:
    """A team's or a worker's name: the only key that Annex A has for them."""
    cell = row.cell(column)
    if isinstance(cell, Unreadable):
        return _headed(row, column, cell)
    found = v.text(cell)
    plain = found is None or (found.isprintable() and len(found) <= LONGEST)
    return found if plain else _headed(row, column, Unreadable("is not a name"))
