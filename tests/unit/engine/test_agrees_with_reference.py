"""The engine and the plain-Python reference say the same of every clock of every random case."""

from __future__ import annotations

import os
from datetime import datetime

from hypothesis import HealthCheck, given, settings

from alertd.cases.records import CaseFile
from alertd.engine.findings import Finding
from alertd.rulebook.model import Rulebook
from tests.reference.evaluator import Judged, reference
from tests.reference.strategies import Example, examples
from tests.support.evaluating import evaluate

EXAMPLES = int(os.environ.get("ALERTD_EXAMPLES", "5000"))


def judged(finding: Finding) -> Judged:
    """What the reference speaks of, taken from a finding."""
    told = finding.cannot_tell
    cause = told.cause if told else ""
    return Judged(
        finding.rule,
        finding.child,
        finding.record,
        finding.occurrence,
        finding.stage,
        finding.start,
        finding.due,
        finding.met,
        finding.binding,
        finding.warned,
        finding.level,
        cause,
        told.field if told and cause != "window" else "",
        finding.closed,
    )


def in_words(one: Judged) -> str:
    values = ((name, value) for name, value in zip(one._fields, one, strict=True) if value not in (None, "", 0))
    return ", ".join(f"{name}={value}" for name, value in values)


def difference(case: CaseFile, book: Rulebook, as_of: datetime) -> str:
    """The clocks on which the two differ, with the rules and the case; blank where they agree."""
    wanted = reference(case, book, as_of)
    found = {judged(f) for f in evaluate(case, book, as_of)}
    if wanted == found:
        return ""
    lines = [f"as of {as_of}, window {case.window.start} to {case.window.end}"]
    lines += [f"reference: {in_words(one)}" for one in sorted(wanted - found, key=str)]
    lines += [f"engine:    {in_words(one)}" for one in sorted(found - wanted, key=str)]
    for name in sorted({one.rule for one in wanted ^ found}):
        rule = book.rule(name)
        assert rule
        lines.append(str(rule.model_dump(include={"id", "law", "for_", "where", "age", "clock", "until"})))
    for r in case.records:
        values = ", ".join(f"{name}={value}" for name, value in r.values.items())
        lines.append(f"  {r.ref}: {values} {[(d.field, d.cause) for d in r.doubts] or ''}")
    return "\n".join(lines)


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 5000, suppress_health_check=[HealthCheck.too_slow]
)
@given(examples())
def test_the_engine_agrees_with_the_reference(example: Example) -> None:
    found = difference(*example)
    assert not found, "\n" + found
