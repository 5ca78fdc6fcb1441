"""What became of every row of a feed: used, set aside or rejected, and nothing else.

A row that is dropped without a word is how a child is forgotten, so each reader keeps an account
for each table or file, and its columns add up: ``rows == used + set aside + rejected``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reject:
    """A row of the feed that could not become a record: where, in which column, and why.

    ``where`` is ``file:line`` (``file:sheet!row`` in a workbook) or the table and its key; ``column``
    is blank where no single one is to blame. Nothing a cell holds is repeated: it may be a name.
    """

    where: str
    why: str
    column: str = ""


@dataclass(slots=True)
class Account:
    """The rows of one table or file.

    ``used`` rows are a record, or a part of one, alone or together with others. ``aside`` are those
    left out on purpose, by the reason in words for the operator ("short breaks (V3, V4)").
    """

    rows: int = 0
    used: int = 0
    aside: Counter[str] = field(default_factory=Counter)
    rejected: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether every row is accounted for, once."""
        return self.rows == self.used + self.aside.total() + self.rejected


@dataclass(slots=True)
class Ledger:
    """The accounts of a reading as they grow, by table or file, and every rejected row."""

    accounts: dict[str, Account] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)

    def of(self, table: str) -> Account:
        """The account of a table or file, opened at its first mention."""
        return self.accounts.setdefault(table, Account())

    def reject(self, table: str, where: str, why: str, column: str = "") -> None:
        """Enter a row that could not become a record."""
        self.of(table).rejected += 1
        self.rejects.append(Reject(where, why, column))

    def notes(self) -> tuple[str, ...]:
        """A line for each reason for which rows were set aside: ``reviews.csv: 14 rows set aside: …``."""
        return tuple(
            f"{table}: {n:,} {'row' if n == 1 else 'rows'} set aside: {why}"
            for table, account in self.accounts.items()
            for why, n in account.aside.items()
            if n
        )
