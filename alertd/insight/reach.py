"""How far a feed goes for each rule, by what evaluating it said. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from alertd.cases.records import Snapshot
from alertd.engine.evaluate import measurable
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.rulebook.model import Rule, Rulebook

Extent = Literal["measurable", "partly", "no"]
EXTENTS: Final[tuple[Extent, ...]] = ("measurable", "partly", "no")

_THE_FEEDS: Final = frozenset({"window", "feed"})
"""Causes of what cannot be told that lie with the feed, not with a record of it."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a feed goes for one rule: ``measurable`` for whatever child it is about, ``partly`` where it
    cannot speak for some of them or holds too little of each, ``no`` for none. ``why`` is blank for the first."""

    rule: Rule
    extent: Extent
    why: str = ""


def reaches(rulebook: Rulebook, snapshot: Snapshot, findings: Iterable[Finding]) -> list[Reach]:
    """Each enabled rule, in their order. ``findings`` are all those of the snapshot's children."""
    _, unable = measurable(rulebook, snapshot.holds, snapshot.lacks, snapshot.latest, snapshot.silent)
    cannot = {f.rule: f.cannot_tell.text for f in unable if f.cannot_tell}
    limits: dict[str, str] = {}
    for finding in findings:
        if (finding.child, finding.record) == WHOLE_FEED:
            continue
        told = finding.cannot_tell
        if told and told.cause in _THE_FEEDS:
            limits.setdefault(finding.rule, told.text)
        elif finding.basis:
            limits.setdefault(finding.rule, f"it comes {finding.basis}")
    return [_reach(rule, cannot, limits) for rule in rulebook.enabled]


def _reach(rule: Rule, cannot: dict[str, str], limits: dict[str, str]) -> Reach:
    if rule.id in cannot:
        return Reach(rule, "no", cannot[rule.id])
    if rule.id in limits:
        return Reach(rule, "partly", limits[rule.id])
    return Reach(rule, "measurable")
