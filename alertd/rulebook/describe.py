"""A rule's clock and its nation in words, for lists that people read."""

from __future__ import annotations

from datetime import date

from alertd.rulebook.model import Rule, Rulebook, Setting
from alertd.rulebook.patterns import Count, InARow, NoOpen, Others
from alertd.rulebook.timing import Birthday, FromEvent, Gestation


def clock_in_words(rule: Rule, rulebook: Rulebook, today: date) -> str:
    """``20 working days from start, until cla_review``: the length in force for a clock that starts today."""
    if rule.pattern:
        limit = rulebook.limit(rule, today)
        within = f", for {limit}" if limit and limit.n else ""
        return f"{_pattern(rule.pattern)}{within}"
    return f"{_length(rule, rulebook, today)}{_origin(rule)}, until {_stop(rule)}"


def nation_of(rule: Rule) -> str:
    """``england`` or ``wales``; ``local`` for an authority's own."""
    first = rule.pack.partition(".")[0]
    return first if first in ("england", "wales") else "local"


def _length(rule: Rule, rulebook: Rulebook, today: date) -> str:
    clock = rule.clock
    if clock.by is not None:
        target = f"{clock.by.gestation} weeks of gestation" if isinstance(clock.by, Gestation) else clock.by
        return f"{clock.before} before {target}" if clock.before else f"by {target}"
    limit = rulebook.limit(rule, today)
    words = str(limit) if limit else "no length set" if isinstance(clock.length, Setting) else "no length in force"
    words = f"every {words}" if clock.every is not None else words
    local = rulebook.local_limit(rule, today)
    return f"{words} (here {local})" if local else words


def _origin(rule: Rule) -> str:
    origin = rule.clock.from_
    if origin is None:
        return ""
    if isinstance(origin, Birthday):
        return f" from birthday {origin.birthday}"
    if isinstance(origin, FromEvent):
        return f" from {origin.record} {origin.nth}"
    return f" from {' or '.join(origin)}"


def _stop(rule: Rule) -> str:
    stop = rule.stop
    return (stop.own or " or ".join(stop.kinds)) if stop else ""


def _pattern(pattern: Count | InARow | NoOpen | Others) -> str:
    if isinstance(pattern, Count):
        spans = {"in the last": pattern.last, "before it, within": pattern.before, "after it, within": pattern.after}
        span = next((f" {words} {length}" for words, length in spans.items() if length), "")
        return f"{pattern.at_least} or more of {' or '.join(pattern.kinds)}{span}"
    if isinstance(pattern, InARow):
        return f"the latest {pattern.times} of {' or '.join(pattern.kinds)} in a row"
    if isinstance(pattern, NoOpen):
        return f"no open {' or '.join(pattern.kinds)}"
    return f"{pattern.at_least} or more {' or '.join(pattern.stages)} of {', '.join(pattern.rules)}"
