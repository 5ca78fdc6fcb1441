"""From one child's rows of all lists to records: what each list means to alertd."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from alertd.cases.records import Record, Unreadable
from alertd.cases.sources.annex_a_facts import Day, Facts, Raw, coded, day, yes_no
from alertd.cases.sources.annex_a_files import Row
from alertd.cases.sources.annex_a_people import allocations, person
from alertd.cases.sources.cells import is_short_break, not_before

UNKNOWN_REASON: Final = "rows whose reason for closing or ceasing is not known, so it was taken for no death"
NOT_HELD: Final = "on a day that these lists do not hold"


def is_of_short_breaks(row: Row) -> bool:
    """Whether a row of list 8 is of a series of short breaks, which is no period of being looked after."""
    if row.table.of.number != 8:
        return False
    status, written = coded(row, "status"), row.cell("status")
    return is_short_break(status if isinstance(status, str) else written if isinstance(written, str) else None)


def records_of(facts: Facts) -> list[Record]:
    """The records of a child, of its rows in ``facts``."""
    for number, make in _MAKERS.items():
        for row in facts.rows.get(number, ()):
            make(facts, row)
    _end_referrals(facts)
    person(facts)
    allocations(facts)
    return facts.records()


def _contact(facts: Facts, row: Row) -> None:
    happened = day(row, "contact_date")
    facts.put("contact", facts.key("contact", happened), row, {"happened": happened})


def _referral(facts: Facts, row: Row) -> None:
    """One that came on the day of another that went no further is a referral of its own, and open as that is closed."""
    start, nfa = day(row, "referral_date"), yes_no(row, "nfa")
    twins = [yes_no(other, "nfa") for other in facts.rows[3] if day(other, "referral_date") == start]
    if nfa is True and isinstance(start, date) and False in twins:
        facts.put("referral", f"{start.isoformat()} nfa", row, {"start": start, "nfa": nfa})
    else:
        facts.state("referral", start, row, {"nfa": nfa})


def _assessment(facts: Facts, row: Row) -> None:
    support = yes_no(row, "support")
    outcome: str | Unreadable | None = (
        {True: "services", False: "nfa"}[support] if isinstance(support, bool) else support
    )
    start = day(row, "assessment_start")
    why = f"{row.table.heading('authorised')} is before {row.table.heading('assessment_start')}"
    authorised = not_before(start, day(row, "authorised"), why)
    raw = {"authorised": authorised, "child_seen": yes_no(row, "seen"), "outcome": outcome}
    facts.state("assessment", start, row, raw)


def _s47(facts: Facts, row: Row) -> None:
    """One row holds the enquiry and the conference that came of it."""
    held, unneeded = day(row, "conference"), yes_no(row, "no_conference")
    outcome: str | Unreadable
    if isinstance(unneeded, Unreadable):
        outcome = unneeded
    elif unneeded and held:
        outcome = Unreadable("a conference is said to be unnecessary and has a date", "conflict")
    elif unneeded:
        outcome = "no_conference"
    else:
        outcome = "conference" if held or unneeded is False else "open"
    start = day(row, "s47_start")
    enquiry = facts.key("s47", start)
    facts.put("s47", enquiry, row, {"start": start, "outcome": outcome})
    facts.event("icpc", row, "conference", {"s47": enquiry}, f" of {enquiry}")


def _need(facts: Facts, row: Row) -> None:
    """An episode of need is the referral that began it. When the child was last seen is a visit."""
    closed, reason = day(row, "closed"), coded(row, "closure")
    if closed is None and (coded(row, "case_status") == "closed" or isinstance(reason, str)):
        closed = Unreadable("the case is said to be closed, and has no CIN Closure Date", "conflict")
    facts.state("referral", day(row, "need_start"), row, {"end": closed})
    facts.event("cin_visit", row, "last_seen", {"child_seen": True})
    _note_death(facts, reason, "RC2", closed)


def _plan(facts: Facts, row: Row) -> None:
    facts.state("cp_plan", day(row, "plan_start"), row, {"end": day(row, "plan_end"), "other_authority": False})
    facts.event("cp_visit", row, "cp_visit", {"seen_alone": yes_no(row, "seen_alone")})
    facts.event("cp_review", row, "cp_review")


def _care(facts: Facts, row: Row) -> None:
    ended, reason = day(row, "care_end"), coded(row, "ceased")
    if reason == "X1" and ended is not None:
        ended = Unreadable("the reason it ceased is that another episode followed (X1), which is not here", "conflict")
    elif ended is None and isinstance(reason, str) and reason != "X1":
        ended = Unreadable("has a reason why it ceased, and no Date Ceased to be Looked After", "conflict")
    facts.state("care_period", day(row, "care_start"), row, {"end": ended})
    for kind, begins, name, column in (
        ("legal_status", "status_start", "status", "status"),
        ("placement", "placement_start", "type", "placement_type"),
    ):
        begun, what = day(row, begins), coded(row, column)
        if begun is not None or what is not None:
            facts.state(kind, begun, row, {name: what, "end": ended})
    for kind, column in (("cla_review", "review"), ("cla_visit", "visit"), ("iro_contact", "iro")):
        facts.event(kind, row, column)
    for column in ("health", "dental"):
        facts.event("health_assessment", row, column, suffix=f" {column}")
    _note_death(facts, reason, "E2", ended)


def _note_death(facts: Facts, reason: object, death: str, ended: Day) -> None:
    if isinstance(reason, Unreadable):
        facts.tally[UNKNOWN_REASON] += 1
    elif reason == death:
        facts.died.append(ended if isinstance(ended, date) else Unreadable(f"died, {NOT_HELD}", "window"))


def _leaver(facts: Facts, row: Row) -> None:
    eligibility = coded(row, "eligibility")
    key = eligibility if isinstance(eligibility, str) else "eligibility not known"
    facts.put("care_leaver", key, row, {"eligibility": eligibility})
    facts.event("pathway_plan", row, "pathway")
    facts.event("leaver_contact", row, "leaver_contact")
    if coded(row, "in_touch") == "died":
        facts.died.append(Unreadable(f"died, {NOT_HELD}", "window"))


def _adoption(facts: Facts, row: Row) -> None:
    """The authority to place ends on the first day that the child is placed, adopted or no longer to be placed."""
    order = day(row, "order")
    if order is None:
        return
    ends = [day(row, column) for column in ("placed", "adopted", "reversed")]
    known = [end for end in ends if isinstance(end, date)]
    doubt = next((end for end in ends if isinstance(end, Unreadable)), None)
    raw = {"matched": day(row, "matched"), "end": doubt or min(known, default=None)}
    facts.state("adoption_authority", order, row, raw)


def _end_referrals(facts: Facts) -> None:
    """What is known of when each referral of list 3 was closed.

    List 6 has the closure of the latest episode of need alone, so an earlier referral's is not held, nor
    that of one on which nothing more was done, nor of one closed straight after its assessment (Ofsted
    asks to leave these out of list 6). Such an end is in doubt: open and closed would both be guesses.
    """
    episodes = [raw for raw in facts.of("referral") if "end" in raw or _is_of_list_6(facts, raw)]
    assessed = [raw.get("start") for raw in facts.of("assessment") if isinstance(raw.get("authorised"), date)]
    for raw in facts.of("referral"):
        start = raw.get("start")
        if any(raw is episode for episode in episodes) or not isinstance(start, date):
            continue
        if (end := _end_of(start, raw, episodes, assessed, facts.given)) is not None:
            raw["end"] = end


def _is_of_list_6(facts: Facts, raw: Raw) -> bool:
    others = (other for other in facts.of("referral") if other is not raw)
    if raw.get("nfa") is True and any(other.get("start") == raw.get("start") for other in others):
        return False
    return any(day(row, "need_start") == raw.get("start") for row in facts.rows.get(6, ()))


def _end_of(start: date, raw: Raw, episodes: list[Raw], assessed: list[object], given: frozenset[int]) -> Day:
    if 6 not in given:
        return Unreadable("whether it was closed is held by list 6, which is not here", "window")
    if raw.get("nfa") is True:
        return Unreadable(f"closed with no further action, {NOT_HELD}", "window")
    for episode in episodes:
        began, ended = episode.get("start"), episode.get("end")
        if isinstance(began, date) and start < began:
            return Unreadable(f"a later episode of need followed, and this one was closed {NOT_HELD}", "window")
        if isinstance(ended, Unreadable) or (isinstance(ended, date) and start < ended):
            return ended  # it came in while that episode was open, and is closed with it
        if ended is None:
            return None
    if any(isinstance(begun, date) and begun >= start for begun in assessed):
        return Unreadable(f"it was assessed and is no open case, so it was closed {NOT_HELD}", "window")
    return None


_MAKERS: Final[Mapping[int, Callable[[Facts, Row], None]]] = {
    6: _need,
    3: _referral,
    1: _contact,
    4: _assessment,
    5: _s47,
    7: _plan,
    8: _care,
    9: _leaver,
    10: _adoption,
}
"""By number of the list. List 6 before 3: where both state a referral, a person is sent to the case that is open."""
