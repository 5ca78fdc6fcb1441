"""Rules that name other rules: whose alerts theirs stand for, and whose findings they look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from alertd.errors import InputError
from alertd.rulebook import builtin
from alertd.rulebook.model import Rule
from alertd.rulebook.patterns import names_mean
from alertd.rulebook.strict_yaml import suggest


def with_stand_ins(rules: Iterable[Rule], replaced: Mapping[str, str]) -> tuple[Rule, ...]:
    """The rules; one that names a rule left out names the one in its place too."""
    return tuple(_with_stand_ins(rule, replaced) for rule in rules)


def _with_stand_ins(rule: Rule, replaced: Mapping[str, str]) -> Rule:
    def more(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new for old, new in replaced.items() if names_mean(names, old) and not names_mean(names, new))

    update: dict[str, object] = {}
    if spoken := more(rule.speaks_for):
        update["speaks_for"] = (*rule.speaks_for, *spoken)
    if rule.others and (seen := more(rule.others.rules)):
        update["others"] = rule.others.model_copy(update={"rules": (*rule.others.rules, *seen)})
    return rule.model_copy(update=update) if update else rule


def check_references(rules: Sequence[Rule], replaced: Mapping[str, str]) -> None:
    """Raises :class:`InputError` for a name that is no rule's, here or in an installed pack, and for rules
    that speak for one another in a circle: each would keep the other quiet."""
    here = [*(rule.id for rule in rules), *replaced]
    for rule in rules:
        for key, names in (("speaks_for", rule.speaks_for), ("others.rules", rule.others.rules if rule.others else ())):
            for name in names:
                if not any(names_mean((name,), one) for one in here) and not _installed(name):
                    raise InputError(
                        f"{rule.id} names {name!r}, and there is no such rule",
                        where=f"{rule.place}: {key}",
                        fix=suggest(name, [*here, *builtin.installed_ids()], "There are"),
                    )
    speaking: dict[str, list[str]] = {rule.id: [] for rule in rules}
    for rule in rules:
        if rule.speaks_for:
            speaking[rule.id] = [r.id for r in rules if r.id != rule.id and names_mean(rule.speaks_for, r.id)]
    places = {rule.id: rule.place for rule in rules}
    done: set[str] = set()
    for name in speaking:
        if circle := _circle(name, speaking, (), done):
            raise InputError(
                f"{' speaks for '.join(circle)}: each would keep the next one quiet",
                where=f"{places[circle[0]]}: speaks_for",
                fix="Take one of them out.",
            )


def _installed(name: str) -> bool:
    return any(names_mean((name,), one) for one in builtin.installed_ids())


def _circle(
    name: str, speaking: Mapping[str, Sequence[str]], path: tuple[str, ...], done: set[str]
) -> tuple[str, ...] | None:
    """The first circle there is from a rule on, its first rule named again at its end."""
    if name in path:
        return (*path[path.index(name) :], name)
    if name in done:
        return None
    for other in speaking[name]:
        if found := _circle(other, speaking, (*path, name), done):
            return found
    done.add(name)
    return None
