"""Taking in one feed: what changed since the last reading is kept, unless the reading is not to be believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.cases.reading import Pending, Reading
from alertd.cases.records import CaseFile
from alertd.db.engine import reading as read_only
from alertd.errors import InputError
from alertd.intake import store
from alertd.intake.bodies import pack, unpack
from alertd.intake.guard import SMALL_TABLE, judge

_CHUNK: Final = 500
"""Children written in one transaction, so that nobody waits long for the database."""

ANOTHER_PERSON_DAYS: Final = 366
"""Dates of birth further apart than a slip of the pen in the year, with no record in common: our own choice."""


@dataclass(slots=True)
class Taken:
    """What one reading brought. ``refused`` says why nothing of it counts; it is blank where it does.

    ``strangers`` are references that seem to have been given to another child.
    """

    feed: str
    source: str
    children: int = 0
    first_seen: int = 0
    changed: int = 0
    vanished: int = 0
    refused: str = ""
    strangers: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def take_in(
    engine: Engine,
    feed: str,
    reading: Reading,
    now: datetime,
    *,
    max_loss: float,
    accept: bool = False,
    on_children: Callable[[int], None] = lambda _n: None,
    before_accepting: Callable[[], None] = lambda: None,
) -> Taken:
    """Read a feed to its end and keep what changed, all of it or nothing.

    A child that is gone from the feed is kept as *vanished*, which says nothing about any need.
    ``max_loss`` is the share of the rows of a table, and of the children, that may be gone since the
    last accepted reading; ``accept``: somebody has said that whatever is gone is meant to be.
    ``on_children`` hears of each child read.
    """
    taken = Taken(feed, reading.source)
    with Session(engine) as session, session.begin():
        run = store.begin(session, feed, reading.source, now)
    with Session(read_only(engine)) as session:
        last = store.last_accepted(session, feed)
        known = store.known(session, feed)
        before = None if accept or last is None else dict(last.counts)
    held = len(known)
    try:
        said = _keep_changes(engine, run, feed, reading, known, taken, on_children)
    except InputError as error:
        return _refuse(engine, run, taken, str(error))
    taken.counts = dict(reading.counts)
    reasons = judge(taken.counts, before, max_loss=max_loss)
    if not accept and held > SMALL_TABLE and taken.vanished > max_loss * held:
        lost = f"{taken.vanished:,} of {held:,} children are gone since the last reading"
        reasons.append(f"{lost} (allowed {max_loss:.0%}). If that is meant, start once with: alertd run --accept-feed")
    if reasons:
        return _refuse(engine, run, taken, "; ".join(reasons))
    before_accepting()
    with Session(engine) as session, session.begin():
        accepted = store.finish(
            session,
            run,
            outcome="accepted",
            source=reading.source[:500],
            counts=taken.counts,
            children=taken.children,
            changed=taken.first_seen + taken.changed + taken.vanished,
            said=said.as_json(),
        )
    if not accepted:
        taken.refused = "another alertd cleared this reading away: it took more than a day. Start it again"
    return taken


def _keep_changes(
    engine: Engine,
    run: int,
    feed: str,
    reading: Reading,
    known: dict[str, store.Known],
    taken: Taken,
    on_children: Callable[[int], None],
) -> store.Said:
    """Write a version of each child that is new, changed or gone; the others are left as they are."""
    for chunk in _chunks(reading.children()):
        versions = []
        doubtful: list[tuple[store.Known, CaseFile]] = []
        for pending in chunk:
            before = known.pop(pending.child, None)
            if before and before.digest == pending.digest:
                continue
            made = pending.make()
            born = _born(made.case)
            versions.append(
                store.Version(pending.child, pending.digest, born, pack(made, reading.window, reading.windows))
            )
            taken.first_seen += before is None
            taken.changed += before is not None
            if before and before.born and born and abs((born - before.born).days) > ANOTHER_PERSON_DAYS:
                doubtful.append((before, made.case))
        taken.children += len(chunk)
        if versions:
            with Session(engine) as session, session.begin():
                taken.strangers += _strangers(session, doubtful)
                store.write(session, run, feed, versions)
        on_children(len(chunk))
    gone = [store.Version(child) for child in known]
    taken.vanished = len(gone)
    with Session(engine) as session, session.begin():
        store.write(session, run, feed, gone)
    return store.Said(
        reading.source,
        frozenset(reading.holds),
        frozenset(reading.lacks),
        reading.window,
        reading.windows,
        frozenset(reading.latest),
        reading.as_at,
        (*reading.notes, *reading.ledger.notes()),
        tuple((r.where, r.why, r.column) for r in reading.ledger.rejects),
    )


def _chunks(children: Iterator[Pending]) -> Iterator[list[Pending]]:
    chunk: list[Pending] = []
    for pending in children:
        chunk.append(pending)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _strangers(session: Session, doubtful: list[tuple[store.Known, CaseFile]]) -> list[str]:
    """References that seem to have been given to another child: born at quite another time, and no record stayed."""
    bodies = dict(store.bodies(session, [before.id for before, _ in doubtful]))
    found = []
    for before, now in doubtful:
        then = unpack(now.child, bodies[before.id], store.EVER)
        if {r.ref for r in then.records} & {r.ref for r in now.records} <= {f"child:{now.child}"}:
            found.append(now.child)
    return found


def _born(case: CaseFile) -> date | None:
    child = next(case.of("child"), None)
    return child.day("born") if child else None


def _refuse(engine: Engine, run: int, taken: Taken, why: str) -> Taken:
    taken.refused = why
    with Session(engine) as session, session.begin():
        store.finish(session, run, outcome="refused", detail=why, counts=taken.counts)
        store.drop(session, run)
    return taken
