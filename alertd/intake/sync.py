"""Taking in one feed: what changed since the last reading is kept, unless the reading is not to be believed."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from alertd.cases.reading import Pending, Reading, digest_of
from alertd.cases.records import CaseFile
from alertd.db.engine import reading as read_only
from alertd.errors import InputError
from alertd.intake import store
from alertd.intake.bodies import pack, unpack
from alertd.intake.edition import edition
from alertd.intake.guard import SMALL_TABLE, judge

_CHUNK: Final = 500
"""Children written in one transaction, so that nobody waits long for the database."""

ANOTHER_PERSON_DAYS: Final = 366
"""Dates of birth further apart than a slip of the pen in the year, with no record in common: our own choice."""


@dataclass(slots=True)
class Taken:
    """What one reading brought. ``refused`` says why nothing of it counts; it is blank where it does.

    ``strangers`` are references that seem to have been given to another child; ``unread`` are children of whom
    no case file could be made, with why: what was kept of them before stands. ``overtaken``: another reading of
    the feed was accepted while this one went on, so that one stands and nothing of this one is kept.
    """

    feed: str
    source: str
    children: int = 0
    first_seen: int = 0
    changed: int = 0
    vanished: int = 0
    refused: str = ""
    strangers: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    overtaken: bool = False


def take_in(
    engine: Engine,
    feed: str,
    reading: Reading,
    now: datetime,
    *,
    max_loss: float,
    accept: bool = False,
    on_children: Callable[[int], None] = lambda _n: None,
) -> Taken:
    """Read a feed to its end and keep what changed, all of it or nothing.

    A child that is gone from the feed is kept as *vanished*, which says nothing about any need. One of whom no
    case file can be made costs nobody else anything, unless there are so many that it is the feed or its reader.
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
        before = None if accept or last is None else _usable(last.counts, last.said.get("rejected", {}))
        made_anew = last is not None and last.said.get("edition") != edition().hex()
    held = len(known)
    try:
        with _no_search_for_circles():
            said = _keep_changes(_Run(engine, run, feed, made_anew), reading, known, taken, on_children)
    except InputError as error:
        return _refuse(engine, run, taken, str(error))
    taken.counts = dict(reading.counts)
    usable = _usable(taken.counts, said.rejected)
    reasons = judge(usable, before, max_loss=max_loss)
    if reasons and not judge(taken.counts, before, max_loss=max_loss):
        reasons.insert(0, "rows that can be nobody's do not count, and there are many more of them now")
    if not accept and held > SMALL_TABLE and taken.vanished > max_loss * held:
        lost = f"{taken.vanished:,} of {held:,} children are gone since the last reading"
        reasons.append(f"{lost} (allowed {max_loss:.0%}). If that is meant, start once with: alertd run --accept-feed")
    if taken.unread and (
        len(taken.unread) > max(max_loss * taken.children, SMALL_TABLE) or len(taken.unread) == taken.children
    ):
        reasons.append(f"{len(taken.unread):,} of {taken.children:,} children cannot be read. Please report it")
    if reasons:
        return _refuse(engine, run, taken, "; ".join(reasons))
    with Session(engine) as session, session.begin():
        store.hold_readings(session, feed)
        stands = store.last_accepted(session, feed)
        if (stands and stands.id) != (last and last.id):
            taken.overtaken = True
            store.finish(session, run, outcome="refused", detail=store.OVERTAKEN)
            store.drop(session, run)
            return taken
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


