"""The section about what alertd tells partner agencies by itself."""

from __future__ import annotations

from pathlib import Path

from alertd.settings.section import Section


class Partners(Section):
    """``policy`` is the file of which notifications alertd sends, and who approves them. Without it, none.

    ``contact`` is whom an agency rings or writes to with a question, as the mails say it: a desk, no person.
    ``telephone`` and ``address`` are theirs. A link in a mail expires after ``link_days``.
    """

    policy: Path | None = None
    contact: str = ""
    telephone: str = ""
    address: str = ""
    link_days: int = 90
