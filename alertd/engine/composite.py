"""What is said over the findings of one child, once every rule has been judged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from alertd.calendars.clock import begin_of, end_of, shift
from alertd.cases.kinds import KINDS
from alertd.cases.records import Record, in_words, local_day
from alertd.engine.doubts import all_hold
from alertd.engine.facts import ByKind, Instant
from alertd.engine.findings import Finding
from alertd.engine.gaps import Holds, leaves, placed
from alertd.engine.subject import Subject
from alertd.rulebook.model import Others, Rule
from alertd.rulebook.patterns import names_mean

RANK: Final = {"upcoming": 0, "due": 1, "overdue": 2}
"""The stages that ask for something, the worse the higher."""


def over_others(subject: Subject, meant: Collection[str], findings: Sequence[Finding]) -> Iterator[Finding]:
    """What a rule over other rules finds for a child. ``meant`` are the ids of those rules, and
    ``findings`` what they all found. A finding that cannot be told may be one that would count."""
    others, instant, calendar = subject.rule.others, subject.instant, subject.calendar
    assert others is not None
    if instant.died and instant.died <= instant.today:
        return
    looked_at = sorted((f for f in findings if f.rule in meant), key=lambda f: f.identity)
    opens = local_day(shift(instant.today, others.last, calendar, backwards=True)) if others.last else date.min
    sure = [f for f in looked_at if _stands(f, others) and (others.last is None or _day_of(f) > opens)]
    unknown = [f for f in looked_at if f.stage == "unknown" and f.asks_for_action]
    left = (begin_of(leaves(_day_of(f), others.last, calendar)) for f in sure if others.last)
    ceases = min(left, default=None)
    if len(sure) >= others.at_least:
        evidence = tuple(f.where for f in sure)
        if others.stages == ("unknown",):
            reason, start = sure[0].cannot_tell, _so_many_began_by(sure, others.at_least)
            yield replace(subject.finding(), start=start, cannot_tell=reason, evidence=evidence)
        else:
            since = sorted(_day_of(f) for f in sure)[others.at_least - 1]
            yield from placed(subject, Holds(since, evidence, ceases))
    elif others.stages != ("unknown",) and len(sure) + len(unknown) >= others.at_least:
        yield replace(subject.finding(), cannot_tell=unknown[0].cannot_tell, changes=ceases)


def _so_many_began_by(findings: Iterable[Finding], number: int) -> date | None:
    """The day by which so many had begun. None where one has no such day: never the one on which somebody looks."""
    days = [f.start and local_day(f.start) for f in findings]
    known = sorted(day for day in days if day)
    return known[number - 1] if len(known) == len(days) else None


def _stands(finding: Finding, others: Others) -> bool:
    """Whether a finding stands as the rule over it asks."""
    told = finding.cannot_tell
    return (
        finding.stage in others.stages
        and (others.because is None or (told is not None and told.cause == others.because))
        and (finding.stage != "unknown" or finding.asks_for_action)
    )


def _day_of(finding: Finding) -> date:
    """The day since when a finding of which that is known stands as it does."""
    at = finding.met or finding.due
    assert at is not None
    return local_day(at)


def spoken_for(findings: Sequence[Finding], speakers: Mapping[str, Rule]) -> Iterator[Finding]:
    """The findings, each with the rule that speaks for it: one that asks something for the same
    child and is no less pressing. ``speakers`` are the rules that speak for others, by id."""
    speaking = [f for f in findings if f.rule in speakers and f.stage in RANK]
    for finding in findings:
        by = (
            f.rule
            for f in speaking
            if finding.stage in RANK and f.rule != finding.rule and _no_less_pressing(f, finding)
            if names_mean(speakers[f.rule].speaks_for, finding.rule)
        )
        name = min(by, default="")
        yield replace(finding, spoken_for_by=name) if name else finding


def _no_less_pressing(speaker: Finding, lesser: Finding) -> bool:
    """Of two that are only near the one that is due first, or both on one day, is the more pressing."""
    if speaker.stage == lesser.stage == "upcoming":
        assert speaker.due and lesser.due
        return end_of(speaker.due) <= end_of(lesser.due)
    return RANK[speaker.stage] >= RANK[lesser.stage]


def explained(
    findings: Iterable[Finding], rules: Mapping[str, Rule], by_kind: ByKind, instant: Instant
) -> Iterator[Finding]:
    """The findings, each with the open state that explains it: the earliest of those its rule names.
    Nothing else about them changes. ``rules`` are those that name any, by id."""
    for finding in findings:
        rule = rules.get(finding.rule)
        why = _explanation(rule, by_kind, instant) if rule and finding.stage in RANK else ""
        yield replace(finding, explained=why) if why else finding


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
