"""What is true of one child at an instant. Pure, and the same for now, then and ahead."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from alertd.calendars.calendar import Calendar, calendar_for
from alertd.cases.records import CaseFile
from alertd.engine.clocks import judge
from alertd.engine.composite import explained
from alertd.engine.doubts import doubtful_anchors, doubtful_related
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
            if rule.pattern:
                continue
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
            doubtful = doubtful_related(pattern, records[ref], by_kind, instant) if match.certain else []
            for rule in self.rules[pattern]:
                subject = Subject(rule, self.rulebook, self.calendar, case, records[ref], instant, child)
                try:
                    findings += list(judge(subject, match, records, doubtful))
                except InputError as error:
                    findings.append(subject.beyond_the_calendar(error))
        findings = list(explained(findings, self.rulebook, by_kind, instant))
        return tuple(sorted(findings, key=lambda f: f.identity))


def measurable(
    rulebook: Rulebook, holds: Iterable[str], lacks: Collection[str] = ()
) -> tuple[Rulebook, tuple[Finding, ...]]:
    """The rules a feed can measure, and one unknown finding for each it cannot, naming what it lacks.

    ``holds`` are the kinds the feed can hold, ``lacks`` the fields (``kind.field``) of these that it
    cannot. A rule that needs what is missing is reported once for the whole feed (child ``*``), not
    once a child: nobody who works with the child can mend it. So is a rule over others of which none
    can be measured. The rulebooks of teams are treated alike.
    """
    held = frozenset(holds) | {"child"}
    able, unable = _measurable(rulebook, held, lacks)
    teams = {}
    for team, book in rulebook.teams.items():
        teams[team], further = _measurable(book, held, lacks)
        unable |= further
    return able.model_copy(update={"teams": teams}), tuple(unable.values())


def _measurable(
    rulebook: Rulebook, held: Collection[str], lacks: Collection[str]
) -> tuple[Rulebook, dict[tuple[str, ...], Finding]]:
    unable: dict[str, Finding] = {}
    for rule in rulebook.enabled:
        missing = _missing(rule, held, lacks)
        if missing:
            unable[rule.id] = _not_in_feed(rule, missing[0], f"this feed holds no {' and no '.join(missing)}")
    for rule in rulebook.enabled:
        meant = [r.id for r in rulebook.enabled if rule.others and rule.others.means(r.id) and not r.others]
        if meant and all(name in unable for name in meant):
            unable[rule.id] = _not_in_feed(rule, meant[0], f"this feed cannot measure {' nor '.join(meant)}")
    able = tuple(r for r in rulebook.rules if r.id not in unable)
    return rulebook.model_copy(update={"rules": able}), {f.identity: f for f in unable.values()}


def _missing(rule: Rule, held: Collection[str], lacks: Collection[str]) -> list[str]:
    """The kinds not held, then the fields not held of kinds that are."""
    kinds = sorted(need for need in rule.needs if "." not in need and need not in held)
    fields = sorted(need for need in rule.needs if need in lacks and need.partition(".")[0] in held)
    return kinds + fields


def _not_in_feed(rule: Rule, missing: str, text: str) -> Finding:
    reason = CannotTell("feed", missing, rule.id, text)
    return Finding(rule.id, *WHOLE_FEED, missing, "unknown", where=rule.id, cannot_tell=reason)
