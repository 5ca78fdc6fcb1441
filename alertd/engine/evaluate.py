"""What is true of one child at an instant. Pure, and the same for now, then and ahead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from alertd.calendars.calendar import Calendar, calendar_for
from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile
from alertd.engine.clocks import judge
from alertd.engine.doubts import doubtful_anchors, doubtful_stoppers
from alertd.engine.facts import Instant, Match, Pattern
from alertd.engine.findings import WHOLE_FEED, CannotTell, Finding
from alertd.engine.rete import Rete
from alertd.engine.subject import Subject
from alertd.errors import InputError
from alertd.rulebook.model import Rule, Rulebook


@dataclass(frozen=True, slots=True)
class Evaluator:
    """A rulebook made ready: its patterns compiled once, its calendar at hand."""

    rulebook: Rulebook
    rete: Rete
    rules: dict[Pattern, tuple[Rule, ...]]
    calendar: Calendar

    @classmethod
    def of(cls, rulebook: Rulebook) -> Evaluator:
        """Compile the enabled rules."""
        rules: dict[Pattern, tuple[Rule, ...]] = {}
        for rule in rulebook.enabled:
            pattern = Pattern.of(rule)
            rules[pattern] = (*rules.get(pattern, ()), rule)
        return cls(rulebook, Rete(tuple(rules)), rules, calendar_for(rulebook.nation))

    def evaluate(self, case: CaseFile, as_of: datetime) -> tuple[Finding, ...]:
        """Every clock of one child that is or was running at ``as_of`` (timezone-aware), sorted.

        Nothing dated after ``as_of`` is known. The order of the records does not matter.
        """
        child = next(case.of("child"), None)
        died = child.day("died") if child else None
        instant = Instant(as_of, died)
        by_kind = case.by_kind()
        matches = self.rete.match(case.child, by_kind, instant)
        for pattern in self.rules:
            for record in doubtful_anchors(pattern, by_kind.get(pattern.anchor, ()), instant):
                matches[pattern, record.ref] = Match(certain=False)
        if not matches:
            return ()
        records = {record.ref: record for record in case.records}
        findings: list[Finding] = []
        for (pattern, ref), match in matches.items():
            doubtful = list(doubtful_stoppers(pattern, records[ref], by_kind, instant)) if match.certain else []
            for rule in self.rules[pattern]:
                subject = Subject(rule, self.rulebook, self.calendar, case, records[ref], instant, child)
                try:
                    findings += judge(subject, match, records, doubtful)
                except InputError as error:
                    findings.append(_beyond_the_calendar(subject, error))
        return tuple(sorted(findings, key=lambda f: f.identity))


def _beyond_the_calendar(subject: Subject, error: InputError) -> Finding:
    """A date so far off that no calendar can count from it: nobody can say when this is due."""
    field = KINDS[subject.anchor.kind].begins
    reason = CannotTell("unreadable", field, subject.anchor.where, error.what)
    return replace(subject.finding(), cannot_tell=reason)


def measurable(rulebook: Rulebook, holds: Iterable[str]) -> tuple[Rulebook, tuple[Finding, ...]]:
    """The rules a feed can measure, and one unknown finding for each it cannot, naming what it lacks.

    Such a rule is reported once for the whole feed (child ``*``), not once a child: nobody who
    works with the child can mend it.
    """
    held = frozenset(holds) | {"child"}
    able: list[Rule] = []
    unable: list[Finding] = []
    for rule in rulebook.rules:
        missing = sorted(rule.needs - held)
        if not rule.enabled or not missing:
            able.append(rule)
            continue
        text = f"this feed holds no {' and no '.join(missing)}"
        reason = CannotTell("feed", missing[0], rule.id, text)
        unable.append(Finding(rule.id, *WHOLE_FEED, missing[0], "unknown", where=rule.id, cannot_tell=reason))
    return rulebook.model_copy(update={"rules": tuple(able)}), tuple(unable)
