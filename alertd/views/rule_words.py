"""A rule in the words of whoever works by it: who is told and when, how its number was read, and its cases."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import groupby
from typing import Final

from alertd.calendars.clock import CountedDay
from alertd.cases.kinds import KINDS
from alertd.cases.records import LONDON, Record, Unreadable, in_words
from alertd.people.directory import role_words
from alertd.routing.words import and_list
from alertd.rulebook.model import Rule
from alertd.rulebook.profiles import Checkpoint, Step
from alertd.rulebook.testing import Case, Expected

KIND_WORDS: Final = {
    "timescale": "Something to be done by a date",
    "gap": "Something that is missing",
    "notification": "Another agency to be told",
}
READ: Final = {
    "V": "read in the text itself",
    "V†": "read in the text as it was first made",
    "V*": "read on a page that restates the text",
    "P": "a local standard of practice, not law",
    "K": "known from practice, not read in a text",
    "K/P": "known from practice, with a local standard",
}
"""How the number of a rule was read, by its confidence."""

_KEYS: Final = {
    "title": "what it is called",
    "why": "why it matters",
    "clears": "what clears it",
    "warn": "when people are warned",
    "escalate": "who is told and when",
    "enabled": "whether it runs",
    "disabled_because": "why it does not run",
    "owner": "who owns it",
    "review_by": "when it is read again",
    "clock.within": "its length",
    "clock.every": "its length",
    "clock.local": "the council's own length",
    "clock.count_from": "the day it counts from",
}
_KIND_NAMES: Final = re.compile(rf"\b({'|'.join(sorted(KINDS, key=len, reverse=True))})\b")


def area_of(rule: Rule) -> str:
    """The area of work of a rule, from the pack that has it: ``Looked after visits``."""
    nation, _, name = rule.pack.rpartition(".")
    words = name.replace("_", " ").replace("-", " ")
    return f"{words[:1].upper()}{words[1:]}{' (Wales)' if nation == 'wales' else ''}"


def named_kinds(text: str) -> str:
    """A text of the rulebook with records called what people call them, not by their names in rules."""
    return _KIND_NAMES.sub(lambda found: _lower(kind_words(found[1])), text).replace("_", " ")


def kind_words(name: str) -> str:
    """What people call a kind of record."""
    return KINDS[name].title.partition(",")[0]


def moment_words(at: datetime) -> str:
    """A moment; one at the beginning of a day as the day."""
    local = at.astimezone(LONDON)
    return in_words(local.date() if local.timetz().replace(tzinfo=None) == time() else at)


def key_words(key: str) -> str:
    """What a key of a rule is about."""
    if key.startswith("setting "):
        return f"the length {key.removeprefix('setting ')}"
    return _KEYS.get(key, key)


def when_told(step: Step) -> str:
    """``3 working days after the date``."""
    if step.after is not None:
        return f"{step.after} after the date"
    if step.before is not None:
        return f"{step.before} before the date"
    if step.at_share is not None:
        return f"{_share(step.at_share)} to the date"
    return "On the date"


def told(step: Step) -> str:
    """``the worker and the team manager``."""
    return and_list([f"the {role_words(role)}" for role in step.tell])


def warned(checkpoint: Checkpoint) -> str:
    """``5 working days before the date``."""
    if checkpoint.at_start:
        return "when it starts"
    if checkpoint.at_share is not None:
        return f"{_share(checkpoint.at_share)} to the date"
    if checkpoint.before is not None:
        return f"{checkpoint.before} before the date"
    return f"{checkpoint.after} after it starts"


def _share(share: float) -> str:
    return "half way" if share == 0.5 else f"{share:.0%} of the way"


@dataclass(frozen=True, slots=True)
class Example:
    """One case of a rule, as it stands beside the pack: what is recorded, on which day, and what is then so."""

    name: str
    on: str
    given: tuple[str, ...]
    then: tuple[str, ...]


def example(case: Case) -> Example:
    """A case in words."""
    at = case.as_of.astimezone(LONDON)
    is_day = at.timetz().replace(tzinfo=None) == time(23, 59, 59)
    return Example(
        case.name,
        in_words(at.date() if is_day else case.as_of),
        tuple(_given(record) for record in case.file.records) or ("Nothing is recorded",),
        tuple(_then(one) for one in case.expect) or ("It asks nothing",),
    )


def _given(record: Record) -> str:
    kind = kind_words(record.kind)
    values = [f"{name.replace('_', ' ')} {_value(v)}" for name, v in record.values.items() if v is not None]
    return f"{kind}: {', '.join(values)}" if values else kind


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return in_words(value)
    if isinstance(value, Unreadable):
        return "cannot be read"
    return str(value)


_STAGES: Final = {
    "running": "It runs, and asks nothing yet",
    "upcoming": "It is coming up",
    "due": "It is due",
    "overdue": "It is overdue",
    "met": "It is done in time",
    "met_late": "It is done late",
    "ended": "It has ended",
    "unknown": "It cannot be told",
}


def _then(expected: Expected) -> str:
    dates = (("due", expected.due), ("done", expected.met))
    found = [f"{name} {in_words(day)}" for name, day in dates if isinstance(day, date | datetime)]
    if expected.cannot_tell:
        found.append(f"because of {expected.cannot_tell.replace('_', ' ')}")
    if expected.explained:
        found.append(f"explained by {expected.explained}")
    if expected.spoken_for_by:
        found.append(f"{expected.spoken_for_by} speaks for it")
    return ": ".join(filter(None, (_STAGES[expected.stage], ", ".join(found))))


@dataclass(frozen=True, slots=True)
class CountedWeek:
    """A week of a count, Monday first: the number of each day, ``-`` where it is not counted, blank outside."""

    monday: date
    cells: tuple[str, ...]
    notes: tuple[str, ...]


def counted_weeks(days: Sequence[CountedDay]) -> Iterator[CountedWeek]:
    """Every day of a count by week, with why working days were skipped. A length in months or weeks is not counted
    day by day: it has none."""
    if len(days) == 2 and (days[1].day - days[0].day).days > 1:
        return
    for monday, week in groupby(days, key=lambda d: date.fromordinal(d.day.toordinal() - d.day.weekday())):
        cells = [""] * 7
        notes = []
        for day in week:
            cells[day.day.weekday()] = "-" if day.number is None else str(day.number)
            if day.skipped_because and day.day.weekday() < 5:
                notes.append(f"{day.day:%A}: {day.skipped_because}")
        yield CountedWeek(monday, tuple(cells), tuple(notes))


def _lower(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
