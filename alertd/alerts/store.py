"""Alerts in the database: read what was last told, write what changed together with its notices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Protocol

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from alertd.alerts import handlings
from alertd.alerts.lifecycle import OpenAlert, Transition
from alertd.alerts.reconcile import Identity, Reconciled
from alertd.cases.holding import Holding
from alertd.db.tables import Alert, AlertEvent, Notice
from alertd.engine.findings import WHOLE_FEED, Finding


@dataclass(frozen=True, slots=True)
class Versions:
    """By which versions a finding is told: of the rule's dates and words, and of the templates."""

    timing: str = ""
    wording: str = ""
    template: str = ""


class ToTell(Protocol):
    """What routing answers: a role to tell, why that role, at once or with the next digest."""

    @property
    def role(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def urgent(self) -> bool: ...


def last_told(
    session: Session, skip: Iterable[str] = (), only: Collection[str] | None = None
) -> dict[Identity, OpenAlert]:
    """Every alert by identity, open or closed; those of the children in ``skip`` are left out, and all but
    those of the children in ``only``, where it is given."""
    left_out = frozenset(skip)
    names = ("id", "finding", "level", "state", "worker", "muted", "timing", "team")
    wanted = select(*(getattr(Alert, name) for name in names))
    found = (
        OpenAlert(id_, Finding.from_json(finding), level, state == "open", worker, muted, timing, team)
        for statement in _about(wanted, only)
        for id_, finding, level, state, worker, muted, timing, team in session.execute(statement)
    )
    return {alert.finding.identity: alert for alert in found if alert.finding.child not in left_out}


def _about(statement: Any, children: Collection[str] | None) -> Iterator[Any]:
    """A statement on alerts for these children, in parts because a statement takes only so many values; for all
    children where none are given."""
    if children is None:
        yield statement
        return
    wanted = sorted(children)
    for at in range(0, len(wanted), _ONE_STATEMENT):
        yield statement.where(Alert.child.in_(wanted[at : at + _ONE_STATEMENT]))


_ONE_STATEMENT: Final = 500


def identities(session: Session, children: Collection[str]) -> frozenset[Identity]:
    """The identities of all alerts of children, open or closed."""
    which = select(Alert.rule, Alert.child, Alert.record, Alert.occurrence)
    rows = (row for statement in _about(which, children) for row in session.execute(statement))
    return frozenset((rule, child, record, occurrence) for rule, child, record, occurrence in rows)


def open_of(session: Session, children: Collection[str]) -> list[Alert]:
    """The open alerts of children."""
    are_open = _about(select(Alert).where(Alert.state == "open"), children)
    return [alert for statement in are_open for alert in session.scalars(statement)]


def have_open(session: Session, children: Collection[str]) -> frozenset[str]:
    """Those of the children who have open alerts."""
    which = select(Alert.child).where(Alert.state == "open").distinct()
    return frozenset(child for statement in _about(which, children) for child in session.scalars(statement))


def have_told(session: Session) -> frozenset[str]:
    """The rules of which somebody was told, or waits to be told, about some child."""
    of_a_child = select(Alert.rule).where(Alert.child != WHOLE_FEED[0])
    return frozenset(session.scalars(of_a_child.where(Alert.id.in_(select(Notice.alert_id))).distinct()))


def apply(
    session: Session,
    reconciled: Reconciled,
    now: datetime,
    route: Callable[[Transition], Sequence[ToTell]],
    holdings: Mapping[str, Holding],
    versions: Callable[[Finding], Versions] = lambda _: Versions(),
    families: Mapping[str, str] = MappingProxyType({}),
    only: Collection[str] | None = None,
) -> int:
    """Write the changes, each with its events and notices, in the session's transaction: an event for each
    step of the ladder, the first of them with what changed. What was said of an alert ends as it closes.

    ``holdings`` say who has each child in the feed now, ``versions`` by what each is told, and ``families``
    which household a child lives in, where that is known. ``only`` are the children looked at, where not all were.
    Returns the number of notices written. Nothing is sent here.
    """
    # All that are open, because each may have been handed over.
    are_open = _about(select(Alert).where(Alert.state == "open"), only)
    known = {a.id: a for statement in are_open for a in session.scalars(statement)}
    written: list[tuple[Transition, Alert]] = []
    for transition in reconciled.transitions:
        alert = _new(transition, now) if transition.alert_id is None else session.get_one(Alert, transition.alert_id)
        if transition.reason == "reopened":
            _owe_again(session, alert)
        _change(alert, transition, now, versions(transition.finding))
        session.add(alert)
        written.append((transition, alert))
    for alert_id, finding in reconciled.refreshed:
        known[alert_id].finding = finding.as_json()
        known[alert_id].timing = versions(finding).timing  # the words are those of what was last told
    moved: set[int] = set()
    for alert in (*known.values(), *(alert for _, alert in written)):
        held = holdings.get(alert.child)
        if held:
            if alert.id is not None and held.worker != alert.worker:
                moved.add(alert.id)
            alert.worker, alert.team = held.worker, held.team
            alert.household = families.get(alert.child)
    closed = {alert.id for transition, alert in written if transition.closes}
    handlings.end_with(session, closed, moved, now)
    session.flush()
    steps = [(part, _event(part, alert, now)) for transition, alert in written for part in transition.each_step()]
    session.add_all(event for _, event in steps)
    session.flush()
    # Nothing here needs the numbers they get: without these they are written at once, and not one by one.
    if notices := list(_notices(steps, route)):
        session.execute(insert(Notice), notices)
    return len(notices)


def _event(part: Transition, alert: Alert, now: datetime) -> AlertEvent:
    return AlertEvent(
        alert_id=alert.id,
        at=now,
        from_stage=part.from_stage,
        to_stage=part.to_stage,
        level=part.to_level,
        reason=part.reason,
        late=part.late,
    )


def _notices(
    steps: Iterable[tuple[Transition, AlertEvent]], route: Callable[[Transition], Sequence[ToTell]]
) -> Iterator[dict[str, object]]:
    """Each hangs on the event of its step; a role that several steps of one change tell is told with the first."""
    heard: dict[int, set[str]] = defaultdict(set)
    for part, event in steps:
        before = heard[event.alert_id]
        told = [one for one in route(part) if one.role not in before]
        before.update(one.role for one in told)
        for one in told:
            yield {
                "event_id": event.id,
                "alert_id": event.alert_id,
                "role": one.role,
                "reason": one.reason,
                "urgent": one.urgent,
            }


def _owe_again(session: Session, alert: Alert) -> None:
    """What nobody was told because the alert closed first is owed again now that it is open again:
    its level says that those steps are told."""
    session.execute(update(Notice).where(Notice.alert_id == alert.id, Notice.dropped.is_not(None)).values(dropped=None))


def _new(transition: Transition, now: datetime) -> Alert:
    rule, child, record, occurrence = transition.finding.identity
    return Alert(rule=rule, child=child, record=record, occurrence=occurrence, opened_at=now)


def _change(alert: Alert, transition: Transition, now: datetime, versions: Versions) -> None:
    alert.finding = transition.finding.as_json()
    alert.level = transition.to_level
    alert.changed_at = now
    alert.muted = transition.muted
    alert.timing, alert.wording, alert.template = versions.timing, versions.wording, versions.template
    if transition.closes:
        alert.state, alert.closed_as = "closed", transition.reason
    else:
        alert.state, alert.closed_as, alert.stage = "open", None, transition.to_stage
