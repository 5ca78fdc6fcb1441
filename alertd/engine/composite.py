"""What is said over the findings of one child, once every rule has been judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime

from alertd.calendars.clock import begin_of
from alertd.cases.kinds import KINDS
from alertd.cases.records import Record, in_words, local_day
from alertd.engine.doubts import all_hold
from alertd.engine.facts import ByKind, Instant
from alertd.engine.findings import Finding
from alertd.rulebook.model import Rule, Rulebook

LATE_OR_NEAR = ("upcoming", "due", "overdue")


def explained(findings: Iterable[Finding], rulebook: Rulebook, by_kind: ByKind, instant: Instant) -> Iterator[Finding]:
    """The findings, each with the open state that explains it: the earliest of those its rule names.
    Nothing else about them changes."""
    rules = {rule.id: rule for rule in rulebook.enabled if rule.explained_by}
    for finding in findings:
        rule = rules.get(finding.rule)
        if rule is None or finding.stage not in LATE_OR_NEAR:
            yield finding
            continue
        yield replace(finding, explained=_explanation(rule, by_kind, instant))


def _explanation(rule: Rule, by_kind: ByKind, instant: Instant) -> str:
    """``missing episode since Tue 3 Nov 2026``; blank where nothing explains it."""
    states = [
        record
        for by in rule.explained_by
        for kind in by.kinds
        for record in by_kind.get(kind, ())
        if all_hold(by.where, record, record) and _is_open(record, instant)
    ]
    if not states:
        return ""
    first = min(states, key=lambda r: (_since(r), r.key, r.kind))
    title = KINDS[first.kind].title.split(",")[0]
    words = title[0].lower() + title[1:]
    start = first.values.get(KINDS[first.kind].begins)
    return f"{words} since {in_words(local_day(start))}" if isinstance(start, date) else words


def _is_open(record: Record, instant: Instant) -> bool:
    """Whether a state is open for certain: an end in doubt may have come."""
    end = KINDS[record.kind].ends or ""
    return instant.begun(record) and not record.doubt(end) and not instant.has_come(record.values.get(end))


def _since(record: Record) -> datetime:
    start = record.values.get(KINDS[record.kind].begins)
    return begin_of(start if isinstance(start, date) else date(1, 1, 2))
