"""The delivery table: every statement that writes it, and the policy for what comes next.

A delivery moves ``due → sending → delivered | refused | due | parked``, through ``unknown`` when
the answer was lost, and to ``cancelled`` from ``due`` or ``parked``, or from ``sending`` where a last
look says that it must not go as it is. Each move is a row of
``delivery_event`` with its reason, written in the transaction of the move. Only the holder of a
claim's token may finish it.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import pairwise, zip_longest
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, Engine, Select, bindparam, case, false, func, insert, or_, select, true, update
from sqlalchemy.orm import Session

from alertd.db.engine import reading
from alertd.db.tables import DELIVERY_STATES, Delivery, DeliveryEvent, Notice
from alertd.outbox.channel import Letter, Outcome

WAITS: Final = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30, 60))
"""Mean wait after the first, second, … attempt that must be repeated; the last one from then on."""

WHOLE_CHANNEL_WAIT: Final = timedelta(minutes=2)
"""Longest mean wait while a whole channel is down: its mail leaves within about 5 minutes of its return."""

GIVE_UP_AGE: Final = timedelta(days=5)
"""RFC 5321, 4.5.4.1 advises to give up after 4 to 5 days."""

UNKNOWN_RETRIES: Final = 2
"""Repeats after a lost answer: each may be one more copy, so copies are at most 1 + this."""

LONGEST_ASKED: Final = timedelta(hours=2)
"""How long at most we leave the other side alone because it asked: it may be wrong, and what is due must go."""

DUE_AT_ONCE: Final = 1000
"""Due deliveries looked up at once: to sort a long backlog for each few that start would take longer than sending."""

_FURTHEST: Final = timedelta(hours=3)
"""Nothing here sets a retry further ahead; one that is was set before the clock went back."""

_LONGEST_LEASE: Final = timedelta(minutes=30)
"""Nor a lease further than this."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this process alone may send, until ``lease_until``.

    ``attempts`` counts this attempt; ``unknown_attempts`` only earlier ones.
    """

    id: str
    token: str
    lease_until: datetime
    channel: str
    destination: str
    address: str
    message: bytes
    attempts: int
    unknown_attempts: int
    created_at: datetime


_CLAIMED: Final[tuple[Any, ...]] = tuple(getattr(Delivery, field.name) for field in fields(Claimed))


def next_state(
    outcome: Outcome, attempts: int, unknown_attempts: int, created_at: datetime, now: datetime, rng: random.Random
) -> tuple[str, datetime, str]:
    """What becomes of a delivery after an attempt: its state, when it is due again, and why.

    ``attempts`` and ``unknown_attempts`` count this one. Waits are spread evenly between nothing
    and twice their mean, so that what failed together does not come back together.
    """
    if outcome.result in ("delivered", "refused"):
        return outcome.result, now, outcome.reason
    if outcome.result == "unknown" and unknown_attempts > UNKNOWN_RETRIES:
        return "parked", now, f"{outcome.reason}; the answer was lost {unknown_attempts} times: see whether it arrived"
    if now - created_at >= GIVE_UP_AGE:
        return "parked", now, f"{outcome.reason}; gave up after {GIVE_UP_AGE.days} days: tell the person another way"
    mean = WAITS[min(attempts, len(WAITS)) - 1]
    if outcome.scope == "channel":
        mean = min(mean, WHOLE_CHANNEL_WAIT)
    asked = min(outcome.retry_after or timedelta(), LONGEST_ASKED)
    return "due", now + max(2 * rng.random() * mean, asked), outcome.reason


def put(
    session: Session,
    letter: Letter,
    message: bytes,
    *,
    person: str,
    resolved_by: str,
    channel: str,
    destination: str = "",
    digest_for: str | None = None,
    stands_in_for: str | None = None,
) -> None:
    """Put a letter in the outbox as the ``message`` its channel wrote, in the caller's transaction.

    It is due when it was written; one that stands in for another delivery stands by. A second digest for the
    same person, channel and day raises ``IntegrityError``.
    """
    state = "standing_by" if stands_in_for else "due"
    session.add(
        Delivery(
            id=letter.id,
            person=person,
            address=letter.address,
            resolved_by=resolved_by,
            channel=channel,
            destination=destination,
            urgent=letter.urgent,
            digest_for=digest_for,
            stands_in_for=stands_in_for,
            message=message,
            state=state,
            next_attempt_at=letter.date,
            created_at=letter.date,
        )
    )
    session.flush()
    _record(session.connection(), letter.date, _move(letter.id, None, state, 0, resolved_by))


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is due, and where it goes."""

    id: str
    destination: str
    urgent: bool


