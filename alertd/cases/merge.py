"""One child from several feeds. Pure; what the feeds do not agree on is said, not smoothed over.

Feeds come in order of precedence, which may differ from kind to kind. Two records are the same when
they have the same kind and begin on the same day (and are of the same type, where both say so): then
the first feed's word stands, what it leaves blank or in doubt is filled from the next, and where they
differ there is a :class:`Dispute`. That a state has no end is a word too, where the feed could have
said otherwise. What only a later feed holds is added if it is an event, for it happened; a state that
the first feed should hold and does not is in dispute and left out, since an old return would keep a
plan open for ever that ended long ago. A feed is the first for a child if it has the child.
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

    A kind that it ``holds`` and has no record of is absent for certain within its window. Of what came about
    on the day on which it last said anything new (``said_on``), or since, it may not have heard. A ``silent``
    one has said nothing for too long: it speaks for no day after that.
    """

    feed: str
    holds: frozenset[str]
    window: Window
    windows: Mapping[str, Window]
    latest: frozenset[str]
    case: CaseFile | None
    lacks: frozenset[str] = frozenset()
    said_on: date = date.max
    silent: bool = False

    def window_of(self, kind: str) -> Window:
        """The days for which this feed speaks of a kind, for this child."""
        window = self.case.window_of((kind,)) if self.case is not None else self.windows.get(kind, self.window)
        if self.silent:
            return Window(window.start, min(window.end or date.max, self.said_on))
        return window

    def would_know(self, kind: str, day: date) -> bool:
        """Whether it would say so, if something of a kind had come about on that day."""
        return day < self.said_on and self.window_of(kind).covers(day, day)


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
    firsts: dict[str, str] = {}
    windows: dict[str, Window] = {}
    latest: set[str] = set()
    for kind in sorted(kinds, key=lambda kind: (_DEPTH[kind], kind)):
        holders = _in_order(kind, parts, precedence)
        firsts[kind] = holders[0].feed
        having = [holder for holder in holders if holder.case is not None] or holders
        windows[kind] = having[0].window_of(kind)
        if _latest_only(kind, having):
            latest.add(kind)
        found = _Joining(kind, renamed, firsts)
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


def _latest_only(kind: str, holders: Sequence[Part]) -> bool:
    """Whether of a kind no more than the latest is held for certain, in the days the first feed speaks for."""
    first = holders[0].window_of(kind)
    return kind in holders[0].latest and not any(
        kind not in holder.latest and holder.window_of(kind).spans(first) for holder in holders
    )


def _least(windows: Mapping[str, Window]) -> tuple[Window, dict[str, Window]]:
    """The window most kinds share, and those of the others."""
    seen = list(windows.values())
    common = max(seen, key=seen.count, default=Window())
    return common, {kind: window for kind, window in windows.items() if window != common}


@dataclass(slots=True)
class _Held:
    """A record as joined so far, and what the feed that first had it says."""

    part: Part
    record: Record


_ONE_A_CHILD: Final = "child"


class _Joining:
    """The records of one kind, feed after feed."""

    def __init__(self, kind: str, renamed: Renamed, firsts: Mapping[str, str]) -> None:
        self._kind = KINDS[kind]
        self._renamed = renamed
        self._firsts = firsts
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
            record = self._linked(stated, part)
            same = self._same(record, before)
            if same is not None:
                before.remove(same)
                self._fill(same, record, part)
            elif self._first is None or self._is_new(record):
                self._add(record, part)
        if self._first is None:
            self._first = part

    def _same(self, record: Record, before: Sequence[_Held]) -> _Held | None:
        """The record that is the same one; of several of the day, that which says the same."""
        if self._kind.name == _ONE_A_CHILD:
            return next(iter(before), None)
        day = record.day(self._kind.begins)
        if day is None:
            return None
        near = [h for h in before if h.record.day(self._kind.begins) == day and _one_type(h.record, record)]
        return min(near, key=lambda held: len(_differing(held.record, record)), default=None)

    def _fill(self, held: _Held, record: Record, part: Part) -> None:
        values: dict[str, Value] = dict(held.record.values)
        doubts = {doubt.field: doubt for doubt in held.record.doubts}
        for name in _differing(held.record, record):
            self._dispute(held, record, name)
        for name, value in record.values.items():
            if name in values:
                continue
            if name in doubts:
                self._dispute(held, record, name)
                del doubts[name]
            elif name == self._kind.ends and self._still_open(held.part, record):
                self._dispute(held, record, name)
                continue
            values[name] = value
        held.record = replace(held.record, values=values, doubts=tuple(doubts.values()))
        self._renamed[part.feed, self._kind.name, record.key] = held.record.key

    def _still_open(self, part: Part, record: Record) -> bool:
        """Whether a feed that has no end of a record says by that that it had not ended as another one says."""
        name = self._kind.ends or ""
        day = record.day(name)
        return day is not None and f"{self._kind.name}.{name}" not in part.lacks and part.would_know(record.kind, day)

    def _is_new(self, record: Record) -> bool:
        """Whether a record that an earlier feed does not have is to be believed."""
        assert self._first is not None
        if not self._kind.ends:
            return True
        day = record.day(self._kind.begins)
        if day is None:  # as Annex A names who has the case, and not since when: it is the one that is open
            if not self._held:
                return True
            known = any(self._kind.ends not in held.record.values for held in self._held)
        elif self._first.would_know(self._kind.name, day):
            known = False
        else:
            return True
        if not known:
            self.disputes.append(Dispute(self._kind.name, record.key, "", record.where, self._first.feed))
        return False

    def _add(self, record: Record, part: Part) -> None:
        key = self._key(record.key, self._kind.name, part)
        if key != record.key:
            self._renamed[part.feed, self._kind.name, record.key] = key
        self._held.append(_Held(part, replace(record, key=key)))

    def _key(self, key: str, kind: str, part: Part) -> str:
        """The key of a record that only this feed has. It does not depend on what other feeds hold today: an alert
        would be closed and opened again, or pass to another record."""
        return key if kind == _ONE_A_CHILD or part.feed == self._firsts[kind] else f"{part.feed}:{key}"

    def _linked(self, record: Record, part: Part) -> Record:
        """With its links to records that go by another key now, or were left out."""
        values = dict(record.values)
        for name, kind in _LINKS[record.kind].items():
            if name in values and kind in part.holds:
                key = str(values[name])
                values[name] = self._renamed.get((part.feed, kind, key)) or self._key(key, kind, part)
        return replace(record, values=values) if values != record.values else record

    def _dispute(self, held: _Held, record: Record, name: str) -> None:
        self.disputes.append(Dispute(self._kind.name, held.record.key, name, held.record.where, record.where))


def _differing(one: Record, other: Record) -> list[str]:
    """The fields of which two records say different things."""
    both = one.values.keys() & other.values.keys()
    return sorted(n for n in both if not _agree(one.values[n], other.values[n]) and not _is_link(one.kind, n))


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
