"""Spoils a stated share of rows in the ways real case systems do, and counts what it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from alertd.calendars.calendar import Calendar
from alertd.synth.dice import Dice

Rows = dict[str, list[dict[str, Any]]]
Row = dict[str, Any]

NOBODY: Final = "9999999"
"""A key that no row has: where broken links point."""

_SPANS: Final = {
    "ssd_cin_episodes": ("cine_referral_date", "cine_close_date"),
    "ssd_cin_plans": ("cinp_cin_plan_start_date", "cinp_cin_plan_end_date"),
    "ssd_cp_plans": ("cppl_cp_plan_start_date", "cppl_cp_plan_end_date"),
    "ssd_s47_enquiry": ("s47e_s47_start_date", "s47e_s47_end_date"),
    "ssd_cla_placement": ("clap_cla_placement_start_date", "clap_cla_placement_end_date"),
    "ssd_legal_status": ("lega_legal_status_start_date", "lega_legal_status_end_date"),
    "ssd_involvements": ("invo_involvement_start_date", "invo_involvement_end_date"),
}
_HAPPENED: Final = {
    "ssd_cin_visits": "cinv_cin_visit_date",
    "ssd_cp_visits": "cppv_cp_visit_date",
    "ssd_cla_visits": "clav_cla_visit_date",
    "ssd_cp_reviews": "cppr_cp_review_date",
    "ssd_cla_reviews": "clar_cla_review_date",
}
_SEEN: Final = {
    "ssd_cin_visits": "cinv_cin_visit_seen",
    "ssd_cp_visits": "cppv_cp_visit_seen",
    "ssd_cla_visits": "clav_cla_visit_seen",
    "ssd_cin_assessments": "cina_assessment_child_seen",
}
_KEYS: Final = {
    "ssd_cin_visits": "cinv_cin_visit_id",
    "ssd_cp_visits": "cppv_cp_visit_id",
    "ssd_cla_visits": "clav_cla_visit_id",
    "ssd_cla_health": "clah_health_check_id",
    "ssd_involvements": "invo_involvements_id",
}
_LINKS: Final = {
    "ssd_cin_assessments": "cina_referral_id",
    "ssd_cp_visits": "cppv_cp_plan_id",
    "ssd_cp_reviews": "cppr_cp_plan_id",
    "ssd_cla_reviews": "clar_cla_id",
    "ssd_cla_visits": "clav_cla_id",
    "ssd_initial_cp_conference": "icpc_s47_enquiry_id",
}
_CHILDREN: Final = {
    "ssd_cin_visits": "cinv_person_id",
    "ssd_cla_health": "clah_person_id",
    "ssd_cin_assessments": "cina_person_id",
}
_CODES: Final = {
    "ssd_legal_status": "lega_legal_status",
    "ssd_cla_health": "clah_health_check_status",
    "ssd_cla_placement": "clap_cla_placement_type",
    "ssd_involvements": "invo_professional_role_id",
}
_UNSET: Final = {
    "ssd_cin_assessments": "cina_assessment_auth_date",
    "ssd_care_leavers": "clea_pathway_plan_review_date",
    "ssd_cp_reviews": "cppr_cp_review_date",
}
LONG_AGO: Final = date(1900, 1, 1)
NEVER: Final = date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One way to spoil rows: which rows fit, and the deed. ``share`` is its part of all dirt."""

    name: str
    share: float
    fit: Callable[[], list[tuple[str, Row]]]
    do: Callable[[str, Row], None]


