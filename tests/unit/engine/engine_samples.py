"""Short ways to write a rule, a rulebook and a case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from alertd.cases.records import LONDON, CaseFile, Record, Unreadable, Window, make_record
from alertd.engine.findings import Finding
from alertd.rulebook.model import Rule, Rulebook
from tests.support.evaluating import evaluate

ODD = Unreadable("odd")
"""What a feed hands over in place of a value it could not read."""

PATTERNS = {"count", "in_a_row", "no_open", "others"}


def rule(id_: str, for_: str, **keys: Any) -> Rule:
    """A rule of law, which warns 2 working days before and tells the worker on the day and the manager after."""
    if not PATTERNS & keys.keys():
        keys.setdefault("warn", "D2")
    raw = {
        "id": id_,
        "title": "A rule",
        "why": "w",
        "law": {"cite": "c", "confidence": "V"},
        "for": for_,
        "clears": "c",
        "escalate": "L",
    }
    return Rule.model_validate({**raw, **keys})


def book(*rules: Rule, **keys: Any) -> Rulebook:
    """Those rules, with one warning profile and one ladder."""
    steps = [{"tell": ["worker"]}, {"tell": ["team_manager"], "after": "1 calendar day"}]
    raw = {
        "rules": rules,
        "warnings": {"D2": {"title": "t", "at": [{"before": "2 working days"}]}},
        "ladders": {"L": {"title": "t", "steps": steps}},
    }
    return Rulebook.model_validate({**raw, **keys})


def record(kind: str, key: str, **values: object) -> Record:
    """A record of the child; days as ``"2026-11-02"``, and found at ``kind key``."""
    return make_record(kind, "C1", key, f"{kind} {key}", {name: _typed(value) for name, value in values.items()})


def _typed(value: object) -> object:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def case(*records: Record, since: str | None = None, until: str | None = None) -> CaseFile:
    """The child's records, and the window of the feed."""
    window = Window(since and date.fromisoformat(since), until and date.fromisoformat(until))
    return CaseFile("C1", records, window)


def end_of(day: str) -> datetime:
    """The last second of a day in London."""
    return datetime.combine(date.fromisoformat(day), time(23, 59, 59), LONDON)


def found(rules: Rulebook | Rule, of: CaseFile, day: str) -> list[Finding]:
    """What is found at the end of a day."""
    return list(evaluate(of, _book(rules), end_of(day)))


def only(rules: Rulebook | Rule, of: CaseFile, day: str) -> Finding:
    """The one thing found at the end of a day."""
    (finding,) = found(rules, of, day)
    return finding


_books: dict[str, Rulebook] = {}


def _book(rules: Rulebook | Rule) -> Rulebook:
    """The rulebook of a rule alone, the same one each time, so that it is compiled once."""
    if isinstance(rules, Rulebook):
        return rules
    return _books.setdefault(rules.model_dump_json(), book(rules))


def told(finding: Finding) -> tuple[str, str]:
    """The cause and the field of an unknown finding."""
    assert finding.stage == "unknown" and finding.cannot_tell
    return finding.cannot_tell.cause, finding.cannot_tell.field


def stages(rules: Rulebook | Rule, of: CaseFile, days: Mapping[str, str | None]) -> dict[str, str | None]:
    """The stage at the end of each day named; None where nothing is found."""
    by_day = {day: found(rules, of, day) for day in days}
    return {day: findings[0].stage if findings else None for day, findings in by_day.items()}
