"""Clocks of a Standard Safeguarding Dataset, worked out a second time and on their own.

Written from the law (Working Together 2023 chapter 3; SI 2010/959 regs 7, 28 and 33; SI 2010/2571
reg 7), from how a clock is judged, and from the dataset's own tables and columns. It shares no code
with alertd, so that the two can be held against each other. For a SQLite file in SystemC's layout,
where every row names its child.

    python tests/ssd_by_hand.py FILE 2026-11-20
"""

import csv
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import date, timedelta
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, NamedTuple

# England and Wales, as published: moved and extra days included.
BANK_HOLIDAYS = {
    date(year, month, day)
    for year, days in {
        2018: "1/1 30/3 2/4 7/5 28/5 27/8 25/12 26/12",
        2019: "1/1 19/4 22/4 6/5 27/5 26/8 25/12 26/12",
        2020: "1/1 10/4 13/4 8/5 25/5 31/8 25/12 28/12",
        2021: "1/1 2/4 5/4 3/5 31/5 30/8 27/12 28/12",
        2022: "3/1 15/4 18/4 2/5 2/6 3/6 29/8 19/9 26/12 27/12",
        2023: "2/1 7/4 10/4 1/5 8/5 29/5 28/8 25/12 26/12",
        2024: "1/1 29/3 1/4 6/5 27/5 26/8 25/12 26/12",
        2025: "1/1 18/4 21/4 5/5 26/5 25/8 25/12 26/12",
        2026: "1/1 3/4 6/4 4/5 25/5 31/8 25/12 28/12",
        2027: "1/1 26/3 29/3 3/5 31/5 30/8 27/12 28/12",
    }.items()
    for day, month in (map(int, text.split("/")) for text in days.split())
}
YEARS_HELD = 6
ONE_DAY = timedelta(days=1)

Key = tuple[str, str, str, str]
Limit = Callable[[date], date]
Found = Iterator[tuple[str, str, str, "Clock"]]  # rule, record, occurrence


class Clock(NamedTuple):
    """``stage``: met, met_late, overdue, due, open (running or upcoming), ended or unknown."""

    stage: str
    start: date | None = None
    due: date | None = None
    met: date | None = None


class Event(NamedTuple):
    """Something that may stop a clock. ``link``: the key of what it answers, "" where it names none
    that the child has. ``counts``: None where that is not recorded."""

    day: date
    key: str
    counts: bool | None = True
    link: str = ""


class Anchor(NamedTuple):
    """What clocks are for. ``end`` is known and not later than today, or None. ``wanted``: whether
    its clocks are asked for; None where that is not recorded."""

    record: str
    begin: date | None
    end: date | None = None
    end_in_doubt: bool = False
    wanted: bool | None = True


# counting days


def working_days(n: int) -> Limit:
    def after(day: date) -> date:
        for _ in range(n):
            day += ONE_DAY
            while day.weekday() >= 5 or day in BANK_HOLIDAYS:
                day += ONE_DAY
        return day

    return after


def months(n: int) -> Limit:
    def after(day: date) -> date:
        year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
        for last in (31, 30, 29, 28):
            try:
                return date(year, month + 1, min(day.day, last))
            except ValueError:
                pass
        raise AssertionError(day)

    return after


# ---------------------------------------------------------------------- reading tables


def as_day(text: str | None) -> date | None:
    """None where there is no date: blank, or what stands for it (1900-01-01, 9999-12-31)."""
    found = date.fromisoformat(text.strip()[:10]) if text and text.strip() else None
    return None if found in (date(1900, 1, 1), date(9999, 12, 31)) else found


def answer(text: str | None) -> bool | None:
    return {"Y": True, "N": False}.get((text or "").strip())


