"""A feed written down in a line or two, and the database that takes it in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from alertd.cases.accounts import Account
from alertd.cases.records import CaseFile, Record, Snapshot, Window, case_files, make_record
from alertd.errors import InputError
from alertd.intake.kept import KeptCases, Named
from alertd.intake.store import standing
from alertd.intake.sync import Taken, take_in
from alertd.intake.whole import Whole

NOW = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
HOLDS = frozenset({"child", "referral", "cp_plan", "cp_visit", "care_period", "allocation"})


def record(child: str, kind: str, key: str, /, **values: Any) -> Record:
    return make_record(kind, child, key, f"{kind} {key}", values)


def child(number: str, born: date = date(2015, 1, 1)) -> Record:
    return record(number, "child", number, born=born)


def snapshot(*records: Record, holds: frozenset[str] = HOLDS, **more: Any) -> Snapshot:
    counts: dict[str, int] = {}
    for one in records:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    accounts = {kind: Account(n, n) for kind, n in counts.items()}
    window = more.pop("window", Window())
    cases = case_files(records, window, holds=holds, latest=more.get("latest", frozenset()))
    return Snapshot("test", cases, holds, window, accounts, **more)


class Breaking(Whole):
    """A feed that turns out to be unusable after so many children."""

    after = 1

    def children(self) -> Iterator[Any]:
        for number, pending in enumerate(super().children()):
            if number == self.after:
                raise InputError("changed while it was being read", where="test")
            yield pending


def take(engine: Engine, of: Snapshot | Whole, *, day: int = 0, feed: str = "feed", **options: Any) -> Taken:
    reading = Whole(of) if isinstance(of, Snapshot) else of
    return take_in(engine, feed, reading, NOW + timedelta(day), max_loss=options.pop("max_loss", 0.2), **options)


def kept(engine: Engine, *feeds: str, known_on: datetime | None = None, **options: Any) -> KeptCases:
    from sqlalchemy.orm import Session

    with Session(engine) as session:
        found = [(Named(name), standing(session, name, known_on)) for name in feeds or ("feed",)]
    return KeptCases(engine, [(n, s) for n, s in found if s], known_on=known_on, **options)


def by_child(cases: KeptCases) -> Mapping[str, CaseFile]:
    return {case.child: case for case in cases}
