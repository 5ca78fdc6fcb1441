"""The figures of a backtest: each rule and month, and the load on each worker. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import date
from statistics import median
from typing import Any, Final

from alertd.calendars.calendar import Calendar
from alertd.insight.backtest import MET, Replayed
from alertd.rulebook.model import Rule, Rulebook

BEFORE: Final = "before"
"""The month of alerts that stood before the first day."""


@dataclass(frozen=True, slots=True)
class Month:
    """One rule in one month, by the month in which its alerts opened (``2026-11``, or :data:`BEFORE`).

    ``cannot_tell`` are those of the alerts that never said more than that the rule cannot be measured.
    ``messages`` are lines of digests and urgent messages, ``people`` those they went to: a role above
    the team counts once. ``met`` is the share of the alerts that were met in the span, in time or
    late, and None for a pattern, which is never met. ``recorded_late`` is the share of those that
    were overdue only because what had been done in time was entered late; None where no record of
    what stops the rule's clock says when it was entered. ``median_days_late`` counts calendar days,
    of those met late.
    """

    rule: str
    month: str
    alerts: int
    cannot_tell: int
    people: int
    messages: int
    met: float | None
    recorded_late: float | None
    median_days_late: float | None

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values; shares to three places."""
        found = asdict(self)
        shares = {name: found[name] for name in ("met", "recorded_late")}
        return {**found, **{name: None if share is None else round(share, 3) for name, share in shares.items()}}


def by_month(replayed: Iterable[Replayed], rulebook: Rulebook, say: Collection[str]) -> list[Month]:
    """The figures of each rule and month, sorted, what stood before the first day first. ``say`` are
    the kinds of which records say when they were entered."""
    rules = {rule.id: rule for book in (*rulebook.teams.values(), rulebook) for rule in book.rules}
    grouped: dict[tuple[str, str], list[Replayed]] = defaultdict(list)
    for one in replayed:
        grouped[one.rule, f"{one.opened:%Y-%m}" if one.opened else ""].append(one)
    return [_month(rules[rule], month or BEFORE, alerts, say) for (rule, month), alerts in sorted(grouped.items())]


def _month(rule: Rule, month: str, alerts: list[Replayed], say: Collection[str]) -> Month:
    closed_as = Counter(a.closed_as for a in alerts)
    late = [a.days_late for a in alerts if a.days_late is not None]
    return Month(
        rule.id,
        month,
        len(alerts),
        sum(a.cannot_tell for a in alerts),
        people=len({(told.role, told.who) for a in alerts for told in a.told}),
        messages=sum(len(a.told) for a in alerts),
        met=None if rule.pattern else sum(closed_as[reason] for reason in MET) / len(alerts),
        recorded_late=closed_as["met_recorded_late"] / len(alerts) if _stops_say(rule, say) else None,
        median_days_late=median(late) if late else None,
    )


def _stops_say(rule: Rule, say: Collection[str]) -> bool:
    kinds = (rule.stop.kinds or (rule.for_,)) if rule.stop else ()
    return any(kind in say for kind in kinds)


@dataclass(frozen=True, slots=True)
class Load:
    """What would have reached one worker: lines in all, a working day on the mean, and on the worst day."""

    worker: str
    messages: int
    per_day: float
    worst: int
    worst_day: date

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "per_day": round(self.per_day, 3), "worst_day": self.worst_day.isoformat()}


@dataclass(frozen=True, slots=True)
class Loads:
    """The load on every worker who was told anything, sorted; ``unnamed`` are the messages to the
    worker of a child for whom the feed names none, which are in no other figure."""

    each: tuple[Load, ...]
    working_days: int
    unnamed: int

    @property
    def per_day(self) -> float:
        """Messages per worker and working day, on the mean."""
        return sum(load.per_day for load in self.each) / len(self.each) if self.each else 0.0

    @property
    def worst(self) -> int:
        """The most that one worker had on one day."""
        return max((load.worst for load in self.each), default=0)

    def as_json(self) -> dict[str, Any]:
        """The figures over all workers, as plain JSON values."""
        return {
            "workers": len(self.each),
            "working_days": self.working_days,
            "per_day": round(self.per_day, 3),
            "worst": self.worst,
            "unnamed": self.unnamed,
        }


def loads_of(replayed: Iterable[Replayed], calendar: Calendar, first: date, last: date) -> Loads:
    """The load on workers from ``first`` to ``last``, both included."""
    days = max(calendar.working_days_between(first, last) + calendar.is_working(first), 1)
    told: dict[str, Counter[date]] = defaultdict(Counter)
    for alert in replayed:
        for line in alert.told:
            if line.role == "worker":
                told[line.who][line.day] += 1
    unnamed = told.pop("", Counter()).total()
    return Loads(tuple(_load(worker, days, told[worker]) for worker in sorted(told)), days, unnamed)


def _load(worker: str, days: int, told: Counter[date]) -> Load:
    worst = max(told.values())
    return Load(worker, told.total(), told.total() / days, worst, min(d for d, n in told.items() if n == worst))
