"""What a finding says, in sentences: the same in an explanation, a mail and a page, in the reader's language. Pure.

``day`` writes a day or moment as its reader wants it. ``start`` is where the counting begins, or
None where the reader may not see it (a date of birth).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Final

from alertd.cases.kinds import KINDS
from alertd.engine.findings import CannotTell, Finding
from alertd.language import ENGLISH, Language
from alertd.rulebook.model import Gestation, Rule

Days = Callable[[date | datetime], str]

EVIDENCE: Final = 6
"""Records named as making up a pattern; the case system shows the rest."""

UNTOLD: Final = (
    "no {field} is recorded",
    "this feed holds no {kind}",
    "the setting {setting} has no value",
    "no feed speaks for any day of it, and this needs {first} to {last}",
    "the feed speaks for {start} to {end}, and this needs {first} to {last}",
    "this feed holds only the latest {kind} of each child, so an earlier one may have been in time",
    "this feed holds only the latest {kind} of each child",
    "only the latest {kind} of this child is held, so nobody can say how many there were",
    "{end} is before {start}",
    "names a {kind} by its day, and more than one began on it",
    "names a {kind} that the feed does not hold for this child",
    "is not a {kind}",
)
"""The forms of :attr:`CannotTell.text`, which is put into English before its reader is known."""

BASES: Final = (
    "from a feed that holds only the latest {kind} of each child; which of them it is cannot be told, "
    "so the longest limit that may be meant is counted",
    "from a feed that holds only the latest {kind} of each child; this one came so soon that it is taken for the first",
    "from a feed that holds only the latest {kind} of each child",
)
"""The forms of :attr:`Finding.basis`."""


def untold(reason: CannotTell, language: Language = ENGLISH) -> str:
    """Why it cannot be told, without a full stop."""
    return language.reword(reason.text, UNTOLD)


def state(finding: Finding, rule: Rule, start: date | datetime | None, day: Days, language: Language = ENGLISH) -> str:
    """What is recorded, or not, of a finding that can be told."""
    if rule.pattern:
        shown = ", ".join(finding.evidence[:EVIDENCE]) + (", …" if len(finding.evidence) > EVIDENCE else "")
        if shown:
            return language.say("The records together say so: {shown}.", shown=shown)
        return language.say("No record says otherwise.")
    if rule.stop is None or not rule.stop.kinds:
        return language.say("It is not recorded as done.")
    things = language.either([_thing(kind, language) for kind in rule.stop.kinds])
    if start:
        return language.say("No {things} that clears this is recorded since {day}.", things=things, day=day(start))
    return language.say("No {things} that clears this is recorded.", things=things)


def _thing(kind: str, language: Language) -> str:
    title = language.say(KINDS[kind].title.partition(",")[0])
    return title[0].lower() + title[1:]


def counting(
    finding: Finding, rule: Rule, start: date | datetime | None, day: Days, language: Language = ENGLISH
) -> str:
    """The counting and its source. A limit that was not read in the law never borrows its authority."""
    say = language.say
    cite = say(rule.law.cite)
    if finding.binding == "plan" and finding.plan:
        booked = day(finding.plan)
        if finding.statutory:
            until = day(finding.statutory)
            return say(
                "Booked for {booked}; the law allows until {until} ({cite}).", booked=booked, until=until, cite=cite
            )
        if finding.local:
            text = "Booked for {booked}; the local standard allows until {until} ({cite})."
            return say(text, booked=booked, until=day(finding.local), cite=cite)
        return say("Booked for {booked}.", booked=booked)
    if isinstance(rule.clock.by, Gestation):
        text = "At {weeks} weeks of the pregnancy, from the expected date ({cite})."
        return say(text, weeks=rule.clock.by.gestation, cite=cite)
    limit = language.length(finding.limit)
    if rule.clock.by:
        if limit:
            return say("{limit} the date recorded in {where} ({cite}).", limit=limit, where=finding.where, cite=cite)
        return say("On the date recorded in {where} ({cite}).", where=finding.where, cite=cite)
    if not limit:
        return f"{cite}."
    return say("{counted} ({cite}).", counted=_counted(finding, rule, limit, start, day, language), cite=cite)


def _counted(
    finding: Finding, rule: Rule, limit: str, start: date | datetime | None, day: Days, language: Language
) -> str:
    say = language.say
    counted: str = say("Every {limit}", limit=limit) if rule.clock.every else limit
    if start:
        counted = say("{counted} from {day}", counted=counted, day=day(start))
        if finding.counted_from not in ("", finding.where):
            counted = say("{counted}, recorded in {where}", counted=counted, where=finding.counted_from)
    if finding.binding == "local" and finding.statutory:
        text = "{counted}, a local standard; the law allows until {day}"
        return say(text, counted=counted, day=day(finding.statutory))
    return say("{counted}, a local standard", counted=counted) if finding.binding == "local" else counted


def besides(finding: Finding, rule: Rule, day: Days, language: Language = ENGLISH) -> Iterator[str]:
    """What else bears on the date: what explains it, of what feed it comes, and who allowed more than the
    published limit."""
    if finding.basis:
        yield language.say("This comes {basis}.", basis=language.reword(finding.basis, BASES))
    if finding.explained:
        known = language.reword(finding.explained, ("{state} since {day}",))
        yield language.say("Known: {known}. The date stands.", known=known)
    if rule.loosened_by:
        by = rule.loosened_by
        text = "Longer than the limit as published: {reason} ({officer}, {day})."
        yield language.say(text, reason=by.reason, officer=by.officer, day=day(by.date_))
