"""One child from several feeds. Pure; what the feeds do not agree on is said, not smoothed over.

Feeds come in order of precedence, which may differ from kind to kind. Two records are the same when
they have the same kind and begin on the same day (and are of the same type, where both say so): then
the first feed's word stands, what it leaves blank or in doubt is filled from the next, and where they
differ there is a :class:`Dispute`. What only a later feed holds is added if it is an event, for it
happened; a state that the first feed should hold and does not is in dispute and left out, since an
old return would keep a plan open for ever that ended long ago.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Dispute, Record, Value, Window, case_file


@dataclass(frozen=True, slots=True)
class Part:
    """What one feed says of one child; ``case`` is None where it does not have the child.

    A kind that it ``holds`` and has no record of is absent for certain within its window.
    """

    feed: str
    holds: frozenset[str]
    window: Window
    windows: Mapping[str, Window]
    latest: frozenset[str]
    case: CaseFile | None

    def window_of(self, kind: str) -> Window:
        """The days for which this feed speaks of a kind, for this child."""
        if self.case is not None:
            return self.case.window_of((kind,))
        return self.windows.get(kind, self.window)


Renamed = dict[tuple[str, str, str], str]
"""By feed, kind and the key there: the key under which a record stands now."""

_LINKS: Final = {kind.name: {f.name: f.links for f in kind.fields if f.links} for kind in KINDS.values()}


def _depth(kind: str) -> int:
    return max((_depth(target) + 1 for target in _LINKS[kind].values()), default=0)


_DEPTH: Final = {kind: _depth(kind) for kind in KINDS}
"""Kinds are joined after those they link to, so that it is known by what keys these go."""

Precedence = Mapping[str, Sequence[str]]
"""For a kind, the names of feeds that come before all others, in their order."""


def joined(child: str, parts: Sequence[Part], precedence: Precedence) -> CaseFile:
    """The child's case file from all feeds, ``parts`` in their general order of precedence."""
    kinds = {kind for part in parts for kind in part.holds}
    records: list[Record] = []
    disputes: list[Dispute] = []
    renamed: Renamed = {}
    windows: dict[str, Window] = {}
    latest: set[str] = set()
    for kind in sorted(kinds, key=lambda kind: (_DEPTH[kind], kind)):
        holders = _in_order(kind, parts, precedence)
        windows[kind] = holders[0].window_of(kind)
        if all(kind in holder.latest for holder in holders):
            latest.add(kind)
        found = _Joining(kind, renamed)
        for holder in holders:
            found.take(holder)
        records += found.records()
        disputes += found.disputes
    held = frozenset(kinds)
    overall, windows = _least(windows)
    case = case_file(child, records, overall, of_kinds=windows, latest=frozenset(latest), holds=held)
    return replace(case, disputes=tuple(disputes))


def in_order(kind: str, feeds: Sequence[str], precedence: Precedence) -> list[str]:
    """The names of feeds in their order of precedence for a kind; ``feeds`` is their general one."""
    first = {name: place for place, name in enumerate(precedence.get(kind, ()))}
    return sorted(feeds, key=lambda name: first.get(name, len(first)))


def _in_order(kind: str, parts: Iterable[Part], precedence: Precedence) -> list[Part]:
    holders = {part.feed: part for part in parts if kind in part.holds}
    return [holders[name] for name in in_order(kind, list(holders), precedence)]


def _least(windows: Mapping[str, Window]) -> tuple[Window, dict[str, Window]]:
    """The window most kinds share, and those of the others."""
    seen = list(windows.values())
    common = max(seen, key=seen.count, default=Window())
    return common, {kind: window for kind, window in windows.items() if window != common}


@dataclass(slots=True)
class _Held:
    """A record as joined so far, and the feed that first had it."""

    feed: str
    record: Record


_ONE_A_CHILD: Final = "child"


class _Joining:
    """The records of one kind, feed after feed."""

    def __init__(self, kind: str, renamed: Renamed) -> None:
        self._kind = KINDS[kind]
        self._renamed = renamed
        self._held: list[_Held] = []
        self._first: Part | None = None
        self.disputes: list[Dispute] = []

    def records(self) -> list[Record]:
        return [held.record for held in self._held]

    def take(self, part: Part) -> None:
        """Join the records of the next feed in order."""
        if part.case is None:
            return
        before = list(self._held)
        for stated in part.case.of(self._kind.name):
            record = _linked(stated, part.feed, self._renamed)
            same = self._same(record, before)
            if same is not None:
                before.remove(same)
                self._fill(same, record, part.feed)
            elif self._first is None or self._is_new(record):
                self._add(record, part.feed)
        if self._first is None:
            self._first = part

    def _same(self, record: Record, before: Sequence[_Held]) -> _Held | None:
        if self._kind.name == _ONE_A_CHILD:
            return next(iter(before), None)
        day = record.day(self._kind.begins)
        if day is None:
            return None
        near = (h for h in before if h.record.day(self._kind.begins) == day and _one_type(h.record, record))
        return next(near, None)

    def _fill(self, held: _Held, record: Record, feed: str) -> None:
        values: dict[str, Value] = dict(held.record.values)
        doubts = {doubt.field: doubt for doubt in held.record.doubts}
        for name, value in record.values.items():
            if name not in values:
                if name in doubts:
                    self._dispute(held, record, name)
                    del doubts[name]
                values[name] = value
            elif not _agree(values[name], value) and not _is_link(self._kind.name, name):
                self._dispute(held, record, name)
        held.record = replace(held.record, values=values, doubts=tuple(doubts.values()))
        self._renamed[feed, self._kind.name, record.key] = held.record.key

    def _is_new(self, record: Record) -> bool:
        """Whether a record that an earlier feed does not have is to be believed."""
        assert self._first is not None
        if not self._kind.ends:
            return True
        day = record.day(self._kind.begins)
        if day is None:  # as Annex A names who has the case, and not since when
            return not self._held
        if self._first.window_of(self._kind.name).covers(day, day):
            self.disputes.append(Dispute(self._kind.name, record.key, "", record.where, self._first.feed))
            return False
        return True

    def _add(self, record: Record, feed: str) -> None:
        taken = {held.record.key for held in self._held}
        key = record.key if record.key not in taken else f"{feed}:{record.key}"
        if key != record.key:
            self._renamed[feed, self._kind.name, record.key] = key
        self._held.append(_Held(feed, replace(record, key=key)))

    def _dispute(self, held: _Held, record: Record, name: str) -> None:
        self.disputes.append(Dispute(self._kind.name, held.record.key, name, held.record.where, record.where))


def _one_type(one: Record, other: Record) -> bool:
    types = {one.get("type"), other.get("type")} - {None}
    return len(types) < 2


def _agree(one: Value, other: Value) -> bool:
    """Equal; or a day and a moment of that day."""
    if one == other:
        return True
    if isinstance(one, date) and isinstance(other, date) and type(one) is not type(other):
        return _day(one) == _day(other)
    return False


def _day(value: date) -> date | None:
    return Record("", "", "", "", {"at": value}).day("at")


def _is_link(kind: str, name: str) -> bool:
    return name in _LINKS[kind]


def _linked(record: Record, feed: str, renamed: Renamed) -> Record:
    """With its links to records that go by another feed's key now."""
    values = dict(record.values)
    for name, kind in _LINKS[record.kind].items():
        new = renamed.get((feed, kind, str(values.get(name))))
        if new is not None:
            values[name] = new
    return replace(record, values=values) if values != record.values else record
