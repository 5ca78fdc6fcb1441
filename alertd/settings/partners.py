"""The section about what alertd tells partner agencies by itself."""

from __future__ import annotations

from pathlib import Path

from alertd.settings.section import Section


class Partners(Section):
    """``policy`` is the file of which notifications alertd sends, and who approves them. Without it, none."""

    policy: Path | None = None
