"""Ofsted's Annex A: eleven lists, most of them of the last six months, some with no more than the latest.

As a workbook in the layout of January 2024 or of August 2019, or as a folder of CSV files. Short breaks
stand in the list of children in care under their legal status, as the code list has it. Of other
authorities' child protection plans nothing is said: they are not this authority's to report.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

from alertd.synth.feeds import annex_a_layout as a
from alertd.synth.feeds.truth import Life, Truth, day, sure, text
from alertd.synth.world import Row

Cell = date | str | int | None
Line = tuple[Cell, ...]

_EMERGENCY: Final = ("L1", "L2")
_CHECKED: Final = ("Initial Health Assessment", "Review Health Assessment")


def months_back(today: date, months: int) -> date:
    """The same-numbered day so many months earlier, or that month's last."""
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    for last in (today.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError(today)


class _Lists:
    """The lines of one child in each list."""

    def __init__(self, truth: Truth) -> None:
        self.truth, self.today = truth, truth.today
        self.half, self.year = months_back(truth.today, 6), months_back(truth.today, 12)

    def of(self, life: Life) -> Iterator[tuple[int, Line]]:
        """(the list, a line of it) for all that the lists say of a child."""
        for number, make in _MAKERS.items():
            for line in make(self, life):
                yield number, line

    def _recent(self, found: date | None, since: date | None = None) -> bool:
        return found is not None and (since or self.half) <= found <= self.today

    def _current(self, end: date | None) -> bool:
        """Open, or ended in the last six months."""
        return end is None or self._recent(end)

    def _who(self, life: Life) -> Line:
        born = life.born or day(life.person, "pers_expected_dob")
        gender, ethnicity = text(life.person, "pers_sex"), text(life.person, "pers_ethnicity")
        return (life.id, a.GENDER[gender], a.ETHNICITY[ethnicity], born, life.age(self.today))

    def _disability(self, life: Life) -> str:
        return _yes(life.disabled)

    def _held_by(self, life: Life) -> Line:
        lead = self.truth.lead(life)
        return (self.truth.team_name(lead), self.truth.worker_name(lead))

    def contacts(self, life: Life) -> Iterator[Line]:
        for row in life.of("contacts"):
            if self._recent(sure(row, "cont_contact_date")):
                source = a.SOURCE[text(row, "cont_contact_source_code")]
                yield (*self._who(life), day(row, "cont_contact_date"), source)

    def referrals(self, life: Life) -> Iterator[Line]:
        days = [sure(row, "cine_referral_date") for row in life.of("cin_episodes")]
        for row in life.of("cin_episodes"):
            start = sure(row, "cine_referral_date")
            if self._recent(start):
                source = a.SOURCE[text(row, "cine_referral_source_code")]
                nfa = _yes(text(row, "cine_referral_nfa") == "Y")
                yield (*self._who(life), start, source, nfa, _before(days, start), *self._held_by(life))

    def assessments(self, life: Life) -> Iterator[Line]:
        for row in life.of("cin_assessments"):
            start, done = sure(row, "cina_assessment_start_date"), day(row, "cina_assessment_auth_date")
            if not (self._recent(start) or self._current(done)):
                continue
            seen = _coded(text(row, "cina_assessment_child_seen"))
            needs = {"N": a.YES, "Y": a.NO, "": None}[text(row, "cina_assessment_outcome_nfa")]
            yield (*self._who(life), self._disability(life), start, seen, done, needs, *self._held_by(life))

    def enquiries(self, life: Life) -> Iterator[Line]:
        meetings = {text(row, "icpc_s47_enquiry_id"): row for row in life.of("initial_cp_conference")}
        starts = [sure(row, "s47e_s47_start_date") for row in life.of("s47_enquiry")]
        held = [found for row in meetings.values() if (found := day(row, "icpc_icpc_date"))]
        for row in life.of("s47_enquiry"):
            start, end = sure(row, "s47e_s47_start_date"), day(row, "s47e_s47_end_date")
            meeting = meetings.get(text(row, "s47e_s47_enquiry_id"))
            on = day(meeting, "icpc_icpc_date")
            awaited = meeting is not None and on is None
            if not (self._recent(start) or end is None or self._recent(on) or awaited):
                continue
            unnecessary = a.NO if meeting else None if end is None else a.YES
            planned = _coded(text(meeting, "icpc_icpc_outcome_cp_flag")) if on else None
            counts = (_before(starts, start), _before(held, on or start))
            who = (*self._who(life), self._disability(life))
            yield (*who, start, unnecessary, on, planned, *counts, *self._held_by(life))

    def in_need(self, life: Life) -> Iterator[Line]:
        cases = [row for row in life.of("cin_episodes") if text(row, "cine_referral_nfa") != "Y"]
        row = _latest(cases, "cine_referral_date")
        if row is None or not self._current(day(row, "cine_close_date")):
            return
        closed = day(row, "cine_close_date")
        reason = a.CLOSURE[text(row, "cine_close_reason")] if closed else None
        yield (
            *self._who(life),
            self._disability(life),
            day(row, "cine_referral_date"),
            a.NEED[text(row, "cine_cin_primary_need_code")],
            max(_seen(life), default=None),
            closed,
            reason,
            self._case_status(life, closed),
            *self._held_by(life),
        )

    def _case_status(self, life: Life, closed: date | None) -> str:
        """Ofsted's order. An open case without a plan of its own counts as one of a child in need."""
        if closed:
            return "e) Closed episode"
        if any(e.end is None and not e.short_break for e in life.episodes()):
            return "a) Looked after child"
        if any(day(row, "cppl_cp_plan_end_date") is None for row in _own_plans(life)):
            return "b) Child Protection plan"
        if any(day(row, "cinp_cin_plan_end_date") is None for row in life.of("cin_plans")):
            return "c) Child in need plan"
        assessing = any(day(row, "cina_assessment_auth_date") is None for row in life.of("cin_assessments"))
        return "d) Open assessment" if assessing or not life.of("cin_assessments") else "c) Child in need plan"

    def protection(self, life: Life) -> Iterator[Line]:
        plans = _own_plans(life)
        row = _latest(plans, "cppl_cp_plan_start_date")
        if row is None or not self._current(day(row, "cppl_cp_plan_end_date")):
            return
        key = text(row, "cppl_cp_plan_id")
        of_plan = [v for v in life.of("cp_visits") if text(v, "cppv_cp_plan_id") == key]
        visit = _latest(of_plan, "cppv_cp_visit_date")
        reviews = [r for r in life.of("cp_reviews") if text(r, "cppr_cp_plan_id") == key]
        yield (
            *self._who(life),
            self._disability(life),
            day(row, "cppl_cp_plan_start_date"),
            a.ABUSE[text(row, "cppl_cp_plan_initial_category")],
            a.ABUSE[text(row, "cppl_cp_plan_latest_category")],
            day(visit, "cppv_cp_visit_date"),
            _coded(text(visit, "cppv_cp_visit_seen_alone")) if visit else None,
            max((d for r in reviews if (d := day(r, "cppr_cp_review_date"))), default=None),
            day(row, "cppl_cp_plan_end_date"),
            _yes(self._emergency(life)),
            len(plans) - 1,
            *self._held_by(life),
        )

    def _emergency(self, life: Life) -> bool:
        return any(
            text(row, "lega_legal_status") in _EMERGENCY and self._current(day(row, "lega_legal_status_end_date"))
            for row in life.of("legal_status")
        )

    def in_care(self, life: Life) -> Iterator[Line]:
        episodes = life.episodes()
        if not episodes or not self._current(episodes[-1].end):
            return
        last = episodes[-1]
        period = [e for e in episodes if e.period == last.period]
        start = period[0].start
        again = any(e.end and e.end > self.year and e.period != last.period for e in episodes)
        since = max((e.end for e in period if e.end and e.status != last.status), default=start)
        placed = sure(last.placement, "clap_cla_placement_start_date")
        moves = [sure(row, "clap_cla_placement_start_date") for row in life.of("cla_placement")]
        reviews = [r for r in life.of("cla_reviews") if text(r, "clar_cla_id") == last.period]
        visits = [v for v in life.of("cla_visits") if text(v, "clav_cla_id") == last.period]
        care_plan = _latest(life.of("cla_care_plan"), "lacp_cla_care_plan_start_date")
        contacts = [day(row, "clae_cla_last_iro_contact_date") for row in life.of("cla_episodes")]
        kind, provider = (text(last.placement, f"clap_cla_placement_{c}") for c in ("type", "provider"))
        yield (
            *self._who(life),
            _yes(life.unaccompanied),
            self._disability(life),
            start,
            a.NEED[last.need],
            _yes(again),
            since,
            a.LEGAL[last.status],
            max((d for r in reviews if (d := day(r, "clar_cla_review_date"))), default=None),
            day(_latest(visits, "clav_cla_visit_date"), "clav_cla_visit_date"),
            _permanence(care_plan),
            max((d for d in contacts if d), default=None),
            max(self._checks(life, *_CHECKED), default=None),
            max(self._checks(life, "Dental Check"), default=None),
            sum(self._recent(d, self.year) for d in moves),
            last.end,
            a.CEASED[last.ceased] if last.end else None,
            placed,
            a.PLACEMENT[kind],
            a.PROVIDER[provider],
            text(last.placement, "clap_cla_placement_postcode"),
            text(last.placement, "clap_cla_placement_urn") or None,
            "a) In",
            self.truth.la,
            *self._missing(life),
            *self._held_by(life),
        )

    def _checks(self, life: Life, *labels: str) -> Iterator[date]:
        for row in life.of("cla_health"):
            done = text(row, "clah_health_check_status") == "Completed"
            on = sure(row, "clah_health_check_date")
            if done and on <= self.today and text(row, "clah_health_check_type") in labels:
                yield on

    def _missing(self, life: Life) -> Line:
        found = life.of("missing")
        recent = [r for r in found if self._recent(sure(r, "miss_missing_episode_start_date"), self.year)]
        kinds = [text(r, "miss_missing_episode_type") for r in recent]
        ended = [r for r in found if day(r, "miss_missing_episode_end_date")]
        last = _latest(ended, "miss_missing_episode_start_date")
        offered, accepted = (text(last, f"miss_missing_rhi_{c}") for c in ("offered", "accepted"))
        answers = (_coded(offered) if last else None, _coded(accepted) if accepted else None)
        return (kinds.count("Missing"), kinds.count("Away"), *answers)

    def leavers(self, life: Life) -> Iterator[Line]:
        """Those still looked after ("eligible") are in the list of children in care alone."""
        for row in life.of("care_leavers"):
            category = a.LEAVER.get(text(row, "clea_care_leaver_eligibility"))
            if category is None:
                continue
            lives, does = (text(row, f"clea_care_leaver_{c}") for c in ("accommodation", "activity"))
            yield (
                *self._who(life),
                _yes(life.unaccompanied),
                self._disability(life),
                *self._held_by(life),
                text(row, "clea_care_leaver_personal_advisor") or None,
                category,
                day(row, "clea_pathway_plan_review_date"),
                a.IN_TOUCH.get(text(row, "clea_care_leaver_in_touch")),
                day(row, "clea_care_leaver_latest_contact"),
                a.LIVES.get(lives[:1]),
                a.SUITS.get(text(row, "clea_care_leaver_accom_suitable")),
                a.DOES.get(does),
            )

    def adoption(self, life: Life) -> Iterator[Line]:
        for row in life.of("permanence"):
            names = ("adm_decision_date", "placement_order_date", "matched_date", "placed_for_adoption_date")
            steps = [day(row, f"perm_{name}") for name in names]
            over = day(row, "perm_permanence_order_date") or day(row, "perm_decision_reversed_date")
            if over and not any(self._recent(step, self.year) for step in (*steps, over)):
                continue
            period = [e for e in life.episodes() if e.period == text(row, "perm_cla_id")]
            adopted, given_up = (day(row, f"perm_{name}_date") for name in ("permanence_order", "decision_reversed"))
            reason = "RD4 - Any other reason" if given_up else None
            who = self._who(life)
            family = text(life.of("family")[0], "fami_family_id")
            disabled = self._disability(life)
            yield (who[0], family, *who[1:], disabled, period[0].start, *steps, adopted, given_up, reason, None)


_MAKERS: Final[Mapping[int, Callable[[_Lists, Life], Iterator[Line]]]] = {
    1: _Lists.contacts,
    3: _Lists.referrals,
    4: _Lists.assessments,
    5: _Lists.enquiries,
    6: _Lists.in_need,
    7: _Lists.protection,
    8: _Lists.in_care,
    9: _Lists.leavers,
    10: _Lists.adoption,
}
"""No early help and no adopters are made up: those lists have a heading and no line."""


def _yes(value: bool) -> str:
    return a.YES if value else a.NO


def _coded(flag: str) -> str:
    return {"Y": a.YES, "N": a.NO}.get(flag, a.UNKNOWN)


def _before(days: Iterable[date], on: date) -> int:
    """How many came in the twelve months before that day."""
    return sum(months_back(on, 12) <= found < on for found in days)


def _latest(rows: Iterable[Row], column: str) -> Row | None:
    return max(rows, key=lambda row: sure(row, column), default=None)


def _own_plans(life: Life) -> list[Row]:
    return [row for row in life.of("cp_plans") if text(row, "cppl_cp_plan_ola") != "Y"]


def _seen(life: Life) -> Iterator[date]:
    """The days of all visits at which the child was seen."""
    for table, start in (("cin_visits", "cinv_cin"), ("cp_visits", "cppv_cp"), ("cla_visits", "clav_cla")):
        yield from (
            sure(row, f"{start}_visit_date") for row in life.of(table) if text(row, f"{start}_visit_seen") == "Y"
        )


def _permanence(row: Row | None) -> str | None:
    plans = json.loads(text(row, "lacp_cla_care_plan_json") or "{}")
    return next((a.PERMANENCE[code] for code in plans if code in a.PERMANENCE), None)


def lists(truth: Truth) -> dict[int, list[Line]]:
    """The lines of every list, in the layout of January 2024."""
    made, found = _Lists(truth), {number: list[Line]() for number in a.LISTS}
    for life in truth.lives():
        for number, line in made.of(life):
            found[number].append(line)
    return found


def _laid_out(number: int, lines: Sequence[Line], layout: a.Layout) -> tuple[Sequence[str], Iterator[Line]]:
    """The headings and lines of a list in a layout."""
    kept = [n for n, name in enumerate(a.LISTS[number]) if layout == "2024" or name not in a.ONLY_2024]
    return [a.LISTS[number][n] for n in kept], (tuple(line[n] for n in kept) for line in lines)


def write_workbook(path: Path, truth: Truth, layout: a.Layout = "2024") -> None:
    """One sheet a list. In the layout of 2019 a title stands above the headings, and the sheets are
    named ``List_1``."""
    from xlsxwriter import Workbook  # type: ignore[import-untyped]  # nothing for a daemon to hold

    book = Workbook(path, {"default_date_format": "dd/mm/yyyy", "strings_to_numbers": False, "in_memory": False})
    book.set_properties({"created": datetime(truth.today.year, truth.today.month, truth.today.day)})  # noqa: DTZ001
    for number, lines in lists(truth).items():
        headings, laid_out = _laid_out(number, lines, layout)
        sheet = book.add_worksheet(f"List_{number}" if layout == "2019" else f"List {number}")
        first = 0
        if layout == "2019":
            sheet.write_string(0, 0, f"List {number}: {a.TITLES[number]}")
            first = 1
        sheet.write_row(first, 0, headings)
        for n, line in enumerate(laid_out, first + 1):
            sheet.write_row(n, 0, line)
    book.close()


def write_csv(folder: Path, truth: Truth, layout: a.Layout = "2024") -> None:
    """One file a list, ``list_1.csv`` and so on; dates as dd/mm/yyyy."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, lines in lists(truth).items():
        headings, laid_out = _laid_out(number, lines, layout)
        with (folder / f"list_{number}.csv").open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\r\n")
            writer.writerow(headings)
            writer.writerows(
                ["" if c is None else f"{c:%d/%m/%Y}" if isinstance(c, date) else c for c in line] for line in laid_out
            )
