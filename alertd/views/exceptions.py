"""*Exceptions*: children whose needs are not being met, followed until resolved.

An exception is an open alert of a rule about a gap in services, or anything overdue that nobody has said they see to.
All of them are counted in the database, by owner or by what is missing; only those of one page are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from threading import Lock
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Select, and_, case, func, null, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from alertd.access.may import barred_from, teams_seen
from alertd.access.viewer import Viewer
from alertd.alerts.handling import Office, acts_as
from alertd.cases.holding import Holding
from alertd.cases.records import in_words, local_day
from alertd.db.tables import Alert, Delivery, DeliveryAlert, Handling
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.people.directory import Directory, role_words
from alertd.rulebook.model import Rulebook
from alertd.views.alerts import Row, Shelf, person_name
from alertd.views.teams import COUNTED_AGAIN, ids_in_teams, in_teams

By = Literal["owner", "need"]
PAGE: Final = 50
"""Exceptions on one page."""


@dataclass(frozen=True, slots=True)
class Line:
    """One exception: since which day, and what was done or said of it last (blank: nothing)."""

    row: Row
    since: date
    last: str


@dataclass(frozen=True, slots=True)
class Group:
    """All exceptions of one owner, or of one kind of need, that stand on this page; ``total`` is how many there are."""

    key: str
    name: str
    note: str
    total: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Exceptions:
    """One page. ``overdue`` is how many of all are past their date."""

    groups: tuple[Group, ...]
    total: int
    overdue: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class _Counted:
    """How many exceptions one owner has, or there are of one rule. ``name`` is by what they sort where counts are
    alike."""

    key: str | None
    name: str
    total: int
    overdue: int


class CountedOfAll:
    """The exceptions of the whole authority, counted by owner or by need: once a minute at most, because that takes as
    long as there are alerts. Which stand on a page is read each time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[By, tuple[datetime, Sequence[_Counted]]] = {}

    def by(self, by: By, session: Session, rulebook: Rulebook, office: Office) -> Sequence[_Counted]:
        """Everything in its order, a minute old at most."""
        with self._lock:
            at, found = self._kept.get(by, (datetime.min.replace(tzinfo=UTC), ()))
            if not timedelta() <= office.now - at < COUNTED_AGAIN:
                where = _exceptional(gap_rules(rulebook), office)
                at, found = self._kept[by] = office.now, tuple(_counted(session, by, where, rulebook, office))
            return found


