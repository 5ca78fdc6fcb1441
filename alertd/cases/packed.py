"""A case file on its way to whoever works on it: packed, so that who hands it on need not make it first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias, runtime_checkable

from alertd.cases.records import CaseFile, Cases


class Packed(Protocol):
    """A case file not made yet. It can be pickled, and needs no database to be opened."""

    @property
    def child(self) -> str: ...
    def opened(self) -> CaseFile:
        """The case file. Raises whatever is wrong with it."""
        ...


Case: TypeAlias = CaseFile | Packed


@runtime_checkable
class Packs(Protocol):
    """Cases that can be had packed."""

    def packed(self, at: slice, /) -> Sequence[Case]: ...


def packed(cases: Cases, at: slice) -> Sequence[Case]:
    """Some of the cases as they are best handed on."""
    return cases.packed(at) if isinstance(cases, Packs) else cases[at]


def opened(case: Case) -> CaseFile:
    """The case file itself."""
    return case if isinstance(case, CaseFile) else case.opened()
