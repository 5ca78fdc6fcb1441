"""The rules' meaning again, in plain Python: slow, obvious, and independent of the engine.

Every clock is judged by walking over lists, every date is reached by stepping one day at a time, and nothing is
shared with ``alertd.engine`` or ``alertd.calendars.clock``. Where this and the engine disagree, one of them is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile
from alertd.rulebook.model import Rulebook
from tests.reference.anchor import Anchor, Judged, team_of
from tests.reference.clocks import OUT_OF_REACH, judge_clocks, why_out_of_reach
from tests.reference.composite import ACCUSES, about_the_child, explained, judge_others, speaker
from tests.reference.conditions import Unsure, all_hold
from tests.reference.days import day_of, known
from tests.reference.patterns import judge_pattern


def judge_anchor(a: Anchor) -> list[Judged]:
    """Every finding of one rule about one record."""
    begin = a.record.get(KINDS[a.rule.for_].begins)
    if isinstance(begin, date) and not known(begin, a.as_of):
        return []
    if a.rule.pattern and a.ended:
        return []
    matches = all_hold(a.record, a.rule.where, a.record)
    if matches is False:
        return []
    if isinstance(matches, Unsure):
        return [a.unknown(matches)]
    return judge_pattern(a) if a.rule.pattern else judge_clocks(a)


def within_reach(a: Anchor, judge: Callable[[], list[Judged]]) -> list[Judged]:
    """What is judged, or why the calendar cannot say."""
    try:
        return judge()
    except OUT_OF_REACH as error:
        return [a.unknown(why_out_of_reach(a, error))]


def book_of(case: CaseFile, rulebook: Rulebook, as_of: datetime) -> Rulebook:
    """What the child is judged by: the rules of the team that has the case, where that has its own."""
    team = team_of(case, day_of(as_of))
    return rulebook.teams.get(team, rulebook) if team else rulebook


def reference(case: CaseFile, rulebook: Rulebook, as_of: datetime) -> set[Judged]:
    """What is true of one child at an instant."""
    book = book_of(case, rulebook, as_of)
    found: list[Judged] = []
    for rule in book.enabled:
        for record in case.records:
            if record.kind == rule.for_ and not rule.others:
                a = Anchor(case, book, rule, record, as_of)
                found += within_reach(a, lambda a=a: judge_anchor(a))  # type: ignore[misc]
    composites: list[Judged] = []
    for rule in book.enabled:
        if rule.others:
            a = about_the_child(case, book, rule, as_of)
            composites += within_reach(a, lambda a=a: judge_others(a, found))  # type: ignore[misc]
    return {finished(one, [*found, *composites], book, case, as_of) for one in (*found, *composites)}


def finished(one: Judged, found: list[Judged], book: Rulebook, case: CaseFile, as_of: datetime) -> Judged:
    """The finding with what explains it and who speaks for it, where it says that something is late or soon will be."""
    if one.stage not in ACCUSES:
        return one
    rule = book.rule(one.rule)
    assert rule
    return one._replace(explained=explained(case, rule, as_of), spoken_for_by=speaker(one, found, book))
