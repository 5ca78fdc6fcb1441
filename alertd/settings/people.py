"""The section about whom alertd may tell."""

from __future__ import annotations

from pathlib import Path

from alertd.settings.section import Section


class People(Section):
    """The directory files, the address that is told when nobody else can be, and where mail may go."""

    people: Path
    teams: Path
    duty: str
    allowed_domains: tuple[str, ...]
