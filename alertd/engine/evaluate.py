"""What is true of one child at an instant. Pure, and the same for now, then and ahead."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from alertd.calendars.calendar import Calendar, calendar_for
from alertd.cases.holding import holding
from alertd.cases.records import CaseFile, Record, local_day
from alertd.engine.clocks import judge
from alertd.engine.composite import explained, over_others, spoken_for
from alertd.engine.doubts import doubtful_anchors, doubtful_related
from alertd.engine.facts import ByKind, Instant, Match, Pattern
from alertd.engine.findings import WHOLE_FEED, CannotTell, Finding
from alertd.engine.gaps import seek
from alertd.engine.rete import Rete
from alertd.engine.subject import Slack, Subject
from alertd.errors import InputError
from alertd.rulebook.coverage import several_of
from alertd.rulebook.model import Birthday, Rule, Rulebook

Known = Collection[tuple[str, str, str, str]]
"""The identities of the alerts there are."""
Told = frozenset[tuple[str, str]]
"""The rules and records of one child's."""


@dataclass(frozen=True, slots=True)
class Evaluator:
    """A rulebook made ready: its patterns compiled once, its calendar at hand, and those of the
    teams that have rulebooks of their own."""

    rulebook: Rulebook
    rete: Rete
    rules: dict[str, dict[Pattern, tuple[Rule, ...]]]
    """The rules that look at records, by the kind they are for and their pattern."""
    composites: tuple[tuple[Rule, frozenset[str]], ...]
    """The rules over other rules, each with the ids of those it means."""
    speakers: dict[str, Rule]
    explicable: dict[str, Rule]
    calendar: Calendar
    teams: dict[str, Evaluator]
    birthdays: frozenset[int]
    """From which birthdays clocks are counted, the teams' too."""
    counted: frozenset[str]
    """The rules of which another counts what is over: so many met late."""
    counted_for: frozenset[str]
    """The kinds that these are for."""

    @classmethod
    def of(cls, rulebook: Rulebook) -> Evaluator:
        """Compile the enabled rules."""
        rules: dict[str, dict[Pattern, tuple[Rule, ...]]] = {}
        for rule in rulebook.enabled:
            if not rule.others:
                pattern = Pattern.of(rule)
                alike = rules.setdefault(rule.for_, {})
                alike[pattern] = (*alike.get(pattern, ()), rule)
        composites = tuple((rule, frozenset(meant_by(rule, rulebook))) for rule in rulebook.enabled if rule.others)
        counting = [meant for rule, meant in composites if rule.others and "met_late" in rule.others.stages]
        counted = frozenset[str]().union(*counting)
        return cls(
            rulebook,
            Rete([pattern for alike in rules.values() for pattern in alike]),
            rules,
            composites,
            {rule.id: rule for rule in rulebook.enabled if rule.speaks_for},
            {rule.id: rule for rule in rulebook.enabled if rule.explained_by},
            calendar_for(rulebook.nation, rulebook.terms),
            {team: cls.of(book) for team, book in rulebook.teams.items()},
            frozenset(
                rule.clock.from_.birthday
                for book in (rulebook, *rulebook.teams.values())
                for rule in book.enabled
                if isinstance(rule.clock.from_, Birthday)
            ),
            counted,
            frozenset(rule.for_ for rule in rulebook.enabled if rule.id in counted),
        )

    def of_team(self, case: CaseFile, as_of: datetime) -> Evaluator:
        """What the child is judged by: that of the team whose case it is at ``as_of``."""
        return self.teams.get(holding(case, local_day(as_of)).team or "", self) if self.teams else self

    def evaluate(self, case: CaseFile, as_of: datetime) -> tuple[Finding, ...]:
        """Every clock of one child that is or was running at ``as_of`` (timezone-aware), and every
        pattern that holds, sorted.

        Nothing dated after ``as_of`` is known. The order of the records does not matter.
        """
        return self.of_team(case, as_of)._evaluate(case, as_of, Slack(), None)

    def look(self, case: CaseFile, as_of: datetime, slack: Slack, told: Known) -> tuple[Finding, ...]:
        """Those of them that ask for something or are ``told``, and perhaps others; and in ``slack`` how far the feeds'
        windows may move on before these may be others.

        Three clocks of four were stopped long ago or ended with what they were for. Most of these are not judged.
        """
        own = frozenset((rule, record) for rule, child, record, _ in told if child == case.child)
        return self.of_team(case, as_of)._evaluate(case, as_of, slack, own)

    def _evaluate(self, case: CaseFile, as_of: datetime, slack: Slack, told: Told | None) -> tuple[Finding, ...]:
        child = next(case.of("child"), None)
        instant = Instant(as_of, child.day("died") if child else None)
        by_kind = case.by_kind()
        findings = list(self._over_records(case, child, by_kind, instant, slack, told))
        anchor = child or Record("child", case.child, case.child, "")
        composed: list[Finding] = []
        ended = instant.ended(anchor)
        for rule, meant in self.composites:
            subject = Subject(rule, self.rulebook, self.calendar, case, anchor, instant, child, ended, slack)
            composed += _or_untold(subject, over_others(subject, meant, findings))
        findings = list(explained([*findings, *composed], self.explicable, by_kind, instant))
        return tuple(sorted(spoken_for(findings, self.speakers), key=lambda f: f.identity))

    def _over_records(
        self,
        case: CaseFile,
        child: Record | None,
        by_kind: ByKind,
        instant: Instant,
        slack: Slack,
        told: Told | None,
    ) -> Iterator[Finding]:
        """What every rule that looks at records finds."""
        anchors = by_kind if told is None else self._not_over(by_kind, instant, told)
        matches = self.rete.match(case.child, anchors, by_kind, instant)
        for kind, held in anchors.items():
            for pattern in self.rules.get(kind, ()):
                for record in doubtful_anchors(pattern, held, instant):
                    matches[pattern, record.ref] = Match(certain=False)
        records = {record.ref: record for record in case.records} if matches else {}
        for (pattern, ref), match in matches.items():
            anchor = records[ref]
            ended = instant.ended(anchor)
            doubtful = doubtful_related(pattern, anchor, by_kind, instant) if match.certain else []
            for rule in self.rules[pattern.anchor][pattern]:
                asking = not (told is None or rule.id in self.counted or (rule.id, ref) in told)
                if asking and ended:
                    continue
                subject = Subject(
                    rule, self.rulebook, self.calendar, case, anchor, instant, child, ended, slack, asking
                )
                if rule.pattern:
                    yield from _or_untold(subject, seek(subject, pattern, match, by_kind, doubtful))
                else:
                    yield from _or_untold(subject, judge(subject, match, records, doubtful))

    def _not_over(self, by_kind: ByKind, instant: Instant, told: Told) -> ByKind:
        """The records that clocks may be open for, and those of which what is over is wanted."""
        wanted = {ref for _, ref in told}
        return {
            kind: [r for r in held if kind in self.counted_for or r.ref in wanted or not instant.ended(r)]
            for kind, held in by_kind.items()
            if kind in self.rules
        }


