"""A feed small enough to be read at once, as one that is read child by child."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial

from alertd.cases.accounts import Ledger
from alertd.cases.reading import Made, Pending, digest_of
from alertd.cases.records import Snapshot, Window
from alertd.intake.bodies import plain


@dataclass(frozen=True)
class Whole:
    """A :class:`alertd.cases.reading.Reading` of a snapshot. Its accounts are the feed's, not the children's."""

    snapshot: Snapshot

    @property
    def source(self) -> str:
        return self.snapshot.source

    @property
    def holds(self) -> frozenset[str]:
        return self.snapshot.holds

    @property
    def lacks(self) -> frozenset[str]:
        return self.snapshot.lacks

    @property
    def latest(self) -> frozenset[str]:
        return self.snapshot.latest

    @property
    def window(self) -> Window:
        return self.snapshot.window

    @cached_property
    def windows(self) -> Mapping[str, Window]:
        """Those that are the same in every child's case file."""
        common: dict[str, Window] | None = None
        for case in self.snapshot.cases:
            if common is None:
                common = dict(case.windows)
            elif common != case.windows:
                common = {kind: window for kind, window in common.items() if case.windows.get(kind) == window}
        return common or {}

    @property
    def as_at(self) -> date | None:
        return self.snapshot.as_at

    @property
    def counts(self) -> Mapping[str, int]:
        return self.snapshot.counts

    @property
    def notes(self) -> tuple[str, ...]:
        return self.snapshot.notes

    @property
    def ledger(self) -> Ledger:
        return Ledger(dict(self.snapshot.accounts), list(self.snapshot.rejects))

    def children(self) -> Iterator[Pending]:
        """Each child, with the digest of its records: nothing was kept of the rows they were made of."""
        for case in self.snapshot.cases:
            made = Made(case)
            yield Pending(case.child, digest_of(self._bytes(made)), partial(_already, made))

    def _bytes(self, made: Made) -> bytes:
        try:
            return plain(made, self.window, self.windows)
        except TypeError:  # a value that cannot be kept: whoever keeps the child will say so
            return repr(made.case).encode("utf-8", "backslashreplace")


def _already(made: Made) -> Made:
    return made
