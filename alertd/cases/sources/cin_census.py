"""The children in need census (England): XML, one or more years of it, collections of 2017 to 2026.

An annual snapshot, for history, back-testing and demonstration. It holds every case open at any point
of the census year, and of a case what happened in that year; it speaks for no child that it does not
name and for no other days. Several years become one: of a child's records of one kind, day and
referral, the later census's is taken, and an earlier one only where no later has it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final

from alertd.cases.accounts import Ledger
from alertd.cases.kinds import Fills, unfilled
from alertd.cases.reading import Progress, add
from alertd.cases.records import Record, Snapshot, Unreadable, Window, case_files, in_words, make_record
from alertd.cases.sources.cin_census_files import NFA, SHAPES, Census, Fields, Row, census_files
from alertd.cases.sources.years import refuse_damaged, unbroken
from alertd.errors import InputError

_KINDS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "Child": {"child": ("born", "expected", "died")},
    "CINdetails": {"referral": ("start", "end", "nfa")},
    "Assessments": {"assessment": ("start", "authorised", "referral")},
    "CINPlanDates": {"cin_plan": ("start", "end", "referral")},
    "Section47": {"s47": ("start", "referral", "outcome"), "icpc": ("happened", "s47", "due_on")},
    "ChildProtectionPlans": {"cp_plan": ("start", "end", "other_authority")},
    "Reviews": {"cp_review": ("happened",)},
}
"""Each element that is read, with the kinds it fills and their fields. A conference may also stand in
CINdetails: that of a child from another authority, or without an enquiry in this referral."""
FILLS: Final[Fills] = {kind: frozenset(filled) for kinds in _KINDS.values() for kind, filled in kinds.items()}
"""What is read of a census that has all these elements."""

OWN_PLANS: Final = "every child protection plan is taken to be this authority's own: a census does not say"
REPEATED: Final = "stand twice for one child, day and referral: joined, what differs is in doubt"
TAKEN_UP: Final = " taken up"
RESTATED: Final = "stated again in a later census, or one made later: that is taken"

_EVERY: Final = 1000
"""Children between two words to whoever watches."""

_Held = dict[tuple[str, str], Row]
_Lost = Unreadable | None
"""Why the end of what is still open is in doubt, if it is."""
_Told = Iterator[tuple[str, str, dict[str, object]]]


def read(path: Path, *, as_of: datetime, progress: Progress | None = None) -> Snapshot:  # noqa: ARG001
    """Read one census, or every one directly in a folder. Other XML files there are named in a note.

    The window is the census year, 1 April to the reference date; of several, their unbroken run up to
    the latest. A child's own is that of the censuses that name it. ``as_of`` is there for every reader:
    what a census says is the same whenever it is read. Raises InputError, with file:line where there is
    one, for what cannot be used.
    """
    censuses, strangers = census_files(path)
    children: dict[str, _Held] = {}
    windows: dict[str, list[Window]] = {}
    for n, census in enumerate(censuses):
        _take_in(n, census, children, windows, progress)
        refuse_damaged(census.ledger)
    holds, unheld = _holds(censuses)
    overall = unbroken(c.window for c in censuses)
    own = {child: unbroken(seen) for child, seen in windows.items()}
    cases = case_files(_records(children, censuses, windows), overall, own)
    total = Ledger()
    for census in reversed(censuses):
        add(total, census.ledger)
    rejected = (f"{len(total.rejects)} elements rejected",) if total.rejects else ()
    own_plans = (OWN_PLANS,) if "cp_plan" in holds else ()
    notes = [*rejected, *(c.note for c in censuses if c.note), *own_plans, *_strange(censuses)]
    return Snapshot(
        source=f"cin_census:{path.as_posix()}",
        cases=cases,
        holds=holds,
        window=overall,
        accounts=total.accounts,
        rejects=tuple(total.rejects),
        notes=(*notes, *unheld, *total.notes(), *(f"{name}: not a CIN census, left alone" for name in strangers)),
        lacks=unfilled(FILLS),
        as_at=censuses[0].as_at,
    )


def _take_in(
    n: int,
    census: Census,
    children: dict[str, _Held],
    windows: dict[str, list[Window]],
    progress: Progress | None,
) -> None:
    """Add a census to those later than it, and account for its rows."""
    accounts = {element: census.ledger.of(census.account(element)) for element in SHAPES}
    count = 0
    for child, rows in census.children():
        held = children.setdefault(child, {})
        seen = windows.setdefault(child, [])
        if census.window not in seen:
            seen.append(census.window)
        for row in rows:
            row.file = n
            known = held.setdefault(row.name, row)
            if known is row:
                accounts[row.element].used += 1
            elif known.file == n:
                accounts[row.element].aside[REPEATED] += 1
                _join(known, row)
            else:
                accounts[row.element].aside[RESTATED] += 1
        count += 1
        if progress and count % _EVERY == 0:
            progress(census.path.name, count)
    if not count and not census.ledger.rejects:
        raise InputError("holds no child", where=census.path.name, fix="Export the census again.")
    if progress:
        progress(census.path.name, count)


def _join(known: Row, row: Row) -> None:
    for name in {*known.fields, *row.fields}:
        if known.fields.get(name) != row.fields.get(name):
            known.fields[name] = Unreadable(f"{name} differs, see also {row.where}", "conflict")


def _holds(censuses: list[Census]) -> tuple[frozenset[str], list[str]]:
    """The kinds held, and why others are not. Of an element that a census has not once, silence proves nothing."""
    held: set[str] = set()
    notes = []
    for element, kinds in _KINDS.items():
        full = sum(1 for c in censuses if c.ledger.of(c.account(element)).rows)
        if full == len(censuses) or (full and element in ("Child", "CINdetails")):
            held.update(kinds)
        else:
            what = f"{full} of {len(censuses)} censuses have any" if full else "none"
            notes.append(f"{element}: {what}, so rules that need {', '.join(kinds)} are not measured")
    return frozenset(held), notes


def _strange(censuses: list[Census]) -> Iterator[str]:
    names = sum((c.strange for c in censuses), Counter[str]())
    if names:
        plain = sorted(name for name in names if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,40}", name))
        more = ["and more"] * (len(names) > len(plain[:10]))
        yield f"{names.total()} unknown elements left alone: {', '.join([*plain[:10], *more])}"


def _records(
    children: dict[str, _Held], censuses: list[Census], windows: Mapping[str, list[Window]]
) -> Iterator[Record]:
    """The records of all children. Each child's rows are let go once they are made, so that not both are in memory."""
    while children:
        child, held = children.popitem()
        last = max(w.end for w in windows[child] if w.end)
        _note_death(held)
        _name_twins(held)
        conferences = {row.fields.get("DateOfInitialCPC") for row in held.values() if row.element == "Section47"}
        for row in held.values():
            as_at = censuses[row.file].as_at
            # A case open at the end of one census is in the next. Where it is not, how it ended is not known.
            lost = f"open in the census of {in_words(as_at)}, and not in the child's later one" if as_at < last else ""
            for kind, key, raw in _TOLD[row.element](row, Unreadable(lost, "conflict") if lost else None):
                # One that an enquiry led to may stand in CINdetails too.
                if kind != "icpc" or "s47" in raw or raw["happened"] not in conferences:
                    yield make_record(kind, child, key, row.where, raw)