def _or_untold(subject: Subject, judged: Iterator[Finding]) -> list[Finding]:
    """What was judged; or one unknown finding, where no calendar reaches as far as that needs."""
    try:
        return list(judged)
    except InputError as error:
        return [subject.beyond_the_calendar(error)]


def meant_by(rule: Rule, rulebook: Rulebook) -> list[str]:
    """The ids of the enabled rules that a rule over others looks at: never of another such rule."""
    others = rule.others
    return [r.id for r in rulebook.enabled if others.means(r.id) and not r.others] if others else []


def measurable(
    rulebook: Rulebook,
    holds: Iterable[str],
    lacks: Collection[str] = (),
    latest: frozenset[str] = frozenset(),
    silent: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Rulebook, tuple[Finding, ...]]:
    """The rules a feed can measure, and one unknown finding for each it cannot, naming what it lacks.

    ``holds`` are the kinds the feed can hold, ``lacks`` the fields (``kind.field``) of these that it
    cannot, ``latest`` the kinds of which it holds no more than the latest of each child, ``silent``
    those it should hold and has told nothing new of, with the sentence that says so. A rule that needs
    what is missing is reported once for the whole feed (child ``*``), not once a child: nobody who works
    with the child can mend it. So is a rule over others of which none can be measured. The rulebooks of
    teams are treated alike.
    """
    held = frozenset(holds) | {"child"}
    of_feed = _OfFeed(held, lacks, latest, silent)
    able, unable = _measurable(rulebook, of_feed)
    teams = {}
    for team, book in rulebook.teams.items():
        teams[team], further = _measurable(book, of_feed)
        unable = further | unable
    return able.model_copy(update={"teams": teams}), tuple(unable.values())


class _OfFeed(NamedTuple):
    """What a feed holds, lacks, holds only the latest of, and has told nothing new of."""

    holds: Collection[str]
    lacks: Collection[str]
    latest: frozenset[str]
    silent: Mapping[str, str]


def _measurable(rulebook: Rulebook, of_feed: _OfFeed) -> tuple[Rulebook, dict[str, Finding]]:
    unable: dict[str, Finding] = {}
    for rule in rulebook.enabled:
        missing = _missing(rule, of_feed.holds, of_feed.lacks)
        quiet = next((kind for kind in missing if kind in of_feed.silent), None)
        if quiet:
            unable[rule.id] = _not_in_feed(rule, quiet, of_feed.silent[quiet])
        elif missing:
            unable[rule.id] = _not_in_feed(rule, missing[0], f"this feed holds no {' and no '.join(missing)}")
        elif too_few := sorted(several_of(rule) & of_feed.latest):
            text = f"this feed holds only the latest {' and '.join(too_few)} of each child"
            unable[rule.id] = _not_in_feed(rule, too_few[0], text)
    for rule in rulebook.enabled:
        meant = meant_by(rule, rulebook)
        if meant and all(name in unable for name in meant):
            unable[rule.id] = _not_in_feed(rule, meant[0], f"this feed cannot measure {' nor '.join(meant)}")
    able = tuple(r for r in rulebook.rules if r.id not in unable)
    return rulebook.model_copy(update={"rules": able}), unable


def waiting(rulebook: Rulebook, kinds: Collection[str]) -> frozenset[str]:
    """The ids of the enabled rules, the teams' own too, that need one of these kinds, and of those over such rules."""
    found: set[str] = set()
    for book in (rulebook, *rulebook.teams.values()):
        found |= {rule.id for rule in book.enabled if rule.needs & set(kinds)}
        found |= {rule.id for rule in book.enabled if found & set(meant_by(rule, book))}
    return frozenset(found)


def _missing(rule: Rule, held: Collection[str], lacks: Collection[str]) -> list[str]:
    """The kinds that are not held, and the fields that are not of kinds that are."""
    kinds = {need for need in rule.needs if "." not in need and need not in held}
    fields = {need for need in rule.needs if need in lacks and need.partition(".")[0] in held}
    return sorted(kinds | fields)


def _not_in_feed(rule: Rule, missing: str, text: str) -> Finding:
    reason = CannotTell("feed", missing, rule.id, text)
    return Finding(rule.id, *WHOLE_FEED, missing, "unknown", where=rule.id, cannot_tell=reason)