TABLES = {  # the child first, then the row's key
    "died": "pers_person_id, pers_person_id, pers_death_date FROM ssd_person",
    "referrals": "cine_person_id, cine_referral_id, cine_referral_date, cine_close_date, cine_referral_nfa"
    " FROM ssd_cin_episodes",
    "assessments": "cina_person_id, cina_assessment_id, cina_assessment_auth_date, cina_referral_id"
    " FROM ssd_cin_assessments",
    "enquiries": "s47e_person_id, s47e_s47_enquiry_id, s47e_s47_start_date, s47e_s47_end_date, s47e_s47_nfa,"
    " CASE WHEN replace(s47e_s47_outcome_json, ' ', '') LIKE '%\"CP_CONFERENCE_FLAG\":\"Y\"%' THEN 'Y'"
    " WHEN replace(s47e_s47_outcome_json, ' ', '') LIKE '%\"CP_CONFERENCE_FLAG\":\"N\"%' THEN 'N' END"
    " FROM ssd_s47_enquiry",
    "conferences": "icpc_person_id, icpc_icpc_id, icpc_icpc_date, icpc_s47_enquiry_id FROM ssd_initial_cp_conference",
    "plans": "cppl_person_id, cppl_cp_plan_id, cppl_cp_plan_start_date, cppl_cp_plan_end_date, cppl_cp_plan_ola,"
    " icpc_icpc_date FROM ssd_cp_plans LEFT JOIN ssd_initial_cp_conference"
    " ON trim(icpc_icpc_id) = trim(cppl_icpc_id) AND icpc_person_id = cppl_person_id",
    "cp_visits": "cppv_person_id, cppv_cp_visit_id, cppv_cp_visit_date, cppv_cp_visit_seen FROM ssd_cp_visits",
    "cp_reviews": "cppr_person_id, cppr_cp_review_id, cppr_cp_review_date, cppr_cp_review_due FROM ssd_cp_reviews",
    "care": "clae_person_id, clae_cla_id || '/' || clae_cla_episode_id, clae_entered_care_date,"
    " clae_cla_episode_ceased_date, clae_cla_episode_ceased_reason"
    " FROM ssd_cla_episodes ORDER BY clae_person_id, clae_cla_id, clae_cla_episode_start_date",
    "statuses": "lega_person_id, lega_legal_status_id, lega_legal_status_start_date, lega_legal_status_end_date,"
    " trim(lega_legal_status) IN ('V3', 'V4') FROM ssd_legal_status",
    "placements": "clap_person_id, clap_cla_placement_id, clap_cla_placement_start_date, clap_cla_placement_end_date,"
    " trim(clap_cla_id) FROM ssd_cla_placement",
    "cla_reviews": "clar_cla_person_id, clar_cla_review_id, clar_cla_review_date, clar_cla_review_due_date"
    " FROM ssd_cla_reviews WHERE coalesce(trim(clar_cla_review_cancelled), 'N') <> 'Y'",
    "cla_visits": "clav_person_id, clav_cla_visit_id, clav_cla_visit_date, clav_cla_visit_seen FROM ssd_cla_visits",
    "health": "clah_person_id, clah_health_check_id, clah_health_check_date FROM ssd_cla_health"
    " WHERE trim(clah_health_check_type) = 'Initial Health Assessment'"
    " AND trim(clah_health_check_status) = 'Completed'",
    "leavers": "clea_person_id, lower(trim(clea_care_leaver_eligibility)), clea_pathway_plan_review_date"
    " FROM ssd_care_leavers",
}


