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

    def finding(self) -> Finding:
        """A finding with what is known before anything is judged."""
        return Finding(
            self.rule.id,
            self.case.child,
            self.anchor.ref,
            "start",
            "unknown",
            where=self.anchor.where,
            closed=self.ended is not None,
        )

    def why_not_told(self, record: Record, field: str) -> CannotTell:
        """The reason that a record's field, blank or in doubt, leaves something untold."""
        doubt = record.doubt(field)
        text = doubt.why if doubt else f"no {field} is recorded"
        return CannotTell(doubt.cause if doubt else "missing", field, record.where, text)

    def cannot_tell(self, record: Record, field: str) -> Finding:
        """The unknown finding that stands for all clocks of this anchor, because of one field."""
        return replace(self.finding(), cannot_tell=self.why_not_told(record, field))

    def outside(self, first: date, last: date) -> CannotTell:
        """The reason that the feed cannot speak for some of a span."""
        window = self.case.window
        text = (
            f"the feed speaks for {window.start or 'any day'} to {window.end or 'now'}, "
            f"and this needs {first} to {last}"
        )
        return CannotTell("window", self.rule.until.record or "", self.anchor.where, text)