def _note_death(held: _Held) -> None:
    """Where no day of death is given, a case closed by it gives the day, as in the other feeds."""
    closed = {
        row.fields.get("CINclosureDate") or Unreadable("the case was closed by death (RC2), on no known day")
        for row in held.values()
        if row.element == "CINdetails" and row.fields.get("ReasonForClosure") is True
    }
    for row in held.values():
        if row.element == "Child" and closed:
            died = (
                closed.pop() if len(closed) == 1 else Unreadable("cases closed by death differ in the day", "conflict")
            )
            row.fields.setdefault("PersonDeathDate", died)


def _name_twins(held: _Held) -> None:
    """Name a referral for more than its day where another of that day went no further, so that links tell them apart.

    Only once all censuses are joined: the next may have the one that was taken up alone.
    """
    days = {row.key.removesuffix(NFA) for row in held.values() if row.element == "CINdetails" and row.key.endswith(NFA)}
    for row in held.values():
        if row.element == "CINdetails" and row.key in days:
            row.key += TAKEN_UP
        if row.referral in days:
            row.referral += TAKEN_UP


def _child(row: Row, _: _Lost) -> _Told:
    born, expected, died = (row.fields.get(name) for name in SHAPES["Child"].days)
    yield "child", row.key, {"born": born, "expected": expected, "died": died}


