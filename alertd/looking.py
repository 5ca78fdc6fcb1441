"""Looking at children: what is true of each now, by the rules that the feeds can measure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import TypeVar

from sqlalchemy.orm import Session

from alertd.alerts import store as alerts
from alertd.bootstrap import House
from alertd.cases.holding import Holding
from alertd.cases.records import Snapshot
from alertd.engine.evaluate import Known
from alertd.engine.findings import Finding
from alertd.engine.look import Ahead, look
from alertd.engine.sweep import broken, each
from alertd.engine.worker import Batch
from alertd.partners.notices import NOTICE, happened
from alertd.rulebook.model import Rulebook

PATIENCE = 20.0
"""Seconds that the evaluation of one child may take, which is a matter of a few thousandths."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What is true of the children looked at, by the rules the feeds are ``able`` to measure.

    ``failed`` are those that could not be read or evaluated, with why; ``bad`` what is said of rules that failed, and
    say nothing of any child.
    """

    able: Rulebook
    findings: list[Finding]
    holdings: dict[str, Holding]
    open_children: int
    failed: dict[str, str]
    families: dict[str, str] = field(default_factory=dict)
    ahead: dict[str, Ahead] = field(default_factory=dict)
    bad: Mapping[str, Finding] = field(default_factory=dict)

    def of(self, children: Collection[str]) -> Looked:
        """What is true of some of them."""
        if all(child in children for child in (*self.holdings, *self.failed)):
            return self
        ours = partial(_of, children)
        findings = [f for f in self.findings if f.child in children]
        failed, families, ahead = ours(self.failed), ours(self.families), ours(self.ahead)
        open_children = sum(one.is_open for one in ahead.values())
        return Looked(self.able, findings, ours(self.holdings), open_children, failed, families, ahead, self.bad)


V = TypeVar("V")


def _of(children: Collection[str], by_child: Mapping[str, V]) -> dict[str, V]:
    return {child: value for child, value in by_child.items() if child in children}


def as_last_found(session: Session, able: Rulebook, children: Collection[str]) -> Looked:
    """What was true of children when they were last looked at, as their open alerts say it."""
    looked = Looked(able, [], {}, 0, {})
    for alert in alerts.open_of(session, children):
        finding, held = Finding.from_json(alert.finding), Holding(alert.worker, alert.team)
        # What the feeds cannot measure today says nothing of its alerts.
        if able.of_team(held.team).rule(finding.rule) is not None:
            looked.findings.append(finding)
            looked.holdings[finding.child] = held
            if alert.household:
                looked.families[finding.child] = alert.household
    return looked


def look_at(
    house: House,
    snapshot: Snapshot,
    now: datetime,
    able: Rulebook,
    *,
    told: Known,
    unread: Mapping[str, str],
    fed: Collection[str],
    heard: Sequence[date] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> Looked:
    """Evaluate every child of a snapshot, by rules that it can measure.

    ``told`` are the alerts there are of them: of those a finding counts though it asks for nothing. ``unread`` are
    children of whom a feed could not be read, ``fed`` the kinds that feeds hold, today or not.
    """
    looked = Looked(able, [], {}, 0, dict(unread))
    bad: dict[str, Finding] = {}
    of_child: dict[str, list[tuple[str, str, str, str]]] = {}
    for identity in told:
        of_child.setdefault(identity[1], []).append(identity)

    def told_of(batch: Batch) -> tuple[Known]:
        return (frozenset(identity for case in batch for identity in of_child.get(case.child, ())),)

    looking = each(
        snapshot,
        able,
        partial(look, heard=tuple(heard)) if heard else look,
        now,
        pools=house.pools,
        beside=told_of,
        patience=PATIENCE,
        progress=progress,
        failed=looked.failed.__setitem__,
        left_out=lambda finding: bad.update({finding.rule: finding}),
    )
    open_children = 0
    for child, seen in looking:
        if child in unread:  # what is kept of the child is not what the feed says now
            continue
        ours = (f for f in seen.findings if NOTICE in fed or not house.policy.not_ours(f.rule, happened(f)))
        looked.findings.extend(ours)
        looked.holdings[child] = seen.held
        looked.ahead[child] = seen.ahead
        if seen.family:
            looked.families[child] = seen.family
        open_children += seen.ahead.is_open
    looked.findings.extend(broken(child, why) for child, why in looked.failed.items())
    findings = sorted((f for f in looked.findings if f.rule not in bad), key=lambda f: f.identity)
    if bad:
        house.log.error(
            "rules_left_out",
            rules=sorted(bad),
            why=sorted({str(f.cannot_tell and f.cannot_tell.text) for f in bad.values()}),
        )
    return replace(looked, able=able.without(bad), findings=findings, open_children=open_children, bad=bad)
