"""Dates as English returns write them."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

from alertd.cases.records import Unreadable

_DAY: Final = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})(?: 00:00:00)?")
_YEARS: Final = range(1901, 2200)  # 1900 and 9999 are what systems fill in for "none"


@lru_cache(maxsize=65536)
def uk_day(text: str) -> date | Unreadable | None:
    """Read ``dd/mm/yyyy``, day first and always so; midnight may follow, as spreadsheets write it.

    Blank is None. Anything else, a day that does not exist, and a year outside 1901 to 2199 are
    Unreadable: no library is let guess.
    """
    text = text.strip()
    if not text:
        return None
    found = _DAY.fullmatch(text)
    if not found:
        return Unreadable("is not a date written dd/mm/yyyy")
    if int(found[3]) not in _YEARS:
        return Unreadable("has a year outside 1901 to 2199")
    try:
        return date(int(found[3]), int(found[2]), int(found[1]))
    except ValueError:
        return Unreadable("is a day that does not exist")
