"""The sections about the authority, its data, its rules and its day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from alertd.calendars.calendar import Nation
from alertd.calendars.durations import Duration
from alertd.cases.sources.readers import FeedKind
from alertd.outbox.channel_config import SECRET, SecretFile
from alertd.settings.section import Section


class Authority(Section):
    """Whose daemon this is."""

    name: str = "Children's services"
    """What the authority is called in messages and on pages."""
    code: str = Field(default="", max_length=20)
    """Its own code, as agencies name whom they cover."""
    nation: Nation = "england-and-wales"
    """Whose bank holidays count: those of the responsible authority."""
    school_terms: Path | None = None
    """A CSV file of its schools' terms, without which school days cannot be counted: `start,end,closed`."""
    merged_numbers: Path | None = None
    """A CSV file of person numbers and those they were merged into: `old,new`."""


_S = TypeVar("_S", bound=Section)


def _one_address(section: _S) -> _S:
    if {"url", "url_file"} <= section.model_fields_set:
        raise ValueError("give url or url_file, not both")
    return section


class Database(Section):
    """Where alerts and deliveries live."""

    url: Annotated[str, SECRET] = Field(default="sqlite:///alertd.db", repr=False)
    """Any SQLAlchemy URL of SQLite or PostgreSQL. It cannot be changed while alertd runs."""
    url_file: SecretFile | None = None
    """The file that holds the URL, where it has a password in it."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        return _one_address(self)


class Feed(Section):
    """One feed of case data. Several are `[[feed]]` each, in their order of precedence."""

    kind: FeedKind
    """What the feed is: `alertd sources probe` recognises it."""
    url: Annotated[str, SECRET] = Field(default="", repr=False)
    """A database for `ssd` and `sql`, else a file or folder."""
    url_file: SecretFile | None = None
    """The file that holds the URL, where it has a password in it."""
    name: str = Field(default="feed", min_length=1, max_length=60)
    """What tells it from the others."""
    authority: str = Field(default="", max_length=20)
    """The code of the authority whose children these are, where it is another's."""
    schema_: str | None = Field(default=None, alias="schema")
    """Where the authority built the tables of `ssd`."""
    prefix: str = "ssd_"
    """What the names of the tables of `ssd` begin with."""
    timeframe_years: int = Field(default=6, ge=1, le=30)
    """How many years the SSD goes back."""
    queries: dict[str, str] | Path | None = None
    """The SELECT statements of `sql`, by kind of record; or a folder of `KIND.sql` files."""
    max_loss: float = Field(default=0.2, gt=0, le=1)
    """The share of a table's rows that may be gone since the last accepted reading before the whole reading is
    refused."""
    stale_after: str | None = None
    """How long it may say nothing new before it is said to be stale and its rules to be unknown, or "never". Left
    out: two working days for a feed that is refilled each night and has 500 children or more."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if not (self.url or self.url_file):
            raise ValueError("give url, or url_file: the file that holds it")
        return _one_address(self)

    @field_validator("stale_after")
    @classmethod
    def _a_length(cls, value: str | None) -> str | None:
        if value not in (None, NEVER):
            Duration.parse(value)
        return value

    def stale(self, children: int) -> Duration | None:
        """How long it may say nothing new with so many children in it; None for ever."""
        by_kind = _STALE_AFTER.get(self.kind, NEVER) if children >= QUIET_BELOW else NEVER
        wanted = self.stale_after or by_kind
        return None if wanted == NEVER else Duration.parse(wanted)


NEVER: Final = "never"
QUIET_BELOW: Final = 500
"""Children below which two working days may pass without a change. With them some 30 things are recorded on each
working day, at 15 a child in need and year (our estimate from the published volumes)."""
_STALE_AFTER: Final[Mapping[FeedKind, str]] = {"ssd": "2 working days", "csc_api": "2 working days"}


class Rules(Section):
    """Which rules are in force, and the authority's own lengths."""

    packs: tuple[str, ...] = ("england",)
    """The packs, by the name they are installed under or by path."""
    overlays: tuple[Path, ...] = ()
    """Files laid over the packs: the authority's, its services' and its teams'."""
    adopted: Path | None = None
    """The file of what the authority has adopted. Without it every rule is in shadow: evaluated, and told to
    nobody."""
    flood_share: float = Field(default=0.2, gt=0, le=1)
    """A rule that has told nobody yet is held back where it would tell of more than this share of the open children
    …"""
    flood_children: int = Field(default=50, ge=1)
    """… and of at least so many."""
    settings: dict[str, str] = Field(default_factory=dict)
    """Lengths for which the law has no number, by the names that rules give them."""


class Schedule(Section):
    """When alertd looks and tells. Times of day are in Europe/London."""

    evaluate: tuple[time, ...] = (time(6, 30),)
    """When the feeds are read and evaluated: after their nightly refresh. It is done at the start too."""
    digest: time = time(8, 0)
    """When digests are sent, on working days."""
    tick_seconds: int = Field(default=60, ge=5, le=3600)
    """How often those are looked at of whom a clock has moved or anything is new, in seconds."""
    dispatch_seconds: int = Field(default=30, ge=1, le=600)
    """How often it is looked for something to send, in seconds."""
    most_urgent: int = Field(default=8, ge=1)
    """How many urgent messages one person gets in a day one by one; more come together."""

    @field_validator("digest", "evaluate", mode="before")
    @classmethod
    def _in_quotes(cls, value: Any) -> Any:
        if any(isinstance(one, int | float) for one in (value if isinstance(value, list) else [value])):
            raise ValueError('is no time of day: write it in quotes, as "06:30"')
        return value

    @field_validator("digest", "evaluate")
    @classmethod
    def _no_zone(cls, value: time | tuple[time, ...]) -> time | tuple[time, ...]:
        for one in value if isinstance(value, tuple) else (value,):
            if one.tzinfo is not None:
                raise ValueError("a time of day is in Europe/London and takes no offset")
        return value
