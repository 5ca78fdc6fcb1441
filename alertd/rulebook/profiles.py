"""Warning profiles and escalation ladders: when people are told before and after a due date."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from alertd.calendars.durations import UNITS, Duration


class Model(BaseModel):
    """Frozen, and strict about keys: a misspelt key is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=True)


def _duration(value: object) -> object:
    return Duration.parse(value) if isinstance(value, str) else value


LENGTH = rf"^\d+ ({'|'.join(UNITS)}|year)s?$"
Span = Annotated[Duration, BeforeValidator(_duration, json_schema_input_type=Annotated[str, Field(pattern=LENGTH)])]
"""A duration, written as the law does: ``20 working days``."""


class Checkpoint(Model):
    """One advance warning: ``before`` the due date, ``after`` the start, or a share of the way."""

    before: Span | None = None
    after: Span | None = None
    at_share: float | None = Field(default=None, gt=0, lt=1)
    at_start: bool = False


class WarningProfile(Model):
    """When people are warned before a clock runs out, as M3 or D20."""

    title: str
    at: tuple[Checkpoint, ...]


class Step(Model):
    """One step of a ladder: who is told, counted from the due date. ``before`` counts backwards;
    ``at_share`` is a share of the way from start to due, for hour clocks."""

    tell: tuple[str, ...]
    after: Span | None = None
    before: Span | None = None
    at_share: float | None = Field(default=None, gt=0, lt=1)


Manager = Literal["team_manager", "service_manager", "head_of_service", "director"]
"""The management line, from the team up."""


class Held(Model):
    """Which steps of a ladder wait while somebody manages the alert, and why so.

    ``claim`` (done, not yet recorded) holds back every step, no step, or those that tell nobody above
    the role named. ``accept`` (explained until a date) holds back no step, or those up to the level of
    the manager who accepts, but none above the role named. A step that tells anybody outside the
    management line waits for ``every step`` alone. A step that does not wait takes those before it along.
    """

    claim: Literal["every step", "no step"] | Manager
    accept: Literal["own level", "no step"] | Manager
    because: str = Field(min_length=1)


class Ladder(Model):
    """An escalation ladder, as L2. ``urgent`` steps go at once, not with the next digest; no claim holds
    them back beyond the team manager. Without ``held_by`` nothing holds a step back."""

    title: str
    steps: tuple[Step, ...]
    urgent: bool = False
    basis: str = ""
    held_by: Held | None = None

    @model_validator(mode="after")
    def _urgent_is_told(self) -> Self:
        if self.urgent and self.held_by and self.held_by.claim not in ("no step", "team_manager"):
            raise ValueError("held_by.claim: an urgent ladder may be held by a claim up to team_manager, not beyond")
        return self
