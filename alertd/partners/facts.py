"""What can be said of a case to an agency, taken from its records: days, moments, known codes and contacts.

A :class:`Fact` is made in this module alone, and only of those: never of what somebody wrote in their own words. A
field of records that may hold anything, as a placement type, is a fact only where it is one of the codes known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass
from datetime import date, datetime
from typing import Final, final

from alertd.cases.records import LONDON, CaseFile, Record, local_day
from alertd.language import ENGLISH, Language
from alertd.partners.codes import EVENTS, LEGAL_STATUS, PLACEMENT, Code

_MAKER: Final = object()
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,59}")


@final
@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that may be said, in the words of the reader's language. Made in this module alone."""

    text: str
    made_by: InitVar[object]

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _MAKER:
            raise TypeError("a fact is made from a record, by alertd.partners.facts alone")


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not recorded, or is in doubt: why, and where to look. No personal data in ``why``."""

    why: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Withheld:
    """What could show where a child lives who must not be found. It has no text at all."""


Found = Fact | Missing | Withheld


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ring or write to. ``team``: it is a team, whose name may say what kind of case this is."""

    name: str
    address: str = ""
    telephone: str = ""
    team: bool = False

    @property
    def text(self) -> str:
        """As it stands in a mail."""
        return ", ".join(part for part in (self.name, self.telephone, self.address) if part)


@dataclass(frozen=True, slots=True)
class Case:
    """One child's records, and the one that an agency is told about.

    ``worker`` and ``authority`` are whom to ask. ``veiled`` says why nothing may show where the child lives; blank
    where nothing forbids it.
    """

    file: CaseFile
    record: Record
    today: date
    worker: Contact | None = None
    authority: Contact | None = None
    veiled: str = ""
    language: Language = ENGLISH

    def fact(self, field: str) -> Found:
        """The field, where the records can give it. Raises KeyError for one without an extractor."""
        if self.veiled and field in PLACES:
            return Withheld()
        return EXTRACTORS[field](self)


PLACES: Final = frozenset({"placement_type", "setting", "arranged_by", "school_move", "event_type"})
"""Fields that can show where a child lives, or that adopters have the child."""


def why_veiled(file: CaseFile, today: date, restricted: str) -> str:
    """Why nothing may show where the child lives: a restriction, or an adoption under way or made; else blank."""
    if restricted:
        return restricted
    placements = list(file.of("placement"))
    latest = max((r.day("start") or date.min for r in placements), default=None)
    for record in placements:
        end = record.day("end")
        # Such a placement ends with the adoption order, and what was said then would show who adopted the child.
        last = (record.day("start") or date.min) == latest
        if str(record.get("type"))[:1] == "A" and (end is None or end > today or last):
            return "the child is placed for adoption"
    for record in file.of("agency_trigger"):
        if record.get("type") == "adoption_placement" and record.get("withdrawn") is None:
            return "an adoptive placement is arranged"
    return ""


def find(file: CaseFile, ref: str) -> Record | None:
    """The record that ``kind:key`` names."""
    return next((r for r in file.records if r.ref == ref), None)


def full_day(value: date, language: Language) -> str:
    """``Tuesday 24 November 2026``: a day, or the London day of a moment."""
    return language.day(local_day(value), "EEEE d MMMM y")


def _said(case: Case, english: str) -> Fact:
    return Fact(case.language.say(english), _MAKER)


def _day(case: Case, record: Record | None, *fields: str) -> Found:
    """The first of these fields that is recorded, as a day. One in doubt stands in the way of those after it."""
    if record is None:
        return Missing("no record says it")
    for field in fields:
        if doubt := record.doubt(field):
            return Missing(f"{field} {doubt.why}", record.where)
        if day := record.day(field):
            return Fact(full_day(day, case.language), _MAKER)
    return Missing(f"{fields[0]} is not recorded", record.where)


def _code(case: Case, record: Record | None, field: str, known: Mapping[str, Code]) -> Found:
    if record is None:
        return Missing("no record says it")
    value = record.get(field)
    code = known.get(str(value)) if isinstance(value, str) else None
    if code is None:
        why = f"{field} is not recorded" if value is None else f"{field} holds no known code"
        return Missing(why, record.where)
    return Fact(code.text(case.language), _MAKER)


def _reference(case: Case) -> Found:
    ref = case.file.child
    return Fact(ref, _MAKER) if _REFERENCE.fullmatch(ref) else Missing("the reference cannot be written in a mail")


def _worker(case: Case) -> Found:
    # The name of a team can say adoption, or refuge.
    own = None if case.worker is not None and case.worker.team and case.veiled else case.worker
    return _contact(own or case.authority, "nobody holds the case, and the settings give no contact of the authority")


def _authority(case: Case) -> Found:
    return _contact(case.authority, "the settings give no contact of the authority")


def _contact(contact: Contact | None, otherwise: str) -> Found:
    return Fact(contact.text, _MAKER) if contact else Missing(otherwise, "[partners] contact")