@contextmanager
def _no_search_for_circles() -> Iterator[None]:
    """Rows come and go by the million and hold no circles of references: the interpreter's search for some among all
    that is known took a quarter of a reading's time (measured on 670,000 rows of 50,000 children)."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()


@dataclass(frozen=True, slots=True)
class _Run:
    """The run that is being written. ``made_anew``: newer readers make every child, whether its rows changed or not."""

    engine: Engine
    id: int
    feed: str
    made_anew: bool


def _keep_changes(
    run: _Run,
    reading: Reading,
    known: dict[str, store.Known],
    taken: Taken,
    on_children: Callable[[int], None],
) -> store.Said:
    """Write a version of each child that is new, changed or gone; the others are left as they are."""
    for chunk in _chunks(_each_once(reading)):
        made = list(_made(chunk, reading, known, taken.unread))
        taken.children += len(chunk)
        if made:
            with Session(run.engine) as session, session.begin():
                if run.made_anew:
                    made = _differing(session, made)
                taken.strangers += _strangers(session, made)
                store.write(session, run.id, run.feed, (version for _, version in made))
        taken.first_seen += sum(before is None for before, _ in made)
        taken.changed += sum(before is not None for before, _ in made)
        on_children(len(chunk))
    gone = [store.Version(child) for child in known]
    taken.vanished = len(gone)
    with Session(run.engine) as session, session.begin():
        store.write(session, run.id, run.feed, gone)
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
        edition().hex(),
        dict(taken.unread),
        {table: account.rejected for table, account in reading.ledger.accounts.items() if account.rejected},
    )


def _usable(counts: Mapping[str, int], rejected: Mapping[str, int]) -> dict[str, int]:
    """The rows by table without those that could not become a record: a table whose rows all lost their child
    is as good as empty, and every alert about them would close."""
    return {table: rows - rejected.get(table, 0) for table, rows in counts.items()}


def _each_once(reading: Reading) -> Iterator[Pending]:
    """A child given twice would be one child with half its records, and which half would change by the night."""
    seen: set[str] = set()
    for pending in reading.children():
        if pending.child in seen:
            raise InputError("gives a child in two places", where=reading.source, fix="Please report it")
        seen.add(pending.child)
        yield pending


Made = list[tuple[store.Known | None, store.Version]]
"""Each new version, beside the one that is in force."""


def _made(
    chunk: Iterable[Pending], reading: Reading, known: dict[str, store.Known], unread: dict[str, str]
) -> Iterator[tuple[store.Known | None, store.Version]]:
    """The children of a chunk that are not known as they are now; what is known of a child is taken from ``known``."""
    for pending in chunk:
        before = known.pop(pending.child, None)
        digest = digest_of(edition() + pending.digest)
        if before and before.digest == digest:
            continue
        try:
            made = pending.make()
            version = store.Version(
                pending.child, digest, _born(made.case), pack(made, reading.window, reading.windows)
            )
        except Exception as fault:  # noqa: BLE001 - one child's rows; it is reported, and the others go on
            frame = traceback.extract_tb(fault.__traceback__)[-1]
            unread[pending.child] = f"{type(fault).__name__} in {frame.name}"
            continue
        yield before, version


def _differing(session: Session, made: Made) -> Made:
    """Those that are really another than before; of the others, it is noted that they stand."""
    bodies = dict(store.bodies(session, [before.id for before, _ in made if before]))
    found = []
    for before, version in made:
        if before and version.digest and bodies[before.id] == version.body:
            store.same_again(session, before.id, version.digest)
        else:
            found.append((before, version))
    return found


def _chunks(children: Iterator[Pending]) -> Iterator[list[Pending]]:
    chunk: list[Pending] = []
    for pending in children:
        chunk.append(pending)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _strangers(session: Session, made: Made) -> list[str]:
    """References that seem to have been given to another child: born at quite another time, and no record stayed."""
    doubtful = [
        (before, version)
        for before, version in made
        if before and before.born and version.born and abs((version.born - before.born).days) > ANOTHER_PERSON_DAYS
    ]
    bodies = dict(store.bodies(session, [before.id for before, _ in doubtful]))
    found = []
    for before, version in doubtful:
        assert version.body is not None
        then, now = (unpack(version.child, body, store.EVER).records for body in (bodies[before.id], version.body))
        if {r.ref for r in then} & {r.ref for r in now} <= {f"child:{version.child}"}:
            found.append(version.child)
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