def _referral(row: Row, lost: _Lost) -> _Told:
    end, conference = row.fields.get("CINclosureDate") or lost, row.fields.get("DateOfInitialCPC")
    yield "referral", row.key, {"start": _began(row), "end": end, "nfa": row.fields.get("ReferralNFA")}
    if conference:
        yield "icpc", _key(conference, row), {"happened": conference}


def _assessment(row: Row, lost: _Lost) -> _Told:
    start, authorised = _began(row), row.fields.get("AssessmentAuthorisationDate") or lost
    if isinstance(start, date) and isinstance(authorised, date) and authorised < start:
        authorised = Unreadable("AssessmentAuthorisationDate is before AssessmentActualStartDate", "conflict")
    yield "assessment", row.key, {"start": start, "authorised": authorised, "referral": row.referral}


def _cin_plan(row: Row, lost: _Lost) -> _Told:
    end = row.fields.get("CINPlanEndDate") or lost
    yield "cin_plan", row.key, {"start": _began(row), "end": end, "referral": row.referral}


def _section_47(row: Row, lost: _Lost) -> _Told:
    yield "s47", row.key, {"start": _began(row), "referral": row.referral, "outcome": _outcome(row.fields, lost)}
    if conference := row.fields.get("DateOfInitialCPC"):
        due = row.fields.get("InitialCPCtarget")
        yield "icpc", _key(conference, row), {"happened": conference, "s47": row.key, "due_on": due}


def _outcome(fields: Fields, lost: _Lost) -> str | bool | date | Unreadable:
    """A conference that was held shows that it was needed; neither held nor ruled out, it is still open."""
    conference, not_needed = fields.get("DateOfInitialCPC"), fields.get("ICPCnotRequired")
    if conference and not_needed is True:
        return Unreadable("ICPCnotRequired is set and DateOfInitialCPC is given", "conflict")
    if conference:
        return conference if isinstance(conference, Unreadable) else "conference"
    if isinstance(not_needed, Unreadable):
        return not_needed
    return "no_conference" if not_needed else lost or "open"


def _cp_plan(row: Row, lost: _Lost) -> _Told:
    end = row.fields.get("CPPendDate") or lost
    yield "cp_plan", row.key, {"start": _began(row), "end": end, "other_authority": False}


def _review(row: Row, _: _Lost) -> _Told:
    yield "cp_review", row.key, {"happened": _began(row)}


def _began(row: Row) -> date | bool | Unreadable:
    name = SHAPES[row.element].days[0]
    return row.fields.get(name) or Unreadable(f"{name} is blank")


def _key(conference: object, row: Row) -> str:
    return f"{conference.isoformat() if isinstance(conference, date) else 'undated'} of {row.key}"


_TOLD: Final[Mapping[str, Callable[[Row, _Lost], _Told]]] = {
    "Child": _child,
    "CINdetails": _referral,
    "Assessments": _assessment,
    "CINPlanDates": _cin_plan,
    "Section47": _section_47,
    "ChildProtectionPlans": _cp_plan,
    "Reviews": _review,
}
"""What each element tells: records by kind, key and raw values."""
