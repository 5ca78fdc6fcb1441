"""How an installation stands: its feeds, what is open, what was sent, and everything that waits for somebody.

Read from the database, the staff files and the clock; nothing is kept for it. What is held now is found by
planning what would be told now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from alertd import watchdog
from alertd.alerts import silence_store
from alertd.alerts.handlings import handled
from alertd.alerts.muting import HELD
from alertd.bootstrap import House
from alertd.cases.records import in_words, local_day
from alertd.db.engine import reading
from alertd.db.leading import latest, somebody_leads
from alertd.db.partner_tables import Notification
from alertd.db.tables import Alert, Delivery
from alertd.intake import store as intake
from alertd.intake.freshness import why_stale
from alertd.outbox import epoch
from alertd.outbox.compose import held_now
from alertd.outbox.deliver import Composer
from alertd.outbox.planned import Plan
from alertd.outbox.reached import unreached
from alertd.outbox.reconcile import odds
from alertd.outbox.standing import ChannelStanding, answers, at_work, channels
from alertd.outbox.store import counts

AN_HOUR = timedelta(hours=1)
LOOKS_BACK = timedelta(days=7)
"""How long a message that did not arrive is shown after it was made."""

SHOWN = 20
"""Things of one sort that are shown; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Waits:
    """One thing that waits for somebody: what it is, who must act, and what they do.

    ``without_details`` is what it is for somebody who may see no child; blank where ``what`` says nothing of one.
    """

    what: str
    who: str
    do: str
    without_details: str = ""


@dataclass(slots=True)
class Status:
    """Everything there is to say. ``waits`` is empty where nobody has to do anything."""

    at: datetime
    feeds: list[str] = field(default_factory=list)
    alerts: dict[str, int] = field(default_factory=dict)
    muted: dict[str, int] = field(default_factory=dict)
    handled: dict[str, int] = field(default_factory=dict)
    deliveries: dict[str, int] = field(default_factory=dict)
    notifications: dict[str, int] = field(default_factory=dict)
    nobody_to_tell: int = 0
    channels: list[ChannelStanding] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    """Receipts of the last days, by kind."""
    at_work: dict[str, datetime | None] = field(default_factory=dict)
    """When each part was last at work, as the database knows it."""
    leader: str = ""
    """Which daemon leads, and since when."""
    epoch: str = ""
    """Whether a restored database would be noticed, and whether this one is."""
    watchdog: str = ""
    waits: list[Waits] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self) | {
            "at": self.at.isoformat(),
            "channels": {one.channel: one.as_json() for one in self.channels},
            "at_work": {what: at and at.isoformat() for what, at in self.at_work.items()},
        }


def status(house: House) -> Status:
    """How things stand now. Reads only."""
    now = house.clock()
    composer = house.composer_now()
    found = Status(now)
    with Session(reading(house.engine)) as session:
        plan = held_now(session, composer, now)
        found.nobody_to_tell = plan.nobody.total()
        found.alerts = _counted(session, Alert.stage, Alert.state == "open", Alert.muted == "")
        muted = _counted(session, Alert.muted, Alert.state == "open", Alert.muted != "")
        found.muted = dict(_sorts_of_muting(muted))
        found.deliveries = counts(session)
        found.notifications = _counted(session, Notification.state)
        found.channels = channels(session, tuple(house.notifiers))
        found.answers, found.at_work = answers(session, now - LOOKS_BACK), at_work(session)
        found.leader = _leader(house, session)
        found.handled = dict(Counter(one.kind for said in handled(session).values() for one in said))
        for sort in (
            _feeds(house, session, now, found),
            _staff(house),
            _held(plan),
            _floods(session),
            _undelivered(session, now),
            _unreached(session, composer, now),
            _epoch(house, found),
            _watchdog(house, session, now, found),
            _odds(session, composer, now),
            _disputes(session),
            _silences(session, now),
            _agencies(session),
        ):
            found.waits += sort
    return found


def _leader(house: House, session: Session) -> str:
    term = latest(session)
    if term is None:
        return "no daemon has run on this database yet"
    if somebody_leads(house.engine):
        return f"{term} leads since {in_words(term.since)}"
    return f"none leads now; the last to take the lead was {term}, {in_words(term.since)}"


