"""What a rulebook may say and yet should not: faults that loading cannot refuse."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from alertd.calendars.durations import Duration, Unit
from alertd.cases.kinds import KINDS
from alertd.rulebook.load import setting_names
from alertd.rulebook.model import Rule, Rulebook, Setting
from alertd.rulebook.patterns import names_mean
from alertd.rulebook.testing import Case

TITLE: Final = 60
"""Characters of a title: what a phone shows of a subject line, and a mail of a row."""

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


def lint(rulebook: Rulebook, cases: Sequence[Case], today: date) -> list[Problem]:
    """The problems of every rule, in the order of the rules; ``cases`` are those of its packs.

    ``today`` is the day on which a rule must not be past its review.
    """
    tested: dict[str, list[Case]] = {}
    for case in cases:
        tested.setdefault(case.rule, []).append(case)
    twice = _told_twice(rulebook)
    return [
        problem
        for rule in rulebook.rules
        for problem in _problems(rule, rulebook, tested.get(rule.id, []), today, twice.get(rule.id, ()))
    ]


def _problems(
    rule: Rule, rulebook: Rulebook, own: Sequence[Case], today: date, twice: Iterable[str]
) -> Iterator[Problem]:
    texts = [
        *_unfilled(rule),
        *_untested(rule, own),
        *_switched(rule),
        *_titled(rule),
        *_warned(rule, rulebook),
        *_escalated(rule, rulebook),
        *_held(rule, rulebook),
        *_endless(rule),
        *_unreceipted(rule),
        *twice,
    ]
    yield from (Problem(rule.place, rule.id, text) for text in texts)
    if rule.review_by and rule.review_by < today:
        whose = f", by {rule.owner}" if rule.owner else ""
        text = f"it was to be read against its source again by {rule.review_by}{whose}"
        yield Problem(rule.place, rule.id, text, for_authority=True)
    for setting in setting_names(rule):
        if rule.enabled and setting.no_default and setting.setting not in rulebook.settings:
            text = f"the setting {setting.setting} has no value, so every such clock is unknown: set it"
            yield Problem(rule.place, rule.id, text, for_authority=True)


def _unfilled(rule: Rule) -> Iterator[str]:
    """What a template left for its writer."""
    texts = {
        "title": rule.title,
        "why": rule.why,
        "law.cite": rule.law.cite,
        "clears": rule.clears,
        "disabled_because": rule.disabled_because,
        "edition": rule.edition,
    }
    for key, text in texts.items():
        if text and text.startswith("To fill in"):
            yield f"{key}: is still to fill in"


def shows_firing(rule: Rule, case: Case) -> bool:
    """Whether a case shows the rule asking for something: for one over what cannot be told, a correction."""
    return any(e.stage == "unknown" for e in case.expect) if _asks_correction(rule) else case.fires


def _asks_correction(rule: Rule) -> bool:
    return rule.others is not None and rule.others.stages == ("unknown",)


def _untested(rule: Rule, own: Sequence[Case]) -> Iterator[str]:
    if not any(shows_firing(rule, case) for case in own):
        what = "asking for a correction (unknown)" if _asks_correction(rule) else "firing (upcoming, due or overdue)"
        yield f"no test case shows it {what}"
    if not any(case.stays_silent for case in own):
        yield "no test case shows it keeping quiet (nothing, running, met or ended)"


def _switched(rule: Rule) -> Iterator[str]:
    if rule.enabled and rule.law.confidence in ("K", "K/P"):
        yield f"it is enabled, but its number was never read in a source (confidence {rule.law.confidence})"
    if not rule.enabled and not rule.disabled_because:
        yield "it is disabled without saying why: add `disabled_because:`"


def _titled(rule: Rule) -> Iterator[str]:
    if found := _PERSONAL.search(rule.title):
        yield f"the title says {found[0]!r}; titles are subject lines and hold nothing personal"
    if len(rule.title) > TITLE:
        yield f"the title has {len(rule.title)} characters, and a subject line on a phone shows {TITLE}"


def _warned(rule: Rule, rulebook: Rulebook) -> Iterator[str]:
    limits = _limits(rule, rulebook)
    if not limits or not rule.warn:
        return
    shortest = min(limits, key=_days)
    points = rulebook.warnings[rule.warn].at
    never = [p for p in points if (span := p.before or p.after) and _days(span) > _days(shortest)]
    if points and len(never) == len(points):
        yield f"no warning of profile {rule.warn} can come between the start and the end of {shortest}"
        return
    for point in never:
        if point.before:
            yield f"warning profile {rule.warn} begins {point.before} before due, but the limit is {shortest}"


def _escalated(rule: Rule, rulebook: Rulebook) -> Iterator[str]:
    """A step before the clock's start tells its role at once. The first may: it goes with the first warning."""
    limits = _limits(rule, rulebook)
    if not limits or rule.pattern:
        return
    shortest = min(limits, key=_days)
    first, *others = rulebook.ladders[rule.escalate].steps
    told = set(first.tell)
    for step in others:
        if step.before and _days(step.before) > _days(shortest) and not told.issuperset(step.tell):
            yield (
                f"ladder {rule.escalate} tells {', '.join(step.tell)} {step.before} before due, and the limit is "
                f"{shortest}: they would be told at the start"
            )
        told |= set(step.tell)


