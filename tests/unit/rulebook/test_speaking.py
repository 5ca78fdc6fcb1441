"""Where two shipped rules ask for the same thing, one of them speaks: a child for each pair, and exactly one is told.

Each child is seen at the moment both rules fire, with the two rules running and no other. A pair that has no
child here fails, so whoever lets a rule speak for another shows when it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, NamedTuple

import pytest

from alertd.alerts.muting import why_muted
from alertd.cases.records import LONDON, CaseFile, Record, Window, make_record
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.rulebook.builtin import builtin_pack
from alertd.rulebook.load import load_rulebook, parse_settings
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.patterns import names_mean

Records = dict[str, Any]


def of(kind: str, **values: Any) -> Records:
    return {"kind": kind, **values}


CHILD = of("child", born="2014-05-06")
OPEN_REFERRAL = of("referral", key="R1", start="2026-03-02", nfa=False)
ASSESSING = of("assessment", key="A1", referral="R1", start="2026-03-02")
CP = of("cp_plan", start="2026-08-03", other_authority=False)
CIN = of("cin_plan", start="2026-08-03")
CARE = of("care_period", start="2026-08-03")
PLACED = of("placement", start="2026-08-03", type="U6")
SEEN = of("cla_visit", happened="2026-08-05", child_seen=True)
OUT_OF_SCHOOL = of("out_of_school", start="2026-09-07")
WITH_PARENT = of("home_placement", start="2026-08-03", order="full", assessed_first=False, reviewed=False)
INTERIM = {**WITH_PARENT, "order": "interim"}
CONNECTED = of("special_approval", start="2026-08-03", type="connected", reviewed=False)
YEARS_THERE = of("placement", start="2025-02-03", type="U6")
SEEN_LATE = of("cla_visit", key="late", happened="2026-08-05", child_seen=True)
REVIEWS = tuple(of("cla_review", key=k, happened=d) for k, d in (("a", "2026-01-26"), ("b", "2026-04-20")))
LOOKED_AFTER = of("care_period", start="2026-01-05")
TO_ADOPTERS = of("placement", start="2026-08-03", type="A5")
ORDINARY = {
    "cla.visit.first": (PLACED,),
    "cla.visit.year1": (PLACED, SEEN),
    "cla.visit.later": (YEARS_THERE, SEEN_LATE),
}
STRICTER = (
    ("cla.visit.reg19", WITH_PARENT),
    ("cla.visit.reg24_ico", CONNECTED),
    ("cla.visit.reg24_ico.later", {**CONNECTED, "reviewed": True}),
    ("cla.visit.reg24_ico.home", INTERIM),
    ("cla.visit.reg24_ico.home_later", {**INTERIM, "reviewed": True}),
)


def of_the_adopting() -> Iterator[tuple[str, str, tuple[Records, ...]]]:
    """Reviews of a child with a plan for adoption, so late that both the first kind and the other are overdue."""
    waiting, second, later = of("adoption_authority", start="2026-01-26"), REVIEWS[:1], REVIEWS
    placed = of("placement", start="2026-01-26", type="A5")
    before = of("adoption_authority", start="2026-02-02")
    before_placed = of("placement", start="2026-02-02", type="A5")
    yield "adopt.review.wait", "cla.review.second", (LOOKED_AFTER, *second, before)
    yield "adopt.review.wait", "cla.review.next", (LOOKED_AFTER, *later, of("adoption_authority", start="2026-04-27"))
    yield "adopt.review.wait.next", "cla.review.second", (LOOKED_AFTER, *second, waiting)
    yield "adopt.review.wait.next", "cla.review.next", (LOOKED_AFTER, *later, waiting)
    yield "adopt.review.placed", "cla.review.second", (LOOKED_AFTER, *second, before_placed)
    yield "adopt.review.placed", "cla.review.next", (LOOKED_AFTER, *later, TO_ADOPTERS)
    # The first review of this placement is the first of this time in care: a child back in care with its adopters.
    yield "adopt.review.placed.second", "cla.review.second", (LOOKED_AFTER, *second, placed)
    yield "adopt.review.placed.second", "cla.review.next", (LOOKED_AFTER, *later, {**placed, "start": "2026-04-20"})
    # Two periods of care of which one was never ended: no other child has a second review in one, a third in the other.
    other = of("care_period", key="again", start="2026-04-20")
    yield "adopt.review.placed.next", "cla.review.second", (LOOKED_AFTER, other, *later, placed)
    yield "adopt.review.placed.next", "cla.review.next", (LOOKED_AFTER, *later, placed)


class Pair(NamedTuple):
    """A rule that speaks, the one it speaks for, the child's records and when it is seen."""

    speaker: str
    silent: str
    records: tuple[Records, ...]
    as_of: str = "2026-11-23"


