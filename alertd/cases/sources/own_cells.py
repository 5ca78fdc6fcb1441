"""Reading one cell of an authority's own list, by the field it is for.

Each reader gives the typed value, None for blank, or an :class:`Unreadable` that says why without
repeating the cell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from alertd.cases.kind import Field
from alertd.cases.records import LONDON, Unreadable, local_day
from alertd.cases.sources import cells
from alertd.cases.sources.cells import reference

_AGENCIES: Final = (
    "placement family_moved missing_on_register provider_event private_fostering_moved school_joined school_left "
    "worker_assigned key_stage_4_move remand homelessness_risk exploitation unaccompanied_arrival adoption_placement "
    "iro_dispute offender_risk ehc_move"
)
CODES: Final[Mapping[str, tuple[str, ...]]] = {
    "adoption_step.type": ("endorsed", "panel", "decision", "ended"),
    "agency_ending.type": (
        "placement_ended",
        "plan_ended",
        "care_ended",
        "looked_after_death",
        "leaver_death",
        "child_death",
    ),
    "agency_inbound.type": ("nhs_attendance", "long_stay", "long_stay_ended", "private_fostering", "offender_risk"),
    "agency_trigger.type": tuple(_AGENCIES.split()),
    "assessment.outcome": ("services", "nfa", "other"),
    "care_leaver.eligibility": ("eligible", "relevant", "former relevant", "qualifying", "none"),
    "complaint.step": (
        "stage1",
        "stage2",
        "panel",
        "report",
        "reply",
        "acknowledgement",
        "discussion",
        "terms",
        "formal",
    ),
    "conference_report.type": ("initial", "review"),
    "emergency_protection.type": ("police", "order", "extension"),
    "health_assessment.status": ("completed", "planned", "refused", "cancelled"),
    "health_assessment.type": ("initial", "review", "dental", "other"),
    "health_paper.about": ("initial", "review"),
    "health_paper.type": ("request", "report"),
    "home_placement.order": ("interim", "full", "none"),
    "missing.type": ("missing", "away"),
    "pep.type": ("initiated", "meeting", "quality_assured"),
    "planned_change.type": (
        "leaving_care",
        "leaving_secure",
        "leaving_custody",
        "plan_change",
        "iro_request",
        "concern",
    ),
    "s47.outcome": ("open", "conference", "no_conference"),
    "short_break_check.type": ("visit", "review"),
    "sibling_event.type": ("cp_plan", "cin_plan", "visit", "review"),
    "special_approval.type": ("connected", "connected_extended", "outside_terms"),
    "staff_post.role": ("worker", "new_worker", "manager"),
    "supervision_order.type": ("order", "extension"),
    "visit_request.type": ("regulator", "child", "carer", "other"),
    "worker_away.type": ("left", "suspended", "away"),
}
"""Fields that hold one of a few codes, as their meaning says. Any other text in them is in doubt: a misspelt code would
match no rule, and nobody would know."""

_UPPER: Final = frozenset({"allocation.role", "legal_status.status", "placement.type", "placement.change_reason"})
"""Fields that hold codes of the national returns, which are in capitals."""
_KEYS: Final = frozenset({"agency_notice.about"})
"""Fields that hold a key though not of one kind."""

_YEARS: Final = range(1901, 2200)  # 1900 and 9999 are what systems fill in for "none"
SLASHED: Final = re.compile(r"\s*(\d{1,2})/(\d{1,2})/\d")


def cell(kind: str, field: Field, value: object) -> object:
    """The cell as its field's type."""
    if isinstance(value, str) and not value.strip():
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        return Unreadable("holds bytes, not text")
    if field.type in ("date", "moment"):
        return _when(value, field.type == "moment")
    if field.type == "yes/no":
        return cells.yes_no(value)
    return _number(value) if field.type == "number" else _coded(f"{kind}.{field.name}", field, value)


def day(value: object) -> date | Unreadable | None:
    """A day, as a ``date`` field is read."""
    found = _when(value, False) if not isinstance(value, str) or value.strip() else None
    assert not isinstance(found, datetime)
    return found


def key(value: object) -> str | Unreadable | None:
    """A record's key, or a link to it. One that is a day or moment is written one way, however the cell writes it."""
    when = cells.moment(value) if isinstance(value, str | date) else None
    return written(when) if isinstance(when, date) else reference(value)


def written(value: date | datetime) -> str:
    """A day as ``2026-03-31``, a moment as ``2026-03-31T14:05`` of London: how keys are made and links may be given."""
    return f"{value.astimezone(LONDON):%Y-%m-%dT%H:%M}" if isinstance(value, datetime) else value.isoformat()


def _when(value: object, with_time: bool) -> date | datetime | Unreadable | None:
    try:
        found = cells.moment(value)
    except (OverflowError, ValueError):
        return Unreadable("is a day that does not exist")
    if isinstance(found, date):
        if found.year not in _YEARS:
            return Unreadable("has a year outside 1901 to 2199")
        return found if with_time else local_day(found)
    if isinstance(found, Unreadable) and isinstance(value, str) and SLASHED.match(value):
        return Unreadable("is not a day that exists, written dd/mm/yyyy")
    return found


def _number(value: object) -> int | Unreadable | None:
    found = cells.text(value)
    if found is None:
        return None
    whole = re.fullmatch(r"(-?\d{1,9})(\.0+)?", found)
    return int(whole[1]) if whole and not isinstance(value, bool) else Unreadable("is not a whole number")


def _coded(name: str, field: Field, value: object) -> str | Unreadable | None:
    if field.links or name in _KEYS:
        return key(value)
    found = reference(value)
    if not isinstance(found, str):
        return found
    if name in _UPPER:
        return found.upper()
    if name not in CODES:
        return found
    plain = re.sub(r"[\s_-]+", "_", found.lower())
    known = next((code for code in CODES[name] if code.replace(" ", "_") == plain), None)
    return known or Unreadable(f"is none of the codes {', '.join(CODES[name])}")
