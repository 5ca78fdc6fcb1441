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
from alertd.engine.phrases import besides, counting, state, untold
from alertd.language import ENGLISH, Language
from alertd.routing.words import and_list, day_words, distance_words
from alertd.rulebook.model import Birthday, Rule


@dataclass(frozen=True, slots=True)
class InternalLine:
    """One alert as staff may read it; every field is a finished phrase.

    ``when`` is the date and how far off; ``state`` what is (not) recorded; ``why`` the counting and
    the law; ``source`` the row of the feed to look at. ``besides`` says what else bears on it: who has
    said what of it, what explains the date, who allowed more than the law's number, which lesser alerts
    this one stands for. ``page`` is the address of its page, blank where there are no pages for the reader.
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
    page: str = ""


def reference(child: str, language: Language = ENGLISH) -> str:
    """How a child is named in every message: the case system's own reference."""
    return language.say("the whole feed") if child == WHOLE_FEED[0] else language.say("ref {child}", child=child)


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
    page: str = "",
    language: Language = ENGLISH,
) -> InternalLine:
    """The line about one finding, for staff of the authority."""
    start = None if _from_birth(finding, rule) else finding.start

    def day(value: date | datetime) -> str:
        return day_words(value, today, language)

    say, reason = language.say, finding.cannot_tell
    since = local_day(finding.since) if late and finding.since else None
    others = and_list([say(title) for title in stands_for], language)
    stands = (say("Stands also for: {others}.", others=others),) if stands_for else ()
    why_not = say("Cannot tell: {why}.", why=cannot_tell_words(finding, rule, language)) if reason else ""
    return InternalLine(
        reference(finding.child, language),
        say(rule.title),
        finding.stage,
        _when(finding, rule, today, calendar, language),
        why_not or state(finding, rule, start, day, language),
        counting(finding, rule, start, day, language),
        say(rule.clears),
        next_step,
        reason.where if reason else finding.where,
        is_new,
        say("told late: unchanged since {day}", day=day(since)) if since else "",
        (*handled, *besides(finding, rule, day, language), *stands),
        page,
    )


def named_in(finding: Finding, language: Language = ENGLISH) -> frozenset[str]:
    """The reference and the places in the feed that a mail about a finding may name, as they stand in it."""
    reason = finding.cannot_tell
    places = (
        finding.child,
        reference(finding.child, language),
        finding.where,
        finding.counted_from,
        finding.met_by,
        *finding.evidence,
        reason.where if reason else "",
    )
    return frozenset(filter(None, places))


def cannot_tell_words(finding: Finding, rule: Rule, language: Language = ENGLISH) -> str:
    """Why it cannot be told; without the span needed where that begins at a birth."""
    assert finding.cannot_tell is not None
    if finding.cannot_tell.cause == "window" and _from_birth(finding, rule):
        return language.say("the feed does not cover the days needed")
    return untold(finding.cannot_tell, language)


def _from_birth(finding: Finding, rule: Rule) -> bool:
    origin = rule.clock.from_
    of_child = rule.for_ == "child" and rule.pattern is None
    return finding.occurrence == "start" and (isinstance(origin, Birthday) or of_child)


def _when(finding: Finding, rule: Rule, today: date, calendar: Calendar, language: Language) -> str:
    if finding.due is None:
        return language.say("no date can be worked out")
    day = day_words(finding.due, today, language)
    if rule.pattern and finding.start == finding.due:
        return language.say("so since {day}", day=day)
    if finding.stage == "unknown":
        return language.say("would be due {day}", day=day)
    if finding.stage == "due":  # every template says "Due today" of the stage
        return day
    distance = distance_words(finding.due, today, calendar, language)
    text = "by {day}, {distance}" if finding.stage == "upcoming" else "due {day}, {distance}"
    return language.say(text, day=day, distance=distance)
