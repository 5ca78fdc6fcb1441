"""Rules by what they are about, so that somebody can ask for all of them without knowing a single id. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from alertd.rulebook.model import Rulebook
from alertd.subscriptions.model import every_rule

ALL: Final = "*"

TITLES: Final = {
    "gap": "Gaps in services",
    "ref": "Referrals",
    "assess": "Assessments",
    "cin": "Children in need",
    "strat": "Strategy discussions",
    "s47": "Section 47 enquiries",
    "cp": "Child protection",
    "prebirth": "Before birth",
    "cla": "Looked-after children",
    "proc": "Care proceedings",
    "adopt": "Adoption",
    "sgo": "Special guardianship",
    "lc": "Leaving care",
    "missing": "Missing children",
    "uasc": "Unaccompanied children",
    "pf": "Private fostering",
    "foster": "Foster carers",
    "det": "Children in detention",
    "s85": "Long stays elsewhere",
    "so": "Supervision orders",
    "send": "Special educational needs",
    "sin": "Serious incidents",
    "lado": "Allegations against people who work with children",
    "notify": "Notifications to other agencies",
    "rec": "Recording",
    "sup": "Supervision of staff",
    "audit": "Case-file audits",
    "comp": "Complaints",
    "ig": "Requests for information",
}
"""What the rules are about whose ids begin so, or so after the name of a nation."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What some rules are about. ``asks`` is what a subscription to them names, ``rules`` how many there are."""

    key: str
    title: str
    asks: tuple[str, ...]
    rules: int


def topics(rulebook: Rulebook) -> tuple[Topic, ...]:
    """The topics of which any rule is enabled. Rules of no topic that is known here are one of their own."""
    asks: dict[str, dict[str, int]] = {key: {} for key in (*TITLES, "other")}
    for id_ in every_rule(rulebook):
        key, asked = _topic_of(id_)
        asks[key][asked] = asks[key].get(asked, 0) + 1
    return tuple(
        Topic(key, TITLES.get(key, "Other rules"), tuple(sorted(found)), sum(found.values()))
        for key, found in asks.items()
        if found
    )


def in_titles(rules: Iterable[str], rulebook: Rulebook) -> tuple[str, ...]:
    """What a subscription names, as a person reads it: topics, then titles of rules, then what is neither."""
    left = list(rules)
    if ALL in left:
        return ("All rules",)
    found = []
    for topic in topics(rulebook):
        if set(topic.asks) <= set(left):
            found.append(topic.title)
            left = [one for one in left if one not in topic.asks]
    known = every_rule(rulebook)
    return (*found, *(known[one][0].title if one in known else one for one in left))


def _topic_of(id_: str) -> tuple[str, str]:
    first, second, *rest = id_.split(".")
    if first in TITLES:
        return first, f"{first}.*"
    if second in TITLES and rest:
        return second, f"{first}.{second}.*"
    return "other", id_
