"""The engine and the plain-Python reference say the same of every rule of every random case."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertd.cases.kinds import KINDS
from alertd.engine.evaluate import measurable
from alertd.engine.findings import WHOLE_FEED, Finding
from alertd.rulebook.model import Rulebook
from tests.reference.anchor import Judged
from tests.reference.composite import measured
from tests.reference.evaluator import book_of, reference
from tests.reference.rulebooks import POOL, rulebooks
from tests.reference.strategies import Example, examples, rules_of, smallest
from tests.support.evaluating import evaluate

EXAMPLES = int(os.environ.get("ALERTD_EXAMPLES", "2000"))


def judged(finding: Finding, book: Rulebook) -> Judged:
    """What the reference speaks of, taken from a finding."""
    told = finding.cannot_tell
    values = {name: getattr(finding, name) for name in Judged._fields if name not in ("cause", "field", "limit")}
    cause = told.cause if told else ""
    rule = book.rule(finding.rule)
    told_limit = rule and (rule.pattern or rule.clock.by is not None) and not told
    return Judged(
        **values,
        cause=cause,
        field=told.field if told and cause != "window" else "",
        limit=finding.limit if told_limit else "",
    )


def found(example: Example) -> list[Judged]:
    book = book_of(example.case, example.book, example.as_of)
    return [judged(f, book) for f in evaluate(*example)]


def differ(example: Example) -> bool:
    engine = found(example)
    return set(engine) != reference(*example) or len(set(engine)) != len(engine)


def in_words(one: Judged) -> str:
    values = ((name, value) for name, value in zip(one._fields, one, strict=True) if value not in (None, "", 0, ()))
    return ", ".join(f"{name}={value}" for name, value in values)


def difference(example: Example) -> str:
    """What the two differ on in the smallest such example, with the rules and the case; blank where they agree."""
    if not differ(example):
        return ""
    example = smallest(example, differ)
    case, book, as_of = example
    wanted, engine = reference(*example), found(example)
    lines = [f"as of {as_of}, window {case.window.start} to {case.window.end}, {book.nation}, {len(book.terms)} terms"]
    lines += [f"reference: {in_words(one)}" for one in sorted(wanted - set(engine), key=str)]
    lines += [f"engine:    {in_words(one)}" for one in sorted(engine, key=str) if one not in wanted]
    lines += [f"engine says twice: {in_words(one)}" for one in sorted(set(engine)) if engine.count(one) > 1]
    leave_out = {"title", "why", "clears", "tests", "place", "pack"}
    lines += [str(r.model_dump(exclude=leave_out, exclude_defaults=True)) for r in rules_of(book)]
    for r in case.records:
        values = ", ".join(f"{name}={value}" for name, value in r.values.items())
        lines.append(f"  {r.ref}: {values} {[(d.field, d.cause) for d in r.doubts] or ''}")
    return "\n".join(lines)


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 2000, suppress_health_check=[HealthCheck.too_slow]
)
@given(examples())
def test_the_engine_agrees_with_the_reference(example: Example) -> None:
    told = difference(example)
    assert not told, "\n" + told


FIELDS = sorted({need for book in rulebooks() for rule in book.rules for need in rule.needs if "." in need})


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, POOL - 1), st.sets(st.sampled_from(sorted(KINDS))), st.sets(st.sampled_from(FIELDS)))
def test_what_a_feed_cannot_hold_is_told_once_a_rule(number: int, without: set[str], lacks: set[str]) -> None:
    book, holds = rulebooks()[number], frozenset(KINDS) - without
    lacked = frozenset(name for name in lacks if name.split(".")[0] in holds)
    able, unable = measurable(book, holds, lacked)
    wanted = measured(book, holds, lacked)
    told = {f.rule: f.cannot_tell.field for f in unable if f.cannot_tell}
    of_teams = {name for team in book.teams.values() for name in measured(team, holds, lacked)}
    assert {name: field for name, field in told.items() if name in wanted} == wanted
    assert told.keys() == wanted.keys() | of_teams and len(told) == len(unable)
    assert {(f.child, f.record, f.stage) for f in unable} <= {(*WHOLE_FEED, "unknown")}
    assert {f.cannot_tell.cause for f in unable if f.cannot_tell} <= {"feed"}
    assert {rule.id for rule in able.enabled} == {rule.id for rule in book.enabled} - wanted.keys()
    for name, team in able.teams.items():
        left = measured(book.teams[name], holds, lacked).keys()
        assert {rule.id for rule in team.enabled} == {rule.id for rule in book.teams[name].enabled} - left
