"""From what the CSC API's payloads say of a child to records. Pure.

``where`` is the list and the id within it, as in ``child_protection_plans CP7``: a person looks it up in the case
system, and it stays the same whichever delivery said it last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final

from alertd.cases.accounts import Ledger
from alertd.cases.kinds import Fills
from alertd.cases.records import Record, Unreadable, Window, make_record
from alertd.cases.sources import csc_api_fields as f
from alertd.cases.sources.cells import not_before
from alertd.cases.sources.csc_api_care import Block, looked_after
from alertd.cases.sources.csc_api_state import Element

FILLS: Final[Fills] = {
    "child": frozenset({"born", "expected", "died"}),
    "referral": frozenset({"start", "end", "nfa"}),
    "allocation": frozenset({"start", "end", "worker", "role", "team_only"}),
    "assessment": frozenset({"start", "authorised", "referral"}),
    "cin_plan": frozenset({"start", "end", "referral"}),
    "s47": frozenset({"start", "end", "referral", "outcome"}),
    "icpc": frozenset({"happened", "s47"}),
    "cp_plan": frozenset({"start", "end", "other_authority"}),
    "care_period": frozenset({"start", "end", "referral"}),
    "placement": frozenset({"start", "end", "type", "change_reason"}),
    "sdq": frozenset({"happened", "score"}),
    "leaver_contact": frozenset({"happened"}),
}
"""What the payload fills."""

DIED: Final = "RC2"
"""The reason for closing an episode, of the census's list, that tells a death."""
DIED_IN_CARE: Final = "E2"
"""The reason for the end of a placement, of the return's list, that tells a death."""
STATED_TWICE: Final = "stated twice for a child"
SAME_START: Final = "placements that begin on the same day as another of the child: the one that lasts longer taken"

_DAY: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:T00:00(?::00(?:\.0+)?)?Z?)?", re.ASCII)
_YEARS: Final = range(1901, 2200)  # 1900 and 9999 are what systems fill in for "none"


def day(element: Element, name: str) -> date | Unreadable | None:
    """A field as a day; Unreadable, with the field's name, for what is none."""
    value = element.get(name)
    if value is None:
        return None
    found = _day(value) if isinstance(value, str) else Unreadable("is not a date written 2026-03-31")
    return Unreadable(f"{name} {found.why}") if isinstance(found, Unreadable) else found


@lru_cache(maxsize=65536)
def _day(text: str) -> date | Unreadable:
    found = _DAY.fullmatch(text)
    if not found:
        return Unreadable("is not a date written 2026-03-31")
    try:
        value = date.fromisoformat(found[1])
    except ValueError:
        return Unreadable("is a day that does not exist")
    return value if value.year in _YEARS else Unreadable("has a year outside 1901 to 2199")


def _flag(element: Element, name: str) -> bool | Unreadable | None:
    value = element.get(name)
    return value if value is None or isinstance(value, bool) else Unreadable(f"{name} is neither true nor false")


def _code(element: Element, name: str) -> str:
    value = element.get(name)
    return value.upper() if isinstance(value, str) else ""


def _coded(element: Element, name: str) -> str | Unreadable:
    return _code(element, name) if isinstance(element.get(name), str | None) else Unreadable(f"{name} is not text")


def _score(element: Element) -> int | Unreadable | None:
    value = element.get("score")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 40):
        return value
    return Unreadable("score is not a whole number from 0 to 40")


@dataclass(frozen=True, slots=True)
class _Child:
    """One child on the way to its records."""

    child: str
    window: Window
    ledger: Ledger
    seen: set[tuple[str, str]] = field(default_factory=set)

    def first(self, table: str, key: str) -> bool:
        """Enter a row as used, or as a repetition where one of its key was entered before; whether it is used."""
        account = self.ledger.of(table)
        account.rows += 1
        if (table, key) in self.seen:
            account.aside[STATED_TWICE] += 1
            return False
        self.seen.add((table, key))
        account.used += 1
        return True

    def record(self, kind: str, key: str, where: str, raw: Mapping[str, object]) -> Record:
        return make_record(kind, self.child, key, where, raw)

    def aside(self, table: str, why: str) -> None:
        """Enter a row that is left out on purpose."""
        account = self.ledger.of(table)
        account.rows += 1
        account.aside[why] += 1


