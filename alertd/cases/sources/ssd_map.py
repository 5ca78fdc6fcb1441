"""One child's rows of the Standard Safeguarding Dataset, made into records: what each table means to alertd.

Pure: rows come in by table, in the order of ``TABLES``; a case file comes out, with what became of
each row. Rows of one key that say the same are one record; where they differ, the field is in doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from alertd.cases.accounts import Ledger
from alertd.cases.kinds import LATEST_ONLY
from alertd.cases.reading import Made
from alertd.cases.records import Record, Unreadable, Window, case_file, make_record
from alertd.cases.sources import cells as v
from alertd.cases.sources.ssd_care import Day, Episode, Raw, Status, period
from alertd.cases.sources.ssd_layout import Found
from alertd.cases.sources.ssd_table import PERIODS, Reader, Table

Row = tuple[object, ...]
"""The child's reference, then the cells of :attr:`Found.cells`."""
Records = Iterable[tuple[str, str, Raw]]
"""Records to be: kind, key and raw fields. None at all where the row is only a part of one."""

SHORT_BREAKS: Final = "of periods of short breaks (legal status V3 or V4), left out of looked-after records"
REPEATED: Final = "repeat a key: alike they are one record, and where they differ the field is in doubt"
HELD_TWICE: Final = "also held as protection or looked-after visits, so counted once"
NOTHING_IN_IT: Final = "have nothing in them that a record is made of"


class _Item(NamedTuple):
    """One row on its way: its key, the fields read so far, and the cells."""

    key: str
    raw: Raw
    cells: Mapping[str, object]


class _Aside(NamedTuple):
    """A row that is left out on purpose, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rows of one table are read, worked out once for all children: there may be millions of rows.

    ``fields`` are (field, place in the row, reader), and ``assumed`` those of columns that are not there.
    ``key_at`` and ``period_at`` are the places of the key and of the key of the period of care.
    """

    table: Table
    named: str
    key_named: str
    cells: tuple[str, ...]
    absent: Mapping[str, None]
    fields: tuple[tuple[str, int, Reader], ...]
    assumed: Mapping[str, object]
    key_at: int
    period_at: int | None
    make: _Maker | None


def plan_of(found: Found) -> Plan:
    """The plan for a table that is there."""
    table = found.table
    at = {name: place for place, name in enumerate(found.cells, 1)}  # before them stands the child's reference
    return Plan(
        table=table,
        named=found.named,
        key_named=found.columns[table.key],
        cells=found.cells,
        absent=dict.fromkeys(name for name in table.cells if name not in found.columns),
        fields=tuple((name, at[column], read) for name, (column, read) in table.fields.items() if column in at),
        assumed={
            name: read(None)
            for name, (column, read) in table.fields.items()
            if column in table.assumes and column not in at
        },
        key_at=at[table.key],
        period_at=at.get(table.period or ""),
        make=_MAKERS.get(table.name),
    )


def case_of(child: str, parts: Iterable[tuple[Plan, list[Row]]], holds: frozenset[str], window: Window) -> Made:
    """The case file of one child, of its rows by table. ``holds`` are the kinds the feed can fill."""
    reading = _Reading(child, holds)
    for plan, rows in parts:
        reading.read(plan, rows)
    reading.standing_scores()
    case = case_file(child, reading.records(), window, of_kinds={}, latest=LATEST_ONLY["ssd"], holds=holds)
    return Made(case, reading.ledger)


