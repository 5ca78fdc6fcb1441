"""The tables of an SSDA903 return, whichever way its files hold them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from alertd.cases.accounts import Account, Ledger
from alertd.cases.sources.cells import reference
from alertd.errors import InputError

SIGNATURES: Final = {
    "episodes": ("CHILD", "DECOM", "RNE", "LS", "PLACE", "DEC", "REC"),
    "sw_episodes": ("CHILD", "SW_ID", "SW_DECOM", "SW_DEC"),
    "missing": ("CHILD", "MISSING", "MIS_START", "MIS_END"),
    "reviews": ("CHILD", "REVIEW"),
    "placed_for_adoption": ("CHILD", "DATE_PLACED"),
    "previous_permanence": ("CHILD", "PREV_PERM"),
    "ad1": ("CHILD", "DATE_INT", "DATE_MATCH"),
    "oc2": ("CHILD", "SDQ_SCORE"),
    "oc3": ("CHILD", "IN_TOUCH"),
    "uasc": ("CHILD", "DUC"),
    "dolo": ("CHILD", "DOLO_START"),
    "header": ("CHILD", "DOB", "UPN"),
}
"""The columns that tell one table from another, the DfE's names. Others may be there, in any order."""


def no_child(cell: str) -> str:
    """Why a CHILD is nobody's number; blank where it may be somebody's."""
    found = reference(cell)
    if isinstance(found, str):
        return ""
    return f"has a CHILD that {found.why}" if found else "has no CHILD"


@dataclass(slots=True)
class File:
    """One table: a recognised CSV file, or what one XML file has of it.

    ``name`` is the file's. ``lines`` are (line number, cells) of the rows that are whole. ``title`` is
    what its account is called: the name alone where the file holds nothing else. ``ledger`` has that
    account and no other.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    lines: list[tuple[int, list[str]]]
    title: str = ""
    note: str = ""
    ledger: Ledger = field(default_factory=Ledger)

    def __post_init__(self) -> None:
        self.title = self.title or self.name
        self.account.rows += len(self.lines)

    @property
    def account(self) -> Account:
        """What became of its rows, so far."""
        return self.ledger.of(self.title)

    def reject(self, where: str, why: str, column: str = "") -> None:
        """Enter a row that could not become a record."""
        self.ledger.reject(self.title, where, why, column)

    def add_note(self, note: str) -> None:
        """Add a line for the operator, about the whole table."""
        self.note = "; ".join(filter(None, (self.note, f"{self.name}: {note}")))

    def rows(self, *names: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(``file:line``, the named cells) of each row; a column the file lacks is blank."""
        at = [self.columns.index(n) if n in self.columns else None for n in names]
        for line, cells in self.lines:
            yield f"{self.name}:{line}", tuple("" if i is None else cells[i] for i in at)


_SLASHED: Final = re.compile(r"(\d\d?)/(\d\d?)/\d{4}", re.ASCII)
_ENOUGH: Final = 3
"""Days of a column that can only be written month first, none of them day first, for it to be so. Our own choice."""


def refuse_month_first(file: File) -> None:
    """Raise InputError where the days of a column are written month first.

    Some are no days then, and the others are wrong ones, which nobody would see.
    """
    for at, name in enumerate(file.columns):
        written = [(line, found) for line, cells in file.lines if (found := _SLASHED.match(cells[at]))]
        odd = [line for line, found in written if int(found[2]) > 12]
        if len(odd) >= _ENOUGH and not any(int(found[1]) > 12 for _, found in written):
            what = f"days of this column are written month first, {len(odd):,} of them for certain"
            fix = "Export the file again, and do not save it from a spreadsheet."
            raise InputError(what, where=f"{file.name}:{odd[0]}: {name}", fix=fix)
