"""One mail a day to one person: what changed, what they hold, what was passed up, what cannot be measured.

Grouped by child, brothers and sisters together, the most urgent family first. Pure. Everything a
template needs is here as finished phrases; templates only place them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

from alertd.calendars.calendar import Calendar
from alertd.calendars.clock import end_of
from alertd.cases.holding import Holding
from alertd.cases.kinds import KINDS
from alertd.cases.records import LONDON, local_day
from alertd.engine.findings import Finding
from alertd.language import ENGLISH, Language
from alertd.people.directory import Directory
from alertd.routing.disclosure import InternalLine, cannot_tell_words, internal_line, named_in, reference
from alertd.routing.lint import OLD
from alertd.routing.mails import (
    CauseGroup,
    Change,
    Child,
    ClearedItem,
    Digest,
    DigestItem,
    Family,
    Link,
    LoadRow,
    Section,
    Urgent,
)
from alertd.routing.words import day_words, told_as

WORKER_LINES: Final = 60
MANAGER_LINES: Final = 40
CHANGES: Final = 12
"""Changes named one by one at the top; what is merely new is only counted there where there are more."""
CLEARS: Final = 60
"""Cleared alerts named one by one; the rest are counted."""
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


def compose_digest(
    items: Sequence[DigestItem],
    *,
    today: date,
    calendar: Calendar,
    directory: Directory,
    cleared: Sequence[ClearedItem] = (),
    load: Iterable[tuple[Holding, str]] = (),
    snoozed: int = 0,
    work: str = "",
    language: Language = ENGLISH,
) -> Digest:
    """The digest of one recipient from everything open that concerns them, in any order.

    ``cleared`` are alerts they were told of that closed since their last digest. ``load`` is (who holds,
    stage) of every open alert in the teams a manager answers for; it makes the table of load.
    ``snoozed`` counts what they asked not to hear of for now. ``work`` is the address of their *My work*, if they
    have one.
    """
    once = _once(items)
    own = [i for i in once if i.role == "worker"]
    feed = [i for i in once if i.role == "data_owner" and i.finding.cannot_tell is not None]
    asked = [i for i in once if i.role == SUBSCRIBER]
    placed = {i.alert_id for i in (*own, *feed, *asked)}
    passed_up = [i for i in once if i.alert_id not in placed]
    parts = [
        _section("Your children", own, WORKER_LINES, today, calendar, None, language),
        _section("Passed up to you", passed_up, MANAGER_LINES, today, calendar, directory, language),
        _section("You subscribe to", asked, MANAGER_LINES, today, calendar, directory, language),
    ]
    rows = _load(load, directory, language)
    counts = _counts([*own, *passed_up, *asked], feed, today, language)
    whose = "your children" if own else "passed up to you" if passed_up else "you subscribe to" if asked else "the feed"
    say = language.say
    changed = [i for i in once if i.change]
    listed = _listed(changed)
    changes = [Change(reference(i.finding.child, language), say(i.rule.title), say(_changed(i))) for i in listed]
    clears = [
        Change(reference(c.finding.child, language), say(c.rule.title), _cleared(c, today, language))
        for c in sorted(cleared, key=lambda c: c.finding.identity)
    ]
    findings = [*(i.finding for i in once), *(c.finding for c in cleared)]
    return Digest(
        subject=f"{', '.join(counts[:2])} · {say(whose)} · {day_words(today, today, language)}",
        preview=", ".join(counts),
        changes=tuple(changes),
        changes_more=len(changed) - len(changes),
        clears=tuple(clears[:CLEARS]),
        clears_more=max(0, len(clears) - CLEARS),
        sections=tuple(section for section, _ in parts if section is not None),
        load=tuple(rows[:LOAD_ROWS]),
        load_more=max(0, len(rows) - LOAD_ROWS),
        over=tuple(_over(rows, language)),
        causes=tuple(_causes(feed, language)),
        new=sum(i.is_new for i in once),
        cleared=len(clears),
        snoozed=snoozed,
        why_you=tuple(f"{told_as(how, language)} ({n})" for how, n in Counter(i.how for i in once).most_common()),
        rows=frozenset().union(*(named_in(f, language) for f in findings)),
        today=today,
        links=(Link(say("Open My work"), work),) if work else (),
        named=frozenset(i.alert_id for i in once) - {id_ for _, left_out in parts for id_ in left_out},
    )


SUBSCRIBER: Final = "subscriber"
"""The role of somebody who is told of an alert because they asked to be."""

_CHANGED: Final = {
    "new": "new",
    "reopened": "open again",
    "unmuted": "told from now on",
    "cause": "cannot be told, for another reason",
    "handed_over": "handed over to you",
    "escalated": "passed up to you",
    "date_moved": "the date moved",
    "rule_changed": "counted differently now",
    "reminder": "reminder",
    "nobody_reached": "nobody was reached with it",
}
_NOW: Final = {"upcoming": "coming up", "due": "due today", "overdue": "now overdue", "unknown": "cannot be told now"}
_CLOSED: Final = {
    "met": "done in time",
    "met_late": "done, after the date",
    "met_recorded_late": "was done in time, recorded later",
    "withdrawn": "no longer applies",
    "source_removed": "its record is gone from the case system",
}


def _listed(changed: Sequence[DigestItem]) -> Sequence[DigestItem]:
    """What changed, one by one. Where that is too much to read, what is merely new is left to its mark below."""
    if len(changed) <= CHANGES:
        return changed
    return [i for i in changed if i.change != "new"][:CHANGES]


def _changed(item: DigestItem) -> str:
    return _NOW[item.finding.stage] if item.change == "stage" else _CHANGED.get(item.change, item.change)


def _cleared(item: ClearedItem, today: date, language: Language) -> str:
    how = language.say(_CLOSED.get(item.closed_as, item.closed_as))
    if item.finding.met is None:
        return how
    return language.say("{how} on {day}", how=how, day=day_words(local_day(item.finding.met), today, language))


def _over(rows: Sequence[LoadRow], language: Language) -> list[str]:
    """Whose open alerts are more than one mail shows: they read of the most urgent only."""
    total = {row.who: row.overdue + row.due + row.upcoming + row.unknown for row in rows}
    text = "{who} has {n} open alerts, more than the {most} that one mail shows"
    return [language.say(text, who=who, n=n, most=WORKER_LINES) for who, n in total.items() if n > WORKER_LINES]


def compose_urgent(item: DigestItem, *, today: date, calendar: Calendar, language: Language = ENGLISH) -> Urgent:
    """The mail about one alert that goes at once."""
    finding, overdue = item.finding, item.finding.stage == "overdue"
    line = _line(item, today, calendar, language)
    parts = [f"{language.say('Overdue' if overdue else 'Due today')}: {line.title}", line.reference]
    if finding.due and local_day(finding.due).year > today.year - OLD:  # an old year in a subject looks like a birth
        parts.append(language.say("due {day}", day=day_words(finding.due, today, language).split(" ", 1)[1]))
    return Urgent(
        subject=" · ".join(parts),
        preview=language.say("{n} overdue" if overdue else "{n} due today", n=1),
        line=line,
        purpose=language.say(item.rule.why),
        why_you=told_as(item.how, language),
        rows=named_in(finding, language),
        today=today,
    )


def digest_is_due(
    now: datetime,
    *,
    at: time,
    calendar: Calendar,
    last: date | None,
    waiting: int,
    overdue: int,
    closed: Collection[date] = frozenset(),
) -> tuple[bool, str]:
    """Whether one person's digest goes out at ``now`` (timezone-aware), and why or why not.

    ``at`` is a time of day in London; ``last`` the day of their last digest; ``waiting`` counts what is
    not yet told, ``overdue`` their open overdue alerts; ``closed`` are further days off of their team.
    """
    local = now.astimezone(LONDON)
    today = local.date()
    if why := calendar.why_not_working(today):
        return False, f"no digest on a {why}"
    if today in closed:
        return False, "no digest on a day off of the team"
    if last is not None and last >= today:
        return False, "today's has been composed"
    if local.time() < at:
        return False, f"not before {at:%H:%M}"
    if waiting:
        return True, f"{waiting} waiting"
    monday = today - timedelta(days=today.weekday())
    earlier = (monday + timedelta(days=n) for n in range(today.weekday()))
    if overdue and not any(calendar.is_working(day) and day not in closed for day in earlier):
        return True, f"first working day of the week, {overdue} overdue"
    return False, "nothing to tell"


def _once(items: Sequence[DigestItem]) -> list[DigestItem]:
    """Each alert once, most urgent first. Told twice (as deputy and as manager), it is theirs to do; and it is new
    where it is new as either."""
    ranked = sorted(items, key=lambda i: (i.role != "worker", i.role == SUBSCRIBER, i.role))
    chosen: dict[int, DigestItem] = {}
    for item in ranked:
        first = chosen.setdefault(item.alert_id, item)
        if item.is_new and not first.is_new:
            chosen[item.alert_id] = replace(first, is_new=True, change=item.change, late=item.late)
    return sorted(chosen.values(), key=_urgency)


_STAGE_ORDER: Final = {"overdue": 0, "due": 1, "upcoming": 2, "unknown": 3}


def _urgency(item: DigestItem) -> tuple[int, float, str, str, str, str]:
    due = end_of(item.finding.due).timestamp() if item.finding.due else float("inf")
    return (_STAGE_ORDER[item.finding.stage], due, *item.finding.identity)


def _line(item: DigestItem, today: date, calendar: Calendar, language: Language) -> InternalLine:
    return internal_line(
        item.finding,
        item.rule,
        next_step=item.next_step,
        is_new=item.is_new,
        late=item.late,
        today=today,
        calendar=calendar,
        stands_for=item.stands_for,
        handled=item.handled,
        page=item.page,
        language=language,
    )


def _this_week(finding: Finding, today: date) -> bool:
    sunday = today + timedelta(days=6 - today.weekday())
    return finding.due is not None and local_day(finding.due) <= sunday


def _section(
    heading: str,
    items: Sequence[DigestItem],
    most: int,
    today: date,
    calendar: Calendar,
    directory: Directory | None,
    language: Language,
) -> tuple[Section | None, frozenset[int]]:
    """The first ``most`` by family, none where there are no items. With a directory, each child with who has it.

    Whatever is new is named: where it is not among the first, in a line below them. With it, the alerts left out.
    """
    if not items:
        return None, frozenset()
    families: dict[str, dict[str, list[DigestItem]]] = {}
    for item in items:  # by urgency: so are the families, the children of each, and their lines
        child = item.finding.child
        key = f"family {item.household}" if item.household else f"child {child}"
        families.setdefault(key, {}).setdefault(child, []).append(item)
    found, left = [], most
    beyond: list[DigestItem] = []
    for children in families.values():
        shown = []
        for members in children.values():
            lines = tuple(_line(i, today, calendar, language) for i in members[:left])
            left, beyond = left - len(lines), [*beyond, *members[left:]]
            if lines:
                held_by = _held_by(members[0].holding, directory, language) if directory else ""
                shown.append(Child(lines[0].reference, held_by, lines))
        if shown:
            found.append(Family(tuple(shown)))
    rest = [_line(i, today, calendar, language) for i in beyond if i.is_new]
    section = Section(
        language.say(heading),
        items[0].finding.stage,
        tuple(found),
        len(beyond) - len(rest),
        brief=directory is not None,
        rest=tuple(Change(line.reference, line.title, line.when) for line in rest),
    )
    return section, frozenset(i.alert_id for i in beyond if not i.is_new)


def _held_by(holding: Holding, directory: Directory, language: Language) -> str:
    return str(language.reword(directory.label(holding), ("{team}, no worker",)))  # a name is in no language


def _counts(told: Sequence[DigestItem], feed: Sequence[DigestItem], today: date, language: Language) -> list[str]:
    """``1 overdue``, ``3 due by Friday``, …: only counts, fit for a subject line."""
    stages = Counter(i.finding.stage for i in told)
    soon = [
        local_day(i.finding.due)
        for i in told
        if i.finding.due and i.finding.stage in ("due", "upcoming") and _this_week(i.finding, today)
    ]
    later = stages["due"] + stages["upcoming"] - len(soon)
    last = max(soon, default=today)
    found = [
        (stages["overdue"], "{n} overdue"),
        (len(soon), "{n} due today" if last == today else "{n} due by {day}"),
        (later, "{n} coming up"),
        (stages["unknown"], "{n} unknown"),
        (len(feed), "{n} cannot be measured"),
    ]
    day = language.day(last, "EEEE")
    return [language.say(text, n=n, day=day) for n, text in found if n] or [language.say("nothing open")]


def _load(load: Iterable[tuple[Holding, str]], directory: Directory, language: Language) -> list[LoadRow]:
    """One row a worker, most overdue first."""
    held: dict[Holding, Counter[str]] = defaultdict(Counter)
    for holding, stage in load:
        held[Holding(holding.worker) if holding.worker else holding][stage] += 1
    rows = [
        LoadRow(_held_by(h, directory, language), n["overdue"], n["due"], n["upcoming"], n["unknown"])
        for h, n in held.items()
    ]
    return sorted(rows, key=lambda r: (-r.overdue, -r.due, -r.upcoming, -r.unknown, r.who))


def _causes(items: Sequence[DigestItem], language: Language) -> list[CauseGroup]:
    grouped: dict[str, list[DigestItem]] = defaultdict(list)
    for item in items:
        if item.finding.cannot_tell:
            grouped[item.finding.cannot_tell.cause].append(item)
    groups = []
    for cause, members in sorted(grouped.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        heading, meaning = CAUSES.get(cause, (cause, ""))
        by_what_lacks = cause == "feed"
        named = Counter(
            _lacked(i.finding.occurrence, language) if by_what_lacks else language.say(i.rule.title) for i in members
        )
        rules = named.most_common()
        examples = dict.fromkeys(() if by_what_lacks else (_example(i, language) for i in members))
        heading, meaning = language.say(heading), language.say(meaning)
        groups.append(CauseGroup(heading, meaning, len(members), tuple(rules), tuple(examples)[:EXAMPLES]))
    return groups


def _lacked(name: str, language: Language) -> str:
    """A record kind, or a field of one, in words."""
    kind, _, field = name.partition(".")
    if kind not in KINDS:
        return name
    title = language.say(KINDS[kind].title.partition(",")[0])
    return f"{title}: {field.replace('_', ' ')}" if field else title


def _example(item: DigestItem, language: Language) -> str:
    reason = item.finding.cannot_tell
    where = f"{reason.where}: " if reason and reason.where else ""
    return f"{where}{cannot_tell_words(item.finding, item.rule, language)}"