@dataclass(slots=True)
class _Reading:
    """What is known of a child so far. Later tables look at what earlier ones left here."""

    child: str
    holds: frozenset[str]
    ledger: Ledger = field(default_factory=Ledger)
    made: dict[tuple[str, str], tuple[str, Raw]] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    conferences: dict[tuple[str, str], object] = field(default_factory=dict)
    episodes: dict[str, list[Episode]] = field(default_factory=dict)
    short_breaks: set[str] = field(default_factory=set)

    def read(self, plan: Plan, rows: Iterable[Row]) -> None:
        """Read the child's rows of one table."""
        account = self.ledger.of(plan.named)
        for row in rows:
            account.rows += 1
            key = v.ident(row[plan.key_at])
            if key is None:
                self.ledger.reject(plan.named, f"{plan.named} (no key)", "has no key", plan.key_named)
            elif plan.table.name == PERIODS:
                self.episodes.setdefault(key, []).append(_episode(_cells(plan, row)))
            elif why := self._left_out(plan, key, row):
                account.aside[why] += 1
            else:
                account.used += 1
        if plan.table.name == PERIODS:
            self._periods(plan.named)

    def _left_out(self, plan: Plan, key: str, row: Row) -> str | None:
        """Enter what a row is made into; why it is left out, if it is."""
        if self.short_breaks and plan.period_at and (v.ident(row[plan.period_at]) or "") in self.short_breaks:
            return SHORT_BREAKS
        where = f"{plan.named} {key}"
        raw: Raw = {name: read(row[at]) for name, at, read in plan.fields}
        if plan.assumed:
            raw.update(plan.assumed)
        made = plan.make(self, _Item(key, raw, _cells(plan, row))) if plan.make else ((plan.table.main, key, raw),)
        return made.why if isinstance(made, _Aside) else self._entered(made, where)

    def _entered(self, made: Records, where: str) -> str | None:
        """Enter what a row is made into; why it adds nothing, if it does not."""
        new, given = False, False
        for kind, key, raw in made:
            if kind in self.holds:
                given = True
                new |= self._enter(kind, key, where, raw)
        return None if new else REPEATED if given else NOTHING_IN_IT

    def _enter(self, kind: str, key: str, where: str, raw: Raw) -> bool:
        _, held = self.made.setdefault((kind, key), (where, raw))
        if held is raw:
            return True
        for name in held.keys() | raw.keys():
            if held.get(name) != raw.get(name):
                held[name] = Unreadable("rows of one key differ in it", "conflict")
        return False

    def _periods(self, named: str) -> None:
        """Make the periods of care of their episodes; those of short breaks are set aside."""
        account = self.ledger.of(named)
        for key, episodes in self.episodes.items():
            raw = period(episodes, self.statuses)
            if raw is None:
                self.short_breaks.add(key)
                account.aside[SHORT_BREAKS] += len(episodes)
                continue
            account.used += len(episodes)
            of_reviewer = [made for episode in episodes for made in _dated("iro_contact", episode.iro_contact)]
            self._entered([("care_period", key, raw), *of_reviewer], f"{named} {key}")

    def standing_scores(self) -> None:
        """Each questionnaire's score holds until the next one or the end of the care it was asked in."""
        if "sdq_standing" not in self.holds:
            return
        asked = [(key, where, raw) for (kind, key), (where, raw) in self.made.items() if kind == "sdq"]
        days = sorted(day for *_, raw in asked if isinstance(day := raw.get("happened"), date))
        for key, where, raw in asked:
            start = raw.get("happened")
            later = (d for d in days if isinstance(start, date) and d > start)
            ends = [e for e in (next(later, None), self._end_of_care(start)) if e is not None]
            doubt = next((e for e in ends if isinstance(e, Unreadable)), None)
            end = doubt or min((e for e in ends if isinstance(e, date)), default=None)
            self._enter("sdq_standing", key, where, {"start": start, "end": end, "score": raw.get("score")})

    def _end_of_care(self, day: object) -> Day:
        """The end of the period of care that a day falls in, or of the next, as far as it is known; None while it
        lasts."""
        ends: list[Day] = []
        for (kind, _), (_, raw) in self.made.items():
            end = raw.get("end")
            if kind == "care_period":
                ends.append(end if isinstance(end, date | Unreadable) else None)
        dates = [end for end in ends if isinstance(end, date) and isinstance(day, date) and end >= day]
        return min(dates, default=next((end for end in ends if isinstance(end, Unreadable)), None))

    def records(self) -> Iterable[Record]:
        """Every record, typed."""
        for (kind, key), (where, raw) in self.made.items():
            yield make_record(kind, self.child, key, where, raw)