def _counted(session: Session, column: Any, *where: Any) -> dict[str, int]:
    rows = session.execute(select(column, func.count()).where(*where).group_by(column).order_by(column))
    return {str(value): n for value, n in rows}


def _sorts_of_muting(muted: dict[str, int]) -> Counter[str]:
    """By the first words: why nobody is told, without which rule speaks for it or who silenced it."""
    sorts: Counter[str] = Counter()
    for why, n in muted.items():
        sorts[why.partition(":")[0].partition(" by ")[0]] += n
    return sorts


def _feeds(house: House, session: Session, now: datetime, found: Status) -> Iterator[Waits]:
    for feed in house.settings.feed:
        standing, where = intake.standing(session, feed.name), f"feed {feed.name}"
        if standing is None:
            found.feeds.append(f"{where}: never read")
            yield Waits(
                f"{where} was never read", "whoever runs alertd", "alertd sources sync says why, or alertd check"
            )
            continue
        found.feeds.append(
            f"{where}: {standing.children} children, read {in_words(standing.at)}, new {in_words(standing.fresh_at)}"
        )
        if stale := why_stale(feed.name, standing.fresh_at, feed.stale(standing.children), now, house.calendar):
            yield Waits(stale, "data owner", "See whether the nightly refresh runs, and where alertd is pointed")
        if refused := intake.refused_since(session, feed.name, standing.run):
            yield Waits(
                f"{where} was refused at its last reading: {refused}",
                "data owner",
                "Mend the feed; or start once with --accept-feed where what it lost is meant to be gone",
            )


def _staff(house: House) -> Iterator[Waits]:
    if house.staff.fault:
        yield Waits(
            f"The staff files cannot be used, and the last good reading stands: {house.staff.fault}",
            "whoever keeps the staff files",
            "Correct them; alertd people check says whether they hold",
        )


def _held(plan: Plan) -> Iterator[Waits]:
    for held in plan.held[:SHOWN]:
        who, _, why = held.partition(": ")
        yield Waits(f"A message to {who} is held: {why}", "whoever runs alertd", "Mend what it names; it is made anew")
    if len(plan.held) > SHOWN:
        yield Waits(f"{len(plan.held) - SHOWN} more messages are held", "whoever runs alertd", "Mend the first ones")
    for who, waiting in plan.withheld.items():
        alerts = sorted({one.alert.id for one in waiting})
        yield Waits(
            f"{len(alerts)} alerts of restricted children wait: {waiting[0].resolved.how}",
            who,
            f"Name in restrictions.csv who may hear of the child; alertd alerts show {alerts[0]} says which",
        )
    for why, n in plan.nobody.most_common(SHOWN):
        reason = why.removeprefix("duty address: ")
        yield Waits(
            f"Nobody to tell of {n} alerts but the duty address: {reason}",
            "whoever keeps the staff files",
            "alertd people check says what is missing and where",
        )
    for person, n in plan.over.items():
        yield Waits(f"{person} has {n} urgent alerts today", "their team manager", "See who can help")


def _floods(session: Session) -> Iterator[Waits]:
    for rule, n in _counted(session, Alert.rule, Alert.state == "open", Alert.muted == HELD).items():
        yield Waits(
            f"{n} alerts of {rule} are held back: its first messages would be a flood",
            "the officer who answers for the rules",
            f"alertd rules confirm {rule}, if the figures are right",
        )


def _undelivered(session: Session, now: datetime) -> Iterator[Waits]:
    bad = Delivery.state.in_(("refused", "parked")) & (Delivery.created_at >= now - LOOKS_BACK)
    late = (Delivery.state == "due") & (Delivery.created_at < now - AN_HOUR)
    for state, where in (("", bad), ("late", late)):
        total = session.scalar(select(func.count()).select_from(Delivery).where(where)) or 0
        rows = session.execute(
            select(Delivery.id, Delivery.person, Delivery.state, Delivery.reason, Delivery.attempts)
            .where(where)
            .order_by(Delivery.created_at.desc(), Delivery.id)
            .limit(SHOWN)
        )
        for id_, person, is_now, reason, attempts in rows:
            what = f"waits after {attempts} attempts" if state else f"was {is_now}"
            yield Waits(
                f"Message {id_} to {person} {what}: {reason or 'not tried yet'}",
                "whoever runs alertd" if state else "data owner",
                "See the relay: alertd check tries it" if state else "Tell them another way, and mend the address",
            )
        if total > SHOWN:
            yield Waits(f"{total - SHOWN} more such messages", "whoever runs alertd", "Mend the first ones")


