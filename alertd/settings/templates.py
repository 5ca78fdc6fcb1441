"""The section about the authority's own words in messages."""

from __future__ import annotations

from pathlib import Path

from alertd.settings.section import Section


class Templates(Section):
    """``folder`` holds templates that stand before alertd's own. Without it, alertd's own are used."""

    folder: Path | None = None
