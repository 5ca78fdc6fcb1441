"""The section about keeping what alertd keeps: its backups."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from alertd.settings.section import Section


class Backup(Section):
    """``folder`` is where backups go, best on another disk; ``keep`` is how many are kept, the latest."""

    folder: Path = Path("backups")
    keep: int = Field(default=14, ge=1)