def _unreached(session: Session, composer: Composer, now: datetime) -> Iterator[Waits]:
    """Urgent alerts that nobody was reached with."""
    found = unreached(session, composer, now)
    for one in found[:SHOWN]:
        yield Waits(str(one), "duty", f"alertd alerts show {one.alert_id} says who was tried: tell them by telephone")
    if len(found) > SHOWN:
        yield Waits(f"{len(found) - SHOWN} more urgent alerts reached nobody", "duty", "Tell the first ones first")


def _epoch(house: House, found: Status) -> Iterator[Waits]:
    file = house.settings.outbox.epoch
    if file is None:
        found.epoch = "no [outbox] epoch is set: a restored database would not be noticed"
        return
    standing = epoch.look(house.engine, file)
    found.epoch = standing.held or standing.unread or "the database knows of all that was sent"
    if standing.held:
        what = f"Nothing is sent, because {standing.held}"
        yield Waits(what, "whoever runs alertd", "alertd outbox accept-restore says what waits, and lets it go")
    elif standing.unread:
        yield Waits(f"A restored database would not be noticed: {standing.unread}", "whoever runs alertd", "Mend it")


def _watchdog(house: House, session: Session, now: datetime, found: Status) -> Iterator[Waits]:
    settings = house.settings.watchdog
    if settings is None:
        found.watchdog = "none is set: that alertd has stopped is seen by nobody outside"
        return
    last = watchdog.last_delivered(session)
    found.watchdog = f"last delivered {in_words(last)}" if last else "never delivered"
    if why := watchdog.silent(session, settings, now):
        yield Waits(why.capitalize(), "whoever runs alertd", "alertd watchdog --now says which step fails")


def _odds(session: Session, composer: Composer, now: datetime) -> Iterator[Waits]:
    """What ought not to be, whatever the other side does."""
    for one in odds(session, composer, now):
        yield Waits(str(one), "whoever runs alertd", one.do)


def _disputes(session: Session) -> Iterator[Waits]:
    open_ = [one for said in handled(session).values() for one in said if one.kind == "dispute"]
    for one in sorted(open_, key=lambda h: h.at)[:SHOWN]:
        yield Waits(
            f"Alert {one.alert_id} is disputed by {one.by} since {in_words(local_day(one.at))}",
            "the owner of the rule, or a manager above",
            f"alertd alerts resolve {one.id} --upheld or --rejected",
        )


def _silences(session: Session, now: datetime) -> Iterator[Waits]:
    for one in silence_store.recent(session, now):
        if one.stands(now):
            yield Waits(
                f"Silence {one.id} mutes {', '.join(one.rules) or 'all rules'} for {', '.join(one.teams)} until "
                f"{one.ends_in_words}",
                one.by,
                f"alertd silences end {one.id} when what was planned is over",
            )


def _agencies(session: Session) -> Iterator[Waits]:
    """What agencies are to be told and are not: what waits for approval, and what is held."""
    rows = session.execute(
        select(Notification.reference, Notification.state, Notification.why, Notification.kind, Notification.agency)
        .where(Notification.state.in_(("awaiting_approval", "held")))
        .order_by(Notification.id)
    ).all()
    for reference, state, why, kind, agency in rows[:SHOWN]:
        to = agency or kind
        if state == "held":
            yield Waits(
                f"Notification {reference} to {to} is held: {why}",
                "the child's worker and team manager",
                f"alertd partners show {reference} says what to mend",
                f"Notification {reference} is held",
            )
        else:
            yield Waits(
                f"Notification {reference} to {to} waits for approval: {why}",
                "whoever the policy names",
                f"alertd partners approve {reference}, or refuse it with a reason",
                f"Notification {reference} waits for approval",
            )
    if len(rows) > SHOWN:
        yield Waits(f"{len(rows) - SHOWN} more notifications wait", "whoever the policy names", "alertd partners list")
