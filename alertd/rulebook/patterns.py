"""Patterns that should not be: what a gap rule looks for where no single event is missing."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from alertd.rulebook.conditions import Names, Where
from alertd.rulebook.profiles import Model, Span
from alertd.rulebook.timing import begins

PatternStage = Literal["upcoming", "due", "overdue", "met_late", "unknown"]


class _Records(Model):
    """Records of a kind (or of several), placed in time by ``on``."""

    kinds: Names = Field(alias="record")
    where: Where = ()
    on: str | None = None

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if not self.kinds:
            raise ValueError("record: name a record kind")
        if self.on is None:
            object.__setattr__(self, "on", begins(self.kinds))
        return self


class Count(_Records):
    """So many records, or more, in a span of time.

    ``last``: the span that ends today. ``before``: the one that ends where this record begins
    (a referral within 12 months of an earlier one). ``after``: the one that begins there (what
    followed). With none of them all that the feed holds count.
    """

    at_least: int = Field(ge=1)
    last: Span | None = None
    before: Span | None = None
    after: Span | None = None

    @model_validator(mode="after")
    def _one_span(self) -> Self:
        spans = [s for s in (self.last, self.before, self.after) if s is not None]
        if len(spans) > 1:
            raise ValueError("give one of `last:`, `before:` and `after:`")
        if any(s.unit == "hour" for s in spans):
            raise ValueError("a span of a count is in days, weeks or months")
        return self


class InARow(_Records):
    """The latest records, so many in a row, all meet the conditions: two visits at which the child was not seen."""

    where: Where
    times: int = Field(ge=2)


class NoOpen(_Records):
    """No such state is open: a child in care and no worker allocated."""


def names_mean(names: tuple[str, ...], rule_id: str) -> bool:
    """Whether a rule is among those named: by its id, or by its beginning, as ``cla.*``."""
    return any(rule_id == name or (name.endswith("*") and rule_id.startswith(name[:-1])) for name in names)


class Others(Model):
    """What other rules find for the same child: so many of them stand at a stage.

    ``rules`` are ids; ``cla.*`` is all that begin so. ``because`` is the cause of not knowing, for
    the stage ``unknown``. ``last`` looks back over clocks met late within so long.
    """

    rules: Names
    stages: tuple[PatternStage, ...] = ("overdue",)
    because: str | None = None
    at_least: int = Field(default=1, ge=1)
    last: Span | None = None

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if (self.because is not None) != (self.stages == ("unknown",)) and self.because is not None:
            raise ValueError("because: goes with `stages: [unknown]`")
        if "unknown" in self.stages and len(self.stages) > 1:
            raise ValueError("stages: `unknown` stands alone")
        if (self.last is not None) != (self.stages == ("met_late",)):
            raise ValueError("last: goes with `stages: [met_late]`, and that with it")
        return self

    def means(self, rule_id: str) -> bool:
        """Whether a rule is among those looked at."""
        return names_mean(self.rules, rule_id)


class ExplainedBy(Model):
    """A state that explains why a date may pass, and never moves it: a child who is missing."""

    kinds: Names = Field(alias="record")
    where: Where = ()
