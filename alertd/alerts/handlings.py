"""What people said of alerts, in the database: written, read, and ended; nothing is deleted here.

What somebody wrote as a reason may hold personal data. It is kept here, shown to whoever asks with
``alertd alerts show``, and goes into no mail and no log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from alertd.alerts.handling import (
    TAKER_LEFT,
    UNDONE,
    AlertFacts,
    Asked,
    Handled,
    Kind,
    Office,
    lapses,
    rank_over,
    refusal,
    why_ended,
    why_not_resolve,
    why_not_undo,
)
from alertd.alerts.holding_back import reach
from alertd.calendars.calendar import Calendar
from alertd.cases.holding import Holding
from alertd.db.tables import Alert, Delivery, DeliveryAlert, Handling, Notice
from alertd.engine.findings import Finding
from alertd.errors import InputError
from alertd.people.directory import Directory
from alertd.rulebook.model import Rulebook

_ONE_STATEMENT: Final = 500
"""Alerts asked for in one statement, which takes only so many values."""


@dataclass(frozen=True, slots=True)
class Said:
    """How one alert of several fared: the number of what was written, or why it was refused."""

    alert_id: int
    handling: int | None = None
    refused: str = ""


def handle(
    session: Session,
    alert_ids: Iterable[int],
    asked: Asked,
    office: Office,
    rulebook: Rulebook,
    *,
    all_or_none: bool = False,
) -> list[Said]:
    """Say the same of several alerts, each by its own right: those refused say why, the others are written.

    ``all_or_none``: where one is refused nothing is written.
    """
    found: list[Said] = []
    rows: list[Handling | None] = []
    for alert_id in dict.fromkeys(alert_ids):
        alert = session.get(Alert, alert_id, with_for_update=True)
        why = refusal(asked, facts_of(session, alert, rulebook), office) if alert else "There is no such alert"
        found.append(Said(alert_id, refused=why))
        # When it lapses is asked only of what may be said: a day of the year 9999 has no working day after it.
        rows.append(None if why else _row(alert_id, asked, office))
    if all_or_none and any(one.refused for one in found):
        return found
    session.add_all(row for row in rows if row)
    session.flush()
    return [Said(one.alert_id, row.id if row else None, one.refused) for one, row in zip(found, rows, strict=True)]


def _row(alert_id: int, asked: Asked, office: Office) -> Handling:
    return Handling(
        alert_id=alert_id,
        kind=asked.kind,
        by=asked.by,
        at=office.now,
        reason=asked.reason.strip(),
        until=lapses(asked, office),
        to=asked.to if asked.kind == "hand_over" else None,
    )


def undo(session: Session, handling_id: int, by: str, reason: str, office: Office, rulebook: Rulebook) -> None:
    """Take back what was said. Raises :class:`InputError` where somebody may not."""
    row, alert = _one(session, handling_id)
    if why := why_not_undo(_handled(row), by, reason, facts_of(session, alert, rulebook), office):
        raise InputError(why, where=f"handling {handling_id}")
    _end(row, office.now, f"{UNDONE}{reason.strip()}", by)


def resolve(session: Session, handling_id: int, by: str, upheld: bool, office: Office, rulebook: Rulebook) -> None:
    """Decide a dispute: the alarm was wrong (``upheld``), or it was right. Raises :class:`InputError` where
    somebody may not."""
    row, alert = _one(session, handling_id)
    if why := why_not_resolve(_handled(row), by, facts_of(session, alert, rulebook), office):
        raise InputError(why, where=f"handling {handling_id}")
    _end(row, office.now, "upheld" if upheld else "rejected", by)


def _one(session: Session, handling_id: int) -> tuple[Handling, Alert]:
    row = session.get(Handling, handling_id, with_for_update=True)
    if row is None:
        fix = "`alertd alerts show ID` lists what was said of an alert, by number"
        raise InputError(f"there is no handling {handling_id}", fix=fix)
    return row, session.get_one(Alert, row.alert_id)


def handled(session: Session) -> dict[int, tuple[Handled, ...]]:
    """What stands, by the id of its alert, in the order in which it was said."""
    return _by_alert(session, select(Handling).where(Handling.ended_at.is_(None)))


def standing_of(session: Session, alert_ids: Collection[int]) -> dict[int, tuple[Handled, ...]]:
    """What stands of some alerts, as :func:`handled`."""
    found: dict[int, tuple[Handled, ...]] = {}
    ids = sorted(alert_ids)
    for at in range(0, len(ids), _ONE_STATEMENT):
        some = Handling.alert_id.in_(ids[at : at + _ONE_STATEMENT])
        found |= _by_alert(session, select(Handling).where(Handling.ended_at.is_(None), some))
    return found


def said_of(session: Session, alert_id: int) -> tuple[Handled, ...]:
    """All that was ever said of one alert, ended or not."""
    return _by_alert(session, select(Handling).where(Handling.alert_id == alert_id)).get(alert_id, ())


def given_back(session: Session, since: datetime) -> dict[int, datetime]:
    """When an alert came back to its worker because whoever it was handed to left, or it was taken back, by alert."""
    back = Handling.ended_why.startswith(UNDONE) | (Handling.ended_why == TAKER_LEFT)
    rows = session.execute(
        select(Handling.alert_id, func.max(Handling.ended_at))
        .where(Handling.kind == "hand_over", Handling.ended_at > since, back)
        .group_by(Handling.alert_id)
    )
    return {alert_id: at for alert_id, at in rows if at is not None}


def lapse(session: Session, now: datetime, calendar: Calendar, directory: Directory) -> int:
    """End what has lapsed, or whose author has left; how many that were. Called at each evaluation."""
    office, ended = Office(directory, calendar, now), 0
    for row in session.scalars(select(Handling).where(Handling.ended_at.is_(None))):
        if why := why_ended(_handled(row), office):
            _end(row, now, why)
            ended += 1
    return ended


def end_with(session: Session, closed: Collection[int], moved: Collection[int], now: datetime) -> None:
    """End what stands of alerts that close, and the hand-overs of those whose child the feed now gives to another
    worker: the feed knows better. A dispute outlives its alert: it is about the rule."""
    ids = sorted({*closed, *moved})
    for at in range(0, len(ids), _ONE_STATEMENT):
        some = Handling.alert_id.in_(ids[at : at + _ONE_STATEMENT])
        for row in session.scalars(
            select(Handling).where(some, Handling.ended_at.is_(None), Handling.kind != "dispute")
        ):
            if row.alert_id in closed:
                _end(row, now, "closed")
            elif row.kind == "hand_over":
                _end(row, now, "the feed allocates the child to somebody else")


def reached(
    standing: Mapping[int, tuple[Handled, ...]],
    directory: Directory,
    holdings: Mapping[str, Holding],
    book: Callable[[Finding], Rulebook],
) -> Callable[[int, Finding], int]:
    """What :func:`alertd.alerts.reconcile.reconcile` asks: the highest step that may be told of an open alert."""

    def highest(alert_id: int, finding: Finding) -> int:
        said, rule = standing.get(alert_id), book(finding).rule(finding.rule)
        if not said or rule is None:
            return finding.level
        held = holdings.get(finding.child, Holding())
        ladder = book(finding).ladders[rule.escalate]
        return reach(finding.level, ladder, said, lambda one: rank_over(one.by, held, directory))

    return highest


def facts_of(session: Session, alert: Alert, rulebook: Rulebook) -> AlertFacts:
    """What decides who may say what of an alert."""
    finding = Finding.from_json(alert.finding)
    rule = rulebook.of_team(alert.team).rule(alert.rule)
    return AlertFacts(
        child=alert.child,
        stage=alert.stage,
        is_open=alert.state == "open",
        due=finding.due,
        holding=Holding(alert.worker, alert.team),
        owner=rule.owner if rule else "",
        told=told_of(session, alert.id),
        handled=said_of(session, alert.id),
    )


def told_of(session: Session, alert_id: int) -> frozenset[str]:
    """Who was told of an alert: ids of people, or ``team:<id>`` and ``duty``."""
    # By the alert: asked the other way round, each of a year's deliveries would be looked at.
    by_digest = select(DeliveryAlert.delivery_id).where(DeliveryAlert.alert_id == alert_id)
    by_notice = select(Notice.composed_into).where(Notice.alert_id == alert_id, Notice.composed_into.is_not(None))
    told = select(Delivery.person).where(Delivery.id.in_(by_digest.union(by_notice)))
    return frozenset(session.scalars(told.distinct()))


def _by_alert(session: Session, statement: Select[Handling]) -> dict[int, tuple[Handled, ...]]:
    found: dict[int, list[Handled]] = defaultdict(list)
    for row in session.scalars(statement.order_by(Handling.id)):
        found[row.alert_id].append(_handled(row))
    return {alert_id: tuple(said) for alert_id, said in found.items()}


def _handled(row: Handling) -> Handled:
    kind = cast(Kind, row.kind)  # the table allows no other
    return Handled(
        kind, row.by, row.at, row.reason, row.until, row.to, row.id, row.alert_id, row.ended_at, row.ended_why or ""
    )


def _end(row: Handling, now: datetime, why: str, by: str | None = None) -> None:
    row.ended_at, row.ended_by, row.ended_why = now, by, why
