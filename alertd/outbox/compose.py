"""From notices to deliveries: the one message that tells each person what they are to hear now.

``plan`` decides and reads only; ``compose`` writes what was planned. Urgent notices go at once, the rest
in each person's digest when it is due. A notice is settled in the same transaction that creates its
delivery, so it is told once or still waiting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alertd.cases.holding import Holding
from alertd.cases.records import local_day
from alertd.db.tables import Alert, Notice
from alertd.outbox.deliver import Composer, deliver, tell_once_a_day, tell_operator
from alertd.outbox.plan import DIGESTS_AT_ONCE, Planning
from alertd.outbox.planned import Asked, Plan
from alertd.outbox.waiting import Told


@dataclass(slots=True)
class Composed:
    """How many messages were made, and those that could not be, each with its reason and who must do what.

    ``nobody`` counts what fell to the duty address, by why; ``over`` those who had more urgent messages in
    one day than anybody reads. ``more``: there are further digests to be made, in a transaction of their own.
    """

    urgent: int = 0
    digests: int = 0
    asked: int = 0
    dropped: int = 0
    held: list[str] = field(default_factory=list)
    nobody: Counter[str] = field(default_factory=Counter, compare=False)
    over: dict[str, int] = field(default_factory=dict, compare=False)
    more: bool = False


def compose(session: Session, composer: Composer, now: datetime, asked: Sequence[Asked] = ()) -> Composed:
    """Turn what waits into deliveries, in the session's transaction. Nothing is sent here.

    ``asked`` is what subscribers are told now, beside what is for them anyway.
    """
    done = Composed(dropped=_drop_closed(session))
    planned = Planning(session, composer, now, asked).everything(DIGESTS_AT_ONCE)
    done.held, done.nobody, done.over, done.more = planned.held, planned.nobody, planned.over, planned.more
    for one in planned.messages:
        deliver(
            session,
            composer,
            one.person,
            one.mail,
            now,
            notices=one.notices,
            about=one.about,
            urgent=one.urgent,
            digest_for=one.digest_for,
            channel=one.channel,
        )
        done.urgent += one.urgent
        done.digests += one.digest_for is not None
        done.asked += not one.urgent and one.digest_for is None
    _tell_of_load(session, composer, now, planned.over)
    _tell_of_nobody(session, composer, now, planned.nobody)
    _tell_of_withheld(session, composer, now, planned.withheld)
    return done


def _drop_closed(session: Session) -> int:
    """Settle notices of alerts that closed before anybody was told: there is nothing left to do."""
    closed = select(Alert.id).where(Alert.state == "closed")
    waiting = Notice.composed_into.is_(None) & Notice.dropped.is_(None)
    dropped = update(Notice).where(waiting, Notice.alert_id.in_(closed)).values(dropped="the alert closed first")
    return session.connection().execute(dropped).rowcount


def _tell_of_load(session: Session, composer: Composer, now: datetime, over: Mapping[str, int]) -> None:
    """Tell a manager, once a day, whose urgent messages are more than anybody reads."""
    for person_id, n in over.items():
        person = composer.directory.people.get(person_id)
        if person is None:
            continue
        manager = composer.directory.resolve("team_manager", Holding(person_id, person.team), local_day(now))
        lines = [
            f"{person.name} has {n} urgent alerts today, more than the {composer.most_urgent} that go one by one.",
            "From now on today they come together, at most once an hour. See who can help.",
        ]
        subject = f"{n} urgent alerts in one day · {person.name}"
        tell_once_a_day(session, composer, manager, now, about=f"load:{person_id}", subject=subject, lines=lines)


def _tell_of_nobody(session: Session, composer: Composer, now: datetime, nobody: Counter[str]) -> None:
    """Tell whoever runs alertd, once a day, for which alerts only the duty address was left."""
    if not nobody:
        return
    lines = [
        f"For {nobody.total()} alerts nobody could be found but the duty address. Mend the staff files:",
        *(f"{n} × {why.removeprefix('duty address: ')}" for why, n in nobody.most_common(20)),
        "alertd people check says what is missing and where.",
    ]
    tell_operator(
        session, composer, now, about="nobody", subject="alertd found nobody to tell of some alerts", lines=lines
    )


def _tell_of_withheld(
    session: Session, composer: Composer, now: datetime, withheld: Mapping[str, Sequence[Told]]
) -> None:
    """Tell whoever can see to it, once a day, that alerts of restricted children wait; and nothing of a child."""
    for waiting in withheld.values():
        person, alerts = waiting[0].resolved, sorted({one.alert.id for one in waiting})
        lines = [
            f"{len(alerts)} alerts of restricted children wait: nobody who may hear of these children can be told.",
            "Name in restrictions.csv who may. alertd alerts show NUMBER says, to whoever may know, which child it is:",
            *(f"alert {number}" for number in alerts[:20]),
        ]
        subject = "Alerts of restricted children wait for somebody to be named"
        tell_once_a_day(session, composer, person, now, about="restricted", subject=subject, lines=lines)


def held_now(session: Session, composer: Composer, now: datetime) -> Plan:
    """What would be told now, with all that cannot be made among what is held; reads only."""
    return Planning(session, composer, now).everything()