TRIGGER = of("agency_trigger", key="P1", happened="2026-11-02 09:00", type="placement", out_of_area=True)
CHILDREN = (
    Pair("assess.cfa", "assess.cfa.start", (OPEN_REFERRAL, ASSESSING)),
    Pair("assess.cfa", "gap.no_plan.cin", (CHILD, OPEN_REFERRAL, ASSESSING)),
    Pair("cp.visit", "cin.visit", (CHILD, CP, CIN)),
    Pair("cp.visit", "cp.visit.held", (CHILD, CP)),
    Pair("cp.visit", "gap.no_contact.amber", (CHILD, CP)),
    *(
        Pair("gap.no_contact", silent, (CHILD, CP, *with_))
        for silent, *with_ in (
            ("cin.visit", CIN),
            ("cp.visit",),
            ("gap.no_contact.amber",),
            ("gap.no_contact.cin", CIN),
            ("gap.no_contact.cla", CARE),
        )
    ),
    Pair("gap.no_contact.any_agency", "gap.no_contact", (CHILD, CP)),
    Pair("gap.no_contact.cin", "cin.visit", (CHILD, CIN)),
    Pair("gap.no_oversight", "gap.no_oversight.cla", (CP, CARE)),
    Pair("gap.no_oversight", "gap.no_oversight.cin", (CP, CIN)),
    Pair("gap.no_oversight", "sup.case", (CP,)),
    Pair("gap.no_oversight.cla", "gap.no_oversight.cin", (CARE, CIN)),
    Pair("gap.no_school", "gap.no_school.amber", (OUT_OF_SCHOOL,)),
    Pair("gap.no_school", "cla.school.place", (OUT_OF_SCHOOL,)),
    Pair("gap.no_worker", "gap.no_worker.cp", (CARE, CP)),
    Pair("gap.no_worker", "gap.no_worker.cin", (CARE, OPEN_REFERRAL)),
    Pair("gap.no_worker.cp", "gap.no_worker.cin", (CP, OPEN_REFERRAL)),
    Pair(
        "gap.not_alone.unseen",
        "gap.not_alone",
        (
            CHILD,
            CP,
            *tuple(
                of("cp_visit", key=day, happened=day, child_seen=False, seen_alone=False)
                for day in ("2026-11-02", "2026-11-16")
            ),
        ),
    ),
    Pair("gap.cp_repeat", "gap.cp_repeat.ever", (CP, {**CP, "key": "P0", "start": "2025-03-03", "end": "2025-12-01"})),
    Pair(
        "gap.missing_repeat",
        "gap.missing_repeat.ninety",
        (CHILD, *(of("missing", key=f"M{d}", start=f"2026-11-{d} 20:00", type="missing") for d in (10, 14, 18))),
    ),
    Pair(
        "lc.needs.later",
        "lc.needs",
        (
            of("child", born="2010-05-06"),
            of("care_period", start="2025-08-04"),
            of("care_leaver", eligibility="eligible", became="2026-05-06"),
        ),
    ),
    Pair("cla.careplan", "gap.no_plan", (CARE,)),
    Pair("cla.iro.appoint", "cla.iro.appoint.change", (CARE,)),
    *(Pair(speaker, late, (home, *rest)) for speaker, home in STRICTER for late, rest in ORDINARY.items()),
    Pair("cla.visit.co_home", "cla.visit.first", (WITH_PARENT, PLACED)),
    # The full order was made after the last visit to a child who lived at home already.
    Pair("cla.visit.co_home", "cla.visit.year1", ({**WITH_PARENT, "start": "2026-08-06"}, PLACED, SEEN)),
    Pair("cla.visit.co_home", "cla.visit.later", ({**WITH_PARENT, "start": "2026-08-06"}, YEARS_THERE, SEEN_LATE)),
    Pair("cla.visit.reg19", "cla.visit.co_home", (WITH_PARENT,)),
    Pair("cla.visit.reg24_ico.home", "cla.visit.reg19", (INTERIM,)),
    Pair(
        "cla.tempapproval.extended",
        "cla.tempapproval.longest",
        (of("special_approval", start="2026-04-06", type="connected_extended", expires="2026-09-01"),),
    ),
    Pair("missing.open.senior", "missing.open", (of("missing", start="2026-11-16 20:00"),)),
    Pair("notify.n14", "lado.referral", (of("allegation", happened="2026-11-16", crime=False, regulated=False),)),
    Pair("notify.n2", "gap.oo_unnotified.planned", ({**TRIGGER, "emergency": False, "takes_effect": "2026-11-09"},)),
    Pair("notify.n2.emergency", "gap.oo_unnotified", ({**TRIGGER, "emergency": True, "takes_effect": "2026-11-09"},)),
    Pair(
        "notify.n3",
        "gap.distance_unapproved.consulted",
        ({**TRIGGER, "emergency": False, "distant": True, "takes_effect": "2026-11-09"},),
    ),
    Pair("notify.n12.a", "sin.notify", (of("serious_incident", happened="2026-11-02 09:00"),)),
    Pair(
        "cla.permanence",
        "gap.s20_drift",
        (of("care_period", start="2026-05-04"), of("legal_status", start="2026-05-04", status="V2")),
    ),
    *(Pair(speaker, silent, records) for speaker, silent, records in of_the_adopting()),
    Pair("adopt.visit", "cla.visit.first", (TO_ADOPTERS,)),
    Pair("adopt.visit.next", "cla.visit.year1", (TO_ADOPTERS, SEEN)),
    Pair(
        "proc.epo.expiry",
        "proc.epo",
        (of("emergency_protection", start="2026-11-02 12:00", expires="2026-11-06 12:00", type="order"),),
    ),
    Pair(
        "proc.epo.expiry",
        "proc.epo.extension",
        (of("emergency_protection", start="2026-11-02 12:00", expires="2026-11-06 12:00", type="extension"),),
    ),
)
TERMS = ({"start": "2026-09-01", "end": "2026-12-18"},)


