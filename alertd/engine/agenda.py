"""When something next changes for one child, nothing new being recorded: a tick evaluates only then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from alertd.calendars.clock import begin_of, birthday, end_of
from alertd.cases.records import CaseFile, local_day
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.engine.stages import MOMENT

Identity = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One clock or pattern that stands otherwise from ``at`` on: another stage, warning or step.
    ``before`` is None for one that begins, ``after`` for one that is no more."""

    at: datetime
    before: Finding | None
    after: Finding | None

    @property
    def finding(self) -> Finding:
        """The finding from then on; for one that is no more, as it was."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def rule(self) -> str:
        """The rule that it is about."""
        return self.finding.rule

    @property
    def record(self) -> str:
        """The record that it is about, as ``kind:key``."""
        return self.finding.record

    @property
    def words(self) -> str:
        """What changes, in words: ``becomes overdue``, ``escalation step 2``."""
        if self.after is None:
            return "is over"
        if self.before is None or self.before.stage != self.after.stage:
            return f"becomes {self.after.stage.replace('_', ' ')}"
        if self.before.level != self.after.level:
            return f"escalation step {self.after.level}"
        return f"advance warning {self.after.warned}"

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values: the moment in UTC, and the findings as :meth:`Finding.as_json` writes them."""
        sides = {"before": self.before, "after": self.after}
        findings = {name: finding.as_json() if finding else None for name, finding in sides.items()}
        return {"at": self.at.astimezone(UTC).isoformat(), **findings}


def agenda(evaluator: Evaluator, case: CaseFile, as_of: datetime, until: datetime) -> Iterator[Change]:
    """Every change after ``as_of`` up to ``until``, in order. Lazy: what lies beyond the change a
    caller stops at is never evaluated."""
    for (_, earlier), (at, later) in pairwise(standings(evaluator, case, as_of, until)):
        before, after = _by_identity(earlier), _by_identity(later)
        for identity in sorted(before.keys() | after.keys()):
            old, new = before.get(identity), after.get(identity)
            if _standing(old) != _standing(new):
                yield Change(at, old, new)


def standings(
    evaluator: Evaluator,
    case: CaseFile,
    as_of: datetime,
    until: datetime,
    known: Callable[[CaseFile, datetime], CaseFile] = lambda case, _at: case,
    look: Callable[[datetime], datetime] = lambda instant: instant,
) -> Iterator[tuple[datetime, tuple[Finding, ...]]]:
    """The findings at ``as_of`` and at every later instant up to ``until`` at which any may differ.

    A finding knows when it next changes; what begins or ends by itself does so on a day that the
    records name, on a birthday that a rule counts from, or when the feed's window has passed. So
    the case is evaluated at each of these instants and at no other. ``known`` gives what had been
    recorded by an instant, which may grow only at a day or moment that the records name. ``look``
    gives the first moment, at an instant or after it, at which somebody looks: the daily run.
    """
    fixed = sorted(_of_the_records(evaluator, case, as_of, until))
    at = as_of
    while at <= until:
        findings = evaluator.evaluate(known(case, at), at)
        yield at, findings
        next_ = bisect_right(fixed, at)
        ahead = [*_of_the_findings(findings), *fixed[next_ : next_ + 1]]
        at = look(min((moment for moment in ahead if moment > at), default=until + MOMENT))


AHEAD: Final = timedelta(days=366)
"""How far ahead one look sees: whoever has nothing to come in that time is looked at again after it."""


def next_look(evaluator: Evaluator, case: CaseFile, as_of: datetime, findings: Iterable[Finding]) -> datetime:
    """The first instant after ``as_of`` at which these findings, made then, may be others; at most :data:`AHEAD` on.

    It is one at which :func:`standings` evaluates.
    """
    until = as_of + AHEAD
    ahead = {*_of_the_findings(findings), *_of_the_records(evaluator, case, as_of, until), until}
    return min(moment for moment in ahead if moment > as_of)


def _by_identity(findings: Iterable[Finding]) -> dict[Identity, Finding]:
    return {finding.identity: finding for finding in findings}


def _standing(finding: Finding | None) -> tuple[str, int, int] | None:
    return (finding.stage, finding.warned, finding.level) if finding else None


def _of_the_findings(findings: Iterable[Finding]) -> Iterator[datetime]:
    for finding in findings:
        if finding.changes:
            yield finding.changes
        if isinstance(finding.due, datetime):  # until then it is due; overdue is every moment after
            yield finding.due + MOMENT


def _of_the_records(evaluator: Evaluator, case: CaseFile, as_of: datetime, until: datetime) -> set[datetime]:
    """The instants from ``as_of`` to ``until`` at which a date of the case comes or has passed, whatever
    rule looks at it. A date far off, as a filler is, need not be one that can be counted with."""
    found = {v for record in case.records for v in record.values.values() if isinstance(v, date)}
    days = {local_day(value) for value in found}
    child = next(case.of("child"), None)
    born = child.day("born") if child else None
    if born:
        days |= {birthday(born, years) for years in evaluator.birthdays if born.year + years <= until.year + 1}
    days |= {window.end for window in (case.window, *case.windows.values()) if window.end}
    first, last = local_day(as_of), local_day(until)
    near = [day for day in days if first <= day <= last]
    moments = {value.astimezone(UTC) for value in found if isinstance(value, datetime)}
    return moments | {begin_of(day) for day in near} | {end_of(day) for day in near}
