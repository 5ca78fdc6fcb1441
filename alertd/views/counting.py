"""The counts behind *Insight*: what was done, waits and was told, by rule and whose it was, grouped in the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date
from typing import Any, Final

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from alertd.calendars.clock import begin_of
from alertd.cases.holding import Holding
from alertd.db.days import Days
from alertd.db.tables import Alert, DeliveryAlert, Handling, Notice
from alertd.engine.findings import WHOLE_FEED
from alertd.insight.precision import Settled, precision_of
from alertd.insight.timeliness import AROUND, OUTCOMES, Books, Cell, Counts, Outcome, counted, first_day
from alertd.people.directory import Directory


def books_of(session: Session, directory: Directory, today: date, *where: ColumnElement[bool]) -> Books:
    """Everything that is counted, grouped in the database; ``where`` for a few of the alerts only."""
    done: Counter[Cell] = Counter()
    workers: dict[tuple[str, str], set[str]] = {}
    for rule, team, worker, month, closed_as, days, n in session.execute(_done(session, today, *where)):
        theirs = team_of(directory, team, worker)
        done[Cell(rule, theirs, month, OUTCOMES[closed_as], max(days, -AROUND - 1))] += n
        if worker:
            workers.setdefault((rule, theirs), set()).add(worker)
    overdue: Counter[tuple[str, str]] = Counter()
    for rule, team, worker, n in session.execute(_overdue(*where)):
        overdue[rule, team_of(directory, team, worker)] += n
    told: dict[str, Counter[Settled]] = {}
    for rule, team, worker, disputed, closed_as, n in session.execute(_told(today, *where)):
        told.setdefault(team_of(directory, team, worker), Counter())[rule, _DISPUTED[disputed], closed_as or ""] += n
    right = {(one.rule, team): one for team, alerts in told.items() for one in precision_of(alerts)}
    return Books(done, overdue, right, {key: len(found) for key, found in workers.items()})


def own_counts(
    session: Session, people: Collection[str], today: date, hidden: Collection[str] = ()
) -> dict[str, Counts]:
    """The counts of what these had when it closed, by rule, as it is now, without the children that are hidden from
    them."""
    mine = and_(Alert.worker.in_(sorted(people)), Alert.child.not_in(sorted(hidden)))
    of: dict[str, Counter[tuple[str, Outcome, int]]] = {}
    for rule, _, _, month, closed_as, days, n in session.execute(_done(session, today, mine)):
        of.setdefault(rule, Counter())[month, OUTCOMES[closed_as], max(days, -AROUND - 1)] += n
    overdue: Counter[str] = Counter()
    for rule, _, _, n in session.execute(_overdue(mine)):
        overdue[rule] += n
    told: Counter[Settled] = Counter()
    for rule, _, _, disputed, closed_as, n in session.execute(_told(today, mine)):
        told[rule, _DISPUTED[disputed], closed_as or ""] += n
    right = {one.rule: one for one in precision_of(told)}
    rules = dict.fromkeys((*of, *overdue, *right))
    return {rule: counted(of.get(rule, Counter()), overdue[rule], right.get(rule)) for rule in rules}


def _done(session: Session, today: date, *where: ColumnElement[bool]) -> Select[Any]:
    """How much was done since the first day looked at: by rule, whose it was, month, how it closed, and days after
    its limit. The days are worked out of each finding once, before anything is grouped by them."""
    days = Days(session)
    due, met = days.of(Alert.finding["due"].as_string()), days.of(Alert.finding["met"].as_string())
    each = (
        select(Alert.rule, Alert.team, Alert.worker, Alert.closed_as, due.label("due"), met.label("met"))
        .where(
            Alert.closed_as.in_(OUTCOMES),
            Alert.changed_at >= begin_of(first_day(today)),
            Alert.child != WHOLE_FEED[0],
            *where,
        )
        .cte("each")
        .prefix_with("MATERIALIZED")
    )
    c = each.c
    by: tuple[Any, ...] = (c.rule, c.team, c.worker, days.month(c.met), c.closed_as, days.between(c.due, c.met))
    is_text = session.get_bind().dialect.name == "sqlite"
    first, last = (day.isoformat() if is_text else day for day in (first_day(today), today))
    return select(*by, func.count()).where(c.met.between(first, last), c.due.is_not(None)).group_by(*by)


def _overdue(*where: ColumnElement[bool]) -> Select[Any]:
    """What is overdue now and told of: what another alert speaks for waits there already."""
    by: tuple[Any, ...] = (Alert.rule, Alert.team, Alert.worker)
    is_overdue = (Alert.state == "open", Alert.stage == "overdue", Alert.muted == "", Alert.child != WHOLE_FEED[0])
    return select(*by, func.count()).where(*is_overdue, *where).group_by(*by)


_DISPUTED: Final = {None: "", 1: "rejected", 2: "open", 3: "upheld"}


def _told(today: date, *where: ColumnElement[bool]) -> Select[Any]:
    """What a message told somebody of, and that changed since the first day looked at, by how its weightiest dispute
    stands. A dispute that was taken back says nothing."""
    weight = case((Handling.ended_why.is_(None), 2), (Handling.ended_why == "upheld", 3), else_=1)
    stands = Handling.ended_why.is_(None) | Handling.ended_why.in_(("upheld", "rejected"))
    disputes = (
        select(Handling.alert_id, func.max(weight).label("weight"))
        .where(Handling.kind == "dispute", stands)
        .group_by(Handling.alert_id)
        .subquery()
    )
    by: tuple[Any, ...] = (Alert.rule, Alert.team, Alert.worker, disputes.c.weight, Alert.closed_as)
    return (
        select(*by, func.count())
        .outerjoin(disputes, disputes.c.alert_id == Alert.id)
        .where(
            _is_told(few=bool(where)),
            Alert.changed_at >= begin_of(first_day(today)),
            Alert.child != WHOLE_FEED[0],
            *where,
        )
        .group_by(*by)
    )


def _is_told(*, few: bool) -> ColumnElement[bool]:
    """Whether a message told somebody of an alert. Of a ``few`` that is looked up for each; of all, the notices are
    gone through once, which takes half as long."""
    notices = select(Notice.alert_id).where(Notice.composed_into.is_not(None))
    if not few:
        return Alert.id.in_(notices.union(select(DeliveryAlert.alert_id)))
    told_so = select(DeliveryAlert.id).where(DeliveryAlert.alert_id == Alert.id)
    return notices.where(Notice.alert_id == Alert.id).exists() | told_so.exists()


def team_of(directory: Directory, team: str | None, worker: str | None) -> str:
    """The team that had a child; blank for none that is known."""
    return directory.team_of(Holding(worker, team)) or ""
