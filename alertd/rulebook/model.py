"""What a rule may say. Parsed from YAML by ``load``, checked here, used by the engine as it stands.

The model knows nothing of the engine that runs it. All models are frozen and refuse unknown keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from alertd.calendars.calendar import Nation
from alertd.calendars.durations import Duration
from alertd.cases.kinds import KINDS
from alertd.rulebook.names import check_names
from alertd.rulebook.profiles import Ladder, Model, Span, WarningProfile

Confidence = Literal["V", "V†", "V*", "P", "K", "K/P"]
Op = Literal["is", "not", "in", "at_least", "at_most"]
Scalar = bool | int | str


class Law(Model):
    """The source of a number. ``confidence`` says how it was read: V on the text itself, V† on an
    as-made text, V* on a page restating it, P a local practice standard, K working knowledge."""

    cite: str
    confidence: Confidence
    url: str | None = None
    note: str | None = None


class Condition(Model):
    """One comparison of one field. ``value`` may be ``this.<field>`` or ``this.id``, which stand
    for the record the clock is for."""

    field: str
    op: Op
    value: Scalar | tuple[Scalar, ...]

    @property
    def refers_to(self) -> str | None:
        """The anchor's field this condition joins on, or None for a plain comparison."""
        return (
            self.value.removeprefix("this.") if isinstance(self.value, str) and self.value.startswith("this.") else None
        )


def _conditions(value: object) -> object:
    """``{child_seen: true, type: {in: [a, b]}}`` to a tuple of conditions, in the order written."""
    if not isinstance(value, Mapping):
        return value
    found: list[dict[str, object]] = []
    for name, wanted in value.items():
        pairs = wanted.items() if isinstance(wanted, Mapping) else [("is", wanted)]
        found.extend({"field": name, "op": op, "value": tuple(v) if isinstance(v, list) else v} for op, v in pairs)
    return tuple(found)


Where = Annotated[tuple[Condition, ...], BeforeValidator(_conditions)]


class DatedSpan(Model):
    """A length that holds for clocks that start on or after a day."""

    from_: date | None = Field(default=None, alias="from")
    value: Span


class Setting(Model):
    """A length each authority sets for itself. Without ``default``, it must be set before use."""

    setting: str
    default: Span | None = None
    no_default: bool = False

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if (self.default is None) == (not self.no_default):
            raise ValueError("give either `default:` or `no_default: true`")
        return self


def _length(value: object) -> object:
    if isinstance(value, str):
        return ({"value": value},)
    if isinstance(value, bool | int | float):
        raise ValueError(f"{value} is not a length: write it with its unit, as `20 working days`")  # noqa: TRY004 - pydantic reads ValueError
    return tuple(value) if isinstance(value, list) else value


def _length_tag(value: object) -> str:
    return "a setting" if isinstance(value, Setting | Mapping) else "dated lengths"


Length = Annotated[
    Annotated[Setting, Tag("a setting")] | Annotated[tuple[DatedSpan, ...], Tag("dated lengths")],
    Discriminator(_length_tag),
    BeforeValidator(_length),
]
"""Tagged, so that an error is told of the one form that was written, not of every form it might have been."""


class Birthday(Model):
    """Counts from the child's birthday of that age."""

    birthday: int = Field(ge=0, le=25)


class FromEvent(Model):
    """Counts from an event that also stops the clock before it: the first review starts the clock
    of the second. ``nth`` is ``"1"`` (that one alone) or ``"2 and later"``."""

    record: str
    nth: str = "1 and later"

    @model_validator(mode="after")
    def _nth_reads(self) -> Self:
        if not re.fullmatch(r"[1-9]\d*( and later)?", self.nth):
            raise ValueError(f"nth: {self.nth!r} is not a number, nor a number followed by `and later`")
        return self

    @property
    def first(self) -> int:
        """The number of the first event that starts a clock, counting from 1."""
        return int(self.nth.split()[0])

    @property
    def later(self) -> bool:
        """Whether every later event starts one too."""
        return self.nth.endswith("later")


class Starting(Model):
    """Keeps only clocks that start within, or after, a span from the beginning of the record."""

    within: Span | None = None
    after: Span | None = None


