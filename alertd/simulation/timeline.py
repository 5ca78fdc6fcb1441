"""What the engine says of each child at each run of the year; work for child by child, in worker processes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from alertd.cases.holding import Holding, family, holding
from alertd.cases.records import CaseFile, local_day
from alertd.engine.agenda import Identity, standings
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.simulation.feed import FeedYear, Known, as_it_went


class Seen(NamedTuple):
    """What is true of one child from one run on: until the next of its kind nothing is otherwise.

    ``findings`` are those that ask for action, and those that did; ``present`` the records of these that are there.
    """

    at: datetime
    findings: tuple[Finding, ...]
    held: Holding
    present: frozenset[str]
    is_open: bool
    family: str | None = None


def live(evaluator: Evaluator, case: CaseFile, year: FeedYear, runs: Sequence[datetime]) -> list[Seen]:
    """The child's year, at those of the ``runs`` (in order) at which anything is otherwise than at the run before.

    The child is evaluated at no run between: a finding says when it next changes, and records say when they do.
    """
    went = as_it_went(case, year)
    known = Known(went)
    never = runs[-1] + timedelta(days=1)

    def look(instant: datetime) -> datetime:
        at = bisect_left(runs, instant)
        return runs[at] if at < len(runs) else never

    found: list[Seen] = []
    asked: set[Identity] = set()
    for at, findings in standings(evaluator, went, runs[0], runs[-1], known=known, look=look):
        asked |= {f.identity for f in findings if f.asks_for_action}
        seen = known(went, at)
        kept = tuple(f for f in findings if f.identity in asked)
        about = {identity[2] for identity in asked}
        present = frozenset(r.ref for r in seen.records if r.ref in about)
        today = local_day(at)
        one = Seen(at, kept, holding(seen, today), present, seen.is_open(today), family(seen, today))
        if not found or one[1:] != found[-1][1:]:
            found.append(one)
    return found
