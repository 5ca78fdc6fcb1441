"""What a rule may say. Parsed from YAML by ``load``, checked here, used by the engine as it stands.

Three kinds in one language: a *timescale* is a clock and what stops it; a *gap* is something that
should be there and is not (``without``), or a pattern that should not be (``count``, ``in_a_row``,
``no_open``, ``others``); a *notification* is something an agency must be told by a date (``tell``).

The model knows nothing of the engine that runs it. All models are frozen and refuse unknown keys.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from alertd.calendars.calendar import Nation, Term
from alertd.calendars.durations import Duration
from alertd.rulebook.conditions import Condition, Names, Op, Scalar, Where
from alertd.rulebook.names import check_names, needs_of
from alertd.rulebook.patterns import Count, ExplainedBy, InARow, NoOpen, Others
from alertd.rulebook.profiles import Ladder, Model, Span, WarningProfile
from alertd.rulebook.timing import (
    Age,
    Birthday,
    Clock,
    DatedSpan,
    FromEvent,
    Gestation,
    Length,
    Setting,
    Starting,
    Until,
    in_force,
)

__all__ = [
    "Age",
    "Birthday",
    "Clock",
    "Condition",
    "Count",
    "DatedSpan",
    "ExplainedBy",
    "FromEvent",
    "Gestation",
    "InARow",
    "Law",
    "Length",
    "Loosening",
    "NoOpen",
    "Op",
    "Others",
    "Rule",
    "Rulebook",
    "Scalar",
    "Setting",
    "Starting",
    "Until",
    "Where",
]

Confidence = Literal["V", "V†", "V*", "P", "K", "K/P"]
RuleKind = Literal["timescale", "gap", "notification"]
PATTERNS = ("count", "in_a_row", "no_open", "others")


class Law(Model):
    """The source of a number. ``confidence`` says how it was read: V on the text itself, V† on an
    as-made text, V* on a page restating it, P a local practice standard, K working knowledge."""

    cite: str
    confidence: Confidence
    url: str | None = None
    note: str | None = None


class Loosening(Model):
    """Who in the authority allowed more than the law's number as shipped, why and when."""

    officer: str
    reason: str
    date_: date = Field(alias="date")


AT_ONCE = Clock(within=(DatedSpan(value=Duration(0, "calendar day")),))
"""The clock of a pattern that gives none: somebody must act on the day it first holds."""


class Rule(Model):
    """One rule, of any of the three kinds.

    ``explained_by``: states that explain a late date without moving it. ``speaks_for``: rules whose
    alerts for the same child this one's stand for while it is due or overdue. ``tell``: the agencies
    a notification goes to, ``disclose`` the fields it may hold, ``receipt`` how soon they answer (routine if left out).
    ``replaces``: the rule of another nation's pack that this one stands in for; ``difference`` its
    number in the list of national differences. ``owner`` answers for the rule and ``review_by`` is
    when it has to be read against the law again; a pack gives both for all its rules.
    """

    id: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$")
    title: str
    why: str
    law: Law
    for_: str = Field(alias="for")
    where: Where = ()
    age: Age | None = None
    clock: Clock = AT_ONCE
    until: Until | None = None
    without: Until | None = None
    count: Count | None = None
    in_a_row: InARow | None = None
    no_open: NoOpen | None = None
    others: Others | None = None
    tell: Names = ()
    disclose: tuple[str, ...] = ()
    receipt: Literal["urgent", "routine"] | None = None
    explained_by: tuple[ExplainedBy, ...] = ()
    speaks_for: Names = ()
    clears: str
    warn: str = ""
    escalate: str
    enabled: bool = True
    disabled_because: str | None = None
    owner: str = ""
    review_by: date | None = None
    replaces: str | None = None
    difference: int | None = None
    loosened_by: Loosening | None = Field(default=None, description="filled by an overlay")
    pack: str = ""
    place: str = Field(default="", description="file:line of the rule, filled on loading")
    tests: int = Field(default=0, description="test cases beside the pack, filled on loading")
    edition: str = Field(default="", description="the text its pack was read in, filled on loading")
    shipped: str = Field(default="", description="the version of the rule as its pack ships it, filled on loading")
    shadow: str = Field(default="", description="why it is evaluated and told to nobody yet, filled on loading")

    @model_validator(mode="after")
    def _shape(self) -> Self:
        patterns = [name for name in PATTERNS if getattr(self, name) is not None]
        if len(patterns) + (self.without is not None) > 1:
            raise ValueError("give one of `without:`, `count:`, `in_a_row:`, `no_open:` and `others:`")
        if self.tell and (patterns or self.without):
            raise ValueError("tell: a rule is a notification or a gap, not both")
        if not self.tell and (self.disclose or self.receipt):
            raise ValueError("disclose: goes with `tell:`" if self.disclose else "receipt: goes with `tell:`")
        if patterns:
            _pattern_shape(self, patterns[0])
        else:
            _clock_shape(self)
        check_names(self)
        return self

    @property
    def kind(self) -> RuleKind:
        """Which of the three kinds it is."""
        if self.tell:
            return "notification"
        return "gap" if self.without or self.pattern else "timescale"

    @property
    def pattern(self) -> Count | InARow | NoOpen | Others | None:
        """The pattern it looks for; None for a rule with a clock that an event stops."""
        return self.count or self.in_a_row or self.no_open or self.others

    @property
    def stop(self) -> Until | None:
        """What stops its clock: ``until``, or the ``without`` of a gap; None for a pattern."""
        return self.until or self.without

    @property
    def needs(self) -> frozenset[str]:
        """The record kinds, and the fields as ``kind.field``, without which this rule cannot be measured."""
        return needs_of(self)


