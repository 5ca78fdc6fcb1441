"""Random but meaningful rulebooks, of every kind of rule."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any

from alertd.calendars.calendar import Term
from alertd.rulebook.model import Rule, Rulebook
from tests.reference.parts import BY, EXPLAINED, ORIGINS, PATTERNS, PLANS, UNTIL, WHERE

SEED, POOL = 20261126, 200

LENGTHS: tuple[str, ...] = ("1 working day", "2 working days", "10 working days", "15 working days", "45 working days")
LENGTHS += ("1 calendar day", "5 calendar days", "7 calendar days", "28 calendar days", "1 week", "4 weeks")
LENGTHS += ("6 weeks", "12 weeks", "1 month", "3 months", "6 months", "1 year", "10 school days", "25 school days")
HOURS = ("4 hours", "24 hours", "72 hours")
SHORT: tuple[str, ...] = ("1 working day", "3 working days", "10 working days", "2 calendar days", "10 calendar days")
SHORT += ("1 week", "1 month", "4 hours", "12 hours", "36 hours")
BEFORE = ("1 working day", "5 working days", "3 calendar days", "2 weeks", "1 month", "10 school days")
SPANS = ("28 calendar days", "12 weeks", "6 months", "1 year", "10 working days")
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
GESTATIONS = (20, 24, 30, 40, 42)

Raw = dict[str, Any]


def _length(r: Random, pool: tuple[str, ...]) -> Any:
    if r.random() < 0.7:
        return r.choice(pool)
    if r.random() < 0.5:
        named = {"setting": r.choice(("alpha.days", "beta.days", "gamma.days"))}
        return {**named, "default": r.choice(pool)} if r.random() < 0.5 else {**named, "no_default": True}
    changed = [{"from": date(2025, r.randint(1, 12), 1), "value": r.choice(pool)} for _ in range(r.randint(1, 2))]
    return changed if r.random() < 0.4 else [{"value": r.choice(pool)}, *changed]


# --- rules with a clock -------------------------------------------------------------------------------------------


def _from(r: Random, for_: str, until: Raw) -> Raw:
    hours = r.random() < (0.5 if for_ in ("missing", "referral", "serious_incident") else 0.1)
    pool = HOURS if hours else LENGTHS
    clock: Raw = {"every" if "record" in until and r.random() < 0.5 else "within": _length(r, pool)}
    kind_of_origin = r.random()
    clock["from"] = r.choice(ORIGINS[for_])
    if isinstance(until.get("record"), str) and kind_of_origin < 0.3:
        nth = r.choice(("1", "2", "3", "1 and later", "2 and later", "3 and later"))
        clock["from"] = {"record": until["record"], "nth": nth}
    elif kind_of_origin < 0.42:
        clock["from"] = {"birthday": r.choice((0, 1, 5, 16, 18))}
    if r.random() < 0.2:
        clock["local"] = _length(r, LENGTHS + HOURS if r.random() < 0.2 else pool)
    if _names(until.get("record")) <= PLANS and "record" in until and r.random() < 0.6:
        clock["plan"] = "due_on"
    if r.random() < 0.2:
        clock["starting"] = {r.choice(("within", "after")): r.choice(("1 month", "20 working days", "12 weeks"))}
    if r.random() < 0.2:
        clock["count_from"] = "same_day"
    return clock


def _by(r: Random, for_: str) -> Raw:
    gestation = for_ not in BY or r.random() < 0.2
    clock: Raw = {"by": {"gestation": r.choice(GESTATIONS)} if gestation else r.choice(BY[for_])}
    if r.random() < 0.7:
        clock["before"] = r.choice(BEFORE)
    return clock


def _names(value: Any) -> set[str]:
    return {value} if isinstance(value, str) else set(value or ())


def _timed(r: Random, name: str, for_: str) -> Raw:
    """A timescale, a gap by absence or a notification."""
    until = r.choice(UNTIL[for_])
    by = r.random() < (0.5 if for_ in BY else 0.15 if for_ == "child" else 0.03)
    clock = _by(r, for_) if by else _from(r, for_, until)
    from_event = isinstance(clock.get("from"), dict) and "record" in clock["from"]
    if "record" in until and not from_event and r.random() < 0.2:
        until = {**until, "early": r.choice(("5 calendar days", "2 weeks", "12 weeks"))}
    elif "record" in until and not by and r.random() < 0.15:
        until = {**until, "after_start": True}
    if r.random() < 0.2:
        clock["roll"] = "forward"
    raw: Raw = {"clock": clock, "warn": f"W{r.randint(0, 5)}"}
    kind = r.random()
    if kind < 0.15:
        return {**raw, "without": until}
    if kind < 0.3:
        sent = {"record": "agency_notice", "where": {"notice": name, "about": "this.id"}}
        able = not from_event and "plan" not in clock and until.keys().isdisjoint({"early", "after_start"})
        return {**raw, "tell": "police", "until": sent if able and r.random() < 0.6 else until}
    return {**raw, "until": until}


# --- rules about patterns -----------------------------------------------------------------------------------------


def _patterned(r: Random, for_: str) -> Raw:
    name = r.choice(sorted({name for name, _ in PATTERNS[for_]}))
    records = r.choice([records for one, records in PATTERNS[for_] if one == name])
    pattern: Raw = dict(records)
    if name == "in_a_row":
        pattern["times"] = r.choice((2, 2, 3))
    if name == "count":
        pattern["at_least"] = r.choice((1, 2, 2, 3))
        reach = r.choice(("last", "last", "before", "after", None))
        if reach:
            pattern[reach] = r.choice(SPANS)
    return {name: pattern, **_within(r)}


def _composite(r: Random, before: list[str]) -> Raw:
    stages = r.choice((*2 * [["overdue"], ["met_late"]], ["due", "overdue"], ["upcoming"], ["unknown"]))
    names = r.choice((r.sample(before, r.randint(1, len(before))), ["a.*"], ["b.*", r.choice(before)]))
    raw: Raw = {"rules": names, "stages": stages, "at_least": r.choice((1, 1, 2))}
    if stages == ["met_late"]:
        raw["last"] = r.choice(SPANS[:2])
    if stages == ["unknown"] and r.random() < 0.6:
        raw["because"] = r.choice(("missing", "window", "conflict", "unreadable"))
    return {"for": "child", "others": raw, **_within(r)}


def _within(r: Random) -> Raw:
    """How long a pattern may hold before somebody must act; mostly not at all."""
    if r.random() < 0.5:
        return {}
    clock: Raw = {"within": _length(r, LENGTHS + HOURS[:1])}
    if r.random() < 0.3:
        clock["count_from"] = "same_day"
    if r.random() < 0.3:
        clock["roll"] = "forward"
    return {"clock": clock}


# --- rulebooks ----------------------------------------------------------------------------------------------------


def _rule(r: Random, name: str, for_: str, before: list[str], after: list[str]) -> Rule:
    """``before`` are the rules told of already, ``after`` those yet to come, for which alone this one may speak."""
    luck = r.random()
    if luck < 0.12 and before:
        special = _composite(r, before)
    elif luck < 0.5 and for_ in PATTERNS:
        special = _patterned(r, for_)
    else:
        special = _timed(r, name, for_)
    raw: Raw = {
        "id": name,
        "title": "A rule",
        "why": "To test",
        "law": {"cite": "none", "confidence": r.choice(("V", "V", "V†", "V*", "P", "K", "K/P"))},
        "for": for_,
        "clears": "It is done",
        "escalate": f"L{r.randint(0, 3)}",
        "enabled": r.random() < 0.95,
        **special,
    }
    if "others" not in special:
        raw["where"] = r.choice(WHERE[for_]) if for_ in WHERE and r.random() < 0.5 else {}
        if r.random() < 0.2:
            raw["age"] = r.choice(({"under": 5}, {"from": 5}, {"from": 1, "under": 16}, {"under": 1}))
    if r.random() < 0.25:
        raw["explained_by"] = tuple(r.sample(EXPLAINED, r.randint(1, 2)))
    if after and r.random() < 0.3:
        raw["speaks_for"] = r.choice((r.sample(after, r.randint(1, len(after))), ["b.*"] if name[0] == "a" else after))
    return Rule.model_validate(raw)


def _checkpoint(r: Random) -> Raw:
    return r.choice(
        ({"before": r.choice(SHORT)}, {"after": r.choice(SHORT)}, {"at_share": r.choice(SHARES)}, {"at_start": True})
    )


def _step(r: Random) -> Raw:
    where = r.choice(
        ({}, {"after": r.choice(SHORT)}, {"after": r.choice(SHORT)}, {"before": r.choice(SHORT)}, {"at_share": 0.5})
    )
    return {"tell": ("worker",), **where}


def _terms(half_terms: int) -> tuple[Term, ...]:
    """Half terms of five to eight weeks with a week or two between."""
    r, terms, start = Random(half_terms), [], date(2024, 10, 14)
    for _ in range(half_terms):
        end = start + timedelta(weeks=r.randint(5, 8), days=-3)
        closed = tuple(start + timedelta(r.randint(0, 40)) for _ in range(r.randint(0, 2)))
        terms.append(Term(start, end, tuple(day for day in closed if day <= end)))
        start = end + timedelta(weeks=r.randint(1, 2), days=3)
    return tuple(terms)


def _rulebook(r: Random, anchors: list[str]) -> Raw:
    size = r.randint(1, 7)
    names = [f"{'a' if n < size // 2 else 'b'}.rule{n}" for n in range(size)]
    return {
        "rules": tuple(_rule(r, name, r.choice(anchors), names[:n], names[n + 1 :]) for n, name in enumerate(names)),
        "warnings": {f"W{i}": {"title": "W", "at": tuple(_checkpoint(r) for _ in range(min(i, 4)))} for i in range(6)},
        "ladders": {
            f"L{i}": {"title": "L", "steps": tuple(_step(r) for _ in range(r.randint(1, 4)))} for i in range(4)
        },
        "settings": {name: r.choice(LENGTHS) for name in ("alpha.days", "beta.days") if r.random() < 0.5},
        "nation": r.choice(("england-and-wales", "england-and-wales", "scotland", "northern-ireland")),
        "terms": _terms(r.choice((0, 3, 16, 20))),
    }


def _with_teams(r: Random) -> Rulebook:
    """Rules about two kinds of record at most, so that a case of few records has much to say to them."""
    anchors = r.sample(list(UNTIL), 2)
    raw = _rulebook(r, anchors)
    if r.random() < 0.15:
        raw["teams"] = {"T1": _rulebook(r, anchors)}
    return Rulebook.model_validate(raw)


@cache
def rulebooks() -> tuple[Rulebook, ...]:
    """The same pool in every session: building a ruleset costs far more than judging a case with it."""
    r = Random(SEED)
    return tuple(_with_teams(r) for _ in range(POOL))
