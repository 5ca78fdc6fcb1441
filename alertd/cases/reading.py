"""A feed being read: children one after another, so that no feed is too large for the memory at hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Protocol

from alertd.cases.accounts import Account, Ledger
from alertd.cases.records import CaseFile, Snapshot, Window

Progress = Callable[[str, int], None]
"""``progress(what, n)``: the table or file being read, and its rows so far."""


@dataclass(frozen=True, slots=True)
class Made:
    """One child's case file, and what became of the rows it was made of."""

    case: CaseFile
    ledger: Ledger = field(default_factory=Ledger)


@dataclass(frozen=True, slots=True)
class Pending:
    """A child whose rows are at hand and not yet made into records.

    ``digest`` is of the rows as the feed gave them and of nothing else: while it stays the same, so
    does the case file, and whoever still has that need not ``make`` it again.
    """

    child: str
    digest: bytes
    make: Callable[[], Made]


class Reading(Protocol):
    """What a feed says of itself, and its children.

    The fields mean what they mean in :class:`Snapshot`; ``windows`` are those of kinds of which every
    child's silence is proof in another window than the feed's. ``counts`` (rows by table or file), ``notes``
    and ``ledger`` (of rows that lead to no child) are complete only when :meth:`children` has ended.
    """

    @property
    def source(self) -> str: ...
    @property
    def holds(self) -> Collection[str]: ...
    @property
    def lacks(self) -> Collection[str]: ...
    @property
    def latest(self) -> Collection[str]: ...
    @property
    def window(self) -> Window: ...
    @property
    def windows(self) -> Mapping[str, Window]: ...
    @property
    def as_at(self) -> date | None: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def ledger(self) -> Ledger: ...

    def children(self) -> Iterator[Pending]:
        """Each child once, in the order of their references. Can be asked for once.

        Raises InputError, at any point, for a feed that turns out to be unusable or that changed
        while it was being read: then nothing of it is to be believed.
        """
        ...


def collected(reading: Reading) -> Snapshot:
    """All of a reading at once."""
    cases = []
    total = Ledger()
    for pending in reading.children():
        made = pending.make()
        cases.append(made.case)
        add(total, made.ledger)
    add(total, reading.ledger)
    return Snapshot(
        source=reading.source,
        cases=tuple(cases),
        holds=frozenset(reading.holds),
        window=reading.window,
        accounts={table: total.accounts.get(table, Account()) for table in {**reading.counts, **total.accounts}},
        rejects=tuple(total.rejects),
        notes=(*reading.notes, *total.notes()),
        lacks=frozenset(reading.lacks),
        as_at=reading.as_at,
        latest=frozenset(reading.latest),
    )


def latest_of(cases: Iterable[CaseFile]) -> frozenset[str]:
    """The kinds of which the case files of one feed hold no more than the latest record."""
    return next((case.latest for case in cases), frozenset())


def add(total: Ledger, part: Ledger) -> None:
    """Enter the accounts of a part into the whole."""
    for table, account in part.accounts.items():
        whole = total.of(table)
        whole.rows += account.rows
        whole.used += account.used
        whole.aside += account.aside
        whole.rejected += account.rejected
    total.rejects += part.rejects


def digest_of(raw: bytes) -> bytes:
    """16 bytes that stand for a child's rows. Two contents with one digest are beyond reach (2^-128)."""
    return blake2b(raw, digest_size=16).digest()
