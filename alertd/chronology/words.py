"""Small words: values, spans of time and titles, as they stand in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from alertd.cases import codes
from alertd.cases.kinds import KINDS
from alertd.cases.records import Record, Value, in_words

_CODES: Final = {"nfa": "no further action", "no_conference": "no conference", "CW": "lead worker"}


def upper_first(text: str) -> str:
    """With its first letter a capital."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """With its first letter small."""
    return text[:1].lower() + text[1:]


def title(kind: str) -> str:
    """What a kind is called in a line of a chronology: its title, without what explains it."""
    return _TITLES.get(kind) or KINDS[kind].title


_TITLES: Final = {
    "access_request": "Subject access request",
    "adoption_authority": "Authority to place for adoption",
    "agency_ending": "Ending that agencies have to be told of",
    "agency_link": "Agency that has to do with the child",
    "appointment": "Health or dental appointment",
    "audit": "Case-file audit",
    "cancellation": "A review, conference or core group was cancelled",
    "care_period": "Period of being looked after",
    "carer_approval": "Approval of a foster carer",
    "cla_visit": "Looked-after visit",
    "complaint": "Complaint",
    "detention": "Detention",
    "early_help": "Early help",
    "emergency_protection": "Emergency protection",
    "health_assessment": "Health assessment or check",
    "home_placement": "Placement with a parent",
    "iro_contact": "Contact with the independent reviewing officer",
    "leaver_contact": "Contact with the care leaver",
    "legal_status": "Legal status",
    "nts_transfer": "Transfer of an unaccompanied child to another authority",
    "partner_referral": "Referred to a partner's service",
    "placement": "Placement",
    "planned_session": "Session of a planned action",
    "pre_proceedings": "Pre-proceedings",
    "private_fostering": "Private fostering",
    "proceedings": "Care proceedings",
    "review_action": "Decision or recommendation to be carried out",
    "s47": "Section 47 enquiry",
    "sdq_standing": "Strengths and difficulties score",
    "short_break": "Short break",
    "short_breaks": "Programme of short breaks",
    "sighting": "Contact with the child by another agency",
    "special_approval": "Placement with a carer whose approval is for the time being",
    "staff_post": "Time in post of a member of staff",
    "strategy_discussion": "Strategy discussion",
    "supervision": "Supervision session of a member of staff",
    "unregistered_setting": "Stay in a setting that is not registered",
    "visit_request": "Request or reason for a visit",
    "worker_away": "The allocated worker has left or is away",
}


def worded(value: Value) -> str:
    """A value as it stands in a sentence."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return in_words(value)
    return _CODES.get(value, value.replace("_", " ")) if isinstance(value, str) else str(value)


def counted(n: int, thing: str) -> str:
    """``1 day``, ``3 days``."""
    return f"{n} {thing}" + ("" if n == 1 else "s")


def span(first: date, last: date) -> str:
    """How long it is from one day to another: ``1 year and 3 months``, ``12 days``."""
    months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
    years, months = divmod(months, 12)
    parts = [counted(n, unit) for n, unit in ((years, "year"), (months, "month")) if n]
    return " and ".join(parts) if parts else counted((last - first).days, "day")


def place(record: Record) -> str:
    """Where a placement is, by its code."""
    return _meaning(record.get("type"), codes.PLACEMENT, "placement", "a placement of a kind that is not recorded")


def status(record: Record) -> str:
    """A legal status, by its code."""
    found = record.get("status")
    return _meaning(found, codes.LEGAL_STATUS, "legal status", "a legal status that is not recorded")


def change_reason(record: Record) -> str:
    """Why a placement ended, as a clause; blank where that is not recorded."""
    found = record.get("change_reason")
    if found is None:
        return ""
    return codes.CHANGE_REASON.get(str(found).upper(), f"of the reason recorded as {found}")


def _meaning(code: Value | None, known: Mapping[str, str], thing: str, otherwise: str) -> str:
    if code is None:
        return otherwise
    return known.get(str(code).upper()) or f"{thing} recorded as {code}"
