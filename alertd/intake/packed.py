"""A child as the feeds are kept: the bytes that each of them said, and the case file that they make together.

It is opened where it is worked on, which may be another process or another machine. So nothing here
asks a database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import itemgetter

from alertd.cases.kinds import KINDS
from alertd.cases.merge import Part, Precedence, joined
from alertd.cases.records import NO_DAYS, CaseFile, Record, case_file, local_day
from alertd.intake.bodies import unpack
from alertd.intake.store import Said, Standing


@dataclass(frozen=True, slots=True)
class OfFeed:
    """What is the same for all children of one feed. ``authority`` is blank where it is the daemon's own;
    ``silent`` has said nothing new for too long."""

    feed: str
    authority: str
    said: Said
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
            said = self.feeds[place].said
            case = unpack(child, body, said.window, said.windows, said.latest)
            found.setdefault(place, []).append((own, case))
        of_feeds = {place: _one(cases, self.feeds[place].said) for place, cases in found.items()}
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


def joining(feeds: Iterable[tuple[str, str, Standing]], precedence: Precedence, silent: Collection[str]) -> Joining:
    """How case files are made of (feed, code of its authority, what stands of it).

    It travels with every batch of children: so it is small, and has nothing in it that names other children.
    """
    of_feeds = [
        OfFeed(
            feed,
            authority,
            replace(standing.said, notes=(), rejects=(), unread={}, rejected={}),
            local_day(standing.fresh_at),
            feed in silent,
        )
        for feed, authority, standing in feeds
    ]
    return Joining(tuple(of_feeds), dict(precedence))


def _part(one: OfFeed, authority: str, case: CaseFile | None) -> Part:
    said = one.said
    if one.authority != authority:
        return Part(one.feed, said.holds, NO_DAYS, {}, frozenset(), None)
    said_on = min(said.as_at or one.said_on, one.said_on)
    return Part(one.feed, said.holds, said.window, said.windows, said.latest, case, said.lacks, said_on, one.silent)


def _one(cases: Sequence[tuple[str, CaseFile]], said: Said) -> CaseFile:
    """One case file of the several that one feed has of a child under different numbers."""
    (_, first), *others = cases
    if not others:
        return first
    records = list(first.records)
    for number, case in sorted(others, key=itemgetter(0)):
        records += _beside(records, [r for r in case.records if r.kind != "child"], number)
    return case_file(first.child, records, first.window, of_kinds=said.windows, latest=said.latest, holds=said.holds)


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
