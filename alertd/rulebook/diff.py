"""What is different between two rulebooks: which rules, which keys of them, and by how many days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

from alertd.calendars.calendar import Calendar, calendar_for
from alertd.calendars.durations import Duration
from alertd.errors import InputError
from alertd.rulebook.conditions import Condition
from alertd.rulebook.lengths import later_by
from alertd.rulebook.load import setting_names
from alertd.rulebook.model import Rule, Rulebook, Setting
from alertd.rulebook.profiles import Model
from alertd.rulebook.timing import DatedSpan
from alertd.rulebook.written import FILLED

YEAR: Final = 365
_UNCOMPARED: Final = (FILLED | {"id", "replaces", "difference"}) - {"loosened_by"}


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key of a rule, dotted, with both values as text; None where it is not given."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One rule that is not the same in both. ``days`` is how much later its clocks end (earlier: negative), the
    least and the most over a year of start days; None where no length differs. ``instead`` is the id of the
    rule that stands in for it."""

    rule: str
    title: str
    what: Literal["added", "removed", "changed", "affected"]
    keys: tuple[KeyChange, ...] = ()
    days: tuple[float, float] | None = None
    instead: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


def differences(before: Rulebook, after: Rulebook, first: date) -> list[Difference]:
    """The rules that differ, sorted by id; lengths are compared for clocks that start in the year from ``first``."""
    calendar = calendar_for(before.nation, before.terms)
    found: list[Difference] = []
    met: set[str] = set()
    for old in before.rules:
        name = after.replaced.get(old.id, old.id)
        new = after.rule(name)
        met.add(name)
        if new is None:
            found.append(Difference(old.id, old.title, "removed"))
            continue
        keys = (*_keys(old, new), *_settings(before, old, after, new))
        days = _days(before, old, after, new, first, calendar)
        if keys or days:
            found.append(Difference(old.id, new.title, "changed", keys, days, None if name == old.id else name))
    found += [Difference(rule.id, rule.title, "added") for rule in after.rules if rule.id not in met]
    return sorted(found, key=lambda d: d.rule)


def same(old: Rule, new: Rule) -> bool:
    """Whether nothing of a rule that somebody writes differs."""
    return all(getattr(old, name) == getattr(new, name) for name in Rule.model_fields if name not in _UNCOMPARED)


def _keys(old: Rule, new: Rule) -> Iterator[KeyChange]:
    was, now = dict(_flat(old)), dict(_flat(new))
    for key in dict.fromkeys([*was, *now]):
        if was.get(key) != now.get(key):
            yield KeyChange(key, was.get(key), now.get(key))


def _settings(before: Rulebook, old: Rule, after: Rulebook, new: Rule) -> Iterator[KeyChange]:
    """The lengths an authority has set otherwise."""
    for name in dict.fromkeys(s.setting for rule in (old, new) for s in setting_names(rule)):
        was, now = (str(book.settings[name]) if name in book.settings else None for book in (before, after))
        if was != now:
            yield KeyChange(f"setting {name}", was, now)


def _flat(model: Model, above: str = "") -> Iterator[tuple[str, str]]:
    """The keys of a model as they are written, dotted, with their values as text; what is not given is left out."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value in (None, (), "") or (not above and name in _UNCOMPARED):
            continue
        key = f"{above}{field.alias or name}"
        if isinstance(value, Model) and not isinstance(value, Setting):
            yield from _flat(value, f"{key}.")
        else:
            yield key, _text(value)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, DatedSpan):
        return f"{value.value} from {value.from_}" if value.from_ else str(value.value)
    if isinstance(value, Setting):
        return f"setting {value.setting}, " + (f"{value.default} if not set" if value.default else "to be set")
    if isinstance(value, Condition):
        return f"{value.field} {value.op} {_text(value.value)}"
    if isinstance(value, Model):
        return " ".join(f"{key}: {text}" for key, text in _flat(value, " "))
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _days(
    before: Rulebook, old: Rule, after: Rulebook, new: Rule, first: date, calendar: Calendar
) -> tuple[float, float] | None:
    found: list[float] = []
    if old.clock == new.clock and before.settings == after.settings:
        return None
    for day in range(YEAR):
        start = first + timedelta(days=day)
        was, now = _limits(before, old, start), _limits(after, new, start)
        if not was or not now:
            continue
        counted = old.clock.count_from, new.clock.count_from
        try:
            # The earliest limit binds on either side: the least, over the new ones, of the most over the old.
            later = min(max(later_by(start, w, counted[0], n, counted[1], calendar) for w in was) for n in now)
        except InputError:  # beyond the calendar
            continue
        found.append(round(later / timedelta(days=1), 2))
    return (min(found), max(found)) if any(found) else None


def _limits(book: Rulebook, rule: Rule, start: date) -> list[Duration]:
    return [length for length in (book.limit(rule, start), book.local_limit(rule, start)) if length]
