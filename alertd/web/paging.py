"""Which page of a list is asked for."""

from __future__ import annotations

from alertd.web.visit import Visit


def page_number(visit: Visit) -> int:
    """The number in the address; the first page for what is none."""
    given = visit.asked("page", "1")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 7 else 1
