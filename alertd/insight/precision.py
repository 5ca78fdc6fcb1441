"""How often a rule is right: what it told, what of it was found to be wrong, and what came to nothing. Pure.

A dispute that was upheld is an alarm somebody showed to be wrong. What was met in time and recorded late, and
what was withdrawn, are not wrong, but where they are many the record or the rule's conditions want a look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToldAlert:
    """One alert that somebody was told of: its rule, why it closed (None: it is open), and how the disputes of it
    stand: ``upheld``, ``rejected`` or ``open``."""

    rule: str
    closed_as: str | None
    disputes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Precision:
    """What is known of one rule. The shares are of what was told; of what has closed for the last two, None
    where nothing has. Each alert counts once, an upheld dispute before all others."""

    rule: str
    told: int
    upheld: int
    rejected: int
    open: int
    closed: int
    recorded_late: int
    withdrawn: int

    @property
    def precision(self) -> float:
        """The share of what was told that nobody showed to be wrong."""
        return 1 - self.upheld / self.told

    @property
    def recorded_late_share(self) -> float | None:
        """The share of what closed that had been done in time, and was recorded only when it was overdue."""
        return self.recorded_late / self.closed if self.closed else None

    @property
    def withdrawn_share(self) -> float | None:
        """The share of what closed because it no longer applied."""
        return self.withdrawn / self.closed if self.closed else None

    def as_json(self) -> dict[str, str | int | float | None]:
        """As plain JSON values; shares rounded to four places."""
        shares = (self.precision, self.recorded_late_share, self.withdrawn_share)
        precision, late, withdrawn = (None if share is None else round(share, 4) for share in shares)
        return {
            "rule": self.rule,
            "told": self.told,
            "disputes_upheld": self.upheld,
            "disputes_rejected": self.rejected,
            "disputes_open": self.open,
            "closed": self.closed,
            "precision": precision,
            "met_recorded_late_share": late,
            "withdrawn_share": withdrawn,
        }


Settled = tuple[str, str, str]
"""What an alert counts as: its rule, the weightiest of its disputes (blank: none), and why it closed (blank: open)."""


def settled(alert: ToldAlert) -> Settled:
    """What one alert counts as."""
    disputed = next((how for how in ("upheld", "open", "rejected") if how in alert.disputes), "")
    return alert.rule, disputed, alert.closed_as or ""


def precision(alerts: Iterable[ToldAlert]) -> list[Precision]:
    """The figures of every rule that told anybody, the least precise first."""
    return precision_of(Counter(settled(alert) for alert in alerts))


def precision_of(alerts: Mapping[Settled, int]) -> list[Precision]:
    """The same of alerts that were counted before, as a database counts them."""
    counts: dict[str, Counter[str]] = {}
    for (rule, disputed, closed_as), n in alerts.items():
        count = counts.setdefault(rule, Counter())
        for what in ("told", disputed, closed_as, "closed" if closed_as else ""):
            count[what] += n
    found = [
        Precision(
            rule,
            told=count["told"],
            upheld=count["upheld"],
            rejected=count["rejected"],
            open=count["open"],
            closed=count["closed"],
            recorded_late=count["met_recorded_late"],
            withdrawn=count["withdrawn"],
        )
        for rule, count in counts.items()
    ]
    return sorted(found, key=lambda p: (p.precision, -p.told, p.rule))