def _cells(plan: Plan, row: Row) -> dict[str, object]:
    """The cells of a row by their columns; those of columns that are not there are blank."""
    return {**plan.absent, **dict(zip(plan.cells, row[1:], strict=True))}


def _legal_status(reading: _Reading, item: _Item) -> Records:
    start, end, status = (item.raw.get(name) for name in ("start", "end", "status"))
    if isinstance(status, str):
        since = start if isinstance(start, date) else date.min
        until = end if isinstance(end, date) and end >= since else date.max
        reading.statuses.append(Status(since, until, v.is_short_break(status), isinstance(start, date)))
    return [("legal_status", item.key, item.raw)]


def _contact(_: _Reading, item: _Item) -> Records:
    flags = v.flags(item.cells["cont_contact_outcome_json"])
    led_on = ("NEW_REFERRAL_FLAG", "EXISTING_REFERRAL_FLAG", "CP_ENQUIRY_FLAG")
    assessed = any(flags.get(f) for f in led_on) if any(flags.values()) else None
    return [("contact", item.key, item.raw | {"assessed": assessed})]


def _assessment(_: _Reading, item: _Item) -> Records:
    flags = v.flags(item.cells["cina_assessment_outcome_json"])
    nfa = v.flagged(item.cells["cina_assessment_outcome_nfa"])
    outcome = None
    if flags.get("PROV_OF_SERVICES_FLAG") or flags.get("PROV_OF_SB_CARE_FLAG"):
        outcome = "services"
    elif nfa or flags.get("NFA_FLAG") or flags.get("NFA_S47_END_FLAG"):
        outcome = "nfa"
    elif any(flags.values()):
        outcome = "other"
    why = "the assessment was authorised before it began"
    authorised = v.not_before(item.raw.get("start"), item.raw.get("authorised"), why)
    return [("assessment", item.key, item.raw | {"authorised": authorised, "outcome": outcome})]


def _s47(_: _Reading, item: _Item) -> Records:
    to_conference = v.flags(item.cells["s47e_s47_outcome_json"]).get("CP_CONFERENCE_FLAG")
    outcome = None
    if item.raw.get("end") is None:
        outcome = "open"
    elif to_conference:
        outcome = "conference"
    elif v.flagged(item.cells["s47e_s47_nfa"]) or to_conference is False:
        outcome = "no_conference"
    return [("s47", item.key, item.raw | {"outcome": outcome})]


def _icpc(reading: _Reading, item: _Item) -> Records:
    if held := item.raw.get("happened"):
        reading.conferences["icpc", item.key] = held
        if plan := v.ident(item.cells["icpc_cp_plan_id"]):
            reading.conferences.setdefault(("plan", plan), held)
    return [("icpc", item.key, item.raw)]


def _cp_plan(reading: _Reading, item: _Item) -> Records:
    links = ("icpc", v.ident(item.cells["cppl_icpc_id"]) or ""), ("plan", item.key)
    held = {reading.conferences[link] for link in links if link in reading.conferences}
    conflict = Unreadable("the plan and its conference are linked to different days", "conflict")
    return [("cp_plan", item.key, item.raw | {"conference": conflict if len(held) > 1 else next(iter(held), None)})]


def _episode(cells: Mapping[str, object]) -> Episode:
    return Episode(
        start=v.day(cells["clae_cla_episode_start_date"]),
        ceased=v.day(cells["clae_cla_episode_ceased_date"]),
        rolls_on=v.rolls_on(cells["clae_cla_episode_ceased_reason"]),
        entered=v.day(cells["clae_entered_care_date"]),
        referral=v.ident(cells["clae_referral_id"]),
        iro_contact=v.day_or_filler(cells["clae_cla_last_iro_contact_date"]),
    )


def _dated(kind: str, happened: Day) -> list[tuple[str, str, Raw]]:
    """An event of which the dataset has nothing but its day."""
    key = happened.isoformat() if isinstance(happened, date) else "latest"
    return [(kind, key, {"happened": happened})] if happened else []


