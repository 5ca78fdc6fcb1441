"""Checks of a child's records against each other and against the child's life."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Final

from alertd.calendars.clock import age_on
from alertd.cases.kinds import KINDS
from alertd.cases.records import CASES, Record, in_words
from alertd.errors import InputError
from alertd.insight.check import Check, Hit, Look, begins, check

_IN_LIFE: Final = (
    "attendance",
    "care_leaver",
    "care_period",
    "cla_review",
    "cla_visit",
    "detention",
    "health_assessment",
    "home_placement",
    "iro_contact",
    "leaver_contact",
    "legal_status",
    "missing",
    "out_of_school",
    "pathway_plan",
    "pep",
    "pf_visit",
    "placement",
    "private_fostering",
    "return_interview",
    "sdq",
    "secure_review",
    "short_break",
)
"""Kinds that only a living child can have. What comes earlier, as a protection plan, an unborn child has too."""

_LONGEST_PREGNANCY: Final = 300
"""Days. Six days more than 42 weeks, by when labour is induced: nothing can be known of a child before that."""

_ABOUT_OTHERS: Final = frozenset({"sibling_event", "nts_transfer"})


@check("Before the child was born", "impossible", "touched")
def before_birth(look: Look) -> Iterator[Hit]:
    """Care, health or schooling of a child not yet born; anything at all of one not yet conceived.

    A birth on the 15th may stand for an unknown day of that month, as in the looked-after return.
    """
    born = look.born
    if born is None or born > look.today:
        return
    first = born.replace(day=1) if born.day == 15 else born
    for record in look.case.records:
        day = begins(record)
        if day is None or record.kind == "child" or record.kind in _ABOUT_OTHERS or KINDS[record.kind].outlives:
            continue
        name = KINDS[record.kind].begins
        if record.kind in _IN_LIFE and day < first:
            yield Hit(record, name, f"{name}, {in_words(day)}, is before the child's birth")
        elif (born - day).days > _LONGEST_PREGNANCY:
            yield Hit(record, name, f"{name}, {in_words(day)}, is more than {_LONGEST_PREGNANCY} days before birth")


_BY_THE_LIVING: Final = (*_IN_LIFE, "cin_plan", "cin_visit", "cp_plan", "cp_visit")


@check("After the child died", "impossible", "touched")
def after_death(look: Look) -> Iterator[Hit]:
    """A visit, a placement, a plan or the like that begins after the child's death."""
    died = look.died
    if died is None:
        return
    for record in look.of(*_BY_THE_LIVING):
        day, name = begins(record), KINDS[record.kind].begins
        if day is not None and day > died:
            yield Hit(record, name, f"{name}, {in_words(day)}, is after the child's death")


_PLANS_AND_CARE: Final = ("care_period", "cin_plan", "cp_plan", "legal_status", "placement")


@check("Open after the child died", "conflicting", "none")
def open_after_death(look: Look) -> Iterator[Hit]:
    """A plan or a time in care is still open. No clock of it runs: death ends them all."""
    if look.died is None or look.died > look.today:
        return
    for record in look.open(*_PLANS_AND_CARE, "missing"):
        yield Hit(record, "end", f"the {record.kind} is open, and the child has died")


@check("Open after the 18th birthday", "conflicting", "touched")
def open_at_18(look: Look) -> Iterator[Hit]:
    """A plan for a child, or care, goes on past childhood. A care leaver may have a plan of need."""
    born = look.born
    if born is None or born > look.today or age_on(born, look.today) < 18 or (look.died and look.died <= look.today):
        return
    leaver = any(look.of("care_leaver"))
    for record in look.open(*_PLANS_AND_CARE):
        if not (leaver and record.kind == "cin_plan"):
            yield Hit(record, "end", f"the {record.kind} is open, and the child was 18 before today")


OLDEST: Final = 25
"""The last year of age in which the law knows a care leaver; nobody older has a case here."""


@check("Age that is hardly possible", "conflicting", "touched")
def too_old(look: Look) -> Iterator[Hit]:
    """The date of birth makes somebody whose case is open older than any care leaver."""
    child, born = look.child, look.born
    if child is None or born is None:
        return
    days = [d for r in look.of(*sorted(CASES)) if r.kind != "care_leaver" and (d := begins(r)) and d <= look.today]
    then = look.today if any(look.open(*sorted(CASES))) else max(days, default=None)
    if then is not None and born < then and age_on(born, then) > OLDEST:
        yield Hit(child, "born", f"the child was over {OLDEST} while the case was open")


