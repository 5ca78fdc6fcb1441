"""Published figures of a whole country, to set beside one's own: data of the package, and where it is from. Pure."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, HttpUrl


class National(BaseModel):
    """The share of one rule's work that was in time in a whole country, as somebody published it.

    ``like_for_like`` is the share of only those that took long enough to open an alert here, where that can be told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    rule: str
    nation: Literal["England", "Wales"]
    share: float = Field(ge=0, le=1)
    counted: str
    period: str
    publication: str
    url: HttpUrl
    note: str = ""
    like_for_like: float | None = Field(default=None, ge=0, le=1)


class _All(BaseModel):
    model_config = ConfigDict(extra="forbid")

    figures: tuple[National, ...]


def national() -> dict[str, National]:
    """Every published figure, by rule."""
    text = files("alertd.insight").joinpath("national.yaml").read_text(encoding="utf-8")
    return {one.rule: one for one in _All.model_validate(yaml.safe_load(text)).figures}
