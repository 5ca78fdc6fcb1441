"""An authority's own lists: what no national dataset holds, as a folder of CSV files, one for each kind of record.

What is told here is made up beside the lives, child by child, and fits them: core groups within a plan, interviews
after an episode, needs from an assessment and what was done about them. Most is in time, some is late, a little was
never done. Columns are ``child``, ``key`` and the fields of the kind.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from alertd.calendars.calendar import Calendar, calendar_for
from alertd.cases.kinds import KINDS
from alertd.synth.dice import Dice
from alertd.synth.feeds.truth import Life, Truth, day, sure, text
from alertd.synth.world import Row

Cell = date | str | bool | int | None
Told = Iterator[tuple[str, str, dict[str, Cell]]]
"""Kind, key and fields."""

_NEEDS: Final = ("parenting", "emotional_health", "housing", "school", "substance_misuse", "safety")
_LATE, _NEVER = 0.06, 0.03


class _Lists:
    """What the lists say of one child. Its chance comes from the child's number alone."""

    def __init__(self, truth: Truth, life: Life, calendar: Calendar) -> None:
        self.truth, self.life, self.today, self.calendar = truth, life, truth.today, calendar
        self.dice = Dice(int(life.id))

    def records(self) -> Told:
        for make in _MAKERS:
            for kind, key, fields in make(self):
                if (begins := fields[KINDS[kind].begins]) is not None and _day(begins) <= self.today:
                    yield kind, key, {name: self._past(name, cell) for name, cell in fields.items()}

    def _past(self, name: str, cell: Cell) -> Cell:
        """What lies ahead is not recorded yet, except for a booking."""
        ahead = isinstance(cell, date) and _day(cell) > self.today
        return None if ahead and name != "due_on" else cell

    def _work(self, on: date, days: int) -> date:
        return self.calendar.add_working_days(on, days)

    def _within(self, on: date, days: int) -> date | None:
        """So many working days at most after a day; now and then more, or never."""
        if self.dice.chance(_NEVER):
            return None
        return self._work(
            on, self.dice.among(days + 1, 2 * days + 3) if self.dice.chance(_LATE) else self.dice.among(1, days)
        )

    def _every(self, first: date | None, end: date | None, days: int) -> Iterator[date]:
        """From a first day on, every so many days, until the end or today."""
        on, last = first, min(end or self.today, self.today)
        while on and on <= last:
            yield on
            on = self._work(on + timedelta(self.dice.among(days * 7 // 10, days)), 1)

    def referral_decisions(self) -> Told:
        for row in self.life.of("cin_episodes"):
            key = text(row, "cine_referral_id")
            if on := self._within(sure(row, "cine_referral_date"), 1):
                yield "referral_decision", f"{key}-1", {"happened": on, "referral": key}

    def supervisions(self) -> Told:
        for row in self.life.of("cin_episodes"):
            first, end = sure(row, "cine_referral_date") + timedelta(20), day(row, "cine_close_date")
            for n, on in enumerate(self._every(first, end, 31), 1):
                yield "case_supervision", f"{text(row, 'cine_referral_id')}-{n}", {"happened": on}

    def needs(self) -> Told:
        """A need or two of each assessment that found one, what was planned for it, done, and came of it."""
        for row in self.life.of("cin_assessments"):
            found = day(row, "cina_assessment_auth_date")
            if found is None or text(row, "cina_assessment_outcome_nfa") != "N":
                continue
            for n in range(1, self.dice.among(1, 2) + 1):
                key, type_ = f"{text(row, 'cina_assessment_id')}-{n}", self.dice.one_of(_NEEDS)
                closed = found + timedelta(self.dice.among(90, 400))
                yield "need", key, {"happened": found, "closed": closed, "type": type_}
                if decided := self._within(found, 10):
                    yield from self._action(key, type_, decided, closed)

    def _action(self, need: str, type_: str, decided: date, end: date) -> Told:
        key, start = f"{need}-A", decided + timedelta(self.dice.among(0, 14))
        fields: dict[str, Cell] = {"start": start, "end": end, "need": need, "type": type_, "decided": decided}
        yield "planned_action", key, fields
        for n, on in enumerate(self._every(self._within(start, 10), end, 35), 1):
            yield "delivery", f"{key}-{n}", {"happened": on, "planned_action": key}
        if self.dice.chance(0.8):
            yield "outcome", f"{key}-O", {"happened": end, "planned_action": key}

    def conferences(self) -> Told:
        for row in self.life.of("initial_cp_conference"):
            key, held = text(row, "icpc_icpc_id"), day(row, "icpc_icpc_date")
            due = held or sure(row, "icpc_icpc_target_date")
            asked = self._work(due, -10)
            fields: dict[str, Cell] = {"start": asked, "end": held, "type": "initial", "due_on": due}
            shared = self._work(due, -self.dice.among(2, 5)) if self.dice.chance(0.9) else None
            yield "conference_report", f"{key}-R", {**fields, "shared": shared}
            if held:
                yield "conference_decisions", f"{key}-D", {"happened": held, "sent": self._within(held, 1)}

    def core_groups(self) -> Told:
        for row in self.life.of("cp_plans"):
            first = self._within(sure(row, "cppl_cp_plan_start_date"), 10)
            for n, on in enumerate(self._every(first, day(row, "cppl_cp_plan_end_date"), 42), 1):
                recorded = self._work(on, self.dice.among(0, 4))
                yield "core_group", f"{text(row, 'cppl_cp_plan_id')}-{n}", {"happened": on, "recorded": recorded}

    def reviewing_officers(self) -> Told:
        for row in self.life.of("involvements"):
            if text(row, "invo_professional_role_id") == "IRO":
                span = {"start": day(row, "invo_involvement_start_date"), "end": day(row, "invo_involvement_end_date")}
                yield "iro", text(row, "invo_involvements_id"), {**span}

    def review_records(self) -> Told:
        for row in self.life.of("cla_reviews"):
            if held := day(row, "clar_cla_review_date"):
                steps = {"decisions": 5, "answered": 10, "written": 15, "distributed": 20, "visitor": 5}
                on = {name: self._within(held, n) for name, n in steps.items()}
                written, sent = on["written"], on["distributed"]
                on["distributed"] = max(sent, written) if sent and written else None  # what is not written is not sent
                fields: dict[str, Cell] = {**on}
                yield "review_record", text(row, "clar_cla_review_id"), {"happened": held, **fields}

    def placement_plans(self) -> Told:
        for e in self.life.episodes():
            key = text(e.placement, "clap_cla_placement_id")
            placed = sure(e.placement, "clap_cla_placement_start_date")
            if not e.short_break and e.start == placed and (agreed := self._within(placed, 5)):
                yield "placement_plan", f"{key}-P", {"happened": agreed, "placement": key}

    def education(self) -> Told:
        for entry, end in self._care():
            if self.life.age(entry) >= 4 and (first := self._within(entry, 10)):
                key = f"{self.life.id}-{entry:%Y%m%d}"
                yield "pep", f"{key}-I", {"happened": first, "type": "initiated"}
                for n, on in enumerate(self._every(self._within(first, 10), end, 110), 1):
                    yield "pep", f"{key}-{n}", {"happened": on, "type": "meeting"}
                    if checked := self._within(on, 10):
                        yield "pep", f"{key}-{n}Q", {"happened": checked, "type": "quality_assured"}

    def health_papers(self) -> Told:
        for row in self.life.of("cla_health"):
            about = {"Initial Health Assessment": "initial", "Review Health Assessment": "review"}
            done = text(row, "clah_health_check_status") == "Completed"
            kind, on = about.get(text(row, "clah_health_check_type")), sure(row, "clah_health_check_date")
            if kind and done:
                key = text(row, "clah_health_check_id")
                asked, got = self._work(on, -self.dice.among(5, 14)), self._within(on, 10)
                consent = self.dice.chance(0.9)
                yield (
                    "health_paper",
                    f"{key}-Q",
                    {"happened": asked, "type": "request", "about": kind, "consent": consent},
                )
                if got:
                    yield "health_paper", f"{key}-R", {"happened": got, "type": "report", "about": kind}

    def _care(self) -> Iterator[tuple[date, date | None]]:
        spans: dict[str, tuple[date, date | None]] = {}
        for e in self.life.episodes():
            if not e.short_break:
                spans[e.period] = (spans.get(e.period, (e.start, None))[0], e.end)
        return iter(spans.values())

    def interviews(self) -> Told:
        """Held within the hours asked for, mostly; nobody can say what was said in one that was declined."""
        for row in self.life.of("missing"):
            back = row.get("miss_missing_episode_end_date")
            if isinstance(back, datetime) and text(row, "miss_missing_rhi_accepted") == "Y":
                key = text(row, "miss_table_id")
                hours = self.dice.among(73, 160) if self.dice.chance(_LATE) else self.dice.among(4, 70)
                yield "return_interview", f"{key}-H", {"happened": back + timedelta(hours=hours), "missing": key}

    def visits(self) -> Told:
        """The visits of the national dataset again, each with the day it was entered."""
        for kind, columns in (("cp_visit", "cppv_cp"), ("cin_visit", "cinv_cin"), ("cla_visit", "clav_cla")):
            for row in self.life.of(f"{kind}s"):
                on = sure(row, f"{columns}_visit_date")
                seen, alone = (_answer(row, f"{columns}_visit_{name}") for name in ("seen", "seen_alone"))
                entered = self._work(on, self.dice.among(6, 15) if self.dice.chance(_LATE) else self.dice.among(0, 4))
                fields: dict[str, Cell] = {"happened": on, "child_seen": seen, "seen_alone": alone}
                fields |= {
                    "recorded": min(entered, self.today),
                    "bedroom_seen": _answer(row, f"{columns}_visit_bedroom"),
                }
                yield kind, text(row, f"{columns}_visit_id"), fields


_MAKERS: Final[tuple[Callable[[_Lists], Told], ...]] = (
    _Lists.referral_decisions,
    _Lists.supervisions,
    _Lists.needs,
    _Lists.conferences,
    _Lists.core_groups,
    _Lists.reviewing_officers,
    _Lists.review_records,
    _Lists.placement_plans,
    _Lists.education,
    _Lists.health_papers,
    _Lists.interviews,
    _Lists.visits,
)
WRITTEN: Final = (
    *("referral_decision", "case_supervision", "need", "planned_action", "delivery", "outcome", "conference_report"),
    *("conference_decisions", "core_group", "iro", "review_record", "placement_plan", "pep", "health_paper"),
    *("return_interview", "cp_visit", "cin_visit", "cla_visit"),
)
"""The kinds of which a list is written, also where it has no row."""


def _day(value: object) -> date:
    assert isinstance(value, date)
    return value.date() if isinstance(value, datetime) else value


def _answer(row: Row, column: str) -> bool | None:
    return {"Y": True, "N": False}.get(text(row, column))


def _as_text(cell: Cell) -> str | int:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="minutes")
    return "" if cell is None else cell.isoformat() if isinstance(cell, date) else cell


def write(folder: Path, truth: Truth) -> None:
    """One file a kind, and ``windows.csv``: they speak for all days up to the truth's."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[list[str | int]]] = {kind: [] for kind in WRITTEN}
    calendar = calendar_for("england-and-wales")
    for life in truth.lives():
        for kind, key, fields in _Lists(truth, life, calendar).records():
            cells = [_as_text(fields.get(f.name)) for f in KINDS[kind].fields]
            found[kind].append([life.id, key, *cells])
    for kind, lines in found.items():
        _write(folder / f"{kind}.csv", ["child", "key", *(f.name for f in KINDS[kind].fields)], lines)
    until = truth.today.isoformat()
    _write(folder / "windows.csv", ["kind", "from", "to"], [[kind, "", until] for kind in WRITTEN])


def _write(path: Path, columns: list[str], lines: list[list[str | int]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows(lines)
