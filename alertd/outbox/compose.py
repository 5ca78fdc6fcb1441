"""From notices to deliveries: who each role is now, and the one message that tells them.

Urgent notices are composed at once, the rest into each person's digest when it is due. A notice is
settled in the same transaction that creates its delivery, so it is told once or still waiting.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from html import escape

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from alertd.alerts.muting import SPOKEN_FOR
from alertd.calendars.calendar import Calendar
from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.tables import Alert, AlertEvent, Delivery, DeliveryEvent, Notice
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.errors import InputError
from alertd.outbox import store
from alertd.people.directory import LINE, Directory, Resolved
from alertd.routing.digest import compose_digest, compose_urgent, digest_is_due
from alertd.routing.mails import ClearedItem, DigestItem
from alertd.routing.next_step import next_step
from alertd.routing.render import Rendered, render_digest, render_urgent, to_message
from alertd.rulebook.model import Rulebook

URGENT_AT_ONCE = 3
"""More urgent alerts than this for one person at one time go as one message, not as many."""


@dataclass(frozen=True, slots=True)
class Composer:
    """What composing needs to know; ``new_id`` makes UUIDs, ``digest_at`` is the digest's time of day in London."""

    directory: Directory
    rulebook: Rulebook
    calendar: Calendar
    sender: str
    digest_at: time
    new_id: Callable[[], str]
    channel: str = "email"


@dataclass(slots=True)
class Composed:
    """How many messages were made, and those that could not be, each with its reason."""

    urgent: int = 0
    digests: int = 0
    dropped: int = 0
    held: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Told:
    """One open alert as told, or to be told, to one person; ``waiting`` are its unsettled notices."""

    item: DigestItem
    waiting: tuple[int, ...]
    urgent: tuple[int, ...]


def compose(session: Session, composer: Composer, now: datetime) -> Composed:
    """Turn what waits into deliveries, in the session's transaction. Nothing is sent here."""
    done = Composed()
    done.dropped = _drop_closed(session)
    people, told = _who_is_told(session, composer, local_day(now))
    for person_id, items in told.items():
        resolved = people[person_id]
        _urgent(session, composer, resolved, items, now, done)
        try:
            done.digests += _digest(session, composer, resolved, items, now, told)
        except InputError as error:
            done.held.append(f"{person_id}: {error}")
    return done


def _drop_closed(session: Session) -> int:
    """Settle notices of alerts that closed before anybody was told: there is nothing left to do."""
    closed = select(Alert.id).where(Alert.state == "closed")
    waiting = Notice.composed_into.is_(None) & Notice.dropped.is_(None)
    dropped = update(Notice).where(waiting, Notice.alert_id.in_(closed)).values(dropped="the alert closed first")
    return session.connection().execute(dropped).rowcount


def _who_is_told(
    session: Session, composer: Composer, today: date
) -> tuple[dict[str, Resolved], dict[str, list[_Told]]]:
    """Every open alert under each person told of it, by the role they were told as."""
    rows = session.execute(
        select(Alert, Notice.role, Notice.id, Notice.urgent, Notice.composed_into, AlertEvent.late)
        .join(Notice, Notice.alert_id == Alert.id)
        .join(AlertEvent, AlertEvent.id == Notice.event_id)
        .where(Alert.state == "open", Alert.muted == "", Notice.dropped.is_(None))
        .order_by(Alert.id, Notice.id)
    )
    notices: dict[tuple[Alert, str], list[tuple[int, bool, str | None, bool]]] = defaultdict(list)
    for alert, role, notice_id, urgent, composed_into, late in rows:
        notices[alert, role].append((notice_id, urgent, composed_into, late))
    speaks_for = _spoken_for(session, composer)
    people: dict[str, Resolved] = {}
    told: dict[str, list[_Told]] = defaultdict(list)
    settled: dict[tuple[str, Holding], Resolved] = {}
    for (alert, role), found in notices.items():
        held = Holding(alert.worker, alert.team)
        resolved = settled.get((role, held))
        if resolved is None:
            resolved = settled[role, held] = composer.directory.resolve(role, held, today)
        waiting = [(id_, urgent) for id_, urgent, composed_into, _ in found if composed_into is None]
        item = _item(alert, role, held, resolved, composer, today)
        if item is None:
            continue
        late = any(late for _, _, composed_into, late in found if composed_into is None)
        spoken_for = tuple(sorted(speaks_for.get((alert.child, alert.rule), ())))
        item = replace(item, is_new=bool(waiting), late=late, stands_for=spoken_for)
        people[resolved.person_id] = resolved
        # A date may have moved since the notice was written: what is no longer due waits for the digest.
        is_due = item.finding.stage in ("due", "overdue")
        at_once = tuple(id_ for id_, urgent in waiting if urgent and is_due)
        told[resolved.person_id].append(_Told(item, tuple(id_ for id_, _ in waiting if id_ not in at_once), at_once))
    return people, told


