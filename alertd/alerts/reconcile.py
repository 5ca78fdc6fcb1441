"""``reconcile``: what changed since people were last told. Pure; every change has a named reason.

Level, not edge: each run compares all that is true with all that was last told, so a run that was
missed, or died half-way, heals itself at the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from alertd.alerts.lifecycle import OpenAlert, Reason, Transition, told_late
from alertd.cases.holding import Holding
from alertd.engine.findings import Finding

Identity = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """``transitions`` are told; ``refreshed`` findings (by alert id) only bring an alert up to date."""

    transitions: tuple[Transition, ...]
    refreshed: tuple[tuple[int, Finding], ...]


@dataclass(frozen=True, slots=True)
class _Now:
    """One finding with what is true of it now."""

    finding: Finding
    at: datetime
    held: Holding | None
    muted: str
    timing: str
    reached: int
    """The highest step that may be told now."""


def reconcile(
    findings: Iterable[Finding],
    alerts: Mapping[Identity, OpenAlert],
    now: datetime,
    *,
    present: Callable[[str, str], bool],
    holdings: Mapping[str, Holding] = MappingProxyType({}),
    muted: Callable[[Finding], str] = lambda finding: finding.spoken_for_by,
    timing: Callable[[Finding], str] = lambda _: "",
    moved: Callable[[str], str | None] = lambda _: None,
    reached: Callable[[int, Finding], int] = lambda _, finding: finding.level,
) -> Reconciled:
    """Compare what is true with what was last told.

    ``alerts`` are the alerts of the children evaluated, open or closed, by identity. ``present``
    says whether a (child, record) is still in the feed: an alert whose finding is gone is
    withdrawn when its record is there, and its source removed when it is not. ``holdings`` say who
    has each child now; a child who is not in them stays with whoever had it. ``muted`` says why
    nobody is to be told of a finding (blank: they are), ``timing`` the version of its rule. ``moved``
    gives the number that a child's was merged into: the alert that closes then points there. ``reached``
    gives the highest step that may be told of an open alert, by its id: lower than its finding's level
    while somebody's word holds steps back. They are told when it no longer does.
    """
    transitions: list[Transition] = []
    refreshed: list[tuple[int, Finding]] = []
    seen: set[Identity] = set()
    for finding in findings:
        seen.add(finding.identity)
        alert = alerts.get(finding.identity)
        level = reached(alert.id, finding) if alert else finding.level
        here = _Now(finding, now, holdings.get(finding.child), muted(finding), timing(finding), level)
        change = _change(here, alert)
        if change:
            transitions.append(change)
        elif alert and alert.is_open and (alert.finding != finding or alert.timing != here.timing):
            refreshed.append((alert.id, finding))
    for identity, alert in alerts.items():
        if alert.is_open and identity not in seen:
            there = present(alert.finding.child, alert.finding.record)
            last, new = alert.finding, moved(alert.finding.child)
            if new is not None:
                last = replace(last, explained=f"this number was merged into ref {new}, which has its own alerts")
            transitions.append(_closing(alert, last, "withdrawn" if there else "source_removed"))
    return Reconciled(tuple(transitions), tuple(refreshed))


def _change(here: _Now, alert: OpenAlert | None) -> Transition | None:
    finding = here.finding
    if alert is None:
        return _transition(here, None, 0, "new", None) if finding.asks_for_action else None
    # Steps that were told are told once, also if the alert closes and comes back. But a rule that counts
    # differently plans its steps anew: those not reached by its new dates are still to come.
    replanned = alert.timing != here.timing
    told = min(alert.level, finding.level) if replanned else alert.level
    if not alert.is_open:
        return _transition(here, None, told, "reopened", alert.id) if finding.asks_for_action else None
    if not finding.asks_for_action:
        return _closing(replace(alert, level=told), finding, _closed_as(finding, alert.finding))
    why = _muted_reason(here, alert) if here.muted or alert.muted else _reason(here, alert)
    if replanned and why in (None, "date_moved") and (why or told != alert.level):
        why = "rule_changed"
    if not why:
        return None
    change = _transition(here, alert.finding.stage, told, why, alert.id)
    # A step that was seen before and waited for somebody's word is not late: nobody was away.
    return replace(change, late=False) if why == "escalated" and alert.finding.level >= finding.level else change


def _muted_reason(here: _Now, alert: OpenAlert) -> Reason | None:
    """What is kept, though told to nobody: that it was muted or is no longer, and where it stands."""
    if here.muted != alert.muted:
        return "muted" if here.muted else "unmuted"
    if here.finding.stage != alert.finding.stage:
        return "stage"
    return "cause" if _cause(here.finding) != _cause(alert.finding) else None


def _reason(here: _Now, alert: OpenAlert) -> Reason | None:
    """The first that applies; whichever it is, the ladder steps newly reached are told as well.

    ``escalated`` comes after those that are the worker's business: it alone leaves the worker out.
    """
    finding, before = here.finding, alert.finding
    if finding.stage != before.stage:
        return "stage"
    if _cause(finding) != _cause(before):
        return "cause"
    if here.held is not None and here.held.worker != alert.worker:
        return "handed_over"
    if here.reached > alert.level:
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


def _transition(here: _Now, from_stage: str | None, told: int, reason: Reason, alert_id: int | None) -> Transition:
    finding = here.finding
    late = reason not in ("date_moved", "handed_over", "rule_changed", "muted") and told_late(finding, here.at)
    level = told if here.muted else max(told, here.reached)
    return Transition(finding, from_stage, finding.stage, told, level, reason, late, alert_id, here.muted)


def _closing(alert: OpenAlert, finding: Finding, reason: Reason) -> Transition:
    return Transition(finding, alert.finding.stage, "closed", alert.level, alert.level, reason, False, alert.id)
