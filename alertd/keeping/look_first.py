"""What has to be looked at before what is kept of a child is given out. Pure: alertd points, a person decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alertd.keeping.subject_access import Kept
from alertd.partners.plan import ALERTD
from alertd.partners.store import BY_DELIVERY

ITSELF: Final = (ALERTD, BY_DELIVERY)
"""Who did what nobody did."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to decide: what it is, by which law, and where it is in what is kept."""

    what: str
    law: str
    where: tuple[str, ...]


WHO_ASKS: Final = (
    "Who asks, and for whom: the child, or somebody for the child. A parent has no right of their own to it; a child "
    "who understands what it is to ask, asks for themselves."
)
HARM: Final = (
    "Would giving it out be likely to cause serious harm to the physical or mental health of the child or of anybody "
    "else? A social worker who knows the child decides, before it goes, and writes down why."
)
EXPECTED: Final = (
    "Where somebody asks for the child: what the child gave in the expectation that they would not be told, and what "
    "bears on whether the child was abused or is at risk of it, where to tell them is not in the child's interest."
)

OF_KINDS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (
        "Data concerning health: not given out before the health professional responsible was asked, within six "
        "months, whether it would cause serious harm.",
        "DPA 2018 Sch 3 para 6",
        (
            "appointment",
            "detention",
            "health_assessment",
            "health_paper",
            "immunisation_status",
            "sdq",
            "sdq_standing",
            "surveillance_status",
        ),
    ),
    (
        "Education data: the serious harm test of its own.",
        "DPA 2018 Sch 3 Part 4",
        ("attendance", "out_of_school", "pep", "school_term"),
    ),
    (
        "What may be part of an investigation: ask the police whether giving it out would prejudice it.",
        "DPA 2018 Sch 2 para 2",
        (
            "allegation",
            "emergency_protection",
            "missing",
            "return_interview",
            "s47",
            "serious_incident",
            "strategy_discussion",
        ),
    ),
    (
        "Proceedings and legal advice: what the court has said of its papers, and what is privileged.",
        "DPA 2018 Sch 3 para 9, Sch 2 para 19",
        ("legal_advice", "pre_proceedings", "proceedings", "proceedings_extension"),
    ),
    (
        "Adoption records and reports have a law of their own.",
        "DPA 2018 Sch 4 para 3",
        ("adoption_authority", "adoption_step"),
    ),
    (
        "Records that tell of brothers, sisters, the household or carers too.",
        "DPA 2018 Sch 2 para 16",
        ("allegation", "carer_approval", "carer_review", "household", "sibling_event"),
    ),
)
"""What a kind of record may make it necessary to ask."""


def questions(kept: Kept, name_of: Callable[[str], str], *, restricted: bool) -> list[Question]:
    """What to decide, the gravest first. ``name_of`` names a person or agency of an id; ``restricted``: somebody is
    not to hear of this child."""
    found = [
        Question(WHO_ASKS, "UK GDPR art 15; ICO, Right of access", ()),
        Question(HARM, "DPA 2018 Sch 3 paras 7(2) and 11", ()),
        Question(EXPECTED, "DPA 2018 Sch 3 paras 10 and 21", ()),
    ]
    if restricted:
        found.insert(0, Question("Somebody is not to hear of this child: is it they who ask?", "restrictions", ()))
    found += _of_kinds(kept)
    found += _of_others(kept)
    found += _of_people(kept, name_of)
    if reasons := tuple(_written(kept)):
        what = "What people wrote freely: it may name anybody. Read each."
        found.append(Question(what, "DPA 2018 Sch 2 para 16", reasons))
    return found


def _of_kinds(kept: Kept) -> Iterator[Question]:
    kinds = Counter(record["kind"] for case in kept.cases for record in case["records"])
    for what, law, these in OF_KINDS:
        where = tuple(f"{kind.replace('_', ' ')}: {n}" for kind, n in sorted(kinds.items()) if kind in these)
        if where:
            yield Question(what, law, where)


def _of_others(kept: Kept) -> Iterator[Question]:
    telling = [(one["id"], len(one["other_children"])) for one in kept.messages if one["other_children"]]
    where = tuple(f"message {id_}, other children: {n}" for id_, n in telling)
    if where:
        what = "Messages that tell of other children too. What they say of them is not this child's: take it out."
        yield Question(what, "DPA 2018 Sch 2 para 16", where)


def _of_people(kept: Kept, name_of: Callable[[str], str]) -> Iterator[Question]:
    """Everybody named. Those who work with children are normally given out as such; others are weighed one by one."""
    named: dict[str, Counter[str]] = {}
    for who, what in _people(kept):
        named.setdefault(who, Counter())[what] += 1
    where = tuple(
        f"{name_of(who)} ({who}): {', '.join(f'{what} {n}' for what, n in sorted(in_.items()))}"
        for who, in_ in sorted(named.items())
    )
    if where:
        what = (
            "People and agencies named in it. Those who act as social workers, health or education workers are "
            "normally given out; of anybody else: did they agree, or is it reasonable without?"
        )
        yield Question(what, "DPA 2018 Sch 2 paras 16 and 17", where)


def _people(kept: Kept) -> Iterator[tuple[str, str]]:
    for case in kept.cases:
        yield from ((str(worker), "case files") for r in case["records"] if (worker := r["values"].get("worker")))
    for alert in kept.alerts:
        yield from _named(alert, "alerts", "worker")
        for said in alert["said"]:
            yield from _named(said, "said of alerts", "by", "to", "ended_by")
    for one in kept.messages:
        yield from _named(one, "messages", "person")
    for one in kept.notifications:
        yield from ((f"agency:{who}", what) for who, what in _named(one, "notifications", "agency"))
        for event in one["events"]:
            yield from _named(event, "notifications", "by")
    for rows, what, key in ((kept.emergency_access, "emergency access", "person"), (kept.audit, "the audit", "by")):
        for one in rows:
            yield from _named(one, what, key)


def _named(row: Mapping[str, Any], what: str, *keys: str) -> Iterable[tuple[str, str]]:
    return ((str(row[key]), what) for key in keys if row[key] and row[key] not in ITSELF)


def _written(kept: Kept) -> Iterator[str]:
    for alert in kept.alerts:
        for said in alert["said"]:
            yield f"alert {alert['id']}, {said['kind'].replace('_', ' ')} of {said['at'][:10]}"
    for one in kept.notifications:
        yield from (f"notification {one['reference']}, {e['at'][:10]}" for e in one["events"] if e["by"] not in ITSELF)
    yield from (f"emergency access of {one['at'][:10]}" for one in kept.emergency_access)
