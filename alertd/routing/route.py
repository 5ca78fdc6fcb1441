"""Who is told of one change, by role. Pure; roles become people only when a message is composed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alertd.alerts.lifecycle import Transition
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.profiles import Ladder

MENDED_IN_THE_RECORD: Final = frozenset({"missing", "unreadable", "conflict"})
"""Causes of not knowing that whoever has the child can mend; the rest are for whoever runs the feed."""


@dataclass(frozen=True, slots=True)
class NoticeFor:
    """One role to tell, whether now or with the next digest, and why that role."""

    role: str
    urgent: bool
    reason: str


def route(transition: Transition, rule: Rule, rulebook: Rulebook) -> tuple[NoticeFor, ...]:
    """The roles to tell, each once, sorted as told: the owner first, then up the ladder.

    Every ladder step between the level told before and now is told, so steps that passed while
    alertd was not running are not lost. What closes an alert, and what asks nobody for action,
    waits for the count of cleared ones in the next digest. A muted alert is told to nobody.
    """
    if transition.closes or transition.muted or not transition.finding.asks_for_action:
        return ()
    ladder = rulebook.ladders[rule.escalate]
    urgent = ladder.urgent and transition.to_stage in ("due", "overdue") and transition.reason != "reminder"
    told = _owner(transition) | _steps(transition, rule, ladder)
    return tuple(NoticeFor(role, urgent, reason) for role, reason in told.items())


def _owner(transition: Transition) -> dict[str, str]:
    """Who can act: the worker, or the data owner where no child's record can mend it."""
    unknown = transition.finding.cannot_tell if transition.to_stage == "unknown" else None
    if unknown is not None and unknown.cause not in MENDED_IN_THE_RECORD:
        return {"data_owner": f"{transition.reason}: cannot tell ({unknown.cause})"}
    if transition.reason == "escalated":
        return {}
    return {"worker": f"{transition.reason}: {transition.to_stage}"}


def _steps(transition: Transition, rule: Rule, ladder: Ladder) -> dict[str, str]:
    """The roles of the ladder steps newly reached; a role on several steps is told once."""
    told: dict[str, str] = {}
    for number in range(transition.from_level, min(transition.to_level, len(ladder.steps))):
        for role in ladder.steps[number].tell:
            told.setdefault(role, f"step {number + 1} of {rule.escalate}")
    return told