def _placement(reading: _Reading, item: _Item) -> Records:
    """One that names no period of a child who has short breaks may be a part of them."""
    if reading.short_breaks and (v.ident(item.cells["clap_cla_id"]) or "") not in reading.episodes:
        item.raw["start"] = Unreadable("may be of short breaks: the placement names no period of care that is held")
    return [("placement", item.key, item.raw)]


def _care_plan(_: _Reading, item: _Item) -> Records:
    plan = ("care_plan", item.key, item.raw)
    if not v.plans_for_permanence(item.cells["lacp_cla_care_plan_json"]):
        return [plan]
    return [plan, *_dated("permanence_plan", v.day(item.cells["lacp_cla_care_plan_start_date"]))]


def _permanence(_: _Reading, item: _Item) -> Records:
    """A placement order is authority to place until the child is placed, or the plan or the order is given up."""
    names = ("perm_placed_for_adoption_date", "perm_decision_reversed_date", "perm_permanence_order_date")
    ends = [v.day_or_filler(item.cells[name]) for name in names]
    doubt = next((end for end in ends if isinstance(end, Unreadable)), None)
    item.raw["end"] = doubt or min((end for end in ends if isinstance(end, date)), default=None)
    found = _dated("permanence_plan", v.day_or_filler(item.cells["perm_adm_decision_date"]))
    return found if item.raw["start"] is None else [("adoption_authority", item.key, item.raw), *found]


def _cla_review(_: _Reading, item: _Item) -> Records:
    """A cancelled review was neither held nor is it still booked."""
    cancelled = v.yes_no(item.cells["clar_cla_review_cancelled"])
    if isinstance(cancelled, Unreadable) and item.raw.get("happened"):
        item.raw["happened"] = Unreadable("may have been cancelled: that flag is neither Y nor N")
    return [("cla_review", item.key, {} if cancelled is True else item.raw)]


def _cin_visit(reading: _Reading, item: _Item) -> Records | _Aside:
    """In SystemC one case note of a statutory visit fills two tables."""
    if any((kind, item.key) in reading.made for kind in ("cp_visit", "cla_visit")):
        return _Aside(HELD_TWICE)
    return [("cin_visit", item.key, item.raw)]


def _health(_: _Reading, item: _Item) -> Records:
    """A check that is planned, refused or cancelled has not happened, whatever date it carries."""
    if item.raw.get("status") in {"planned", "refused", "cancelled"}:
        item.raw["happened"] = None
    return [("health_assessment", item.key, item.raw)]


def _immunisations(_: _Reading, item: _Item) -> Records:
    """One row a child, the latest statement."""
    happened = item.raw.get("happened")
    key = happened.isoformat() if isinstance(happened, date) else "latest"
    return [("immunisation_status", key, item.raw)]


def _care_leaver(reading: _Reading, item: _Item) -> Records:
    """One row holds the status, the latest pathway plan and the latest contact."""
    held_as = item.raw.get("eligibility")
    key = f"{reading.child}:{held_as}" if isinstance(held_as, str) else reading.child
    return [
        ("care_leaver", key, item.raw),
        *_dated("pathway_plan", v.day_or_filler(item.cells["clea_pathway_plan_review_date"])),
        *_dated("leaver_contact", v.day_or_filler(item.cells["clea_care_leaver_latest_contact"])),
    ]


_Maker = Callable[[_Reading, _Item], Records | _Aside]

_MAKERS: Final[Mapping[str, _Maker]] = {
    "contacts": _contact,
    "legal_status": _legal_status,
    "cin_assessments": _assessment,
    "s47_enquiry": _s47,
    "initial_cp_conference": _icpc,
    "cp_plans": _cp_plan,
    "cla_placement": _placement,
    "cla_care_plan": _care_plan,
    "permanence": _permanence,
    "cla_reviews": _cla_review,
    "cin_visits": _cin_visit,
    "cla_health": _health,
    "cla_immunisations": _immunisations,
    "care_leavers": _care_leaver,
}
"""What is made of a row, where it is more than the fields of the table's first kind."""