def due(
    engine: Engine, now: datetime, channel: str, *, limit: int = DUE_AT_ONCE, leave_out: Collection[str] = ()
) -> list[Due]:
    """What of a channel is due, in the order in which it goes; nothing to the destinations that are left out.

    Urgent first. New and repeated ones take turns, so that neither a backlog of repeats holds up new mail nor a
    stream of new mail holds up repeats. Somebody else may take any of them before :func:`claim` does.
    """
    found: list[Due] = []
    with reading(engine).connect() as connection:
        for urgent in (True, False):
            fresh, again = (
                [Due(*row) for row in connection.execute(_due(now, channel, urgent, retried, leave_out, limit))]
                for retried in (False, True)
            )
            found += [one for pair in zip_longest(fresh, again) for one in pair if one is not None]
            if len(found) >= limit:
                break
    return found[:limit]


def _due(
    now: datetime, channel: str, urgent: bool, retried: bool, leave_out: Collection[str], limit: int
) -> Select[str, str, bool]:
    """One sort of what is due, in its order, which is that of the index: of a backlog of 200,000 only what is taken is
    read. The condition is written as a case because the database would else look up each of its parts by itself, and
    sort all that it finds; and as one that is true, not one that equals something, which PostgreSQL takes to be rare
    and so reads all there is."""
    set_before_the_clock_went_back = Delivery.next_attempt_at > now + _FURTHEST
    made_before_it_did = false() if retried else Delivery.created_at > now  # what was tried keeps its wait
    its_time = case(
        (Delivery.next_attempt_at <= now, true()),
        (set_before_the_clock_went_back, true()),
        (made_before_it_did, true()),
        else_=false(),
    )
    return (
        select(Delivery.id, Delivery.destination, Delivery.urgent)
        .where(
            Delivery.state == "due",
            Delivery.channel == channel,
            Delivery.urgent == (true() if urgent else false()),
            Delivery.attempts > 0 if retried else Delivery.attempts == 0,
            its_time,
            Delivery.destination.not_in(leave_out) if leave_out else true(),
        )
        .order_by(Delivery.next_attempt_at, Delivery.id)
        .limit(limit)
    )


def claim(engine: Engine, now: datetime, ids: Collection[str], lease: timedelta) -> list[Claimed]:
    """Take those of these deliveries that are still due, in their order and in one statement; nobody else gets
    them."""
    assert lease <= _LONGEST_LEASE
    values = {"b_ids": list(ids), "b_token": str(uuid4()), "b_until": now + lease}
    with engine.begin() as connection:
        found = {row[0]: Claimed(*row) for row in connection.execute(_CLAIM, values)}
        claimed = [found.pop(id_) for id_ in ids if id_ in found]
        _record(connection, now, *(_move(c.id, "due", "sending", c.attempts, "claimed") for c in claimed))
    return claimed


def finish(
    engine: Engine, outcomes: Sequence[tuple[Claimed, Outcome]], now: datetime, rng: random.Random
) -> frozenset[str]:
    """Store what became of claimed deliveries, all in one transaction; the ids of those that were still ours.

    Nothing is stored of a claim that somebody else has taken over.
    """
    with engine.begin() as connection:
        return _finish(connection, outcomes, now, rng)


