"""The sections about keeping what alertd keeps: its backups, and how long."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field, field_validator

from alertd.calendars.durations import Duration
from alertd.settings.section import Section


class Backup(Section):
    """``folder`` is where backups go, best on another disk; ``keep`` is how many are kept, the latest."""

    folder: Path = Path("backups")
    keep: int = Field(default=14, ge=1)


FOR_EVER: Final = "never"
_SHORTEST: Final = {"month": 1, "week": 4, "calendar day": 28}


class Retention(Section):
    """How long each kind is kept after it ended, as "6 years", or "never" for what is never deleted. Nothing goes of
    the children in ``hold``, by their references: somebody may still ask for it. The defaults are a proposal; where
    each comes from is said in docs/keeping.md."""

    case_versions: str = "6 years"
    notifications: str = "6 years"
    handlings: str = "75 years"
    alerts: str = "6 years"
    messages: str = "12 months"
    deliveries: str = "6 years"
    sessions: str = "12 months"
    hold: tuple[str, ...] = ()

    @field_validator("case_versions", "notifications", "handlings", "alerts", "messages", "deliveries", "sessions")
    @classmethod
    def _a_length(cls, value: str) -> str:
        if value != FOR_EVER:
            length = Duration.parse(value)
            if length.unit not in _SHORTEST:
                raise ValueError('write it in calendar days, weeks, months or years, or "never"')
            if length.n < _SHORTEST[length.unit]:
                raise ValueError("is too short: what is a month old may still be needed to tell people")
        return value

    def length(self, kind: str) -> Duration | None:
        """How long a kind is kept; None for ever."""
        value = getattr(self, kind)
        return None if value == FOR_EVER else Duration.parse(value)
