"""What is said of a table of the Standard Safeguarding Dataset: its key, whose its rows are, what they become."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

Reader = Callable[[object], object]

ALSO_NAMED: Final[Mapping[str, str]] = {
    "cinp_cin_plan_id": "cin_plan_id",
    "lacp_table_id": "lacp_cla_care_plan_id",
}
"""Columns that Mosaic's script names otherwise."""

PERIODS: Final = "cla_episodes"
"""The table whose key is that of a period of care, and which has a row for each episode of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table.

    ``kinds`` gives each kind it fills and the columns without which that kind is not held, beside
    the key and a way to the child. ``person`` is the child's number; where that column is absent
    or blank the child is reached by ``routes``: (column, the table whose key it holds). ``fields``
    are read straight into the first kind's fields; ``extra`` columns are for the mapping of this
    table, and ``made`` the fields, by kind, that it makes of them.
    ``assumes`` are columns that may be absent and are then read as "no", with what that means.
    """

    name: str
    kinds: Mapping[str, tuple[str, ...]]
    key: str
    person: str
    routes: tuple[tuple[str, str], ...] = ()
    fields: Mapping[str, tuple[str, Reader]] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    made: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    assumes: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column this table is read for."""
        return tuple(dict.fromkeys((self.key, self.person, *(column for column, _ in self.routes), *self.cells)))

    @property
    def cells(self) -> tuple[str, ...]:
        """The columns whose cells are handed on; the others only say whose the row is."""
        fields = (column for column, _ in self.fields.values())
        return tuple(dict.fromkeys((self.key, *((self.period,) if self.period else ()), *fields, *self.extra)))

    @property
    def period(self) -> str | None:
        """The column that names the period of care the row belongs to, if it has one."""
        return next((column for column, target in self.routes if target == PERIODS), None)

    @property
    def main(self) -> str:
        """The kind that each row is, in the first place."""
        return next(iter(self.kinds))

    @property
    def fills(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Each kind the table fills, with the fields."""
        for kind in self.kinds:
            yield kind, frozenset(self.made.get(kind, ())) | (self.fields.keys() if kind == self.main else frozenset())
