"""The section about what alertd tells partner agencies by itself."""

from __future__ import annotations

from pathlib import Path

from alertd.settings.section import Section


class Partners(Section):
    """What alertd tells partner agencies by itself."""

    policy: Path | None = None
    """The file of which notifications alertd sends, and who approves them. Without it, none."""
    contact: str = ""
    """Whom an agency rings or writes to with a question, as the mails say it: a desk, no person."""
    telephone: str = ""
    """Their telephone number."""
    address: str = ""
    """Their e-mail address."""
    link_days: int = 90
    """After how many days a link in a mail expires."""
