"""How much of everything an authority has, from published figures.

``volumes.csv`` holds, for each authority in England, the year to 31 March 2024: Department for
Education, "Characteristics of children in need", 2024. Contains public sector information
licensed under the Open Government Licence v3.0. ``c``, ``u``, ``x`` and ``z`` mark figures the
department suppressed or could not give.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final

from alertd.errors import InputError
from alertd.synth.schema import data_rows

LOOKED_AFTER_PER_OPEN_CASE: Final = 83_630 / 399_460
"""Looked after per child in need on 31 March 2024, England (DfE). No figure per authority is shipped."""

CARE_STARTS_PER_LOOKED_AFTER: Final = 33_050 / 83_630
"""Children who started to be looked after in the year per child looked after at its end (DfE, 2024)."""

_COUNTS: Final = (
    "cin_episodes_started",
    "cin_31mar",
    "referrals",
    "re_referrals",
    "referral_nfa",
    "assessments_completed",
    "assessments_over_45wd",
    "s47",
    "icpc",
    "icpc_over_15wd",
    "cin_plans_started",
    "cin_plans_31mar",
    "cp_plans_started",
    "cp_plans_ended",
    "cp_plans_31mar",
)
_BASE: Final[dict[str, str]] = {
    "re_referrals": "referrals",
    "referral_nfa": "referrals",
    "assessments_over_45wd": "assessments_completed",
    "icpc_over_15wd": "icpc",
}


@dataclass(frozen=True, slots=True)
class Volumes:
    """One authority's year, scaled to ``children`` in need at any point of it.

    ``counts`` are children or events a year (plans and cases *open* at its end), by the column
    names of ``volumes.csv``. ``national`` names the counts for which England's ratio stands in.
    """

    la: str
    name: str
    children: int
    counts: dict[str, float]
    median_assessment: int
    national: tuple[str, ...]

    def __getitem__(self, name: str) -> float:
        return self.counts[name]

    @property
    def looked_after(self) -> float:
        """Children looked after at the end of the year."""
        return self["cin_31mar"] * LOOKED_AFTER_PER_OPEN_CASE

    def share(self, part: str) -> float:
        """A part of its whole, 0 to 1: re-referrals of referrals, late assessments of assessments."""
        whole = self[_BASE[part]]
        return min(1.0, self[part] / whole) if whole else 0.0


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _national_ratio(rows: list[dict[str, str]], column: str, base: str) -> float:
    pairs = [(_number(r[column]), _number(r[base])) for r in rows]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    return sum(a for a, _ in known) / sum(b for _, b in known)


def volumes(la: str, children: int) -> Volumes:
    """The published figures of authority ``la`` (a DfE code, as 350), scaled to ``children``.

    A suppressed figure is replaced by England's ratio to its whole. Raises InputError for a code
    that is not in the list or fewer than 20 children.
    """
    rows = list(data_rows("volumes.csv"))
    row = next((r for r in rows if r["la_code"] == la), None)
    if row is None:
        raise _unknown(la, rows)
    if children < 20:
        raise InputError(f"--children {children} is too few", fix="Give 20 or more: below that no ratio can hold")
    base = _number(row["cin_children_any"])
    counts: dict[str, float] = {}
    national = []
    for column in _COUNTS:
        whole = _BASE.get(column, "cin_children_any")
        per_child = counts[whole] if whole in counts else float(children)
        figure = _number(row[column])
        if figure is None or base is None:
            counts[column] = per_child * _national_ratio(rows, column, whole)
            national.append(column)
        else:
            counts[column] = figure * children / base
    median = _number(row["assessment_median_wd"])
    return Volumes(la, row["la_name"], children, counts, int(median or 33), tuple(national))


def _unknown(la: str, rows: list[dict[str, str]]) -> InputError:
    names = {r["la_name"].casefold(): r for r in rows}
    named = difflib.get_close_matches(la.casefold(), names, n=1)
    close = difflib.get_close_matches(la, [r["la_code"] for r in rows], n=1)
    hit = names[named[0]] if named else next((r for r in rows if close and r["la_code"] == close[0]), None)
    fix = (
        f"Did you mean {hit['la_code']} ({hit['la_name']})?" if hit else "Use a three-digit DfE code, as 350 for Bolton"
    )
    return InputError(f"no authority has the code {la!r}", where="--la", fix=fix)
