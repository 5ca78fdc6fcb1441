"""What is being judged: one record under one rule at one instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from alertd.calendars.calendar import Calendar, NoTermsError
from alertd.calendars.clock import age_on
from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record, Window
from alertd.engine.facts import Instant
from alertd.engine.findings import CannotTell, Finding
from alertd.errors import InputError
from alertd.rulebook.model import Condition, FromEvent, Others, Rule, Rulebook, Setting, Until


@dataclass(slots=True)
class Slack:
    """How many ``days`` the feeds' windows may move on before what was found may be another; None: any number."""

    days: int | None = None

    def rests_on(self, window: Window, first: date, last: date) -> None:
        """Note that an answer rests on whether a window covers these days: on its beginning where it does, and where
        it only ends too soon, on its end."""
        if window.covers(first, last):
            if window.start is not None:
                self.at_most((first - window.start).days)
        elif window.end is not None and last > window.end and replace(window, end=None).covers(first, last):
            self.at_most((last - window.end).days - 1)

    def at_most(self, days: int) -> None:
        """Note that they may move so many days, and no further."""
        self.days = days if self.days is None else min(self.days, days)


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
    ended: date | None
    """When the state that the clocks are for ended, if it has."""
    slack: Slack = field(default_factory=Slack)
    """Where it is noted what rests on the feeds' windows."""
    asking: bool = False
    """Whether only what asks for something is wanted, and no clock that was stopped."""

    @property
    def born(self) -> date | None:
        """The date of birth, where it is recorded and not in doubt."""
        return self.child.day("born") if self.child else None

    @property
    def unborn(self) -> bool:
        """Whether the child is expected and not born: of no age, and with no birthdays."""
        child = self.child
        return child is not None and not (self.born or child.doubt("born")) and child.day("expected") is not None

    @property
    def stop(self) -> Until:
        """What stops the clock. Only for rules that have a clock an event stops."""
        stop = self.rule.stop
        assert stop is not None
        return stop

    @property
    def begin(self) -> date | None:
        """The day on which the anchor began, where that is known."""
        return self.anchor.day(KINDS[self.anchor.kind].begins)

    @property
    def end_in_doubt(self) -> CannotTell | None:
        """Why it cannot be told whether the state that the clocks are for has ended, if it cannot."""
        kind = KINDS[self.anchor.kind]
        doubted = kind.bounds and kind.ends and self.anchor.doubt(kind.ends)
        return self.why_not_told(self.anchor, kind.ends or "") if doubted else None

    @property
    def sought(self) -> tuple[str, ...]:
        """The kinds of the records that stop the clock or make up the pattern: its own, where a field of it does."""
        if self.rule.stop and self.rule.stop.own:
            return (self.anchor.kind,)
        sought = self.rule.stop or self.rule.pattern
        return () if sought is None or isinstance(sought, Others) else sought.kinds

    @property
    def window(self) -> Window:
        """The days for which the feed can speak of what is sought."""
        return self.case.window_of(self.sought)

    def silence_is_proof(self, first: date, last: date) -> bool:
        """Whether what is sought did not happen from ``first`` to ``last``, where the feed does not say it did.

        A blank field of the record itself says so from the record's first day on: the feed holds the record.
        """
        window = self.window
        if self.rule.stop and self.rule.stop.own:
            window = replace(window, start=None)
        self.slack.rests_on(window, first, last)
        return window.covers(first, last)

    @property
    def only_latest(self) -> CannotTell | None:
        """Why an earlier record than those held may be what is sought: of its kind the feed holds the latest alone."""
        if self.rule.stop and self.rule.stop.own:
            return None
        kind = next((kind for kind in self.sought if kind in self.case.latest), None)
        if kind is None:
            return None
        text = f"this feed holds only the latest {kind} of each child, so an earlier one may have been in time"
        return CannotTell("feed", kind, self.anchor.where, text)

    @property
    def basis(self) -> str:
        """What a reader has to know of the feed to trust the finding; mostly nothing."""
        held = sorted(self.case.latest & {self.rule.for_, *self.sought})
        if not held:
            return ""
        told = f"from a feed that holds only the latest {' and '.join(held)} of each child"
        origin = self.rule.clock.from_
        if isinstance(origin, FromEvent) and origin.first > 1:
            return f"{told}; which of them it is cannot be told, so the longest limit that may be meant is counted"
        if isinstance(origin, FromEvent) and not origin.later:
            return f"{told}; this one came so soon that it is taken for the first"
        return told

    def in_band(self, day: date) -> bool:
        """Whether the child's age on ``day`` is in the rule's band. Only where the birth is known."""
        band, born = self.rule.age, self.born
        assert band and born
        age = age_on(born, day)
        return (band.from_ is None or band.from_ <= age) and (band.under is None or age < band.under)

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

    def why_perhaps(self, record: Record, on: str, where: Sequence[Condition]) -> CannotTell:
        """The reason that nobody can say whether a related record counts: its date is in doubt, or
        the first of its conditions that looks at something blank, there or in the anchor."""
        looked_at = [on] if record.doubt(on) else [c.field for c in where]
        blank = next((f for f in looked_at if f not in record.values), None)
        if blank is not None:
            return self.why_not_told(record, blank)
        joined = (c.refers_to for c in where)
        return self.why_not_told(self.anchor, next(f for f in joined if f and f not in ("id", *self.anchor.values)))

    def cannot_tell(self, record: Record, field: str) -> Finding:
        """The unknown finding that stands for all clocks of this anchor, because of one field."""
        return replace(self.finding(), cannot_tell=self.why_not_told(record, field))

    def child_lacks(self, field: str) -> Finding:
        """The unknown finding of an anchor whose clocks need a field of the child's own record."""
        return self.cannot_tell(self.child or Record("child", "", "", self.anchor.where), field)

    def setting_lacks(self) -> Finding | None:
        """The unknown finding of an anchor whose clocks need a length that the authority has not set."""
        length = self.rule.clock.length
        if not isinstance(length, Setting) or self.rulebook.limit(self.rule, self.instant.today) is not None:
            return None
        reason = CannotTell("setting", length.setting, self.rule.id, f"the setting {length.setting} has no value")
        return replace(self.finding(), cannot_tell=reason)

    def beyond_the_calendar(self, error: InputError) -> Finding:
        """A date so far off that no calendar can count from it, or school days and no school terms:
        nobody can say when this is due."""
        if isinstance(error, NoTermsError):
            return replace(self.finding(), cannot_tell=CannotTell("setting", "school terms", self.rule.id, error.what))
        reason = CannotTell("unreadable", KINDS[self.anchor.kind].begins, self.anchor.where, error.what)
        return replace(self.finding(), cannot_tell=reason)

    def outside(self, first: date, last: date) -> CannotTell:
        """The reason that the feed cannot speak for some of a span."""
        window = self.window
        text = (
            f"no feed speaks for any day of it, and this needs {first} to {last}"
            if window.no_days
            else (
                f"the feed speaks for {window.start or 'any day'} to {window.end or 'now'}, "
                f"and this needs {first} to {last}"
            )
        )
        return CannotTell("window", next(iter(self.sought), ""), self.anchor.where, text)
