"""What a rulebook would have said: history replayed through the same evaluate, reconcile and route. Pure.

A child is evaluated at each instant at which anything changed for it, with what had happened by
then; and with what had been *recorded* by then, as far as records say when that was. Whatever else
a record says counts as known from when it happened.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Final

from alertd.alerts.lifecycle import OpenAlert, Reason, Transition
from alertd.alerts.reconcile import Identity, Reconciled, reconcile
from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import begin_of, end_of
from alertd.cases.holding import Holding, holding
from alertd.cases.records import CaseFile, local_day
from alertd.engine.agenda import standings
from alertd.engine.evaluate import Evaluator, meant_by
from alertd.engine.findings import Finding
from alertd.engine.stages import MOMENT
from alertd.errors import InputError
from alertd.routing.route import NoticeFor, route
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.patterns import names_mean

MET: Final = frozenset[Reason | None]({"met", "met_late", "met_recorded_late"})

RECORDED: Final = "recorded"
"""The field by which a record says when it was entered."""


@dataclass(frozen=True, slots=True)
class Told:
    """One line that would have reached somebody: in a digest on ``day``, or at once, in the minute ``urgent_at``.

    ``who`` is the worker's key for a worker and the team's for a team manager, as the feed names
    them; blank where it names none, and for roles that somebody holds for many teams.
    """

    day: date
    role: str
    who: str
    urgent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """One alert as it would have been. ``opened`` is None for one that stood before the first day:
    only what was told of it from then on is counted. ``closed`` and ``closed_as`` say when and why
    it closed in the span, if it did; ``days_late`` counts calendar days for one met late.
    ``cannot_tell``: it never said more than that the rule cannot be measured for this child. ``ended`` is what was
    found when it closed."""

    identity: Identity
    opened: date | None
    told: tuple[Told, ...] = ()
    closed: date | None = None
    closed_as: Reason | None = None
    days_late: int | None = None
    cannot_tell: bool = False
    ended: Finding | None = field(default=None, compare=False)

    @property
    def rule(self) -> str:
        """The rule it is of."""
        return self.identity[0]


def known_by(case: CaseFile, at: datetime) -> CaseFile:
    """What had been recorded by then; a record that does not say when it was counts from when it happened."""
    return replace(case, records=tuple(r for r in case.records if _entered(r.get(RECORDED), at)))


def _entered(recorded: object, at: datetime) -> bool:
    return not isinstance(recorded, date) or begin_of(recorded) <= at


def kinds_that_say(cases: Iterable[CaseFile]) -> frozenset[str]:
    """The kinds of which some record says when it was entered."""
    return frozenset(r.kind for case in cases for r in case.records if isinstance(r.get(RECORDED), date))


def replay(evaluator: Evaluator, case: CaseFile, first: date, last: date) -> list[Replayed]:
    """The alerts of one child from ``first`` to ``last``, both included, as though alertd had been at
    work long before. Work for child by child: see :func:`alertd.engine.sweep.each`."""
    begin = begin_of(first)
    stream = standings(evaluator, case, begin - MOMENT, end_of(last) - MOMENT, known=known_by)
    return follow(evaluator, case, begin, stream)


def met(
    evaluator: Evaluator, case: CaseFile, first: date, last: date, kinds: Collection[str]
) -> list[tuple[Replayed, Holding]]:
    """The alerts of one child that opened and were met from ``first`` to ``last``, and who had the child when each
    closed. Only records of ``kinds`` are looked at: each further one is a day more to replay."""
    seen = replace(case, records=tuple(record for record in case.records if record.kind in kinds))
    closed = (one for one in replay(evaluator, seen, first, last) if one.closed_as in MET and one.opened)
    return [(one, holding(case, one.closed)) for one in closed if one.closed]


def follow(
    evaluator: Evaluator, case: CaseFile, begin: datetime, stream: Iterable[tuple[datetime, Iterable[Finding]]]
) -> list[Replayed]:
    """The alerts that findings at successive instants open, tell and close. What asks for action
    before ``begin`` is taken as told."""
    alerts: dict[Identity, OpenAlert] = {}
    stories: dict[Identity, _Story] = {}
    found: list[_Story] = []
    for at, findings in stream:
        seen = known_by(case, at)
        held = holding(seen, local_day(at))
        now = _Now(at, evaluator.of_team(seen, at), held)
        present = {record.ref for record in seen.records}
        done = reconcile(
            findings,
            alerts,
            at,
            present=partial(_is_in, present),
            holdings={case.child: held},
        )
        for transition in done.transitions:
            identity = transition.finding.identity
            if transition.reason in ("new", "reopened"):
                stories[identity] = _Story(identity, None if at < begin else local_day(at))
                found.append(stories[identity])
            stories[identity].add(transition, now, quiet=at < begin)
        alerts = _after(alerts, done, now)
    return [story.ended() for story in found]


def _is_in(refs: Collection[str], _child: str, record: str) -> bool:
    return record in refs


@dataclass(frozen=True, slots=True)
class _Now:
    """An instant: by which rules the child is judged then, and who has it."""

    at: datetime
    evaluator: Evaluator
    held: Holding

    @property
    def today(self) -> date:
        return local_day(self.at)

    def told(self, notice: NoticeFor) -> Told:
        """The line that a notice becomes: in the digest of that day, or of the next working day."""
        whose = {"worker": self.held.worker, "team_manager": self.held.team}
        who = whose.get(notice.role) or ""
        if notice.urgent:  # a clock is overdue a moment after its last step: one message, not two
            return Told(self.today, notice.role, who, self.at.replace(second=0, microsecond=0))
        return Told(_working(self.today, self.evaluator.calendar), notice.role, who)


def _working(day: date, calendar: Calendar) -> date:
    return day if calendar.is_working(day) else calendar.add_working_days(day, 1)


@dataclass(slots=True)
class _Story:
    """One alert while it is followed."""

    identity: Identity
    opened: date | None
    told: dict[Told, None] = field(default_factory=dict)
    """In order; a digest has one line for an alert, however much changed on that day."""
    stages: set[str] = field(default_factory=set)
    closing: Transition | None = None
    closed: date | None = None

    def add(self, transition: Transition, now: _Now, *, quiet: bool) -> None:
        """What changes, and who is told; ``quiet``: they were told long ago."""
        rule = now.evaluator.rulebook.rule(transition.finding.rule)
        if rule and not quiet:
            self.told |= {now.told(n): None for n in route(transition, rule, now.evaluator.rulebook)}
        if transition.closes:
            self.closing, self.closed = transition, now.today
        else:
            self.stages.add(transition.to_stage)

    def ended(self) -> Replayed:
        """The alert as it was; what waited for the digest of a day after it closed was never told."""
        told = tuple(t for t in self.told if self.closed is None or t.urgent_at or t.day <= self.closed)
        closing, late = self.closing, None
        if closing and closing.reason == "met_late" and closing.finding.met and closing.finding.due:
            late = (local_day(closing.finding.met) - local_day(closing.finding.due)).days
        reason = closing.reason if closing else None
        ended = closing.finding if closing else None
        return Replayed(self.identity, self.opened, told, self.closed, reason, late, self.stages == {"unknown"}, ended)


def _after(alerts: dict[Identity, OpenAlert], done: Reconciled, now: _Now) -> dict[Identity, OpenAlert]:
    """What was last told, once the changes are written: as the store does it, without a store."""
    worker, refreshed = now.held.worker, dict(done.refreshed)
    found = {
        identity: replace(alert, finding=refreshed.get(alert.id, alert.finding), worker=worker)
        for identity, alert in alerts.items()
    }
    for t in done.transitions:
        id_ = len(found) if t.alert_id is None else t.alert_id
        found[t.finding.identity] = OpenAlert(id_, t.finding, t.to_level, not t.closes, worker, t.muted)
    return found


def only(rulebook: Rulebook, ids: Collection[str], *, disabled: bool = False) -> Rulebook:
    """The rulebook with only these rules, those they are about and those that speak for them.

    ``disabled``: rules among them that are not enabled are tried as if they were. Raises
    :class:`InputError` where none of them is enabled.
    """
    teams = {team: _only(book, ids, disabled) for team, book in rulebook.teams.items()}
    found = _only(rulebook, ids, disabled).model_copy(update={"teams": teams})
    if not any(rule.id in ids for book in (found, *teams.values()) for rule in book.enabled):
        why = "none of these rules is enabled"
        raise InputError(why, fix="Try them with --disabled, or `alertd rules list` shows which are enabled")
    return found


def _only(rulebook: Rulebook, ids: Collection[str], disabled: bool) -> Rulebook:
    tried = tuple(_tried(rule) if disabled and rule.id in ids else rule for rule in rulebook.rules)
    book = rulebook.model_copy(update={"rules": tried})
    wanted = [r for r in book.enabled if r.id in ids or any(names_mean(r.speaks_for, i) for i in ids)]
    needed = {r.id for r in wanted} | {name for r in wanted for name in meant_by(r, book)}
    return book.model_copy(update={"rules": tuple(r for r in book.enabled if r.id in needed)})


def _tried(rule: Rule) -> Rule:
    return rule.model_copy(update={"enabled": True, "disabled_because": None})
