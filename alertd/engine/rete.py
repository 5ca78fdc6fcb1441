"""The rules engine, fenced. Nobody else imports it.

durable_rules 2.0.28 works well inside these lines and badly outside them (each was measured):

* its compiled core is used directly, so that none of its polling threads, timers, leases or
  stores ever start, and no Python action can fail unseen: matches are read, nothing is run;
* one ``sid`` per child and an explicit ``id`` per fact; all facts of a child for a ruleset in one batch with the
  ``tick`` last and every rule waiting for it;
* facts are told apart by a 32-bit hash of their ``id``, and to ours the engine adds one, ``sid-`` and the ``sid``.
  It says when two are alike to it (of 700,000 children one was so); all are then asserted again under other names;
* every ruleset has one rule that fires on the tick alone, since deleting the state of a ``sid``
  for which nothing fired ends the process; the state is deleted at once, because a living one
  costs 0.8 MiB and 1,024 are the ceiling;
* at most 48 rules a ruleset (255 on one node is an error, and one fact may match 64 paths);
* only positive matches are asked for, so the fault by which absence is judged too early cannot occur;
* facts are compared with constants and never with each other. Evaluating a comparison between two
  facts that is false, or on a missing field, or behind an "or", reads beyond the expression: wrong
  answers, and now and then the end of the process. Which fact belongs to which is an index's answer.

It runs in a worker process (see ``sweep``): if it ends the process, the daemon lives on.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import durable_rules_engine

from alertd.engine.facts import Asked, ByKind, Fact, Instant, Match, Pattern, facts_of
from alertd.errors import AlertdError
from alertd.rulebook.model import Condition

PATTERNS_A_RULESET: Final = 23  # two rules a pattern and one for the tick: within 48
Term = dict[str, Any]
_TICK: Final = {"t": {"kind": "tick"}}
_OPERATOR: Final = {"not": "$neq", "at_least": "$gte", "at_most": "$lte"}
_TICK_FACT: Final[Fact] = {"id": "tick", "kind": "tick"}
_ALIKE: Final = 2
_SALTS: Final = ("", "'", "''")
_names = itertools.count()
_read: Final = json.JSONDecoder().raw_decode
"""Some thirty messages a child: half of reading one is else to look for blanks about it."""


class EngineError(AlertdError):
    """The engine refused a ruleset or a batch of facts."""


def _all_of(terms: list[Term]) -> Term:
    return terms[0] if len(terms) == 1 else {"$and": terms}


def _holds(condition: Condition) -> Term:
    """The condition as the engine writes it."""
    name = Asked.by(condition).name
    if condition.refers_to or condition.op == "in":
        return {name: True}
    return {name: condition.value} if condition.op == "is" else {_OPERATOR[condition.op]: {name: condition.value}}


def _rules(number: int, pattern: Pattern) -> Iterator[tuple[str, Term]]:
    """The engine rules of one pattern: ``<number>a`` matches its anchors, ``<number>r`` what is related."""
    yield f"{number}a", _all_of([{"kind": "anchor"}, *map(_holds, pattern.where)])
    if pattern.kinds:
        yield f"{number}r", _all_of([{"kind": str(number)}, *map(_holds, pattern.related_where)])


@dataclass(frozen=True, slots=True)
class _Ruleset:
    handle: int
    patterns: tuple[Pattern, ...]
    asked: tuple[Asked, ...]
    """What their conditions on anchors look at."""


def _compile(patterns: tuple[Pattern, ...]) -> _Ruleset:
    definition = {"tick": {"all": [_TICK]}}
    for number, pattern in enumerate(patterns):
        definition.update({name: {"all": [_TICK, {"m": term}]} for name, term in _rules(number, pattern)})
    # The name is looked up inside the library by nobody; it only has to be its own.
    handle = durable_rules_engine.create_ruleset(f"alertd{next(_names)}", json.dumps(definition))
    return _Ruleset(handle, patterns, tuple(dict.fromkeys(Asked.by(c) for p in patterns for c in p.where)))


class Rete:
    """The compiled patterns of a rulebook, for one thread. The engine keeps them until the process ends."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        grouped: dict[str, list[Pattern]] = {}
        for pattern in dict.fromkeys(patterns):
            grouped.setdefault(pattern.anchor, []).append(pattern)
        self._rulesets = [
            _compile(tuple(chunk))
            for found in grouped.values()
            for chunk in (found[i : i + PATTERNS_A_RULESET] for i in range(0, len(found), PATTERNS_A_RULESET))
        ]

    def match(self, child: str, anchors: ByKind, by_kind: ByKind, instant: Instant) -> dict[tuple[Pattern, str], Match]:
        """What matched, by (pattern, anchor's ref). Working memory is gone when this returns."""
        found: dict[tuple[Pattern, str], Match] = {}
        for ruleset in self._rulesets:
            held = anchors.get(ruleset.patterns[0].anchor)
            facts = held and facts_of(ruleset.patterns, ruleset.asked, held, by_kind, instant)
            if not facts or not facts.told:
                continue
            related: list[tuple[tuple[Pattern, str], str]] = []
            for name, fact in _run(ruleset.handle, child, facts.told):
                anchor, other = facts.about[fact]
                key = (ruleset.patterns[int(name[:-1])], anchor)
                if name.endswith("a"):
                    found[key] = Match()
                else:
                    related.append((key, other))
            for key, ref in related:
                if key in found:
                    found[key].related.add(ref)
        return found


def _run(handle: int, child: str, facts: list[Fact]) -> Iterator[tuple[str, str]]:
    """Assert the facts with the tick last, yield (rule, the fact's id) for each match, forget all."""
    for salt in _SALTS:
        # The engine keeps a state under the text as JSON writes it, and looks for it under the text itself:
        # these differ for a reference with a quote or an accent in it.
        named = f"{child}{salt}".encode("utf-8", "surrogatepass")
        sid = blake2b(named, digest_size=16).hexdigest()
        batch = [{"sid": sid, **fact, "id": f"{fact['id']}{salt}"} for fact in (*facts, _TICK_FACT)]
        # 1: some fact matched nothing; it was taken all the same.
        code, state = durable_rules_engine.assert_facts(handle, json.dumps(batch))
        if code in (0, 1):
            break
        if code != _ALIKE:
            raise EngineError(f"the engine answered {code} to {len(batch)} facts")
        # What it holds under that name stays there: nothing may have fired, and to delete it would end the process.
    else:
        raise EngineError(f"of {len(batch)} facts two are alike to the engine, by whatever names")
    try:
        started = durable_rules_engine.start_action_for_state(handle, state)
        message = started[1] if started else None
        while message:
            ((name, matched),) = _read(message)[0].items()
            if name != "tick":
                yield name, matched["m"]["id"].removesuffix(salt)
            message = durable_rules_engine.complete_and_start_action(handle, state)
    finally:
        durable_rules_engine.delete_state(handle, sid)
