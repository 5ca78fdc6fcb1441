"""Data quality: what is to be put right in the records, by team and kind, and the rules it blocks. Pure.

A list, and never an alarm. The rule ``gap.data_conflict`` tells a child's worker when records that
conflict leave some rule in doubt; each such conflict is here, and with it what no rule can see:
facts that each can be read, and together cannot be.

Which rules a query blocks is taken from evaluating the child, wherever that says it: an unknown
finding names the record and the field that leave it in doubt, so nothing has to be guessed. A fact
that evaluating takes at its word, because each field of it is sound, blocks the rules that need its
kind and field and in whose finding on this child it has a part: it is what the clock is for, falls
into the span of it, or makes up the pattern.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from alertd.cases.accounts import Reject
from alertd.cases.holding import holding
from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record, Snapshot, local_day
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.insight.check import SEVERITIES, Blocks, Check, Feed, Look, Query, Severity, begins
from alertd.insight.checks_of_lives import OF_LIVES
from alertd.insight.checks_of_records import OF_RECORDS
from alertd.rulebook.model import Rule

NEEDED: Final = "needed"
"""The check that evaluating makes: a field that is blank, and without which a rule cannot be judged."""
LEFT_OUT: Final = "left_out"
"""The kind of a row that could not become a record."""

CHECKS: Final[Mapping[str, Check]] = {check.name: check for check in (*OF_RECORDS, *OF_LIVES)}
"""Every check of the records, by name."""

SEVERITY: Final[Mapping[str, Severity]] = {
    **{check.name: check.severity for check in CHECKS.values()},
    NEEDED: "missing",
    LEFT_OUT: "unreadable",
}
TITLES: Final[Mapping[str, str]] = {
    **{check.name: check.title for check in CHECKS.values()},
    NEEDED: "Blank, and a rule waits for it",
    LEFT_OUT: "Row that could not become a record",
}
"""The kinds of items, by name, with their titles for people."""

COLUMNS: Final = (
    "team",
    "kind",
    "severity",
    "child",
    "record",
    "field",
    "where",
    "why",
    "other",
    "blocks",
    "worker",
)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the list: a query, whose it is, and the rules it blocks, by id.

    ``kind`` is the name of the check. ``team`` and ``worker`` are as the feed names them, blank where
    it names none. A row that could not become a record has no child.
    """

    team: str
    kind: str
    severity: Severity
    child: str
    record: str
    field: str
    where: str
    why: str
    other: str = ""
    blocks: tuple[str, ...] = ()
    worker: str = ""

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values, by the names in :data:`COLUMNS`."""
        return {**asdict(self), "blocks": list(self.blocks)}


def in_order(items: Iterable[Item]) -> list[Item]:
    """By team, severity and kind; in each those first that block most."""
    ranks = list(SEVERITIES)
    return sorted(
        items,
        key=lambda i: (
            i.team,
            ranks.index(i.severity),
            i.kind,
            -len(i.blocks),
            i.child,
            i.where,
            i.field,
            i.record,
            i.why,
        ),
    )


def by_team_and_kind(items: Iterable[Item]) -> dict[tuple[str, str], int]:
    """How many there are of each team and kind, in the order of the list."""
    return dict(Counter((item.team, item.kind) for item in in_order(items)))


def feed_of(snapshot: Snapshot, today: date) -> Feed:
    """What the checks have to know of a feed: it knows nothing after the day it was drawn up."""
    return Feed(frozenset(snapshot.holds), frozenset(snapshot.lacks), min(today, snapshot.as_at or today))


def queries(case: CaseFile, feed: Feed, today: date, evaluator: Evaluator) -> Iterator[Query]:
    """Everything that is to be put right in a child's records, but for what only evaluating can tell."""
    look = Look.at(case, feed, today, evaluator.calendar)
    for check in CHECKS.values():
        yield from check.queries(look)


