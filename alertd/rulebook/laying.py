"""Laying overlays over a rulebook: a change that asks for more is made, one that asks for less needs a name to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from alertd.calendars.calendar import Calendar, calendar_for
from alertd.calendars.durations import Duration
from alertd.errors import InputError
from alertd.rulebook.lengths import Later, Limit, differences, in_words
from alertd.rulebook.model import Rule, Rulebook
from alertd.rulebook.names import UnknownNameError
from alertd.rulebook.overlay import Change, Overlay
from alertd.rulebook.packs import check_profiles
from alertd.rulebook.profiles import Model
from alertd.rulebook.strict_yaml import suggest
from alertd.rulebook.timing import DatedSpan, in_force

STATUTORY: Final = ("V", "V†", "V*")
"""The confidence of a number that was read in the law, however it was read."""

COMPARED_FROM: Final = date(2025, 1, 1)
COMPARED_DAYS: Final = 4 * 365 + 1
"""Two lengths are compared for clocks that start on each of these days, and as many from each later day
on which one of the two changes: four years hold every weekday, month end and bank holiday there is."""


M = TypeVar("M", bound=Model)


def lay(book: Rulebook, overlays: Sequence[Overlay]) -> Rulebook:
    """The rulebook with the overlays laid over it; those of services and teams make a rulebook for each team.

    Raises :class:`InputError` for a change to a rule that is not there, and for a loosening nobody answers for.
    """
    above: frozenset[str] = frozenset()
    for overlay in overlays:
        if overlay.file.level == "authority":
            book = _laid(book, overlay, frozenset())
            above |= overlay.touches
    teams: dict[str, Rulebook] = {}
    held: dict[str, frozenset[str]] = {}
    for overlay in overlays:
        for team in overlay.file.teams:
            teams[team] = _laid(teams.get(team, book), overlay, held.get(team, above))
        if overlay.file.level == "service":
            held |= {team: held.get(team, above) | overlay.touches for team in overlay.file.teams}
    return book.model_copy(update={"teams": teams})


def _laid(book: Rulebook, overlay: Overlay, held: frozenset[str]) -> Rulebook:
    """One overlay over a rulebook. ``held`` are the rules that a level above has set."""
    file = overlay.file
    calendar = calendar_for(book.nation, book.terms)
    for name, length in file.settings.items() if file.level != "authority" else ():
        if name in book.settings:
            worst = _worst(Limit(_always(book.settings[name])), Limit(_always(length)), calendar, ())
            if worst and worst.by.total_seconds() > 0:
                raise overlay.refuse(
                    ("settings", name),
                    f"{length} is longer than the {book.settings[name]} of the level above",
                    "Shorten it, or change the rule's limit with `loosened_by: {officer, reason, date}`.",
                )
    book = book.model_copy(
        update={
            "settings": {**book.settings, **file.settings},
            "warnings": {**book.warnings, **file.warnings},
            "ladders": {**book.ladders, **file.ladders},
            "rules": (*book.rules, *overlay.rules),
        }
    )
    for i, rule in enumerate(overlay.rules):
        check_profiles(overlay.document, ("rules", i), rule, book.warnings, book.ladders)
    changed: dict[str, Rule] = {}
    for i, change in enumerate(file.changes):
        before = book.rule(change.rule)
        if before is None:
            raise _no_such_rule(book, overlay, i, change.rule)
        changed[before.id] = _Changing(before, change, i, overlay, book, before.id in held, calendar).rule_after()
    return book.model_copy(update={"rules": tuple(changed.get(r.id, r) for r in book.rules)})


def _no_such_rule(book: Rulebook, overlay: Overlay, i: int, name: str) -> InputError:
    instead = book.replaced.get(name)
    fix = f"Change {instead}, which stands in for it." if instead else suggest(name, [r.id for r in book.rules], "Are")
    return overlay.refuse(("changes", i, "rule"), f"there is no rule {name!r}", fix)


def _always(length: Duration) -> Callable[[date], Duration]:
    return lambda _: length


def _worst(old: Limit, new: Limit, calendar: Calendar, changing: Sequence[date]) -> Later | None:
    """The start for which the new limit ends latest against the old; None where there is nothing to compare."""
    found: Iterator[Later] = (
        later
        for first in sorted({COMPARED_FROM, *(day for day in changing if day > COMPARED_FROM)})
        for later in differences(old, new, first, COMPARED_DAYS, calendar)
    )
    return max(found, key=lambda later: later.by, default=None)


@dataclass(frozen=True, slots=True)
class _Changing:
    """One change being made to one rule."""

    rule: Rule
    change: Change
    number: int
    overlay: Overlay
    book: Rulebook
    held: bool
    calendar: Calendar

    def rule_after(self) -> Rule:
        change, clock = self.change, self.rule.clock
        words = ("title", "why", "clears", "owner", "review_by", "warn", "escalate", "enabled", "disabled_because")
        update: dict[str, Any] = {k: v for k in words if (v := getattr(change, k)) is not None}
        loose = [*self._disabling(), *self._counting_later()]
        if change.enabled:
            update["disabled_because"] = None
        if change.enabled is False and change.loosened_by and not change.disabled_because:
            update["disabled_because"] = change.loosened_by.reason
        clocks: dict[str, Any] = {"count_from": change.count_from} if change.count_from else {}
        if change.limit:
            more, beyond = self._limited(change.limit)
            clocks |= more
            loose += beyond
        if clocks:
            update["clock"] = _remade(clock, clocks)
        if change.also_where:
            update |= self._stopped_by_less()
        self._check_profiles()
        if loose and not change.loosened_by:
            raise loose[0]
        if change.loosened_by:
            if not loose:
                raise self._refuse("loosened_by", "nothing here asks for less than before", "Remove it.")
            update["loosened_by"] = change.loosened_by
        try:
            return _remade(self.rule, update)
        except ValidationError as error:
            raise self._not_a_rule(error) from None

    @property
    def _bound(self) -> bool:
        """Whether the number is the law's, or that of a level above."""
        return self.rule.law.confidence in STATUTORY or self.held

    def _disabling(self) -> Iterator[InputError]:
        if self.change.enabled is False and self.rule.enabled and self._bound:
            whose = "the law asks for it" if self.rule.law.confidence in STATUTORY else "a level above asks for it"
            yield self._loosens("enabled", f"{self.rule.id} would be switched off, and {whose}", "Leave it on")

    def _counting_later(self) -> Iterator[InputError]:
        wanted, clock = self.change.count_from, self.rule.clock
        if self._bound and wanted == "next_day" and clock.count_from == "same_day":
            what = "same_day would become next_day, and every such clock end later"
            yield self._loosens("count_from", what, "Leave it")

    def _limited(self, limit: tuple[DatedSpan, ...]) -> tuple[dict[str, Any], list[InputError]]:
        """What changes in the clock, and the errors that only a named officer can set aside."""
        rule, clock = self.rule, self.rule.clock
        if clock.length is None:
            raise self._refuse("limit", "this clock runs out by a day and has no limit", "Remove it.")
        key = "within" if clock.within is not None else "every"
        new = Limit(lambda day: in_force(limit, day), self.change.count_from or clock.count_from)
        main = self._later("limit", Limit(lambda day: self.book.limit(rule, day), clock.count_from), new, limit)
        if self._bound and main:
            return {key: self._in_place(limit), "local": None}, [self._longer(main, "the law's")]
        own = Limit(lambda day: self.book.local_limit(rule, day), clock.count_from)
        beyond = self._later("limit", own, new, limit) if self.held and clock.local else None
        errors = [self._longer(beyond, "the authority's")] if beyond else []
        if rule.law.confidence in STATUTORY and clock.from_ is not None:
            return {"local": limit}, errors
        return {key: self._in_place(limit), "local": None}, errors

    def _in_place(self, limit: tuple[DatedSpan, ...]) -> tuple[DatedSpan, ...]:
        """The limit where the rule's own length was: before its first day, that one stands."""
        old = self.rule.clock.length
        if not isinstance(old, tuple):
            if all(span.from_ for span in limit):
                raise self._refuse("limit", "says nothing of clocks before its first day", "Add one without `from:`.")
            return limit
        begin = min((span.from_ or date.min for span in old), default=date.min)
        first = min(span.from_ or begin for span in limit)
        kept = [span for span in old if (span.from_ or date.min) < first]
        since = None if begin == date.min else begin
        return (*kept, *(span if span.from_ else DatedSpan(from_=since, value=span.value) for span in limit))

    def _later(self, key: str, old: Limit, new: Limit, limit: tuple[DatedSpan, ...]) -> Later | None:
        """The worst start, where there is one that ends later than before."""
        lengths = [length for length in (limit, self.rule.clock.length) if isinstance(length, tuple)]
        changing = [span.from_ for length in lengths for span in length if span.from_]
        try:
            worst = _worst(old, new, self.calendar, changing)
        except InputError as error:
            raise self._refuse(key, f"cannot be compared: {error.what}", "Write it in the unit of the rule.") from None
        return worst if worst and worst.by.total_seconds() > 0 else None

    def _longer(self, worst: Later, whose: str) -> InputError:
        whose = whose if self.rule.law.confidence in STATUTORY else "the level above's"
        what = f"{worst.new} is longer than {whose} {worst.old}: from {worst.start} it ends {in_words(worst.by)} later"
        return self._loosens("limit", what, "Shorten it")

    def _stopped_by_less(self) -> dict[str, Any]:
        stop = self.rule.stop
        if stop is None or stop.own:
            what = "no record stops this clock, so there is none to ask more of"
            raise self._refuse("also_where", what, "Remove it.")
        return {
            "until" if self.rule.until else "without": _remade(stop, {"where": (*stop.where, *self.change.also_where)})
        }

    def _check_profiles(self) -> None:
        for key, known, what in (
            ("warn", self.book.warnings, "warning profile"),
            ("escalate", self.book.ladders, "ladder"),
        ):
            named = getattr(self.change, key)
            if named is not None and named not in known:
                raise self._refuse(key, f"there is no {what} {named!r}", suggest(named, known, "There are"))

    def _not_a_rule(self, error: ValidationError) -> InputError:
        cause = error.errors(include_url=False)[0].get("ctx", {}).get("error")
        key = "also_where" if self.change.also_where else "rule"
        if isinstance(cause, UnknownNameError):
            what = str(cause).partition(": ")[2]
            return self._refuse(key, what, suggest(cause.name, cause.known, "There are"))
        return self._refuse(key, f"{self.rule.id} would be no rule: {cause}", None)

    def _loosens(self, key: str, what: str, fix: str) -> InputError:
        return self._refuse(key, what, f"{fix}, or add `loosened_by: {{officer, reason, date}}`.")

    def _refuse(self, key: str, what: str, fix: str | None) -> InputError:
        return self.overlay.refuse(("changes", self.number, key), what, fix)


def _remade(model: M, update: dict[str, Any]) -> M:
    """A copy with some keys changed, checked as if it had been written so."""
    kept = {name: getattr(model, name) for name in model.model_fields_set}
    return type(model).model_validate({**kept, **update})