def renew(engine: Engine, claims: Sequence[Claimed], until: datetime) -> None:
    """Hold on to claims whose attempts still run; one that is no longer ours stays another's."""
    if not claims:
        return
    with engine.begin() as connection:
        connection.execute(_RENEWED, [{"b_id": one.id, "b_token": one.token, "b_until": until} for one in claims])


def recover(engine: Engine, now: datetime, rng: random.Random, *, besides: Collection[str] = ()) -> int:
    """Free deliveries whose sender died or lost its lease, but for those ``besides``; their number.

    Nobody can know how far such an attempt came, so it counts as one whose answer was lost.
    """
    lost = Outcome("unknown", "the sender stopped before it could say what became of this attempt")
    expired = (
        select(*_CLAIMED)
        .where(
            Delivery.state == "sending",
            or_(Delivery.lease_until <= now, Delivery.lease_until > now + _LONGEST_LEASE),
            Delivery.id.not_in(besides) if besides else true(),
        )
        .with_for_update(skip_locked=True)
    )
    with engine.begin() as connection:
        rows = [Claimed(*row) for row in connection.execute(expired)]
        return len(_finish(connection, [(row, lost) for row in rows], now, rng))


def pause(engine: Engine, channel: str, until: datetime, reason: str) -> None:
    """Hold back a channel's due deliveries until a moment, because a fault of the channel would meet them all."""
    with engine.begin() as connection:
        connection.execute(
            update(Delivery)
            .where(Delivery.state == "due", Delivery.channel == channel, Delivery.next_attempt_at < until)
            .values(next_attempt_at=until, reason=reason)
        )


def cancel(session: Session, id: str, now: datetime, reason: str) -> bool:  # noqa: A002
    """Take a delivery back, in the caller's transaction. False when it is being sent or has ended."""
    for state in ("due", "parked"):
        attempts = session.scalar(
            update(Delivery)
            .where(Delivery.id == id, Delivery.state == state)
            .values(state="cancelled", reason=reason)
            .returning(Delivery.attempts)
        )
        if attempts is not None:
            _record(session.connection(), now, _move(id, state, "cancelled", attempts, reason))
            return True
    return False


def take_back(engine: Engine, claimed: Claimed, reason: str, now: datetime) -> bool:
    """End a claimed delivery unsent, and owe again what it told. False when the claim is no longer ours.

    What stands in for one that failed told the same. Whoever it is now for is found when the notices are composed anew.
    """
    with engine.begin() as connection:
        stored = connection.execute(
            update(Delivery)
            .where(Delivery.id == claimed.id, Delivery.token == claimed.token)
            .values(state="cancelled", reason=reason, token=None, lease_until=None, digest_for=None)
        )
        if not stored.rowcount:
            return False
        stands_in_for = select(Delivery.stands_in_for).where(Delivery.id == claimed.id).scalar_subquery()
        failed = select(Delivery.id).where(Delivery.id == stands_in_for, Delivery.state.in_(("refused", "parked")))
        owed = or_(Notice.composed_into == claimed.id, Notice.composed_into.in_(failed))
        connection.execute(update(Notice).where(owed).values(composed_into=None))
        _record(connection, now, _move(claimed.id, "sending", "cancelled", claimed.attempts, reason))
        return True


def counts(session: Session) -> dict[str, int]:
    """How many deliveries are in each state; states without any are there too, as 0."""
    found = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return dict.fromkeys(DELIVERY_STATES, 0) | {state: number for state, number in found}  # noqa: C416


def waiting_channels(engine: Engine) -> set[str]:
    """The channels of all due deliveries. Each is asked for by itself: an index knows the next one at once, where
    PostgreSQL would go through all that is due to tell them apart."""
    found: list[str] = []
    with reading(engine).connect() as connection:
        while True:
            further = Delivery.channel > found[-1] if found else true()
            one = connection.scalar(select(func.min(Delivery.channel)).where(Delivery.state == "due", further))
            if one is None:
                return set(found)
            found.append(one)


