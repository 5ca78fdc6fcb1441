"""What a finding says, in sentences: the same in an explanation, a mail and a page. Pure.

``day`` writes a day or moment as its reader wants it. ``start`` is where the counting begins, or
None where the reader may not see it (a date of birth).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Final

from alertd.cases.kinds import KINDS
from alertd.engine.findings import Finding
from alertd.rulebook.model import Gestation, Rule

Days = Callable[[date | datetime], str]

EVIDENCE: Final = 6
"""Records named as making up a pattern; the case system shows the rest."""


def state(finding: Finding, rule: Rule, start: date | datetime | None, day: Days) -> str:
    """What is recorded, or not, of a finding that can be told."""
    if rule.pattern:
        shown = ", ".join(finding.evidence[:EVIDENCE]) + (", …" if len(finding.evidence) > EVIDENCE else "")
        return f"The records together say so: {shown}." if shown else "No record says otherwise."
    if rule.stop is None or not rule.stop.kinds:
        return "It is not recorded as done."
    things = " or ".join(_thing(kind) for kind in rule.stop.kinds)
    return f"No {things} that clears this is recorded" + (f" since {day(start)}." if start else ".")


def _thing(kind: str) -> str:
    title = KINDS[kind].title.partition(",")[0]
    return title[0].lower() + title[1:]


def counting(finding: Finding, rule: Rule, start: date | datetime | None, day: Days) -> str:
    """The counting and its source. A limit that was not read in the law never borrows its authority."""
    if finding.binding == "plan" and finding.plan:
        limit = finding.statutory or finding.local
        whose = "the law allows until" if finding.statutory else "the local standard allows until"
        return f"Booked for {day(finding.plan)}" + (f"; {whose} {day(limit)} ({rule.law.cite})." if limit else ".")
    if isinstance(rule.clock.by, Gestation):
        return f"At {rule.clock.by.gestation} weeks of the pregnancy, from the expected date ({rule.law.cite})."
    if rule.clock.by:
        return f"{finding.limit or 'On'} the date recorded in {finding.where} ({rule.law.cite})."
    if not finding.limit:
        return f"{rule.law.cite}."
    counted = f"{'Every ' if rule.clock.every else ''}{finding.limit}" + (f" from {day(start)}" if start else "")
    if start and finding.counted_from not in ("", finding.where):
        counted += f", recorded in {finding.counted_from}"
    if finding.binding == "local":
        law = f"; the law allows until {day(finding.statutory)}" if finding.statutory else ""
        return f"{counted}, a local standard{law} ({rule.law.cite})."
    return f"{counted} ({rule.law.cite})."


def besides(finding: Finding, rule: Rule, day: Days) -> Iterator[str]:
    """What else bears on the date: what explains it, of what feed it comes, and who allowed more than the
    published limit."""
    if finding.basis:
        yield f"This comes {finding.basis}."
    if finding.explained:
        yield f"Known: {finding.explained}. The date stands."
    if rule.loosened_by:
        by = rule.loosened_by
        yield f"Longer than the limit as published: {by.reason} ({by.officer}, {day(by.date_)})."
