"""From rows of the Standard Safeguarding Dataset to records: what each table means to alertd.

Pure: rows come in as ``{column: cell}``, table after table in the order of ``TABLES``; records,
rejects and notes come out. What later tables need from earlier ones (whose plan it is, which
periods are short breaks) is kept in :class:`Mapper`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from alertd.cases.accounts import Reject
from alertd.cases.records import Record, Unreadable, make_record
from alertd.cases.sources import cells as v
from alertd.cases.sources.ssd_tables import PERIODS, TABLES, Table

Row = Mapping[str, object]
Raw = dict[str, object]
Day = date | Unreadable | None
Made = Iterable[tuple[str, str, Raw]]
"""Records to be: kind, key and raw fields."""

_ROUTED: Final = frozenset(target for table in TABLES for _, target in table.routes)


class _Item(NamedTuple):
    """One row on its way: whose it is, its key, the fields read so far, and the cells."""

    child: str
    key: str
    raw: Raw
    row: Row


@dataclass(frozen=True, slots=True)
class _Episode:
    start: Day
    ceased: Day
    rolls_on: bool
    entered: Day
    referral: str | None


@dataclass(frozen=True, slots=True)
class _Status:
    start: date
    end: date
    short_break: bool
    dated: bool
    """Whether its first day is known; if not, it may hold from any day until its end."""


@dataclass(slots=True)
class Mapper:
    """Reads the tables one after another; ``rejects`` and :meth:`notes` grow as it goes."""

    rejects: list[Reject] = field(default_factory=list)
    owners: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    statuses: dict[str, list[_Status]] = field(default_factory=lambda: defaultdict(list))
    conferences: dict[tuple[str, str], object] = field(default_factory=dict)
    episodes: dict[tuple[str, str], list[_Episode]] = field(default_factory=lambda: defaultdict(list))
    short_breaks: set[tuple[str, str]] = field(default_factory=set)
    visits: set[tuple[str, str]] = field(default_factory=set)
    repeats: Counter[str] = field(default_factory=Counter)
    visits_twice: int = 0

    def records(self, table: Table, named: str, present: frozenset[str], rows: Iterable[Row]) -> Iterator[Record]:
        """The records of one table, called ``named`` in its database, that has the columns ``present``."""
        make = _MAKERS.get(table.name)
        known = present | table.assumes.keys()
        fields = [(name, column, read) for name, (column, read) in table.fields.items() if column in known]
        main_kind = next(iter(table.kinds))
        done: set[tuple[str, str, str]] = set()
        for row in rows:
            key = v.ident(row[table.key])
            where = f"{named} {key or '(no key)'}"
            child = self._child(table, row) if key else None
            if key is None or child is None:
                why = "cannot tell whose it is: its columns lead to no child" if key else "has no key"
                self.rejects.append(Reject(where, why))
                continue
            if table.name in _ROUTED:
                self.owners[table.name].setdefault(key, child)
            if self._in_short_break(table, child, row):
                continue
            raw: Raw = {name: read(row[column]) for name, column, read in fields}
            item = _Item(child, key, raw, row)
            for kind, made_key, values in make(self, item) if make else ((main_kind, key, raw),):
                if (kind, made_key, child) not in done:
                    done.add((kind, made_key, child))
                    yield make_record(kind, child, made_key, where, values)
                elif kind == main_kind:
                    self.repeats[named] += 1
        if table.name == PERIODS:
            yield from self._periods(named)

    def notes(self) -> list[str]:
        """What was left out of the records and why, a line each."""
        left_out = [
            (f"rows of {table} that repeat a key, so the first of each is kept", n) for table, n in self.repeats.items()
        ]
        left_out += [
            (
                "periods of short breaks (legal status V3 or V4), left out of looked-after records",
                len(self.short_breaks),
            ),
            ("child in need visits also held as protection or looked-after visits, so counted once", self.visits_twice),
        ]
        return [f"{what}: {n}" for what, n in left_out if n]

    def _child(self, table: Table, row: Row) -> str | None:
        if found := v.ident(row[table.person]):
            return found
        reached = (self.owners[target].get(v.ident(row[column]) or "") for column, target in table.routes)
        return next(filter(None, reached), None)

    def _in_short_break(self, table: Table, child: str, row: Row) -> bool:
        column = next((column for column, target in table.routes if target == PERIODS), None)
        return column is not None and (child, v.ident(row[column]) or "") in self.short_breaks

    def _periods(self, named: str) -> Iterator[Record]:
        for (child, key), episodes in self.episodes.items():
            raw: Raw = {"start": _start(episodes), "end": _end(episodes), "referral": _referral(episodes)}
            held = {(s.short_break, s.dated) for s in self.statuses[child] if _overlaps(s, raw)}
            if held == {(True, True)}:
                self.short_breaks.add((child, key))
                continue
            if {short for short, _ in held} == {True, False}:
                raw["start"] = Unreadable("short-break and other legal statuses overlap in this period", "conflict")
            elif (True, False) in held:
                raw["start"] = Unreadable("a legal status of short breaks has no start date that can be used")
            yield make_record("care_period", child, key, f"{named} {key}", raw)


def _start(episodes: list[_Episode]) -> Day:
    """The day care began: as recorded, else the earliest episode's."""
    entered = {e.entered for e in episodes if e.entered is not None}
    starts = [e.start for e in episodes if isinstance(e.start, date)]
    doubtful = [d for d in (*entered, *(() if entered else (e.start for e in episodes))) if isinstance(d, Unreadable)]
    if doubtful:
        return doubtful[0]
    if len(entered) > 1:
        return Unreadable("episodes of one period give different days of entering care", "conflict")
    recorded = next((d for d in entered if isinstance(d, date)), None)
    if recorded and starts and min(starts) < recorded:
        return Unreadable("an episode began before the day of entering care", "conflict")
    return recorded or min(starts, default=None)


