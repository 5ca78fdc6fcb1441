"""What may leave: the only thing templates are given.

Staff may see the reference, the rule's title, dates, the law, what would clear it, and where in
the source to look. A field that is not on :class:`InternalLine` cannot reach a message. A child's
date of birth never does: a clock counted from birth or a birthday does not show where it starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from alertd.calendars.calendar import Calendar
from alertd.cases.kinds import KINDS
from alertd.cases.records import local_day
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.routing.words import and_list, day_words, distance_words
from alertd.rulebook.model import Birthday, Gestation, Rule

EVIDENCE: Final = 6
"""Records named as making up a pattern; the case system shows the rest."""


@dataclass(frozen=True, slots=True)
class InternalLine:
    """One alert as staff may read it; every field is a finished phrase.

    ``when`` is the date and how far off; ``state`` what is (not) recorded; ``why`` the counting and
    the law; ``source`` the row of the feed to look at; ``held_by`` who has the child,
    for a reader who does not (else blank). ``besides`` says what else bears on the date: what
    explains it, who allowed more than the law's number, which lesser alerts this one stands for.
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
    held_by: str
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
    held_by: str = "",
    stands_for: tuple[str, ...] = (),
) -> InternalLine:
    """The line about one finding, for staff of the authority."""
    start = None if _from_birth(finding, rule) else finding.start
    return InternalLine(
        reference(finding.child),
        rule.title,
        finding.stage,
        _when(finding, rule, today, calendar),
        _state(finding, rule, start, today),
        _why(finding, rule, start, today),
        rule.clears,
        next_step,
        finding.cannot_tell.where if finding.cannot_tell else finding.where,
        is_new,
        f"told late: so since {day_words(local_day(finding.since), today)}" if late and finding.since else "",
        held_by,
        tuple(_besides(finding, rule, stands_for, today)),
    )


def _besides(finding: Finding, rule: Rule, stands_for: tuple[str, ...], today: date) -> Iterator[str]:
    if finding.explained:
        yield f"Known: {finding.explained}. The date stands."
    if rule.loosened_by:
        by, on = rule.loosened_by.officer, day_words(rule.loosened_by.date_, today)
        yield f"Longer than the limit as published: {rule.loosened_by.reason} ({by}, {on})."
    if stands_for:
        yield f"Stands also for: {and_list(stands_for)}."


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


def _state(finding: Finding, rule: Rule, start: date | datetime | None, today: date) -> str:
    if finding.cannot_tell:
        return f"Cannot tell: {cannot_tell_words(finding, rule)}."
    if rule.pattern:
        shown = ", ".join(finding.evidence[:EVIDENCE]) + (", …" if len(finding.evidence) > EVIDENCE else "")
        return f"The records together say so: {shown}." if shown else "No record says otherwise."
    if rule.stop is None or rule.stop.record is None:
        return "It is not recorded as done."
    thing = KINDS[rule.stop.record].title.partition(",")[0]
    since = f" since {day_words(start, today)}" if start else ""
    return f"No {thing[0].lower()}{thing[1:]} that clears this is recorded{since}."


def _why(finding: Finding, rule: Rule, start: date | datetime | None, today: date) -> str:
    """The counting and its source. A limit that was not read in the law never borrows its authority."""
    if finding.binding == "plan" and finding.plan:
        limit = finding.statutory or finding.local
        whose = "the law allows until" if finding.statutory else "the local standard allows until"
        return f"Booked for {day_words(finding.plan, today)}" + (
            f"; {whose} {day_words(limit, today)} ({rule.law.cite})." if limit else "."
        )
    if isinstance(rule.clock.by, Gestation):
        return f"At {rule.clock.by.gestation} weeks of the pregnancy, from the expected date ({rule.law.cite})."
    if rule.clock.by:
        return f"{finding.limit or 'On'} the date recorded in {finding.where} ({rule.law.cite})."
    if not finding.limit:
        return f"{rule.law.cite}."
    counted = f"{'Every ' if rule.clock.every else ''}{finding.limit}" + (
        f" from {day_words(start, today)}" if start else ""
    )
    if start and finding.counted_from not in ("", finding.where):
        counted += f", recorded in {finding.counted_from}"
    if finding.binding == "local":
        law = f"; the law allows until {day_words(finding.statutory, today)}" if finding.statutory else ""
        return f"{counted}, a local standard{law} ({rule.law.cite})."
    return f"{counted} ({rule.law.cite})."
