"""Who is not told, and why: rules in shadow, floods that wait, alerts that others speak for. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from alertd.engine.findings import Finding
from alertd.rulebook.model import Rule

SHADOW = "shadow: "
SPOKEN_FOR = "spoken for by "
HELD = "held: its first messages would reach many at once; an officer confirms them"
COUNTED = "held: it is being counted how many its first messages would reach"


@dataclass(frozen=True, slots=True)
class Guard:
    """When a rule's first messages are a flood: they concern more than ``share`` of the open children,
    and ``at_least`` so many. ``confirmed`` are rules that an officer let go."""

    share: float = 0.2
    at_least: int = 50
    confirmed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Flood:
    """A rule that has told nobody yet and would now tell of so many children, of those open."""

    rule: str
    children: int
    open_children: int

    def __str__(self) -> str:
        share = f" ({self.children / self.open_children:.0%})" if self.open_children else ""
        return f"{self.rule} would tell of {self.children} of {self.open_children} open children{share}"


def floods(
    findings: Sequence[Finding],
    has_told: Collection[str],
    open_children: int,
    guard: Guard,
    muted: Callable[[Finding, Collection[str]], str],
    elsewhere: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, Flood]:
    """The rules to hold back, by id. ``has_told`` are those that have told somebody before; they are never held.
    ``elsewhere`` says of how many further children what a rule found is held already.

    ``muted`` says why nobody is told of a finding while so many rules are held (blank: they are). A rule that
    is held speaks for no other, whose alerts may then be a flood themselves: so they are counted again.
    """
    held: dict[str, Flood] = {}
    while True:
        children: dict[str, set[str]] = defaultdict(set)
        for finding in findings:
            if finding.asks_for_action and not muted(finding, held):
                children[finding.rule].add(finding.child)
        counts = {
            rule: len(children[rule]) + elsewhere.get(rule, 0) for rule in {*children, *elsewhere} if rule not in held
        }
        further = {
            rule: Flood(rule, n, open_children)
            for rule, n in counts.items()
            if rule not in has_told and rule not in guard.confirmed
            if n >= guard.at_least and n > guard.share * open_children
        }
        if not further:
            return dict(sorted(held.items()))
        held |= further


def why_muted(finding: Finding, rule: Rule, held: Collection[str], speaker: Rule | None) -> str:
    """Why nobody is told of a finding; blank when they are. At most 120 characters.

    ``speaker`` is the rule of the alert that speaks for it: it does so only if people hear it.
    """
    if rule.shadow:
        return f"{SHADOW}{rule.shadow}"[:120]
    if finding.rule in held:
        return HELD
    if speaker is None or speaker.shadow or speaker.id in held:
        return ""
    return f"{SPOKEN_FOR}{finding.spoken_for_by}" if finding.spoken_for_by else ""
