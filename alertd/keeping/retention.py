"""How long things are kept: what has been kept for longer. Reads only; :mod:`alertd.keeping.deletion` deletes.

Never what is open or awaited, what something that stays refers to, or anything of a child that is held. An alert whose
record a feed still holds stays too: it would be found again, and told again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from alertd.cases.records import local_day
from alertd.db.access_tables import SignIn
from alertd.db.base import Moment
from alertd.db.partner_tables import Notification, NotificationEvent
from alertd.db.tables import Alert, CaseVersion, Delivery, DeliveryAlert, DeliveryEvent, FeedRun, Handling, Notice
from alertd.intake.bodies import unpack
from alertd.intake.store import EVER
from alertd.keeping.subject_access import Child

KINDS: Final = ("case_versions", "notifications", "handlings", "alerts", "messages", "deliveries", "sessions")
"""In the order in which they can go: what is told of an alert before the alert, the alert before its messages."""

ENDED: Final = ("delivered", "cancelled", "refused")
SETTLED: Final = ("acknowledged", "withdrawn")

Old = dict[Any, datetime]
"""What is old, by its id: when it was last what it is."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Until when what ended has been kept long enough, by kind; a kind that is not there is kept for ever. Nothing goes
    of the children in ``hold``. ``called`` makes a child of its reference."""

    until: Mapping[str, datetime]
    hold: tuple[Child, ...] = ()
    called: Callable[[str], Child] = lambda child: Child(frozenset({child}))

    def held(self, child: str) -> bool:
        """Whether nothing of a child may go, by its reference."""
        return any(child in one.numbers for one in self.hold)

    def held_in(self, feed: str, number: str) -> bool:
        """The same by a feed's own number of it."""
        return any(number in one.called(feed) for one in self.hold)


@dataclass(slots=True)
class Plan:
    """What would be deleted, by kind."""

    old: dict[str, Old] = field(default_factory=dict)

    def by_year(self) -> dict[str, dict[int, int]]:
        """How many of each kind, by the year from which they are. Counts only."""
        counted = {kind: Counter(local_day(at).year for at in found.values()) for kind, found in self.old.items()}
        return {kind: dict(sorted(years.items())) for kind, years in counted.items()}


def plan(session: Session, policy: Policy) -> Plan:
    """Find what has been kept long enough, each kind as if those before it were gone."""
    found = Plan()
    finders = {
        "case_versions": _case_versions,
        "notifications": _notifications,
        "handlings": _handlings,
        "alerts": _alerts,
        "messages": _messages,
        "deliveries": _deliveries,
        "sessions": _sessions,
    }
    for kind in KINDS:
        until = policy.until.get(kind)
        found.old[kind] = finders[kind](session, until, policy, found) if until else {}
    return found


def ended_alert(until: datetime) -> Any:
    """What must hold of an alert that goes."""
    return and_(Alert.state == "closed", Alert.changed_at < until)


def ended_handling(until: datetime) -> Any:
    """What must hold of what somebody said, for it to go."""
    return Handling.ended_at < until


def over(until: datetime) -> Any:
    """What must hold of a session that goes. A token of a program ends only by hand."""
    unused = and_(SignIn.ended_at.is_(None), SignIn.how != "token", SignIn.seen_at < until)
    return or_(SignIn.ended_at < until, unused)


def _case_versions(session: Session, until: datetime, policy: Policy, _: Plan) -> Old:
    """Versions that a later reading took the place of, and children who are gone from the feed altogether."""
    order: dict[str, Any] = {"partition_by": (CaseVersion.feed, CaseVersion.child), "order_by": CaseVersion.id}
    said = (
        select(
            CaseVersion.id,
            CaseVersion.feed,
            CaseVersion.child,
            func.lead(FeedRun.at, type_=Moment()).over(**order).label("after"),
            FeedRun.at,
            CaseVersion.body.is_(None).label("gone"),
        )
        .join(FeedRun, and_(FeedRun.id == CaseVersion.run_id, FeedRun.outcome == "accepted"))
        .subquery()
    )
    ended = func.coalesce(said.c.after, said.c.at).label("ended")
    old = select(said.c.id, said.c.feed, said.c.child, ended)
    rows = session.execute(old.where(or_(said.c.after.is_not(None), said.c.gone), ended < until))
    return {id_: at for id_, feed, number, at in rows if not policy.held_in(feed, number)}


def _notifications(session: Session, until: datetime, policy: Policy, _: Plan) -> Old:
    last = select(func.max(NotificationEvent.at)).where(NotificationEvent.notification_id == Notification.id)
    moved = func.coalesce(last.scalar_subquery(), Notification.created_at)
    wanted = select(Notification.id, moved, Alert.child, Alert.record).join(Alert, Alert.id == Notification.alert_id)
    wanted = wanted.where(Notification.state.in_(SETTLED), Alert.state == "closed", moved < until)
    return _not_in_feeds(session, wanted, policy)


def _handlings(session: Session, until: datetime, policy: Policy, _: Plan) -> Old:
    wanted = select(Handling.id, Handling.ended_at, Alert.child).join(Alert, Alert.id == Handling.alert_id)
    wanted = wanted.where(ended_handling(until), Alert.state == "closed")
    return {id_: at for id_, at, child in session.execute(wanted) if at and not policy.held(child)}