def _spoken_for(session: Session, composer: Composer) -> dict[tuple[str, str], set[str]]:
    """Titles of the open alerts that another speaks for, by (child, rule of the one that is told)."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    rows = session.execute(
        select(Alert.child, Alert.rule, Alert.team, Alert.muted).where(
            Alert.state == "open", Alert.muted.startswith(SPOKEN_FOR)
        )
    ).all()
    speaker = {(child, rule_id): muted.removeprefix(SPOKEN_FOR) for child, rule_id, _, muted in rows}
    for child, rule_id, team, muted in rows:
        rule = composer.rulebook.of_team(team).rule(rule_id)
        by, passed = muted.removeprefix(SPOKEN_FOR), {rule_id}
        while (child, by) in speaker and by not in passed:  # what is spoken for itself is not the one that is told
            passed.add(by)
            by = speaker[child, by]
        if rule:
            found[child, by].add(rule.title)
    return found


def _item(
    alert: Alert, role: str, held: Holding, resolved: Resolved, composer: Composer, today: date
) -> DigestItem | None:
    whole_feed = (alert.child, alert.record) == WHOLE_FEED
    book = composer.rulebook.having(alert.rule) if whole_feed else composer.rulebook.of_team(alert.team)
    rule = book.rule(alert.rule)
    if rule is None:  # the rule was removed; the next evaluation closes its alerts
        return None
    finding = Finding.from_json(alert.finding)
    if role == "data_owner" and finding.cannot_tell is None:  # it can be told now, and is the worker's
        return None
    step = next_step(finding, rule, book, composer.calendar, today)
    return DigestItem(alert.id, finding, rule, held, role, resolved.how, False, step)


def _urgent(
    session: Session, composer: Composer, person: Resolved, items: Iterable[_Told], now: datetime, done: Composed
) -> None:
    """One message for each urgent alert, or one for all where there are many. One that cannot be made
    holds up no other."""
    waiting: dict[int, _Told] = {}
    for told in sorted(items, key=lambda t: t.item.role != "worker"):  # told as two roles, they are told once
        if told.urgent:
            first = waiting.get(told.item.alert_id)
            waiting[told.item.alert_id] = replace(first, urgent=first.urgent + told.urgent) if first else told
    today, calendar, directory = local_day(now), composer.calendar, composer.directory
    messages: list[tuple[Rendered, tuple[int, ...]]] = []
    if len(waiting) > URGENT_AT_ONCE:
        together = [t.item for t in waiting.values()]
        digest = compose_digest(together, today=today, calendar=calendar, directory=directory)
        messages.append((render_digest(digest), tuple(id_ for t in waiting.values() for id_ in t.urgent)))
    else:
        for one in waiting.values():
            mail = render_urgent(compose_urgent(one.item, today=today, calendar=calendar))
            messages.append((mail, one.urgent))
    for mail, notices in messages:
        try:
            _deliver(session, composer, person, mail, now, notices, urgent=True)
            done.urgent += 1
        except InputError as error:
            done.held.append(f"{person.person_id}: {error}")


def _digest(
    session: Session,
    composer: Composer,
    person: Resolved,
    items: Iterable[_Told],
    now: datetime,
    everybody: Mapping[str, list[_Told]],
) -> int:
    items = list(items)
    last, last_at = _last_digest(session, person)
    waiting = [id_ for t in items for id_ in t.waiting]
    is_due, _ = digest_is_due(
        now,
        at=composer.digest_at,
        calendar=composer.calendar,
        last=last,
        waiting=len(waiting),
        overdue=sum(t.item.finding.stage == "overdue" for t in items),
    )
    if not is_due:
        return 0
    today = local_day(now)
    digest = compose_digest(
        [t.item for t in items],
        today=today,
        calendar=composer.calendar,
        directory=composer.directory,
        cleared=_cleared(session, composer, person, last_at) if last_at else (),
        load=_load(composer.directory, person, everybody),
    )
    _deliver(session, composer, person, render_digest(digest), now, waiting, digest_for=today.isoformat())
    return 1


def _last_digest(session: Session, person: Resolved) -> tuple[date | None, datetime | None]:
    row = session.execute(
        select(Delivery.digest_for, Delivery.created_at)
        .where(Delivery.person == person.person_id, func.length(Delivery.digest_for) == len("2026-11-26"))
        .order_by(Delivery.digest_for.desc())
        .limit(1)
    ).first()
    return (date.fromisoformat(row[0]), row[1]) if row and row[0] else (None, None)


def _cleared(session: Session, composer: Composer, person: Resolved, since: datetime) -> list[ClearedItem]:
    """The alerts this person was told of that have closed since their last digest."""
    rows = session.execute(
        select(Alert.id, Alert.finding, Alert.closed_as, Alert.team)
        .join(Notice, Notice.alert_id == Alert.id)
        .join(Delivery, Delivery.id == Notice.composed_into)
        .where(Delivery.person == person.person_id, Alert.state == "closed", Alert.changed_at > since)
        .order_by(Alert.id)
    )
    found: dict[int, ClearedItem] = {}
    for id_, data, closed_as, team in rows:
        finding = Finding.from_json(data)
        rule = composer.rulebook.of_team(team).rule(finding.rule)
        if rule:
            found[id_] = ClearedItem(finding, rule, closed_as)
    return list(found.values())


def _load(directory: Directory, person: Resolved, everybody: Mapping[str, list[_Told]]) -> list[tuple[Holding, str]]:
    """(who holds, stage) of every open alert in the teams a manager answers for; nothing for others."""
    manager = directory.people.get(person.person_id)
    if manager is None or manager.role not in LINE or manager.team is None:
        return []
    under = directory.teams_under(manager.team)
    alerts = {t.item.alert_id: t.item for told in everybody.values() for t in told}
    return [(i.holding, i.finding.stage) for i in alerts.values() if directory.team_of(i.holding) in under]


def _deliver(
    session: Session,
    composer: Composer,
    person: Resolved,
    mail: Rendered,
    now: datetime,
    notices: Sequence[int],
    *,
    urgent: bool = False,
    digest_for: str | None = None,
) -> None:
    id_ = composer.new_id()
    message = to_message(
        mail,
        delivery_id=id_,
        sender=composer.sender,
        to_name=person.name,
        to_address=person.address,
        date=now,
    )
    store.add(
        session,
        delivery_id=id_,
        person=person.person_id,
        address=person.address,
        resolved_by=person.how,
        channel=composer.channel,
        message=message,
        now=now,
        urgent=urgent,
        digest_for=digest_for,
    )
    if notices:  # one by one, because a list of ids can be longer than a statement may
        session.execute(update(Notice), [{"id": notice, "composed_into": id_} for notice in notices])


def tell_of_undelivered(session: Session, composer: Composer, now: datetime) -> int:
    """Tell somebody, once a day, which messages were refused or parked since they last heard of it.

    The data owner is told; where it was their own message that did not arrive, the duty address.
    Returns how many messages that was.
    """
    heard = select(func.max(Delivery.created_at)).where(Delivery.digest_for.like("%:undelivered"))
    since = session.scalar(heard) or datetime.min.replace(tzinfo=UTC)
    rows = session.execute(
        select(Delivery.id, Delivery.person, Delivery.state, Delivery.reason)
        .join(DeliveryEvent, DeliveryEvent.delivery_id == Delivery.id)
        .where(Delivery.state.in_(("refused", "parked")), DeliveryEvent.to_state == Delivery.state)
        .where(DeliveryEvent.at >= since)
        .order_by(DeliveryEvent.id)
    ).all()
    if not rows:
        return 0
    owner = composer.directory.resolve("data_owner", Holding(), local_day(now)).person_id
    told = tell_operator(
        session,
        composer,
        now,
        about="undelivered",
        subject="alertd could not deliver some messages",
        lines=[
            f"{len(rows)} messages did not reach whom they were for. Tell them another way; mend the address:",
            *(f"to {person}: {state}: {reason} (message {id_})" for id_, person, state, reason in rows[:20]),
        ],
        role="duty" if any(person == owner for _, person, _, _ in rows) else "data_owner",
    )
    return len(rows) if told else 0


def tell_operator(
    session: Session,
    composer: Composer,
    now: datetime,
    *,
    about: str,
    subject: str,
    lines: Iterable[str],
    role: str = "data_owner",
) -> bool:
    """Tell the data owner that alertd itself needs attention; at most once a day about one thing.

    Returns whether a message was made. ``about`` names the thing, as ``feed``.
    """
    today = local_day(now)
    person = composer.directory.resolve(role, Holding(), today)
    key = f"{today}:{about}"
    told = select(Delivery.id).where(Delivery.person == person.person_id, Delivery.digest_for == key)
    if session.execute(told).first():
        return False
    text = "\n".join(lines)
    html = "".join(f"<p>{line}</p>" for line in map(escape, text.splitlines()))
    mail = Rendered(subject, subject, text, f'<!doctype html><html lang="en-GB"><body>{html}</body></html>')
    _deliver(session, composer, person, mail, now, (), urgent=True, digest_for=key)
    return True