class _Spoiler:
    """Finds fit rows and spoils them; no row twice."""

    def __init__(self, dice: Dice, calendar: Calendar, rows: Rows, today: date) -> None:
        self.dice, self.calendar, self.rows, self.today = dice, calendar, rows, today

    def each(self, tables: Iterable[str], fits: Callable[[str, Row], object]) -> list[tuple[str, Row]]:
        """Rows of the tables that fit: two from each table first, then all others as they come."""
        first, others = [], []
        for table in tables:
            of = [(table, row) for row in self.rows.get(table, ()) if fits(table, row)]
            self.dice.rng.shuffle(of)
            first += of[:2]
            others += of[2:]
        self.dice.rng.shuffle(others)
        return first + others

    def kinds(self) -> Iterator[_Kind]:
        """Every kind of dirt, in the order in which it is applied."""
        yield _Kind("start date missing", 0.08, lambda: self.each(_SPANS, _any), self._no_start)
        yield _Kind(
            "1900-01-01 for no date", 0.06, lambda: self.each(_UNSET, lambda t, r: r[_UNSET[t]] is None), self._unset
        )
        yield _Kind("9999-12-31 for no end", 0.08, self._open_spans, self._never)
        yield _Kind("link to no row", 0.08, lambda: self.each(_LINKS, lambda t, r: r[_LINKS[t]]), self._orphan)
        yield _Kind("child not in ssd_person", 0.02, lambda: self.each(_CHILDREN, _any), self._stranger)
        yield _Kind("link blank", 0.1, lambda: self.each(_LINKS, lambda t, r: r[_LINKS[t]]), self._unlink)
        yield _Kind("row twice under two keys", 0.1, lambda: self.each(_KEYS, _any), self._double)
        yield _Kind("row twice under one key", 0.03, lambda: self.each(_KEYS, _any), self._repeat)
        yield _Kind("visit in two tables", 0.08, lambda: self.each(("ssd_cp_visits",), _any), self._both)
        yield _Kind(
            "date in the future", 0.05, lambda: self.each(_HAPPENED, lambda t, r: r[_HAPPENED[t]]), self._future
        )
        yield _Kind("end before start", 0.08, self._closed_spans, self._backwards)
        yield _Kind("child seen not answered", 0.12, lambda: self.each(_SEEN, _any), self._unseen)
        yield _Kind("trailing spaces", 0.08, lambda: self.each(_CODES, lambda t, r: r[_CODES[t]]), self._spaces)
        yield _Kind("conference on a weekend", 0.01, self._conferences, self._weekend)
        yield _Kind("plan open after closed referral", 0.01, self._ended_plans, self._reopen)
        yield _Kind("protection plan open in care", 0.01, self._plans_before_care, self._reopen)
        yield _Kind(
            "birth date missing", 0.01, lambda: self.each(("ssd_person",), lambda _, r: r["pers_dob"]), self._undated
        )

    def _open_spans(self) -> list[tuple[str, Row]]:
        return self.each(_SPANS, lambda t, r: r[_SPANS[t][1]] is None)

    def _closed_spans(self) -> list[tuple[str, Row]]:
        return self.each(_SPANS, lambda t, r: r[_SPANS[t][0]] and r[_SPANS[t][1]])

    def _conferences(self) -> list[tuple[str, Row]]:
        return self.each(("ssd_initial_cp_conference",), lambda _, r: r["icpc_icpc_date"])

    def _plans_before_care(self) -> list[tuple[str, Row]]:
        entered = {(r["clae_person_id"], r["clae_entered_care_date"]) for r in self.rows.get("ssd_cla_episodes", ())}
        return self.each(("ssd_cp_plans",), lambda _, r: (r["cppl_person_id"], r["cppl_cp_plan_end_date"]) in entered)

    def _ended_plans(self) -> list[tuple[str, Row]]:
        closed = {r["cine_referral_id"] for r in self.rows.get("ssd_cin_episodes", ()) if r["cine_close_date"]}
        return self.each(("ssd_cp_plans", "ssd_cin_plans"), lambda t, r: r[_referral(t)] in closed)

    def _no_start(self, table: str, row: Row) -> None:
        row[_SPANS[table][0]] = None

    def _unset(self, table: str, row: Row) -> None:
        row[_UNSET[table]] = LONG_AGO

    def _never(self, table: str, row: Row) -> None:
        row[_SPANS[table][1]] = NEVER

    def _orphan(self, table: str, row: Row) -> None:
        row[_LINKS[table]] = NOBODY

    def _stranger(self, table: str, row: Row) -> None:
        row[_CHILDREN[table]] = NOBODY

    def _unlink(self, table: str, row: Row) -> None:
        row[_LINKS[table]] = None

    def _double(self, table: str, row: Row) -> None:
        self.rows[table].append({**row, _KEYS[table]: f"{row[_KEYS[table]]}B"})

    def _repeat(self, table: str, row: Row) -> None:
        self.rows[table].append(dict(row))

    def _both(self, _: str, row: Row) -> None:
        """As where one case note of a statutory visit fills both tables."""
        same = {f"cinv_cin_{k[8:]}": v for k, v in row.items() if k.startswith("cppv_cp_visit")}
        self.rows["ssd_cin_visits"].append({**same, "cinv_person_id": row["cppv_person_id"]})

    def _future(self, table: str, row: Row) -> None:
        row[_HAPPENED[table]] = self.today + timedelta(self.dice.among(2, 400))

    def _backwards(self, table: str, row: Row) -> None:
        start, end = _SPANS[table]
        row[end] = row[start] - timedelta(self.dice.among(1, 30))

    def _unseen(self, table: str, row: Row) -> None:
        row[_SEEN[table]] = None

    def _spaces(self, table: str, row: Row) -> None:
        row[_CODES[table]] += " " * self.dice.among(1, 3)

    def _weekend(self, _: str, row: Row) -> None:
        day = row["icpc_icpc_date"]
        row["icpc_icpc_date"] = day - timedelta(day.weekday() + 1)

    def _reopen(self, table: str, row: Row) -> None:
        row[_SPANS[table][1]] = None

    def _undated(self, _: str, row: Row) -> None:
        row["pers_dob"] = None


def _any(_: str, row: Row) -> bool:
    return bool(row)


def _referral(table: str) -> str:
    return "cppl_referral_id" if table == "ssd_cp_plans" else "cinp_referral_id"


def spoil(dice: Dice, calendar: Calendar, rows: Rows, today: date, share: float) -> dict[str, int]:
    """Spoil ``share`` of all rows in place; rows spoilt by kind. Doubles add rows.

    Kinds that find too few rows to spoil leave the rest undone, so a small database may be cleaner.
    """
    total = round(share * sum(map(len, rows.values())))
    counts: Counter[str] = Counter()
    spoilt: set[int] = set()
    for kind in _Spoiler(dice, calendar, rows, today).kinds():
        wanted = round(total * kind.share)
        if not wanted:
            continue
        for table, row in kind.fit():
            if counts[kind.name] == wanted:
                break
            if id(row) not in spoilt:
                kind.do(table, row)
                spoilt.add(id(row))
                counts[kind.name] += 1
    return dict(counts)
