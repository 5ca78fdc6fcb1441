"""What was made, beside what was published."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from alertd.calendars.calendar import Calendar
from alertd.synth.volumes import Volumes

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. ``published`` is scaled to the children asked for; ``national`` says that
    England's ratio stands in for a figure the authority's own row does not have."""

    name: str
    made: int
    published: float
    national: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What :func:`alertd.synth.make` made. ``dirty`` counts the rows spoilt on purpose, by kind."""

    la: str
    name: str
    children: int
    seed: int
    as_of: date
    figures: tuple[Figure, ...]
    rows: Mapping[str, int]
    dirty: Mapping[str, int]
    unrecorded_visits: int
    notes: tuple[str, ...]

    def json(self) -> str:
        """The manifest as JSON text, the same for the same arguments."""
        return json.dumps(asdict(self), indent=2, default=str, ensure_ascii=False) + "\n"


def figures(rows: Rows, volumes: Volumes, calendar: Calendar, as_of: date) -> tuple[Figure, ...]:
    """Counts over the year up to ``as_of``, in the words of the published ones, from clean rows."""
    year = as_of - timedelta(365)

    def in_year(day: date | None) -> bool:
        return day is not None and year < day <= as_of

    def count(table: str, which: Callable[[Mapping[str, Any]], bool]) -> int:
        return sum(map(which, rows.get(table, ())))

    def opened(table: str, start: str) -> int:
        return count(table, lambda r: in_year(r[start]))

    def open_(table: str, end: str) -> int:
        return count(table, lambda r: r[end] is None)

    cases = rows.get("ssd_cin_episodes", ())
    in_need = {r["cine_person_id"] for r in cases if not _not_in_need(r) and _lasted_into(r["cine_close_date"], year)}
    late = [
        r
        for r in rows.get("ssd_cin_assessments", ())
        if in_year(r["cina_assessment_auth_date"])
        and calendar.working_days_between(r["cina_assessment_start_date"], r["cina_assessment_auth_date"]) > 45
    ]
    made = {
        "cin_children_any": len(in_need),
        "cin_31mar": open_("ssd_cin_episodes", "cine_close_date"),
        "referrals": opened("ssd_cin_episodes", "cine_referral_date"),
        "re_referrals": _re_referrals(cases, year),
        "referral_nfa": count(
            "ssd_cin_episodes", lambda r: r["cine_referral_nfa"] == "Y" and in_year(r["cine_referral_date"])
        ),
        "assessments_completed": opened("ssd_cin_assessments", "cina_assessment_auth_date"),
        "assessments_over_45wd": len(late),
        "s47": opened("ssd_s47_enquiry", "s47e_s47_start_date"),
        "icpc": opened("ssd_initial_cp_conference", "icpc_icpc_date"),
        "icpc_over_15wd": count(
            "ssd_initial_cp_conference",
            lambda r: in_year(r["icpc_icpc_date"]) and r["icpc_icpc_date"] > r["icpc_icpc_target_date"],
        ),
        "cin_plans_started": opened("ssd_cin_plans", "cinp_cin_plan_start_date"),
        "cin_plans_31mar": open_("ssd_cin_plans", "cinp_cin_plan_end_date"),
        "cp_plans_started": opened("ssd_cp_plans", "cppl_cp_plan_start_date"),
        "cp_plans_ended": opened("ssd_cp_plans", "cppl_cp_plan_end_date"),
        "cp_plans_31mar": open_("ssd_cp_plans", "cppl_cp_plan_end_date"),
        "looked_after": len(_looked_after(rows)),
    }
    wanted = {**volumes.counts, "cin_children_any": float(volumes.children), "looked_after": volumes.looked_after}
    national = {*volumes.national, "looked_after"}
    return tuple(Figure(name, n, round(wanted[name], 1), name in national) for name, n in made.items())


def _not_in_need(case: Mapping[str, Any]) -> bool:
    return case["cine_close_reason"] in ("RC8", "RC9")


def _lasted_into(close: date | None, year: date) -> bool:
    return close is None or close > year


def _re_referrals(cases: Sequence[Mapping[str, Any]], year: date) -> int:
    """Referrals of the year within twelve months of an earlier one of the same child."""
    last: dict[str, date] = {}
    found = 0
    for case in sorted(cases, key=lambda r: (r["cine_person_id"], r["cine_referral_date"])):
        child, day = case["cine_person_id"], case["cine_referral_date"]
        found += day > year and child in last and (day - last[child]).days <= 365
        last[child] = day
    return found


def _looked_after(rows: Rows) -> set[str]:
    """Children with an open episode of care, short breaks left out."""
    breaks = {
        r["lega_person_id"] for r in rows.get("ssd_legal_status", ()) if r["lega_legal_status"].strip() in ("V3", "V4")
    }
    return {
        r["clae_person_id"]
        for r in rows.get("ssd_cla_episodes", ())
        if r["clae_cla_episode_ceased_date"] is None and r["clae_person_id"] not in breaks
    }


def row_counts(rows: Rows) -> dict[str, int]:
    """Rows by table, in name order."""
    return dict(sorted(Counter({table: len(of) for table, of in rows.items()}).items()))