def rows_by_child(path: str) -> dict[str, dict[str, list[Any]]]:
    """{child: {table: rows after the child's column}}, the first row of each key."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        for table, columns in TABLES.items():
            for child, *row in db.execute(f"SELECT {columns}"):
                rows = found.setdefault(child.strip(), {name: {} for name in TABLES})[table]
                rows.setdefault(row[0], tuple(row))
    return {child: {name: list(rows.values()) for name, rows in tables.items()} for child, tables in found.items()}


# ---------------------------------------------------------------------- one child


class Child:
    def __init__(self, rows: dict[str, list[Any]], today: date) -> None:
        self.rows, self.today = rows, today
        self.held_from = months(-12 * YEARS_HELD)(today)
        self.died = next((day for _, day in dated(rows["died"]) if day <= today), None)

    def anchor(
        self, record: str, begin: date | None, end: date | None, wanted: bool | None, *, bounds: bool = True
    ) -> Anchor:
        doubt = bounds and bool(begin and end and end < begin)
        if doubt or not bounds or (end and end > self.today):
            end = None
        return Anchor(record, begin, min(filter(None, (end, self.died)), default=None), doubt, wanted)

    def events(self, anchor: Anchor, all_: list[Event], early: timedelta = timedelta()) -> list[Event]:
        """Those that may stop a clock of the anchor, a day's first standing for the day."""
        first = anchor.begin - early if anchor.begin else date.min
        within = [e for e in all_ if first <= e.day <= (anchor.end or self.today)]
        sure = [e for e in sorted(within) if e.counts]
        doubtful = [e for e in within if e.counts is None]
        return [next(same) for _, same in groupby(sure, attrgetter("day"))] + doubtful

    def judge(
        self, anchor: Anchor, start: date, due: date, events: list[Event], *, since: date, booked: Iterable[date]
    ) -> Clock:
        """The clock that any event from the day ``since`` stops."""
        in_bounds = [d for d in booked if d > start and (anchor.end is None or d <= anchor.end)]
        met = next((e.day for e in events if e.counts and e.day >= since), None)
        if in_bounds and not met:  # the booking ahead; where all have passed unheld, the last of them
            due = min(due, min((d for d in in_bounds if d >= self.today), default=max(in_bounds)))
        doubtful = [e.day for e in events if e.counts is None and e.day >= since]
        if met and met <= due:
            return Clock("met", start, due, met)
        if met:
            told = since >= self.held_from and not any(d <= due for d in doubtful)
            return Clock("met_late" if told else "unknown", start, due, met)
        if anchor.end:
            return Clock("ended", start, due)
        if doubtful or anchor.end_in_doubt or (since < self.held_from and self.today >= due):
            return Clock("unknown", start, due)
        if self.today < due:
            return Clock("open", start, due)
        return Clock("due" if self.today == due else "overdue", start, due)

    def linked(self, day: date, key: str, link: str | None, to: str) -> Event:
        """An event that names what it answers: it is not certain to count where the child has no such row."""
        name = (link or "").strip()
        known = any(name == k for k, *_ in self.rows[to])
        return Event(day, key, True if known else None, name if known else "")

    def from_start(
        self,
        anchor: Anchor,
        start: date | None,
        limit: Limit,
        events: list[Event],
        early: timedelta = timedelta(),
        booked: Iterable[date] = (),
    ) -> Iterator[tuple[str, Clock]]:
        if anchor.begin and anchor.begin > self.today:
            return
        if anchor.wanted is None or start is None:
            yield "start", Clock("unknown")
        elif start <= self.today:
            yield "start", self.judge(anchor, start, limit(start), events, since=start - early, booked=booked)

    def from_events(
        self, anchor: Anchor, limit: Limit, events: list[Event], booked: Iterable[date], spans: slice = slice(None)
    ) -> Iterator[tuple[str, Clock]]:
        if anchor.wanted is not None:
            for e in [e for e in events if e.counts][spans]:
                yield e.key, self.judge(anchor, e.day, limit(e.day), events, since=e.day + ONE_DAY, booked=booked)

    def numbered(self, anchor: Anchor) -> bool:  # whether it is known which event was the first
        return anchor.begin is not None and anchor.begin >= self.held_from

    def referrals(self) -> Found:
        assessed = [
            self.linked(authorised, key, link, "referrals") for key, authorised, link in dated(self.rows["assessments"])
        ]
        for key, begin, end, nfa in self.rows["referrals"]:
            told = answer(nfa)
            anchor = self.anchor(f"referral:{key}", as_day(begin), as_day(end), None if told is None else not told)
            mine = [e for e in assessed if e.link in ("", key)]
            if anchor.wanted is not False:
                for found in self.from_start(anchor, anchor.begin, working_days(45), self.events(anchor, mine)):
                    yield ("assess.cfa", anchor.record, *found)

    def enquiries(self) -> Found:
        held = [self.linked(day, key, link, "enquiries") for key, day, link in dated(self.rows["conferences"])]
        for key, begin, end, nfa, flag in self.rows["enquiries"]:
            unanswered = False if answer(nfa) else True if as_day(end) is None else None
            wanted = unanswered if answer(flag) is None else answer(flag)
            anchor = self.anchor(f"s47:{key}", as_day(begin), as_day(end), wanted, bounds=False)
            mine = [e for e in held if e.link in ("", key)]
            if wanted is not False:
                for found in self.from_start(anchor, anchor.begin, working_days(15), self.events(anchor, mine)):
                    yield ("cp.icpc", anchor.record, *found)

    def protection(self, visits_every: int) -> Found:
        visits = [Event(day, key, answer(seen)) for key, day, seen in dated(self.rows["cp_visits"])]
        reviews, booked = held_and_booked(self.rows["cp_reviews"])
        for key, begin, end, ola, conference in self.rows["plans"]:
            other = answer(ola)
            anchor = self.anchor(f"cp_plan:{key}", as_day(begin), as_day(end), None if other is None else not other)
            if anchor.wanted is False or (anchor.begin and anchor.begin > self.today):
                continue
            limit, seen, held = working_days(visits_every), self.events(anchor, visits), self.events(anchor, reviews)
            for found in self.from_start(anchor, anchor.begin, limit, seen):
                yield ("cp.visit", anchor.record, *found)
            if anchor.begin:
                for found in self.from_events(anchor, limit, seen, ()):
                    yield ("cp.visit", anchor.record, *found)
            first = as_day(conference) or anchor.begin
            for found in self.from_start(anchor, first, months(3), held, booked=booked):
                yield ("cp.review.first", anchor.record, *found)
            yield from self.later("cp.review.next", anchor, months(6), held, booked)

    def later(
        self, rule: str, anchor: Anchor, limit: Limit, events: list[Event], booked: Iterable[date], after: int = 1
    ) -> Found:
        """From the event numbered ``after`` and every later one; from every one if the numbers are not known."""
        numbered = self.numbered(anchor)
        if not numbered and not any(e.counts for e in events):
            yield rule, anchor.record, "start", Clock("unknown")
        for found in self.from_events(anchor, limit, events, booked, slice(after - 1 if numbered else 0, None)):
            yield (rule, anchor.record, *found)

    def care(self) -> Found:
        reviews, booked = held_and_booked(self.rows["cla_reviews"])
        health = [Event(day, key) for key, day in dated(self.rows["health"])]
        for anchor in self.periods():
            begin = anchor.begin
            if anchor.wanted is False or (begin and begin > self.today):
                continue
            held = self.events(anchor, reviews)
            for found in self.from_start(anchor, begin, working_days(20), held, booked=booked):
                yield ("cla.review.first", anchor.record, *found)
            if self.numbered(anchor):
                for found in self.from_events(anchor, months(3), held, booked, slice(0, 1)):
                    yield ("cla.review.second", anchor.record, *found)
            else:
                second = [e.day for e in held if e.counts][1:2]
                yield "cla.review.second", anchor.record, "start", Clock("unknown", met=next(iter(second), None))
            yield from self.later("cla.review.next", anchor, months(6), held, booked, after=2)
            early = timedelta(weeks=12)
            assessed = self.events(anchor, health, early)
            for found in self.from_start(anchor, begin, working_days(20), assessed, early=early):
                yield ("cla.iha", anchor.record, *found)

    def periods(self) -> Iterator[Anchor]:
        """Each period of care, unwanted where it is a series of short breaks, of which reg 48 has other rules."""
        for key, episodes in groupby(self.rows["care"], lambda row: row[0].split("/")[0]):
            spells = list(episodes)
            *_, ceased, reason = spells[-1]
            ended = as_day(ceased)
            begin = min(filter(None, (as_day(s[1]) for s in spells)), default=None)
            moved_on = (reason or "").strip() == "X1"
            short = self.short_breaks(begin or date.min, ended or date.max)
            # Looked after for part of it, or perhaps: since when is not known.
            begin, wanted = (None, True) if short is None else (begin, not short)
            anchor = self.anchor(f"care_period:{key}", begin, None if moved_on else ended, wanted)
            yield anchor._replace(end_in_doubt=anchor.end_in_doubt or bool(moved_on and ended))

    def short_breaks(self, begin: date, end: date) -> bool | None:
        """Whether from ``begin`` to ``end`` was a series of short breaks: None if only in part, or perhaps."""
        sure: set[bool] = set()
        perhaps: set[bool] = set()
        for _, first, last, short in self.rows["statuses"]:
            since, until = as_day(first), as_day(last)
            if since and until and until < since:
                until = None
            if max(since or date.min, begin) < min(until or date.max, end):
                (sure if since else perhaps).add(bool(short))
        if True not in sure | perhaps:
            return False
        return True if sure | perhaps == {True} == sure else None

    def placements(self) -> Found:
        visits = [Event(day, key, answer(seen)) for key, day, seen in dated(self.rows["cla_visits"])]
        periods = {a.record.removeprefix("care_period:"): a.wanted for a in self.periods()}
        for key, begin, end, period in self.rows["placements"]:
            perhaps_short = period not in periods and False in periods.values()
            since = None if perhaps_short else as_day(begin)
            anchor = self.anchor(f"placement:{key}", since, as_day(end), periods.get(period, True))
            if anchor.wanted is False:
                continue
            seen = self.events(anchor, visits)
            for found in self.from_start(anchor, anchor.begin, (lambda day: day + timedelta(days=7)), seen):
                yield ("cla.visit.first", anchor.record, *found)
            if anchor.begin is None and not any(e.counts for e in seen):
                yield "cla.visit.year1", anchor.record, "start", Clock("unknown")
            if anchor.begin is None or anchor.begin > self.today:
                continue  # which year of the placement a visit fell in is not known
            year = months(12)(anchor.begin)
            for occurrence, clock in self.from_events(anchor, (lambda day: day + timedelta(weeks=6)), seen, ()):
                if clock.start and clock.start <= year:
                    yield "cla.visit.year1", anchor.record, occurrence, clock

    def leavers(self, child: str) -> Found:
        plans = [Event(day, str(day)) for _, day in dated(self.rows["leavers"])]
        for eligibility, _ in self.rows["leavers"]:
            known = bool(eligibility)
            if known and eligibility not in ("eligible", "relevant", "former relevant"):
                continue
            anchor = self.anchor(f"care_leaver:{child}:{eligibility}", None, None, known or None)
            yield from self.later("lc.review", anchor, months(6), self.events(anchor, plans), ())


