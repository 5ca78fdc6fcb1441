"""Checks of one record at a time: what cannot be read, what is not there, and dates out of their order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alertd.cases.kinds import KINDS
from alertd.cases.records import CASES, Doubt, Record, in_words
from alertd.insight.check import Check, Hit, Look, begins, check


def _doubts(look: Look, cause: str) -> Iterator[tuple[Record, Doubt]]:
    """A doubt of cause ``window`` is nobody's to mend, and no check asks about it."""
    return ((r, d) for r in look.case.records for d in r.doubts if d.cause == cause)


@check("Value that cannot be read", "unreadable", "told")
def unreadable(look: Look) -> Iterator[Hit]:
    """What a feed holds in a field cannot be read as what the field is for."""
    return (Hit(record, doubt.field, f"{doubt.field}: {doubt.why}") for record, doubt in _doubts(look, "unreadable"))


@check("Field that does not agree with the rest", "conflicting", "told")
def conflict(look: Look) -> Iterator[Hit]:
    """A field contradicts another of its record, or names a record that the child does not have."""
    for record, doubt in _doubts(look, "conflict"):
        why = doubt.why if doubt.why.startswith(f"{doubt.field} ") else f"{doubt.field}: {doubt.why}"
        yield Hit(record, doubt.field, why)


@check("Feeds that do not agree", "conflicting", "touched")
def feeds_disagree(look: Look) -> Iterator[Hit]:
    """Two feeds say different things of the same record, or one lacks a record of the other's."""
    for dispute in look.case.disputes:
        if dispute.field:
            stands = Record(dispute.kind, look.case.child, dispute.key, dispute.where)
            held = next((r for r in look.of(dispute.kind) if r.key == dispute.key), stands)
            yield Hit(held, dispute.field, f"another feed holds another {dispute.field}", dispute.other)
        else:
            alone = Record(dispute.kind, look.case.child, dispute.key, dispute.where)
            field = KINDS[dispute.kind].begins
            yield Hit(alone, field, f"{dispute.other} should hold this record and does not, so it is left out")


MAY_BE_UNDATED: Final = frozenset({"child", "planned_action", "care_leaver", "planned_session", "appointment"})
"""Kinds that may stand without the day they begin: nothing is amiss before it has come."""


def _not_held(record: Record) -> bool:
    """An event that is booked, or was refused or called off: of a review called off nothing more is held."""
    called_off = record.kind == "cla_review" and not record.values and not record.doubts
    return called_off or "due_on" in record.values or record.get("status") not in (None, "completed")


@check("Record without its date", "missing", "told")
def undated(look: Look) -> Iterator[Hit]:
    """A state without its start, or an event without its day, which the feed could hold."""
    for record in look.case.records:
        field = KINDS[record.kind].begins
        if record.kind in MAY_BE_UNDATED or field in record.values or record.doubt(field) or _not_held(record):
            continue
        if f"{record.kind}.{field}" not in look.feed.lacks:
            yield Hit(record, field, f"no {field} is recorded")


@check("Child without a date of birth", "missing", "told")
def no_birth(look: Look) -> Iterator[Hit]:
    """Neither a birth nor an expected birth is recorded."""
    child = look.child
    said = {*child.values, *(doubt.field for doubt in child.doubts)} if child else set()
    if child and not said & {"born", "expected"}:
        yield Hit(child, "born", "neither a date of birth nor an expected one is recorded")


OF_GROWN_UPS: Final = frozenset(
    {"allegation", "allocation", "audit", "carer_approval", "carer_review", "carer_visit", "staff_post", "supervision"}
)
"""Kinds that stand under a carer's or a member of staff's own reference, where no child is expected."""


@check("Records of a child who is not listed", "missing", "none")
def no_child(look: Look) -> Iterator[Hit]:
    """There are records under the reference, and no child of that reference where the feed lists the children."""
    if look.child is not None or "child" not in look.feed.holds:
        return
    if found := [r for r in look.case.records if r.kind not in OF_GROWN_UPS]:
        more = f", nor for {len(found) - 1} more" if len(found) > 1 else ""
        yield Hit(found[0], "", f"there is no child of this reference for this {found[0].kind}{more}", kind="child")


@check("Open case that nobody holds", "missing", "none")
def nobody_allocated(look: Look) -> Iterator[Hit]:
    """A child's case is open, and no open allocation names a worker or a team."""
    if "allocation" not in look.feed.holds or (look.died and look.died <= look.today):
        return
    if not look.case.window_of(("allocation",)).covers(look.today, look.today):
        return
    cases = list(look.open(*sorted(CASES)))
    named = any(a.get("worker") or a.get("team") for a in look.open("allocation"))
    doubtful = any(a.doubt("end") or a.doubt("worker") or a.doubt("team") for a in look.of("allocation"))
    if cases and not named and not doubtful:
        yield Hit(
            cases[-1], "", f"the {cases[-1].kind} is open, and no worker and no team is allocated", kind="allocation"
        )


