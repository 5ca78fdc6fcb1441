"""Every child's case file as it is kept: from one feed or several, read as it is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple, Protocol, overload

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.cases.accounts import Reject
from alertd.cases.merge import Precedence, in_order
from alertd.cases.records import CaseFile, Snapshot, Window, in_words, local_day
from alertd.db.engine import reading as read_only
from alertd.errors import InputError
from alertd.intake import store
from alertd.intake.bodies import rejects_of
from alertd.intake.packed import Joining, OfFeed, PackedCase
from alertd.intake.store import Standing


@dataclass(frozen=True, slots=True)
class Named:
    """A feed by its name, and the code of the authority it is of where that is not the daemon's own: person
    numbers are an authority's own, so two authorities' children are told apart by it."""

    feed: str
    authority: str = ""


class KeptCases:
    """The case files of the readings in force, sorted by child.

    Only which children there are is held in memory; the rest is read and joined as it is asked for.
    ``merged`` maps person numbers to those they were merged into: what was recorded under the old
    number is the new one's. ``silent`` are feeds that have said nothing new for too long. With ``only`` it has these
    children, those of them that any feed has, and knows of no others.
    """

    def __init__(
        self,
        engine: Engine,
        feeds: Sequence[tuple[Named, Standing]],
        *,
        precedence: Precedence = MappingProxyType({}),
        merged: Mapping[str, str] = MappingProxyType({}),
        known_on: datetime | None = None,
        silent: Collection[str] = (),
        only: Collection[str] | None = None,
    ) -> None:
        self._engine = read_only(engine)
        self.feeds = feeds
        self._precedence = precedence
        self._merged = merged
        self._joining = Joining(tuple(_of_feed(named, one, silent) for named, one in feeds), dict(precedence))
        self._where: dict[str, list[tuple[int, int, str]]] = {}
        only = None if only is None else frozenset(only)
        numbers = None if only is None else numbers_of(only, merged)
        with Session(self._engine) as session:
            for place, (named, _) in enumerate(feeds):
                for child, id_ in self._versions(session, named, known_on, numbers).items():
                    own = _own(named, child)
                    now = followed(own, merged)
                    if only is not None and now not in only:
                        continue
                    ids = self._where.setdefault(now, [])
                    # What stands under the number of today comes before what was recorded under another.
                    ids.insert(0 if now == own else len(ids), (place, id_, own))
        self.children = sorted(self._where)

    def _versions(
        self, session: Session, named: Named, known_on: datetime | None, numbers: Collection[str] | None
    ) -> Mapping[str, int]:
        if numbers is None:
            return store.versions_in_force(session, named.feed, known_on)
        theirs = f"{named.authority}/" if named.authority else ""
        called = sorted(one.removeprefix(theirs) for one in numbers if one.startswith(theirs))
        return store.versions_of_some(session, named.feed, called)

    def __len__(self) -> int:
        return len(self.children)

    def __iter__(self) -> Iterator[CaseFile]:
        for at in range(0, len(self.children), store.ONE_STATEMENT):
            yield from self[at : at + store.ONE_STATEMENT]

    @overload
    def __getitem__(self, at: int, /) -> CaseFile: ...
    @overload
    def __getitem__(self, at: slice, /) -> Sequence[CaseFile]: ...
    def __getitem__(self, at: int | slice, /) -> CaseFile | Sequence[CaseFile]:
        if isinstance(at, int):
            return self._read([self.children[at]])[0]
        return self._read(self.children[at])

    def first_to_hold(self, kind: str) -> str:
        """The feed whose word on a kind stands before all others'."""
        return in_order(kind, [n.feed for n, one in self.feeds if kind in one.said.holds], self._precedence)[0]

    def unread(self) -> dict[str, str]:
        """The children of whom a reading in force could make no case file, with why: what is kept of them is older."""
        return {
            known_as(named, child, self._merged): why
            for named, standing in self.feeds
            for child, why in standing.said.unread.items()
        }

    def rejects(self) -> Iterator[Reject]:
        """The rows of children that could not become records, in the order of the children."""
        for at in range(0, len(self.children), store.ONE_STATEMENT):
            ids = [id_ for child in self.children[at : at + store.ONE_STATEMENT] for _, id_, _ in self._where[child]]
            with Session(self._engine) as session:
                bodies = dict(store.bodies(session, ids))
            for id_ in ids:
                yield from rejects_of(bodies[id_])

    def of(self, child: str) -> CaseFile | None:
        """One child's case file, or None where no feed has the child."""
        return self._read([child])[0] if child in self._where else None

    def packed(self, at: slice, /) -> Sequence[PackedCase]:
        """Some of the case files as they are kept: whoever works on them makes them."""
        return self._packed(self.children[at])

    def _read(self, children: Sequence[str]) -> list[CaseFile]:
        return [case.opened() for case in self._packed(children)]

    def _packed(self, children: Sequence[str]) -> list[PackedCase]:
        with Session(self._engine) as session:
            bodies = dict(store.bodies(session, [id_ for child in children for _, id_, _ in self._where[child]]))
        return [
            PackedCase(child, tuple((place, own, bodies[id_]) for place, id_, own in self._where[child]), self._joining)
            for child in children
        ]