@check("Birth expected more than a year ahead", "impossible", "none")
def expected_too_far(look: Look) -> Iterator[Hit]:
    """No pregnancy lasts as long."""
    child = look.child
    expected = child.day("expected") if child else None
    if child and expected and "born" not in child.values and (expected - look.today).days > 366:
        yield Hit(child, "expected", "the birth is expected more than a year ahead")


_GRACE: Final = 21
"""Days after the expected date, three weeks: hardly any child is born later."""


@check("Birth expected weeks ago and not recorded", "conflicting", "touched")
def birth_overdue(look: Look) -> Iterator[Hit]:
    """The birth was expected more than three weeks ago, the case is open, and no birth is recorded. Some
    systems put an estimated date of birth here, and then the child only looks unborn."""
    child = look.child
    if child is None or "born" in child.values or child.doubt("born") or look.died:
        return
    expected = child.day("expected")
    if expected and (look.today - expected).days > _GRACE and look.case.is_open(look.today):
        yield Hit(child, "born", "the birth was expected more than three weeks ago, and none is recorded")


@check("Open although the referral is closed", "conflicting", "touched")
def referral_closed(look: Look) -> Iterator[Hit]:
    """A plan or care is open, and no referral is: its own, where it names one, or the last there was."""
    if "referral" not in look.feed.holds or any(look.open("referral")):
        return
    closed = {r.key: r for r in look.of("referral") if (end := r.day("end")) and end <= look.today}
    if any(r.doubt("end") for r in look.of("referral")) or not closed:
        return
    for record in look.open("care_period", "cin_plan", "cp_plan"):
        start = begins(record)
        last = closed.get(str(record.get("referral"))) or max(closed.values(), key=lambda r: (r.day("end"), r.key))
        end = last.day("end")
        if start is not None and end is not None and end >= start:
            why = f"the {record.kind} is open, and its referral was closed on {in_words(end)}"
            yield Hit(record, "end", why, last.where)


@check("Protection plan open while looked after", "conflicting", "touched")
def plan_in_care(look: Look) -> Iterator[Hit]:
    """Both are open. It may be meant, for a time: the plan mostly ends at the next conference."""
    care = next(look.open("care_period"), None)
    if care is None:
        return
    for plan in look.open("cp_plan"):
        since = begins(care)
        why = f"the cp_plan is open, and the child is looked after{f' since {in_words(since)}' if since else ''}"
        yield Hit(plan, "end", why, care.where)


_ONE_AT_A_TIME: Final = ("care_period", "cin_plan", "cp_plan", "placement", "referral")


@check("Two at once", "conflicting", "touched")
def overlapping(look: Look) -> Iterator[Hit]:
    """Two of a kind of which a child has one at a time overlap by a day or more, or are both open."""
    for kind in _ONE_AT_A_TIME:
        if kind in look.case.latest:
            continue
        known = [r for r in look.of(kind) if not r.doubt("end") and (d := begins(r)) and d <= look.today]
        known = [r for r in known if not _brief(r)]
        known.sort(key=lambda r: (begins(r) or date.min, r.key))
        for before, after in pairwise(known):
            end, start = before.day("end"), begins(after)
            if start is not None and (end is None or end > start) and before.values != after.values:
                until = f"until {in_words(end)}" if end else "still open"
                why = f"the {kind} is {until}, and another begins on {in_words(start)}"
                yield Hit(before, "end", why, after.where)


def _brief(record: Record) -> bool:
    """A placement for a short while (its type begins with T), during which the other one stays."""
    return record.kind == "placement" and str(record.get("type") or "").upper().startswith("T")


_OFTEN_TWICE: Final = frozenset(
    {
        "agency_inbound",
        "agency_notice",
        "agency_trigger",
        "appointment",
        "attendance",
        "child",
        "complaint",
        "contact",
        "delivery",
        "health_paper",
        "need",
        "outcome",
        "planned_action",
        "planned_session",
        "review_action",
        "sibling_event",
        "sighting",
    }
)
"""Kinds of which several of one day may look the same and be different."""


