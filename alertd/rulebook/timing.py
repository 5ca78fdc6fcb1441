"""Lengths, clocks and what stops them, as rules write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from alertd.calendars.durations import Duration
from alertd.cases.kinds import KINDS
from alertd.rulebook.conditions import Names, Where
from alertd.rulebook.profiles import Model, Span


def begins(kinds: tuple[str, ...]) -> str | None:
    """The field that places records of these kinds in time: that of the first; None for a kind there is not."""
    return KINDS[kinds[0]].begins if kinds[0] in KINDS else None


class DatedSpan(Model):
    """A length that holds for clocks that start on or after a day."""

    from_: date | None = Field(default=None, alias="from")
    value: Span


def in_force(dated: Iterable[DatedSpan], start: date) -> Duration | None:
    """The length that holds for clocks that start on a day; None before the first of them."""
    begun = [s for s in dated if s.from_ is None or s.from_ <= start]
    return max(begun, key=lambda s: s.from_ or date.min).value if begun else None


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


def as_length(value: object) -> object:
    """What was written for a length, as dated lengths or a setting; read by pydantic."""
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
    BeforeValidator(as_length, json_schema_input_type=Span | list[DatedSpan] | Setting),
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


def _origin_tag(value: object) -> str:
    if isinstance(value, Birthday) or (isinstance(value, Mapping) and "birthday" in value):
        return "a birthday"
    return "an event" if isinstance(value, FromEvent | Mapping) else "fields"


Origin = Annotated[
    Annotated[Birthday, Tag("a birthday")] | Annotated[FromEvent, Tag("an event")] | Annotated[Names, Tag("fields")],
    Discriminator(_origin_tag),
]


class Gestation(Model):
    """The day on which a pregnancy reaches so many weeks: the expected date is 40 weeks. It moves with that date."""

    gestation: int = Field(ge=1, le=42)


Target = Annotated[
    Annotated[Gestation, Tag("weeks of gestation")] | Annotated[str, Tag("a field")],
    Discriminator(lambda value: "a field" if isinstance(value, str) else "weeks of gestation"),
]


class Clock(Model):
    """Where counting starts and how long it may take; or the day it has to be done by.

    ``from``: a field of the record (or a list: the first that is filled), a birthday, or an event.
    ``within`` gives one clock; ``every`` starts it again from each event that stopped it.

    ``by``: a date field of the record, or weeks of gestation: the clock runs out on that day, or
    ``before`` it: papers 5 working days before the meeting. The day itself is day 0, backwards.

    A pattern has only ``within``: how long it may hold before somebody must act; none is at once.

    ``local`` is the authority's own earlier limit. ``roll: forward`` moves a last day that is no
    working day to the next that is; without it no limit moves.
    """

    from_: Origin | None = Field(default=None, alias="from")
    by: Target | None = None
    before: Span | None = None
    within: Length | None = None
    every: Length | None = None
    local: Length | None = None
    plan: str | None = None
    starting: Starting | None = None
    count_from: Literal["next_day", "same_day"] = "next_day"
    roll: Literal["forward"] | None = None

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.by is not None:
            _none_of(self, "`by:`", "from_", "within", "every", "local", "plan", "starting")
            if self.before and self.before.unit == "hour":
                raise ValueError("before: is a length in days, weeks or months")
        elif (self.within is None) == (self.every is None):
            raise ValueError("give either `within:` or `every:`, or `by:`")
        elif self.before:
            raise ValueError("before: goes with `by:`")
        elif self.from_ is None:
            _none_of(self, "a clock without `from:`", "every", "local", "plan", "starting")
        return self

    @property
    def length(self) -> Setting | tuple[DatedSpan, ...] | None:
        """The limit, whichever key it was written under; None for a clock that runs out ``by`` a day."""
        return self.within if self.within is not None else self.every


def _none_of(clock: Clock, what: str, *names: str) -> None:
    given = [name.rstrip("_") for name in names if getattr(clock, name) is not None]
    if given:
        raise ValueError(f"{what} does not go with `{given[0]}:`")


class Until(Model):
    """What stops the clock: a record of another kind (or of one of several), or (``own``) a field of the same record.

    ``early``: how long before the start it may have happened and still count, in calendar days or
    weeks: a care plan made before the placement is a care plan made in time. ``after_start``: it
    has to happen on a later day: a review on the day of the conference reviews nothing yet.
    """

    kinds: Names = Field(default=(), alias="record")
    where: Where = ()
    on: str | None = None
    own: str | None = None
    early: Span | None = None
    after_start: bool = False

    @property
    def record(self) -> str | None:
        """The kind of record that stops the clock, the first where there are several."""
        return self.kinds[0] if self.kinds else None

    @property
    def early_days(self) -> int:
        """``early`` in days; 0 without it, and -1 for an event that has to happen on a later day."""
        if self.after_start:
            return -1
        return 0 if self.early is None else self.early.n * (7 if self.early.unit == "week" else 1)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (not self.kinds) == (self.own is None):
            raise ValueError("give either `record:` or `own:`")
        if self.early and (self.own or self.early.unit not in ("calendar day", "week")):
            raise ValueError("early: is a number of calendar days or weeks, and goes with `record:`")
        if self.after_start and (self.early or self.own):
            raise ValueError("after_start: goes with `record:`, and not with `early:`")
        if self.kinds and self.on is None:
            object.__setattr__(self, "on", begins(self.kinds))
        return self


class Age(Model):
    """The child's age in whole years on the day the clock starts."""

    under: int | None = None
    from_: int | None = Field(default=None, alias="from")
