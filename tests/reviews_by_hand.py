"""Looked-after reviews of SSDA903 returns, worked out a second time and on its own.

Written from the regulation (SI 2010/959 reg 33, in force 1 April 2011: a first review within 20
working days of becoming looked after, a second within 3 months of the first, each later one within
6 months of the last) and from the return's own definitions. It shares no code with alertd, so that
the two can be held against each other. For returns with readable dates, as the public fake ones have.

    python tests/reviews_by_hand.py FOLDER 2018-03-31
"""

import csv
import sys
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

# England and Wales, as published: moved and extra days included.
BANK_HOLIDAYS = {
    date(year, month, day)
    for year, days in {
        2010: "1/1 2/4 5/4 3/5 31/5 30/8 27/12 28/12",
        2011: "3/1 22/4 25/4 29/4 2/5 30/5 29/8 26/12 27/12",
        2012: "2/1 6/4 9/4 7/5 4/6 5/6 27/8 25/12 26/12",
        2013: "1/1 29/3 1/4 6/5 27/5 26/8 25/12 26/12",
        2014: "1/1 18/4 21/4 5/5 26/5 25/8 25/12 26/12",
        2015: "1/1 3/4 6/4 4/5 25/5 31/8 25/12 28/12",
        2016: "1/1 25/3 28/3 2/5 30/5 29/8 26/12 27/12",
        2017: "2/1 14/4 17/4 1/5 29/5 28/8 25/12 26/12",
        2018: "1/1 30/3 2/4 7/5 28/5 27/8 25/12 26/12",
        2019: "1/1 19/4 22/4 6/5 27/5 26/8 25/12 26/12",
        2020: "1/1 10/4 13/4 8/5 25/5 31/8 25/12 28/12",
    }.items()
    for day, month in (map(int, text.split("/")) for text in days.split())
}
IN_FORCE = date(2011, 4, 1)
ONE_DAY = timedelta(days=1)


class Clock(NamedTuple):
    """One review awaited. ``why`` says why the stage is unknown."""

    stage: str
    start: date | None = None
    due: date | None = None
    met: date | None = None
    why: str = ""


class Period(NamedTuple):
    """A period of care. ``start`` is None when in doubt; ``end`` is None while open."""

    first: date
    start: date | None
    end: date | None
    start_doubt: str = ""
    end_doubt: str = ""


class Years(NamedTuple):
    """The days a child's returns speak for, both included."""

    first: date
    last: date

    def prove(self, first, last):
        return self.first <= first and last <= self.last


# ---------------------------------------------------------------------- counting days


def working_days_after(day, n):
    step = ONE_DAY if n > 0 else -ONE_DAY
    for _ in range(abs(n)):
        day += step
        while day.weekday() >= 5 or day in BANK_HOLIDAYS:
            day += step
    return day


def months_after(day, n):
    year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            pass
    raise AssertionError(day)


# ---------------------------------------------------------------------- reading returns


def day(text):
    return datetime.strptime(text.strip(), "%d/%m/%Y").date() if text.strip() else None


