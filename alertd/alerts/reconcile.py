"""``reconcile``: what changed since people were last told. Pure; every change has a named reason.

Level, not edge: each run compares all that is true with all that was last told, so a run that was
missed, or died half-way, heals itself at the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from alertd.alerts.lifecycle import OpenAlert, Reason, Transition, told_late
from alertd.engine.findings import Finding
from alertd.people.directory import Holding

Identity = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """``transitions`` are told; ``refreshed`` findings (by alert id) only bring an alert up to date."""

    transitions: tuple[Transition, ...]
    refreshed: tuple[tuple[int, Finding], ...]


def reconcile(
    findings: Iterable[Finding],
    alerts: Mapping[Identity, OpenAlert],
    now: datetime,
    *,
    present: Callable[[str, str], bool],
    holdings: Mapping[str, Holding] = MappingProxyType({}),
) -> Reconciled:
    """Compare what is true with what was last told.

    ``alerts`` are the alerts of the children evaluated, open or closed, by identity. ``present``
    says whether a (child, record) is still in the feed: an alert whose finding is gone is
    withdrawn when its record is there, and its source removed when it is not. ``holdings`` say who
    has each child now; a child who is not in them stays with whoever had it.
    """
    transitions: list[Transition] = []
    refreshed: list[tuple[int, Finding]] = []
    seen: set[Identity] = set()
    for finding in findings:
        seen.add(finding.identity)
        alert = alerts.get(finding.identity)
        change = _change(finding, alert, now, holdings.get(finding.child))
        if change:
            transitions.append(change)
        elif alert and alert.is_open and alert.finding != finding:
            refreshed.append((alert.id, finding))
    for identity, alert in alerts.items():
        if alert.is_open and identity not in seen:
            there = present(alert.finding.child, alert.finding.record)
            transitions.append(_closing(alert, alert.finding, "withdrawn" if there else "source_removed"))
    return Reconciled(tuple(transitions), tuple(refreshed))


def _change(finding: Finding, alert: OpenAlert | None, now: datetime, held: Holding | None) -> Transition | None:
    if alert is None or not alert.is_open:
        if not finding.asks_for_action:
            return None
        # Steps told before the alert closed are not told again when it comes back.
        told = alert.level if alert else 0
        reason: Reason = "reopened" if alert else "new"
        return _transition(finding, None, told, reason, now, alert.id if alert else None)
    if not finding.asks_for_action:
        return _closing(alert, finding, _closed_as(finding, alert.finding))
    reason_ = _reason(finding, alert, held)
    if reason_ is None:
        return None
    return _transition(finding, alert.finding.stage, alert.level, reason_, now, alert.id)


def _reason(finding: Finding, alert: OpenAlert, held: Holding | None) -> Reason | None:
    """The first that applies; whichever it is, the ladder steps newly reached are told as well.

    ``escalated`` comes after those that are the worker's business: it alone leaves the worker out.
    """
    before = alert.finding
    if finding.stage != before.stage:
        return "stage"
    if _cause(finding) != _cause(before):
        return "cause"
    if held is not None and held.worker != alert.worker:
        return "handed_over"
    if finding.level > alert.level:
        return "escalated"
    if finding.due != before.due:
        return "date_moved"
    if finding.warned > before.warned:
        return "reminder"
    return None


def _cause(finding: Finding) -> str | None:
    return finding.cannot_tell.cause if finding.cannot_tell else None


def _closed_as(finding: Finding, before: Finding) -> Reason:
    if finding.stage == "met":
        return "met_recorded_late" if before.stage == "overdue" else "met"
    return "met_late" if finding.stage == "met_late" else "withdrawn"


def _transition(
    finding: Finding, from_stage: str | None, told: int, reason: Reason, now: datetime, alert_id: int | None
) -> Transition:
    late = reason not in ("date_moved", "handed_over") and told_late(finding, now)
    return Transition(finding, from_stage, finding.stage, told, max(told, finding.level), reason, late, alert_id)


def _closing(alert: OpenAlert, finding: Finding, reason: Reason) -> Transition:
    return Transition(finding, alert.finding.stage, "closed", alert.level, alert.level, reason, False, alert.id)
