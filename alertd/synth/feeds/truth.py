"""What the records know of each child on a day: the one truth that every feed is written from.

It is kept as the rows of the Standard Safeguarding Dataset, because that holds the most. A feed takes
from it what its own specification has room for, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from alertd.calendars.clock import age_on
from alertd.synth.world import Row

SHORT_BREAKS: Final = frozenset({"V3", "V4"})

_WHOSE: Final = {
    "ssd_disability": "disa_person_id",
    "ssd_contacts": "cont_person_id",
    "ssd_cin_episodes": "cine_person_id",
    "ssd_cin_assessments": "cina_person_id",
    "ssd_cin_plans": "cinp_person_id",
    "ssd_cin_visits": "cinv_person_id",
    "ssd_s47_enquiry": "s47e_person_id",
    "ssd_initial_cp_conference": "icpc_person_id",
    "ssd_cp_plans": "cppl_person_id",
    "ssd_cp_reviews": "cppr_person_id",
    "ssd_cp_visits": "cppv_person_id",
    "ssd_cla_episodes": "clae_person_id",
    "ssd_cla_placement": "clap_person_id",
    "ssd_legal_status": "lega_person_id",
    "ssd_cla_reviews": "clar_cla_person_id",
    "ssd_cla_visits": "clav_person_id",
    "ssd_cla_care_plan": "lacp_person_id",
    "ssd_cla_health": "clah_person_id",
    "ssd_cla_immunisations": "clai_person_id",
    "ssd_cla_substance_misuse": "clas_person_id",
    "ssd_immigration_status": "immi_person_id",
    "ssd_sdq_scores": "csdq_person_id",
    "ssd_missing": "miss_person_id",
    "ssd_care_leavers": "clea_person_id",
    "ssd_permanence": "perm_person_id",
    "ssd_involvements": "invo_person_id",
    "ssd_family": "fami_person_id",
    "ssd_address": "addr_person_id",
}
"""The column that says whose a row is."""

_FACTORS: Final = "ssd_assessment_factors"


def text(row: Row | None, column: str) -> str:
    """A cell as text; empty when nothing is recorded."""
    value = row.get(column) if row else None
    return "" if value is None else str(value)


def day(row: Row | None, column: str) -> date | None:
    """A cell as a day, or None."""
    value = row.get(column) if row else None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


def sure(row: Row, column: str) -> date:
    """A cell that always holds a day."""
    found = day(row, column)
    assert found is not None, column
    return found


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode of care as the looked-after return counts it: one placement under one legal status.

    ``period`` is the key of the period of care, ``reason`` why it began and ``ceased`` why it ended.
    """

    key: str
    period: str
    start: date
    end: date | None
    reason: str
    ceased: str
    need: str
    status: str
    placement: Row

    @property
    def short_break(self) -> bool:
        """Whether it is no period of care but short breaks."""
        return self.status in SHORT_BREAKS