_BEFORE_PLAN: Final = 35
"""Days before a plan begins in which its conference may have been held; it mostly begins on that day."""


@check("Protection plan without a conference", "missing", "told")
def no_conference(look: Look) -> Iterator[Hit]:
    """An open plan of the authority's own names no conference, and none was held when it began."""
    if "icpc" not in look.feed.holds or "cp_plan.conference" in look.feed.lacks:
        return
    held = [day for icpc in look.of("icpc") if (day := begins(icpc))]
    for plan in look.open("cp_plan"):
        start = begins(plan)
        if start is None or plan.get("other_authority") is True or "conference" in plan.values:
            continue
        if plan.doubt("conference") or not look.case.window_of(("icpc",)).covers(start, start):
            continue
        if not any(0 <= (start - day).days <= _BEFORE_PLAN for day in held):
            yield Hit(plan, "conference", "no conference that led to it is recorded")


_SEEING: Final = ("assessment", "cin_visit", "cla_visit", "cp_visit")


@check("Visit or assessment that does not say whether the child was seen", "missing", "told")
def seen_unanswered(look: Look) -> Iterator[Hit]:
    """A visit since the child was born, or an assessment once it is authorised, says neither that the
    child was seen nor that not."""
    for record in look.of(*_SEEING):
        day = record.day("authorised") if record.kind == "assessment" else begins(record)
        if (
            "child_seen" in record.values
            or record.doubt("child_seen")
            or f"{record.kind}.child_seen" in look.feed.lacks
        ):
            continue
        if day is not None and day <= look.today and look.born is not None and day >= look.born:
            yield Hit(record, "child_seen", "it is not recorded whether the child was seen")


FOLLOWS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "access_request": (("start", "told"), ("start", "replied")),
    "advice_request": (("happened", "sent"),),
    "agency_notice": (("happened", "acknowledged"),),
    "assessment": (("start", "authorised"),),
    "cancellation": (("happened", "rebooked"),),
    "child": (("born", "died"),),
    "cin_visit": (("happened", "recorded"),),
    "cla_visit": (("happened", "recorded"),),
    "complaint": (("start", "done"),),
    "conference_decisions": (("happened", "sent"),),
    "conference_report": (("start", "shared"),),
    "core_group": (("happened", "recorded"),),
    "cp_visit": (("happened", "recorded"),),
    "partner_referral": (("happened", "answered"),),
    "pre_proceedings": (("start", "reviewed"),),
    "review_record": (("happened", "decisions"), ("happened", "written"), ("written", "distributed")),
    "serious_incident": (("happened", "recorded"), ("happened", "reviewed")),
    "strategy_discussion": (("decided", "happened"),),
    "transfer_in": (("notified", "papers"),),
}
"""Of each kind, pairs of fields of which the second cannot come before the first."""


@check("Dates of a record out of their order", "impossible", "touched")
def out_of_order(look: Look) -> Iterator[Hit]:
    """Something was finished, answered or entered before it was begun. An end before its start is in
    doubt from the reading on, and is asked about as such."""
    for kind, pairs in FOLLOWS.items():
        for record in look.of(kind):
            for first, second in pairs:
                one, two = record.day(first), record.day(second)
                if one and two and two < one:
                    yield Hit(record, second, f"{second} is before {first}")


_PLANNED: Final = frozenset(
    {"allocation", "appointment", "planned_action", "planned_session", "proceedings_extension", "school_term"}
)
"""Kinds that may be entered ahead of their day."""
_AHEAD: Final = frozenset({"due_on", "expected", "expires", "runs_until", "takes_effect"})
"""Fields that say what is to come."""
_ENDS_AHEAD: Final = frozenset({"worker_away", "out_of_school", "emergency_protection", "supervision_order"})
"""States whose end may be known, or set by a court, before it comes."""


@check("Date in the future", "impossible", "touched")
def in_future(look: Look) -> Iterator[Hit]:
    """Something is said to have happened on a day after the feed was drawn up, or after today.

    The end of the days for which it speaks is not the day on which it was drawn up: where the reader inferred that end,
    what lies beyond it says that the end is another, and not that each such day is wrong.
    """
    last = min(look.now, look.feed.drawn)
    for record in look.case.records:
        if record.kind in _PLANNED:
            continue
        ends = KINDS[record.kind].ends if record.kind in _ENDS_AHEAD else None
        for name in record.values:
            day = None if name in _AHEAD or name == ends else record.day(name)
            if day is not None and day > last:
                said = "" if record.kind == "child" else f", {in_words(day)},"
                ahead = "in the future" if day > look.now else f"after the feed's last day, {in_words(last)}"
                yield Hit(record, name, f"{name}{said} is {ahead}")


OF_RECORDS: Final[tuple[Check, ...]] = (
    in_future,
    out_of_order,
    conflict,
    feeds_disagree,
    undated,
    no_birth,
    no_child,
    nobody_allocated,
    no_conference,
    seen_unanswered,
    unreadable,
)
"""The checks of this module."""
