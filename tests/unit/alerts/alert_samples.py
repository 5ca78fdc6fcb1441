"""Findings of one made-up clock, and what is left of a run: shared by the tests of the alerts' life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from alertd.alerts.lifecycle import OpenAlert
from alertd.alerts.reconcile import Identity, Reconciled
from alertd.engine.findings import CannotTell, Finding

NOW = datetime(2026, 11, 25, 6, 30, tzinfo=UTC)
DUE = date(2026, 11, 27)
FINDING = Finding(
    "cla.review.first", "C1", "care_period:L1", "start", "upcoming",
    start=date(2026, 10, 30), due=DUE, binding="statutory", statutory=DUE, warned=1,
    since=NOW - timedelta(hours=6), limit="20 working days",
)  # fmt: skip


def finding(stage: str, **changes: Any) -> Finding:
    """The clock at a stage; ``unknown`` names a missing start unless told otherwise."""
    if stage == "unknown":
        reason = CannotTell("missing", "start", "ssd_cla_episodes L1", "no start is recorded")
        changes = {"cannot_tell": reason, "since": None, **changes}
    return replace(FINDING, **{"stage": stage, **changes})


def told(
    before: Finding,
    *,
    level: int | None = None,
    is_open: bool = True,
    worker: str | None = None,
    muted: str = "",
    timing: str = "",
) -> OpenAlert:
    """What was last told about the clock."""
    return OpenAlert(7, before, before.level if level is None else level, is_open, worker, muted, timing)


def by_identity(alerts: Iterable[OpenAlert]) -> dict[Identity, OpenAlert]:
    """As :func:`reconcile` wants them."""
    return {alert.finding.identity: alert for alert in alerts}


def after(alerts: Mapping[Identity, OpenAlert], done: Reconciled) -> dict[Identity, OpenAlert]:
    """What is last told once the changes are written, by the store's rules but without a store."""
    found = dict(alerts)
    for t in done.transitions:
        id_ = t.alert_id if t.alert_id is not None else len(found) + 1
        found[t.finding.identity] = OpenAlert(id_, t.finding, t.to_level, not t.closes, muted=t.muted)
    ids = {alert.id: identity for identity, alert in found.items()}
    for id_, latest in done.refreshed:
        found[ids[id_]] = replace(found[ids[id_]], finding=latest)
    return found
