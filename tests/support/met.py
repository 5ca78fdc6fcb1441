"""Alerts whose clock was met, as they stand in the database: the work that figures are counted from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from alertd.db.tables import Alert, AlertEvent
from alertd.engine.findings import Finding


@dataclass(frozen=True)
class Done:
    """So many pieces of work of one worker, done so many days after the limit (before it where negative)."""

    worker: str
    team: str
    n: int
    days: int = -3
    on: date = date(2026, 11, 20)
    closed_as: str = "met"
    child: str = ""
    """All of one child; each of another where blank."""


def met(engine: Engine, *done: Done, rule: str = "cla.review.first") -> None:
    """Write them, and that something changed."""
    with Session(engine) as session, session.begin():
        last = session.scalar(select(func.max(Alert.id))) or 0
        for one in done:
            for _ in range(one.n):
                last += 1
                session.add(_alert(last, one, rule))
                session.flush()
                at = datetime.combine(one.on, time(12), UTC)
                session.add(AlertEvent(alert_id=last, at=at, to_stage="due", level=0, reason="met"))


def _alert(id_: int, one: Done, rule: str) -> Alert:
    finding = Finding(
        rule,
        one.child or f"KID{one.worker}{id_}",
        f"care_period:{id_}",
        "start",
        "met_late" if one.closed_as == "met_late" else "met",
        due=one.on - timedelta(days=one.days),
        met=one.on,
    )
    at = datetime.combine(one.on, time(12), UTC)
    return Alert(
        id=id_,
        rule=rule,
        child=finding.child,
        record=finding.record,
        occurrence=finding.occurrence,
        state="closed",
        stage="due",
        closed_as=one.closed_as,
        finding=finding.as_json(),
        worker=one.worker,
        team=one.team,
        opened_at=at - timedelta(days=20),
        changed_at=at,
    )
