"""The three rules of :mod:`tests.bench.by_sql` in CLIPS: the engine joins, and asks Python what a calendar says.

Facts are alertd's own records of the same children. As in the law each clock is counted from the last thing that
happened, so a rule looks for two visits with none between them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import clips

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import shift
from alertd.calendars.durations import Duration
from alertd.cases.records import CaseFile, local_day
from tests.bench.by_sql import Found

NEVER = 9_999_999

_CONSTRUCTS = (
    "(deftemplate referral (slot child) (slot id) (slot start) (slot end))",
    "(deftemplate assessment (slot child) (slot referral) (slot day))",
    "(deftemplate care (slot child) (slot start) (slot end))",
    "(deftemplate review (slot child) (slot day))",
    "(deftemplate plan (slot child) (slot start) (slot end) (slot born))",
    "(deftemplate seen (slot child) (slot day))",
    """(defrule assessed
         (referral (child ?c) (id ?r) (start ?s) (end ?e))
         (assessment (child ?c) (referral ?r) (day ?d&:(<= ?s ?d ?e)))
         (not (assessment (child ?c) (referral ?r) (day ?b&:(and (<= ?s ?b) (< ?b ?d)))))
         => (stands assess.cfa ?c ?s ?s ?e ?d))""",
    """(defrule not-assessed
         (referral (child ?c) (id ?r) (start ?s) (end ?e))
         (not (assessment (child ?c) (referral ?r) (day ?d&:(<= ?s ?d ?e))))
         => (stands assess.cfa ?c ?s ?s ?e 0))""",
    """(defrule reviewed-again
         (care (child ?c) (start ?s) (end ?e))
         (review (child ?c) (day ?a&:(<= ?s ?a ?e)))
         (exists (review (child ?c) (day ?f&:(and (<= ?s ?f) (< ?f ?a)))))
         (review (child ?c) (day ?b&:(and (< ?a ?b) (<= ?b ?e))))
         (not (review (child ?c) (day ?m&:(and (< ?a ?m) (< ?m ?b)))))
         => (stands cla.review.next ?c ?s ?a ?e ?b))""",
    """(defrule not-reviewed-again
         (care (child ?c) (start ?s) (end ?e))
         (review (child ?c) (day ?a&:(<= ?s ?a ?e)))
         (exists (review (child ?c) (day ?f&:(and (<= ?s ?f) (< ?f ?a)))))
         (not (review (child ?c) (day ?b&:(and (< ?a ?b) (<= ?b ?e)))))
         => (stands cla.review.next ?c ?s ?a ?e 0))""",
    """(defrule first-seen
         (plan (child ?c) (start ?s) (end ?e) (born ?n&:(<= ?n ?s)))
         (seen (child ?c) (day ?d&:(<= ?s ?d ?e)))
         (not (seen (child ?c) (day ?b&:(and (<= ?s ?b) (< ?b ?d)))))
         => (stands cp.visit ?c ?s ?s ?e ?d))""",
    """(defrule never-seen
         (plan (child ?c) (start ?s) (end ?e) (born ?n&:(<= ?n ?s)))
         (not (seen (child ?c) (day ?d&:(<= ?s ?d ?e))))
         => (stands cp.visit ?c ?s ?s ?e 0))""",
    """(defrule seen-again
         (plan (child ?c) (start ?s) (end ?e) (born ?n))
         (seen (child ?c) (day ?a&:(and (<= ?s ?a ?e) (<= ?n ?a))))
         (seen (child ?c) (day ?b&:(and (< ?a ?b) (<= ?b ?e))))
         (not (seen (child ?c) (day ?m&:(and (< ?a ?m) (< ?m ?b)))))
         => (stands cp.visit ?c ?s ?a ?e ?b))""",
    """(defrule not-seen-again
         (plan (child ?c) (start ?s) (end ?e) (born ?n))
         (seen (child ?c) (day ?a&:(and (<= ?s ?a ?e) (<= ?n ?a))))
         (not (seen (child ?c) (day ?b&:(and (< ?a ?b) (<= ?b ?e)))))
         => (stands cp.visit ?c ?s ?a ?e 0))""",
)


class ByClips:
    """The rules, compiled once; any number of children is put to them."""

    def __init__(self, calendar: Calendar, today: date) -> None:
        self._calendar, self._today = calendar, today
        self._found: Found = Counter()
        self._booked: dict[str, list[date]] = {}
        self._environment = clips.Environment()
        self._environment.define_function(self._stands, "stands")
        for construct in _CONSTRUCTS:
            self._environment.build(construct)

    def find(self, cases: Iterable[CaseFile]) -> Found:
        """What is true of these children."""
        self._found, self._booked = Counter(), {}
        self._environment.reset()
        templates = {one.name: one for one in self._environment.templates()}
        for case in cases:
            for name, slots in self._facts(case):
                templates[name].assert_fact(**slots)
        self._environment.run()
        return self._found

    def _facts(self, case: CaseFile) -> Iterator[tuple[str, dict[str, str | int]]]:
        """The records as CLIPS may compare them: days as ordinals. What is yet to come has not happened."""
        child = next(case.of("child"), None)
        born, died = (child.day(name) if child else None for name in ("born", "died"))

        def day(value: date | None) -> int:
            return value.toordinal() if value and value <= self._today else 0

        def end(value: date | None) -> int:
            return min((d.toordinal() for d in (value, died) if d and d <= self._today), default=NEVER)

        for record in case.records:
            own: dict[str, str | int] = {"child": case.child}
            match record.kind:
                case "referral" if record.get("nfa") is False and (start := day(record.day("start"))):
                    yield "referral", own | {"id": record.key, "start": start, "end": end(record.day("end"))}
                case "assessment" if at := day(record.day("authorised")):
                    yield "assessment", own | {"referral": str(record.get("referral")), "day": at}
                case "care_period" if start := day(record.day("start")):
                    yield "care", own | {"start": start, "end": end(record.day("end"))}
                case "cla_review" if at := day(record.day("happened")):
                    yield "review", own | {"day": at}
                case "cla_review" if booked := record.day("due_on"):
                    self._booked.setdefault(case.child, []).append(booked)
                case "cp_plan" if record.get("other_authority") is False and (start := day(record.day("start"))):
                    known = born.toordinal() if born else NEVER
                    yield "plan", own | {"start": start, "end": end(record.day("end")), "born": known}
                case "cp_visit" if record.get("child_seen") is True and (at := day(record.day("happened"))):
                    yield "seen", own | {"day": at}

    def _stands(self, rule: str, child: str, begin: int, start: int, end: int, met: int) -> None:
        """A clock of a rule, from ``start`` until ``met`` (0: it has not been): when it is due, and its stage."""
        due = self._due(rule, child, begin, date.fromordinal(start), end, is_open=not met)
        self._found[str(rule), str(child), self._stage(rule, start, due, end, met), due] += 1

    def _due(self, rule: str, child: str, begin: int, start: date, end: int, *, is_open: bool) -> date:
        if rule == "assess.cfa":
            return self._calendar.add_working_days(start, 45)
        if rule == "cp.visit":
            return self._calendar.add_working_days(start, 10)
        due = local_day(shift(start, Duration(6, "month"), self._calendar))
        days = [d for d in self._booked.get(child, ()) if d > start and begin <= d.toordinal() <= end]
        if not days or not is_open:
            return due
        return min(due, min((d for d in days if d >= self._today), default=max(days)))

    def _stage(self, rule: str, start: int, due: date, end: int, met: int) -> str:
        if met:
            return "met" if met <= due.toordinal() else "met_late"
        if end != NEVER:
            return "ended"
        if due <= self._today:
            return "due" if due == self._today else "overdue"
        if rule == "assess.cfa":
            warned = self._calendar.add_working_days(date.fromordinal(start), 10)
        elif rule == "cp.visit":
            warned = self._calendar.add_working_days(due, -3)
        else:
            warned = due - timedelta(weeks=8)
        return "upcoming" if warned <= self._today else "running"
