"""The life of an alert: which changes there are, and why each happens.

An alert opens when a finding first asks for action. While it is open its stage, level, date or
reason for not knowing may change, and it may be handed over to another worker. It closes when the
finding no longer asks: met, met late, met but recorded late, withdrawn (the clock no longer applies
or is no longer near), or its source record gone from the feed.

A *muted* alert lives the same life and is told to nobody: its rule is in shadow until an officer
adopts it, another alert of the child speaks for it, or its rule would alert so many at once that
somebody has to confirm it first. When that ends, all it would have told by then is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from alertd.engine.findings import Finding

Reason = Literal[
    "new",
    "reopened",
    "stage",
    "cause",
    "handed_over",
    "escalated",
    "reminder",
    "date_moved",
    "rule_changed",
    "muted",
    "unmuted",
    "met",
    "met_late",
    "met_recorded_late",
    "withdrawn",
    "source_removed",
]
CLOSING: Final[frozenset[Reason]] = frozenset({"met", "met_late", "met_recorded_late", "withdrawn", "source_removed"})

LATE_AFTER: Final = timedelta(hours=36)
"""A change told this long after it became true is told as late. A nightly feed alone makes a day."""


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """What was last told about one clock, and the worker and the team who had the child then.

    ``muted`` says why nobody is told, or is blank; ``timing`` is the version of the rule by which
    ``level`` was reached.
    """

    id: int
    finding: Finding
    level: int
    is_open: bool
    worker: str | None = None
    muted: str = ""
    timing: str = ""
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of one alert, decided and named; nothing has been written yet.

    ``from_stage`` is None for an alert that was not open. ``from_level`` and ``to_level`` are
    escalation steps told before and after. ``late``: alertd was not there when it became true.
    ``muted``: why nobody is told of it.
    """

    finding: Finding
    from_stage: str | None
    to_stage: str
    from_level: int
    to_level: int
    reason: Reason
    late: bool = False
    alert_id: int | None = None
    muted: str = ""

    @property
    def closes(self) -> bool:
        """Whether the alert ends here."""
        return self.reason in CLOSING

    def each_step(self) -> tuple[Transition, ...]:
        """The change parted into one for each step of the ladder that it reaches: the first of them comes with
        the change itself, every further one is an escalation of its own."""
        first = replace(self, to_level=min(self.to_level, self.from_level + 1))
        return (
            first,
            *(
                replace(self, from_stage=self.to_stage, from_level=n - 1, to_level=n, reason="escalated")
                for n in range(self.from_level + 2, self.to_level + 1)
            ),
        )


def told_late(finding: Finding, now: datetime) -> bool:
    """Whether the finding's present state began so long ago that people should have heard before."""
    return finding.since is not None and now - finding.since > LATE_AFTER
