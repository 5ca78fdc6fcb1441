"""A child as the feeds are kept: the bytes that each of them said, and the case file that they make together.

It is opened where it is worked on, which may be another process or another machine. So nothing here
asks a database, or loads what does: that would be most of what a worker takes to start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import itemgetter

from alertd.cases.kinds import KINDS
from alertd.cases.merge import Part, Precedence, joined
from alertd.cases.records import NO_DAYS, CaseFile, Record, Window, case_file
from alertd.intake.bodies import unpack


@dataclass(frozen=True, slots=True)
class OfFeed:
    """What is the same for all children of one feed. ``authority`` is blank where it is the daemon's own;
    ``silent`` has said nothing new for too long. Of what it said of itself, what case files need: the rest is long,
    and may name other children."""

    feed: str
    authority: str
    holds: frozenset[str]
    lacks: frozenset[str]
    window: Window
    windows: Mapping[str, Window]
    latest: frozenset[str]
    said_on: date
    silent: bool


@dataclass(frozen=True, slots=True)
class Joining:
    """How case files are made of what feeds said, these in their general order of precedence."""

    feeds: tuple[OfFeed, ...]
    precedence: Precedence

    def made(self, child: str, bodies: Sequence[tuple[int, str, bytes]]) -> CaseFile:
        """The child's case file of (place of the feed, the number it has the child under, what it said)."""
        found: dict[int, list[tuple[str, CaseFile]]] = {}
        for place, own, body in bodies:
            of = self.feeds[place]
            case = unpack(child, body, of.window, of.windows, of.latest)
            found.setdefault(place, []).append((own, case))
        of_feeds = {place: _one(cases, self.feeds[place]) for place, cases in found.items()}
        if len(self.feeds) == 1:
            return of_feeds[0]
        authority = self.feeds[min(found)].authority
        parts = [_part(one, authority, of_feeds.get(place)) for place, one in enumerate(self.feeds)]
        # Of a kind that only another authority's feeds hold, these come last: they prove nothing.
        parts.sort(key=lambda part: part.window == NO_DAYS)
        return joined(child, parts, self.precedence)


@dataclass(frozen=True, slots=True)
class PackedCase:
    """A child's case file, not made yet."""

    child: str
    bodies: tuple[tuple[int, str, bytes], ...]
    joining: Joining

    def opened(self) -> CaseFile:
        """Made now."""
        return self.joining.made(self.child, self.bodies)


def _part(one: OfFeed, authority: str, case: CaseFile | None) -> Part:
    if one.authority != authority:
        return Part(one.feed, one.holds, NO_DAYS, {}, frozenset(), None)
    return Part(one.feed, one.holds, one.window, one.windows, one.latest, case, one.lacks, one.said_on, one.silent)


def _one(cases: Sequence[tuple[str, CaseFile]], of: OfFeed) -> CaseFile:
    """One case file of the several that one feed has of a child under different numbers."""
    (_, first), *others = cases
    if not others:
        return first
    records = list(first.records)
    for number, case in sorted(others, key=itemgetter(0)):
        records += _beside(records, [r for r in case.records if r.kind != "child"], number)
    return case_file(first.child, records, first.window, of_kinds=of.windows, latest=of.latest, holds=of.holds)


def _beside(held: Sequence[Record], more: Sequence[Record], number: str) -> list[Record]:
    """The records of another number that can stand beside those held: where a key is held by a record that says
    something else, as where each child's are numbered from 1, it goes by another key, and links to it too."""
    there = {(r.kind, r.key): r.values for r in held}
    renamed = {
        (r.kind, r.key): f"{number}:{r.key}"
        for r in more
        if (r.kind, r.key) in there and there[r.kind, r.key] != r.values
    }
    found = []
    for record in more:
        values = dict(record.values)
        for name, kind in ((f.name, f.links) for f in KINDS[record.kind].fields if f.links):
            if key := renamed.get((kind, str(values.get(name)))):
                values[name] = key
        found.append(replace(record, key=renamed.get((record.kind, record.key), record.key), values=values))
    return found