@dataclass(frozen=True, slots=True)
class Life:
    """One child: the person's own row, and the rows about the child by table, oldest first."""

    id: str
    person: Row
    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    def of(self, table: str) -> Sequence[Row]:
        """The rows of one table, as ``cp_plans``."""
        return self.rows.get(f"ssd_{table}", ())

    @property
    def born(self) -> date | None:
        """The date of birth; None before it."""
        return day(self.person, "pers_dob")

    @property
    def disabled(self) -> bool:
        """Whether a disability is recorded."""
        return any(text(row, "disa_disability_code") != "NONE" for row in self.of("disability"))

    @property
    def unaccompanied(self) -> bool:
        """Whether the child sought asylum alone."""
        return any(text(row, "immi_immigration_status") == "UASC" for row in self.of("immigration_status"))

    def age(self, on: date) -> int:
        """Whole years; -1 before birth."""
        return age_on(self.born, on) if self.born and self.born <= on else -1

    def episodes(self) -> list[Episode]:
        """The episodes of care, in order."""
        placements = {text(row, "clap_cla_placement_id"): row for row in self.of("cla_placement")}
        found = [
            Episode(
                text(row, "clae_cla_episode_id"),
                text(row, "clae_cla_id"),
                sure(row, "clae_cla_episode_start_date"),
                day(row, "clae_cla_episode_ceased_date"),
                text(row, "clae_cla_episode_start_reason"),
                text(row, "clae_cla_episode_ceased_reason"),
                text(row, "clae_cla_primary_need_code"),
                self._status(sure(row, "clae_cla_episode_start_date")),
                placements[text(row, "clae_cla_placement_id")],
            )
            for row in self.of("cla_episodes")
        ]
        return sorted(found, key=lambda e: e.start)

    def _status(self, on: date) -> str:
        for row in self.of("legal_status"):
            start, end = sure(row, "lega_legal_status_start_date"), day(row, "lega_legal_status_end_date")
            if start <= on and (end is None or end > on):
                return text(row, "lega_legal_status")
        return ""


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything about an authority on ``today``. ``workers`` and ``teams`` are rows by key."""

    la: str
    today: date
    rows: Mapping[str, list[Row]]
    workers: Mapping[str, Row]
    teams: Mapping[str, Row]

    def lives(self) -> Iterator[Life]:
        """The children, by number. Their mothers are not among them."""
        found: dict[str, dict[str, list[Row]]] = {}
        for table, column in _WHOSE.items():
            for row in self.rows.get(table, ()):
                found.setdefault(text(row, column), {}).setdefault(table, []).append(row)
        factors = {text(row, "cinf_assessment_id"): row for row in self.rows.get(_FACTORS, ())}
        people = [row for row in self.rows["ssd_person"] if text(row, "pers_is_mother") != "Y"]
        for person in sorted(people, key=lambda row: text(row, "pers_person_id")):
            own = found.get(text(person, "pers_person_id"), {})
            assessed = (text(row, "cina_assessment_id") for row in own.get("ssd_cin_assessments", ()))
            own[_FACTORS] = [factors[key] for key in assessed if key in factors]
            yield Life(text(person, "pers_person_id"), person, own)

    def lead(self, life: Life) -> Row | None:
        """Who has the case: the allocation of a lead worker that is open, or else the latest there was."""
        held = [row for row in life.of("involvements") if text(row, "invo_professional_role_id") == "CW"]
        return max(held, key=_latest, default=None)

    def worker_name(self, row: Row | None) -> str:
        """The name of the worker of an allocation; empty where a team alone holds the case."""
        return text(self.workers.get(text(row, "invo_professional_id")), "prof_professional_name")

    def worker_number(self, row: Row | None) -> str:
        """The registration number of the worker of an allocation; empty where a team alone holds the case."""
        return text(self.workers.get(text(row, "invo_professional_id")), "prof_social_worker_registration_no")

    def team_name(self, row: Row | None) -> str:
        """The name of the team of an allocation."""
        return text(self.teams.get(text(row, "invo_professional_team")), "dept_team_name")


def _latest(row: Row) -> tuple[bool, date]:
    return day(row, "invo_involvement_end_date") is None, sure(row, "invo_involvement_start_date")


def truth(la: str, today: date, rows: Mapping[str, list[Row]]) -> Truth:
    """The truth that the rows of :func:`alertd.synth.tell_lives` tell."""
    workers = {text(row, "prof_professional_id"): row for row in rows.get("ssd_professionals", ())}
    teams = {text(row, "dept_team_id"): row for row in rows.get("ssd_department", ())}
    return Truth(la, today, rows, workers, teams)


def year_to(today: date) -> tuple[date, date]:
    """The latest year from 1 April to 31 March that has ended on that day or before."""
    end = date(today.year if (today.month, today.day) >= (3, 31) else today.year - 1, 3, 31)
    return date(end.year - 1, 4, 1), end