def records_of(child: str, element: Element, window: Window, ledger: Ledger) -> list[Record]:
    """The records of one child; each of its elements is entered in the ledger, by the list it stands in."""
    one = _Child(child, window, ledger)
    episodes: list[Element] = element.get(f.EPISODES, [])
    found = [_details(one, element.get("child_details", {}), episodes), *_sdqs(one, element)]
    for episode in episodes:
        found += _episode(one, episode)
    found += _care(one, episodes)
    return found


def _details(one: _Child, details: Element, episodes: Iterable[Element]) -> Record:
    one.first("children", one.child)
    days = {name: day(details, field) for name, field in (("born", f.DETAILS[0]), ("expected", f.DETAILS[1]))}
    return one.record("child", one.child, f"children {one.child}", {**days, "died": _died(episodes)})


def _died(episodes: Iterable[Element]) -> date | Unreadable | None:
    """The day a case was closed, or a placement ended, with death as the reason."""
    days: set[date | Unreadable | None] = set()
    for episode in episodes:
        if _code(episode, "closure_reason") == DIED:
            days.add(day(episode, "closure_date") or Unreadable("the case was closed by death, on no known day"))
        for block in episode.get(f.PLACEMENTS, ()):
            if _code(block, "end_reason") == DIED_IN_CARE:
                days.add(day(block, "end_date") or Unreadable("a placement ended by death, on no known day"))
    known = sorted(each for each in days if isinstance(each, date))
    if len(known) > 1 and known[0] != known[-1]:
        return Unreadable("the end of care and the closing of the case give different days of death", "conflict")
    return known[0] if known else next(iter(days), None)


def _sdqs(one: _Child, element: Element) -> Iterator[Record]:
    for number, each in enumerate(element.get("health_and_wellbeing", {}).get(f.SDQS, ())):
        happened = day(each, "date")
        key = happened.isoformat() if isinstance(happened, date) else f"undated {number}"
        if one.first(f.SDQS, key):
            yield one.record("sdq", key, f"{f.SDQS} {key}", {"happened": happened, "score": _score(each)})


def _episode(one: _Child, episode: Element) -> Iterator[Record]:
    key = episode[f.EPISODE.key]
    one.first(f.EPISODES, key)
    raw = {"start": day(episode, "referral_date"), "end": day(episode, "closure_date")}
    flag = _flag(episode, "referral_no_further_action_flag")
    yield one.record("referral", key, f"{f.EPISODES} {key}", {**raw, "nfa": flag})
    yield from _workers(one, episode, key)
    for table, make in _MAKERS.items():
        for each in episode.get(table, ()):
            own = each[f.WITHIN[table].key]
            if one.first(table, own):
                yield from make(one, each, own, f"{table} {own}", key)
    yield from _leaver(one, episode, key)


def _workers(one: _Child, episode: Element, referral: str) -> Iterator[Record]:
    """Of the social workers who manage an episode each is its lead worker in turn."""
    for each in episode.get(f.WORKERS, ()):
        start, worker = day(each, "start_date"), each["worker_id"]
        begins = start.isoformat() if isinstance(start, date) else "undated"
        key = f"{referral} {begins} {worker}"
        if not one.first(f.WORKERS, key):
            continue
        raw = {"start": start, "end": day(each, "end_date"), "worker": worker, "role": "CW", "team_only": False}
        yield one.record("allocation", key, f"{f.WORKERS} of {f.EPISODES} {referral}", raw)


