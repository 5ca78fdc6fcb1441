"""Days of an Annex A list whose month and day may have changed places on the way.

A spreadsheet set to American dates reads 05/03/2026 as 3 May, and leaves 25/03/2026 as text, as there is no
month 25; what it writes as text it writes month first. Neither shows in the one cell: only the column tells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from alertd.cases.records import Unreadable

_SLASHED: Final = re.compile(r"\s*(\d{1,2})[/.-](\d{1,2})[/.-]\d{4}\b", re.ASCII)
_ENOUGH: Final = 10
"""Typed dates, and texts, from which on a column of them can be told to be exchanged: that of ten days at random none
is after the 12th comes about once in ten thousand times. Our own choice."""


def doubted(column: Sequence[object]) -> dict[int, Unreadable]:
    """By its place, why a cell of a column is in doubt.

    Where some texts can only be month first and none only day first, all that could be either are. Where every typed
    date is of the 1st to the 12th, and every text is of a later day, the typed ones are.
    """
    texts = {n: (int(m[1]), int(m[2])) for n, c in enumerate(column) if isinstance(c, str) and (m := _SLASHED.match(c))}
    day_first = [n for n, (first, _) in texts.items() if first > 12]
    month_first = [n for n, (_, second) in texts.items() if second > 12]
    either = [n for n, (first, second) in texts.items() if first <= 12 and second <= 12 and first != second]
    if month_first and not day_first:
        why = Unreadable("may be written month first, as others of its column are")
        return dict.fromkeys(either, why)
    typed = {n: c for n, c in enumerate(column) if isinstance(c, date)}
    if (
        len(typed) >= _ENOUGH
        and len(day_first) >= _ENOUGH
        and not either
        and all(day.day <= 12 for day in typed.values())
    ):
        why = Unreadable(
            "may have its day and month exchanged: every date of its column that is no text is of a 1st to 12th"
        )
        return {n: why for n, day in typed.items() if day.day != day.month}
    return {}