def _begins(case: Case) -> Found:
    fields = {"agency_trigger": ("takes_effect", "happened"), "missing": ("start",), "cp_plan": ("start",)}
    record = case.record
    known = fields.get(record.kind, ("start", "happened"))
    there = [name for name in known if name in record.values or record.doubt(name)]
    return _day(case, record, *(there or known[:1]))


def _open(case: Case, kind: str) -> Record | None:
    """The record of a state that has begun and not ended; the latest begun."""
    found = []
    for record in case.file.of(kind):
        start, end = record.day("start"), record.day("end")
        if start is not None and start <= case.today and (end is None or end > case.today) and not record.doubt("end"):
            found.append((start, record.key, record))
    return max(found)[2] if found else None


_STATUS: Final = (
    ("care_period", "The child is looked after"),
    ("cp_plan", "The child has a child protection plan"),
    ("cin_plan", "The child has a child in need plan"),
    ("allocation", "The child has a social worker"),
)


def _status(case: Case) -> Found:
    for kind, words in _STATUS:
        if _open(case, kind):
            return _said(case, words)
    return Missing("no open care, plan or allocation is recorded")


def _legal_status(case: Case) -> Found:
    return _code(case, _open(case, "legal_status"), "status", LEGAL_STATUS)


def _placement(case: Case) -> Record | None:
    """The placement it is about: the record itself, or the one with the key of the trigger."""
    if case.record.kind == "placement":
        return case.record
    return find(case.file, f"placement:{case.record.key}")


def _placement_type(case: Case) -> Found:
    return _code(case, _placement(case), "type", PLACEMENT)


def _placement_start(case: Case) -> Found:
    if case.record.kind == "agency_trigger":
        return _day(case, case.record, "takes_effect")
    return _day(case, _placement(case), "start")


def _placement_end(case: Case) -> Found:
    if case.record.kind == "agency_ending":
        return _day(case, case.record, "happened")
    return _day(case, _placement(case), "end")


def _plan(case: Case) -> Record | None:
    """The plan or time in care that it is about, else the plan that is open."""
    if case.record.kind in ("cp_plan", "care_period"):
        return case.record
    for kind in ("cp_plan", "care_period"):
        if about := find(case.file, f"{kind}:{case.record.key}"):
            return about
    return _open(case, "cp_plan")


def _plan_type(case: Case) -> Found:
    ended = {"plan_ended": "Child protection plan", "care_ended": "Looked after"}.get(str(case.record.get("type")))
    plan = _plan(case)
    if ended or plan:
        return _said(case, ended or ("Child protection plan" if plan and plan.kind == "cp_plan" else "Looked after"))
    return Missing("no open plan is recorded")


def _plan_start(case: Case) -> Found:
    return _day(case, _plan(case), "start")


def _plan_end(case: Case) -> Found:
    if case.record.kind == "agency_ending":
        return _day(case, case.record, "happened")
    return _day(case, _plan(case), "end")


def _next_conference(case: Case) -> Found:
    ahead = [
        day
        for record in case.file.of("cp_review")
        if (day := record.day("due_on")) and day >= case.today and not record.day("happened")
    ]
    return Fact(full_day(min(ahead), case.language), _MAKER) if ahead else Missing("no date is booked")


def _return_time(case: Case) -> Found:
    episode = case.record if case.record.kind == "missing" else None
    end = episode.get("end") if episode else None
    if isinstance(end, datetime):
        return Fact(f"{full_day(end, case.language)}, {end.astimezone(LONDON):%H:%M}", _MAKER)
    return _day(case, episode, "end")


def _event_type(case: Case) -> Found:
    about = case.record if case.record.kind in ("agency_trigger", "agency_ending") else None
    return _code(case, about, "type", EVENTS)


def _without_school(case: Case) -> Found:
    return _day(case, case.record if case.record.kind == "out_of_school" else None, "start")


def _consent_refused(case: Case) -> Found:
    if case.record.kind == "health_assessment" and case.record.get("status") == "refused":
        return _said(case, "Consent to a health assessment was refused or lapsed")
    return Missing("no refusal is recorded", case.record.where)


EXTRACTORS: Final[Mapping[str, Callable[[Case], Found]]] = {
    "reference": _reference,
    "worker_contact": _worker,
    "next_worker_contact": _worker,
    "authority_contact": _authority,
    "trigger_date": _begins,
    "status": _status,
    "legal_status": _legal_status,
    "placement_type": _placement_type,
    "placement_start": _placement_start,
    "placement_end": _placement_end,
    "plan_type": _plan_type,
    "plan_start": _plan_start,
    "plan_end": _plan_end,
    "next_conference": _next_conference,
    "return_time": _return_time,
    "event_type": _event_type,
    "days_without_school": _without_school,
    "consent_refused": _consent_refused,
}
"""The fields that records can give. All others are documents, or somebody's own words: the worker sends those."""