def _alerts(session: Session, until: datetime, policy: Policy, before: Plan) -> Old:
    """With what tells of them, once nothing that stays needs them and nothing of them waits."""
    wanted = select(Alert.id, Alert.changed_at, Alert.child, Alert.record).where(ended_alert(until))
    found = _not_in_feeds(session, wanted, policy)
    waits = Delivery.state.not_in(ENDED)
    told = select(DeliveryAlert.alert_id).join(Delivery, Delivery.id == DeliveryAlert.delivery_id).where(waits)
    promised = select(Notice.alert_id).join(Delivery, Delivery.id == Notice.composed_into).where(waits)
    owed = select(Notice.alert_id).where(Notice.composed_into.is_(None), Notice.dropped.is_(None))
    needed = set(session.scalars(told)) | set(session.scalars(promised)) | set(session.scalars(owed))
    for kind, table in (("handlings", Handling), ("notifications", Notification)):
        rows = session.execute(select(table.id, table.alert_id))
        needed |= {alert for id_, alert in rows if id_ not in before.old[kind]}
    return {id_: at for id_, at in found.items() if id_ not in needed}


def _messages(session: Session, until: datetime, policy: Policy, _: Plan) -> Old:
    """Messages whose words can go: nobody will have them sent again."""
    wanted = _last_moved().where(Delivery.state.in_(("delivered", "cancelled")), Delivery.message != b"")
    kept = _of_the_held(session, policy)
    return {id_: at for id_, at in session.execute(wanted) if at < until and id_ not in kept}


def _deliveries(session: Session, until: datetime, policy: Policy, before: Plan) -> Old:
    """Their whole history, once no alert or notification that stays was told by them."""
    kept = _of_the_held(session, policy)
    gone, sent = before.old["alerts"], before.old["notifications"]
    promised = session.execute(select(Notice.composed_into, Notice.alert_id).where(Notice.composed_into.is_not(None)))
    kept |= {id_ for id_, alert in promised if id_ and alert not in gone}
    notified = select(Notification.delivery_id, Notification.id).where(Notification.delivery_id.is_not(None))
    kept |= {id_ for id_, row in session.execute(notified) if id_ and row not in sent}
    wanted = _last_moved().where(Delivery.state.in_(ENDED))
    found = {id_: at for id_, at in session.execute(wanted) if at < until and id_ not in kept}
    stands_in = select(Delivery.id, Delivery.stands_in_for).where(Delivery.stands_in_for.is_not(None))
    firsts = {other: first for other, first in session.execute(stands_in) if other not in found}
    while firsts:  # what stays keeps what it stands in for, and so on
        kept = {first for first in firsts.values() if first and found.pop(first, None)}
        firsts = {other: first for other, first in session.execute(stands_in) if other in kept}
    return found


def _sessions(session: Session, until: datetime, _: Policy, __: Plan) -> Old:
    wanted = select(SignIn.id, func.coalesce(SignIn.ended_at, SignIn.seen_at)).where(over(until))
    return dict(session.execute(wanted).all())


def _last_moved() -> Select[str, datetime]:
    last = select(func.max(DeliveryEvent.at)).where(DeliveryEvent.delivery_id == Delivery.id).scalar_subquery()
    return select(Delivery.id, func.coalesce(last, Delivery.created_at))


def _of_the_held(session: Session, policy: Policy) -> set[str]:
    """The messages that tell of a child of whom nothing may go."""
    if not policy.hold:
        return set()
    alerts = [id_ for id_, child in session.execute(select(Alert.id, Alert.child)) if policy.held(child)]
    found: set[str] = set()
    pairs = (
        (DeliveryAlert.delivery_id, DeliveryAlert.alert_id),
        (Notice.composed_into, Notice.alert_id),
        (Notification.delivery_id, Notification.alert_id),
    )
    for at in range(0, len(alerts), 500):
        for column, by in pairs:
            found.update(id_ for id_ in session.scalars(select(column).where(by.in_(alerts[at : at + 500]))) if id_)
    return found


def _not_in_feeds(session: Session, wanted: Select[int, datetime, str, str], policy: Policy) -> Old:
    """Of rows (id, when, child, record) those whose record no feed holds any more."""
    rows = [row for row in session.execute(wanted).all() if not policy.held(row[2])]
    feeds = session.scalars(select(FeedRun.feed).distinct()).all()
    held: dict[str, set[str]] = {}
    for child in {row[2] for row in rows}:
        whose = policy.called(child)
        held[child] = set[str]().union(*(_in_force(session, feed, whose.called(feed)) for feed in feeds))
    return {id_: at for id_, at, child, record in rows if record not in held[child]}


def _in_force(session: Session, feed: str, numbers: Iterable[str]) -> set[str]:
    """The records that a feed holds now of a child, by every number it has there."""
    latest = (
        select(func.max(CaseVersion.id))
        .join(FeedRun, and_(FeedRun.id == CaseVersion.run_id, FeedRun.outcome == "accepted"))
        .where(CaseVersion.feed == feed, CaseVersion.child.in_(sorted(numbers)))
        .group_by(CaseVersion.child)
    )
    bodies = session.execute(select(CaseVersion.child, CaseVersion.body).where(CaseVersion.id.in_(latest)))
    return {record.ref for child, body in bodies if body is not None for record in unpack(child, body, EVER).records}
