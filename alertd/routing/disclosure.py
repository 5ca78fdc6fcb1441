"""What may leave: the only thing templates are given.

Staff may see the reference, the rule's title, dates, the law, what would clear it, and where in
the source to look. A field that is not on :class:`InternalLine` cannot reach a message. A child's
date of birth never does: a clock counted from birth or a birthday does not show where it starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from alertd.calendars.calendar import Calendar
from alertd.cases.records import local_day
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.engine.phrases import Days, besides, counting, state
from alertd.routing.words import and_list, day_words, distance_words
from alertd.rulebook.model import Birthday, Rule


@dataclass(frozen=True, slots=True)
class InternalLine:
    """One alert as staff may read it; every field is a finished phrase.

    ``when`` is the date and how far off; ``state`` what is (not) recorded; ``why`` the counting and
    the law; ``source`` the row of the feed to look at. ``besides`` says what else bears on it: who has
    said what of it, what explains the date, who allowed more than the law's number, which lesser alerts
    this one stands for.
    """

    reference: str
    title: str
    stage: str
    when: str
    state: str
    why: str
    clears: str
    next_step: str
    source: str
    is_new: bool
    told_late: str
    besides: tuple[str, ...] = ()


def reference(child: str) -> str:
    """How a child is named in every message: the case system's own reference."""
    return "the whole feed" if child == WHOLE_FEED[0] else f"ref {child}"


def internal_line(
    finding: Finding,
    rule: Rule,
    *,
    next_step: str,
    is_new: bool,
    late: bool = False,
    today: date,
    calendar: Calendar,
    stands_for: tuple[str, ...] = (),
    handled: tuple[str, ...] = (),
) -> InternalLine:
    """The line about one finding, for staff of the authority."""
    start = None if _from_birth(finding, rule) else finding.start

    def day(value: date | datetime) -> str:
        return day_words(value, today)

    stands = (f"Stands also for: {and_list(stands_for)}.",) if stands_for else ()
    return InternalLine(
        reference(finding.child),
        rule.title,
        finding.stage,
        _when(finding, rule, today, calendar),
        f"Cannot tell: {cannot_tell_words(finding, rule)}."
        if finding.cannot_tell
        else state(finding, rule, start, day),
        counting(finding, rule, start, day),
        rule.clears,
        next_step,
        finding.cannot_tell.where if finding.cannot_tell else finding.where,
        is_new,
        f"told late: unchanged since {day_words(local_day(finding.since), today)}" if late and finding.since else "",
        (*handled, *besides(finding, rule, day), *stands),
    )


def _state(finding: Finding, rule: Rule, start: date | datetime | None, day: Days) -> str:
    if finding.cannot_tell:
        return f"Cannot tell: {cannot_tell_words(finding, rule)}."
    return state(finding, rule, start, day)


def cannot_tell_words(finding: Finding, rule: Rule) -> str:
    """Why it cannot be told; without the span needed where that begins at a birth."""
    assert finding.cannot_tell is not None
    if finding.cannot_tell.cause == "window" and _from_birth(finding, rule):
        return "the feed does not cover the days needed"
    return finding.cannot_tell.text


def _from_birth(finding: Finding, rule: Rule) -> bool:
    origin = rule.clock.from_
    of_child = rule.for_ == "child" and rule.pattern is None
    return finding.occurrence == "start" and (isinstance(origin, Birthday) or of_child)


def _when(finding: Finding, rule: Rule, today: date, calendar: Calendar) -> str:
    if finding.due is None:
        return "no date can be worked out"
    day, distance = day_words(finding.due, today), distance_words(finding.due, today, calendar)
    if rule.pattern and finding.start == finding.due:
        return f"so since {day}"
    if finding.stage == "unknown":
        return f"would be due {day}"
    return f"{'by' if finding.stage == 'upcoming' else 'due'} {day}, {distance}"
