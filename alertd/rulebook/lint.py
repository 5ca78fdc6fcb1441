"""What a rulebook may say and yet should not: faults that loading cannot refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from alertd.calendars.durations import Duration, Unit
from alertd.rulebook.load import setting_names
from alertd.rulebook.model import Rule, Rulebook, Setting
from alertd.rulebook.testing import Case

_DAYS: Final[dict[Unit, float]] = {
    "hour": 1 / 24,
    "working day": 7 / 5,
    "school day": 7 / 5,
    "calendar day": 1,
    "week": 7,
    "month": 30,
}
"""Rough lengths in days: enough to see that 30 working days do not fit into 15."""

_PERSONAL: Final = re.compile(
    r"(?i)\b(names?|date of birth|dob|born|address(es)?|postcode|nhs number|upn|ethnic\w*|religion|"
    r"abuse|neglect|sexual|physical|emotional)\b|[{}%]"
)
"""Titles become subject lines: nothing in them may say who a child is or what happened to the child."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. ``for_authority``: not in the pack, but for each authority to decide before use."""

    place: str
    rule: str
    text: str
    for_authority: bool = False


def lint(rulebook: Rulebook, cases: Sequence[Case]) -> list[Problem]:
    """The problems of every rule, in the order of the rules; ``cases`` are those of its packs."""
    return [problem for rule in rulebook.rules for problem in _problems(rule, rulebook, cases)]


def _problems(rule: Rule, rulebook: Rulebook, cases: Sequence[Case]) -> Iterator[Problem]:
    texts = [*_untested(rule, cases), *_switched(rule), *_early(rule, rulebook)]
    if found := _PERSONAL.search(rule.title):
        texts.append(f"the title says {found[0]!r}; titles are subject lines and hold nothing personal")
    yield from (Problem(rule.place, rule.id, text) for text in texts)
    for setting in setting_names(rule):
        if rule.enabled and setting.no_default and setting.setting not in rulebook.settings:
            text = f"the setting {setting.setting} has no value, so every such clock is unknown: set it"
            yield Problem(rule.place, rule.id, text, for_authority=True)


def _untested(rule: Rule, cases: Sequence[Case]) -> Iterator[str]:
    own = [case for case in cases if case.rule == rule.id]
    if not any(case.fires for case in own):
        yield "no test case shows it firing (upcoming, due or overdue)"
    if not any(case.stays_silent for case in own):
        yield "no test case shows it keeping quiet (nothing, running, met or ended)"


def _switched(rule: Rule) -> Iterator[str]:
    if rule.enabled and rule.law.confidence in ("K", "K/P"):
        yield f"it is enabled, but its number was never read in a source (confidence {rule.law.confidence})"
    if not rule.enabled and not rule.disabled_because:
        yield "it is disabled without saying why: add `disabled_because:`"


def _early(rule: Rule, rulebook: Rulebook) -> Iterator[str]:
    limits = _limits(rule, rulebook)
    if not limits or not rule.warn:  # a pattern cannot be foreseen, so nothing warns of it
        return
    shortest = min(limits, key=_days)
    for point in rulebook.warnings[rule.warn].at:
        if point.before and _days(point.before) > _days(shortest):
            yield f"warning profile {rule.warn} begins {point.before} before due, but the limit is {shortest}"


def _limits(rule: Rule, rulebook: Rulebook) -> list[Duration]:
    length = rule.clock.length
    if isinstance(length, Setting):
        value = rulebook.settings.get(length.setting, length.default)
        return [value] if value else []
    return [span.value for span in length or ()]


def _days(span: Duration) -> float:
    return span.n * _DAYS[span.unit]
