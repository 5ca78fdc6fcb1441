"""What an entry is told from: one child's records as they are looked up, and the remarks each record calls for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from alertd.cases.kinds import KINDS
from alertd.cases.records import LONDON, CaseFile, Dispute, Record, in_words
from alertd.chronology.words import counted, upper_first, worded

Named = Callable[[str], str]
"""The name of a worker or team by its key in the feed."""

_ALSO_PLACED_BY: Final = {"child": "expected", "strategy_discussion": "happened", "assessment": "authorised"}
"""The field that places a record in time where the one that begins it is blank."""

_MAY_LIE_AHEAD: Final = frozenset({"planned_session", "appointment"})
"""Events whose day may be one that was set for them."""

_BEFORE_BIRTH: Final = timedelta(days=300)


@dataclass(frozen=True, slots=True)
class Telling:
    """One child's records, looked up by kind and by name, on a day."""

    case: CaseFile
    today: date
    named: Named
    by_kind: dict[str, list[Record]]
    by_ref: dict[str, Record]
    disputes: dict[str, list[Dispute]]
    born: date | None

    @classmethod
    def of(cls, case: CaseFile, today: date, named: Named) -> Telling:
        """Everything looked up once."""
        by_kind = case.by_kind()
        disputes: dict[str, list[Dispute]] = {}
        for dispute in case.disputes:
            disputes.setdefault(f"{dispute.kind}:{dispute.key}", []).append(dispute)
        born = next((r.day("born") for r in by_kind.get("child", ()) if r.day("born")), None)
        return cls(case, today, named, by_kind, {r.ref: r for r in case.records}, disputes, born)

    def linked(self, record: Record, field: str) -> Record | None:
        """The record that a field holds the key of."""
        links, key = KINDS[record.kind].field(field), record.get(field)
        return self.by_ref.get(f"{links.links}:{key}") if links and key is not None else None

    def day(self, record: Record) -> date | None:
        """The day a record is told on; None where it has no date, or one that cannot be right."""
        return None if self.why_undated(record) else begun(record)

    def dated(self, kind: str) -> list[tuple[date, Record]]:
        """The records of a kind that have a day, in order."""
        found = [(day, r) for r in self.by_kind.get(kind, ()) if (day := self.day(r))]
        return sorted(found, key=lambda each: (each[0], each[1].key))

    def why_undated(self, record: Record) -> str:
        """Why a record cannot be placed in time, as a sentence; blank where it can."""
        kind = KINDS[record.kind]
        day = begun(record)
        if day is None:
            doubt = record.doubt(kind.begins)
            if doubt is None:
                return "No date is recorded for it."
            beyond = doubt.cause == "window"
            return f"{'Its date is not known here' if beyond else 'Its date cannot be used'}: {doubt.why}."
        if day > self.today and kind.begins == "happened" and record.kind not in _MAY_LIE_AHEAD and day == _own(record):
            return f"It is dated {in_words(day)}, which has not come yet."
        if self.born and day < self.born - _BEFORE_BIRTH and record.kind != "child":
            return f"It is dated {in_words(day)}, long before the child was born."
        return ""

    def remarks(self, record: Record, told: Iterable[str] = ()) -> Iterator[str]:
        """A sentence for whatever the record says beyond ``told``, and for what is wrong with it."""
        yield from _rest(record, {*told, "recorded"})
        for doubt in record.doubts:
            if doubt.field != KINDS[record.kind].begins or begun(record):
                yield f"Its {doubt.field.replace('_', ' ')} is in doubt: {doubt.why}."
        for dispute in self.disputes.get(record.ref, ()):
            about = f"its {dispute.field.replace('_', ' ')}" if dispute.field else "whether it was so"
            yield f"The feeds do not agree on {about}: see {dispute.where} and {dispute.other}."

    def timing(self, record: Record) -> Iterator[str]:
        """A sentence for whatever has to be known of when it was."""
        if why := self.why_undated(record):
            yield why
            return
        kind = KINDS[record.kind]
        begins, day = record.get(kind.begins), begun(record)
        if isinstance(begins, datetime):
            yield f"At {begins.astimezone(LONDON):%H:%M}."
        if begins is None and record.kind not in ("child", "strategy_discussion") and not is_booking(record):
            yield "The day it began is not recorded."
        if day and day > self.today and not is_booking(record):
            yield "This lies ahead."
        due = record.day("due_on")
        if due and day and kind.begins == "happened" and due != day:
            away = f"{counted(abs((day - due).days), 'day')} {'after' if day > due else 'before'}"
            yield f"Held {away} the date set for it ({in_words(due)})."


def _own(record: Record) -> date | None:
    return record.day(KINDS[record.kind].begins)


def begun(record: Record) -> date | None:
    """The day a record is placed on: that it began or happened, else that it was booked for."""
    day = _own(record)
    if day is None and (other := _ALSO_PLACED_BY.get(record.kind)):
        day = record.day(other)
    return record.day("due_on") if day is None and is_booking(record) else day


def is_booking(record: Record) -> bool:
    """Whether it is a meeting with a date set and none on which it was held."""
    kind = KINDS[record.kind]
    return kind.begins == "happened" and "happened" not in record.values and "due_on" in record.values


def moment(record: Record) -> datetime | None:
    """When it began, where the time of day is recorded."""
    begins = record.get(KINDS[record.kind].begins)
    return begins if isinstance(begins, datetime) else None


def recorded_late(record: Record) -> int | None:
    """The days from when it happened to when it was entered; None where that is unknown or none."""
    day, recorded = _own(record), record.day("recorded")
    return (recorded - day).days if day and recorded and recorded > day else None


def _rest(record: Record, told: set[str]) -> Iterator[str]:
    """What else the record holds, field by field. Links are told where they tell something."""
    kind = KINDS[record.kind]
    for field in kind.fields:
        value = record.get(field.name)
        booked = field.name == "due_on" and kind.begins == "happened"
        plain = booked or field.name in (kind.begins, kind.ends) or field.links
        if value is None or plain or field.name in told:
            continue
        if value is False and (name := f"{kind.name}.{field.name}") in _NOT:
            if _NOT[name]:
                yield _NOT[name]
            continue
        meaning = _SHORT.get(f"{kind.name}.{field.name}") or upper_first(field.meaning.partition(";")[0])
        yield f"{meaning}." if value is True else f"{meaning}: {worded(value)}."


_SHORT: Final = {
    "agency_notice.acknowledged": "Acknowledged",
    "conference_decisions.sent": "Decisions sent out",
    "conference_report.due_on": "For the conference of",
    "conference_report.shared": "Shared with the family and the chair",
    "cp_plan.conference": "Its initial conference",
    "partner_referral.answered": "Answered",
    "planned_action.decided": "Planned on",
    "review_record.answered": "A manager answered",
    "review_record.decisions": "Decisions sent out",
    "review_record.distributed": "Full record sent out",
    "review_record.visitor": "Independent visitor or advocate considered",
    "review_record.written": "Full record finished",
    "strategy_discussion.happened": "Held",
}
"""What is said before a value, where the field's meaning is long or reads badly there."""

_NOT: Final = {
    "cp_plan.other_authority": "",
    "cp_visit.bedroom_seen": "The child's bedroom was not seen.",
}
"""What is said where something was not so; blank where that goes without saying."""
