"""Why this date: one child and one rule, with the working shown. Built from the findings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import CountedDay, count
from alertd.cases.records import CaseFile, in_words, local_day
from alertd.engine.findings import Finding
from alertd.rulebook.model import FromEvent, Rule, Rulebook


@dataclass(frozen=True, slots=True)
class Explanation:
    """One clock and its working. ``days`` is every day from start to limit, counted or skipped and why."""

    finding: Finding
    rule: Rule
    days: tuple[CountedDay, ...]


def explain(finding: Finding, rule: Rule, rulebook: Rulebook, calendar: Calendar) -> Explanation:
    """The working of one finding."""
    days: list[CountedDay] = []
    limit = rulebook.limit(rule, local_day(finding.start)) if finding.start else None
    if finding.start and limit:
        days = count(finding.start, limit, calendar, rule.clock.count_from)
    return Explanation(finding, rule, tuple(days))


def why_no_clock(rule: Rule, case: CaseFile | None) -> str:
    """Why a rule has no clock for a child, in words."""
    if case is None:
        return "the feed holds no such child"
    anchors = list(case.of(rule.for_))
    if not anchors:
        return f"the child has no {rule.for_} record"
    if isinstance(rule.clock.from_, FromEvent):
        return f"too few {rule.clock.from_.record} records within {anchors[-1].where} for this clock to have started"
    if rule.where:
        conditions = ", ".join(f"{c.field} {c.op} {c.value}" for c in rule.where)
        return f"no {rule.for_} record meets the conditions ({conditions}), or none has begun"
    return f"no {rule.for_} record has begun, or its age band or phase does not apply"


def describe(explanation: Explanation) -> Iterator[str]:
    """The explanation as lines of text, but for its days."""
    f, rule = explanation.finding, explanation.rule
    yield f"{rule.title} ({rule.id}): {f.stage}"
    yield f"  why            {rule.why}"
    yield f"  law            {rule.law.cite} (confidence {rule.law.confidence}; {rule.place})"
    yield f"  record         {f.record}, {f.where}"
    if f.cannot_tell:
        at = ", ".join(filter(None, (f.cannot_tell.where, f.cannot_tell.field)))
        yield f"  cannot tell    {f.cannot_tell.text}" + (f" ({at})" if at else "")
    if f.start:
        day = "day 1" if rule.clock.count_from == "same_day" else "day 0"
        yield f"  starts         {in_words(f.start)}, {day}, from {f.counted_from}"
    if f.due:
        yield f"  limit          {f.limit or 'the date set in the plan'}"
        for name, value in (("statutory", f.statutory), ("local", f.local), ("plan", f.plan)):
            marked = "  <- binds" if f.binding == name else ""
            yield f"  {name:<14} {in_words(value) if value else 'none'}{marked}"
    if f.met:
        yield f"  met            {in_words(f.met)}, {f.met_by}"
    elif f.asks_for_action or f.stage == "running":
        yield f"  clears when    {rule.clears}"
    if f.changes:
        yield f"  next change    {in_words(f.changes)}"