def dated(rows: list[Any]) -> Iterator[Any]:
    """The rows with a date in their second column, read."""
    for key, day, *rest in rows:
        if found := as_day(day):
            yield (key, found, *rest)


def held_and_booked(rows: list[Any]) -> tuple[list[Event], list[date]]:
    held = [Event(day, key) for key, day, _ in dated(rows)]
    return held, [due for _, day, booked in rows if as_day(day) is None and (due := as_day(booked))]


def clocks(path: str, today: date, visits_every: int = 10) -> dict[Key, Clock]:
    """{(rule, child, record, occurrence): clock} at the end of ``today``; ``visits_every`` in working days."""
    found = {}
    for name, rows in rows_by_child(path).items():
        child = Child(rows, today)
        front_door = chain(child.referrals(), child.enquiries(), child.protection(visits_every))
        for rule, record, occurrence, clock in chain(front_door, child.care(), child.placements(), child.leavers(name)):
            found[rule, name, record, occurrence] = clock
    return found


if __name__ == "__main__":
    out = csv.writer(sys.stdout)
    out.writerow(("rule", "child", "record", "occurrence", *Clock._fields))
    for key, clock in sorted(clocks(sys.argv[1], date.fromisoformat(sys.argv[2])).items()):
        out.writerow((*key, *("" if cell is None else cell for cell in clock)))
