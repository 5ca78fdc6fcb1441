"""A child's story on a page: the chronology, with what alertd told people if asked for, and the rolling record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from alertd.alerts.handling import Office
from alertd.cases.records import CaseFile, local_day
from alertd.chronology.chronology import chronology, limits, of_groups
from alertd.chronology.entry import Entry
from alertd.chronology.groups import GROUPS, Group
from alertd.chronology.needs import Need
from alertd.chronology.rolling_record import rolling_record
from alertd.db.tables import Alert, Delivery, DeliveryAlert
from alertd.engine.findings import Finding
from alertd.intake.kept import KeptCases
from alertd.people.directory import Directory, role_words
from alertd.rulebook.model import Rulebook
from alertd.views.alerts import Row, Shelf, person_name

Order = Literal["oldest", "newest"]
TOLD: Final = "told"
"""The group of what alertd told people: beside those of the records, and shown only where it is asked for."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: an entry of the chronology, or what alertd told of an ``alert`` on a day."""

    day: date | None
    group: str
    headline: str
    detail: str = ""
    until: date | None = None
    recorded_late: int | None = None
    ahead: bool = False
    alert: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """A chronology. ``years`` are the lines with a day in the order asked for, ``undated`` those without; ``groups``
    are (name, title, how many) of all that could be shown, ``limits`` what the feeds do not speak for."""

    years: tuple[tuple[int, tuple[Line, ...]], ...]
    undated: tuple[Line, ...]
    groups: tuple[tuple[str, str, int], ...]
    told: int
    limits: tuple[str, ...]

    @property
    def shown(self) -> int:
        """How many lines there are."""
        return len(self.undated) + sum(len(lines) for _, lines in self.years)


@dataclass(frozen=True, slots=True)
class Followed:
    """A need as the rolling record tells it, and the open alerts about its records."""

    need: Need
    alerts: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Rolling:
    """The rolling record: the needs still followed, those that are over, and what cannot be told of any."""

    followed: tuple[Followed, ...]
    over: tuple[Followed, ...]
    cannot_tell: tuple[str, ...]


def story(
    session: Session,
    child: str,
    case: CaseFile | None,
    rulebook: Rulebook,
    office: Office,
    groups: frozenset[Group] = frozenset(),
    *,
    told: bool = False,
    order: Order = "oldest",
) -> Story:
    """The chronology of a child: of some groups (none: of all), with what alertd told people where ``told``."""
    entries = chronology(case, office.today, partial(named, office.directory)) if case else ()
    of_alertd = list(_told(session, child, rulebook, office))
    counts = Counter(entry.group for entry in entries)
    lines = [_line(entry, office.today) for entry in of_groups(entries, groups)]
    # Sorting keeps the order of one day: what happened, then what was told of it.
    dated = sorted([one for one in lines if one.day] + (of_alertd if told else []), key=lambda one: one.day or date.max)
    if order == "newest":
        dated.reverse()
    years = groupby(dated, key=lambda one: one.day.year if one.day else 0)
    return Story(
        years=tuple((year, tuple(found)) for year, found in years),
        undated=tuple(one for one in lines if one.day is None),
        groups=tuple((name, title, counts[name]) for name, title in GROUPS.items() if counts[name]),
        told=len(of_alertd),
        limits=limits(case) if case else (),
    )


def rolling(
    session: Session, child: str, case: CaseFile | None, kept: KeptCases, rulebook: Rulebook, office: Office
) -> Rolling:
    """The rolling record of a child, with the open alerts that people are told of its records."""
    if case is None:
        return Rolling((), (), ())
    is_open = select(Alert).where(Alert.state == "open", Alert.child == child, Alert.muted == "").order_by(Alert.id)
    alerts = {Finding.from_json(alert.finding): alert for alert in session.scalars(is_open)}
    found = rolling_record(
        case, office.today, holds=held_by(kept), findings=alerts, named=partial(named, office.directory)
    )
    shelf = Shelf(session, rulebook, office)
    told = [Followed(need, tuple(shelf.rows(alerts[one] for one in need.findings))) for need in found.needs]
    return Rolling(
        tuple(one for one in told if one.need.followed),
        tuple(one for one in told if not one.need.followed),
        found.cannot_tell,
    )


def held_by(kept: KeptCases) -> frozenset[str]:
    """The kinds of record that any feed is able to hold."""
    return frozenset(kind for _, standing in kept.feeds for kind in standing.said.holds)


def named(directory: Directory, id_: str) -> str:
    """A worker or a team by its key in the feed."""
    found = directory.people.get(id_) or directory.teams.get(id_)
    return found.name if found else id_


def _line(entry: Entry, today: date) -> Line:
    ahead = entry.day is not None and entry.day > today
    return Line(entry.day, GROUPS[entry.group], entry.headline, entry.detail, entry.until, entry.recorded_late, ahead)


_SAID: Final = {
    "delivered": ("alertd told", ""),
    "refused": ("alertd could not tell", "The message was refused."),
    "unknown": ("alertd told", "Whether it arrived is not known."),
}
"""What became of a message, by its state. One that is on its way yet has told nobody."""


def _told(session: Session, child: str, rulebook: Rulebook, office: Office) -> Iterator[Line]:
    """What people were told about the child: a line for each alert and day."""
    shelf = Shelf(session, rulebook, office)
    rows = session.execute(
        select(Delivery, DeliveryAlert, Alert)
        .join(DeliveryAlert, DeliveryAlert.delivery_id == Delivery.id)
        .join(Alert, Alert.id == DeliveryAlert.alert_id)
        .where(Alert.child == child, Delivery.state.in_(_SAID))
        .options(defer(Delivery.message))
        .order_by(Delivery.created_at, DeliveryAlert.id)
    )
    of_day: dict[tuple[date, int, bool, str], tuple[Alert, list[str]]] = {}
    for sent, about, alert in rows:
        key = (local_day(sent.created_at), alert.id, about.kind == "clear", sent.state)
        of_day.setdefault(key, (alert, []))[1].append(_whom(sent.person, about, office.directory))
    for (day, id_, is_over, state), (alert, people) in of_day.items():
        verb, detail = _SAID[state]
        rule = shelf.book(alert).rule(alert.rule)
        what = f"{rule.title if rule else alert.rule}{', which is over' if is_over else ''}"
        yield Line(day, TOLD, f"{verb} {' and '.join(dict.fromkeys(people))}: {what}", detail, alert=id_)


def _whom(person: str, about: DeliveryAlert, directory: Directory) -> str:
    role = "who asked to hear of it" if about.kind == "subscribed" else role_words(about.role)
    return f"{person_name(directory, person)} ({role})"
