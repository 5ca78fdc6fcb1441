"""Why this date, why none, and what comes next: one child and one rule, with the working shown.

Built from the findings themselves. The same explanation serves the command line, mails and pages:
as lines of text (:func:`lines`) and as plain JSON values (:meth:`Explained.as_json`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import CountedDay, count
from alertd.cases.holding import holding
from alertd.cases.records import CaseFile, Snapshot, in_words, local_day
from alertd.engine.agenda import Change, agenda
from alertd.engine.evaluate import Evaluator, measurable
from alertd.engine.findings import Finding
from alertd.engine.phrases import besides, counting, state
from alertd.engine.why_not import WhyNot, why_not
from alertd.errors import InputError
from alertd.rulebook.model import Rule, Rulebook, Setting
from alertd.rulebook.versions import timing, wording


@dataclass(frozen=True, slots=True)
class Why:
    """One clock and its working. ``days`` is every day from start to limit, counted or skipped and why."""

    finding: Finding
    days: tuple[CountedDay, ...]

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values; days as ``2026-11-24``."""
        days = [{**asdict(d), "day": d.day.isoformat()} for d in self.days]
        return {**self.finding.as_json(), "days": days}


@dataclass(frozen=True, slots=True)
class Explained:
    """One rule and one child: ``why`` each clock stands where it does, ``why_not`` the rule asks
    nothing for other records, ``when_next`` anything changes if nothing new is recorded."""

    rule: Rule
    child: str
    calendar: str
    values: tuple[tuple[str, str], ...]
    versions: tuple[str, str]
    """Of the rule's dates and of its words."""
    why: tuple[Why, ...]
    why_not: tuple[WhyNot, ...]
    when_next: tuple[Change, ...]
    tells: tuple[tuple[str, ...], ...]
    """The roles that each step of its ladder tells, in order."""

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        rule = self.rule
        loosened = rule.loosened_by.model_dump(mode="json", by_alias=True) if rule.loosened_by else None
        return {
            "rule": rule.id,
            "title": rule.title,
            "kind": rule.kind,
            "child": self.child,
            "why_it_matters": rule.why,
            "law": rule.law.model_dump(mode="json"),
            "edition": rule.edition,
            "loosened_by": loosened,
            "shadow": rule.shadow,
            "clears": rule.clears,
            "tells": [list(roles) for roles in self.tells],
            "calendar": self.calendar,
            "values": dict(self.values),
            "version": {"timing": self.versions[0], "wording": self.versions[1]},
            "why": [w.as_json() for w in self.why],
            "why_not": [asdict(w) for w in self.why_not],
            "when_next": [c.as_json() for c in self.when_next],
        }


def explain(
    rule: Rule,
    rulebook: Rulebook,
    calendar: Calendar,
    case: CaseFile,
    findings: Sequence[Finding],
    ahead: Sequence[Change],
    as_of: datetime,
) -> Explained:
    """The explanation of one rule for one child, from its findings at ``as_of`` and its agenda ``ahead``."""
    own = sorted((f for f in findings if f.rule == rule.id), key=_open_last)
    judged = frozenset(f.record for f in own)
    return Explained(
        rule=rule,
        child=case.child,
        calendar=calendar.describe(),
        values=tuple(_values(rule, rulebook)),
        versions=(timing(rule, rulebook), wording(rule)),
        why=tuple(Why(f, _counted(f, rule, rulebook, calendar)) for f in own),
        why_not=tuple(why_not(rule, case, judged, as_of)),
        when_next=tuple(c for c in ahead if c.rule == rule.id),
        tells=tuple(step.tell for step in rulebook.ladders[rule.escalate].steps),
    )


def explain_one(snapshot: Snapshot, rulebook: Rulebook, rule_id: str, as_of: datetime, until: datetime) -> Explained:
    """The explanation for the one child of a snapshot, by the rules of the child's team."""
    (case,) = snapshot.cases
    able, unable = measurable(rulebook, snapshot.holds, snapshot.lacks)
    evaluator = Evaluator.of(able).of_team(case, as_of)
    rule = rulebook.of_team(holding(case, local_day(as_of)).team).rule(rule_id)
    assert rule is not None
    unmeasured = [f for f in unable if evaluator.rulebook.rule(f.rule) is None]  # not by another team's rule
    findings = [*evaluator.evaluate(case, as_of), *unmeasured]
    ahead = list(agenda(evaluator, case, as_of, until))
    return explain(rule, evaluator.rulebook, evaluator.calendar, case, findings, ahead, as_of)


def _open_last(finding: Finding) -> tuple[bool, date]:
    """Oldest first, and what is still open last of all: where a terminal leaves the reader."""
    start = local_day(finding.start) if finding.start else date.max
    return (finding.met is None and not finding.closed, start)


def _values(rule: Rule, rulebook: Rulebook) -> Iterator[tuple[str, str]]:
    """The lengths the authority has set or left at their default."""
    for length in (rule.clock.length, rule.clock.local):
        if isinstance(length, Setting):
            value = rulebook.settings.get(length.setting, length.default)
            yield length.setting, str(value) if value else "not set"


def _counted(finding: Finding, rule: Rule, rulebook: Rulebook, calendar: Calendar) -> tuple[CountedDay, ...]:
    limit = rulebook.limit(rule, local_day(finding.start)) if finding.start else None
    if finding.start is None or limit is None or not limit.n:
        return ()
    try:
        return tuple(count(finding.start, limit, calendar, rule.clock.count_from))
    except InputError:  # no calendar reaches so far, or no school terms are known: the finding says so itself
        return ()


