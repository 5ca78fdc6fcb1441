"""Why a rule asks nothing of anybody for a child: which condition or date holds it back. Pure.

Evaluating says only what is true; this says of each record the rule could be about why there is no
finding for it, in the order in which evaluating would have stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record, Value, in_words
from alertd.engine.doubts import all_hold, holds
from alertd.engine.facts import Instant
from alertd.rulebook.model import (
    Birthday,
    Condition,
    Count,
    FromEvent,
    Gestation,
    InARow,
    NoOpen,
    Others,
    Rule,
)

_OP = {"is": "", "not": "anything but ", "in": "one of ", "at_least": "at least ", "at_most": "at most "}


@dataclass(frozen=True, slots=True)
class WhyNot:
    """One reason: ``record`` is ``kind:key`` of what it is about, or blank for the whole rule."""

    record: str
    where: str
    text: str


def why_not(rule: Rule, case: CaseFile, judged: frozenset[str], as_of: datetime) -> list[WhyNot]:
    """The reasons that hold a rule back from a child at ``as_of``; ``judged`` are the records it has findings for."""
    whole = list(_of_the_rule(rule, case))
    if whole:
        return whole
    child = next(case.of("child"), None)
    instant = Instant(as_of, child.day("died") if child else None)
    return [
        WhyNot(anchor.ref, anchor.where, _of_the_record(rule, case, anchor, instant))
        for anchor in case.of(rule.for_)
        if anchor.ref not in judged
    ]


def _of_the_rule(rule: Rule, case: CaseFile) -> Iterator[WhyNot]:
    if not rule.enabled:
        yield WhyNot("", rule.place, f"the rule is not enabled: {rule.disabled_because or 'no reason is given'}")
    elif isinstance(rule.pattern, Others):
        names = ", ".join(rule.pattern.rules)
        yield WhyNot(
            "", "", f"fewer than {rule.pattern.at_least} of {names} stand at {' or '.join(rule.pattern.stages)}"
        )
    elif not any(case.of(rule.for_)):
        yield WhyNot("", "", f"the feed holds no {_title(rule.for_)} for this child")


def _of_the_record(rule: Rule, case: CaseFile, anchor: Record, instant: Instant) -> str:
    kind = KINDS[rule.for_]
    begin = anchor.values.get(kind.begins)
    if isinstance(begin, date) and not instant.has_come(begin):
        return f"it begins on {in_words(begin)}, which has not come"
    for condition in rule.where:
        if holds(condition, anchor, anchor) is False:
            return _not_met(condition, anchor)
    ended = instant.ended(anchor)
    if rule.pattern and ended:
        return f"it ended on {in_words(ended)}"
    if rule.pattern:
        return _pattern(rule.pattern, case, anchor, instant)
    return _clock(rule, case, anchor, instant)


def _clock(rule: Rule, case: CaseFile, anchor: Record, instant: Instant) -> str:
    origin = rule.clock.from_
    if isinstance(origin, FromEvent):
        events = _matching(case, rule.stop.kinds if rule.stop else (), rule.stop.where if rule.stop else (), anchor)
        had = sum(1 for r in events if instant.has_come(r.values.get(KINDS[r.kind].begins)))
        wanted = f"{_title(origin.record)} number {origin.nth}"
        return f"it counts from {wanted}, and {had or 'none'} {'is' if had < 2 else 'are'} recorded"
    if isinstance(origin, Birthday):
        return (
            f"it counts from the birthday of {origin.birthday}, which lies ahead, or is outside its age band or phase"
        )
    if isinstance(rule.clock.by, Gestation):
        return "it is about a child not yet born"
    for name in origin or ():
        value = anchor.values.get(name)
        if isinstance(value, date) and not instant.has_come(value):
            return f"it counts from {name}, {in_words(value)}, which has not come"
        if isinstance(value, date):
            break
    else:
        if origin and KINDS[anchor.kind].ends in origin:
            return "it counts from the end, and it has not ended"
    if rule.clock.starting or rule.age:
        return "no clock of it starts in the phase or the age band this rule is for"
    return "no limit was in force when it began"


def _pattern(pattern: Count | InARow | NoOpen | Others, case: CaseFile, anchor: Record, instant: Instant) -> str:
    assert not isinstance(pattern, Others)
    found = [
        r
        for r in _matching(case, pattern.kinds, pattern.where, anchor)
        if instant.has_come(r.values.get(pattern.on or ""))
    ]
    what = " or ".join(_title(kind) for kind in pattern.kinds)
    match pattern:
        case Count():
            spans = (("last", "in the last"), ("before", "in the time before it,"), ("after", "after it, within"))
            told = next((f" {words} {span}" for key, words in spans if (span := getattr(pattern, key))), "")
            return (
                f"it takes {pattern.at_least} of {what}{told}; {len(found) or 'none'} at any time {_is(found)} recorded"
            )
        case InARow():
            return f"the latest {pattern.times} of {what} in a row do not all meet its conditions"
        case _:
            return f"a matching {what} is open"


def _is(found: Sequence[Record]) -> str:
    return "is" if len(found) < 2 else "are"


def _matching(case: CaseFile, kinds: Sequence[str], where: Sequence[Condition], anchor: Record) -> list[Record]:
    return [r for r in case.records if r.kind in kinds and r is not anchor and all_hold(where, r, anchor)]


def _not_met(condition: Condition, record: Record) -> str:
    """A text may hold what somebody typed in the wrong place, so it is never repeated."""
    wanted, recorded = condition.value, record.values[condition.field]
    shown = ", ".join(map(_shown, wanted)) if isinstance(wanted, tuple) else _shown(wanted)
    found = "otherwise" if isinstance(recorded, str) else f"as {_shown(recorded)}"
    return f"{condition.field} is recorded {found}, and the rule is for {_OP[condition.op]}{shown}"


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return in_words(value) if isinstance(value, date) else str(value)


def _title(kind: str) -> str:
    title = KINDS[kind].title.partition(",")[0]
    return title[0].lower() + title[1:]
