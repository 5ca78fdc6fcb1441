"""One mail a day to one person: what they hold, what was passed up to them, what cannot be measured.

Pure. Everything a template needs is here as finished phrases; templates only place them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import end_of
from alertd.cases.holding import Holding
from alertd.cases.kinds import KINDS
from alertd.cases.records import LONDON, local_day
from alertd.engine.findings import Finding
from alertd.people.directory import Directory
from alertd.routing.disclosure import InternalLine, cannot_tell_words, internal_line
from alertd.routing.words import day_words
from alertd.rulebook.model import Rule

WORKER_LINES: Final = 60
MANAGER_LINES: Final = 40
LOAD_ROWS: Final = 12
EXAMPLES: Final = 5

CAUSES: Final = {
    "feed": (
        "Rules that wait for records",
        "The feed holds no such records; `alertd rules coverage` says which rules need them. How many wait for each:",
    ),
    "window": ("Outside what the feed covers", "The feed does not speak for the days the rule needs."),
    "setting": ("A setting has no value", "The authority must set this length before the rule can run."),
    "engine": ("The rule could not be run", "Something went wrong in alertd itself; its log has more."),
}


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One open alert as it concerns one recipient. ``role`` is what they are told as, ``how`` why
    it is they (:attr:`Resolved.how`), ``is_new`` that it is not in an earlier digest of theirs, and
    ``late`` that it should have been. ``stands_for`` are titles of lesser alerts it speaks for."""

    alert_id: int
    finding: Finding
    rule: Rule
    holding: Holding
    role: str
    how: str
    is_new: bool
    next_step: str
    late: bool = False
    stands_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under one heading. ``tone`` is the stage that colours it; ``more`` were left out;
    ``brief`` lines leave the counting and the law to the one who has the child."""

    heading: str
    tone: str
    lines: tuple[InternalLine, ...]
    more: int
    brief: bool


@dataclass(frozen=True, slots=True)
class LoadRow:
    """How many open alerts one worker has, by stage."""

    who: str
    overdue: int
    due: int
    upcoming: int
    unknown: int


@dataclass(frozen=True, slots=True)
class CauseGroup:
    """What cannot be measured for one cause: how many, of which rules, and where to look."""

    heading: str
    meaning: str
    count: int
    rules: tuple[tuple[str, int], ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest ready to render. ``why_you`` says as whom the reader is told, with counts."""

    subject: str
    preview: str
    sections: tuple[Section, ...]
    load: tuple[LoadRow, ...]
    load_more: int
    causes: tuple[CauseGroup, ...]
    new: int
    cleared: int
    why_you: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Urgent:
    """One alert that does not wait for the digest."""

    subject: str
    preview: str
    line: InternalLine
    purpose: str
    why_you: str


def compose_digest(
    items: Sequence[DigestItem],
    *,
    today: date,
    calendar: Calendar,
    directory: Directory,
    cleared: int,
    load: Iterable[tuple[Holding, str]] = (),
) -> Digest:
    """The digest of one recipient from everything open that concerns them, in any order.

    ``cleared`` counts their alerts closed since their last digest. ``load`` is (who holds, stage)
    of every open alert in the teams a manager answers for; it makes the table of load.
    """
    once = _once(items)
    own = [i for i in once if i.role == "worker"]
    feed = [i for i in once if i.role == "data_owner" and i.finding.cannot_tell is not None]
    placed = {i.alert_id for i in (*own, *feed)}
    passed_up = [i for i in once if i.alert_id not in placed]
    sections = _own_sections(own, today, calendar) + _passed_up(passed_up, today, calendar, directory)
    rows = _load(load, directory)
    counts = _counts([*own, *passed_up], feed, today)
    whose = "your children" if own else "passed up to you" if passed_up else "the feed"
    return Digest(
        subject=f"{', '.join(counts[:2])} · {whose} · {day_words(today, today)}",
        preview=", ".join(counts),
        sections=tuple(sections),
        load=tuple(rows[:LOAD_ROWS]),
        load_more=max(0, len(rows) - LOAD_ROWS),
        causes=tuple(_causes(feed)),
        new=sum(i.is_new for i in once),
        cleared=cleared,
        why_you=tuple(f"{how} ({n})" for how, n in Counter(i.how for i in once).most_common()),
    )


def compose_urgent(item: DigestItem, *, today: date, calendar: Calendar) -> Urgent:
    """The mail about one alert that goes at once."""
    finding, overdue = item.finding, item.finding.stage == "overdue"
    line = _line(item, today, calendar)
    due = f" · due {day_words(finding.due, today).split(' ', 1)[1]}" if finding.due else ""
    return Urgent(
        subject=f"{'Overdue' if overdue else 'Due today'}: {line.title} · {line.reference}{due}",
        preview=f"1 {'overdue' if overdue else 'due today'}",
        line=line,
        purpose=item.rule.why,
        why_you=item.how,
    )


def digest_is_due(
    now: datetime, *, at: time, calendar: Calendar, last: date | None, waiting: int, overdue: int
) -> tuple[bool, str]:
    """Whether one person's digest goes out at ``now`` (timezone-aware), and why or why not.

    ``at`` is a time of day in London; ``last`` the day of their last digest; ``waiting`` counts notices not
    yet told, ``overdue`` their open overdue alerts.
    """
    local = now.astimezone(LONDON)
    today = local.date()
    if why := calendar.why_not_working(today):
        return False, f"no digest on a {why}"
    if last is not None and last >= today:
        return False, "today's has been composed"
    if local.time() < at:
        return False, f"not before {at:%H:%M}"
    if waiting:
        return True, f"{waiting} waiting"
    monday = today - timedelta(days=today.weekday())
    if overdue and not any(calendar.is_working(monday + timedelta(days=n)) for n in range(today.weekday())):
        return True, f"first working day of the week, {overdue} overdue"
    return False, "nothing to tell"


