"""A child's chronology: everything the records say happened, in order, as a person would tell it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Final

from alertd.cases.kinds import KINDS
from alertd.cases.records import CaseFile, Record, in_words
from alertd.chronology.allocation import TOLD as TOLD_OF_ALLOCATION
from alertd.chronology.allocation import allocated, allocations
from alertd.chronology.care import KINDS_OF_CARE, alone, care, ended_because
from alertd.chronology.care import TOLD as TOLD_OF_CARE
from alertd.chronology.closing import closing
from alertd.chronology.entry import Entry
from alertd.chronology.groups import GROUP_OF, GROUPS, Group
from alertd.chronology.phrases import phrase
from alertd.chronology.telling import Named, Telling, moment, recorded_late
from alertd.chronology.words import lower_first, title

__all__ = ["GROUPS", "Entry", "Group", "chronology", "limits", "of_groups"]

_TOLD_WITH: Final = {
    "cp_plan": ("icpc",),
    "conference_decisions": ("icpc", "cp_review"),
    "review_record": ("cla_review",),
    "sdq_standing": ("sdq",),
}
"""Kinds told in the entry of another kind that began on the same day: they are of one event."""

_ROUTINE: Final = frozenset({"case_supervision", "delivery", "school_term"})
"""Kinds that come over and over: a run of them with nothing between is one entry."""
_RUN: Final = 3

_ENDS_FIRST: Final = frozenset({"assessment", "s47"})
"""Kinds whose end is what the rest of that day came of."""

_RANK: Final = {"child": -1, **{kind: n for n, kind in enumerate(GROUP_OF) if kind != "child"}}
"""In what order the things of one day are told: a birth first, then group by group."""


def chronology(case: CaseFile, today: date, named: Named = str) -> tuple[Entry, ...]:
    """Everything that happened to a child, in order of date; what has no usable date stands at the end.

    ``named`` gives the name of a worker or team by its key in the feed. The same records give the same
    entries, in whatever order they come.
    """
    telling = Telling.of(case, today, named)
    entries = [*_together(telling), *care(telling), *allocations(telling), *_undated(telling), *_left_out(telling)]
    entries += (entry for record in case.records if (entry := closing(record, telling)))
    return tuple(_runs(_in_order(entries)))


def limits(case: CaseFile) -> tuple[str, ...]:
    """What has to be known of the feeds before silence in a chronology is taken for an answer, as sentences."""
    found = []
    window = case.window
    if window.start or window.end:
        first = f"from {in_words(window.start)} " if window.start else ""
        last = f"to {in_words(window.end)}" if window.end else "on"
        found.append(f"The records speak for the days {first}{last}: that nothing is told of others proves nothing.")
    few = sorted({lower_first(title(record.kind)) for record in case.records if record.kind in case.latest})
    if few:
        found.append(f"Only the latest of each of these is held, whatever came before: {', '.join(few)}.")
    return tuple(found)


def of_groups(entries: Iterable[Entry], groups: frozenset[Group]) -> tuple[Entry, ...]:
    """Those of some groups alone, in the order given; all where no group is asked for."""
    return tuple(entry for entry in entries if not groups or entry.group in groups)


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    """By day; on one day beginnings before ends, but for ends that come first, and by time of day where it is known."""
    entries = list(entries)
    begun = {(ref, entry.day) for entry in entries if not entry.closes for ref in entry.records}

    def key(entry: Entry) -> tuple[date, int, int, str, bool, tuple[str, ...], str]:
        timed = entry.at.isoformat() if entry.at else ""
        slot = 1
        if entry.closes and entry.kind == "care_period" and (entry.records[0], entry.day) not in begun:
            slot = 0  # so that care that goes on as another period is told as it was
        elif entry.closes and not timed and entry.kind not in _ENDS_FIRST:
            slot = 3 if entry.kind == "referral" else 2
        return entry.day or date.max, slot, _RANK[entry.kind], timed, entry.closes, entry.records, entry.headline

    return sorted(entries, key=key)


def _runs(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries, with runs of routine ones that say the same made one."""
    for (kind, *_), same in groupby(entries, key=lambda e: (e.kind, e.headline, e.detail, e.day is None)):
        run = list(same)
        if kind not in _ROUTINE or len(run) < _RUN or run[0].day is None:
            yield from run
            continue
        records = tuple(ref for entry in run for ref in entry.records)
        yield replace(run[0], headline=f"{run[0].headline}, {len(run)} times", records=records, until=run[-1].day)