def exceptions(
    session: Session,
    viewer: Viewer,
    rulebook: Rulebook,
    office: Office,
    *,
    by: By,
    team: str = "",
    page: int = 1,
    of_all: CountedOfAll | None = None,
) -> Exceptions:
    """The exceptions that somebody follows: their own, their teams', or the service's; of one team where it is given
    and they see it. ``of_all`` counts those of the whole service."""
    exceptional = _exceptional(gap_rules(rulebook), office)
    whose = _of_viewer(viewer, office, team)
    where = [*exceptional, *whose]
    if viewer.oversees and not team:
        everything = (of_all or CountedOfAll()).by(by, session, rulebook, office)
        barred = barred_from(viewer, office)
        off = _counted(session, by, [*exceptional, Alert.child.in_(barred)], rulebook, office) if barred else []
        grouped = _less(everything, off)
    else:
        grouped = _counted(session, by, where, rulebook, office)
    total = sum(one.total for one in grouped)
    pages = max(1, -(-total // PAGE))
    page = min(max(1, page), pages)
    found = _read(session, by, where, _on_page(grouped, (page - 1) * PAGE))
    lines = _lines(session, [alert for _, alert in found], rulebook, office)
    totals = {one.key: one.total for one in grouped}
    groups = []
    for key, some in groupby(zip(found, lines, strict=True), key=lambda pair: pair[0][0]):
        name, note = _called(key, by, rulebook, office)
        groups.append(Group(key or "", name, note, totals[key], tuple(line for _, line in some)))
    return Exceptions(tuple(groups), total, sum(one.overdue for one in grouped), page, pages)


def gap_rules(rulebook: Rulebook) -> frozenset[str]:
    """The rules, of the authority or of any team, that look for gaps in services: by their kind, or by their name,
    since some gaps are written as clocks."""
    books = (rulebook, *rulebook.teams.values())
    return frozenset(
        rule.id for book in books for rule in book.rules if rule.kind == "gap" or rule.id.startswith("gap.")
    )


_HANDED_LAST: Final = (
    select(func.max(Handling.id))
    .where(Handling.kind == "hand_over", Handling.ended_at.is_(None))
    .group_by(Handling.alert_id)
)
_HANDED: Final = select(Handling.alert_id, Handling.to).where(Handling.id.in_(_HANDED_LAST)).subquery("handed")
_OWNER: Final = func.coalesce(_HANDED.c.to, Alert.worker)
"""Who answers for an alert: to whom it was handed over last, else the worker."""


def _exceptional(gaps: Collection[str], office: Office) -> list[ColumnElement[bool]]:
    managed = select(Handling.alert_id).where(
        Handling.kind.in_(("claim", "accept")),
        Handling.ended_at.is_(None),
        or_(Handling.until.is_(None), Handling.until > office.now),
    )
    unmanaged = and_(Alert.stage == "overdue", Alert.id.not_in(managed))
    told_of = (Alert.state == "open", Alert.muted == "", Alert.child != WHOLE_FEED[0])
    return [*told_of, or_(Alert.rule.in_(sorted(gaps)), unmanaged)]


def _of_viewer(viewer: Viewer, office: Office, team: str) -> list[ColumnElement[bool]]:
    """Which of them somebody sees. Children of whom they must not hear are in no figure."""
    found: list[ColumnElement[bool]] = []
    barred = barred_from(viewer, office)
    if barred:
        found.append(Alert.child.not_in(barred))
    seen, directory = teams_seen(viewer, office), office.directory
    if team in seen:
        found.append(in_teams(directory.teams_under(team), directory))
    elif not viewer.oversees:
        acting = sorted({id_ for own in viewer.ids for id_ in acts_as(own, office)})
        handed = select(_HANDED.c.alert_id).where(_HANDED.c.to.in_(acting))
        managed = [in_teams(seen, directory)] if seen else []
        # The first finds them by index, each sort by its own; the second leaves out what was handed on to others.
        own = aliased(Alert)
        theirs = select(own.id).where(own.worker.in_(acting), own.state == "open")
        of_teams = ids_in_teams(seen, directory) if seen else ()
        found.append(Alert.id.in_(union_all(theirs, handed, *of_teams)))
        found.append(or_(_OWNER.in_(acting), *managed))
    return found


def _key(by: By) -> ColumnElement[Any]:
    return _OWNER if by == "owner" else Alert.rule.expression


def _alerts(*what: Any) -> Select[Any]:
    return select(*what).select_from(Alert).outerjoin(_HANDED, _HANDED.c.alert_id == Alert.id)


def _counted(
    session: Session, by: By, where: Sequence[ColumnElement[bool]], rulebook: Rulebook, office: Office
) -> Sequence[_Counted]:
    """How many each has: what nobody owns first, then whoever has most overdue."""
    overdue = func.sum(case((Alert.stage == "overdue", 1), else_=0))
    # Grouped by the rule itself, SQLite would walk the alerts rule by rule, whosever they are.
    key = func.coalesce(_key(by), null())
    rows = session.execute(_alerts(key, func.count(), overdue).where(*where).group_by(key))

    def name(key: str | None) -> str:
        return _title(key or "", rulebook) if by == "need" else person_name(office.directory, key)

    return sorted((_Counted(key, name(key), total, late) for key, total, late in rows), key=_pressing)


def _pressing(one: _Counted) -> tuple[bool, int, int, str, str]:
    return (one.key is not None, -one.overdue, -one.total, one.name, one.key or "")


def _less(everything: Sequence[_Counted], off: Iterable[_Counted]) -> Sequence[_Counted]:
    """What is left of a count without those of whom somebody must not hear."""
    of = {one.key: one for one in off}
    if not of:
        return everything
    left = []
    for one in everything:
        if less := of.get(one.key):
            one = replace(one, total=one.total - less.total, overdue=max(0, one.overdue - less.overdue))
        if one.total > 0:
            left.append(one)
    return sorted(left, key=_pressing)


def _on_page(grouped: Sequence[_Counted], skip: int) -> list[tuple[_Counted, int, int]]:
    """The groups of which something stands on the page that begins after ``skip``: from which on, and how many."""
    found, room = [], PAGE
    for one in grouped:
        if skip >= one.total:
            skip -= one.total
            continue
        here = min(one.total - skip, room)
        if here:
            found.append((one, skip, here))
        room, skip = room - here, 0
    return found


_RANK: Final = case({"overdue": 0, "due": 1, "upcoming": 2}, value=Alert.stage, else_=3)


def _read(
    session: Session, by: By, where: Sequence[ColumnElement[bool]], parts: Sequence[tuple[_Counted, int, int]]
) -> list[tuple[str | None, Alert]]:
    """The alerts of a page by their group: in each the most pressing first, then what has been open longest."""
    whole = [one.key for one, skip, here in parts if here == one.total]
    found: dict[str | None, list[Alert]] = {}
    query = _alerts(_key(by), Alert).where(*where).order_by(_RANK, Alert.opened_at, Alert.id)
    if whole:
        for key, alert in session.execute(query.where(*_is_one_of(by, whole))):
            found.setdefault(key, []).append(alert)
    for one, skip, here in parts:
        if here < one.total:
            some = session.execute(query.where(*_is_one_of(by, [one.key])).offset(skip).limit(here))
            found[one.key] = [alert for _, alert in some]
    return [(one.key, alert) for one, _, _ in parts for alert in found.get(one.key, ())]


def _is_one_of(by: By, wanted: Sequence[str | None]) -> list[ColumnElement[bool]]:
    """That an alert is of one of these groups. Of owners it is said twice: first so that an index finds them."""
    named = [one for one in wanted if one is not None]
    if by == "need":
        return [Alert.rule.in_(named)]
    own = aliased(Alert)
    theirs = select(own.id).where(_among(own.worker, named, wanted), own.state == "open")
    handed = select(_HANDED.c.alert_id).where(_HANDED.c.to.in_(named))
    return [Alert.id.in_(union_all(theirs, handed)), _among(_OWNER, named, wanted)]


def _among(column: Any, named: Sequence[str], wanted: Sequence[str | None]) -> ColumnElement[bool]:
    """One of these. What is asked is no more than is wanted, so that an index answers it."""
    if None not in wanted:
        return column.in_(named)  # type: ignore[no-any-return]
    return or_(column.is_(None), *([column.in_(named)] if named else []))


def _lines(session: Session, alerts: Sequence[Alert], rulebook: Rulebook, office: Office) -> list[Line]:
    rows = Shelf(session, rulebook, office).rows(alerts)
    last = _last(session, [alert.id for alert in alerts], office.directory)
    return [Line(row, _since(alert), last.get(alert.id, "")) for row, alert in zip(rows, alerts, strict=True)]


def _since(alert: Alert) -> date:
    """The day from which on it has not been as it should: the date that passed, or when the gap began; failing these,
    when alertd first saw it."""
    finding = Finding.from_json(alert.finding)
    day = finding.due if alert.stage == "overdue" else finding.start if alert.stage == "due" else None
    return local_day(day or alert.opened_at)


_DID: Final = {
    "claim": "{name} said that it is done",
    "accept": "{name} explained it",
    "hand_over": "{name} handed it to {to}",
    "dispute": "{name} said that the alarm is wrong",
}
"""What somebody said of an alert. That they do not want to hear of it for a while is theirs alone."""


def _last(session: Session, ids: Sequence[int], directory: Directory) -> dict[int, str]:
    """What was said of each last, or whom a message told of it, whichever is later."""
    said = select(Handling.alert_id, Handling.at, Handling.kind, Handling.by, Handling.to, Handling.ended_why).where(
        Handling.alert_id.in_(ids), Handling.kind.in_(_DID)
    )
    told = (
        select(DeliveryAlert.alert_id, Delivery.created_at, Delivery.person, DeliveryAlert.role)
        .join(Delivery, Delivery.id == DeliveryAlert.delivery_id)
        .where(DeliveryAlert.alert_id.in_(ids), DeliveryAlert.kind == "told", Delivery.state == "delivered")
    )
    found: dict[int, tuple[datetime, str]] = {}
    for alert_id, at, person, role in session.execute(told.order_by(Delivery.created_at, DeliveryAlert.id)):
        found[alert_id] = (at, f"{person_name(directory, person)} was told as {role_words(role)}")
    for alert_id, at, kind, by, to, ended in session.execute(said.order_by(Handling.at, Handling.id)):
        if alert_id not in found or at >= found[alert_id][0]:
            words = _DID[kind].format(name=person_name(directory, by), to=person_name(directory, to))
            found[alert_id] = (at, f"{words} ({ended})" if ended else words)
    return {id_: f"{words}, {in_words(local_day(at))}" for id_, (at, words) in found.items()}


def _called(key: str | None, by: By, rulebook: Rulebook, office: Office) -> tuple[str, str]:
    """The name of a group, and what has to be known of it."""
    if by == "need":
        rule = rulebook.having(key or "").rule(key or "")
        return (rule.title, rule.why) if rule else (key or "", "Its rule is no longer in the rulebook.")
    if key is None:
        return "Nobody allocated", ""
    directory = office.directory
    person = directory.people.get(key)
    if person is None:
        return key, "is not in the staff directory"
    away = person.absence(office.today) or ""
    deputy = f"; {person_name(directory, person.deputy)} stands in" if away and person.deputy else ""
    return directory.label(Holding(key)), away + deputy


def _title(key: str, rulebook: Rulebook) -> str:
    rule = rulebook.having(key).rule(key)
    return rule.title if rule else key