def _assessment(one: _Child, each: Element, key: str, where: str, referral: str) -> Iterator[Record]:
    start = day(each, "start_date")
    authorised = not_before(start, day(each, "authorisation_date"), "authorisation_date is before start_date")
    raw = {"start": start, "authorised": authorised, "referral": referral}
    yield one.record("assessment", key, where, raw)


def _cin_plan(one: _Child, each: Element, key: str, where: str, referral: str) -> Iterator[Record]:
    raw = {"start": day(each, "start_date"), "end": day(each, "end_date"), "referral": referral}
    yield one.record("cin_plan", key, where, raw)


def _cp_plan(one: _Child, each: Element, key: str, where: str, _: str) -> Iterator[Record]:
    """The payload does not say whose plan it is: every one is taken to be this authority's own."""
    span = {"start": day(each, "start_date"), "end": day(each, "end_date")}
    yield one.record("cp_plan", key, where, {**span, "other_authority": False})


def _s47(one: _Child, each: Element, key: str, where: str, referral: str) -> Iterator[Record]:
    """An enquiry may stay open past its conference; whether one is required is its outcome all the same."""
    end, required, held = day(each, "end_date"), _flag(each, "icpc_required_flag"), day(each, "icpc_date")
    outcome: str | Unreadable | None = None
    if isinstance(required, Unreadable):
        outcome = required
    elif required is False and held:
        outcome = Unreadable("no conference is required, but the day of one is recorded", "conflict")
    elif required or held:
        outcome = "conference"
    elif end is None:
        outcome = "open"
    elif required is False:
        outcome = "no_conference"
    raw = {"start": day(each, "start_date"), "end": end, "referral": referral, "outcome": outcome}
    yield one.record("s47", key, where, raw)
    if held:
        yield one.record("icpc", key, where, {"happened": held, "s47": key})


_Maker = Callable[[_Child, Element, str, str, str], Iterator[Record]]
_MAKERS: Final[dict[str, _Maker]] = {
    "child_and_family_assessments": _assessment,
    "child_in_need_plans": _cin_plan,
    "section_47_assessments": _s47,
    "child_protection_plans": _cp_plan,
}


def _leaver(one: _Child, episode: Element, referral: str) -> Iterator[Record]:
    leaver = episode.get(f.LEAVERS)
    if leaver is None:
        return
    happened = day(leaver, "contact_date")
    key = happened.isoformat() if isinstance(happened, date) else f"undated {referral}"
    if one.first(f.LEAVERS, key):
        yield one.record("leaver_contact", key, f"{f.LEAVERS} of {f.EPISODES} {referral}", {"happened": happened})


def _care(one: _Child, episodes: Iterable[Element]) -> Iterator[Record]:
    """All placements of the child, whichever episodes they stand in."""
    blocks: dict[date, Block] = {}
    for episode in episodes:
        for each in episode.get(f.PLACEMENTS, ()):
            block = _block(one, each, episode[f.EPISODE.key])
            if block is None:
                continue
            known = blocks.get(block.start)
            if known:
                one.aside(f.PLACEMENTS, SAME_START)
            else:
                one.first(f.PLACEMENTS, block.start.isoformat())
            if known is None or block.reach > known.reach:
                blocks[block.start] = block
    yield from looked_after(one.child, blocks.values(), one.window)


def _block(one: _Child, each: Element, referral: str) -> Block | None:
    key = each[f.WITHIN[f.PLACEMENTS].key]
    where = f"{f.PLACEMENTS} {key}"
    start, end = day(each, "start_date"), day(each, "end_date")
    if not isinstance(start, date):
        why = start.why.removeprefix("start_date ") if start else "is missing"
        one.ledger.of(f.PLACEMENTS).rows += 1
        one.ledger.reject(f.PLACEMENTS, where, why, "start_date")
        return None
    if isinstance(end, date) and end < start:
        end = Unreadable("end_date is before start_date", "conflict")
    reasons = _code(each, "start_reason"), _code(each, "end_reason")
    return Block(start, end, *reasons, _code(each, "placement_type"), _code(each, "change_reason"), referral, where)
