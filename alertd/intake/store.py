"""What the feeds said of each child, kept with its history.

Every reading appends a version of each child that changed, under its own run; what it wrote counts
once the run is accepted, in one small write at the end. So a reading that dies or is refused leaves
nothing behind, nobody waits for a long one, and what was known on an earlier day can be read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, and_, delete, func, insert, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from alertd.cases.records import Window
from alertd.db.tables import CaseVersion, FeedRun
from alertd.intake.bodies import days_of, window_of

ABANDONED_AFTER: Final = timedelta(days=1)
"""A reading that began so long ago and never ended has died: what it wrote is cleared away."""

ONE_STATEMENT: Final = 500
"""Children asked for in one statement: databases limit how many values one may hold (SQL Server 2,100)."""


OVERTAKEN: Final = "another reading was accepted while this one went on"
"""Why nothing is kept of a reading that was good, and nobody need hear of it."""

EVER: Final = Window()


@dataclass(frozen=True, slots=True)
class Version:
    """What one feed says of one child from a reading on: ``digest`` and ``body`` are None of a child that is gone."""

    child: str
    digest: bytes | None = None
    born: date | None = None
    body: bytes | None = None


class Known(NamedTuple):
    """What is in force of a child: the id of the version, the digest of its rows, and the date of birth."""

    id: int
    digest: bytes
    born: date | None


@dataclass(frozen=True, slots=True)
class Said:
    """What a feed said of itself at a reading. Fields as in :class:`alertd.cases.records.Snapshot`;
    ``windows`` and ``latest`` as in :class:`alertd.cases.records.CaseFile`."""

    source: str
    holds: frozenset[str]
    lacks: frozenset[str] = frozenset()
    window: Window = EVER
    windows: Mapping[str, Window] = field(default_factory=dict)
    latest: frozenset[str] = frozenset()
    as_at: date | None = None
    notes: tuple[str, ...] = ()
    rejects: tuple[tuple[str, str, str], ...] = ()
    edition: str = ""
    """Of the readers that made the case files: see :mod:`alertd.intake.edition`."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Children of whom this reading could make no case file, with why."""
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Rows by table that could not become a record."""

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values; the source has a column of its own."""
        return {
            "holds": sorted(self.holds),
            "lacks": sorted(self.lacks),
            "window": days_of(self.window),
            "windows": {kind: days_of(window) for kind, window in self.windows.items()},
            "latest": sorted(self.latest),
            "as_at": self.as_at.isoformat() if self.as_at else None,
            "notes": list(self.notes),
            "rejects": [list(reject) for reject in self.rejects],
            "edition": self.edition,
            "unread": dict(self.unread),
            "rejected": dict(self.rejected),
        }

    @classmethod
    def from_json(cls, source: str, said: Mapping[str, Any]) -> Said:
        """What :meth:`as_json` wrote."""
        as_at = said.get("as_at")
        return cls(
            source,
            frozenset(said.get("holds", ())),
            frozenset(said.get("lacks", ())),
            window_of(said.get("window", (None, None))),
            {kind: window_of(days) for kind, days in said.get("windows", {}).items()},
            frozenset(said.get("latest", ())),
            date.fromisoformat(as_at) if as_at else None,
            tuple(said.get("notes", ())),
            tuple((where, why, column) for where, why, column in said.get("rejects", ())),
            said.get("edition", ""),
            said.get("unread", {}),
            said.get("rejected", {}),
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """The reading of a feed that is in force: when it was, when the feed last said anything new, and what
    it said of itself."""

    feed: str
    run: int
    at: datetime
    fresh_at: datetime
    children: int
    said: Said


def begin(session: Session, feed: str, source: str, now: datetime) -> int:
    """Open a run, and clear away what readings of this feed left that died long ago."""
    dead = select(FeedRun.id).where(
        FeedRun.feed == feed, FeedRun.outcome == "reading", FeedRun.at < now - ABANDONED_AFTER
    )
    for run in session.scalars(dead).all():
        drop(session, run)
        session.execute(delete(FeedRun).where(FeedRun.id == run))
    run_row = FeedRun(feed=feed, source=source[:500], at=now, outcome="reading", counts={})
    session.add(run_row)
    session.flush()
    return run_row.id


def drop(session: Session, run: int) -> None:
    """Forget what a run wrote."""
    session.execute(delete(CaseVersion).where(CaseVersion.run_id == run))


def write(session: Session, run: int, feed: str, versions: Iterable[Version]) -> None:
    """Append versions to a run."""
    rows = [
        {"feed": feed, "child": v.child, "run_id": run, "digest": v.digest, "born": v.born, "body": v.body}
        for v in versions
    ]
    if rows:
        session.execute(insert(CaseVersion), rows)


def same_again(session: Session, id_: int, digest: bytes) -> None:
    """Note that a version stands although its digest is another now: the readers are, and what they made is not."""
    session.execute(update(CaseVersion).where(CaseVersion.id == id_).values(digest=digest))


def finish(session: Session, run: int, **columns: Any) -> bool:
    """End a run that is still being read; False if somebody cleared it away."""
    ended = session.execute(update(FeedRun).where(FeedRun.id == run, FeedRun.outcome == "reading").values(**columns))
    assert isinstance(ended, CursorResult)
    return ended.rowcount == 1


def hold_readings(session: Session, feed: str) -> None:
    """Let no other reading of this feed be accepted until the transaction ends. SQLite sees to it itself."""
    session.execute(
        select(FeedRun.id)
        .where(FeedRun.feed == feed, FeedRun.outcome == "reading")
        .order_by(FeedRun.id)
        .with_for_update()
    )


def refused(session: Session, feed: str, source: str, now: datetime, why: str) -> None:
    """Note a reading that could not even begin."""
    session.add(FeedRun(feed=feed, source=source[:500], at=now, outcome="refused", counts={}, detail=why))


def refused_since(session: Session, feed: str, run: int) -> str:
    """Why the latest reading of a feed was refused, where it is later than that run; blank where it was not."""
    last = (
        select(FeedRun.id, FeedRun.outcome, FeedRun.detail)
        .where(FeedRun.feed == feed, FeedRun.outcome != "reading", FeedRun.detail != OVERTAKEN)
        .order_by(FeedRun.id.desc())
        .limit(1)
    )
    row = session.execute(last).first()
    return row.detail if row and row.id > run and row.outcome == "refused" else ""


def last_accepted(session: Session, feed: str, known_on: datetime | None = None) -> FeedRun | None:
    """The latest accepted run of a feed, or the latest by ``known_on``."""
    found: FeedRun | None = session.scalar(
        _accepted(select(FeedRun), feed, known_on).order_by(FeedRun.id.desc()).limit(1)
    )
    return found


def standing(session: Session, feed: str, known_on: datetime | None = None) -> Standing | None:
    """The reading in force; None where none was ever accepted, or by a program that kept nothing of it."""
    run = last_accepted(session, feed, known_on)
    if run is None or not run.said:
        return None
    changing = _accepted(select(func.max(FeedRun.at)), feed, known_on).where(FeedRun.changed > 0)
    return Standing(
        feed, run.id, run.at, session.scalar(changing) or run.at, run.children, Said.from_json(run.source, run.said)
    )


def _accepted(statement: Select[Any], feed: str, known_on: datetime | None) -> Select[Any]:
    statement = statement.where(FeedRun.feed == feed, FeedRun.outcome == "accepted")
    return statement if known_on is None else statement.where(FeedRun.at <= known_on)


def _in_force(feed: str, known_on: datetime | None) -> Any:
    """The ids of the latest accepted version of each child."""
    latest = (
        select(func.max(CaseVersion.id).label("id"))
        .join(FeedRun, and_(FeedRun.id == CaseVersion.run_id, FeedRun.outcome == "accepted"))
        .where(CaseVersion.feed == feed)
        .group_by(CaseVersion.child)
    )
    return (latest if known_on is None else latest.where(FeedRun.at <= known_on)).subquery()


def known(session: Session, feed: str) -> dict[str, Known]:
    """Each child that the feed has, as of the reading in force."""
    ids = _in_force(feed, None)
    rows = session.execute(
        select(CaseVersion.child, CaseVersion.id, CaseVersion.digest, CaseVersion.born).join(
            ids, ids.c.id == CaseVersion.id
        )
    )
    return {child: Known(id_, digest, born) for child, id_, digest, born in rows if digest is not None}


def versions_in_force(session: Session, feed: str, known_on: datetime | None = None) -> dict[str, int]:
    """The id of the version of each child that the feed has, as of the reading in force or on an earlier day."""
    ids = _in_force(feed, known_on)
    rows = session.execute(
        select(CaseVersion.child, CaseVersion.id)
        .join(ids, ids.c.id == CaseVersion.id)
        .where(CaseVersion.body.is_not(None))
    )
    return {row[0]: row[1] for row in rows}


def versions_of_some(session: Session, feed: str, children: Sequence[str]) -> dict[str, int]:
    """As :func:`versions_in_force`, of so many children and no others: their number alone says how long it takes."""
    found: dict[str, int] = {}
    for at in range(0, len(children), ONE_STATEMENT):
        latest = (
            _accepted(select(func.max(CaseVersion.id).label("id")).join(FeedRun), feed, None)
            .where(CaseVersion.feed == feed, CaseVersion.child.in_(children[at : at + ONE_STATEMENT]))
            .group_by(CaseVersion.child)
            .subquery()
        )
        rows = select(CaseVersion.child, CaseVersion.id).join(latest, latest.c.id == CaseVersion.id)
        found |= {row[0]: row[1] for row in session.execute(rows.where(CaseVersion.body.is_not(None)))}
    return found


def changed_since(session: Session, feed: str, run: int) -> frozenset[str]:
    """The children of whom readings accepted after a run said something new."""
    later = _accepted(select(FeedRun.id), feed, None).where(FeedRun.id > run)
    return frozenset(session.scalars(select(CaseVersion.child).where(CaseVersion.run_id.in_(later)).distinct()))


def bodies(session: Session, ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """(id, body) of versions, in no order."""
    for at in range(0, len(ids), ONE_STATEMENT):
        chunk = ids[at : at + ONE_STATEMENT]
        for id_, body in session.execute(select(CaseVersion.id, CaseVersion.body).where(CaseVersion.id.in_(chunk))):
            if body is not None:
                yield id_, body


def versions_of(session: Session, feed: str, child: str) -> list[tuple[datetime, bytes | None]]:
    """Every accepted version of a child, with the reading it came with, the oldest first."""
    rows = session.execute(
        select(FeedRun.at, CaseVersion.body)
        .join(FeedRun, FeedRun.id == CaseVersion.run_id)
        .where(CaseVersion.feed == feed, CaseVersion.child == child, FeedRun.outcome == "accepted")
        .order_by(CaseVersion.id)
    )
    return [(at, body) for at, body in rows]
