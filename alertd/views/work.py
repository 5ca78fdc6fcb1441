"""*My work*: what is open about the children somebody answers for, and the next four weeks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from alertd.access.viewer import Viewer
from alertd.alerts.handling import Office, acts_as
from alertd.db.tables import Alert, Handling
from alertd.rulebook.model import Rulebook
from alertd.views.alerts import PRESSING, Row, Shelf, open_alerts

WEEKS: Final = 4
"""How far ahead the calendar of My work looks."""


@dataclass(frozen=True, slots=True)
class Child:
    """What is open about one child, the most pressing first."""

    child: str
    rows: tuple[Row, ...]

    @property
    def stage(self) -> str:
        """The stage of the most pressing."""
        return self.rows[0].stage


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the calendar: what is due on it."""

    day: date
    rows: tuple[Row, ...]
    is_working: bool


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from a Monday."""

    monday: date
    days: tuple[Day, ...]

    @property
    def total(self) -> int:
        """How much is due in the week."""
        return sum(len(day.rows) for day in self.days)


@dataclass(frozen=True, slots=True)
class Work:
    """Everything on the page. ``standing_in_for`` are those whose work it is too, because they are away."""

    children: tuple[Child, ...]
    counts: dict[str, int]
    weeks: tuple[Week, ...]
    standing_in_for: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many alerts are open."""
        return sum(self.counts.values())


def work(session: Session, viewer: Viewer, rulebook: Rulebook, office: Office, stage: str = "") -> Work:
    """What is open for somebody and for those away whose deputy they are; ``stage`` shows only those of one."""
    mine = sorted({id_ for own in viewer.ids for id_ in acts_as(own, office)})
    rows = [row for row in Shelf(session, rulebook, office).rows(_alerts(session, mine)) if row.answers in mine]
    rows = [row for row in rows if _may_read(viewer, row, office)]
    rows.sort(key=lambda row: row.pressing)
    counts = Counter(row.stage for row in rows)
    people = office.directory.people
    return Work(
        children=tuple(by_child([row for row in rows if not stage or row.stage == stage])),
        counts={name: counts[name] for name in PRESSING},
        weeks=calendar_weeks(rows, office),
        standing_in_for=tuple(people[id_].name for id_ in mine if id_ not in viewer.ids),
    )


def _alerts(session: Session, people: Sequence[str]) -> list[Alert]:
    own = aliased(Alert)
    mine = select(own.id).where(own.worker.in_(people), own.state == "open")
    handed = select(Handling.alert_id).where(
        Handling.to.in_(people), Handling.kind == "hand_over", Handling.ended_at.is_(None)
    )
    return open_alerts(session, Alert.id.in_(mine.union(handed)), Alert.muted == "")


def _may_read(viewer: Viewer, row: Row, office: Office) -> bool:
    return not any(office.directory.may_hear(id_, row.child, office.today) for id_ in viewer.ids)


def by_child(rows: Sequence[Row]) -> list[Child]:
    """Rows by child, brothers and sisters together, the family with the most pressing first."""
    families: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        key = f"family {row.household}" if row.household else f"child {row.child}"
        families.setdefault(key, {}).setdefault(row.child, []).append(row)
    return [Child(child, tuple(found)) for children in families.values() for child, found in children.items()]


def calendar_weeks(rows: Sequence[Row], office: Office, weeks: int = WEEKS) -> tuple[Week, ...]:
    """The weeks from this one's Monday, each day with what is due on it."""
    monday = office.today - timedelta(days=office.today.weekday())
    dated = sorted((row for row in rows if row.due), key=lambda row: (row.due or date.max, row.id))
    on = {day: tuple(found) for day, found in groupby(dated, key=lambda row: row.due)}
    found = []
    for n in range(weeks):
        first = monday + timedelta(weeks=n)
        days = [first + timedelta(days=d) for d in range(7)]
        found.append(Week(first, tuple(Day(day, on.get(day, ()), office.calendar.is_working(day)) for day in days)))
    return tuple(found)
