"""What counts as an e-mail address here."""

from __future__ import annotations

import re
from typing import Final

_ADDRESS: Final = re.compile(r"[A-Za-z0-9_+'-]+(\.[A-Za-z0-9_+'-]+)*@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}")


def is_address(text: str) -> bool:
    """Whether the text is one plain e-mail address: no display name, no quoting, ASCII only."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None