def _finish(
    connection: Connection, outcomes: Sequence[tuple[Claimed, Outcome]], now: datetime, rng: random.Random
) -> frozenset[str]:
    ids = [claimed.id for claimed, _ in outcomes]
    there = {(id_, token) for id_, token in connection.execute(_TOKENS, {"b_ids": ids})} if ids else set()
    values: list[dict[str, Any]] = []
    moves: list[Mapping[str, object]] = []
    for claimed, outcome in outcomes:
        if (claimed.id, claimed.token) not in there:
            continue
        unknown = claimed.unknown_attempts + (outcome.result == "unknown")
        state, next_attempt, reason = next_state(outcome, claimed.attempts, unknown, claimed.created_at, now, rng)
        values.append({
            "b_id": claimed.id, "b_token": claimed.token, "b_state": state, "b_reason": reason,
            "b_next": next_attempt, "b_unknown": unknown, "b_reference": outcome.reference[:200],
        })  # fmt: skip
        steps = ["sending", "unknown", state] if outcome.result == "unknown" else ["sending", state]
        moves += [_move(claimed.id, a, b, claimed.attempts, reason) for a, b in pairwise(steps)]
    if values:
        connection.execute(_OUTCOME, values)
        _record(connection, now, *moves)
    return frozenset(value["b_id"] for value in values)


# The statements of each message are made once: to make them anew took longer than the database needs for them.

_PICKED: Final = (
    select(Delivery.id)
    .where(Delivery.id.in_(bindparam("b_ids", expanding=True)), (Delivery.state + "") == "due")
    .with_for_update(skip_locked=True)  # PostgreSQL; on SQLite the transaction has the write lock
    .cte("picked")
)
"""The state is written as an expression because SQLite would otherwise go through all that is due, by its index, to
find these few: with 20,000 due that took 24 ms of each claim."""

_CLAIM: Final = (
    update(Delivery)
    .where(Delivery.id.in_(select(_PICKED.c.id)))
    .values(
        state="sending", token=bindparam("b_token"), lease_until=bindparam("b_until"), attempts=Delivery.attempts + 1
    )
    .returning(*_CLAIMED)
)

_TOKENS: Final = (
    select(Delivery.id, Delivery.token).where(Delivery.id.in_(bindparam("b_ids", expanding=True))).with_for_update()
)

_RENEWED: Final = (
    update(Delivery)
    .where(Delivery.id == bindparam("b_id"), Delivery.token == bindparam("b_token"))
    .values(lease_until=bindparam("b_until"))
)

_OUTCOME: Final = (
    update(Delivery)
    .where(Delivery.id == bindparam("b_id"), Delivery.token == bindparam("b_token"))
    .values(
        state=bindparam("b_state"),
        reason=bindparam("b_reason"),
        token=None,
        lease_until=None,
        next_attempt_at=bindparam("b_next"),
        unknown_attempts=bindparam("b_unknown"),
        reference=func.coalesce(func.nullif(bindparam("b_reference"), ""), Delivery.reference),
    )
)


_EVENT: Final = insert(DeliveryEvent)


def record(session: Session, id_: str, before: str, after: str, attempt: int, reason: str, now: datetime) -> None:
    """One move of a delivery that somebody else's statement made, in the caller's transaction."""
    _record(session.connection(), now, _move(id_, before, after, attempt, reason))


def _move(id_: str, before: str | None, after: str, attempt: int, reason: str) -> Mapping[str, object]:
    return {"delivery_id": id_, "from_state": before, "to_state": after, "attempt": attempt, "reason": reason}


def _record(connection: Connection, now: datetime, *moves: Mapping[str, object]) -> None:
    if moves:
        connection.execute(_EVENT, [{**move, "at": now} for move in moves])
