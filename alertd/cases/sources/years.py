"""The years to 31 March that yearly returns speak for, and when one of their files is too damaged to be believed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from alertd.cases.accounts import Ledger
from alertd.cases.records import Window
from alertd.errors import InputError

UNREADABLE_SHARE: Final = 0.05
"""The share of rejected rows beyond which a file is taken for damaged. Our own choice."""


def year_of(day: date) -> Window:
    """The year from 1 April to 31 March that a day is in."""
    end = day.year + (day > date(day.year, 3, 31))
    return Window(date(end - 1, 4, 1), date(end, 3, 31))


def unbroken(windows: Iterable[Window]) -> Window:
    """The unbroken run of spans up to the latest. Each has both its ends, and there is one at least."""
    latest, *earlier = sorted({(w.end, w.start) for w in windows if w.start and w.end}, reverse=True)
    end, start = latest
    for until, before in earlier:
        if until + timedelta(days=1) < start:
            break
        start = min(start, before)
    return Window(start, end)


def refuse_damaged(ledger: Ledger) -> None:
    """Raise InputError at the first reject when more than UNREADABLE_SHARE of one file's rows were rejected."""
    rows = sum(account.rows for account in ledger.accounts.values())
    if len(ledger.rejects) > UNREADABLE_SHARE * rows:
        first = ledger.rejects[0]
        what = f"{len(ledger.rejects)} of {rows} rows of this file cannot be read; the first {first.why}"
        raise InputError(what, where=first.where, fix="Export the file again.")