def read(folder):
    """(episodes by child and first day, years by child, days of review by child)."""
    episodes, years, reviews, returns = {}, {}, {}, []
    for path in sorted(Path(folder).glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        if rows and "RNE" in rows[0]:
            latest = max(day(r["DECOM"]) for r in rows)
            end = latest.year if (latest.month, latest.day) <= (3, 31) else latest.year + 1
            returns.append((Years(date(end - 1, 4, 1), date(end, 3, 31)), rows))
        elif rows and "REVIEW" in rows[0]:
            for r in rows:
                reviews.setdefault(r["CHILD"], set()).add(day(r["REVIEW"]))
    for year, rows in sorted(returns, key=lambda each: each[0]):
        for r in rows:
            child = r["CHILD"]
            episodes.setdefault(child, {})[day(r["DECOM"])] = r
            known = years.get(child)
            joined = known and known.last + ONE_DAY >= year.first
            years[child] = Years(known.first, year.last) if joined else year
    return episodes, years, reviews


def periods(found, years):
    """The periods of care of one child: from RNE S, over ends coded X1, to another end."""
    short = [e for e in found.values() if e["LS"] in ("V3", "V4")]
    out_of_short = {day(e["DEC"]) for e in short if e["REC"] == "X1"}
    open_ = None  # [first day, RNE, end, why ended]
    closed = []
    for begins, e in sorted(found.items()):
        if e in short:
            continue
        if open_ and (open_[2] is None or open_[2] > begins):
            open_[2:] = [begins, "X1"]  # the next episode supersedes what was still running
        if open_ and open_[3] == "X1" and e["RNE"] != "S":
            open_[2:] = [day(e["DEC"]), e["REC"]]
        else:
            closed.append(open_)
            open_ = [begins, e["RNE"], day(e["DEC"]), e["REC"]]
    for period in filter(None, [*closed, open_]):
        begins, rne, end, rec = period
        start_doubt = end_doubt = ""
        if rne != "S":
            start_doubt = "window" if begins < years.first or begins in out_of_short else "conflict"
        if end and rec == "X1" and end not in found:  # nothing begins that day, not even a short break
            end_doubt = "window" if end > years.last else "conflict"
        yield Period(begins, None if start_doubt else begins, None if end_doubt else end, start_doubt, end_doubt)


# ---------------------------------------------------------------------- the clocks


def judge(start, due, met, first_warning, period, years, today, *, counts_from_review):
    open_from = start + ONE_DAY if counts_from_review else start
    if met:
        if met <= due:
            return Clock("met", start, due, met)
        if years.prove(open_from, due):
            return Clock("met_late", start, due, met)
        return Clock("unknown", start, due, met, "window")
    if period.end and period.end <= today:
        return Clock("ended", start, due)
    if period.end_doubt:
        return Clock("unknown", start, due, None, period.end_doubt)
    if today < first_warning:
        return Clock("running", start, due)
    if not years.prove(open_from, today):
        return Clock("unknown", start, due, None, "window")
    return Clock("overdue" if today > due else "due" if today == due else "upcoming", start, due)


def second_and_later(period, held, years, today):
    """(rule, occurrence, clock) of each clock that counts from a review."""

    def clock(start, met, months):
        due = months_after(start, months)
        warning = working_days_after(due, -30) if months == 3 else due - timedelta(weeks=8)
        return judge(start, due, met, warning, period, years, today, counts_from_review=True)

    spans = list(pairwise([*held, None]))
    if period.start and (not held or years.prove(period.start, held[0])):
        first, later = spans[:1], spans[1:]
    else:  # which review was the first is not known
        why = period.start_doubt or "window"
        yield "second", "start", Clock("unknown", None, None, held[1] if len(held) > 1 else None, why)
        if not held:
            yield "next", "start", Clock("unknown", None, None, None, why)
        first, later = [], spans
    for rule, months, counted in (("second", 3, first), ("next", 6, later)):
        for start, met in counted:
            if start >= IN_FORCE:
                yield rule, start.isoformat(), clock(start, met, months)


def clocks(period, reviews, years, today):
    """(rule, occurrence, clock) of every review of one period that was awaited by ``today``."""
    if period.start and period.start > today:
        return
    last = period.end if period.end and period.end <= today else today
    held = sorted(d for d in reviews if (period.start or date.min) <= d <= last)
    if period.start is None:
        stopped = held[0] if held and period.start_doubt == "window" else None
        yield "first", "start", Clock("unknown", None, None, stopped, period.start_doubt)
    elif period.start >= IN_FORCE:
        due = working_days_after(period.start, 20)
        met, warning = held[0] if held else None, working_days_after(due, -10)
        yield "first", "start", judge(period.start, due, met, warning, period, years, today, counts_from_review=False)
    yield from second_and_later(period, held, years, today)


def review_clocks(folder, today):
    """{(rule, child, first day of the period, occurrence): clock} at the end of ``today``."""
    episodes, years, reviews = read(folder)
    return {
        (f"cla.review.{rule}", child, period.first.isoformat(), occurrence): clock
        for child, found in episodes.items()
        for period in periods(found, years[child])
        for rule, occurrence, clock in clocks(period, reviews.get(child, ()), years[child], today)
    }


if __name__ == "__main__":
    out = csv.writer(sys.stdout)
    out.writerow(("rule", "child", "period", "occurrence", *Clock._fields))
    for key, clock in sorted(review_clocks(sys.argv[1], date.fromisoformat(sys.argv[2])).items()):
        out.writerow((*key, *("" if cell is None else cell for cell in clock)))
