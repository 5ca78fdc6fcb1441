"""What may be shown of counts that are not one's own to know, so that no child can be made out behind them. Pure.

Three steps, the first two as the Department for Education publishes its children in need statistics (it replaces
numbers from 1 to 5, secondarily too, and rounds totals):

* a count of :data:`FEW` or fewer is hidden, none too;
* any other is rounded to the nearest :data:`ROUND`, the smallest of them to twice as much;
* whatever would still tell, by taking what is shown from each other, is withheld: for each hidden count at least
  :data:`OPEN` numbers must stay possible.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

FEW: Final = 5
ROUND: Final = 5
OPEN: Final = 3


@dataclass(frozen=True, slots=True)
class Span:
    """The numbers that a count may be, by what is known of it; ``high`` is None where nothing bounds it."""

    low: int
    high: int | None

    def within(self, low: int, high: int | None) -> Span:
        """The part of it that lies between two numbers."""
        highs = [h for h in (self.high, high) if h is not None]
        return Span(max(self.low, low), min(highs) if highs else None)

    @property
    def is_open(self) -> bool:
        """Whether enough numbers stay possible."""
        return self.high is None or self.high - self.low + 1 >= OPEN


@dataclass(frozen=True, slots=True)
class Shown:
    """A count as it is shown: itself where it is ``exact``, else rounded; ``value`` is None for one that is hidden."""

    value: int | None
    exact: bool = False

    @property
    def span(self) -> Span:
        """What somebody who reads it knows of the count."""
        if self.value is None:
            return Span(0, FEW)
        if self.exact:
            return Span(self.value, self.value)
        low = FEW + 1 if self.value == 2 * ROUND else self.value - ROUND // 2
        return Span(low, self.value + ROUND // 2)

    @property
    def text(self) -> str:
        """``12``, ``about 40`` or ``5 or fewer``."""
        if self.value is None:
            return f"{FEW} or fewer"
        return f"{self.value}" if self.exact else f"about {self.value}"


def shown(count: int, *, exact: bool = False) -> Shown:
    """A count as it may be shown."""
    if exact:
        return Shown(count, exact=True)
    if count <= FEW:
        return Shown(None)
    return Shown(max(2 * ROUND, ROUND * round(count / ROUND)))


def sums(spans: Iterable[Span]) -> Span:
    """What the sum of several counts may be."""
    low, high = 0, 0
    for span in spans:
        low += span.low
        if span.high is None:
            return Span(low, None)
        high += span.high
    return Span(low, high)


def narrowed(total: Span, parts: Sequence[Span]) -> list[Span]:
    """What each part of a total may be, by what is known of the total and of the other parts."""
    found = []
    for at, part in enumerate(parts):
        others = sums((*parts[:at], *parts[at + 1 :]))
        low = 0 if others.high is None else total.low - others.high
        found.append(part.within(low, None if total.high is None else total.high - others.low))
    return found


@dataclass(frozen=True)
class Parted:
    """Two counts that make a total, and each of them parted in several ways: by month, by day."""

    whole: Span
    halves: tuple[Span, Span]
    ways: Mapping[str, tuple[Sequence[Span], Sequence[Span]]]

    def keeps(self) -> bool:
        """Whether every hidden count stays open to whoever takes what is shown from each other."""
        halves = [self._up(at) for at in (0, 1)]
        whole = self.whole.within(sums(halves).low, sums(halves).high)
        halves = narrowed(whole, halves)
        known = [(self.whole, whole), *zip(self.halves, halves, strict=True)]
        for way in self.ways.values():
            for half, parts in zip(halves, way, strict=True):
                known += zip(parts, narrowed(half, parts), strict=True)
        return all(now.is_open for before, now in known if _is_hidden(before))

    def _up(self, at: int) -> Span:
        half = self.halves[at]
        for way in self.ways.values():
            summed = sums(way[at])
            half = half.within(summed.low, summed.high)
        return half


def _is_hidden(span: Span) -> bool:
    return span == Shown(None).span


Key = TypeVar("Key", bound=Hashable)


def keeps_beside(
    whole: Mapping[Key, Shown],
    known: Mapping[Key, int],
    parts: Sequence[Mapping[Key, Shown]],
    *,
    others: bool,
) -> bool:
    """Whether the hidden counts of ``parts`` stay open beside a whole that they lie in.

    ``known`` are counts of the whole that the reader knows exactly and that lie in none of the parts. ``others``:
    something of the whole is in no part, nobody can tell how much.
    """
    rest = [Span(0, None)] if others else []
    for key, all_of_it in whole.items():
        mine = known.get(key, 0)
        span = all_of_it.span
        left = Span(max(span.low - mine, 0), None if span.high is None else span.high - mine)
        spans = [part[key].span if key in part else Span(0, None) for part in parts]
        after = narrowed(left, [*spans, *rest])
        if any(_is_hidden(span) and not now.is_open for span, now in zip(spans, after, strict=False)):
            return False
        if all_of_it.value is None and not all_of_it.exact:
            within = sums([*spans, *rest])
            if not span.within(within.low + mine, None if within.high is None else within.high + mine).is_open:
                return False
    return True