@check("Recorded twice", "conflicting", "counted")
def twice(look: Look) -> Iterator[Hit]:
    """Two records of a kind begin on one day and say the same in every field, under two keys."""
    for kind, records in look.by_kind.items():
        if kind in _OFTEN_TWICE:
            continue
        first: dict[object, Record] = {}
        for record in records:
            day, name = begins(record), KINDS[kind].begins
            if day is None:
                continue
            said = (frozenset(record.values.items()), frozenset(record.doubts))
            before = first.setdefault(said, record)
            if before is not record:
                yield Hit(record, name, f"another {kind} of {in_words(day)} says the same", before.where)


@check("Conference on a day off", "conflicting", "touched")
def conference_on_day_off(look: Look) -> Iterator[Hit]:
    """An initial conference on a weekend, which the children in need census refuses, or a bank holiday."""
    for icpc in look.of("icpc"):
        day = begins(icpc)
        if day is None:
            continue
        try:
            why = look.calendar.why_not_working(day)
        except InputError:  # beyond the calendar: in the future, and asked about as such
            continue
        if why:
            yield Hit(icpc, "happened", f"{in_words(day)} is no working day: {why}")


_FIRST_REVIEW: Final = 93
"""Days, three months: the first review conference is held within them, so an earlier date is near its plan."""


@check("Review on or before the day its plan began", "conflicting", "touched")
def review_before_plan(look: Look) -> Iterator[Hit]:
    """A review conference just before a plan begins or on that day, with no earlier plan in force."""
    if "cp_plan" in look.case.latest:
        return
    plans = [(start, plan) for plan in look.of("cp_plan") if (start := begins(plan))]
    undated = any("start" not in plan.values or plan.doubt("end") for plan in look.of("cp_plan"))
    for review in () if undated else look.of("cp_review"):
        day = begins(review)
        if day is None or any(start < day <= (plan.day("end") or date.max) for start, plan in plans):
            continue
        near = next(
            (p for start, p in sorted(plans, key=lambda x: x[0]) if 0 <= (start - day).days <= _FIRST_REVIEW), None
        )
        if near:
            yield Hit(review, "happened", f"{in_words(day)} is not after the day on which the plan began", near.where)


@check("Before what it belongs to", "conflicting", "touched")
def before_its_parent(look: Look) -> Iterator[Hit]:
    """A record begins before the one it is linked to: an assessment before its referral, say."""
    held = {r.ref: r for r in look.case.records}
    for record in look.case.records:
        day = begins(record)
        for linked in KINDS[record.kind].fields if day else ():
            parent = held.get(f"{linked.links}:{record.get(linked.name)}") if linked.links else None
            start = begins(parent) if parent else None
            if parent and start and day and day < start and linked.links != "need":
                name = KINDS[record.kind].begins
                why = f"{name}, {in_words(day)}, is before the {linked.links} it belongs to began, {in_words(start)}"
                yield Hit(record, name, why, parent.where)


@check("Missing still, although care has ended", "conflicting", "touched")
def missing_after_care(look: Look) -> Iterator[Hit]:
    """A missing episode began in a time of care that is over, and is open."""
    if any(look.open("care_period")):
        return
    for episode in look.open("missing"):
        day = begins(episode)
        for care in look.of("care_period") if day else ():
            start, end = begins(care), care.day("end")
            if day and start and end and start <= day <= end < look.today:
                yield Hit(episode, "end", f"the episode is open, and care ended on {in_words(end)}", care.where)
                break


@check("Missing for more than a year", "conflicting", "touched")
def missing_for_long(look: Look) -> Iterator[Hit]:
    """An episode that was most likely never closed."""
    for episode in look.open("missing"):
        day = begins(episode)
        if day is not None and (look.today - day).days > 365:
            yield Hit(episode, "end", f"the episode is open since {in_words(day)}")


OF_LIVES: Final[tuple[Check, ...]] = (
    before_birth,
    after_death,
    expected_too_far,
    birth_overdue,
    too_old,
    open_after_death,
    open_at_18,
    referral_closed,
    plan_in_care,
    overlapping,
    twice,
    conference_on_day_off,
    review_before_plan,
    before_its_parent,
    missing_after_care,
    missing_for_long,
)
"""The checks of this module."""