def _of_feed(named: Named, standing: Standing, silent: Collection[str]) -> OfFeed:
    said, said_on = standing.said, local_day(standing.fresh_at)
    return OfFeed(
        named.feed,
        named.authority,
        said.holds,
        said.lacks,
        said.window,
        dict(said.windows),
        said.latest,
        min(said.as_at or said_on, said_on),
        named.feed in silent,
    )


def followed(child: str, merged: Mapping[str, str]) -> str:
    """The number a child goes by in the end, however often it was merged. Numbers merged in a circle stay."""
    seen = {child}
    now = child
    while (new := merged.get(now)) is not None:
        if new in seen:
            return child
        seen.add(new)
        now = new
    return now


def numbers_of(children: Collection[str], merged: Mapping[str, str]) -> frozenset[str]:
    """The children's numbers, and those that were merged into them."""
    wanted = frozenset(children)
    return wanted | {old for old in merged if followed(old, merged) in wanted}


def known_as(named: Named, child: str, merged: Mapping[str, str]) -> str:
    """What a child goes by here whom a feed calls so."""
    return followed(_own(named, child), merged)


def _own(named: Named, child: str) -> str:
    return f"{named.authority}/{child}" if named.authority else child


@dataclass(frozen=True, slots=True)
class Silence:
    """Feeds of which nothing new can be believed: by name, the sentence that says why."""

    stale: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def snapshot_of(kept: KeptCases, silence: Silence) -> Snapshot:
    """What all feeds together hold, and the kinds of which the first feed in order to hold them is silent.

    A kind of which that feed is stale is ``silent``; one of which it was refused today is not held at all for
    now, so that its alerts stay as they are. The feeds after it do not make up for it: they may be a return of
    years ago, and by what they lack a child would be said to have had nothing done since. Whoever has a later
    feed that can, names it first in ``precedence``.
    """
    said = {named.feed: standing.said for named, standing in kept.feeds}
    together = held_together(list(said.values()))
    holds, silent = set(), {}
    for kind in together.holds:
        first = kept.first_to_hold(kind)
        if first in silence.stale:
            silent[kind] = silence.stale[first]
        elif first not in silence.refused:
            holds.add(kind)
    one = next(iter(said.values()))
    return Snapshot(
        source=", ".join(one.source for one in said.values()),
        cases=kept,
        holds=frozenset(holds),
        window=one.window if len(said) == 1 else Window(),
        accounts={},
        rejects=tuple(Reject(*reject) for one in said.values() for reject in one.rejects),
        notes=tuple(note for one in said.values() for note in one.notes),
        lacks=together.lacks,
        latest=together.latest,
        silent=silent,
    )


class Together(NamedTuple):
    """What feeds hold together: their kinds, the fields that every feed with the kind lacks, and the kinds of
    which none holds more than the latest."""

    holds: frozenset[str]
    lacks: frozenset[str]
    latest: frozenset[str]


class Holds(Protocol):
    """What a feed says of itself, at a reading kept or made."""

    @property
    def holds(self) -> frozenset[str]: ...
    @property
    def lacks(self) -> frozenset[str]: ...
    @property
    def latest(self) -> frozenset[str]: ...
    @property
    def window(self) -> Window: ...
    @property
    def windows(self) -> Mapping[str, Window]: ...


def held_together(feeds: Sequence[Holds]) -> Together:
    """What several feeds hold between them."""
    kinds = frozenset(kind for one in feeds for kind in one.holds)
    lacks: set[str] = set()
    latest = set()
    for kind in kinds:
        holders = [one for one in feeds if kind in one.holds]
        lacks |= frozenset.intersection(*(frozenset(f for f in h.lacks if f.startswith(f"{kind}.")) for h in holders))
        if not any(_whole_to_the_end(kind, one, holders) for one in holders):
            latest.add(kind)
    return Together(kinds, frozenset(lacks), frozenset(latest))


def _whole_to_the_end(kind: str, one: Holds, others: Sequence[Holds]) -> bool:
    """Whether a feed holds more than the latest of a kind, and as late as those do that hold only that: an old
    return says nothing of the years since."""
    ends = [other.windows.get(kind, other.window).end or date.max for other in others if kind in other.latest]
    end = one.windows.get(kind, one.window).end or date.max
    return kind not in one.latest and end >= max(ends, default=date.min)


def kept_snapshot(
    engine: Engine,
    feeds: Sequence[Named],
    *,
    precedence: Precedence = MappingProxyType({}),
    merged: Mapping[str, str] = MappingProxyType({}),
    known_on: datetime | None = None,
) -> Snapshot:
    """What was known of all children at the readings in force, or at those in force at ``known_on``.

    Raises InputError where nothing had been read yet.
    """
    with Session(read_only(engine)) as session:
        found = [(named, store.standing(session, named.feed, known_on)) for named in feeds]
    standing = [(named, one) for named, one in found if one is not None]
    if not standing:
        when = f" by {in_words(known_on)}" if known_on else ""
        raise InputError(f"no feed had been read{when}", fix="alertd run reads the feeds and keeps what they say")
    kept = KeptCases(engine, standing, precedence=precedence, merged=merged, known_on=known_on)
    snapshot = snapshot_of(kept, Silence())
    return replace(snapshot, rejects=(*snapshot.rejects, *kept.rejects()))
