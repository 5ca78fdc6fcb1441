"""What is being judged: one record under one rule at one instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from alertd.calendars.calendar import Calendar
from alertd.cases.records import CaseFile, Record
from alertd.engine.facts import Instant
from alertd.engine.findings import CannotTell, Finding
from alertd.rulebook.model import Rule, Rulebook, Until


@dataclass(frozen=True, slots=True)
class Subject:
    """One anchor under one rule at one instant: all that judging its clocks needs."""

    rule: Rule
    rulebook: Rulebook
    calendar: Calendar
    case: CaseFile
    anchor: Record
    instant: Instant
    child: Record | None
    """The child's own record, with the date of birth."""

    @property
    def born(self) -> date | None:
        """The date of birth, where it is recorded and not in doubt."""
        return self.child.day("born") if self.child else None

    @property
    def stop(self) -> Until:
        """What stops the clock. Only for rules that have a clock an event stops."""
        stop = self.rule.stop
        assert stop is not None
        return stop

    @property
    def ended(self) -> date | None:
        """When the state that the clocks are for ended, if it has."""
        return self.instant.ended(self.anchor)

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

    def without_birth(self) -> Finding:
        """The unknown finding of an anchor whose clocks need the date of birth."""
        return self.cannot_tell(self.child or Record("child", "", "", self.anchor.where), "born")

    def outside(self, first: date, last: date) -> CannotTell:
        """The reason that the feed cannot speak for some of a span."""
        window = self.case.window
        text = (
            f"the feed speaks for {window.start or 'any day'} to {window.end or 'now'}, "
            f"and this needs {first} to {last}"
        )
        return CannotTell("window", self.stop.record or "", self.anchor.where, text)