@lru_cache
def shipped() -> Rulebook:
    book = load_rulebook([builtin_pack("england")])
    wanted = parse_settings({"cp.visit.interval": "10 working days"}, book.rules)
    return Rulebook.model_validate({**dict(book), "settings": {**book.settings, **wanted}, "terms": TERMS})


def pairs(rules: Iterable[Rule]) -> list[tuple[str, str]]:
    """Every rule that speaks, and each for which it does."""
    by_id = {rule.id: rule for rule in rules}
    speaking = [rule for rule in by_id.values() if rule.speaks_for]
    return [(r.id, o) for r in speaking for o in by_id if o != r.id and names_mean(r.speaks_for, o)]


def records(pair: Pair) -> tuple[Record, ...]:
    def typed(value: object) -> object:
        try:
            at = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            return value
        if at is None:
            return value
        return at.date() if isinstance(value, str) and len(value) == 10 else at.replace(tzinfo=LONDON)

    return tuple(
        make_record(
            raw["kind"],
            "C1",
            raw.get("key", f"K{n}"),
            f"{raw['kind']} {n}",
            {name: typed(value) for name, value in raw.items() if name not in ("kind", "key")},
        )
        for n, raw in enumerate(pair.records)
    )


def findings(pair: Pair, *names: str) -> list[Finding]:
    """What the rules named find that asks for action, at the end of the day."""
    rules = tuple(r.model_copy(update={"enabled": True}) for r in shipped().rules if r.id in names)
    as_of = datetime.combine(date.fromisoformat(pair.as_of), time(23, 59, 59), LONDON)
    found = Evaluator.of(shipped().model_copy(update={"rules": rules})).evaluate(
        CaseFile("C1", records(pair), Window()), as_of
    )
    return [f for f in found if f.asks_for_action]


def told(found: list[Finding]) -> set[str]:
    """The rules of which somebody is told."""
    book = shipped()

    def muted(f: Finding) -> str:
        rule = book.rule(f.rule)
        assert rule
        return why_muted(f, rule, (), book.rule(f.spoken_for_by))

    return {f.rule for f in found if not muted(f)}


def test_every_pair_that_ships_has_a_child() -> None:
    assert sorted(pairs(shipped().rules)) == sorted((p.speaker, p.silent) for p in CHILDREN)


@pytest.mark.parametrize("pair", CHILDREN, ids=lambda pair: f"{pair.speaker} for {pair.silent}")
def test_both_fire_and_only_the_one_that_speaks_is_told(pair: Pair) -> None:
    assert told(findings(pair, pair.silent)) == {pair.silent}, "it does not fire by itself"
    both = findings(pair, pair.speaker, pair.silent)
    assert {f.rule for f in both} == {pair.speaker, pair.silent}
    assert told(both) == {pair.speaker}
