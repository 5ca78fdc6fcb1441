"""The year that the demo's authority has behind it, so that *Insight* has figures: what alerts of some rules would have
been, replayed day by day through the same code as a backtest, and written down as closed. Nobody was told of them.

A real authority's year is what alertd lived through with it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy.orm import Session

from alertd.alerts import store
from alertd.bootstrap import House
from alertd.cases.holding import Holding
from alertd.cases.records import LONDON, Snapshot
from alertd.db.tables import Alert, AlertEvent
from alertd.engine.sweep import each
from alertd.errors import InputError
from alertd.insight.backtest import Replayed, met, only
from alertd.insight.timeliness import first_day

RULES: Final = (
    "assess.cfa", "cla.review.first", "cla.review.second", "cla.review.next", "cp.icpc", "cp.review.first",
    "cp.review.next",
)  # fmt: skip
"""Rules whose clocks are met a few times a year: of visits every ten days a year takes minutes to replay."""

KINDS: Final = frozenset(
    {"child", "referral", "assessment", "care_period", "legal_status", "cla_review", "s47", "icpc", "cp_plan",
     "cp_review", "allocation"}
)  # fmt: skip
"""What these rules look at."""


def write_past(house: House, snapshot: Snapshot, today: date, progress: Callable[[int], None]) -> int:
    """Replay the last twelve months up to the day before today, and keep what was met then; how many alerts."""
    book = only(house.rulebook, [id_ for id_ in RULES if house.rulebook.rule(id_)])
    failed: dict[str, str] = {}
    children = each(
        snapshot, book, met, first_day(today), today - timedelta(days=1), KINDS,
        progress=progress, failed=failed.__setitem__,
    )  # fmt: skip
    found = [one for _, some in children for one in some if one[0].rule in RULES]
    if failed:
        child, why = min(failed.items())
        raise InputError(f"the demo's past cannot be replayed for {len(failed)} children, as for {child}: {why}")
    with Session(house.engine) as session, session.begin():
        known = store.identities(session, {replayed.identity[1] for replayed, _ in found})
        alerts = {one.identity: _alert(one, held) for one, held in found if one.identity not in known}
        session.add_all(alerts.values())
        session.flush()
        session.add_all(event for alert in alerts.values() for event in _events(alert))
    return len(alerts)


def _alert(replayed: Replayed, held: Holding) -> Alert:
    finding = replayed.ended
    assert finding and replayed.opened and replayed.closed
    rule, child, record, occurrence = replayed.identity
    stage = "upcoming" if replayed.closed_as == "met" else "overdue"
    return Alert(
        rule=rule, child=child, record=record, occurrence=occurrence, state="closed", stage=stage,
        closed_as=replayed.closed_as, finding=finding.as_json(), worker=held.worker, team=held.team,
        opened_at=_morning(replayed.opened), changed_at=_morning(replayed.closed),
    )  # fmt: skip


def _events(alert: Alert) -> tuple[AlertEvent, AlertEvent]:
    began = AlertEvent(alert_id=alert.id, at=alert.opened_at, to_stage="upcoming", level=0, reason="new")
    ended = AlertEvent(
        alert_id=alert.id, at=alert.changed_at, from_stage=alert.stage, to_stage=alert.finding["stage"], level=0,
        reason=alert.closed_as,
    )  # fmt: skip
    return began, ended


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(6, 30), LONDON)