def _once(items: Sequence[DigestItem]) -> list[DigestItem]:
    """Each alert once, most urgent first. Told twice (as deputy and as manager), it is theirs to do."""
    ranked = sorted(items, key=lambda i: (i.role != "worker", i.role))
    chosen: dict[int, DigestItem] = {}
    for item in ranked:
        chosen.setdefault(item.alert_id, item)
    return sorted(chosen.values(), key=_urgency)


_STAGE_ORDER: Final = {"overdue": 0, "due": 1, "upcoming": 2, "unknown": 3}


def _urgency(item: DigestItem) -> tuple[int, float, str, str, str, str]:
    due = end_of(item.finding.due).timestamp() if item.finding.due else float("inf")
    return (_STAGE_ORDER[item.finding.stage], due, *item.finding.identity)


def _line(item: DigestItem, today: date, calendar: Calendar, held_by: str = "") -> InternalLine:
    return internal_line(
        item.finding,
        item.rule,
        next_step=item.next_step,
        is_new=item.is_new,
        late=item.late,
        today=today,
        calendar=calendar,
        held_by=held_by,
        stands_for=item.stands_for,
    )


def _this_week(finding: Finding, today: date) -> bool:
    sunday = today + timedelta(days=6 - today.weekday())
    return finding.due is not None and local_day(finding.due) <= sunday


def _own_sections(items: Sequence[DigestItem], today: date, calendar: Calendar) -> list[Section]:
    """A worker's sections; the first :data:`WORKER_LINES` in order of urgency are shown."""
    grouped: dict[tuple[str, str], list[DigestItem]] = defaultdict(list)
    for item in items:
        grouped[_heading(item.finding, today)].append(item)
    left = WORKER_LINES
    sections = []
    for (heading, tone), members in grouped.items():
        shown, left = members[:left], max(0, left - len(members))
        lines = tuple(_line(i, today, calendar) for i in shown)
        sections.append(Section(heading, tone, lines, len(members) - len(lines), brief=False))
    return sections


def _heading(finding: Finding, today: date) -> tuple[str, str]:
    if finding.stage == "upcoming":
        return ("Due this week" if _this_week(finding, today) else "Coming up"), "upcoming"
    return {"overdue": "Overdue", "due": "Due today", "unknown": "Cannot tell"}[finding.stage], finding.stage


def _passed_up(items: Sequence[DigestItem], today: date, calendar: Calendar, directory: Directory) -> list[Section]:
    if not items:
        return []
    lines = tuple(_line(i, today, calendar, directory.label(i.holding)) for i in items[:MANAGER_LINES])
    tone = items[0].finding.stage
    return [Section("Passed up to you", tone, lines, len(items) - len(lines), brief=True)]


def _counts(told: Sequence[DigestItem], feed: Sequence[DigestItem], today: date) -> list[str]:
    """``1 overdue``, ``3 due by Friday``, …: only counts, fit for a subject line."""
    stages = Counter(i.finding.stage for i in told)
    soon = [
        local_day(i.finding.due)
        for i in told
        if i.finding.due and i.finding.stage in ("due", "upcoming") and _this_week(i.finding, today)
    ]
    later = stages["due"] + stages["upcoming"] - len(soon)
    by = "due today" if max(soon, default=today) == today else f"due by {max(soon):%A}"
    found = [
        (stages["overdue"], "overdue"),
        (len(soon), by),
        (later, "coming up"),
        (stages["unknown"], "unknown"),
        (len(feed), "cannot be measured"),
    ]
    return [f"{n} {words}" for n, words in found if n] or ["nothing open"]


def _load(load: Iterable[tuple[Holding, str]], directory: Directory) -> list[LoadRow]:
    """One row a worker, most overdue first."""
    held: dict[Holding, Counter[str]] = defaultdict(Counter)
    for holding, stage in load:
        held[Holding(holding.worker) if holding.worker else holding][stage] += 1
    rows = [LoadRow(directory.label(h), n["overdue"], n["due"], n["upcoming"], n["unknown"]) for h, n in held.items()]
    return sorted(rows, key=lambda r: (-r.overdue, -r.due, -r.upcoming, -r.unknown, r.who))


def _causes(items: Sequence[DigestItem]) -> list[CauseGroup]:
    grouped: dict[str, list[DigestItem]] = defaultdict(list)
    for item in items:
        if item.finding.cannot_tell:
            grouped[item.finding.cannot_tell.cause].append(item)
    groups = []
    for cause, members in sorted(grouped.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        heading, meaning = CAUSES.get(cause, (cause, ""))
        by_what_lacks = cause == "feed"
        named = Counter(_lacked(i.finding.occurrence) if by_what_lacks else i.rule.title for i in members)
        rules = named.most_common()
        examples = dict.fromkeys(() if by_what_lacks else (_example(i) for i in members))
        groups.append(CauseGroup(heading, meaning, len(members), tuple(rules), tuple(examples)[:EXAMPLES]))
    return groups


def _lacked(name: str) -> str:
    """A record kind, or a field of one, in words."""
    kind, _, field = name.partition(".")
    if kind not in KINDS:
        return name
    title = KINDS[kind].title.partition(",")[0]
    return f"{title}: {field.replace('_', ' ')}" if field else title


def _example(item: DigestItem) -> str:
    reason = item.finding.cannot_tell
    where = f"{reason.where}: " if reason and reason.where else ""
    return f"{where}{cannot_tell_words(item.finding, item.rule)}"
