"""A last look before a message leaves: is it still for this person, at this address, about something open.

Between composing and sending somebody may have left, a child may have changed hands, an alert may have
closed. What no longer holds is taken back, and what it told is owed again to whoever it is now for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, bindparam, exists, func, literal, select
from sqlalchemy.orm import Session, aliased

from alertd.cases.holding import Holding
from alertd.db.tables import Alert, Delivery, DeliveryAlert, Handling, Notice
from alertd.outbox.deliver import EMAIL
from alertd.people.directory import Directory, Route
from alertd.routing.digest import SUBSCRIBER


def why_not_now(session: Session, directory: Directory, deliveries: Collection[str], today: date) -> dict[str, str]:
    """Why these messages to staff must not be sent as they are, by id; those that may are left out. Reads only.

    What closed since does not take back a message whose answer was lost before: it may have arrived.
    """
    going = _going(session, deliveries)
    tells = [one.tells for one in going]
    told, handed, later = _told(session, tells), _handed(session, tells), _later_digests(session, going)
    found = {}
    for one in going:
        why = _address_changed(directory, one, today) or later.get(one.tells, "")
        why = why or _told_wrongly(directory, one, told.get(one.tells, ()), handed, today)
        if why:
            found[one.id] = why
    return found


class _Going(NamedTuple):
    """What of a delivery is looked at again: all but its message. ``tells`` is the delivery whose words it has: its
    own, or that for which it stands in, whose digest it then is."""

    id: str
    tells: str
    person: str
    address: str
    channel: str
    digest_for: str | None
    unknown_attempts: int

    def is_at(self, address: str, fallback: Route | None) -> bool:
        """Whether it goes where somebody with this address and this other channel is told today. By that other one
        also goes what they asked to hear by it, which stands in for nothing."""
        if self.tells == self.id and self.channel == EMAIL:
            return self.address == address
        return fallback == Route(self.channel, self.address)


def _going(session: Session, deliveries: Collection[str]) -> list[_Going]:
    return [_Going(*row) for row in session.execute(_GOING, {"ids": list(deliveries)})]


def _told_wrongly(
    directory: Directory,
    going: _Going,
    told: Iterable[_Told],
    handed: Mapping[tuple[str, int], str | None],
    today: date,
) -> str:
    """Why they must not hear of one of the alerts, or not as the message says."""
    for one in told:
        if why := directory.may_hear(going.person, one.child, today) or _not_so(one, going):
            return why
        if one.kind == "told" and one.role != SUBSCRIBER:
            instead = handed.get((going.tells, one.id)) if one.role == "worker" else None
            now = directory.resolve(one.role, Holding(instead or one.worker, one.team), today, child=one.child)
            if now.person_id != going.person or not going.is_at(now.address, now.fallback):
                return f"{one.role} is now {now.person_id}: {now.how}"
    return ""


def _handed(session: Session, deliveries: Collection[str]) -> dict[tuple[str, int], str | None]:
    """To whom alerts are handed over, by delivery and alert."""
    rows = session.execute(_HANDED, {"ids": list(deliveries)})
    return {(delivery, alert): to for delivery, alert, to in rows}


def _later_digests(session: Session, going: Iterable[_Going]) -> dict[str, str]:
    """Digests that waited so long that there is one of a later day: what is older must not arrive after it. By the
    delivery that was the digest."""
    digests = {one.tells for one in going if len(one.digest_for or "") == _DAY and not one.unknown_attempts}
    if not digests:
        return {}
    rows = session.scalars(_LATER_DIGEST, {"ids": list(digests)})
    return dict.fromkeys(rows, "there is a digest of a later day")


_DAY: Final = len("2026-11-26")


class _Told(NamedTuple):
    """One alert that a message tells of, as which role and in which sense."""

    id: int
    child: str
    worker: str | None
    team: str | None
    state: str
    muted: str
    role: str
    kind: str


def _told(session: Session, deliveries: Collection[str]) -> dict[str, list[_Told]]:
    """Each alert that these messages tell of, by delivery; of somebody who is told as two roles, each of them."""
    found: dict[str, list[_Told]] = defaultdict(list)
    for row in session.execute(_TOLD, {"ids": list(deliveries)}):
        found[row[0]].append(_Told(*row[1:]))
    return found


def _not_so(one: _Told, delivery: _Going) -> str:
    """What the message says of an alert that is not so any more; it may be repeated where it may have arrived."""
    if delivery.unknown_attempts:
        return ""
    if one.kind == "clear":
        return "" if one.state == "closed" else "an alert it says is over is open again"
    if one.state == "closed":
        return "an alert it tells of has closed"
    return f"an alert it tells of is muted: {one.muted}" if one.muted else ""


def _address_changed(directory: Directory, delivery: _Going, today: date) -> str:
    """Whether the person is not here any more, or is reached elsewhere."""
    fallback = None
    if delivery.person in (WATCHDOG, SIGN_IN):
        return ""
    if delivery.person == "duty":
        address, fallback = directory.duty, directory.duty_fallback
    elif delivery.person.startswith("team:"):
        team = directory.teams.get(delivery.person.removeprefix("team:"))
        address, fallback = (team.inbox or "", team.fallback) if team else ("", None)
    else:
        person = directory.people.get(delivery.person)
        if person is None:
            return f"{delivery.person} is not in the staff directory any more"
        if absence := person.absence(today):
            return f"{delivery.person} {absence}"
        address, fallback = person.address, person.fallback
    return "" if delivery.is_at(address, fallback) else f"{delivery.person} has another address now"


SIGN_IN: Final = "sign-in"
"""Whom a link to sign in goes to: whoever asked for it, be they away or of an agency. It tells of no alert."""
WATCHDOG: Final = "watchdog"
"""Whom the message goes to that only shows that messages go: nobody of the staff."""

# The statements are made once: each message is looked at, and to make them anew took longer than to ask them.

_THESE: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_FIRST, _OTHER = aliased(Delivery), aliased(Delivery)
_ALERT: Final = (Alert.id, Alert.child, Alert.worker, Alert.team, Alert.state, Alert.muted)

_GOING: Final = (
    select(
        Delivery.id,
        func.coalesce(_FIRST.id, Delivery.id),
        Delivery.person,
        Delivery.address,
        Delivery.channel,
        func.coalesce(_FIRST.digest_for, Delivery.digest_for),
        Delivery.unknown_attempts,
    )
    .outerjoin(_FIRST, _FIRST.id == Delivery.stands_in_for)
    .where(Delivery.id.in_(_THESE))
)

_HANDED: Final = (
    select(DeliveryAlert.delivery_id, Handling.alert_id, Handling.to)
    .join(DeliveryAlert, DeliveryAlert.alert_id == Handling.alert_id)
    .where(DeliveryAlert.delivery_id.in_(_THESE))
    .where(Handling.kind == "hand_over", Handling.ended_at.is_(None))
    .order_by(Handling.at, Handling.id)
)

_LATER_DIGEST: Final = (
    select(Delivery.id)
    .where(Delivery.id.in_(_THESE))
    .where(
        exists().where(
            _OTHER.person == Delivery.person,
            _OTHER.channel == Delivery.channel,
            _OTHER.digest_for > Delivery.digest_for,
            func.length(_OTHER.digest_for) == _DAY,
            _OTHER.state != "cancelled",
        )
    )
)

_TOLD: Final = (
    select(DeliveryAlert.delivery_id, *_ALERT, DeliveryAlert.role, DeliveryAlert.kind)
    .join(DeliveryAlert, DeliveryAlert.alert_id == Alert.id)
    .where(DeliveryAlert.delivery_id.in_(_THESE))
    .union(
        select(Notice.composed_into, *_ALERT, Notice.role, literal("told"))
        .join(Notice, Notice.alert_id == Alert.id)
        .where(Notice.composed_into.in_(_THESE))
    )
)
