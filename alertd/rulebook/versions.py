"""Versions of a rule: what of it changes dates, what changes words, and what an officer adopted.

A version is twelve hexadecimal digits of a SHA-256 over the parts that count, so it is the same on
every machine and changes only with them. Keys left at their default are left out, so that a new
key of the language changes no version.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from alertd.rulebook.model import Rule, Rulebook, Setting

_WORDS: Final = frozenset({"title", "why", "law", "clears", "owner", "review_by", "disabled_because", "loosened_by"})
_LOADED: Final = frozenset({"pack", "place", "tests", "edition", "shipped", "shadow", "enabled"})
_LAWFUL: Final = ("for_", "where", "age", "clock", "until", "without", "count", "in_a_row", "no_open", "others", "tell")


def timing(rule: Rule, rulebook: Rulebook) -> str:
    """The version of all that decides when somebody is told: conditions, lengths, settings, warnings, steps."""
    parts: dict[str, Any] = rule.model_dump(mode="json", exclude_defaults=True, exclude=set(_WORDS | _LOADED))
    lengths = (rule.clock.length, rule.clock.local)
    parts["settings"] = {
        s.setting: str(rulebook.settings.get(s.setting, s.default)) for s in lengths if isinstance(s, Setting)
    }
    warn = rulebook.warnings.get(rule.warn)
    parts["warnings"] = warn.model_dump(mode="json") if warn else None
    # What holds a step back does not move it: a new policy plans no step anew.
    parts["ladder"] = rulebook.ladders[rule.escalate].model_dump(mode="json", exclude={"held_by"})
    return _digest(parts)


def wording(rule: Rule) -> str:
    """The version of the words people read."""
    return _digest(rule.model_dump(mode="json", exclude_defaults=True, include=set(_WORDS)))


def lawful(rule: Rule) -> str:
    """The version of what an officer adopts: the number, what starts the clock and what stops it."""
    return _digest(rule.model_dump(mode="json", exclude_defaults=True, include=set(_LAWFUL)))


def _digest(parts: dict[str, Any]) -> str:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
