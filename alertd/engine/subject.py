"""What is being judged: one record under one rule at one instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from alertd.calendars.calendar import Calendar
from alertd.cases.records import CaseFile, Record, local_day
from alertd.engine.facts import ends_on
from alertd.engine.findings import CannotTell, Finding
from alertd.rulebook.model import Rule, Rulebook


@dataclass(frozen=True, slots=True)
class Subject:
    """One anchor under one rule at one instant: all that judging its clocks needs."""

    rule: Rule
    rulebook: Rulebook
    calendar: Calendar
    case: CaseFile
    anchor: Record
    as_of: datetime
    born: Record | None
    died: date | None

    @property
    def today(self) -> date:
        """The day of ``as_of`` in Europe/London."""
        return local_day(self.as_of)

    @property
    def ended(self) -> date | None:
        """When the state that the clocks are for ended, if it has."""
        return ends_on(self.anchor, self.died, self.today)

    def finding(self, occurrence: str = "start") -> Finding:
        """A finding with what is known before anything is judged."""
        return Finding(
            self.rule.id,
            self.case.child,
            self.anchor.ref,
            occurrence,
            "unknown",
            where=self.anchor.where,
            closed=self.ended is not None,
        )

    def cannot_tell(self, record: Record, field: str, occurrence: str = "start") -> Finding:
        """An unknown finding because a record's field is blank or in doubt."""
        doubt = record.doubt(field)
        text = doubt.why if doubt else f"no {field} is recorded"
        reason = CannotTell(doubt.cause if doubt else "missing", field, record.where, text)
        return replace(self.finding(occurrence), cannot_tell=reason)

    def outside(self, first: date, last: date) -> CannotTell:
        """The reason that the feed cannot speak for some of a span."""
        window = self.case.window
        text = (
            f"the feed speaks for {window.start or 'any day'} to {window.end or 'now'}, "
            f"and this needs {first} to {last}"
        )
        return CannotTell("window", self.rule.until.record or "", self.anchor.where, text)