def _together(telling: Telling) -> Iterator[Entry]:
    """The entries of all kinds that are told one by one, each with what is of the same event."""
    guests: dict[str, list[Record]] = {}
    taken: set[str] = set()
    for kind, hosts in _TOLD_WITH.items():
        for day, record in telling.dated(kind):
            if host := _host(telling, record, day, hosts):
                guests.setdefault(host.ref, []).append(record)
                taken.add(record.ref)
    for record in telling.case.records:
        if record.ref in taken or record.kind in (*KINDS_OF_CARE, "allocation"):
            continue
        if on := telling.day(record):
            yield _entry(record, on, telling, guests.get(record.ref, []))


def _host(telling: Telling, record: Record, day: date, hosts: tuple[str, ...]) -> Record | None:
    """What a record is told with: of the same key rather than another, and held, not booked."""
    there = [(r.key != record.key, r.key, r) for kind in hosts for r in telling.by_kind.get(kind, ())]
    held = [each for each in there if each[2].day("happened") == day and telling.day(each[2])]
    return min(held, key=lambda each: each[:2])[2] if held else None


def _entry(record: Record, day: date | None, telling: Telling, guests: Iterable[Record] = ()) -> Entry:
    said = phrase(record, telling)
    headline = said.headline
    remarks = [*telling.timing(record), said.remark, *telling.remarks(record, said.told)]
    until = _until(record)
    for guest in guests:
        if guest.kind == "cp_plan":
            headline = f"{headline}: child protection plan made"
        told = ("conference",) if guest.kind == "cp_plan" else phrase(guest, telling).told
        remarks += telling.remarks(guest, told)
    return Entry(
        day,
        GROUP_OF[record.kind],
        record.kind,
        headline,
        " ".join(dict.fromkeys(part for part in remarks if part)),
        (record.ref, *(guest.ref for guest in guests)),
        until=until,
        recorded_late=recorded_late(record),
        at=moment(record),
    )


def _until(record: Record) -> date | None:
    """The day its state ended. What an assessment or a death ends is no state."""
    ends = KINDS[record.kind].ends
    return record.day(ends) if ends and record.kind != "child" else None


def _undated(telling: Telling) -> Iterator[Entry]:
    """What cannot be placed in time, told as such."""
    for record in telling.case.records:
        if telling.day(record) is not None:
            continue
        if record.kind in KINDS_OF_CARE:
            headline, remarks = alone(record), [*telling.remarks(record, TOLD_OF_CARE), *ended_because(record)]
        elif record.kind == "allocation":
            headline, remarks = allocated(record, telling), [*telling.remarks(record, TOLD_OF_ALLOCATION)]
        else:
            yield _entry(record, None, telling)
            continue
        group, until = GROUP_OF[record.kind], record.day("end")
        yield Entry(
            None, group, record.kind, headline, " ".join([*telling.timing(record), *remarks]), (record.ref,), until
        )


def _left_out(telling: Telling) -> Iterator[Entry]:
    """What one feed holds and the feed that should hold it does not: no record stands for it."""
    for ref, disputes in telling.disputes.items():
        for dispute in disputes if ref not in telling.by_ref else ():
            headline = f"In dispute: {lower_first(title(dispute.kind))}"
            detail = f"It is in {dispute.where} and not in {dispute.other}, so it is told nowhere else."
            yield Entry(None, GROUP_OF[dispute.kind], dispute.kind, headline, detail)