def _from(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _origin_tag(value: object) -> str:
    if isinstance(value, Birthday) or (isinstance(value, Mapping) and "birthday" in value):
        return "a birthday"
    return "an event" if isinstance(value, FromEvent | Mapping) else "fields"


Origin = Annotated[
    Annotated[Birthday, Tag("a birthday")]
    | Annotated[FromEvent, Tag("an event")]
    | Annotated[tuple[str, ...], Tag("fields")],
    Discriminator(_origin_tag),
    BeforeValidator(_from),
]


class Clock(Model):
    """Where counting starts and how long it may take.

    ``from``: a field of the record (or a list: the first that is filled), a birthday, or an event.
    ``within`` gives one clock; ``every`` starts it again from each event that stopped it.
    """

    from_: Origin = Field(alias="from")
    within: Length | None = None
    every: Length | None = None
    local: Length | None = None
    plan: str | None = None
    starting: Starting | None = None
    count_from: Literal["next_day", "same_day"] = "next_day"

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.within is None) == (self.every is None):
            raise ValueError("give either `within:` or `every:`")
        return self

    @property
    def length(self) -> Setting | tuple[DatedSpan, ...]:
        """The limit, whichever key it was written under."""
        found = self.within if self.within is not None else self.every
        assert found is not None
        return found


class Until(Model):
    """What stops the clock: a record of another kind, or (``own``) a field of the same record.

    ``early``: how long before the start it may have happened and still count, in calendar days or
    weeks: a care plan made before the placement is a care plan made in time.
    """

    record: str | None = None
    where: Where = ()
    on: str | None = None
    own: str | None = None
    early: Span | None = None

    @property
    def early_days(self) -> int:
        """``early`` in days; 0 without it."""
        return 0 if self.early is None else self.early.n * (7 if self.early.unit == "week" else 1)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.record is None) == (self.own is None):
            raise ValueError("give either `record:` or `own:`")
        if self.early and (self.own or self.early.unit not in ("calendar day", "week")):
            raise ValueError("early: is a number of calendar days or weeks, and goes with `record:`")
        if self.record is not None and self.record in KINDS and self.on is None:
            object.__setattr__(self, "on", KINDS[self.record].begins)
        return self


class Age(Model):
    """The child's age in whole years on the day the clock starts."""

    under: int | None = None
    from_: int | None = Field(default=None, alias="from")


class Rule(Model):
    """A timescale: a clock, and something that stops it."""

    id: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$")
    title: str
    why: str
    law: Law
    for_: str = Field(alias="for")
    where: Where = ()
    age: Age | None = None
    clock: Clock
    until: Until
    clears: str
    warn: str
    escalate: str
    enabled: bool = True
    disabled_because: str | None = None
    pack: str = ""
    place: str = Field(default="", description="file:line of the rule, filled on loading")
    tests: int = Field(default=0, description="test cases beside the pack, filled on loading")
    kind: Literal["timescale"] = "timescale"

    @model_validator(mode="after")
    def _kinds_and_fields(self) -> Self:
        check_names(self)
        origin = self.clock.from_
        if isinstance(origin, FromEvent) and origin.record != self.until.record:
            raise ValueError(
                "clock.from.record: must be the record that `until` names: each event starts the next clock"
            )
        if isinstance(origin, FromEvent) and self.until.early:
            raise ValueError("until.early goes with a clock that counts from a date, not from an event")
        return self

    @property
    def needs(self) -> frozenset[str]:
        """The record kinds without which this rule cannot be measured."""
        found = {self.for_} | ({self.until.record} if self.until.record else set())
        if self.age or isinstance(self.clock.from_, Birthday):
            found.add("child")
        return frozenset(found)


class Rulebook(Model):
    """Everything the engine needs: rules, profiles, ladders and the authority's settings.

    ``settings`` are the lengths an authority has set, by name, as ``cp.visit.interval``.
    ``nation`` selects the bank-holiday calendar.
    """

    rules: tuple[Rule, ...]
    warnings: dict[str, WarningProfile]
    ladders: dict[str, Ladder]
    settings: dict[str, Span] = Field(default_factory=dict)
    nation: Nation = "england-and-wales"

    @property
    def enabled(self) -> tuple[Rule, ...]:
        """The rules that run."""
        return tuple(r for r in self.rules if r.enabled)

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id, or None."""
        return next((r for r in self.rules if r.id == rule_id), None)

    def limit(self, rule: Rule, start: date) -> Duration | None:
        """The limit in force for a clock that starts on ``start``; None where it must be set and is not,
        and before the first of the dated lengths."""
        return self._on(rule.clock.length, start)

    def local_limit(self, rule: Rule, start: date) -> Duration | None:
        """The authority's own earlier limit, where the rule has one."""
        return self._on(rule.clock.local, start) if rule.clock.local else None

    def _on(self, length: Setting | tuple[DatedSpan, ...], start: date) -> Duration | None:
        if isinstance(length, Setting):
            return self.settings.get(length.setting, length.default)
        in_force = [s for s in length if s.from_ is None or s.from_ <= start]
        return max(in_force, key=lambda s: s.from_ or date.min).value if in_force else None