def _end(episodes: list[_Episode]) -> Day:
    """The day care ended, None while it lasts; an episode that rolls on into another (X1) ends nothing."""
    doubtful = [e.ceased for e in episodes if isinstance(e.ceased, Unreadable)]
    if doubtful:
        return doubtful[0]
    ceased = [e.ceased for e in episodes if isinstance(e.ceased, date)]
    final = [e.ceased for e in episodes if isinstance(e.ceased, date) and not e.rolls_on]
    still_open = len(ceased) < len(episodes)
    if still_open and not final:
        return None
    if still_open or (final and min(final) < max(ceased)):
        return Unreadable("one episode ended care but another of the period is open or later", "conflict")
    return final[0] if final else Unreadable("the last episode rolls on (X1) but no later one is recorded", "conflict")


def _referral(episodes: list[_Episode]) -> str | None:
    ordered = sorted(episodes, key=lambda e: e.start if isinstance(e.start, date) else date.max)
    return next((e.referral for e in ordered if e.referral), None)


def _overlaps(status: _Status, period: Raw) -> bool:
    """Whether a legal status held during a period; one that ends as the other begins did not."""
    start, end = period["start"], period["end"]
    start = start if isinstance(start, date) else date.min
    end = end if isinstance(end, date) else date.max
    first, last = max(status.start, start), min(status.end, end)
    return first < last or first == last == start == end


def _legal_status(mapper: Mapper, item: _Item) -> Made:
    start, end, status = (item.raw.get(name) for name in ("start", "end", "status"))
    if isinstance(status, str):
        since = start if isinstance(start, date) else date.min
        until = end if isinstance(end, date) and end >= since else date.max
        mapper.statuses[item.child].append(_Status(since, until, v.is_short_break(status), isinstance(start, date)))
    yield "legal_status", item.key, item.raw


def _contact(_: Mapper, item: _Item) -> Made:
    flags = v.flags(item.row["cont_contact_outcome_json"])
    led_on = ("NEW_REFERRAL_FLAG", "EXISTING_REFERRAL_FLAG", "CP_ENQUIRY_FLAG")
    yield (
        "contact",
        item.key,
        item.raw | {"assessed": any(flags.get(f) for f in led_on) if any(flags.values()) else None},
    )


def _assessment(_: Mapper, item: _Item) -> Made:
    flags = v.flags(item.row["cina_assessment_outcome_json"])
    outcome = None
    if flags.get("PROV_OF_SERVICES_FLAG") or flags.get("PROV_OF_SB_CARE_FLAG"):
        outcome = "services"
    elif v.flagged(item.row["cina_assessment_outcome_nfa"]) or flags.get("NFA_FLAG") or flags.get("NFA_S47_END_FLAG"):
        outcome = "nfa"
    elif any(flags.values()):
        outcome = "other"
    yield "assessment", item.key, item.raw | {"outcome": outcome}


def _s47(_: Mapper, item: _Item) -> Made:
    to_conference = v.flags(item.row["s47e_s47_outcome_json"]).get("CP_CONFERENCE_FLAG")
    outcome = None
    if item.raw.get("end") is None:
        outcome = "open"
    elif to_conference:
        outcome = "conference"
    elif v.flagged(item.row["s47e_s47_nfa"]) or to_conference is False:
        outcome = "no_conference"
    yield "s47", item.key, item.raw | {"outcome": outcome}


