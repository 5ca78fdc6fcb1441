"""The sections about keeping what alertd keeps: its backups, and how long."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field, field_validator

from alertd.calendars.durations import Duration
from alertd.settings.section import Section


class Backup(Section):
    """Where `alertd backup` puts its copies."""

    folder: Path = Path("backups")
    """The folder, best on another disk."""
    keep: int = Field(default=14, ge=1)
    """How many are kept, the latest."""


FOR_EVER: Final = "never"
_SHORTEST: Final = {"month": 1, "week": 4, "calendar day": 28}


class Retention(Section):
    """How long each kind is kept after it ended, as "6 years", or "never" for what is never deleted. The defaults are a
    proposal; where each comes from is said in docs/keeping.md."""

    case_versions: str = "6 years"
    """Earlier versions of case files."""
    notifications: str = "6 years"
    """What agencies were told."""
    handlings: str = "75 years"
    """What people said of alerts."""
    alerts: str = "6 years"
    """Alerts that are closed."""
    messages: str = "12 months"
    """The words of messages."""
    deliveries: str = "6 years"
    """That a message was sent, to whom and what became of it."""
    sessions: str = "12 months"
    """Sessions of people who signed in."""
    hold: tuple[str, ...] = ()
    """Children of whom nothing is deleted, by their references: somebody may still ask for it."""

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
