"""Which rule it is that a child's evaluation fails by, found by trying with fewer and fewer rules. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection

from alertd.engine.evaluate import meant_by
from alertd.rulebook.model import Rulebook

Fails = Callable[[Rulebook], bool]
"""Whether the evaluation of one child fails by these rules."""


def guilty_rule(rulebook: Rulebook, fails: Fails) -> str | None:
    """The id of a rule by which the evaluation fails; None where it does so whatever the rules.

    Where several rules fail it is one of them. Each question costs a worker, so they are few: the rules are halved.
    """
    if fails(_only(rulebook, ())):
        return None
    books = (rulebook, *rulebook.teams.values())
    rules = {rule.id: rule for book in books for rule in book.enabled}
    over = [id_ for id_, rule in rules.items() if rule.others]
    direct = [id_ for id_ in rules if id_ not in over]
    # A rule over others fails only beside them.
    beside, suspects = ([], direct) if fails(_only(rulebook, direct)) else (direct, over)
    while len(suspects) > 1:
        half = suspects[: len(suspects) // 2]
        suspects = half if fails(_only(rulebook, [*beside, *half])) else suspects[len(half) :]
    return suspects[0] if suspects and fails(_only(rulebook, [*beside, *suspects])) else None


def with_those_over(rulebook: Rulebook, rule_id: str) -> frozenset[str]:
    """The rule and those over it, which without it would count too few."""
    books = (rulebook, *rulebook.teams.values())
    return frozenset({rule_id} | {r.id for book in books for r in book.enabled if rule_id in meant_by(r, book)})


def _only(rulebook: Rulebook, rules: Collection[str]) -> Rulebook:
    every = {rule.id for book in (rulebook, *rulebook.teams.values()) for rule in book.rules}
    return rulebook.without(every.difference(rules))