def items_of(evaluator: Evaluator, case: CaseFile, as_of: datetime, feed: Feed) -> tuple[Item, ...]:
    """The items of one child. Work for child by child: see :func:`alertd.engine.sweep.each`."""
    today = local_day(as_of)
    found = list(queries(case, feed, today, evaluator))
    findings = evaluator.evaluate(case, as_of)
    rules = {rule.id: rule for rule in evaluator.of_team(case, as_of).rulebook.enabled if not rule.others}
    judged = _Judged([f for f in findings if f.rule in rules], rules)
    asked = {(query.where, query.field) for query in found}
    found += (query for query in judged.needed(case, feed) if (query.where, query.field) not in asked)
    held = holding(case, today)
    by_ref = {record.ref: record for record in case.records}
    return tuple(
        Item(
            held.team or "",
            query.check,
            SEVERITY[query.check],
            query.child,
            query.record,
            query.field,
            query.where,
            query.why,
            query.other,
            judged.blocked_by(query, by_ref.get(query.record)),
            held.worker or "",
        )
        for query in found
    )


def items_of_rejects(rejects: Iterable[Reject]) -> Iterator[Item]:
    """The rows of a feed that could not become a record; nobody can say whose they are."""
    for reject in rejects:
        yield Item("", LEFT_OUT, SEVERITY[LEFT_OUT], "", "", reject.column, reject.where, reject.why)


_IN_THE_RECORD: Final = ("missing", "unreadable", "conflict")
"""Causes of doubt that are mended in the record; the others are for whoever runs the feed."""


class _Judged:
    """What evaluating said of one child, by rules that look at records."""

    def __init__(self, findings: Collection[Finding], rules: Mapping[str, Rule]) -> None:
        self._findings, self._rules = findings, rules
        self._told: dict[tuple[str, str], set[str]] = {}
        for finding in findings:
            told = finding.cannot_tell
            if finding.stage == "unknown" and told and told.cause in _IN_THE_RECORD:
                self._told.setdefault((told.where, told.field), set()).add(finding.rule)

    def needed(self, case: CaseFile, feed: Feed) -> Iterator[Query]:
        """Fields that are blank, could be filled, and leave a rule in doubt, each once."""
        waits = {
            (told.where, told.field)
            for f in self._findings
            if f.stage == "unknown" and (told := f.cannot_tell) and told.cause == "missing"
        }
        for record in case.records if waits else ():
            for where, field in sorted(waits):
                blank = field not in record.values and KINDS[record.kind].field(field)
                if record.where == where and blank and f"{record.kind}.{field}" not in feed.lacks:
                    waits.discard((where, field))
                    why = f"no {field} is recorded, and a rule waits for it"
                    yield Query(NEEDED, case.child, record.kind, record.ref, field, where, why)

    def blocked_by(self, query: Query, record: Record | None) -> tuple[str, ...]:
        """The ids of the rules that a query blocks, sorted."""
        how: Blocks = "told" if query.check == NEEDED else CHECKS[query.check].blocks
        if how == "told":
            return tuple(sorted(self._told.get((query.where, query.field), ())))
        if how == "none" or record is None:
            return ()
        kind = KINDS[query.kind]
        need = query.kind if query.field in (kind.begins, kind.ends) else f"{query.kind}.{query.field}"
        touched = {
            f.rule
            for f in self._findings
            if need in self._rules[f.rule].needs and _touches(f, record, self._rules[f.rule])
        }
        if how == "counted":
            touched = {rule for rule in touched if self._rules[rule].count or self._rules[rule].in_a_row}
        return tuple(sorted(touched))


def _touches(finding: Finding, record: Record, rule: Rule) -> bool:
    """Whether a record has a part in a finding: it is for it, makes up its pattern, or falls into the
    span of its clock."""
    if finding.record == record.ref or record.kind == "child":
        return True
    if rule.pattern:
        return record.where in finding.evidence
    day = begins(record)
    if day is None or finding.start is None:
        return True
    return local_day(finding.start) <= day and (finding.met is None or day <= local_day(finding.met))
