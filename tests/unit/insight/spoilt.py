"""Which rows of a made-up authority were spoilt, and how: by comparing it with its clean twin."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from alertd.synth import dirty

KEYS = {
    "ssd_cin_episodes": "cine_referral_id",
    "ssd_cin_plans": "cinp_cin_plan_id",
    "ssd_cp_plans": "cppl_cp_plan_id",
    "ssd_s47_enquiry": "s47e_s47_enquiry_id",
    "ssd_cla_placement": "clap_cla_placement_id",
    "ssd_legal_status": "lega_legal_status_id",
    "ssd_involvements": "invo_involvements_id",
    "ssd_cin_visits": "cinv_cin_visit_id",
    "ssd_cp_visits": "cppv_cp_visit_id",
    "ssd_cla_visits": "clav_cla_visit_id",
    "ssd_cp_reviews": "cppr_cp_review_id",
    "ssd_cla_reviews": "clar_cla_review_id",
    "ssd_cla_health": "clah_health_check_id",
    "ssd_cin_assessments": "cina_assessment_id",
    "ssd_initial_cp_conference": "icpc_icpc_id",
    "ssd_care_leavers": "clea_person_id",
    "ssd_person": "pers_person_id",
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Spoilt:
    """A row that was spoilt: in which of the ways, in which column, and where its record will stand."""

    how: str
    column: str
    where: str


def spoilt(clean: Path, dirtied: Path) -> Iterator[Spoilt]:
    """Every row that was spoilt."""
    before, after = _rows(clean), _rows(dirtied)
    in_care = {(r["clae_person_id"], r["clae_entered_care_date"]) for r in _all(clean, "ssd_cla_episodes")}
    visits = set(before["ssd_cp_visits"])
    for table, rows in after.items():
        for key, found in rows.items():
            where = f"{table} {key}"
            was = before[table].get(key)
            if was is None and table == "ssd_cin_visits" and key in visits:
                yield Spoilt("visit in two tables", "", where)
            elif was is None:
                yield Spoilt("row twice under two keys", "", where)
            elif len(found) > len(was):
                yield Spoilt("row twice under one key", "", where)
            else:
                for column in was[0]:
                    if was[0][column] != found[0][column]:
                        yield Spoilt(_how(table, column, was[0], found[0], in_care), column, where)


def _how(table: str, column: str, was: Row, now: Row, in_care: set[tuple[Any, Any]]) -> str:
    value = now[column]
    start, end = dirty._SPANS.get(table, ("", ""))
    if column == dirty._CODES.get(table) and isinstance(value, str) and value != value.rstrip():
        return "trailing spaces"
    if value == dirty.NOBODY:
        return "child not in ssd_person" if column == dirty._CHILDREN.get(table) else "link to no row"
    if value is None:
        if column == "pers_dob":
            return "birth date missing"
        if column == end:
            moved = (was["cppl_person_id"], was[column]) in in_care if table == "ssd_cp_plans" else False
            return "protection plan open in care" if moved else "plan open after closed referral"
        ways = {start: "start date missing", dirty._SEEN.get(table): "child seen not answered"}
        return ways.get(column, "link blank")
    day = date.fromisoformat(value[:10])
    if day in (dirty.LONG_AGO, dirty.NEVER):
        return "1900-01-01 for no date" if day == dirty.LONG_AGO else "9999-12-31 for no end"
    if column == end:
        return "end before start"
    return "conference on a weekend" if table == "ssd_initial_cp_conference" else "date in the future"


def _rows(path: Path) -> dict[str, dict[str, list[Row]]]:
    found: dict[str, dict[str, list[Row]]] = {}
    for table, key in KEYS.items():
        of: dict[str, list[Row]] = {}
        for row in _all(path, table):
            of.setdefault(row[key], []).append(row)
        found[table] = of
    return found


def _all(path: Path, table: str) -> list[Row]:
    with sqlite3.connect(path) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(f"select * from {table}")]


def counts(rows: list[Spoilt]) -> Counter[str]:
    """Rows spoilt by kind of dirt."""
    return Counter(row.how for row in rows)