def lines(explained: Explained, *, every_day: bool = False) -> Iterator[str]:
    """The explanation as text: the rule once, each clock, what holds it back, and what comes next.

    ``every_day``: the calendar also of clocks that nobody can do anything about any more.
    """
    rule = explained.rule
    yield f"{rule.title} ({rule.id}, {rule.kind})"
    yield f"  why            {rule.why}"
    yield f"  law            {rule.law.cite} (confidence {rule.law.confidence}; {rule.place})"
    if rule.law.note:
        yield f"  note           {rule.law.note}"
    if rule.edition:
        yield f"  read in        {rule.edition}"
    if rule.shadow:
        yield f"  told to nobody {rule.shadow}"
    for name, value in explained.values:
        yield f"  setting        {name} = {value}"
    yield f"  calendar       {explained.calendar}"
    yield f"  version        {explained.versions[0]} (dates), {explained.versions[1]} (words)"
    yield f"  tells          {'; '.join(f'{n}: {_roles(roles)}' for n, roles in enumerate(explained.tells, 1))}"
    past = [w for w in explained.why if not every_day and _is_past(w.finding)]
    if past:
        yield ""
    yield from (_in_one_line(why.finding) for why in past)
    for why in explained.why:
        if why not in past:
            yield ""
            yield from _clock(why, rule)
    if explained.why_not:
        yield ""
        yield "why not"
        for reason in explained.why_not:
            yield f"  {reason.record or 'the rule'}: {reason.text}" + (f" ({reason.where})" if reason.where else "")
    if explained.when_next:
        yield ""
        yield "when next, if nothing new is recorded"
        yield from (f"  {in_words(c.at)}  {c.record}: {coming(c, explained)}" for c in explained.when_next)


def _is_past(finding: Finding) -> bool:
    return finding.met is not None or finding.closed


def _in_one_line(f: Finding) -> str:
    due = f", due {in_words(f.due)}" if f.due else ""
    met = f", {in_words(f.met)} ({f.met_by or f.where})" if f.met else ""
    return f"{f.record}: {f.stage.replace('_', ' ')}{due}{met}"


def coming(change: Change, explained: Explained) -> str:
    """What changes, and who is told by the steps of the ladder that this reaches."""
    before = change.before.level if change.before else 0
    reached = explained.tells[before : change.after.level] if change.after else ()
    told = dict.fromkeys(role for roles in reached for role in roles)
    return f"{change.words}: {_roles(told)}" if told else change.words


def _roles(roles: Iterable[str]) -> str:
    return ", ".join(role.replace("_", " ") for role in roles)


def _clock(why: Why, rule: Rule) -> Iterator[str]:
    f = why.finding
    yield f"{f.record}, {f.where}: {f.stage}"
    if f.cannot_tell:
        at = ", ".join(filter(None, (f.cannot_tell.where, f.cannot_tell.field)))
        yield f"  cannot tell    {f.cannot_tell.text}" + (f" ({at})" if at else "")
    if f.asks_for_action:
        told = () if f.cannot_tell else (state(f, rule, f.start, in_words),)
        yield f"  in short       {' '.join((*told, counting(f, rule, f.start, in_words), *besides(f, rule, in_words)))}"
    if f.spoken_for_by:
        yield f"  spoken for by  {f.spoken_for_by}"
    if f.evidence:
        yield f"  records        {', '.join(f.evidence)}"
    if f.start:
        day = "day 1" if rule.clock.count_from == "same_day" else "day 0"
        yield f"  starts         {in_words(f.start)}, {day}, from {f.counted_from or f.where}" + _no_time(f)
    if f.due:
        otherwise = "the date set in the plan" if f.binding == "plan" else "at once" if rule.pattern else "that day"
        yield f"  limit          {f.limit or otherwise}"
        for name, value in (("statutory", f.statutory), ("local", f.local), ("plan", f.plan)):
            marked = "  <- binds" if f.binding == name else ""
            yield f"  {name:<14} {in_words(value) if value else 'none'}{marked}"
    if f.met:
        yield f"  met            {in_words(f.met)}, {f.met_by}"
    elif f.cannot_tell and f.cannot_tell.cause == "setting":
        yield f"  clears when    {f.cannot_tell.field} has a value: --set here, [rules.settings] for the daemon"
    elif f.asks_for_action or f.stage == "running":
        yield f"  clears when    {rule.clears}"
    yield from _strip(why.days)


def _no_time(finding: Finding) -> str:
    """Hours counted from a day begin at its first minute; the reader has to know that nobody recorded the time."""
    counted = isinstance(finding.due, datetime) and not isinstance(finding.start, datetime)
    return "; the time is not recorded, so counted from 00:00" if counted else ""


def _strip(days: Sequence[CountedDay]) -> Iterator[str]:
    """A calendar: a week a line, each day its number or - where it does not count, and why holidays do not."""
    if len(days) == 2 and days[1].day - days[0].day > timedelta(days=1):
        return  # a length in months or weeks is not counted day by day
    if not days:
        return
    yield "                 Mon Tue Wed Thu Fri Sat Sun"
    for monday, week in groupby(days, key=lambda d: d.day - timedelta(days=d.day.weekday())):
        cells = ["   "] * 7
        noted: list[str] = []
        for day in week:
            cells[day.day.weekday()] = f"{'-' if day.number is None else day.number:>3}"
            if day.skipped_because and day.day.weekday() < 5:
                noted.append(f"{day.day:%a} {day.skipped_because}")
        notes = f"   {', '.join(noted)}" if noted else ""
        yield f"    {monday:%d %b %Y}  {' '.join(cells)}{notes}".rstrip()
