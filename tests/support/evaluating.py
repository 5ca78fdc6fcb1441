"""Evaluating one child at a time, with each rulebook compiled once for as long as it is in use."""

from __future__ import annotations

from datetime import datetime

from alertd.cases.records import CaseFile
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.rulebook.model import Rulebook

_KEPT = 200
_ready: dict[int, Evaluator] = {}


def ready(rulebook: Rulebook) -> Evaluator:
    """The rulebook made ready to evaluate."""
    found = _ready.get(id(rulebook))
    if found is None or found.rulebook is not rulebook:
        if len(_ready) >= _KEPT:
            _ready.pop(next(iter(_ready)))
        found = _ready[id(rulebook)] = Evaluator.of(rulebook)
    return found


def evaluate(case: CaseFile, rulebook: Rulebook, as_of: datetime) -> tuple[Finding, ...]:
    """What is true of one child at an instant."""
    return ready(rulebook).evaluate(case, as_of)
