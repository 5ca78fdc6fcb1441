"""The sections about the authority, its data, its rules and its day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Final

from pydantic import Field, field_validator

from alertd.calendars.calendar import Nation
from alertd.calendars.durations import Duration
from alertd.cases.sources.readers import FeedKind
from alertd.settings.section import Section


class Authority(Section):
    """Whose daemon this is. ``nation`` selects the bank holidays: those of the responsible authority.
    ``school_terms`` is a CSV file of its schools' terms, without which school days cannot be counted.
    ``merged_numbers`` is one of person numbers and those they were merged into (``old,new``). ``code`` is the
    authority's own, as agencies name whom they cover."""

    name: str = "Children's services"
    code: str = Field(default="", max_length=20)
    nation: Nation = "england-and-wales"
    school_terms: Path | None = None
    merged_numbers: Path | None = None


class Database(Section):
    """Where alerts and deliveries live: any SQLAlchemy URL of SQLite or PostgreSQL."""

    url: str = Field(default="sqlite:///alertd.db", repr=False)


class Feed(Section):
    """One feed of case data. ``url`` is a database for ``ssd`` and ``sql``, else a file or folder.

    ``name`` tells it from the others, and ``authority`` (a code) its children from those of the daemon's
    own authority, where it is another's. ``queries`` are the SELECT statements of ``sql``, by kind, or a
    folder of ``<kind>.sql`` files. ``max_loss``: the share of a table's rows that may be gone since the
    last accepted reading before the whole reading is refused. ``stale_after``: how long a feed may say
    nothing new before it is said to be stale and its rules to be unknown, or "never". Left out, it is two
    working days for a feed that is refilled each night and has at least ``QUIET_BELOW`` children.
    """

    kind: FeedKind
    url: str = Field(repr=False)
    name: str = Field(default="feed", min_length=1, max_length=60)
    authority: str = Field(default="", max_length=20)
    schema_: str | None = Field(default=None, alias="schema")
    prefix: str = "ssd_"
    timeframe_years: int = Field(default=6, ge=1, le=30)
    queries: dict[str, str] | Path | None = None
    max_loss: float = Field(default=0.2, gt=0, le=1)
    stale_after: str | None = None

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
    """The packs to load, by installed name or path, and the authority's own lengths.

    ``overlays`` are files laid over the packs: the authority's, its services' and its teams'.
    ``adopted`` is the file of what the authority has adopted: without it every rule is in shadow,
    evaluated and told to nobody. A rule that has told nobody yet is held back when it would tell of
    more than ``flood_share`` of the open children, and of at least ``flood_children``.
    """

    packs: tuple[str, ...] = ("england",)
    overlays: tuple[Path, ...] = ()
    adopted: Path | None = None
    flood_share: float = Field(default=0.2, gt=0, le=1)
    flood_children: int = Field(default=50, ge=1)
    settings: dict[str, str] = Field(default_factory=dict)


class Schedule(Section):
    """When alertd looks. ``evaluate`` and ``digest`` are times of day in Europe/London.

    ``evaluate`` wants to be after the feed's nightly refresh. The feed is also read at start-up.
    ``most_urgent`` is how many urgent messages one person gets in a day one by one; more come together.
    """

    evaluate: tuple[time, ...] = (time(6, 30),)
    digest: time = time(8, 0)
    dispatch_seconds: int = Field(default=30, ge=1, le=600)
    most_urgent: int = Field(default=8, ge=1)

    @field_validator("digest", "evaluate")
    @classmethod
    def _no_zone(cls, value: time | tuple[time, ...]) -> time | tuple[time, ...]:
        for one in value if isinstance(value, tuple) else (value,):
            if one.tzinfo is not None:
                raise ValueError("a time of day is in Europe/London and takes no offset")
        return value
