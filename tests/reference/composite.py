"""What is said of findings rather than of records: patterns of other rules, what explains, who speaks for whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record, in_words
from alertd.rulebook.model import Others, Rule, Rulebook
from tests.reference.anchor import Anchor, Judged, child_of
from tests.reference.conditions import all_hold
from tests.reference.days import day_of, instant, known, last_instant
from tests.reference.patterns import Holds, placed

ACCUSES = ("upcoming", "due", "overdue")


def named(names: Iterable[str], rule: str) -> bool:
    """Whether a rule is among those named, by its id or by ``cla.*``."""
    return any(rule == name or (name.endswith("*") and rule.startswith(name[:-1])) for name in names)


def about_the_child(case: CaseFile, book: Rulebook, rule: Rule, as_of: datetime) -> Anchor:
    """A rule held against the child, even where the feed has no record of the child itself."""
    return Anchor(case, book, rule, child_of(case) or Record("child", case.child, case.child, ""), as_of)


def judge_others(a: Anchor, found: Iterable[Judged]) -> list[Judged]:
    """The finding of one rule about the findings of others, if there is one."""
    p = a.rule.others
    assert p
    if a.ended:
        return []
    patterns = {rule.id for rule in a.book.rules if rule.others}
    meant = sorted((f for f in found if named(p.rules, f.rule) and f.rule not in patterns), key=lambda f: f.identity)
    certain = [f for f in meant if counts(a, p, f)]
    perhaps = [f for f in meant if f.open_unknown and p.stages != ("unknown",)]
    if len(certain) >= p.at_least:
        evidence, first = tuple(f.where for f in certain), certain[0]
        if p.stages == ("unknown",):
            undated = any(f.start is None for f in certain)
            since = None if undated else sorted(day_of(f.start) for f in certain if f.start)[p.at_least - 1]
            return [a.told("unknown", start=since, cause=first.cause, field=first.field, evidence=evidence)]
        return placed(a, Holds(sorted(map(day_counted, certain))[p.at_least - 1], evidence))
    if len(certain) + len(perhaps) >= p.at_least:
        return [a.told("unknown", cause=perhaps[0].cause, field=perhaps[0].field)]
    return []


def counts(a: Anchor, p: Others, f: Judged) -> bool:
    """Whether a finding is one of those the rule looks for."""
    if f.stage not in p.stages or (f.stage == "unknown" and not f.open_unknown):
        return False
    if p.because and f.cause != p.because:
        return False
    if p.last:
        assert f.met
        return day_of(a.add(a.today, p.last, -1)) < day_of(f.met) <= a.today
    return True


def day_counted(f: Judged) -> date:
    """The day since which a finding counts."""
    when = f.met if f.stage == "met_late" else f.due
    assert when
    return day_of(when)


def explained(case: CaseFile, rule: Rule, as_of: datetime) -> str:
    """The state that explains a late date: the earliest begun of those open."""
    states = []
    for one in rule.explained_by:
        for record in case.records:
            kind = KINDS[record.kind]
            if record.kind not in one.kinds or all_hold(record, one.where, record) is not True:
                continue
            assert kind.ends
            start, end = record.get(kind.begins), record.get(kind.ends)
            begun = start is None or (isinstance(start, date) and known(start, as_of))
            over = record.doubt(kind.ends) or (isinstance(end, date) and known(end, as_of))
            if begun and not over:
                first = instant(start) if isinstance(start, date) else datetime.min.replace(tzinfo=UTC)
                title = kind.title.split(",")[0]
                day = f" since {in_words(record.day(kind.begins) or as_of)}" if start else ""
                states.append((first, record.key, record.kind, title[0].lower() + title[1:] + day))
    return min(states)[3] if states else ""


def speaker(f: Judged, found: Iterable[Judged], book: Rulebook) -> str:
    """The rule whose worse alert for the same child speaks for this one."""
    ranks = {stage: rank for rank, stage in enumerate(ACCUSES)}
    speakers = {rule.id for rule in book.rules if named(rule.speaks_for, f.rule) and rule.id != f.rule}
    worse = []
    for g in found:
        if g.rule not in speakers or f.stage not in ranks or g.stage not in ranks:
            continue
        if f.stage == g.stage == "upcoming":
            assert f.due and g.due
            if last_instant(g.due) <= last_instant(f.due):
                worse.append(g.rule)
        elif ranks[g.stage] >= ranks[f.stage]:
            worse.append(g.rule)
    return min(worse, default="")


def measured(book: Rulebook, holds: frozenset[str], lacks: frozenset[str]) -> dict[str, str]:
    """The rules that a feed cannot measure, each with the first kind, field or rule that it has to do without."""
    unable: dict[str, str] = {}
    for rule in book.enabled:
        kinds = {need for need in rule.needs if "." not in need and need != "child"}
        missing = sorted((kinds - holds) | (rule.needs & lacks))
        if missing:
            unable[rule.id] = missing[0]
    for rule in book.enabled:
        meant = [r.id for r in book.enabled if rule.others and not r.others and named(rule.others.rules, r.id)]
        if meant and all(name in unable for name in meant):
            unable[rule.id] = meant[0]
    return unable