def _held(rule: Rule, rulebook: Rulebook) -> Iterator[str]:
    if rulebook.ladders[rule.escalate].held_by is None:
        yield f"ladder {rule.escalate} does not say what a claim or an acceptance holds back: add `held_by:`"


def _endless(rule: Rule) -> Iterator[str]:
    kind = KINDS[rule.for_]
    lasting = rule.without or (rule.count and not rule.count.last)
    if lasting and not kind.bounds and kind.ends is None:
        key = "without" if rule.without else "count"
        fix = "" if rule.without else ", or give `last:`"
        yield f"{rule.for_} has no end, so what `{key}:` finds may stand for ever: use a kind that ends{fix}"


def _unreceipted(rule: Rule) -> Iterator[str]:
    """What came in from an agency is answered by acting on it; what goes out, by a notice."""
    if rule.tell and rule.stop and "agency_notice" not in rule.stop.kinds and rule.for_ != "agency_inbound":
        yield "it tells an agency, and what stops it is no agency_notice: nothing would show that the agency was told"


def _told_twice(rulebook: Rulebook) -> dict[str, list[str]]:
    """For each rule those before it that count the same thing and tell the same people of it."""
    alike: dict[Hashable, list[Rule]] = {}
    found: dict[str, list[str]] = {}
    for rule in rulebook.enabled:
        if rule.stop is None:
            continue
        for other in alike.setdefault(_event(rule), []):
            shared = sorted(_roles(rule, rulebook) & _roles(other, rulebook))
            quiet = names_mean(rule.speaks_for, other.id) or names_mean(other.speaks_for, rule.id)
            if shared and not quiet:
                text = f"{other.id} counts from the same to the same: {', '.join(shared)} would be told twice"
                found.setdefault(rule.id, []).append(f"{text}; let one speak for the other with `speaks_for:`")
        alike[_event(rule)].append(rule)
    return found


def _event(rule: Rule) -> Hashable:
    stop, clock = rule.stop, rule.clock
    assert stop
    stopped = (frozenset(stop.kinds), frozenset(stop.where), stop.on, stop.own)
    return (rule.for_, frozenset(rule.where), rule.age, stopped, clock.from_, clock.by, clock.starting)


def _roles(rule: Rule, rulebook: Rulebook) -> set[str]:
    return {role for step in rulebook.ladders[rule.escalate].steps for role in step.tell}


def _limits(rule: Rule, rulebook: Rulebook) -> list[Duration]:
    length = rule.clock.length
    if isinstance(length, Setting):
        value = rulebook.settings.get(length.setting, length.default)
        return [value] if value else []
    return [span.value for span in length or ()]


def _days(span: Duration) -> float:
    return span.n * _DAYS[span.unit]
