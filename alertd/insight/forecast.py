"""What will fall due in the coming weeks, by team and worker, if nothing new is recorded. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from alertd.calendars.clock import end_of
from alertd.cases.holding import Holding, holding
from alertd.cases.records import CaseFile, Window, local_day
from alertd.engine.agenda import agenda
from alertd.engine.evaluate import Evaluator
from alertd.engine.findings import Finding
from alertd.engine.stages import MOMENT

COLUMNS: Final = ("week", "due", "rule", "child", "record", "occurrence", "team", "worker")


@dataclass(frozen=True, slots=True, order=True)
class Coming:
    """One clock that falls due, in the week of which Monday, on which day, and whose it is.

    ``due`` lies before the week where the clock is overdue from its first day on. ``team`` and
    ``worker`` are as the feed names them, blank where it names none.
    """

    week: date
    due: date
    rule: str
    child: str
    record: str
    occurrence: str
    team: str
    worker: str

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values, by the names in :data:`COLUMNS`."""
        found = {name: getattr(self, name) for name in COLUMNS}
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in found.items()}


@dataclass(frozen=True, slots=True)
class Ahead:
    """What falls due for one child; ``untold`` clocks have no date, because something is missing."""

    coming: tuple[Coming, ...]
    untold: int


def weeks_from(day: date, number: int) -> list[date]:
    """The Mondays of so many weeks, the first of them the day's own."""
    monday = monday_of(day)
    return [monday + timedelta(weeks=n) for n in range(number)]


def ahead_of(evaluator: Evaluator, case: CaseFile, as_of: datetime, weeks: Sequence[date]) -> Ahead:
    """The clocks of one child that are due at ``as_of`` or fall due by the end of the last of ``weeks``.

    They are counted for whoever has the child at ``as_of``. A lesser alert that another speaks for is
    left to that other. Work for child by child: see :func:`alertd.engine.sweep.each`.
    """
    today = local_day(as_of)
    held = holding(case, today)
    # That nothing new is recorded is what is asked: where silence is proof today, it stays so.
    case = replace(
        case,
        window=_open_ended(case.window, today),
        windows={kind: _open_ended(window, today) for kind, window in case.windows.items()},
    )
    now = evaluator.evaluate(case, as_of)
    found: dict[tuple[str, str, str, str], Coming] = {}
    until = end_of(weeks[-1] + timedelta(days=6)) - MOMENT
    due_now = ((as_of, f) for f in now if f.stage == "due")
    for at, finding in (*due_now, *_falling_due(evaluator, case, as_of, until)):
        if not finding.spoken_for_by:
            found.setdefault(finding.identity, _coming(finding, local_day(at), held))
    return Ahead(tuple(found.values()), sum(f.stage == "unknown" and f.asks_for_action for f in now))


def _open_ended(window: Window, today: date) -> Window:
    return replace(window, end=None) if window.covers(today, today) else window


def _falling_due(
    evaluator: Evaluator, case: CaseFile, as_of: datetime, until: datetime
) -> Iterator[tuple[datetime, Finding]]:
    for change in agenda(evaluator, case, as_of, until):
        was = change.before.stage if change.before else ""
        if change.after and change.after.stage in ("due", "overdue") and was not in ("due", "overdue"):
            yield change.at, change.after


def _coming(finding: Finding, day: date, held: Holding) -> Coming:
    assert finding.due is not None
    return Coming(monday_of(day), local_day(finding.due), *finding.identity, held.team or "", held.worker or "")


Key = tuple[str, ...]


def by_week(items: Iterable[Coming], key: Callable[[Coming], Key]) -> dict[Key, Counter[date]]:
    """How many fall due in each week, by whatever ``key`` says of each, sorted."""
    found: dict[Key, Counter[date]] = {}
    for item in items:
        found.setdefault(key(item), Counter())[item.week] += 1
    return dict(sorted(found.items()))


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())
