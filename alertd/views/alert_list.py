"""Alerts of the children that somebody may see, a page at a time, for programs that follow them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from alertd.access.may import teams_seen
from alertd.access.viewer import Viewer
from alertd.alerts.handling import Office, acts_as
from alertd.db.access_tables import EmergencyAccess
from alertd.db.tables import Alert, Delivery, DeliveryAlert, Handling
from alertd.rulebook.model import Rulebook
from alertd.views.alerts import Row, Shelf
from alertd.views.teams import in_teams

LOOKS_AT: Final = 1000
"""Alerts that one page looks at, at most: where few of them may be seen, it is short and the next goes on."""
AT_ONCE: Final = 100
"""Alerts that are read at one time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts. ``team`` means the teams under it too, ``since`` those that began or changed at or after it; blank
    means all."""

    child: str = ""
    team: str = ""
    stage: str = ""
    rule: str = ""
    since: datetime | None = None
    state: Literal["open", "closed", "all"] = "open"
    after: int = 0
    most: int = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """One page, by number. ``after`` is where the next one goes on, and None on the last."""

    rows: tuple[Row, ...]
    after: int | None


def alert_list(
    session: Session,
    viewer: Viewer,
    rulebook: Rulebook,
    office: Office,
    may_see: Callable[[str], bool],
    wanted: Wanted,
) -> Listed:
    """The alerts that people are told of, about children of whom ``may_see`` says so."""
    where = [Alert.muted == "", *_where(wanted, office)]
    if not wanted.child and not viewer.oversees:
        where.append(Alert.child.in_(_about_theirs(viewer, office)))
    query = select(Alert).where(*where).order_by(Alert.id).limit(AT_ONCE)
    seen: dict[str, bool] = {}
    found: list[Alert] = []
    last, looked = wanted.after, 0
    while looked < LOOKS_AT:
        some = session.scalars(query.where(Alert.id > last)).all()
        for alert in some:
            if len(found) == wanted.most:
                return Listed(_rows(session, found, rulebook, office), last)
            if alert.child not in seen:
                seen[alert.child] = may_see(alert.child)
            if seen[alert.child]:
                found.append(alert)
            last = alert.id
        if len(some) < AT_ONCE:
            return Listed(_rows(session, found, rulebook, office), None)
        looked += len(some)
    return Listed(_rows(session, found, rulebook, office), last)


def _rows(session: Session, alerts: list[Alert], rulebook: Rulebook, office: Office) -> tuple[Row, ...]:
    return tuple(Shelf(session, rulebook, office).rows(alerts))


def _where(wanted: Wanted, office: Office) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state != "all":
        found.append(Alert.state == wanted.state)
    if wanted.child:
        found.append(Alert.child == wanted.child)
    if wanted.stage:
        found.append(Alert.stage == wanted.stage)
    if wanted.rule:
        found.append(Alert.rule == wanted.rule)
    if wanted.since:
        found.append(Alert.changed_at >= wanted.since)
    if wanted.team:
        known = wanted.team in office.directory.teams
        found.append(in_teams(office.directory.teams_under(wanted.team) if known else (), office.directory))
    return found


def _about_theirs(viewer: Viewer, office: Office) -> Select[str]:
    """The children in any alert with which somebody has to do. It only narrows down whom to ask about: whether they
    may see a child is decided for each."""
    acting = sorted({id_ for own in viewer.ids for id_ in acts_as(own, office)})
    handed = select(Handling.alert_id).where(
        Handling.to.in_(acting), Handling.kind == "hand_over", Handling.ended_at.is_(None)
    )
    told = (
        select(DeliveryAlert.alert_id)
        .join(Delivery, Delivery.id == DeliveryAlert.delivery_id)
        .where(Delivery.person.in_(acting))
    )
    opened = select(EmergencyAccess.child).where(
        EmergencyAccess.person == viewer.id, EmergencyAccess.until > office.now
    )
    return select(Alert.child).where(
        or_(
            Alert.worker.in_(acting),
            Alert.id.in_(handed),
            Alert.id.in_(told),
            Alert.child.in_(opened),
            in_teams(teams_seen(viewer, office), office.directory),
        )
    )