def _pattern_shape(rule: Rule, name: str) -> None:
    if rule.until:
        raise ValueError(f"until: does not go with `{name}:`, which ends when it no longer holds")
    if rule.warn:
        raise ValueError(f"warn: does not go with `{name}:`, which cannot be foreseen")
    if rule.clock.from_ or rule.clock.by is not None:
        raise ValueError(f"clock.from: does not go with `{name}:`, whose clock starts when it first holds")
    if name == "others" and (rule.for_ != "child" or rule.where or rule.age):
        raise ValueError("others: is about the child: write `for: child`, without `where:` and `age:`")


def _clock_shape(rule: Rule) -> None:
    if rule.until and rule.without:
        raise ValueError("without: is what `until:` is in a gap; give one of them")
    if "clock" not in rule.model_fields_set or rule.stop is None:
        missing = "until" if "clock" in rule.model_fields_set else "clock"
        raise ValueError(f"`{missing}:` is missing")
    if rule.clock.from_ is None and rule.clock.by is None:
        raise ValueError("clock: give `from:` or `by:`")
    if not rule.warn:
        raise ValueError("`warn:` is missing")
    if rule.clock.by is not None and rule.stop.after_start:
        raise ValueError("until.after_start: goes with `from:`, and a clock that runs out by a day may have no start")
    origin = rule.clock.from_
    if isinstance(origin, FromEvent):
        if (origin.record,) != rule.stop.kinds:
            raise ValueError(
                "clock.from.record: must be the record that `until` names: each event starts the next clock"
            )
        if rule.stop.early:
            raise ValueError("until.early goes with a clock that counts from a date, not from an event")


class Rulebook(Model):
    """Everything the engine needs: rules, profiles, ladders and the authority's settings.

    ``settings`` are the lengths an authority has set, by name, as ``cp.visit.interval``.
    ``nation`` selects the bank-holiday calendar; ``terms`` are the school terms, for lengths in
    school days. ``teams`` are the rulebooks of teams that have changed or added something, by the
    team's key: what such a team's children are judged by. ``replaced`` are the rules left out because
    another stands in for them, by id, each with the one in its place.
    """

    rules: tuple[Rule, ...]
    warnings: dict[str, WarningProfile]
    ladders: dict[str, Ladder]
    settings: dict[str, Span] = Field(default_factory=dict)
    nation: Nation = "england-and-wales"
    terms: tuple[Term, ...] = ()
    teams: dict[str, Rulebook] = Field(default_factory=dict)
    replaced: dict[str, str] = Field(default_factory=dict)

    @property
    def enabled(self) -> tuple[Rule, ...]:
        """The rules that run."""
        return tuple(r for r in self.rules if r.enabled)

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id, or None."""
        return next((r for r in self.rules if r.id == rule_id), None)

    def without(self, rules: Collection[str]) -> Rulebook:
        """This rulebook, and those of its teams, with these rules left out."""
        kept = tuple(rule for rule in self.rules if rule.id not in rules)
        teams = {team: book.without(rules) for team, book in self.teams.items()}
        return self.model_copy(update={"rules": kept, "teams": teams})

    def of_team(self, team: str | None) -> Rulebook:
        """What the children of a team are judged by."""
        return self.teams.get(team, self) if team else self

    def having(self, rule_id: str) -> Rulebook:
        """This rulebook or, where only teams have the rule, the first of theirs that has it."""
        return next((book for book in (self, *self.teams.values()) if book.rule(rule_id)), self)

    def limit(self, rule: Rule, start: date) -> Duration | None:
        """The limit in force for a clock that starts on ``start``; None where it must be set and is not,
        and before the first of the dated lengths."""
        return self._on(rule.clock.length, start) if rule.clock.length else None

    def local_limit(self, rule: Rule, start: date) -> Duration | None:
        """The authority's own earlier limit, where the rule has one."""
        return self._on(rule.clock.local, start) if rule.clock.local else None

    def _on(self, length: Setting | tuple[DatedSpan, ...], start: date) -> Duration | None:
        if isinstance(length, Setting):
            return self.settings.get(length.setting, length.default)
        return in_force(length, start)
