"""The section about the authority's own words in messages."""

from __future__ import annotations

from pathlib import Path

from alertd.settings.section import Section


class Templates(Section):
    """The authority's own words in messages."""

    folder: Path | None = None
    """A folder of templates that stand before alertd's own."""