def _icpc(mapper: Mapper, item: _Item) -> Made:
    if held := item.raw.get("happened"):
        mapper.conferences["icpc", item.key] = held
        if plan := v.ident(item.row["icpc_cp_plan_id"]):
            mapper.conferences.setdefault(("plan", plan), held)
    yield "icpc", item.key, item.raw


def _cp_plan(mapper: Mapper, item: _Item) -> Made:
    links = ("icpc", v.ident(item.row["cppl_icpc_id"]) or ""), ("plan", item.key)
    held = {mapper.conferences[link] for link in links if link in mapper.conferences}
    conflict = Unreadable("the plan and its conference are linked to different days", "conflict")
    yield "cp_plan", item.key, item.raw | {"conference": conflict if len(held) > 1 else next(iter(held), None)}


def _cla_episode(mapper: Mapper, item: _Item) -> Made:
    row = item.row
    episode = _Episode(
        start=v.day(row["clae_cla_episode_start_date"]),
        ceased=v.day(row["clae_cla_episode_ceased_date"]),
        rolls_on=v.rolls_on(row["clae_cla_episode_ceased_reason"]),
        entered=v.day(row["clae_entered_care_date"]),
        referral=v.ident(row["clae_referral_id"]),
    )
    mapper.episodes[item.child, item.key].append(episode)
    if last := v.day_or_filler(row["clae_cla_last_iro_contact_date"]):
        yield "iro_contact", last.isoformat() if isinstance(last, date) else "latest", {"happened": last}


def _placement(mapper: Mapper, item: _Item) -> Made:
    """One that names no period of a child who has short breaks may be a part of them."""
    link = (item.child, v.ident(item.row["clap_cla_id"]) or "")
    if link not in mapper.episodes and any(child == item.child for child, _ in mapper.short_breaks):
        item.raw["start"] = Unreadable("may be of short breaks: the placement names no period of care that is held")
    yield "placement", item.key, item.raw


def _cla_review(_: Mapper, item: _Item) -> Made:
    """A cancelled review was neither held nor is it still booked."""
    cancelled = v.yes_no(item.row["clar_cla_review_cancelled"])
    if isinstance(cancelled, Unreadable) and item.raw.get("happened"):
        item.raw["happened"] = Unreadable("may have been cancelled: that flag is neither Y nor N")
    yield "cla_review", item.key, {} if cancelled is True else item.raw


def _kept_visit(kind: str) -> _Maker:
    def make(mapper: Mapper, item: _Item) -> Made:
        mapper.visits.add((item.child, item.key))
        yield kind, item.key, item.raw

    return make


def _cin_visit(mapper: Mapper, item: _Item) -> Made:
    if (item.child, item.key) in mapper.visits:
        mapper.visits_twice += 1
    else:
        yield "cin_visit", item.key, item.raw


def _health(_: Mapper, item: _Item) -> Made:
    """A check that is planned, refused or cancelled has not happened, whatever date it carries."""
    if item.raw.get("status") in {"planned", "refused", "cancelled"}:
        item.raw["happened"] = None
    yield "health_assessment", item.key, item.raw


def _care_leaver(_: Mapper, item: _Item) -> Made:
    """One row holds the status, the latest pathway plan and the latest contact."""
    held_as = item.raw.get("eligibility")
    yield "care_leaver", f"{item.child}:{held_as}" if isinstance(held_as, str) else item.child, item.raw
    for kind, column in (
        ("pathway_plan", "clea_pathway_plan_review_date"),
        ("leaver_contact", "clea_care_leaver_latest_contact"),
    ):
        if happened := v.day_or_filler(item.row[column]):
            yield kind, happened.isoformat() if isinstance(happened, date) else "latest", {"happened": happened}


_Maker = Callable[[Mapper, _Item], Made]

_MAKERS: Final[Mapping[str, _Maker]] = {
    "contacts": _contact,
    "legal_status": _legal_status,
    "cin_assessments": _assessment,
    "s47_enquiry": _s47,
    "initial_cp_conference": _icpc,
    "cp_plans": _cp_plan,
    "cla_episodes": _cla_episode,
    "cla_placement": _placement,
    "cla_reviews": _cla_review,
    "cp_visits": _kept_visit("cp_visit"),
    "cla_visits": _kept_visit("cla_visit"),
    "cin_visits": _cin_visit,
    "cla_health": _health,
    "care_leavers": _care_leaver,
}
