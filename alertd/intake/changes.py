"""What changed in a feed, record by record: worked out from the versions that are kept, never stored again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from alertd.cases.records import CaseFile, Record
from alertd.db.tables import CaseVersion, FeedRun
from alertd.intake import store
from alertd.intake.bodies import unpack

How = Literal["first seen", "changed", "vanished"]


@dataclass(frozen=True, slots=True)
class Change:
    """One record that a reading brought, changed or no longer had. ``fields`` are those that differ.

    *Vanished* is that and no more: the row is gone from the feed, which does not say that a need was met.
    """

    at: datetime
    child: str
    record: str
    how: How
    where: str
    fields: tuple[str, ...] = ()


def changes(session: Session, feed: str, since: datetime, child: str | None = None) -> Iterator[Change]:
    """Every change that the accepted readings of a feed after ``since`` brought, by child and then by time."""
    for number in [child] if child else _changed(session, feed, since):
        before: CaseFile | None = None
        for at, body in store.versions_of(session, feed, number):
            after = unpack(number, body, store.EVER) if body is not None else None
            if at > since:
                yield from between(at, number, before, after)
            before = after


def _changed(session: Session, feed: str, since: datetime) -> list[str]:
    later = (
        select(CaseVersion.child)
        .join(FeedRun, FeedRun.id == CaseVersion.run_id)
        .where(CaseVersion.feed == feed, FeedRun.outcome == "accepted", FeedRun.at > since)
    )
    return sorted(set(session.scalars(later)))


def between(at: datetime, child: str, before: CaseFile | None, after: CaseFile | None) -> Iterator[Change]:
    """What differs between two case files of a child, either of which may not be there."""
    then = {record.ref: record for record in before.records} if before else {}
    now = {record.ref: record for record in after.records} if after else {}
    for ref in sorted(then.keys() | now.keys()):
        old, new = then.get(ref), now.get(ref)
        if old is None and new is not None:
            yield Change(at, child, ref, "first seen", new.where)
        elif old is not None and new is None:
            yield Change(at, child, ref, "vanished", old.where)
        elif old is not None and new is not None and (fields := _differing(old, new)):
            yield Change(at, child, ref, "changed", new.where, fields)


def _differing(old: Record, new: Record) -> tuple[str, ...]:
    names = {*old.values, *new.values, *(d.field for d in (*old.doubts, *new.doubts))}
    return tuple(sorted(n for n in names if old.get(n) != new.get(n) or old.doubt(n) != new.doubt(n)))
