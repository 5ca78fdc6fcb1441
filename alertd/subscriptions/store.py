"""The subscription table, and what the others hold that a subscription is told from.

Everything runs in the caller's session. A subscription is never deleted and never changed but to end it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.tables import Alert, AlertEvent, Delivery, DeliveryAlert, FeedRun, Notice, Subscription
from alertd.errors import InputError
from alertd.people.directory import Directory
from alertd.rulebook.model import Rule, Rulebook
from alertd.subscriptions.history import History, told_up_to
from alertd.subscriptions.model import About, Change, Wanted, has_left

SUBSCRIBED = "subscribed"
"""The kind of :class:`~alertd.db.tables.DeliveryAlert` that tells a subscriber."""


def add(session: Session, wanted: Wanted) -> Wanted:
    """Keep a subscription that was checked. Raises InputError where its owner has the same one already."""
    same = next((w for w in in_force(session, wanted.person) if _asked(w) == _asked(wanted)), None)
    if same:
        raise InputError(
            f"{wanted.person} has that subscription already: it is number {same.id}",
            fix=f"End it first to change how it is told: alertd subscriptions end {same.id}",
        )
    row = Subscription(
        person=wanted.person,
        rules=list(wanted.rules),
        teams=list(wanted.teams),
        stages=list(wanted.stages),
        severities=list(wanted.severities),
        every=wanted.every,
        channel=wanted.channel,
        at=wanted.since,
    )
    session.add(row)
    session.flush()
    return _wanted(row)


def in_force(session: Session, person: str | None = None) -> list[Wanted]:
    """The subscriptions that have not ended, of everybody or of one person, in the order they were made."""
    found = select(Subscription).where(Subscription.ended_at.is_(None)).order_by(Subscription.id)
    return [_wanted(row) for row in session.scalars(found) if person is None or row.person == person]


def end(session: Session, number: int, now: datetime) -> Wanted:
    """End a subscription. Raises InputError for one that never was or has ended."""
    row = session.get(Subscription, number)
    if row is None or row.ended_at is not None:
        what = f"there is no subscription {number}" if row is None else f"subscription {number} has ended already"
        raise InputError(what, fix="alertd subscriptions list shows those in force")
    row.ended_at = now
    session.flush()
    return _wanted(row)


def end_of_leavers(session: Session, directory: Directory, now: datetime) -> list[int]:
    """End the subscriptions of who has left; their numbers. Who is only missing from the staff files keeps theirs."""
    gone = [
        wanted.id
        for wanted in in_force(session)
        if (person := directory.people.get(wanted.person)) and has_left(person, local_day(now))
    ]
    if gone:
        session.execute(update(Subscription).where(Subscription.id.in_(gone)).values(ended_at=now))
    return gone


def watched_since(session: Session) -> datetime | None:
    """When alertd first took a reading in; None before that."""
    return session.scalar(select(func.min(FeedRun.at)).where(FeedRun.outcome == "accepted"))


def have_a_digest(session: Session, today: date) -> frozenset[tuple[str, str]]:
    """Who has had the day's digest, as (person, channel)."""
    made = (Delivery.digest_for == today.isoformat(), Delivery.state != "cancelled")
    rows = session.execute(select(Delivery.person, Delivery.channel).where(*made))
    return frozenset((person, channel) for person, channel in rows)


def told(session: Session, person: str, channel: str, since: datetime) -> dict[int, int]:
    """The last change of each alert that a subscriber was told by a channel since a moment, or will be."""
    by_then = select(func.max(AlertEvent.id)).where(
        AlertEvent.alert_id == DeliveryAlert.alert_id, AlertEvent.at <= Delivery.created_at
    )
    rows = session.execute(
        select(DeliveryAlert.alert_id, DeliveryAlert.role, by_then.scalar_subquery())
        .join(Delivery, Delivery.id == DeliveryAlert.delivery_id)
        .where(DeliveryAlert.kind == SUBSCRIBED, Delivery.person == person, Delivery.channel == channel)
        .where(Delivery.created_at >= since, Delivery.state != "cancelled")
    )
    return told_up_to((alert_id, role, latest or 0) for alert_id, role, latest in rows)


def histories(
    session: Session, rulebook: Rulebook, rules: Iterable[str], since: datetime, *, now_open: bool
) -> list[History]:
    """The alerts of these rules (ids, or beginnings with a star) of which something changed since a moment.

    ``now_open``: only those that are open and told to people. An alert whose rule is gone is left out.
    """
    asked = [Alert.changed_at >= since, or_(*map(_named, rules))]
    if now_open:
        asked += [Alert.state == "open", Alert.muted == ""]
    changes: dict[int, list[Change]] = defaultdict(list)
    levels: dict[int, int] = {}
    rows = session.execute(
        select(
            AlertEvent.id,
            AlertEvent.alert_id,
            AlertEvent.at,
            AlertEvent.from_stage,
            AlertEvent.to_stage,
            AlertEvent.level,
            AlertEvent.reason,
        )
        .join(Alert, Alert.id == AlertEvent.alert_id)
        .where(*asked)
        .order_by(AlertEvent.id)
    )
    for id_, alert_id, at, before, after, level, reason in rows:
        climbed = after == "overdue" and level > levels.get(alert_id, 0)
        levels[alert_id] = level
        changes[alert_id].append(Change(id_, at, before, after, climbed, reason))
    told_once = exists().where(Notice.alert_id == Alert.id)
    alerts = session.execute(
        select(Alert.id, Alert.rule, Alert.child, Alert.worker, Alert.team, Alert.muted, told_once).where(*asked)
    )
    found = []
    known: dict[int, dict[str, Rule]] = {}
    for id_, rule_id, child, worker, team, muted, told_ in alerts:
        book = rulebook.of_team(team)
        if id(book) not in known:
            known[id(book)] = {rule.id: rule for rule in book.rules}
        rule = known[id(book)].get(rule_id)
        if rule is not None and changes[id_]:
            about = About(rule_id, child, Holding(worker, team), book.ladders[rule.escalate].urgent)
            found.append(History(id_, rule.title, about, tuple(changes[id_]), bool(muted), told_))
    return found


def _named(asked: str) -> ColumnElement[bool]:
    return Alert.rule.startswith(asked[:-1], autoescape=True) if asked.endswith("*") else Alert.rule == asked


def _wanted(row: Subscription) -> Wanted:
    rules, teams, stages, severities = map(tuple, (row.rules, row.teams, row.stages, row.severities))
    return Wanted(row.id, row.person, rules, teams, stages, severities, row.every, row.channel, row.at)


def _asked(wanted: Wanted) -> tuple[frozenset[str], ...]:
    lists = (wanted.rules, wanted.teams, wanted.stages, wanted.severities, (wanted.every,), (wanted.channel,))
    return tuple(map(frozenset, lists))
