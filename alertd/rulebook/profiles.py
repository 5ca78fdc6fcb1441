"""Warning profiles and escalation ladders: when people are told before and after a due date."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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


class Ladder(Model):
    """An escalation ladder, as L2. ``urgent`` steps go at once, not with the next digest."""

    title: str
    steps: tuple[Step, ...]
    urgent: bool = False
    basis: str = ""
